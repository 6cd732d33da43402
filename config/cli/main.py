"""The `timbre` command: names of the commands, each loaded only when it is called."""

from __future__ import annotations

import logging
import os
from importlib import import_module
from typing import Any

import click

from config.cli.errors import WrongUse

COMMANDS = {  # name: (where it lives, what it does)
    "up": ("config.cli.serving:up", "Serve the catalog: database, worker and pages in one command."),
    "ingest": ("config.cli.catalog:ingest", "Add a folder of sounds to the catalog and analyze what is new in it."),
    "retag": ("config.cli.retagging:retag", "Tell sounds anew from stored vectors, without audio."),
    "search": ("config.cli.catalog:search", "Find sounds by words, by ear and by name."),
    "similar": ("config.cli.catalog:similar", "Find sounds that sound like a sound of the catalog or a file."),
    "export": ("config.cli.catalog:export", "Write the catalog, or a part of it, to a file."),
    "analyze": ("config.cli.analysis:analyze", "Analyze files without a catalog."),
    "batch": ("config.cli.analysis:batch", "Analyze a folder without a catalog."),
    "evaluate": ("config.cli.evaluating:evaluate", "Measure how right a model is on labeled sounds."),
    "profile": ("config.cli.analysis:profile", "List and inspect analysis profiles."),
    "vocab": ("config.cli.analysis:vocab", "Check the vocabulary and fill its cache."),
    "validate": ("config.cli.analysis:validate", "Check written records against their schema."),
    "index": ("config.cli.indexing:index", "Look at the search indexes, build them anew, check them."),
    "model": ("config.cli.models:model", "List and install models."),
    "doctor": ("config.cli.doctor:doctor", "Check that everything Timbre needs is in order."),
    "demo": ("config.cli.demo:demo", "Write a library of synthesized sounds to try Timbre with."),
}
NEED_DJANGO = {"up", "ingest", "retag", "search", "similar", "export", "index", "model", "doctor"}


class LazyGroup(click.Group):
    """Knows its commands by name, so that help and the light ones wait for neither Django nor torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name in NEED_DJANGO:
            set_up_django()  # before their modules are loaded: these import models
        module, name = COMMANDS[cmd_name][0].split(":")
        command: Any = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


def set_up_django() -> None:
    import django  # only now: help and the commands without a database start at once
    from django.core.exceptions import ImproperlyConfigured

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        django.setup()
        if "TIMBRE_LOG_LEVEL" not in os.environ:
            logging.getLogger().setLevel(logging.WARNING)  # a person reads what a command says, not a log
    except ImproperlyConfigured as error:
        raise WrongUse(str(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="timbre", message="timbre %(version)s")
def main() -> None:
    """Timbre listens to sound-effect libraries, describes every sound and finds it again.

    Exit codes: 0 done, 1 some sounds failed, 2 wrong use.
    """


if __name__ == "__main__":
    main()
