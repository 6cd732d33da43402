"""`timbre up`: serving a catalog on this computer."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from django.conf import settings

from config.cli.errors import WrongUse
from config.cli.one_line import told_in_one_line
from config.supervisor import AlreadyRunning, Errand, PortTaken, StartFailed, Supervisor

DEFAULT_PORT = 8000
DEMO_LIBRARY = "Demo"
TIMBRE = [sys.executable, "-m", "config.cli.main"]


@click.command()
@click.option("--port", type=click.IntRange(1, 65_535), default=DEFAULT_PORT, show_default=True)
@click.option(
    "--library",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of sounds to add and analyze.",
)
@click.option("--demo", is_flag=True, help="Fill the catalog with about 150 synthesized sounds.")
@told_in_one_line
def up(*, port: int, library: Path | None, demo: bool) -> None:
    """Serve the catalog on this computer until Ctrl-C."""
    errands = demo_errands(settings.TIMBRE_HOME / "demo") if demo else []
    if library is not None:
        folder = library.resolve()
        errands.append(Errand(f"adding {folder}", [*TIMBRE, "ingest", str(folder)]))
    try:
        Supervisor(port=port, tell=tell, errands=errands).run()
    except (AlreadyRunning, PortTaken, StartFailed) as error:
        raise WrongUse(str(error)) from error


def demo_errands(folder: Path) -> list[Errand]:
    add = Errand("adding the demo library", [*TIMBRE, "ingest", str(folder), "--name", DEMO_LIBRARY])
    if folder.exists():
        return [add]
    return [Errand("writing the demo library (about a minute, once)", [*TIMBRE, "demo", str(folder)]), add]


def tell(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()
