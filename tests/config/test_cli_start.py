"""Help and the commands without a database start without Django and torch."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from config.cli.main import COMMANDS, main

LOADED = """
import sys
from click.testing import CliRunner
from config.cli.main import main
answer = CliRunner().invoke(main, sys.argv[1:])
print(answer.exit_code, *sorted({"django", "torch", "transformers", "librosa"} & set(sys.modules)))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["analyze", "--help"], ["batch", "--help"], ["profile", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    told = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True)

    assert told.stdout.split() == ["0"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded_and_explains_itself(name: str) -> None:
    answer = CliRunner().invoke(main, [name, "--help"])

    assert answer.exit_code == 0
    assert answer.output.startswith("Usage: main " + name)


def all_commands(group: click.Group = main, before: str = "timbre") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{before} {name}")
        elif command is not None:
            yield f"{before} {name}", command


def test_every_command_and_option_stands_in_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    told = readme.split("\n## Commands\n")[1].split("\n## ")[0]
    commands = dict(all_commands())
    options = {option for command in commands.values() for option in command.params if isinstance(option, click.Option)}

    assert [name for name in commands if f"{name} " not in told and f"{name}\n" not in told] == []
    assert [option.opts for option in options if not set(option.opts) & set(re.findall(r"-[-\w]+", told))] == []


def test_an_unknown_command_is_wrong_use() -> None:
    answer = CliRunner().invoke(main, ["sing"])

    assert answer.exit_code == 2
    assert "No such command 'sing'" in answer.output
