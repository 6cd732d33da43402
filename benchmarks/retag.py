"""How long re-tagging takes: sounds with stored vectors of the starter model, told anew for another vocabulary.

`python benchmarks/retag.py --sounds 100000` makes a database of its own in a temporary folder and removes it. The rows
are those of 5 s clips that the starter model really heard, each with vectors slightly turned; what they are told with
is outdated, so that all are told anew.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from analysis.pipeline import AnalyzedSound

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

CLIPS, CLIP_S = 48, 5.0
TURN = 0.05  # length of what is added to each vector of length one
COPIED_AT_ONCE = 2_000
OUTDATED = "0" * 64  # hash of a vocabulary that is not the one in use
SHARES_OF = 5_000  # sounds of the run that is taken apart


def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory(prefix="timbre-retag-") as home:
        os.environ |= {"TIMBRE_HOME": home, "DJANGO_SETTINGS_MODULE": "config.settings", "TIMBRE_MODEL": starter()}
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from config.runtime import database

        with database():
            say(f"filling a database with {options.sounds:,} sounds")
            files = sorted(options.clips.glob("*.wav")) if options.clips else synthesized_clips(Path(home))
            fill(options.sounds, heard_clips(files))
            measure(options)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sounds", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=min(os.cpu_count() or 1, 4))
    parser.add_argument("--clips", type=Path, help="folder of WAV files to hear in place of synthesized ones")
    parser.add_argument("--profile", action="store_true", help="print where Python spends its time")
    parser.add_argument("--no-shares", action="store_true", help="leave out the run that is taken apart")
    return parser.parse_args()


def starter() -> str:
    from analysis.starter import MODEL_ID

    return MODEL_ID


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def synthesized_clips(folder: Path) -> list[Path]:
    """Clips of one and of two sounds."""
    import soundfile

    from analysis.synth import KINDS, SAMPLE_RATE_HZ, render, render_mixture

    labels = list(KINDS)
    paths = []
    for number in range(CLIPS):
        label, other = labels[(7 * number) % len(labels)], labels[(11 * number + 3) % len(labels)]
        wave = render(label, number, duration_s=CLIP_S) if number % 2 else render_mixture([label, other], number)[0]
        paths.append(folder / f"{number} {label}.wav")
        soundfile.write(paths[-1], wave, SAMPLE_RATE_HZ)
    return paths


def heard_clips(paths: list[Path]) -> list[AnalyzedSound]:
    from catalog import engine

    analyzer = engine.new_analyzer()
    return [analyzer.analyze(path, "balanced") for path in paths]


def fill(count: int, clips: list[AnalyzedSound]) -> None:
    from django.db import connection, transaction

    from catalog.models import Library

    library = Library.objects.create(name="Benchmark", root="/nowhere")
    random = np.random.default_rng(1)
    rows = [row_texts(clip) for clip in clips]
    for start in range(1, count + 1, COPIED_AT_ONCE):
        numbers = range(start, min(start + COPIED_AT_ONCE, count + 1))
        with transaction.atomic(), connection.cursor() as wrapper:
            for table in ("sound", "analysis", "embedding"):
                columns = rows[0][table]
                names = ", ".join(columns)
                with wrapper.cursor.copy(f"COPY catalog_{table} ({names}) FROM STDIN") as copy:
                    for number in numbers:
                        clip = number % len(clips)
                        fresh = {**rows[clip][table], **fresh_columns(table, number, library.pk, clips[clip], random)}
                        copy.write_row([fresh[name] for name in columns])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE catalog_sound")
        cursor.execute("VACUUM ANALYZE catalog_analysis")
        cursor.execute("VACUUM ANALYZE catalog_embedding")
        cursor.execute("SELECT setval('catalog_analysis_id_seq', %s)", [count])
        cursor.execute("CHECKPOINT")


def row_texts(clip: AnalyzedSound) -> dict[str, dict[str, Any]]:
    """Columns of the three tables as a clip has them; what differs from sound to sound is put in later."""
    from catalog.effective import searched_text

    record = clip.record
    provenance = record.analysis_provenance
    told = {
        "category": record.primary_category,
        "label": record.primary_label,
        "confidence": record.confidence,
        "description": record.short_description,
        "tags": record.tags,
    }
    search_words = searched_text(record.short_description, record.primary_label, record.primary_category, record.tags)
    model = {"model_id": provenance.model_id, "model_revision": provenance.model_revision}
    facts = record.metadata
    sound = {
        "id": 0, "library_id": 0, "path": "", "file_name": "", "size_bytes": 480_044, "modified_ns": 1, "file_hash": "",
        "content_hash": clip.content_hash, "format": facts.format, "duration_s": facts.duration_s,
        "sample_rate_hz": facts.sample_rate_hz, "channels": facts.channels, "bit_depth": facts.bit_depth,
        "embedded": "{}", "peaks": clip.waveform_peaks.to_bytes(), "state": "analyzed", "error": "",
        "wanted_profile": "", "attempts": 0, "claimed_by": "", "current_analysis_id": 0, "search_name": "",
        "search_words": search_words, **told,
    }  # fmt: skip
    analysis = {
        "id": 0, "sound_id": 0, "profile": provenance.profile_name, "vocabulary_sha256": OUTDATED,
        "profile_fingerprint": provenance.profile_fingerprint, "record": record.model_dump_json(), **model, **told,
    }  # fmt: skip
    lengths = {"window_s": clip.embeddings.window_s, "hop_s": clip.embeddings.hop_s, "dim": len(clip.embeddings.clip)}
    embedding = {"sound_id": 0, **model, **lengths, "clip": b"", "windows": b"", "changed_xid": 0}
    return {"sound": sound, "analysis": analysis, "embedding": embedding}


def fresh_columns(
    table: str, number: int, library_id: int, clip: AnalyzedSound, random: np.random.Generator
) -> dict[str, Any]:
    name = f"Recording {number:06}.wav"
    if table == "sound":
        path = f"card {number // 500}/{name}"
        own = {"path": path, "file_name": name, "search_name": f"{path}\n", "current_analysis_id": number}
        return {"id": number, "library_id": library_id, **own}
    if table == "analysis":
        return {"id": number, "sound_id": number}
    turned = {
        "clip": turn(clip.embeddings.clip[None], random).astype("<f4").tobytes(),
        "windows": turn(clip.embeddings.windows, random).astype("<f2").tobytes(),
    }
    return {"sound_id": number, **turned}


def turn(vectors: np.ndarray[Any, Any], random: np.random.Generator) -> np.ndarray[Any, Any]:
    moved = vectors + random.normal(0, TURN / np.sqrt(vectors.shape[1]), vectors.shape)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # zero for a silent window, which stays so
    turned: np.ndarray[Any, Any] = moved * lengths / np.linalg.norm(moved, axis=1, keepdims=True)
    return turned


def measure(options: argparse.Namespace) -> None:
    from catalog import retag
    from catalog.models import Sound

    retag.Teller.of("balanced")  # vectors of the labels are placed once for each vocabulary, whatever the sounds
    run = start_run(Sound.objects.all())
    before, backends = python_seconds(), backend_seconds()
    started = time.perf_counter()
    with profiled() if options.profile else nothing():
        retag.work_off(run, others=0 if options.profile else options.processes - 1)
    elapsed_s = time.perf_counter() - started
    run.refresh_from_db()
    python_s, postgres_s = python_seconds() - before, backend_seconds() - backends
    per_thousand = 1000 / max(run.done, 1)
    say(f"{run.done:,} of {run.total:,} sounds in {elapsed_s:.1f} s in {options.processes} processes")
    say(f"{run.done / elapsed_s:,.0f} a second, {elapsed_s * 100_000 / run.done:.1f} s for 100,000")
    say(f"CPU for 1,000: {python_s * per_thousand:.3f} s Python, {postgres_s * per_thousand:.3f} s Postgres")
    say(f"memory of Python at its peak: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    if not options.no_shares:
        tell_shares(Sound.objects.filter(pk__lte=SHARES_OF))


def python_seconds() -> float:
    """CPU time of this process and of those that it started and that are gone, the database's not among them."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def start_run(sounds: Any) -> Any:
    from catalog import retag

    run = retag.create_run(retag.plan(retag.by_profile(sounds), renew=True))
    claimed = retag.claim_run(run.pk, "benchmark")
    assert claimed is not None
    return claimed


