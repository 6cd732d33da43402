"""Errors of the packages that a person can put right, told in one line."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.core.exceptions import ImproperlyConfigured, ValidationError

from analysis.errors import AnalysisError
from config.cli.errors import WrongUse
from config.embedded_postgres import DatabaseUnavailable

P = ParamSpec("P")
R = TypeVar("R")


def told_in_one_line(command: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except ValidationError as error:
            raise WrongUse("; ".join(error.messages)) from error
        except (AnalysisError, DatabaseUnavailable, ImproperlyConfigured) as error:
            raise WrongUse(str(error)) from error

    return wrapped
