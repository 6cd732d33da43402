"""The work of `timbre analyze` and `timbre batch`: find sounds, analyze each, write what was found as it comes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from analysis.audio import AUDIO_SUFFIXES
from analysis.engine import Engine
from analysis.errors import UnreadableAudio
from analysis.outputs import (
    CSV_COLUMNS,
    CatalogEntry,
    csv_line,
    csv_row,
    markdown_catalog,
    record_json,
    record_markdown,
)
from analysis.records import AudioAnalysisRecord
from analysis.results import AnalyzedFile, FailedFile
from config.cli.engine import Session

LONGEST_NAME_BYTES = 255  # of a file name on every file system in use
HASH_DIGITS = 12
LINKED_FOLDER = "is a link to a folder and is not followed; give the folder itself"

Failure = dict[str, str]


@dataclass(frozen=True, slots=True)
class AnalyzeJob:
    """What to analyze and where to write; `root` is what paths in the results are relative to."""

    session: Session
    sounds: list[Path]
    output: Path | None
    full: bool
    markdown: bool
    quiet: bool
    root: Path | None = None
    problems: list[Failure] = field(default_factory=list)
    with_csv: bool = False
    with_catalog: bool = False
    with_results: bool = False

    @property
    def base(self) -> Path:
        """The folder that output paths are relative to: the deepest that holds every sound."""
        if self.root is not None:
            return self.root
        parents = [os.path.abspath(sound.parent) for sound in self.sounds]  # noqa: PTH100 - resolve() would follow links
        return Path(os.path.commonpath(parents))

    def relative(self, sound: Path) -> Path:
        place = sound if self.root is not None else Path(os.path.abspath(sound))  # noqa: PTH100
        return place.relative_to(self.base)


@dataclass(slots=True)
class Outcome:
    analyzed: int = 0
    failed: list[Failure] = field(default_factory=list)
    left_out: int = 0  # profiles whose model is not there

    @property
    def exit_code(self) -> int:
        return 1 if self.failed or self.left_out else 0


def find_sounds(folder: Path, *, leave_out: Path, limit: int | None) -> tuple[list[Path], list[Failure]]:
    """Sounds by their suffix, in order; hidden files and our own output are left out, linked folders told."""
    problems: list[Failure] = []

    def tell(error: OSError) -> None:
        place = Path(str(error.filename))
        problems.append(
            {"path": readable(place), "reason": f"folder cannot be read: {error.strerror}; give read permission"}
        )

    sounds: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=tell):
        here = Path(parent)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and here / name != leave_out)
        links = [name for name in folders if (here / name).is_symlink()]
        problems += [{"path": readable(here / name), "reason": LINKED_FOLDER} for name in links]
        sounds += [here / name for name in sorted(names) if is_sound_name(name)]
    return sounds[:limit], problems


def is_sound_name(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in AUDIO_SUFFIXES


def run_job(job: AnalyzeJob, *, printed: Callable[[list[dict[str, Any]]], None] | None = None) -> Outcome:
    outcome = Outcome(failed=list(job.problems), left_out=len(job.session.left_out))
    kept: list[dict[str, Any]] = []
    with ExitStack() as stack:
        writers = [stack.enter_context(open_writer(job, profile.name, outcome)) for profile in job.session.profiles]
        reporter = stack.enter_context(open_reporter(len(job.sounds), quiet=job.quiet))
        for problem in job.problems:
            reporter.tell_failure(problem)
        for result in in_order(job.sounds, all_results(job)):
            records = records_of(job, result, outcome, reporter)
            for writer, record in zip(writers, records, strict=False):  # no records where the sound failed
                writer.write(result.path, record)
            if printed is not None:
                kept += [each.model_dump(mode="json") if job.full else each.brief() for each in records]
            reporter.tell_records(readable(job.relative(result.path)), records)
        where = f" in {job.output}" if job.output else ""
        reporter.say(f"{outcome.analyzed} analyzed, {len(outcome.failed)} failed{where}")
    if printed is not None:
        printed(kept)
    return outcome


def all_results(job: AnalyzeJob) -> Iterator[AnalyzedFile | FailedFile]:
    """One for each sound; where the model breaks at a batch (torch tells a lack of memory by RuntimeError), what is
    left is analyzed one by one, so that only what it breaks at fails.
    """
    engine, profiles = Engine(job.session.analyzer), job.session.profiles
    left = dict.fromkeys(job.sounds)
    try:
        for result in engine.analyze(job.sounds, profiles):
            del left[result.path]
            yield result
    except (RuntimeError, MemoryError):
        for sound in left:
            try:
                yield from engine.analyze([sound], profiles)
            except (RuntimeError, MemoryError) as error:
                yield FailedFile(sound, error)


def in_order(sounds: list[Path], results: Iterable[AnalyzedFile | FailedFile]) -> Iterator[AnalyzedFile | FailedFile]:
    """Results in the order of the sounds, so that the same folder gives the same files; early ones wait their turn."""
    early: dict[Path, AnalyzedFile | FailedFile] = {}
    left = iter(sounds)
    due = next(left, None)
    for result in results:
        early[result.path] = result
        while due in early:
            yield early.pop(due)
            due = next(left, None)


def reason_of(error: Exception) -> str:
    return str(error) if isinstance(error, UnreadableAudio) else f"{type(error).__name__}: {error}".removesuffix(": ")


def records_of(
    job: AnalyzeJob, result: AnalyzedFile | FailedFile, outcome: Outcome, reporter: Reporter
) -> list[AudioAnalysisRecord]:
    """Records by profile; none, and a reason, where the file holds no sound."""
    if isinstance(result, AnalyzedFile):
        outcome.analyzed += 1
        return [each.record for each in result.sounds]
    failure = {"path": readable(job.relative(result.path)), "reason": reason_of(result.error)}
    outcome.failed.append(failure)
    reporter.tell_failure(failure)
    return []


def write_printed(records: list[dict[str, Any]]) -> None:
    """One record as an object, several as a list, none as nothing."""
    if records:
        click.echo(json.dumps(records[0] if len(records) == 1 else records, ensure_ascii=False, indent=2))


class ProfileWriter:
    """Writes what one profile finds, sound by sound."""

    def __init__(self, job: AnalyzeJob, folder: Path, csv_file: IO[str] | None, results: ResultsFile | None) -> None:
        self._job = job
        self._folder = folder
        self._csv_file = csv_file
        self._results = results
        self.entries: list[CatalogEntry] = []

    def write(self, sound: Path, record: AudioAnalysisRecord) -> None:
        path = self._job.relative(sound)
        text = readable(path)
        write_text(self._folder / "json" / fitting(path, ".json"), record_json(record, full=self._job.full))
        if self._job.markdown:
            write_text(self._folder / "markdown" / fitting(path, ".md"), record_markdown(record))
        if self._csv_file is not None:
            self._csv_file.write(csv_line(csv_row(record, text)))
        if self._results is not None:
            self._results.add({"path": text, **record.brief()})
        if self._job.with_catalog:
            self.entries.append(CatalogEntry.of(record, text))


class ResultsFile:
    """batch_results.json, written piece by piece so that no list of all records is held."""

    def __init__(self, file: IO[str], profile: str) -> None:
        self._file = file
        self._first = True
        file.write(f'{{\n"profile": {json.dumps(profile)},\n"sounds": [')

    def add(self, record: dict[str, Any]) -> None:
        self._file.write(("\n" if self._first else ",\n") + json.dumps(record, ensure_ascii=False))
        self._first = False

    def finish(self, outcome: Outcome) -> None:
        failed = json.dumps(outcome.failed, ensure_ascii=False, indent=1)
        self._file.write(f'\n],\n"analyzed": {outcome.analyzed},\n"failed": {failed}\n}}\n')


class NoWriter(ProfileWriter):
    """Writes nothing: records are printed."""

    def write(self, sound: Path, record: AudioAnalysisRecord) -> None:
        return


@contextmanager
def open_writer(job: AnalyzeJob, profile: str, outcome: Outcome) -> Iterator[ProfileWriter]:
    if job.output is None:
        yield NoWriter(job, Path(), None, None)
        return
    folder = job.output / profile
    with ExitStack() as stack:
        csv_file = stack.enter_context(replaced(folder / "catalog.csv")) if job.with_csv else None
        results_file = stack.enter_context(replaced(folder / "batch_results.json")) if job.with_results else None
        results = ResultsFile(results_file, profile) if results_file else None
        if csv_file is not None:
            csv_file.write(csv_line(CSV_COLUMNS))
        writer = ProfileWriter(job, folder, csv_file, results)
        yield writer
        if results is not None:
            results.finish(outcome)
        if job.with_catalog:
            with replaced(folder / "catalog.md") as catalog:
                catalog.writelines(markdown_catalog(writer.entries))


@contextmanager
def replaced(path: Path) -> Iterator[IO[str]]:
    """A file that takes its name when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        yield file
    unfinished.replace(path)


