"""`timbre search` and `timbre similar`: what they say and how they end, over the database of the tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from catalog import engine
from catalog.dictionary import refresh_dictionary
from catalog.models import Embedding, Library, Sound
from config.cli import catalog as commands
from config.cli.results import problem_lines
from search.answers import Problem
from search.confidence import Verdict
from search.hearing import Moment
from search.results import Hit, SearchResults
from search.sync import forget_indexes

pytestmark = pytest.mark.django_db
Run = Callable[..., Result]


@pytest.fixture
def library() -> Library:
    return Library.objects.create(name="Field", root="/sounds/field")


@pytest.fixture
def add(library: Library) -> Callable[..., Sound]:
    def create(path: str, **columns: object) -> Sound:
        described = {"file_name": path, "search_name": path.rpartition(".")[0], "state": "analyzed"}
        return Sound.objects.create(library=library, path=path, size_bytes=1, modified_ns=1, **(described | columns))

    return create


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process, which has its database already."""
    monkeypatch.setattr(commands, "database", nullcontext)
    forget_indexes()

    def invoke(command: str, *arguments: str) -> Result:
        words = arguments if "--by-ear" in arguments or command == "similar" else (*arguments, "--no-semantic")
        return CliRunner().invoke(getattr(commands, command), [word for word in words if word != "--by-ear"])

    return invoke


@pytest.fixture
def tones(add: Callable[..., Sound], monkeypatch: pytest.MonkeyPatch) -> dict[str, Sound]:
    """Two sounds with vectors of the active model, the first of two windows that are unlike each other."""
    model = engine.active_model()
    dim = engine.text_encoder(engine.active_source()).dim
    low, high = np.eye(2, dim, dtype=np.float32)
    sounds = {"both": add("both.wav", duration_s=4.0), "low": add("low.wav"), "high": add("high.wav")}
    place = {"model_id": model.model_id, "model_revision": model.revision, "dim": dim, "window_s": 2.0, "hop_s": 2.0}

    def store(name: str, clip: NDArray[np.float32], windows: Sequence[NDArray[np.float32]] = ()) -> None:
        stored = b"".join(window.astype("<f2").tobytes() for window in windows)
        Embedding.objects.create(sound=sounds[name], clip=clip.astype("<f4").tobytes(), windows=stored, **place)

    store("both", (low + high) / np.sqrt(2), [low, high])
    store("low", low)
    store("high", high)
    return sounds


def test_what_was_found_is_shown_as_a_table(run: Run, add: Callable[..., Sound]) -> None:
    add("heavy rain.wav", description="Heavy rain [on a roof].")

    done = run("search", "rain")

    assert done.exit_code == 0
    assert "heavy rain.wav" in done.stdout
    assert "[on a" in done.stdout  # no markup


def test_nothing_found_is_said(run: Run) -> None:
    done = run("search", "rain")

    assert (done.exit_code, done.stdout) == (0, "nothing found\n")


def test_json_is_what_the_api_answers(run: Run, add: Callable[..., Sound]) -> None:
    sound = add("rain.wav")

    answer = json.loads(run("search", "rain foo:x", "--json").stdout)

    assert [result["id"] for result in answer["results"]] == [sound.pk]
    assert set(answer) == {"query", "results", "notice", "verdict", "total_strong", "parsed"}
    assert len(answer["parsed"]["problems"]) == 1


def test_a_problem_is_shown_under_its_place(run: Run, add: Callable[..., Sound]) -> None:
    add("rain.wav")

    done = run("search", "rain foo:x")

    assert done.exit_code == 0
    line, carets, message = done.stderr.splitlines()[-3:]
    assert line == "  rain foo:x"
    assert line[carets.index("^") : carets.rindex("^") + 1].startswith("foo")
    assert "foo" in message
    assert "rain.wav" in done.stdout


@pytest.mark.parametrize("query", ["foo:x", "(", "dur:<abc"])
def test_a_line_of_which_nothing_is_understood_is_wrong_use(run: Run, add: Callable[..., Sound], query: str) -> None:
    add("rain.wav")

    done = run("search", query)

    assert (done.exit_code, done.stdout) == (2, "")
    assert query in done.stderr
    assert "^" in done.stderr


def test_a_sentence_is_told_as_the_query_it_was_read_as(run: Run, add: Callable[..., Sound]) -> None:
    add("rain.wav", duration_s=3.0)

    done = run("search", "rain, under ten seconds")

    assert "Read as: rain dur:<10\n" in done.stderr
    assert "rain.wav" in done.stdout


