"""Claims hold once, results are written whole, and every run ends exactly once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from analysis.errors import ModelUnavailable, UnreadableAudio
from analysis.pipeline import Analyzer
from catalog import actions, engine, store, tasks
from catalog.models import Embedding, Library, Run, Sound
from tests.catalog.conftest import MakeFile, analyze_now, scan_now, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def sound(library: Library, make_file: MakeFile) -> Sound:
    make_file("a.wav")
    scan_now(library)
    return library.sounds.select_related("library").get()


def claimed(sound: Sound, claim: str = "worker/1") -> Sound:
    found = store.claim_sound(sound.pk, sound.wanted_profile, claim)
    assert found is not None
    return found


def test_a_sound_is_claimed_by_one(sound: Sound) -> None:
    assert store.claim_sound(sound.pk, "balanced", "worker/1") is not None
    assert store.claim_sound(sound.pk, "balanced", "worker/2") is None


def test_runs_take_turns(library: Library) -> None:
    for start, count in ((0, 20), (20, 12)):
        run = Run.objects.create(kind="analysis", library=library, profile="fast", total=count)
        Sound.objects.bulk_create(
            Sound(library=library, path=f"{number}", file_name="", size_bytes=1, modified_ns=1, state="queued", run=run)
            for number in range(start, start + count)
        )
    first, second = Run.objects.order_by("id").values_list("id", flat=True)
    turns = [store.take_turn() for _ in range(4)]
    assert turns == [first, second, first, second]
    sound = store.claim_next(second, "worker/1")
    assert sound is not None
    assert (sound.run_id, sound.path, sound.run.state if sound.run else "") == (second, "20", "running")
    Sound.objects.filter(run=second).update(state="new")
    assert [store.take_turn(), store.take_turn()] == [first, first]
    assert store.claim_next(second, "worker/1") is None


def test_a_message_for_another_profile_claims_nothing(sound: Sound) -> None:
    assert store.claim_sound(sound.pk, "fast", "worker/1") is None


def test_an_analysis_is_stored_whole(sound: Sound) -> None:
    analyze_now()

    sound.refresh_from_db()
    analysis, embedding = sound.analyses.get(), sound.embeddings.get()
    assert (sound.state, sound.current_analysis_id, sound.label) == ("analyzed", analysis.pk, analysis.label)
    assert analysis.record["primary_label"] == analysis.label
    assert analysis.model_id == engine.active_model().model_id
    clip = np.frombuffer(bytes(embedding.clip), "<f4")
    assert clip.shape == (embedding.dim,)
    assert np.linalg.norm(clip) == pytest.approx(1, abs=1e-5)
    assert np.frombuffer(bytes(embedding.windows), "<f2").size % embedding.dim == 0
    assert (embedding.window_s, embedding.hop_s) == (2.0, 0.5)
    assert embedding.changed_xid > 0
    assert sound.peaks is not None
    assert len(bytes(sound.peaks)) == 2 * 800


def test_the_result_of_a_lost_claim_is_not_stored(sound: Sound) -> None:
    mine = claimed(sound)
    analyzed = engine.analyzer().analyze(mine.absolute_path, "balanced")
    store.release_worker("worker")
    claimed(sound, "other/1")

    assert not store.store_analysis(mine, analyzed, "worker/1")
    assert not store.fail_sound(mine, "too late", "worker/1")
    sound.refresh_from_db()
    assert (sound.state, sound.claimed_by, sound.analyses.count()) == ("analyzing", "other/1", 0)
    assert store.store_analysis(mine, analyzed, "other/1")


def test_the_same_profile_again_replaces_its_analysis_and_another_adds_one(sound: Sound) -> None:
    for profile in ("balanced", "balanced", "fast", "clip_only"):
        actions.analyze(Sound.objects.all(), profile)
        analyze_now()

    sound.refresh_from_db()
    assert sorted(sound.analyses.values_list("profile", flat=True)) == ["balanced", "clip_only", "fast"]
    assert sound.current_analysis is not None
    assert sound.current_analysis.profile == "clip_only"
    assert sorted(sound.embeddings.values_list("window_s", flat=True)) == [0.0, 2.0, 2.5]


def test_a_failed_sound_keeps_its_earlier_analysis_and_can_be_tried_again(sound: Sound, root: Path) -> None:
    analyze_now()
    described = Sound.objects.get().description
    good = (root / "a.wav").read_bytes()
    (root / "a.wav").write_bytes(good[:3000])

    run = actions.analyze(Sound.objects.all(), "fast")
    analyze_now(run)
    sound.refresh_from_db()
    assert (sound.state, sound.description, sound.analyses.count()) == ("failed", described, 1)
    assert "breaks off" in sound.error
    assert (run.state, run.done, run.failed) == ("done", 0, 1)
    assert list(store.failures(run)) == [sound]

    (root / "a.wav").write_bytes(good)
    retried = actions.retry(sound)
    analyze_now(retried)
    sound.refresh_from_db()
    assert (sound.state, sound.error, retried.profile, retried.done) == ("analyzed", "", "fast", 1)


def test_a_file_deleted_while_it_waits_is_missing_and_its_run_ends(sound: Sound, root: Path) -> None:
    (root / "a.wav").unlink()
    run = sound.run
    assert run is not None

    analyze_now(run)

    sound.refresh_from_db()
    assert (sound.state, run.state, run.failed) == ("missing", "done", 1)
    assert "removed" in sound.error


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("nan.wav", np.full((800, 1), np.nan)),
        ("one.wav", np.full((1, 1), 0.5)),
        ("silent.wav", np.zeros((8000, 1))),
        ("twelve.wav", np.random.default_rng(1).uniform(-0.5, 0.5, (8000, 12))),
    ],
)
def test_odd_signals_never_stop_a_run(library: Library, root: Path, name: str, signal: np.ndarray) -> None:
    soundfile.write(root / name, signal, 8000, subtype="FLOAT")

    run = scan_now(library).followers.get()
    analyze_now(run)

    odd = library.sounds.get()
    assert run.state == "done"
    assert odd.state == ("failed" if name == "nan.wav" else "analyzed")
    assert bool(odd.error) == (name == "nan.wav")


def test_a_run_without_sounds_is_done_at_once(library: Library) -> None:
    run = actions.analyze(Sound.objects.none(), "balanced")
    assert (run.state, run.total) == ("done", 0)
    assert run.finished_at is not None


def test_a_run_is_running_with_its_first_sound_and_done_with_its_last(library: Library, make_file: MakeFile) -> None:
    for number in range(2):
        make_file(f"{number}.wav")
    run = scan_now(library).followers.get()
    assert run.state == "waiting"

    first, second = library.sounds.values_list("id", flat=True)
    tasks.analyze_sounds.fn([first], "balanced")
    run.refresh_from_db()
    assert (run.state, run.done) == ("running", 1)

    tasks.analyze_sounds.fn([first, second], "balanced")  # a message that comes twice
    run.refresh_from_db()
    assert (run.state, run.done) == ("done", 2)


def test_what_waits_with_another_profile_is_taken_over(library: Library, make_file: MakeFile) -> None:
    for number in range(3):
        make_file(f"{number}.wav")
    old = scan_now(library).followers.get()
    taken = library.sounds.order_by("id")[:2].values_list("id", flat=True)

    new = actions.analyze(Sound.objects.filter(pk__in=list(taken)), "fast")
    old.refresh_from_db()
    assert (old.total, new.total) == (1, 2)

    analyze_now(new)
    old.refresh_from_db()
    assert (old.state, old.done, new.state, new.done) == ("done", 1, "done", 2)


def test_what_waits_with_the_same_profile_stays_with_its_run(sound: Sound) -> None:
    again = actions.analyze(Sound.objects.all(), "balanced")
    assert (again.total, again.state) == (0, "done")
    sound.refresh_from_db()
    assert sound.run_id != again.pk


def break_on(name: str, error: Exception) -> Callable[..., object]:
    hear = Analyzer.hear

    def hear_or_break(self: Analyzer, path: Path) -> object:
        if path.name == name:
            raise error
        return hear(self, path)

    return hear_or_break


def test_a_sound_that_breaks_its_job_each_time_is_given_up_with_the_reason(
    library: Library, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_file("a.wav")
    make_file("b.wav")
    run = scan_now(library).followers.get()
    ids = list(library.sounds.order_by("path").values_list("id", flat=True))
    monkeypatch.setattr(Analyzer, "hear", break_on("a.wav", RuntimeError("out of memory\0")))

    for _ in range(store.MAX_ATTEMPTS):
        with pytest.raises(RuntimeError):
            tasks.analyze_sounds.fn(ids, "balanced")
    tasks.analyze_sounds.fn(ids, "balanced")

    run.refresh_from_db()
    assert (run.state, run.done, run.failed) == ("done", 1, 1)
    assert states(library) == {"a.wav": "failed", "b.wav": "analyzed"}
    error = library.sounds.get(path="a.wav").error
    assert error == "given up after 3 attempts: RuntimeError: out of memory\N{REPLACEMENT CHARACTER}"


def test_a_model_that_is_gone_is_the_reason_of_every_sound(
    library: Library, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_model(*_: object) -> object:
        raise ModelUnavailable("the model is not on this machine")

    make_file("a.wav")
    make_file("b.wav")
    run = scan_now(library).followers.get()
    monkeypatch.setattr(Analyzer, "windowings", without_model)
    tasks.analyze_sounds.fn(list(library.sounds.values_list("id", flat=True)), "balanced")
    run.refresh_from_db()
    assert (run.state, run.done, run.failed) == ("done", 0, 2)
    assert set(library.sounds.values_list("error", flat=True)) == {"the model is not on this machine"}


def test_what_breaks_before_a_file_is_asked_for_gives_the_claim_back(
    sound: Sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> object:
        raise RuntimeError("the device is gone")

    monkeypatch.setattr(engine, "analyzer", broken)
    with pytest.raises(RuntimeError):
        tasks.analyze_sounds.fn([sound.pk], "balanced")
    sound.refresh_from_db()
    assert (sound.state, sound.claimed_by, sound.error) == ("queued", "", "RuntimeError: the device is gone")


def test_an_unreadable_file_is_not_tried_again_by_itself(sound: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Analyzer, "hear", break_on("a.wav", UnreadableAudio("holds no sound")))
    analyze_now()
    sound.refresh_from_db()
    assert (sound.state, sound.error, sound.attempts) == ("failed", "holds no sound", 1)


def test_removing_a_library_removes_its_embeddings_and_notes_it_for_the_index(sound: Sound) -> None:
    from catalog.models import EmbeddingRemoval

    analyze_now()
    sound_id = sound.pk
    Library.objects.get().delete()

    assert not Embedding.objects.exists()
    assert EmbeddingRemoval.objects.get().sound_id == sound_id
    assert not Run.objects.exists()
