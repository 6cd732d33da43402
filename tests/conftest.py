"""A home and a Postgres server of its own for every test session, both gone at its end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.db import connection

from config.embedded_postgres import EmbeddedPostgres

# Set before Django reads its settings, which is why they are not named in pyproject.toml: nothing of the user's own
# environment reaches a test, and sessions that run at the same time share nothing.
for name in [name for name in os.environ if name.startswith(("TIMBRE_", "DATABASE_URL"))]:
    del os.environ[name]
HOME = Path(tempfile.mkdtemp(prefix="timbre-test-"))
os.environ |= {
    "TIMBRE_HOME": str(HOME),
    "TIMBRE_LOG_LEVEL": "WARNING",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "HF_HUB_OFFLINE": "1",
}
django.setup()


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """pytest-django asks for this before it makes the test database."""
    server = EmbeddedPostgres(HOME, throwaway=True)
    server.start()
    yield
    server.stop()


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """The test database, for a process of its own; only what is committed is seen there."""
    settings = connection.settings_dict
    return f"postgres://{settings['USER']}@/{settings['HOST']}/{settings['NAME']}"
