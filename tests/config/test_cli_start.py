"""Help and the commands without a database start without Django and torch."""

from __future__ import annotations

import subprocess
import sys

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


def test_an_unknown_command_is_wrong_use() -> None:
    answer = CliRunner().invoke(main, ["sing"])

    assert answer.exit_code == 2
    assert "No such command 'sing'" in answer.output