def test_synonyms_are_told_and_switched_off(run: Run, add: Callable[..., Sound]) -> None:
    add("pistol.wav")

    assert "pistol.wav" in run("search", "gunshot").stdout
    assert 'For "gunshot" also looked up' in run("search", "gunshot").stderr
    assert run("search", "gunshot", "--no-synonyms").stdout == "nothing found\n"


def test_corrections_are_told_and_switched_off(run: Run, add: Callable[..., Sound]) -> None:
    add("thunderstorm.wav")
    refresh_dictionary()

    corrected, literal = run("search", "thunderstrom"), run("search", "thunderstrom", "--no-spelling")

    assert "thunderstorm.wav" in corrected.stdout
    assert 'Nothing says "thunderstrom"' in corrected.stderr
    assert literal.stdout == "nothing found\n"


def test_results_are_sorted(run: Run, add: Callable[..., Sound]) -> None:
    for name, duration_s in (("a", 2.0), ("b", 9.0), ("c", 5.0)):
        add(f"rain {name}.wav", duration_s=duration_s)

    answer = json.loads(run("search", "rain", "--sort", "longest", "--json").stdout)

    assert [result["path"][5] for result in answer["results"]] == ["b", "c", "a"]


def test_an_order_that_is_none_is_wrong_use(run: Run) -> None:
    assert run("search", "rain", "--sort", "random").exit_code == 2


def test_the_time_of_a_moment_is_shown(add: Callable[..., Sound], capsys: pytest.CaptureFixture[str]) -> None:
    hit = Hit(add("village.wav"), 0.5, 0.5, moment=Moment(761.2, 764.0))

    commands.show(SearchResults("bark", [hit], verdict=Verdict.NONE), as_json=False)

    told = capsys.readouterr()
    assert "12:41-12:44" in told.out
    assert told.err == "No confident match by ear; the closest are:\n"


def test_sounds_like_a_region(run: Run, tones: dict[str, Sound]) -> None:
    def nearest(region: str) -> str:
        answer = json.loads(run("similar", "both.wav", "--region", region, "--json").stdout)
        return str(answer["results"][0]["path"])

    assert nearest("0-2") == "low.wav"
    assert nearest("2-4") == "high.wav"
    assert nearest("0:02-0:04") == "high.wav"


@pytest.mark.parametrize("region", ["", "abc", "5-3", "3", "1-1", "nan-2", "1-2 rain"])
def test_a_region_that_is_none_is_wrong_use(run: Run, region: str) -> None:
    done = run("similar", "1", "--region", region)

    assert done.exit_code == 2
    assert "as in 3.2-5.0" in done.stderr


def test_a_region_outside_the_sound_is_wrong_use(run: Run, tones: dict[str, Sound]) -> None:
    done = run("similar", "both.wav", "--region", "9-12")

    assert done.exit_code == 2
    assert "4 s long" in done.stderr


def test_a_region_of_a_file(run: Run, tones: dict[str, Sound], tmp_path: Path) -> None:
    soundfile.write(path := tmp_path / "noise.wav", np.random.default_rng(0).normal(scale=0.1, size=48_000), 48_000)

    inside, outside = run("similar", str(path), "--region", "0.2-0.9"), run("similar", str(path), "--region", "2-3")

    assert inside.exit_code == 0
    assert "noise.wav" in inside.stdout
    assert outside.exit_code == 2
    assert "outside the sound" in outside.stderr


@pytest.mark.parametrize("name", ["9" * 40, "no such", "a\udcffb"])
def test_neither_a_sound_nor_a_file_is_wrong_use(run: Run, name: str) -> None:
    done = run("similar", name)

    assert done.exit_code == 2
    assert "neither a sound of the catalog nor a file" in done.stderr


@pytest.mark.parametrize("query", ["\0rain", "rain\x1b[31m", "r" * 100_000, "'; DROP TABLE x; --", "rain \udcff"])
def test_any_line_ends_without_a_trace(run: Run, add: Callable[..., Sound], query: str) -> None:
    add("rain.wav")

    done = run("search", query)

    assert done.exit_code in {0, 2}
    assert "\x1b[31m" not in done.output


def test_only_what_is_around_a_problem_is_shown() -> None:
    query = "a" * 300 + " foo:x " + "b" * 300

    line, carets, _ = problem_lines(query, [Problem(message="", start=301, end=306)])

    assert len(line) < 100
    assert line[carets.index("^") : carets.rindex("^") + 1] == "foo:x"


def test_a_caret_stands_under_its_place_also_behind_wide_characters() -> None:
    line, carets, _ = problem_lines("雨 foo:x", [Problem(message="", start=2, end=7)])

    assert line == "  雨 foo:x"
    assert carets == "     ^^^^^"