def tell_shares(sounds: Any) -> None:
    """The same once more in one process, with a clock on each part."""
    from analysis import interpretation
    from catalog import bulk, retag

    clock: dict[str, float] = defaultdict(float)
    parts: list[tuple[Any, str, str]] = [
        (bulk, "find_places", "fetch"),
        (bulk, "stored_sound", "parse"),
        (interpretation, "_scored", "scores"),
        (interpretation, "_events", "events"),
        (retag, "interpret_many", "words"),
        (bulk, "row_of", "row"),
        (bulk, "write_said", "write"),
    ]
    run = start_run(sounds)
    with timed(parts, clock), timed_reading(clock):
        started = time.perf_counter()
        retag.work_off(run, others=0)
        elapsed_s = time.perf_counter() - started
    clock["words"] -= clock["scores"] + clock["events"]
    clock["fetch"] -= clock["parse"]
    clock["write"] -= clock["row"]
    clock["rest"] = elapsed_s - sum(clock.values())
    told = ", ".join(f"{name} {seconds / elapsed_s:.0%}" for name, seconds in clock.items())
    say(f"shares in one process, {1e6 * elapsed_s / max(run.total, 1):.0f} µs a sound: {told}")


@contextmanager
def timed(parts: list[tuple[Any, str, str]], clock: dict[str, float]) -> Iterator[None]:
    kept = [(module, name, getattr(module, name)) for module, name, _ in parts]
    for module, name, part in parts:
        setattr(module, name, with_clock(getattr(module, name), part, clock))
    yield
    for module, name, function in kept:
        setattr(module, name, function)


