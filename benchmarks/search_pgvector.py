"""The same vectors in pgvector with HNSW, in the same Postgres."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from benchmarks.search_recall import Filter, Ids, Way
from benchmarks.search_vectors import Vectors

M, EF_CONSTRUCTION = 16, 64
EF_SEARCHES = (40, 100, 400)  # 40 is pgvector's own choice
WORKERS = 2
AT_ONCE = 20_000
MEMORY_SHARE = 0.3  # of the machine, for the graph while it is built: on disk it takes many times as long
TABLE = "benchmark_vector"
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)


@dataclass(frozen=True, slots=True)
class Built:
    copy_s: float
    build_s: float
    table_bytes: int
    index_bytes: int
    memory: str  # maintenance_work_mem


@contextmanager
def pgvector(vectors: Vectors, one: Filter) -> Iterator[Built]:
    """A table with an index, for as long as the block lasts; column `kept` is the filter."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        cursor.execute(f"CREATE UNLOGGED TABLE {TABLE} (id bigint, kept boolean, place vector({vectors.shape[1]}))")
        try:
            yield _build(cursor, vectors, one)
        finally:
            cursor.execute(f"DROP TABLE {TABLE}")


def _build(cursor: Any, vectors: Vectors, one: Filter) -> Built:
    started = time.perf_counter()
    _copy(cursor, vectors, one)
    copy_s = time.perf_counter() - started
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    wanted = 64 * 2**20 + 2 * vectors.nbytes
    memory = f"{int(min(wanted, MEMORY_SHARE * machine)) // 2**20}MB"
    cursor.execute(f"SET maintenance_work_mem = '{memory}'")
    cursor.execute(f"SET max_parallel_maintenance_workers = {WORKERS}")
    started = time.perf_counter()
    options = f"m = {M}, ef_construction = {EF_CONSTRUCTION}"
    cursor.execute(f"CREATE INDEX {TABLE}_hnsw ON {TABLE} USING hnsw (place vector_ip_ops) WITH ({options})")
    build_s = time.perf_counter() - started
    cursor.execute("RESET maintenance_work_mem")
    cursor.execute("RESET max_parallel_maintenance_workers")
    cursor.execute(f"VACUUM ANALYZE {TABLE}")
    cursor.execute("SELECT pg_table_size(%s), pg_relation_size(%s)", [TABLE, f"{TABLE}_hnsw"])
    table_bytes, index_bytes = cursor.fetchone()
    return Built(copy_s, build_s, table_bytes, index_bytes, memory)


def _copy(cursor: Any, vectors: Vectors, one: Filter) -> None:
    """Rows as Postgres writes them in binary: numbers of fields and lengths before values, the largest byte first."""
    n, dim = vectors.shape
    row = np.dtype(
        [
            ("fields", ">i2"), ("id_bytes", ">i4"), ("id", ">i8"), ("kept_bytes", ">i4"), ("kept", "u1"),
            ("place_bytes", ">i4"), ("dim", ">i2"), ("unused", ">i2"), ("place", ">f4", (dim,)),
        ]
    )  # fmt: skip
    with cursor.cursor.copy(f"COPY {TABLE} (id, kept, place) FROM STDIN (FORMAT BINARY)") as stream:
        stream.write(SIGNATURE)
        for start in range(0, n, AT_ONCE):
            part = vectors[start : start + AT_ONCE]
            rows = np.zeros(len(part), row)
            rows["fields"], rows["id_bytes"], rows["kept_bytes"], rows["place_bytes"] = 3, 8, 1, 4 + 4 * dim
            rows["id"], rows["dim"], rows["place"] = np.arange(start, start + len(part)) + 1, dim, part
            rows["kept"] = True if one.keep is None else one.keep[start : start + len(part)]
            stream.write(rows.tobytes())
        stream.write(b"\xff\xff")


def of_pgvector(ef_search: int, *, iterative: bool = False) -> Way:
    """Timed as a client sees it, over the socket; a filter is a condition of the statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET hnsw.ef_search = {ef_search}")
        cursor.execute(f"SET hnsw.iterative_scan = {'relaxed_order' if iterative else 'off'}")

    def find(row: Vectors, k: int, one: Filter) -> Ids:
        where = "" if one.keep is None else "WHERE kept"
        text = "[" + ",".join(map(repr, row.tolist())) + "]"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM {TABLE} {where} ORDER BY place <#> %s::vector LIMIT {k}", [text])
            return np.array([sound for (sound,) in cursor.fetchall()], np.int64)

    return find
