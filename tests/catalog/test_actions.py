"""What people ask for is checked, and their words stand over every analysis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from catalog import actions, engine, scan, store, tasks
from catalog.models import Analysis, Edit, EmbeddingRemoval, Library, Run, Sound
from tests.catalog.conftest import MakeFile, analyze_now, scan_now, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def sound(library: Library, make_file: MakeFile) -> Sound:
    make_file("a.wav")
    scan_now(library)
    analyze_now()
    return library.sounds.select_related("library").get()


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_words_written_while_an_analysis_is_stored_stand_over_the_new_one(sound: Sound) -> None:
    def edit() -> None:
        try:
            actions.edit_sound(sound, description="Mine")
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    with transaction.atomic():
        row = Sound.objects.select_for_update().get(pk=sound.pk)
        new = Analysis.objects.get(sound=sound)
        new.pk, new.profile_fingerprint, new.label = None, "another", "other label"
        new.save()
        row.current_analysis = new
        row.save(update_fields=["current_analysis"])
        edited = pool.submit(edit)
        while not somebody_waits_for_a_lock():
            assert not edited.done()
    edited.result()
    sound.refresh_from_db()
    assert (sound.description, sound.label, sound.category) == ("Mine", "other label", new.category)


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


@pytest.mark.parametrize("folder", ["/proc", "/proc/self", "/sys", "/dev", "/dev/shm", "/run"])
def test_what_belongs_to_the_system_is_refused(folder: str) -> None:
    with pytest.raises(ValidationError, match="belongs to the system"):
        actions.add_library(folder)


def test_the_whole_file_system_is_refused() -> None:
    with pytest.raises(ValidationError, match="whole file system"):
        actions.add_library("/")


def test_libraries_do_not_lie_in_one_another(root: Path) -> None:
    (root / "rain").mkdir()
    (root.parent / "sounds 2").mkdir()
    library = actions.add_library(root, name="Mine")
    for folder, words in ((root / "rain", "lies in the library 'Mine'"), (root.parent, "holds the library 'Mine'")):
        with pytest.raises(ValidationError, match=words):
            actions.add_library(folder)
    actions.add_library(root.parent / "sounds 2")
    assert Library.objects.count() == 2
    assert actions.add_library(root) == library


def test_a_cancelled_run_leaves_what_waited_as_it_was(library: Library, make_file: MakeFile) -> None:
    for number in range(3):
        make_file(f"{number}.wav")
    scan_now(library)
    run = Run.objects.get(kind="analysis")
    tasks.analyze_sounds.fn([0], "balanced")
    heard, waiting, held = library.sounds.order_by("id")
    again = actions.analyze(Sound.objects.filter(pk=heard.pk), "fast")
    claimed = store.claim_sound(held.pk, "balanced", "worker/1")

    assert actions.cancel(run).state == actions.cancel(again).state == "cancelled"
    assert run.is_finished
    assert states(library) == {"0.wav": "analyzed", "1.wav": "new", "2.wav": "analyzing"}
    assert claimed is not None
    assert store.store_analysis(claimed, engine.analyzer().analyze(claimed.absolute_path, "balanced"), "worker/1")
    run.refresh_from_db()
    assert (run.state, run.done, run.total) == ("cancelled", 2, 3)
    tasks.analyze_sounds.fn([waiting.pk], "balanced")
    assert states(library)["1.wav"] == "new"


def test_a_cancelled_run_does_not_take_back_what_its_worker_broke_off(sound: Sound) -> None:
    run = actions.analyze(Sound.objects.all(), "fast")
    assert store.claim_sound(sound.pk, "fast", "worker/1")
    actions.cancel(run)
    store.release_worker("worker")
    sound.refresh_from_db()
    assert (sound.state, sound.wanted_profile) == ("analyzed", "")


def test_a_finished_run_is_not_cancelled(library: Library) -> None:
    assert actions.cancel(scan_now(library)).state == "done"


def test_a_cancelled_scan_stops_at_its_next_batch(
    library: Library, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        make_file(f"{number}.wav")
    monkeypatch.setattr(scan, "BATCH", 1)
    run = actions.start_scan(library)
    read = scan.read_facts
    monkeypatch.setattr(scan, "read_facts", lambda *file: (actions.cancel(run), read(*file))[1])

    tasks.scan_library.fn(run.pk)
    run.refresh_from_db()
    assert (run.state, library.sounds.count()) == ("cancelled", 1)
    assert actions.start_scan(library) != run


def test_a_removed_library_is_forgotten_and_its_files_stay(sound: Sound, root: Path) -> None:
    actions.edit_sound(sound, description="mine")
    other = Library.objects.create(name="Other", root="/other")
    kept = Sound.objects.create(library=other, path="b.wav", file_name="b.wav", size_bytes=1, modified_ns=1)
    run = actions.analyze(Sound.objects.all(), "fast")

    actions.remove_library(sound.library)
    run.refresh_from_db()
    assert (run.state, run.total) == ("waiting", 1)
    assert list(Sound.objects.all()) == [kept]
    assert not Edit.objects.exists()
    assert not Run.objects.exclude(pk=run.pk).exists()
    assert EmbeddingRemoval.objects.filter(sound_id=sound.pk).exists()  # what tells the index
    assert (root / "a.wav").exists()


def test_a_claimed_sound_that_vanished_is_no_error(sound: Sound) -> None:
    actions.analyze(Sound.objects.all(), "fast")
    claimed = store.claim_sound(sound.pk, "fast", "worker/1")
    assert claimed is not None
    analyzed = engine.analyzer().analyze(claimed.absolute_path, "fast")
    actions.remove_library(sound.library)
    assert not store.store_analysis(claimed, analyzed, "worker/1")
    assert not store.fail_sound(claimed, "gone", "worker/1")
    tasks.analyze_sounds.fn([sound.pk], "fast")


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
