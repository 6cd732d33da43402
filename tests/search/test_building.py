"""Building from the rows of the real database, followed by processes that search; a killed builder does no harm."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from numpy.typing import NDArray

from analysis.clap import ModelKey
from catalog.models import Embedding, EmbeddingRemoval, Library, Sound
from catalog.store import REMOVALS_KEPT, forget_old_removals
from search import building, rows, sync, trust, verifying
from search.building import build, build_due, due_builds, why_due
from search.errors import AlreadyBuilding, BuildFailed
from search.index import SoundIndex, files
from search.index.files import Generation
from search.rows import MOMENTS, SOUNDS
from search.standing import analyzed_models, index_lag, index_state
from search.sync import Follower, MomentFollower, current_index
from search.verifying import verify_index
from tests.search.vectors import axis, clustered_rows, unit_rows

pytestmark = pytest.mark.django_db(transaction=True)

DIM = 16
CHECKOUT = Path(__file__).parents[2]
MakeSound = Callable[..., Sound]
Embed = Callable[..., Embedding]
Fill = Callable[..., list[int]]


@pytest.fixture(autouse=True)
def index_dir(settings: Any, tmp_path: Path) -> Path:
    settings.INDEX_DIR = tmp_path / "index"
    return tmp_path / "index"


@pytest.fixture
def fill(library: Library, model: ModelKey) -> Fill:
    """Many sounds with vectors at once."""

    def write(count: int, *, seed: int = 0, windows: NDArray[np.float32] | None = None, **columns: Any) -> list[int]:
        named = [f"{seed}/{number}.wav" for number in range(count)]
        sounds = Sound.objects.bulk_create(
            Sound(library=library, path=path, file_name=path, size_bytes=1, modified_ns=1, **columns) for path in named
        )
        vectors = clustered_rows(count, DIM, seed=seed)
        stored = b"" if windows is None else windows.astype("<f2").tobytes()
        Embedding.objects.bulk_create(
            Embedding(
                sound=sound,
                model_id=model.model_id,
                model_revision=model.revision,
                window_s=2.0,
                hop_s=0.5,
                dim=DIM,
                clip=vector.tobytes(),
                windows=stored,
            )
            for sound, vector in zip(sounds, vectors, strict=True)
        )
        return [sound.id for sound in sounds]

    return write


def in_rows(model: ModelKey) -> dict[int, list[float]]:
    found = Embedding.objects.filter(model_id=model.model_id, model_revision=model.revision).values_list(
        "sound", "clip"
    )
    return {sound: np.frombuffer(clip, np.float32).tolist() for sound, clip in found}


def in_index(index: SoundIndex | None) -> dict[int, list[float]]:
    if index is None:  # no row
        return {}
    ids = index.ids()
    return dict(zip(ids.tolist(), index.vectors(ids).tolist(), strict=True))


def clip_reads(queries: CaptureQueriesContext) -> int:
    return sum('"clip"' in query["sql"] for query in queries)


def built(model: ModelKey, kind: rows.Kind = SOUNDS) -> Generation:
    generation = build(model, kind)
    assert generation is not None
    return generation


def test_a_new_process_maps_what_is_built_and_reads_no_vector(model: ModelKey, fill: Fill) -> None:
    fill(50)
    built(model)

    with CaptureQueriesContext(connection) as queries:
        index = Follower(model).follow()

    assert clip_reads(queries) == 0
    assert in_index(index) == in_rows(model)
    assert index is not None
    assert (index.changed_count, len(index)) == (0, 50)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_written_around_a_build_both_old_and_new_followers_have_the_rows(
    model: ModelKey, fill: Fill, make_sound: MakeSound, embed: Embed, seed: int
) -> None:
    randoms = np.random.default_rng(seed)
    old = Follower(model)
    for turn in range(12):
        ids = list(in_rows(model))
        match int(randoms.integers(0, 5)):
            case 0:
                fill(int(randoms.integers(1, 30)), seed=100 * seed + turn)
            case 1 if ids:
                Sound.objects.filter(pk__in=randoms.choice(ids, min(5, len(ids)), replace=False).tolist()).delete()
            case 2 if ids:
                for sound in Sound.objects.filter(pk__in=randoms.choice(ids, min(4, len(ids)), replace=False).tolist()):
                    embed(sound, unit_rows(1, DIM, seed=turn)[0])
            case 3 if ids:
                built(model)
            case _:
                embed(make_sound(f"{turn}.wav"), unit_rows(1, DIM, seed=turn)[0])
        assert in_index(old.follow()) == in_index(Follower(model).follow()) == in_rows(model)


@pytest.fixture
def second_connection() -> Iterator[None]:
    second = connection.copy("second")
    connections["second"] = second
    yield
    second.close()
    del connections["second"]


@pytest.mark.usefixtures("second_connection")
def test_rows_that_commit_while_and_after_it_is_built_are_not_missed(
    model: ModelKey, fill: Fill, make_sound: MakeSound
) -> None:
    first, last = fill(3)[::2]
    late = make_sound("late.wav")
    with transaction.atomic("second"):
        Embedding.objects.using("second").filter(sound_id=first).update(clip=axis(7, DIM).tobytes())
        Embedding.objects.using("second").filter(sound_id=last).delete()
        Embedding.objects.using("second").create(
            sound_id=late.id,
            model_id=model.model_id,
            model_revision=model.revision,
            window_s=2.0,
            hop_s=0.5,
            dim=DIM,
            clip=axis(5, DIM).tobytes(),
            windows=b"",
        )
        generation = built(model)
        assert generation.manifest.entries == 3
        follower = Follower(model)
        assert last in in_index(follower.follow())

    assert in_index(follower.follow()) == in_index(Follower(model).follow()) == in_rows(model)


def test_a_follower_goes_over_to_a_newer_index_and_answers_as_before(
    model: ModelKey, fill: Fill, make_sound: MakeSound, embed: Embed
) -> None:
    fill(60)
    follower = Follower(model)
    before = follower.follow()
    assert before is not None
    query = clustered_rows(1, DIM, seed=9)[0]
    answered = before.search(query, 20)[0].tolist()
    built(model)

    index = follower.follow()

    assert index is before
    assert index.base is not None
    assert index.changed_count == 0
    assert index.search(query, 20)[0].tolist() == answered
    embed(new := make_sound("new.wav"), query)
    assert [sound for sound in in_index(follower.follow()) if sound not in answered][-1] == new.id
    assert index.search(query, 1)[0].tolist() == [new.id]


def test_a_large_newer_index_is_read_beside_the_searches(
    model: ModelKey, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "OPENED_AT_ONCE", 0)
    fill(20)
    follower = Follower(model)
    follower.follow()
    built(model)

    follower.follow()
    if follower._opening is not None:
        follower._opening._thread.join()
    index = follower.follow()

    assert index is not None
    assert index.base is not None
    assert in_index(index) == in_rows(model)


def test_nothing_more_is_asked_of_the_database_when_nothing_changed(model: ModelKey, fill: Fill) -> None:
    fill(20)
    built(model)
    follower = Follower(model)
    follower.follow()

    with CaptureQueriesContext(connection) as queries:
        follower.follow()

    assert len(queries) == 2


def age(model: ModelKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if everything had happened long ago, and removals had been dropped since."""
    EmbeddingRemoval.objects.update(removed_at=Now() - 2 * REMOVALS_KEPT)
    forget_old_removals()
    monkeypatch.setattr(trust, "TRUSTED_FOR", timedelta(0))


