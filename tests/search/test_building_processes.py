"""Builders and searchers in processes of their own: a killed builder does no harm, and what is built is shared."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.clap import ModelKey
from catalog.models import Sound
from search.index import files
from search.rows import SOUNDS
from search.sync import Follower
from search.trust import Look
from search.verifying import verify_index
from tests.search.built import DIM, Fill, built, in_index, in_rows
from tests.search.vectors import axis

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("index_dir")]

CHECKOUT = Path(__file__).parents[2]


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
    shelf = SOUNDS.shelf(Look.now().database.folder, model)
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
