"""`timbre doctor`: is everything that Timbre needs in order?"""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import click
import torch
from django.conf import settings
from django.db import connection
from rich.console import Console
from rich.table import Table

from analysis.clap import choose_device, choose_precision
from analysis.errors import AnalysisError
from catalog import engine
from catalog.models import Library
from config.embedded_postgres import DatabaseUnavailable
from config.runtime import database, live_workers
from config.supervisor import running_address

GIB = 1 << 30
LITTLE_DISK_GIB, TOO_LITTLE_DISK_GIB = 5.0, 0.5
OLDEST_POSTGRES = 150_000  # server_version_num
BROKER_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}

State = Literal["fine", "note", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    state: State
    words: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def doctor(*, as_json: bool) -> None:
    """Check that everything Timbre needs is in order; exit code 1 where something is broken."""
    findings = list(look())
    if as_json:
        click.echo(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        show(findings)
    if any(finding.state == "broken" for finding in findings):
        raise SystemExit(1)


def show(findings: list[Finding]) -> None:
    colors = {"fine": "green", "note": "yellow", "broken": "bold red"}
    table = Table(box=None, show_header=False)
    for finding in findings:
        table.add_row(finding.what, f"[{colors[finding.state]}]{finding.state}[/]", finding.words)
    Console().print(table)


def look() -> Iterator[Finding]:
    yield Finding("python", "fine", f"{platform.python_version()} at {sys.executable}")
    yield look_at_device()
    yield look_at_home()
    yield look_at_disk()
    yield look_at_file("profiles", lambda: f"{len(engine.profiles().names)} in")
    yield look_at_file("vocabulary", lambda: f"{len(engine.vocabulary().labels)} labels in")
    yield look_at_model()
    try:
        with database():
            yield from look_into_database()
    except DatabaseUnavailable as error:
        yield Finding("database", "broken", str(error))


def look_at_device() -> Finding:
    device = choose_device()
    words = f"{torch.__version__} on {device} in {choose_precision(device)}, {torch.get_num_threads()} threads"
    return Finding("torch", "fine", words)


def look_at_home() -> Finding:
    home = Path(settings.TIMBRE_HOME)
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return Finding("home", "broken", f"{home} cannot be written by this user")
    if stat.S_IMODE(home.stat().st_mode) & 0o077:
        return Finding("home", "note", f"{home} can be read by others; chmod 700 closes it")
    return Finding("home", "fine", str(home))


def look_at_disk() -> Finding:
    free_gib = shutil.disk_usage(settings.TIMBRE_HOME).free / GIB
    words = f"{free_gib:.1f} GiB free at {settings.TIMBRE_HOME}"
    if free_gib < TOO_LITTLE_DISK_GIB:
        return Finding("disk", "broken", words)
    return Finding("disk", "note" if free_gib < LITTLE_DISK_GIB else "fine", words)


def look_at_file(what: Literal["profiles", "vocabulary"], read: Callable[[], str]) -> Finding:
    path = settings.PROFILES_PATH if what == "profiles" else settings.VOCABULARY_PATH
    try:
        return Finding(what, "fine", f"{read()} {path}")
    except AnalysisError as error:
        return Finding(what, "broken", str(error))


def look_at_model() -> Finding:
    try:
        source = engine.active_source()
    except AnalysisError as error:
        return Finding("model", "broken", str(error))
    if source.is_starter:
        return Finding(
            "model", "note", f"{source.key.model_id}, the small one; `timbre model install` fetches a better"
        )
    return Finding("model", "fine", f"{source.key.model_id} at {source.key.revision[:12]}")


def look_into_database() -> Iterator[Finding]:
    yield look_at_server()
    yield look_at_queue()
    yield look_at_workers()
    for library in Library.objects.all():
        yield look_at_library(library)


def look_at_server() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('server_version_num')::int")
        version, number = cursor.fetchone()
    where = settings.DATABASES["default"]["HOST"]
    if number < OLDEST_POSTGRES:
        return Finding("database", "broken", f"Postgres {version} at {where}; at least 15 is needed")
    return Finding("database", "fine", f"Postgres {version} at {where}")


def look_at_queue() -> Finding:
    if not settings.BROKER_URL:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM dramatiq.queue WHERE state IN ('queued', 'consumed')")
            (waiting,) = cursor.fetchone()
        return Finding("queue", "fine", f"in the database, {waiting} messages")
    url = urlsplit(settings.BROKER_URL)
    try:
        if url.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(url.path)
        else:
            port = url.port or BROKER_PORTS[url.scheme]
            socket.create_connection((url.hostname or "localhost", port), timeout=3).close()
    except OSError as error:
        return Finding("queue", "broken", f"{url.scheme} broker at {url.hostname or url.path}: {error}")
    return Finding("queue", "fine", f"{url.scheme} broker at {url.hostname or url.path}")


def look_at_workers() -> Finding:
    alive = live_workers()
    if alive:
        return Finding("workers", "fine", f"{alive} alive")
    if address := running_address(settings.TIMBRE_HOME):
        return Finding("workers", "broken", f"none is alive although Timbre runs at {address}; see worker.log")
    return Finding("workers", "note", "none; `timbre up` starts one")


def look_at_library(library: Library) -> Finding:
    what = f"library {library.name}"
    if not os.access(library.root, os.R_OK | os.X_OK):
        return Finding(what, "broken", f"{library.root} is not there or cannot be read")
    return Finding(what, "fine", library.root)
