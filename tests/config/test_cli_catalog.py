"""The commands around a catalog, each in a process of its own, with nothing running before and nothing after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

SAMPLE_RATE_HZ = 48_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    soundfile.write(folder / "low hum.wav", 0.5 * np.sin(2 * np.pi * 50 * time_s), SAMPLE_RATE_HZ)
    soundfile.write(folder / "high beep.flac", 0.5 * np.sin(2 * np.pi * 2_000 * time_s), SAMPLE_RATE_HZ)
    (folder / "broken.wav").write_text("no sound at all")
    return folder


def timbre(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "config.cli.main", *arguments],
        env=os.environ | {"TIMBRE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


@pytest.fixture(scope="module")
def ingested(home: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return timbre(home, "ingest", str(folder), "--name", "Tones", "--json")


def test_ingest_tells_what_was_analyzed_and_what_failed(ingested: subprocess.CompletedProcess[str]) -> None:
    outcome = json.loads(ingested.stdout)

    assert ingested.returncode == 1
    assert (outcome["scanned"], outcome["analyzed"], outcome["skipped"]) == (3, 2, 0)
    assert [failure["path"] for failure in outcome["failed"]] == ["broken.wav"]


@pytest.mark.usefixtures("ingested")
def test_the_same_folder_again_is_nothing_new(home: Path, folder: Path) -> None:
    again = timbre(home, "ingest", str(folder), "--wait")

    assert again.returncode == 0
    assert again.stdout == "Tones: nothing is new among 3 files\n"


@pytest.mark.usefixtures("ingested")
def test_search_answers_in_the_shape_of_the_api(home: Path) -> None:
    answer = json.loads(timbre(home, "search", "hum", "--json", "--no-semantic").stdout)

    assert answer["query"] == "hum"
    (result,) = answer["results"]
    assert (result["library"], result["path"]) == ("Tones", "low hum.wav")
    assert {"id", "score", "why", "short_description", "tags", "confidence"} <= set(result)


@pytest.mark.usefixtures("ingested")
def test_similar_takes_a_name_of_the_catalog(home: Path) -> None:
    answer = json.loads(timbre(home, "similar", "low hum.wav", "--json").stdout)

    assert [result["path"] for result in answer["results"]] == ["high beep.flac"]


@pytest.mark.usefixtures("ingested")
def test_export_writes_what_the_filters_choose(home: Path, tmp_path: Path) -> None:
    done = timbre(home, "export", "--format", "json", "--query", "beep", "-o", str(tmp_path / "part.json"))

    assert done.returncode == 0
    assert [sound["path"] for sound in json.loads((tmp_path / "part.json").read_text())["sounds"]] == ["high beep.flac"]
    assert list(tmp_path.iterdir()) == [tmp_path / "part.json"]


@pytest.mark.usefixtures("ingested")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["export", "--format", "csv", "--library", "Nowhere"], "there is no library called Nowhere; there are: Tones"),
        (["export", "--format", "csv", "--category", "nope"], "there is no category called nope; there are: alerts, "),
        (["export", "--format", "csv", "--profile", "nope"], "there is no profile called nope; there are: balanced"),
        (["search", " "], "no words to search for"),
        (["similar", "nothing"], "nothing is neither a sound of the catalog nor a file"),
        (["search", "x", "--no-lexical", "--no-semantic"], "leave nothing to search with"),
    ],
)
def test_wrong_use_is_told_in_one_line(home: Path, arguments: list[str], told: str) -> None:
    done = timbre(home, *arguments)

    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.usefixtures("ingested")
def test_doctor_finds_a_library_that_is_gone(home: Path, folder: Path) -> None:
    aside = folder.rename(folder.with_name("aside"))
    examined = timbre(home, "doctor", "--json")
    aside.rename(folder)

    findings = {one["what"]: one["state"] for one in json.loads(examined.stdout)["findings"]}
    assert examined.returncode == 1
    assert findings["library Tones"] == "broken"
    assert findings["database"] == findings["queue"] == "fine"
