"""Tables of what was measured, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from benchmarks.search_pgvector import Built
from benchmarks.search_recall import Measured
from benchmarks.search_rows import Filled
from benchmarks.search_serving import Memory, Seen, Times
from benchmarks.search_writing import Delays

MIB = 2**20


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def mib(size: float | None) -> str:
    return "" if size is None else f"{size / MIB:,.0f} MiB"


def filled_table(filled: Filled) -> str:
    rows = [
        ("sounds, of which long ones with moments", f"{filled.count:,}, {filled.count // 1_000:,}"),
        ("clusters", f"{filled.clusters:,}"),
        ("rows written", f"{filled.fill_s:.0f} s"),
        ("indexes of Postgres made", f"{filled.indexes_s:.0f} s"),
        ("dictionary counted", f"{filled.dictionary_s:.1f} s"),
        ("database", mib(filled.database_bytes)),
    ]
    return table(("the database", ""), rows)


def built_table(built: Sequence[dict[str, Any]]) -> str:
    head = ("index", "entries", "lists", "built in", "peak memory", "of which its own", "size", "files")
    rows = []
    for one in built:
        large = {name: size for name, size in one["files"].items() if size > MIB}
        files = ", ".join(f"{name} {mib(size)}" for name, size in sorted(large.items(), key=lambda item: -item[1]))
        sizes = (mib(one["peak_bytes"]), mib(one["peak_own_bytes"]), mib(sum(one["files"].values())))
        rows.append(
            (one["kind"], f"{one['entries']:,}", f"{one['lists']:,}", f"{one['elapsed_s']:.1f} s", *sizes, files)
        )
    return table(head, rows)


def recall_table(measured: Sequence[Measured]) -> str:
    head = ("way", "queries", "filter", "recall", "p50", "p95", "n")
    return table(head, [_measured(one) for one in measured])


def _measured(one: Measured) -> tuple[str, ...]:
    times = (f"{one.p50_ms:.2f} ms", f"{one.p95_ms:.2f} ms")
    return (one.way, one.queries, one.filter, f"{one.recall:.3f}", *times, str(one.count))


def ways_table(ways: Sequence[tuple[str, float | None, float | None]]) -> str:
    """Each way with how long it was built and how large it is."""
    head = ("way", "built in", "size")
    rows = [(name, "" if took is None else f"{took:.1f} s", mib(size)) for name, took, size in ways]
    return table(head, rows)


def pgvector_note(built: Built) -> str:
    return (
        f"pgvector: rows copied in {built.copy_s:.0f} s to {mib(built.table_bytes)}; index built by 2 workers with"
        f" maintenance_work_mem {built.memory}.\n"
    )


def served_table(runs: Sequence[Seen]) -> str:
    head = ["p50 / p95 / p99 ms", *(f"{run.clients} client{'s' if run.clients > 1 else ''}" for run in runs)]
    kinds = sorted({kind for run in runs for kind in run.kinds})
    rows = [["all", *(_cell(run.times()) for run in runs)]]
    rows += [[f"`{kind}`", *(_cell(run.times(kind)) for run in runs)] for kind in kinds]
    rows.append(["answers a second", *(f"{run.per_second:.0f}" for run in runs)])
    rows.append(["failures", *(str(run.failures.total()) for run in runs)])
    return table(head, rows) + "".join(_failures(runs))


def _failures(runs: Sequence[Seen]) -> Iterator[str]:
    for run in runs:
        for what, count in run.failures.most_common(5):
            yield f"\n{run.clients} clients: {count} x {what}\n"


def _cell(times: Times | None) -> str:
    return "" if times is None else f"{times.p50_ms:.0f} / {times.p95_ms:.0f} / {times.p99_ms:.0f}"


def memory_line(memory: Memory | None) -> str:
    if memory is None:
        return ""
    own, all_of_it = mib(memory.own_bytes), mib(memory.proportional_bytes)
    return f"The web server holds {own} of its own, {all_of_it} with its share of mapped files.\n"


def delays_table(delays: Delays) -> str:
    head = ("from the commit to the answer that shows it", "n", "p50", "p95", "longest")
    rows = []
    for name, took in (
        ("a new sound, by its name", delays.by_word_ms),
        ("a new sound, by what it is like", delays.by_ear_ms),
        ("a removed sound is gone", delays.gone_ms),
    ):
        ordered = sorted(took)
        spots = [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95, 1)] if took else []
        rows.append((name, str(len(took)), *(f"{spot:.0f} ms" for spot in spots)))
    told = f"\n{delays.written:,} sounds written; not in the first answer: {delays.late}; never: {delays.never}.\n"
    return table(head, rows) + told