def write_text(path: Path, text: str) -> None:
    with replaced(path) as file:
        file.write(text)


def fitting(path: Path, suffix: str) -> Path:
    """Where the result for a sound goes: its whole name, so that `a.wav` and `a.aif` stay apart, and the suffix."""
    name = path.name + suffix
    if len(os.fsencode(f".{name}.part")) > LONGEST_NAME_BYTES:
        digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:HASH_DIGITS]
        room = LONGEST_NAME_BYTES - len(f".-{digest}{suffix}.part")
        name = f"{os.fsencode(path.name)[:room].decode(errors='ignore')}-{digest}{suffix}"
    return path.with_name(name)


def readable(path: Path) -> str:
    """A path as text, with "/" between folders; bytes that are not UTF-8 as replacement characters."""
    return path.as_posix().encode(errors="surrogateescape").decode(errors="replace")


class Reporter:
    """Tells on standard error what happens; failures also where nothing else is wanted."""

    def __init__(self, console: Console, advance: Callable[[], None], *, quiet: bool) -> None:
        self._console = console
        self._advance = advance
        self._quiet = quiet

    def say(self, text: str) -> None:
        if not self._quiet:
            self._console.print(Text(text), soft_wrap=True)

    def tell_failure(self, failure: Failure) -> None:
        name = " ".join(failure["path"].split())
        self._console.print(Text(f"failed: {name}: {failure['reason']}", style="red"), soft_wrap=True)

    def tell_records(self, name: str, records: Iterable[AudioAnalysisRecord]) -> None:
        for record in () if self._quiet else records:
            line = Text(" ".join(name.split()), style="bold")
            line.append(f"  {record.short_description}", style="not bold")
            line.append(f"  {record.primary_category}, {record.confidence:.0%}", style="not bold dim")
            self._console.print(line, soft_wrap=True)
            for note in record.metadata.notes:
                self._console.print(Text(f"  note: {note}", style="yellow"), soft_wrap=True)
        self._advance()


@contextmanager
def open_reporter(total: int, *, quiet: bool) -> Iterator[Reporter]:
    console = Console(stderr=True, highlight=False)
    if quiet or total < 2 or not console.is_terminal:
        yield Reporter(console, lambda: None, quiet=quiet)
        return
    columns = (SpinnerColumn(), TextColumn("analyzing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("analyzing", total=total)
        yield Reporter(console, lambda: bar.advance(task), quiet=quiet)
