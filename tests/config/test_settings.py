"""Settings come from the environment, stand in env.example, and stop everything when one is wrong."""

from __future__ import annotations

import ast
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config import settings

CHECKOUT = Path(settings.__file__).parent.parent


def read_in_new_process(expression: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = f"from config import settings; print({expression})"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | environment, check=False
    )


def variables_read() -> set[str]:
    tree = ast.parse(Path(settings.__file__).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    first = [call.args[0] for call in calls if ast.unparse(call.func) in {"read", "env.str", "env.db_url"}]
    return {
        argument.value for argument in first if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_every_variable_stands_in_the_example() -> None:
    example = (CHECKOUT / "deploy" / "env.example").read_text()

    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) == variables_read()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMBRE_WORKER_THREADS", "many"),
        ("TIMBRE_WORKER_THREADS", "0"),
        ("TIMBRE_WEB_PROCESSES", "0"),
        ("TIMBRE_DEBUG", "maybe"),
        ("TIMBRE_HOME", "relative/path"),
        ("TIMBRE_PROFILES", "/nowhere/config.yaml"),
        ("TIMBRE_BROKER_URL", "http://localhost"),
        ("TIMBRE_LOG_LEVEL", "loud"),
        ("DATABASE_URL", "mysql://localhost/timbre"),
    ],
)
def test_a_wrong_value_stops_everything_and_is_named(name: str, value: str) -> None:
    answer = read_in_new_process("1", **{name: value})

    assert answer.returncode != 0
    assert f"ImproperlyConfigured: {name}" in answer.stderr


def test_the_secret_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first, second = (read_in_new_process("settings.SECRET_KEY", TIMBRE_HOME=str(tmp_path)).stdout for _ in range(2))

    assert len(first) > 40
    assert first == second
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_a_value_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgres://timbre:secret@db:5432/timbre\n")
    answer = read_in_new_process("settings.DATABASES['default']['HOST']", DATABASE_URL_FILE=str(tmp_path / "url"))

    assert answer.stdout.strip() == "db"
