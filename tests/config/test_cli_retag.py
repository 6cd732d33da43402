"""`timbre retag`, in a process of its own, with nothing running before and nothing after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.conf import settings

SAMPLE_RATE_HZ = 48_000


def timbre(home: Path, *arguments: str, vocabulary: Path | None = None) -> subprocess.CompletedProcess[str]:
    chosen = {"TIMBRE_VOCABULARY": str(vocabulary)} if vocabulary else {}
    return subprocess.run(
        [sys.executable, "-m", "config.cli.main", *arguments],
        env=os.environ | {"TIMBRE_HOME": str(home)} | chosen,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def told(home: Path, *arguments: str, vocabulary: Path | None = None) -> tuple[int, int, int]:
    done = timbre(home, "retag", "--json", *arguments, vocabulary=vocabulary)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["failed"] == []
    return outcome["retagged"], outcome["up_to_date"], outcome["to_be_heard"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of two sounds, whose files are gone."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("sounds")
    time_s = np.arange(3 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    for name, hertz in (("low hum.wav", 50), ("high beep.wav", 2_000)):
        soundfile.write(folder / name, 0.5 * np.sin(2 * np.pi * hertz * time_s), SAMPLE_RATE_HZ)
    ingested = timbre(home, "ingest", str(folder), "--name", "Tones", "--json")
    assert ingested.returncode == 0, ingested.stderr
    for path in folder.iterdir():
        path.unlink()
    return home


def test_an_edited_vocabulary_is_brought_into_every_record_once(home: Path, tmp_path: Path) -> None:
    text = settings.VOCABULARY_PATH.read_text()
    (tmp_path / "own.yaml").write_text(text.replace("synonyms: [", "synonyms: [another word, ", 1))
    (tmp_path / "ucs.csv").write_text(settings.VOCABULARY_PATH.with_name("ucs.csv").read_text())
    assert told(home) == (0, 2, 0)
    assert told(home, vocabulary=tmp_path / "own.yaml") == (2, 0, 0)
    assert told(home, vocabulary=tmp_path / "own.yaml") == (0, 2, 0)
    assert told(home, "--all", vocabulary=tmp_path / "own.yaml") == (2, 0, 0)


def test_a_profile_is_applied_where_its_vectors_are_there(home: Path, tmp_path: Path) -> None:
    assert told(home, "--profile", "broad_search", "--library", "Tones") == (2, 0, 0)
    assert told(home, "--profile", "fast") == (0, 0, 2)
    written = timbre(home, "export", "--format", "json", "--profile", "broad_search", "-o", str(tmp_path / "all.json"))
    assert written.returncode == 0, written.stderr
    assert len(json.loads((tmp_path / "all.json").read_text())["sounds"]) == 2


@pytest.mark.parametrize(
    ("arguments", "reads"),
    [
        (["--profile", "loud"], "no profile 'loud'"),
        (["--library", "Nowhere"], "there is no library called Nowhere; there are: Tones"),
    ],
)
def test_wrong_use_is_told_in_one_line(home: Path, arguments: list[str], reads: str) -> None:
    done = timbre(home, "retag", *arguments)
    assert done.returncode == 2
    assert reads in done.stderr
    assert len(done.stderr.splitlines()) == 1
