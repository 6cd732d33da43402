"""What a person did wrong and can put right: told in one line, exit code 2."""

from __future__ import annotations

import click


class WrongUse(click.ClickException):
    exit_code = 2
