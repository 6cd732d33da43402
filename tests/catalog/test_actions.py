"""What people ask for is checked, and their words stand over every analysis."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from catalog import actions
from catalog.models import Edit, Library, Sound
from tests.catalog.conftest import MakeFile, analyze_now, scan_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def sound(library: Library, make_file: MakeFile) -> Sound:
    make_file("a.wav")
    scan_now(library)
    analyze_now()
    return library.sounds.select_related("library").get()


def test_a_folder_becomes_a_library_of_its_name(root: Path) -> None:
    library = actions.add_library(root)
    assert (library.name, library.root, library.profile) == ("sounds", str(root), "balanced")


def test_the_same_folder_is_the_same_library(root: Path, tmp_path: Path) -> None:
    library = actions.add_library(root)
    (tmp_path / "link").symlink_to(root)

    assert actions.add_library(f"{root}/") == library
    assert actions.add_library(tmp_path / "link", profile="fast").profile == "fast"


def test_another_folder_of_the_same_name_gets_a_number(tmp_path: Path) -> None:
    for place in ("one", "two", "three"):
        (tmp_path / place / "Effects").mkdir(parents=True)
        actions.add_library(tmp_path / place / "Effects")
    assert list(Library.objects.values_list("name", flat=True)) == ["Effects", "Effects (2)", "Effects (3)"]


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("", "Name a folder"),
        ("a\0b", "Name a folder"),
        ("sounds", "is not a full path"),
        ("/nothing/here", "There is no folder"),
        (__file__, "is a file"),
        ("/" + "x" * 5000, "cannot be read"),
        ("~nobody-of-this-name/sounds", "home of a user who is not on this machine"),
    ],
)
def test_what_is_no_folder_is_refused_with_the_reason(folder: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        actions.add_library(folder)


def test_a_name_that_cannot_be_stored_is_made_storable(root: Path) -> None:
    assert actions.add_library(root, "Rain\0 \ud800").name.startswith("Rain\N{REPLACEMENT CHARACTER}")


def test_unknown_profiles_are_refused_with_the_known_ones(root: Path, library: Library) -> None:
    with pytest.raises(ValidationError, match="balanced, fast"):
        actions.add_library(root, profile="best")
    with pytest.raises(ValidationError, match="balanced, fast"):
        actions.analyze(Sound.objects.all(), "best")


def test_a_profile_whose_model_is_not_here_is_refused_with_what_to_do(library: Library) -> None:
    with pytest.raises(ValidationError, match="timbre model install"):
        actions.analyze(Sound.objects.all(), "compact_model")


def test_edits_win_over_this_and_every_later_analysis(sound: Sound) -> None:
    actions.edit_sound(sound, description="  My own\nwords ", category="weather", tags=["rain", " rain ", "roof"])
    actions.analyze(Sound.objects.all(), "fast")
    analyze_now()

    sound.refresh_from_db()
    assert (sound.description, sound.category, sound.tags) == ("My own words", "weather", ["rain", "roof"])
    assert sound.current_analysis is not None
    assert sound.current_analysis.profile == "fast"
    assert sound.current_analysis.description != "My own words"
    assert sound.search_words.splitlines()[0] == "My own words"


def test_a_withdrawn_edit_lets_the_analysis_speak_again(sound: Sound) -> None:
    spoken = sound.description
    actions.edit_sound(sound, description="mine", tags=[])
    assert Sound.objects.get().tags == []

    actions.edit_sound(sound, description="", withdraw=["tags"])

    sound.refresh_from_db()
    assert sound.current_analysis is not None
    assert (sound.description, sound.tags) == (spoken, sound.current_analysis.tags)
    assert Edit.objects.count() == 4


def test_what_says_nothing_new_is_no_edit(sound: Sound) -> None:
    actions.edit_sound(sound, description=sound.description, category=sound.category, tags=sound.tags)
    actions.edit_sound(sound, description="")
    assert not Edit.objects.exists()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"category": "nonsense"}, "there are: "),
        ({"description": "x" * 3000}, "at most 2000"),
        ({"tags": ["x" * 121]}, "at most 120"),
        ({"tags": [str(number) for number in range(101)]}, "at most 100 tags"),
    ],
)
def test_edits_that_cannot_be_are_refused(sound: Sound, edit: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        actions.edit_sound(sound, **edit)  # type: ignore[arg-type]
    assert not Edit.objects.exists()


def test_missing_sounds_are_left_out_of_a_run(sound: Sound, root: Path) -> None:
    (root / "a.wav").unlink()
    scan_now(sound.library)
    assert actions.analyze(Sound.objects.all(), "fast").total == 0
