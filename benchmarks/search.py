"""How fast and how well sounds are found: a database of made-up sounds, the index, its rivals, and real requests.

Run it from the root of the repository: `python -m benchmarks.search --count 20000 --seconds 3` takes a minute or two,
a million sounds over half an hour. It starts a database of its own and prints its tables in Markdown.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

if TYPE_CHECKING:
    from benchmarks.search_recall import Filter, Measured
    from benchmarks.search_rows import Filled
    from benchmarks.search_serving import Server
    from benchmarks.search_vectors import Clusters, Vectors
    from search.index import SoundIndex

STARTED = time.perf_counter()
PARTS = ("index", "rivals", "http", "writing")
HELD_OUT = 1_000_000_000  # a seed that no sound has
FILTERED_QUERIES = 200
SLOW_QUERIES = 50  # of what compares a query with everything
RIVAL_FILTERS = (0, 5, 6)  # of search_recall.filters: none, a category, a label
WRITING_CLIENTS = 8
LONGEST_BUSY_S = 240.0  # a builder gives way to those who search: after that they leave it alone
AFTER_REBUILD_S = 5.0  # searches go over to the new index


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for on the command line."""

    count: int
    dim: int
    queries: int
    clients: list[int]
    seconds: float
    parts: list[str]


@click.command(help=__doc__)
@click.option("--count", default=1_000_000, show_default=True, type=click.IntRange(min=1_000), help="Sounds.")
@click.option("--dim", default=512, show_default=True, help="Numbers of a vector; 128 takes the bundled model.")
@click.option("--tower", type=click.Choice(["small", "full"]), default="small", show_default=True, help="Text tower.")
@click.option("--queries", default=1_000, show_default=True, help="Asked of the index in process.")
@click.option("--clients", default="1,8,32", show_default=True, help="How many ask over HTTP at once.")
@click.option("--seconds", default=20.0, show_default=True, help="How long each number of clients asks.")
@click.option("--skip", multiple=True, type=click.Choice(PARTS), help="A part to leave out; may be repeated.")
@click.option("--home", type=click.Path(path_type=Path), help="Folder that keeps the database for another run.")
def main(
    *,
    count: int,
    dim: int,
    tower: str,
    queries: int,
    clients: str,
    seconds: float,
    skip: Sequence[str],
    home: Path | None,
) -> None:
    """Measure what is asked for."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the database is stopped and the folder removed
    parts = [part for part in PARTS if part not in skip]
    options = Options(count, dim, queries, [int(one) for one in clients.split(",")], seconds, parts)
    if home is not None:
        measure(options, tower, home.resolve())
        return
    with tempfile.TemporaryDirectory(prefix="timbre-search-") as folder:
        measure(options, tower, Path(folder))


def measure(options: Options, tower: str, home: Path) -> None:
    from benchmarks.search_model import model_of

    home.mkdir(parents=True, exist_ok=True)
    os.environ |= {"TIMBRE_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings", "TIMBRE_LOG_LEVEL": "WARNING"}
    os.environ["TIMBRE_MODEL"] = model_of(options.dim, tower, home)
    os.environ.pop("DATABASE_URL", None)
    import django

    django.setup()
    from config.runtime import database

    started = time.perf_counter()
    say(f"# Search of {options.count:,} sounds, {options.dim} numbers each\n\n{os.cpu_count()} cores, {load()}\n")
    with database():
        run(options, home)
    say(f"\nAll of it took {(time.perf_counter() - started) / 60:.1f} minutes; {load()}.")


def load() -> str:
    return f"load of the machine {os.getloadavg()[0]:.1f}"


def say(text: str) -> None:
    click.echo(text)


def note(text: str) -> None:
    """Tell how far it is, beside the tables."""
    click.echo(f"[{time.perf_counter() - STARTED:6.0f} s] {text}", err=True)


def run(options: Options, home: Path) -> None:
    from benchmarks.search_report import filled_table

    clusters = make_clusters(options.count)
    say(filled_table(fill(options, home, clusters)))
    build()
    if {"index", "rivals"} & set(options.parts):
        measure_in_process(options, home, clusters)
    if {"http", "writing"} & set(options.parts):
        measure_served(options)


def make_clusters(count: int) -> Clusters:
    from benchmarks.search_vectors import Clusters
    from catalog import engine

    encoder = engine.text_encoder(engine.active_source())
    return Clusters(encoder.encode([label.name for label in engine.vocabulary().labels]), count)


def fill(options: Options, home: Path, clusters: Clusters) -> Filled:
    from benchmarks import search_rows
    from catalog import engine

    filled = search_rows.filled_before(home, options.count, engine.active_model())
    if filled is None:
        note(f"filling a database with {options.count:,} sounds")
        filled = search_rows.fill(options.count, home, clusters, engine.active_model(), note)
    return filled


def build() -> None:
    from benchmarks.search_report import built_table
    from catalog.postings import bring_up_to_date
    from catalog.tallies import fold_tallies

    fold_tallies()
    note("building the indexes")
    done = subprocess.run([sys.executable, "-m", "benchmarks.search_build"], stdout=subprocess.PIPE, check=True)
    built: list[dict[str, Any]] = json.loads(done.stdout)
    say("## The index\n\nBuilt in a process of its own by `search.building.build`.\n")
    say(built_table(built))
    started = time.perf_counter()
    if bring_up_to_date():
        say(f"Postings of words made in {time.perf_counter() - started:.1f} s.\n")


def measure_in_process(options: Options, home: Path, clusters: Clusters) -> None:
    from benchmarks import search_recall
    from benchmarks.search_report import recall_table
    from benchmarks.search_rows import read_labels, read_vectors
    from catalog import engine
    from search.sync import current_index, forget_indexes

    vectors = read_vectors(home, options.dim)
    started = time.perf_counter()
    index = current_index(engine.active_model())
    assert index is not None
    assert index.base is not None
    say(f"Opened, every byte checked, in {time.perf_counter() - started:.1f} s.\n")
    chosen = search_recall.filters(read_labels(home), engine.vocabulary())
    sounds = clusters.draw(options.queries, seed=HELD_OUT).vectors
    if "index" in options.parts:
        note("Timbre's index in process")
        queries = [("sounds", sounds), ("texts", texts(options.queries))]
        found = list(
            search_recall.timbre_alone(index, vectors, queries, chosen, min(options.queries, FILTERED_QUERIES))
        )
        say("### One query at a time, in process, one thread\n\n" + nearness(vectors, sounds))
        say(recall_table(found))
    if "rivals" in options.parts:
        measure_rivals(index, vectors, sounds, [chosen[at] for at in RIVAL_FILTERS])
    forget_indexes()


def texts(count: int) -> Vectors:
    """Where the model places descriptions."""
    from benchmarks.search_texts import MANNERS, PLACES
    from catalog import engine

    random = np.random.default_rng(14)
    labels = engine.vocabulary().labels
    chosen = [random.integers(len(names), size=count) for names in (MANNERS, labels, PLACES)]
    lines = [
        f"a {MANNERS[one]} {labels[other].name} {PLACES[third]}" for one, other, third in zip(*chosen, strict=True)
    ]
    return engine.text_encoder(engine.active_source()).encode(lines)


def nearness(vectors: Vectors, queries: Vectors) -> str:
    from benchmarks.search_recall import Filter, exact

    few = queries[:SLOW_QUERIES]
    near = np.sort(np.einsum("qd,qkd->qk", few, vectors[exact(vectors, few, Filter("none")) - 1]), axis=1)[:, ::-1]
    return (
        f"The nearest sound of a sound lies at cosine {near[:, 0].mean():.3f}, the tenth at {near[:, 9].mean():.3f}.\n"
    )


def measure_rivals(index: SoundIndex, vectors: Vectors, queries: Vectors, chosen: Sequence[Filter]) -> None:
    from benchmarks.search_pgvector import EF_CONSTRUCTION, EF_SEARCHES, Built, M, of_pgvector, pgvector
    from benchmarks.search_recall import compare, exact, of_flat, of_numpy, of_timbre
    from benchmarks.search_report import pgvector_note, recall_table, ways_table

    few, many = ("sounds", queries[:SLOW_QUERIES]), ("sounds", queries[:FILTERED_QUERIES])
    truths = {one.name: exact(vectors, many[1], one) for one in chosen}

    def each(name: str, find: Any, asked: tuple[str, Vectors]) -> list[Measured]:
        note(f"  {name}")
        return [compare(name, find, asked, one, truths[one.name][: len(asked[1])]) for one in chosen]

    note("side by side")
    found = each("Timbre", of_timbre(index), many) + each("numpy, exact", of_numpy(vectors), few)
    started = time.perf_counter()
    flat = of_flat(vectors)
    flat_s = time.perf_counter() - started
    found += each("FAISS flat, float, 1 thread", flat, few)
    del flat
    hnsw, label = f"pgvector HNSW m {M} efC {EF_CONSTRUCTION}", chosen[-1]
    note(f"  {hnsw} is built")
    built: Built
    with pgvector(vectors, label) as built:
        some = [chosen[0], label]
        for ef in EF_SEARCHES:
            name = f"{hnsw}, ef {ef}"
            found += [compare(name, of_pgvector(ef), many, one, truths[one.name]) for one in some]
        name = f"{hnsw}, ef 100, iterative"
        found.append(compare(name, of_pgvector(100, iterative=True), many, label, truths[label.name]))
    assert index.base is not None
    facts = index.base.manifest
    say("### Side by side, the same vectors, one query at a time\n")
    say(
        ways_table(
            [
                ("Timbre", facts.build_s, facts.size_bytes),
                ("numpy, exact", None, vectors.nbytes),
                ("FAISS flat, float", flat_s, vectors.nbytes),
                (hnsw, built.build_s, built.index_bytes),
            ]
        )
    )
    say(pgvector_note(built))
    say(recall_table(found))


def measure_served(options: Options) -> None:
    from benchmarks.search_mix import Mix, even
    from benchmarks.search_report import memory_line, served_table
    from benchmarks.search_serving import READY, Clients, server
    from catalog import engine
    from config.supervisor import HEALTH_PATH

    mix = Mix(engine.vocabulary(), options.count)
    with server() as web:
        health_s = web.wait(HEALTH_PATH)
        say("## Over HTTP\n\nThe web server of `timbre up` on loopback; its clients run on the same machine.\n")
        say(f"It answers after {health_s:.1f} s, and the first search by ear {web.wait(READY):.1f} s later.\n")
        check(web, mix.all())
        if "http" in options.parts:
            for title, requests in (
                ("Searches without a filter (`/api/search`)", even(mix.unfiltered())),
                ("Searches with a filter", even(mix.filtered())),
                ("Pages", mix.pages()),
            ):
                note(f"clients: {title}")
                runs = [Clients(web.port, one, options.seconds, requests, seed=one).seen() for one in options.clients]
                say(f"### {title}\n\n{served_table(runs)}")
        say(memory_line(web.memory()))
        if "writing" in options.parts:
            measure_writing(web, options, even([*mix.unfiltered(), *mix.filtered()]))


def check(web: Server, requests: Sequence[tuple[str, str]]) -> None:
    """Ask one of each kind and tell what came: a search that fails is fast."""
    from benchmarks.search_report import table

    rows = []
    for kind, address in dict(requests).items():
        if address.startswith("/api/"):
            answer = web.found(address)
            by_ear = sum("sounds like" in " ".join(result["why"]) for result in answer["results"])
            rows.append((f"`{kind}`", str(len(answer["results"])), str(by_ear), answer["notice"][:80]))
    say(table(("one of each kind", "found", "of which by ear", "notice"), rows))


def measure_writing(web: Server, options: Options, requests: list[tuple[str, str]]) -> None:
    from benchmarks.search_report import delays_table, memory_line, served_table
    from benchmarks.search_serving import Clients
    from benchmarks.search_writing import WRITES_PER_S, Rebuilding, Writing, at_work, verify
    from catalog import engine

    note("the same while sounds are written and the indexes are built anew")
    writing, rebuilding = Writing(web, engine.active_model(), options.count), Rebuilding(options.seconds)
    clients = min(WRITING_CLIENTS, max(options.clients))
    with at_work(writing, rebuilding):
        started = time.perf_counter()
        at_them = Clients(web.port, clients, LONGEST_BUSY_S, requests)
        while time.perf_counter() - started < LONGEST_BUSY_S and not rebuilding.is_done:
            time.sleep(0.1)
        time.sleep(AFTER_REBUILD_S)
        seen = at_them.seen(now=True)
        while not rebuilding.is_done:
            time.sleep(0.1)
        time.sleep(AFTER_REBUILD_S)
    say(f"### While {WRITES_PER_S:.0f} sounds a second are written and `timbre index rebuild` runs\n")
    say(served_table([seen]))
    took = ", ".join(f"{one:.1f}" for one in rebuilding.took_s)
    say(f"Indexes rebuilt meanwhile: {len(rebuilding.took_s)}, each in s: {took} {' '.join(rebuilding.problems)}\n")
    say(delays_table(writing.delays))
    say(memory_line(web.memory()))
    say(f"`timbre index verify` after it:\n\n```\n{verify()}\n```")


if __name__ == "__main__":
    main()
