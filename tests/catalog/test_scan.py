"""A scan brings the rows in step with the files, whatever happens to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analysis import audio
from catalog import actions, scan, tasks
from catalog.models import Library, Run, Sound
from tests.catalog.conftest import MakeFile, analyze_now, scan_now, states

pytestmark = pytest.mark.django_db


def test_new_files_become_sounds_that_are_queued(library: Library, make_file: MakeFile) -> None:
    make_file("rain/Heavy_Rain01.wav")
    make_file("door.flac")

    run = scan_now(library)

    assert states(library) == {"door.flac": "queued", "rain/Heavy_Rain01.wav": "queued"}
    assert (run.state, run.total, run.findings["new"]) == ("done", 2, 2)
    assert run.followers.get().total == 2
    door = library.sounds.get(path="door.flac")
    assert (door.format, door.duration_s, door.channels, door.sample_rate_hz) == ("FLAC", 0.5, 1, 8_000)


def test_an_unchanged_library_is_left_alone(library: Library, make_file: MakeFile) -> None:
    for number in range(30):
        make_file(f"{number}.wav")
    scan_now(library)

    with CaptureQueriesContext(connection) as queries:
        run = scan_now(library)

    assert run.findings["unchanged"] == 30
    assert not run.followers.exists()
    assert len(queries) < 20  # none for a file


def test_no_file_is_opened_twice_for_nothing(
    library: Library, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_file("a.wav")
    scan_now(library)

    def refuse(path: Path) -> audio.AudioFacts:
        raise AssertionError(f"{path} was opened")

    monkeypatch.setattr(scan, "probe", refuse)
    assert scan_now(library).findings["unchanged"] == 1


def test_a_changed_file_is_analyzed_again(library: Library, make_file: MakeFile) -> None:
    make_file("a.wav", seed=1)
    scan_now(library)
    analyze_now()
    before = library.sounds.get()

    make_file("a.wav", seed=2, duration_s=0.75)
    run = scan_now(library)
    assert (run.findings["changed"], run.followers.get().total) == (1, 1)
    analyze_now()

    after = library.sounds.get()
    assert after.pk == before.pk
    assert after.content_hash != before.content_hash
    assert after.duration_s == 0.75
    assert after.analyses.count() == 1
    assert after.embeddings.count() == 1


def test_a_moved_file_keeps_its_row_and_what_people_said(library: Library, make_file: MakeFile, root: Path) -> None:
    path = make_file("old/Track 18.wav")
    scan_now(library)
    analyze_now()
    before = actions.edit_sound(library.sounds.get(), description="Rain on my roof")

    (root / "new").mkdir()
    path.rename(root / "new" / "RainRoof.wav")
    run = scan_now(library)

    after = library.sounds.get()
    assert (after.pk, after.path, after.state) == (before.pk, "new/RainRoof.wav", "analyzed")
    assert after.description == "Rain on my roof"
    assert "roof" in after.search_name
    assert (run.findings["moved"], run.findings["new"], run.findings["missing"]) == (1, 0, 0)
    assert not run.followers.exists()


def test_a_moved_file_is_a_loop_by_its_new_name(library: Library, make_file: MakeFile, root: Path) -> None:
    path = make_file("Track 18.wav")
    scan_now(library)
    analyze_now()
    for name, is_loop in (("Drum Loop.wav", True), ("Drum.wav", False), ("drums_looped.wav", True)):
        path = path.rename(root / name)
        assert scan_now(library).findings["moved"] == 1
        assert library.sounds.get().is_loop is is_loop


def test_a_moved_file_is_a_loop_by_its_beats_whatever_its_name(
    library: Library, make_file: MakeFile, root: Path
) -> None:
    path = make_file("Drum Loop.wav")
    scan_now(library)
    analyze_now()
    analysis = library.sounds.get().current_analysis
    assert analysis is not None
    analysis.record["metadata"]["duration_s"] = 2.0  # four beats
    beats = {"tempo_bpm": 120.0, "rhythm_regularity": 0.9, "leading_silence_s": 0.0, "trailing_silence_s": 0.0}
    analysis.record["acoustic_summary"] |= beats
    analysis.save()
    path.rename(root / "Drum.wav")
    assert scan_now(library).findings["moved"] == 1
    assert library.sounds.get().is_loop


def test_a_copy_is_new_and_counted_as_a_duplicate(library: Library, make_file: MakeFile, root: Path) -> None:
    path = make_file("a.wav")
    scan_now(library)

    (root / "copy.wav").write_bytes(path.read_bytes())
    run = scan_now(library)

    assert (run.findings["new"], run.findings["duplicate"], run.findings["moved"]) == (1, 1, 0)


def test_a_missing_file_comes_back_as_it_was(library: Library, make_file: MakeFile, root: Path) -> None:
    path = make_file("a.wav")
    scan_now(library)
    analyze_now()
    aside = path.rename(root.parent / "a.wav")

    assert scan_now(library).findings["missing"] == 1
    assert states(library) == {"a.wav": "missing"}
    assert "no longer" in library.sounds.get().error

    aside.rename(path)
    run = scan_now(library)
    assert (run.findings["back"], run.followers.exists()) == (1, False)
    assert states(library) == {"a.wav": "analyzed"}


def test_a_file_that_was_missing_and_moved_is_recognized(library: Library, make_file: MakeFile, root: Path) -> None:
    path = make_file("a.wav")
    scan_now(library)
    analyze_now()
    sound = library.sounds.get()
    aside = path.rename(root.parent / "aside.wav")
    scan_now(library)

    aside.rename(root / "b.wav")
    scan_now(library)

    sound.refresh_from_db()
    assert (sound.path, sound.state, sound.error) == ("b.wav", "analyzed", "")


def test_broken_files_are_failed_rows_with_the_reason(library: Library, make_file: MakeFile, root: Path) -> None:
    make_file("good.wav")
    (root / "empty.wav").touch()
    (root / "text.wav").write_text("this is no sound")
    (root / "header.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")

    run = scan_now(library)

    assert states(library) == {
        "empty.wav": "failed",
        "good.wav": "queued",
        "header.wav": "failed",
        "text.wav": "failed",
    }
    assert "empty (0 bytes)" in library.sounds.get(path="empty.wav").error
    assert "not a sound file" in library.sounds.get(path="text.wav").error
    assert (run.findings["unreadable"], run.failed, run.done) == (3, 3, 1)
    assert set(run.sounds.values_list("path", flat=True)) == {"empty.wav", "header.wav", "text.wav"}


def test_a_broken_file_that_was_copied_again_is_analyzed(library: Library, make_file: MakeFile, root: Path) -> None:
    (root / "a.wav").touch()
    scan_now(library)

    make_file("a.wav")
    scan_now(library)
    analyze_now()

    assert states(library) == {"a.wav": "analyzed"}


@pytest.mark.parametrize(
    "name",
    ["new\nline.wav", "tab\t and 'quotes' \"both\".wav", "🌧️☔ Regen.wav", f"{'x' * 246}.wav", "ü" * 120 + ".wav"],
)
def test_odd_names_survive(library: Library, make_file: MakeFile, name: str) -> None:
    make_file(name)
    scan_now(library)
    analyze_now()

    sound = library.sounds.get()
    assert (sound.path, sound.raw_path, sound.state) == (name, None, "analyzed")
    assert scan_now(library).findings["unchanged"] == 1


def test_a_name_that_is_not_utf8_survives(library: Library, make_file: MakeFile) -> None:
    make_file(os.fsdecode(b"caf\xe9/t\xfcr.wav"))
    scan_now(library)
    analyze_now()

    sound = library.sounds.get()
    assert (sound.path, sound.state) == (r"caf\xe9/t\xfcr.wav", "analyzed")
    assert sound.absolute_path.exists()
    assert scan_now(library).findings["unchanged"] == 1


def test_a_deep_path_longer_than_an_index_entry_survives(library: Library, make_file: MakeFile) -> None:
    folders = ["".join(chr(0x4E00 + (17 * place + step) % 9_000) for step in range(80)) for place in range(14)]
    make_file("/".join([*folders, "a.wav"]))

    scan_now(library)

    assert len(library.sounds.get().path.encode()) > 2_800
    assert scan_now(library).findings["unchanged"] == 1


def test_a_library_whose_drive_is_gone_loses_nothing(library: Library, make_file: MakeFile, root: Path) -> None:
    make_file("a.wav")
    scan_now(library)
    analyze_now()
    root.rename(root.parent / "unmounted")

    run = scan_now(library)

    assert (run.state, states(library)) == ("failed", {"a.wav": "analyzed"})
    assert "is its drive mounted?" in run.error


def test_sounds_in_a_folder_that_cannot_be_read_are_not_missing(
    library: Library, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_file("closed/a.wav")
    make_file("closed too/b.wav").unlink()
    scan_now(library)
    analyze_now()
    scandir = os.scandir

    def refuse(path: Path) -> object:  # for root, who runs tests in containers, no folder is closed
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    run = scan_now(library)

    assert states(library) == {"closed/a.wav": "analyzed"}
    assert run.problems == [{"path": "closed", "reason": "the folder cannot be read: Permission denied"}]


def test_asking_twice_for_a_scan_is_asking_once(library: Library) -> None:
    first = tasks.start_scan(library)
    assert tasks.start_scan(library) == first
    tasks.scan_library.fn(first.pk)
    assert tasks.start_scan(library) != first


def test_a_scan_that_breaks_off_is_due_again(
    library: Library, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_file("a.wav")
    run = tasks.start_scan(library)

    def break_off(path: Path) -> audio.AudioFacts:
        raise MemoryError("too much")

    with monkeypatch.context() as broken:
        broken.setattr(scan, "probe", break_off)
        for _ in range(tasks.MAX_SCAN_ATTEMPTS):
            with pytest.raises(MemoryError):
                tasks.scan_library.fn(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error) == ("waiting", "MemoryError: too much")

    tasks.scan_library.fn(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "MemoryError: too much")


def test_a_scan_may_be_broken_off_between_rows_and_run(library: Library, make_file: MakeFile) -> None:
    make_file("a.wav")
    scan.scan_library(library, Run.objects.create(kind="scan", state="done", library=library))
    assert Sound.objects.get().state == "new"

    assert scan_now(library).followers.get().total == 1


def begin_scan(library: Library) -> scan.LibraryScan:
    """A scan that has read the rows and not yet met the files."""
    return scan.LibraryScan(library, Run.objects.create(kind="scan", library=library, state="done"))


def test_a_changed_sound_that_was_queued_meanwhile_stays_in_its_run(library: Library, make_file: MakeFile) -> None:
    make_file("a.wav", seed=1)
    scan_now(library)
    analyze_now()
    begun = begin_scan(library)

    run = tasks.start_analysis(Sound.objects.all(), "fast")
    make_file("a.wav", seed=2, duration_s=0.75)
    assert begun.scan().changed == 1

    sound = library.sounds.get()
    assert (sound.state, sound.run, sound.duration_s) == ("queued", run, 0.75)
    analyze_now(run)
    assert (run.state, run.done) == ("done", 1)


def test_a_sound_that_changed_after_it_was_analyzed_during_the_scan_is_due_again(
    library: Library, make_file: MakeFile
) -> None:
    make_file("a.wav", seed=1)
    scan_now(library)
    begun = begin_scan(library)  # to which it is queued

    analyze_now()
    make_file("a.wav", seed=2, duration_s=0.75)
    begun.scan()

    assert states(library) == {"a.wav": "new"}


def test_a_file_that_came_back_and_was_queued_meanwhile_stays_in_its_run(
    library: Library, make_file: MakeFile, root: Path
) -> None:
    path = make_file("a.wav")
    scan_now(library)
    analyze_now()
    aside = path.rename(root.parent / "a.wav")
    scan_now(library)
    begun = begin_scan(library)

    aside.rename(path)
    actions.retry(library.sounds.get())
    assert begun.scan().back == 0

    assert states(library) == {"a.wav": "queued"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_queue")
def test_files_are_read_outside_of_transactions(
    library: Library, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = scan.read_facts
    was_open: list[bool] = []

    def look(path: Path, size_bytes: int) -> scan.FileFacts:
        was_open.append(connection.in_atomic_block)
        return read(path, size_bytes)

    monkeypatch.setattr(scan, "read_facts", look)
    make_file("a.wav", seed=1)
    scan_now(library)
    analyze_now()
    make_file("a.wav", seed=2, duration_s=0.75)
    scan_now(library)

    assert was_open == [False, False]


def test_a_scan_that_ends_while_it_is_asked_for_is_the_answer(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tasks.start_scan(library)
    create = Run.objects.bulk_create

    def end_first(runs: list[Run], *, ignore_conflicts: bool) -> list[Run]:
        made = create(runs, ignore_conflicts=ignore_conflicts)
        Run.objects.filter(pk=first.pk).update(state="done")
        return made

    monkeypatch.setattr(Run.objects, "bulk_create", end_first)
    assert tasks.start_scan(library) == first