def test_an_index_older_than_removals_is_compared_by_numbers_without_reading_what_did_not_change(
    model: ModelKey, fill: Fill, make_sound: MakeSound, embed: Embed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fill(40)
    built(model)
    Sound.objects.filter(pk__in=ids[:3]).delete()
    embed(Sound.objects.get(pk=ids[5]), axis(3, DIM))
    embed(make_sound("new.wav"), axis(4, DIM))
    age(model, monkeypatch)

    with CaptureQueriesContext(connection) as queries:
        index = Follower(model).follow()

    assert clip_reads(queries) == 1
    assert in_index(index) == in_rows(model)
    assert index is not None
    assert index.changed_count == 2
    assert "so old" in why_due(model, SOUNDS)


@pytest.mark.parametrize(
    "name", [files.VECTORS, files.OWNERS, files.CHANGED, files.FLAT, files.MANIFEST, files.CURRENT]
)
@pytest.mark.parametrize("damage", ["truncated", "one bit", "gone"])
def test_damaged_files_are_told_and_the_rows_are_read(
    model: ModelKey, fill: Fill, caplog: pytest.LogCaptureFixture, name: str, damage: str
) -> None:
    fill(30)
    generation = built(model)
    path = (generation.folder.parent if name == files.CURRENT else generation.folder) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content[: len(content) // 2] if damage == "truncated" else content)
    if damage == "gone":
        path.unlink()

    follower = Follower(model)

    assert in_index(follower.follow()) == in_rows(model)
    assert follower.index is not None
    assert follower.index.base is None
    if (name, damage) != (files.CURRENT, "gone"):
        assert "is not used, the rows are read instead" in caplog.text
        assert not verify_index(model, SOUNDS).is_right
    built(model)
    assert in_index(follower.follow()) == in_rows(model)
    assert follower.index.base is not None


@pytest.mark.parametrize(
    ("made_wrong", "reads"),
    [
        (lambda: "another/1/1", "built from another database"),
        (None, "vectors of 16 numbers, and the rows have 8"),
    ],
)
def test_an_index_of_other_rows_is_not_used(
    model: ModelKey,
    fill: Fill,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    made_wrong: Callable[[], str] | None,
    reads: str,
) -> None:
    fill(5)
    built(model)
    if made_wrong is not None:
        monkeypatch.setattr(trust, "database_identity", made_wrong)
    else:
        Embedding.objects.update(dim=8, clip=axis(0, 8).tobytes())

    assert in_index(Follower(model).follow()) == in_rows(model)
    assert reads in caplog.text
    assert reads in index_state(model, SOUNDS).problem


def test_it_is_due_when_there_are_many_rows_and_again_when_many_changed(
    model: ModelKey, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SOUNDS, "worth_building", 20)
    monkeypatch.setattr(building, "BEHIND_ROWS", 10)
    fill(19)
    assert due_builds(model) == []
    ids = fill(1, seed=1)
    assert [(due.kind, due.reason) for due in due_builds(model)] == [(SOUNDS, "none was built yet")]

    assert [one.manifest.entries for one in build_due(model)] == [20]
    assert due_builds(model) == []
    fill(9, seed=2)
    Sound.objects.filter(pk__in=ids).delete()
    assert (why_due(model, SOUNDS), index_lag(model)) == ("", {"sounds": 10, "moments": 0})
    fill(1, seed=3)
    assert why_due(model, SOUNDS) == "11 rows changed since it was built"
    build_due(model)
    assert index_lag(model)["sounds"] == 0


def test_a_damaged_index_is_due(model: ModelKey, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SOUNDS, "worth_building", 5)
    fill(5)
    generation = built(model)
    content = bytearray((generation.folder / files.FLAT).read_bytes())
    content[-1] ^= 1
    (generation.folder / files.FLAT).write_bytes(content)

    assert "flat.faiss holds other bytes" in why_due(model, SOUNDS)


def test_old_generations_go_and_their_followers_keep_answering(model: ModelKey, fill: Fill, index_dir: Path) -> None:
    fill(30)
    first = built(model)
    index = Follower(model).follow()
    second = built(model)

    assert not first.folder.exists()
    assert second.folder.exists()
    assert in_index(index) == in_rows(model)


@pytest.mark.usefixtures("second_connection")
def test_one_builds_at_a_time(model: ModelKey, fill: Fill) -> None:
    fill(3)
    with connections["second"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [building.BUILD_LOCK])
        with pytest.raises(AlreadyBuilding, match="another process"):
            build(model, SOUNDS)
        cursor.execute("SELECT pg_advisory_unlock(%s)", [building.BUILD_LOCK])
    assert built(model).manifest.entries == 3


def test_a_folder_that_cannot_be_written_is_told_in_words(model: ModelKey, fill: Fill, index_dir: Path) -> None:
    fill(3)
    index_dir.write_text("a file is here")

    with pytest.raises(BuildFailed, match="the index of sounds cannot be written to"):
        build(model, SOUNDS)


def test_silent_and_broken_rows_are_no_entries_but_known(model: ModelKey, fill: Fill) -> None:
    ids = fill(4)
    Embedding.objects.filter(sound=ids[0]).update(clip=bytes(4 * DIM))
    Embedding.objects.filter(sound=ids[1]).update(clip=np.full(DIM, np.nan, np.float32).tobytes())

    generation = built(model)

    assert (generation.manifest.entries, generation.manifest.sounds) == (2, 4)
    assert index_lag(model)["sounds"] == 0
    assert verify_index(model, SOUNDS).is_right


def test_nothing_is_built_of_nothing(model: ModelKey) -> None:
    assert build(model, SOUNDS) is None
    assert analyzed_models() == []
    assert verify_index(model, SOUNDS).is_right


RUN = """
import os, sys, django
django.setup()
from django.conf import settings
from pathlib import Path
settings.INDEX_DIR = Path(sys.argv[1])
from analysis.clap import ModelKey
from search import building, rows
from search.index import files, writing
from search.sync import Follower
model = ModelKey("tests/small", "r1")
def die(*arguments, **named):
    os.kill(os.getpid(), 9)
"""
FAULTS = {
    "while rows are read": "read = rows.SOUNDS.read; rows.SOUNDS.chunk = 10; seen = []\n"
    "rows.SOUNDS.read = lambda *a: die() if len(seen) > 1 else (seen.append(1), read(*a))[1]",
    "before the flat index": "writing.flat_index = die",
    "before the manifest": "writing.GenerationWriter._manifest = die",
    "before it has its place": "files.Shelf.publish = die",
    "before it is named": "kept = files.json.dumps; files.json.dumps = die",
    "in the middle of naming it": "Path.replace = die",
    "before the old one is cleaned away": "clean, seen = files.Shelf.clean, []\n"
    "files.Shelf.clean = lambda self: die() if seen else seen.append(1)",
}


def in_new_process(code: str, database_url: str, index_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN + code, str(index_dir)],
        cwd=CHECKOUT,
        env=os.environ | {"DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


@pytest.mark.parametrize("where", FAULTS)
def test_a_builder_that_is_killed_leaves_an_index_that_serves(
    model: ModelKey, fill: Fill, index_dir: Path, database_url: str, where: str
) -> None:
    ids = fill(40)
    before = built(model)
    Sound.objects.filter(pk__in=ids[:4]).delete()
    fill(8, seed=1)

    killed = in_new_process(f"{FAULTS[where]}\nbuilding.build(model, rows.SOUNDS)", database_url, index_dir)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    shelf = SOUNDS.shelf(index_dir, model)
    current = shelf.current()
    assert current is not None
    assert (current.name == before.name) == (where != "before the old one is cleaned away")
    assert in_index(Follower(model).follow()) == in_rows(model)
    assert verify_index(model, SOUNDS).is_right
    again = built(model)  # the lock went with its holder
    assert {path.name for path in shelf.folder.iterdir()} == {files.CURRENT, again.name}
    assert in_index(Follower(model).follow()) == in_rows(model)


def test_processes_share_what_is_built(
    model: ModelKey, fill: Fill, index_dir: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(40)
    generation = built(model)
    mine = Follower(model).follow()
    code = """
index = Follower(model).follow()
maps = Path("/proc/self/maps").read_text() if sys.platform == "linux" else ""
print(len(index), index.changed_count, index.base.generation.name, maps.count(index.base.generation.name) > 4)
print(sorted(index.search([1.0] + [0.0] * 15, 5)[0].tolist()))
"""
    answer = in_new_process(code, database_url, index_dir)

    assert mine is not None
    shared = sys.platform == "linux"
    first, second = answer.stdout.splitlines()
    assert first == f"40 0 {generation.name} {shared}", answer.stderr
    assert second == str(sorted(mine.search(axis(0, DIM), 5)[0].tolist()))


def sound_with_moments(make_sound: MakeSound, embed: Embed, **columns: Any) -> Sound:
    """A minute that is even but for a bark from 30 s on: windows of 2 s every 0.5 s."""
    sound = make_sound("ambience.wav", duration_s=60.0)
    windows = np.repeat(axis(0, DIM)[np.newaxis], 117, axis=0)
    windows[60:64] = axis(1, DIM)
    embed(sound, axis(0, DIM), **columns)
    Embedding.objects.filter(sound=sound).update(windows=windows.astype("<f2").tobytes())
    return sound


@pytest.mark.parametrize("is_built", [False, True])
def test_moments_are_followed_and_built(
    model: ModelKey, make_sound: MakeSound, embed: Embed, fill: Fill, *, is_built: bool
) -> None:
    sound = sound_with_moments(make_sound, embed)
    fill(5, windows=unit_rows(17, DIM), duration_s=10.0)  # as long as a model hears at once: no moments
    if is_built:
        assert built(model, MOMENTS).manifest.entries == 3
    follower = MomentFollower(model)

    index = follower.follow()

    assert index is not None
    found = index.search(axis(1, DIM), 1)
    assert [column.tolist() for column in found] == [[sound.id], [30.0], [33.5], [1.0]]
    assert index.entries([sound.id]).spans_s.tolist() == [[0.0, 31.5], [30.0, 33.5], [32.0, 60.0]]
    verified = verify_index(model, MOMENTS)
    assert (verified.is_right, verified.sounds) == (True, 1)
    fill(1, seed=8, windows=np.repeat(axis(2, DIM)[np.newaxis], 5, axis=0), duration_s=20.0)
    assert index_lag(model) == {"sounds": 7, "moments": 1 if is_built else 2}
    sound.delete()
    later = follower.follow()
    assert later is not None
    assert len(later) == 1
    assert later.search_sounds(axis(1, DIM), 5).sound_ids.tolist() != [sound.id]


def test_windows_of_another_profile_are_taken_when_the_newest_has_none(
    model: ModelKey, make_sound: MakeSound, embed: Embed
) -> None:
    sound = sound_with_moments(make_sound, embed)
    embed(sound, axis(0, DIM), window_s=0.0, hop_s=0.0)

    index = MomentFollower(model).follow()

    assert index is not None
    assert len(index) == 3


def test_broken_windows_are_left_out_and_named(
    model: ModelKey, make_sound: MakeSound, embed: Embed, caplog: pytest.LogCaptureFixture
) -> None:
    sound = sound_with_moments(make_sound, embed)
    Embedding.objects.filter(sound=sound).update(windows=b"123")

    index = MomentFollower(model).follow()

    assert index is not None
    assert len(index) == 0
    assert f"The windows of sound {sound.id} are broken (3 bytes)" in caplog.text


def planted(generation: Generation, name: str, change: Callable[[bytearray], None]) -> None:
    """A fault that the checksums do not tell: as if the builder had made it."""
    path = generation.folder / name
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)
    facts = generation.manifest.model_copy(update={"files": generation.manifest.files | {name: files.file_facts(path)}})
    (generation.folder / files.MANIFEST).write_text(facts.model_dump_json())
    crc32 = files.checksum(generation.folder / files.MANIFEST)
    current = {"generation": generation.name, "manifest_crc32": crc32}
    (generation.folder.parent / files.CURRENT).write_text(json.dumps(current))


def test_verify_finds_a_missing_an_extra_and_a_changed_entry(model: ModelKey, fill: Fill) -> None:
    ids = fill(40)
    generation = built(model)
    assert verify_index(model, SOUNDS).is_right
    with connection.cursor() as cursor:  # behind the back of the triggers that tell an index
        cursor.execute("ALTER TABLE catalog_embedding DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM catalog_embedding WHERE sound_id = %s", [ids[3]])
        cursor.execute("UPDATE catalog_embedding SET clip = %s WHERE sound_id = %s", [axis(0, DIM).tobytes(), ids[5]])
        cursor.execute("ALTER TABLE catalog_embedding ENABLE TRIGGER USER")

    def hide_the_last(owners: bytearray) -> None:
        owners[-8:] = (ids[-1] + 1_000).to_bytes(8, "little")

    planted(generation, files.OWNERS, hide_the_last)

    verified = verify_index(model, SOUNDS)

    assert not verified.is_right
    assert verified.faults == [
        f"sound {ids[3]} is in the index and should not be",
        f"sound {ids[5]} has other vectors in the index than in the database",
        f"sound {ids[-1]} is missing from the index",
        f"sound {ids[-1] + 1_000} is in the index and should not be",
    ]


def test_verify_finds_a_search_that_misses_what_is_near(
    model: ModelKey, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(200)
    monkeypatch.setattr(
        SoundIndex, "search", lambda self, query, k: (self.ids()[:k], self.vectors(self.ids()[:k]) @ query)
    )

    verified = verify_index(model, SOUNDS)

    assert verified.recall is not None
    assert verified.recall < verifying.LEAST_RECALL
    assert any("recall@10" in fault for fault in verified.faults)


def test_the_active_index_of_a_search_is_the_built_one(model: ModelKey, fill: Fill) -> None:
    fill(10)
    generation = built(model)

    index = current_index(model)

    assert index is not None
    assert index.base is not None
    assert index.base.generation.name == generation.name
    assert Path(settings.INDEX_DIR) in generation.folder.parents
