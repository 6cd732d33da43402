"""`timbre demo`: sounds to try Timbre with."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from analysis.synth.demo import write_demo_library
from config.cli.errors import WrongUse


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--count", type=click.IntRange(1, 10_000), default=150, show_default=True, help="How many sounds.")
def demo(*, folder: Path, count: int) -> None:
    """Write a library of synthesized sounds, named as badly as in life, to DIR."""
    if folder.exists() and any(folder.iterdir()):
        raise WrongUse(f"{folder} is not empty; name a new folder")
    unfinished = folder.with_name(f"{folder.name}.unfinished")  # renamed when whole: a folder that exists is complete
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    sounds = write_demo_library(unfinished, count=count)
    if folder.exists():
        folder.rmdir()
    unfinished.rename(folder)
    click.echo(f"{len(sounds)} sounds in {folder}")
