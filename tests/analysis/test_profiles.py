"""The configuration file and its profiles."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import ConfigurationError, UnknownProfile
from analysis.profiles import AnalysisProfile, Profiles, load_profiles

NAMES = [
    "balanced", "fast", "precise", "conservative", "sensitive", "micro_events", "broad_search", "clip_only",
    "compact_model",
]  # fmt: skip


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_nine_profiles_are_there(profiles: Profiles) -> None:
    assert list(profiles.names) == NAMES
    assert len({profile.fingerprint for profile in profiles}) == len(NAMES)


def test_an_unknown_profile_is_told_with_the_names_there_are(profiles: Profiles) -> None:
    with pytest.raises(UnknownProfile, match="no profile 'best'; there are: balanced, fast"):
        profiles.get("best")


def test_the_fingerprint_covers_what_changes_results_and_nothing_else() -> None:
    base = AnalysisProfile(name="a", description="one")
    assert base.fingerprint == AnalysisProfile(name="b", description="two").fingerprint
    assert base.fingerprint != AnalysisProfile(name="a", min_confidence=0.3).fingerprint
    assert base.fingerprint != base.model_copy(update={"windowed": False}).fingerprint


def test_windows_do_not_count_where_there_are_none() -> None:
    short = AnalysisProfile(name="a", windowed=False, window_s=1.0)
    assert short.fingerprint == AnalysisProfile(name="a", windowed=False, window_s=2.0).fingerprint


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("window_s: 1.5", "must divide 10 s"),
        ("hop_s: 3", "longer than window_s"),
        ("min_confidence: 2", "min_confidence"),
        ("windw_s: 2", "windw_s"),
        ("prompt_template: a sound", "needs one {}"),
    ],
)
def test_a_wrong_setting_is_told_with_its_profile(tmp_path: Path, setting: str, says: str) -> None:
    path = write(tmp_path, f"profiles:\n  mine:\n    {setting}\n")
    with pytest.raises(ConfigurationError, match=f"mine.*{says}"):
        load_profiles(path)


def test_profiles_take_what_they_do_not_change_from_base(tmp_path: Path) -> None:
    path = write(tmp_path, "base: {min_confidence: 0.4}\nprofiles: {mine: {hop_s: 1.0}, other: }\n")
    profiles = load_profiles(path)
    assert (profiles.get("mine").min_confidence, profiles.get("mine").hop_s) == (0.4, 1.0)
    assert profiles.get("other").hop_s == 0.5


@pytest.mark.parametrize("text", ["", "profiles: {}", "profiles: [", "base: 3"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError):
        load_profiles(write(tmp_path, text))
