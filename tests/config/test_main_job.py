"""The main job end to end with real parts: bad names in, worker, starter model, database; found by ear, exported."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from analysis.synth.demo import DemoSound, write_demo_library
from tests.config.serving import TIMBRE, eventually, free_port, serving

COUNT = 40
RIGHT_WANTED = 0.9  # of the queries, the share whose first hit is right; issue 2 asks for 27 of 30


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[DemoSound]]:
    folder = tmp_path_factory.mktemp("library")
    return folder, write_demo_library(folder, count=COUNT)


def ingest(home: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TIMBRE, "ingest", str(folder), "--wait", "--json"],
        env=os.environ | {"TIMBRE_HOME": str(home)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def address(home: Path, truth: tuple[Path, list[DemoSound]]) -> Iterator[str]:
    first = ingest(home, truth[0])
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout) == {"scanned": COUNT, "analyzed": COUNT, "skipped": 0, "failed": []}
    port = free_port()
    with serving(home, port):
        yield f"http://127.0.0.1:{port}"


def ask(url: str) -> bytes:
    with urlopen(url, timeout=120) as response:
        return bytes(response.read())


def test_the_same_folder_again_analyzes_nothing(home: Path, truth: tuple[Path, list[DemoSound]], address: str) -> None:
    again = json.loads(ingest(home, truth[0]).stdout)
    assert (again["analyzed"], again["skipped"], again["failed"]) == (0, COUNT, [])


def test_what_is_asked_for_is_found_by_ear_alone(truth: tuple[Path, list[DemoSound]], address: str) -> None:
    labels_of = {sound.path.as_posix(): sound.labels for sound in truth[1]}
    asked = sorted({sound.labels[0] for sound in truth[1]})
    right = 0
    for label in asked:
        query = urlencode({"q": label, "lexical": "false", "limit": 1})
        (first,) = json.loads(ask(f"{address}/api/search?{query}"))["results"]
        right += label in labels_of[first["path"]]
    assert right >= RIGHT_WANTED * len(asked)


def test_the_pages_show_every_sound(address: str) -> None:
    assert f"{COUNT} sounds" in ask(f"{address}/").decode()


def test_the_catalog_leaves_for_soundminer(address: str) -> None:
    text = ask(f"{address}/api/exports/soundminer-csv").decode("utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(text)))) == COUNT


def test_a_sound_is_analyzed_again_with_another_profile(address: str) -> None:
    sound = f"{address}/api/sounds/{json.loads(ask(f'{address}/api/search?q=rain&limit=1'))['results'][0]['id']}"
    wanted = Request(
        f"{sound}/analyze", json.dumps({"profile": "clip_only"}).encode(), {"Content-Type": "application/json"}
    )
    with urlopen(wanted, timeout=60) as response:
        assert response.status == 202

    def profiles() -> set[str]:
        return {analysis["profile"] for analysis in json.loads(ask(sound))["analyses"]}

    assert eventually(lambda: profiles() == {"balanced", "clip_only"})
