"""From options of the command line to an analyzer, without Django."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from config import home
from config.cli.errors import WrongUse

if TYPE_CHECKING:
    from analysis.pipeline import Analyzer
    from analysis.profiles import AnalysisProfile, Profiles
    from analysis.vocabulary import Vocabulary

P = ParamSpec("P")
R = TypeVar("R")

CONFIG = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the options say, as given."""

    profiles: tuple[str, ...] = ()
    all_profiles: bool = False
    model: str | None = None
    config_path: Path | None = None
    vocabulary_path: Path | None = None
    labels: str | None = None
    no_windowed: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """An analyzer, the profiles to apply, and those that cannot be."""

    analyzer: Analyzer
    profiles: list[AnalysisProfile]
    left_out: dict[str, str]  # name of the profile: why


def told_in_one_line(command: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        from analysis.errors import AnalysisError

        try:
            return command(*args, **kwargs)
        except AnalysisError as error:
            raise WrongUse(str(error)) from error

    return wrapped


def home_folder() -> Path:
    return Path(os.environ.get("TIMBRE_HOME") or home.DEFAULT_HOME).expanduser()


def models_folder() -> Path:
    return Path(os.environ.get("TIMBRE_MODELS_DIR") or home_folder() / home.MODELS).expanduser()


def calibration_folder() -> Path:
    return Path(os.environ.get("TIMBRE_CALIBRATION_DIR") or home_folder() / home.CALIBRATION).expanduser()


def list_profiles(choice: Choice) -> Profiles:
    from analysis.profiles import load_profiles

    return load_profiles(choice.config_path or CONFIG / "config.yaml")


def chosen_vocabulary(choice: Choice) -> Vocabulary:
    from analysis.vocabulary import custom_vocabulary, load_vocabulary

    if choice.labels is not None:
        return custom_vocabulary(choice.labels.split(","))
    return load_vocabulary(choice.vocabulary_path or CONFIG / "vocabulary.yaml", ucs_path=CONFIG / "ucs.csv")


def open_analyzer(choice: Choice) -> Session:
    """Everything that can be wrong with the options is told before any sound is read."""
    from analysis.errors import ModelUnavailable
    from analysis.pipeline import Analyzer

    if choice.all_profiles and choice.profiles:
        raise WrongUse("--all-profiles and --profile exclude each other; leave one out")
    profiles = list_profiles(choice)
    wanted = [_changed(profile, choice) for profile in _wanted(profiles, choice)]
    analyzer = Analyzer(
        profiles=profiles,
        vocabulary=chosen_vocabulary(choice),
        models_dir=models_folder(),
        cache_dir=home_folder() / home.CACHE,
        model_override=os.environ.get("TIMBRE_MODEL") or None,
        device=os.environ.get("TIMBRE_DEVICE") or None,
        backend=os.environ.get("TIMBRE_BACKEND") or None,
        calibration_dir=calibration_folder(),
    )
    usable, left_out = [], {}
    for profile in wanted:
        try:
            analyzer.source(profile)
            usable.append(profile)
        except ModelUnavailable as error:
            if not choice.all_profiles:
                raise
            left_out[profile.name] = str(error)
    if not usable:
        raise WrongUse(next(iter(left_out.values()), "no profile to apply"))
    for name, reason in left_out.items():
        click.echo(f"profile {name} is left out: {reason}", err=True)
    if choice.labels is not None:
        warn_of_unknown_words(analyzer, usable)
    return Session(analyzer, usable, left_out)


def warn_of_unknown_words(analyzer: Analyzer, profiles: list[AnalysisProfile]) -> None:
    """Tell which words of labels given by hand a model cannot read; they are compared as they stand all the same."""
    from catalog.wording import KnownWords, read_query

    sources = {source.key: source for source in map(analyzer.source, profiles)}
    for key, source in sources.items():
        knows = KnownWords(source).knows
        for label in analyzer.vocabulary.labels:
            reading = read_query(label.name, knows, {})
            nothing = f"The model does not know “{label.name}”: its score says nothing."
            if notice := reading.notice if reading.text else nothing:
                click.echo(f"{key.model_id}: {notice}", err=True)


def _wanted(profiles: Profiles, choice: Choice) -> list[AnalysisProfile]:
    from analysis.profiles import DEFAULT_PROFILE

    if choice.all_profiles:
        return list(profiles)
    if not choice.profiles and DEFAULT_PROFILE not in profiles.names:
        return [next(iter(profiles))]  # a file of one's own: its first
    return [profiles.get(name) for name in dict.fromkeys(choice.profiles or (DEFAULT_PROFILE,))]


def _changed(profile: AnalysisProfile, choice: Choice) -> AnalysisProfile:
    changes: dict[str, object] = {}
    if choice.no_windowed:
        changes["windowed"] = False
    if choice.model:
        changes |= {"model_id": choice.model, "revision": None}
    return profile.model_copy(update=changes)