def with_clock(function: Callable[..., Any], part: str, clock: dict[str, float]) -> Callable[..., Any]:
    @wraps(function)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            clock[part] += time.perf_counter() - started

    return wrapped


@contextmanager
def timed_reading(clock: dict[str, float]) -> Iterator[None]:
    """A generator works while it is asked for the next part."""
    from catalog import bulk

    read = bulk.read_measured

    def reading(*arguments: Any) -> Iterator[Any]:
        parts = read(*arguments)
        while True:
            started = time.perf_counter()
            part = next(parts, None)
            clock["fetch"] += time.perf_counter() - started
            if part is None:
                return
            yield part

    setattr(bulk, "read_measured", reading)  # noqa: B010 - as its type is another
    yield
    setattr(bulk, "read_measured", read)  # noqa: B010


def backend_seconds() -> float:
    """CPU time of all processes of the database so far, those that are gone included; zero where there is no /proc."""
    postmaster = postmaster_pid()
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended a moment ago
            continue
        if int(stat.parent.name) == postmaster:
            total += sum(int(value) for value in fields[11:15])  # its own, and that of its children that are gone
        elif int(fields[1]) == postmaster:
            total += sum(int(value) for value in fields[11:13])
    return total / ticks


def postmaster_pid() -> int:
    from django.conf import settings

    from config.embedded_postgres import EmbeddedPostgres

    return int((EmbeddedPostgres(settings.TIMBRE_HOME).data / "postmaster.pid").read_text().splitlines()[0])


@contextmanager
def profiled() -> Iterator[None]:
    profiler = cProfile.Profile()
    with profiler:
        yield
    pstats.Stats(profiler).sort_stats("tottime").print_stats(35)


@contextmanager
def nothing() -> Iterator[None]:
    yield


if __name__ == "__main__":
    main()
