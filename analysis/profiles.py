"""Named settings of an analysis: what a profile is, and the file they come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from analysis.errors import ConfigurationError, UnknownProfile

DEFAULT_MODEL = "default"  # the usual model where it is installed, else the starter model
DEFAULT_PROFILE = "balanced"
CLIP_S = 10.0  # what a CLAP model hears at once
WHOLE_REPEATS_TOLERANCE = 1e-9


class AnalysisProfile(BaseModel):
    """How thorough an analysis is and how sure it has to be.

    Attributes
    ----------
    model_id : str
        Repository name, folder, or `default`.
    revision : str or None
        Commit of the repository; None is the pinned one of a known model, else the newest on the machine.
    prompt_template : str or None
        Sentence around a label, `{}` for the label; None is what the model was measured best with.
    windowed : bool
        Whether sliding windows look for events.
    window_s, hop_s : float
        Seconds; a window divides ten seconds, because shorter input is repeated to fill them.
    min_confidence : float
        Score from which a label is a tag or begins an event.
    top_k_categories : int or None
        Categories that the second stage looks into; None is all.
    max_windows : int
        Of one sound; in a longer one so many are spread evenly. 3,600 of 2 s cover two hours without a gap.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = ""
    model_id: str = DEFAULT_MODEL
    revision: str | None = None
    prompt_template: str | None = None
    windowed: bool = True
    window_s: float = Field(default=2.0, ge=0.1, le=CLIP_S)
    hop_s: float = Field(default=0.5, ge=0.05, le=CLIP_S)
    min_confidence: float = Field(default=0.25, ge=0.0, le=1.0)
    top_k_categories: int | None = Field(default=5, ge=1)
    max_windows: int = Field(default=3_600, ge=2)

    @model_validator(mode="after")
    def _check(self) -> AnalysisProfile:
        repeats = CLIP_S / self.window_s
        if abs(repeats - round(repeats)) > WHOLE_REPEATS_TOLERANCE:
            raise ValueError(f"window_s must divide {CLIP_S:g} s (1, 1.25, 2, 2.5, 5, 10), got {self.window_s:g}")
        if self.hop_s > self.window_s:
            raise ValueError(f"hop_s {self.hop_s:g} is longer than window_s {self.window_s:g}: sound would be skipped")
        if self.prompt_template is not None and self.prompt_template.count("{}") != 1:
            raise ValueError(f"prompt_template needs one {{}} for the label, got {self.prompt_template!r}")
        return self

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits of all that changes results, and of nothing else."""
        settings: dict[str, object] = {
            "model_id": self.model_id,
            "revision": self.revision,
            "prompt_template": self.prompt_template,
            "window_s": self.window_s if self.windowed else None,
            "hop_s": self.hop_s if self.windowed else None,
            "max_windows": self.max_windows if self.windowed else None,
            "min_confidence": self.min_confidence,
            "top_k_categories": self.top_k_categories,
        }
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


class Profiles:
    """The profiles of a configuration file, in its order; think of it as a read-only dict by name.

    Parameters
    ----------
    profiles : tuple of AnalysisProfile
    config_name : str
        Name of the file, for provenance.
    """

    def __init__(self, profiles: tuple[AnalysisProfile, ...], *, config_name: str = "") -> None:
        self._by_name = {profile.name: profile for profile in profiles}
        self.config_name = config_name

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the file."""
        return tuple(self._by_name)

    def __iter__(self) -> Iterator[AnalysisProfile]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> AnalysisProfile:
        """Find a profile by its name.

        Raises
        ------
        UnknownProfile
            With the names that there are.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownProfile(f"no profile {name!r}; there are: {', '.join(self._by_name)}") from None


class _ProfilesFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    base: dict[str, Any] = {}
    profiles: dict[str, dict[str, Any] | None] = Field(min_length=1)


def load_profiles(path: Path) -> Profiles:
    """Read a configuration file: `base` settings and under `profiles` what each changes.

    Parameters
    ----------
    path : Path
        YAML.

    Returns
    -------
    Profiles

    Raises
    ------
    ConfigurationError
        Unreadable, of another shape, or a value out of range; the message names the profile and the setting.
    """
    try:
        tree = _ProfilesFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigurationError(f"profiles {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"profiles {path} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise ConfigurationError(f"profiles {path}: {_first_message(error)}") from error
    profiles = tuple(_profile(path, name, tree.base | (changes or {})) for name, changes in tree.profiles.items())
    return Profiles(profiles, config_name=path.name)


def _profile(path: Path, name: str, settings: dict[str, Any]) -> AnalysisProfile:
    try:
        return AnalysisProfile.model_validate({**settings, "name": name})
    except ValidationError as error:
        raise ConfigurationError(f"profiles {path}: {name}: {_first_message(error)}") from error


def _first_message(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]
