"""Migrations go both ways and stand for the models as they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)


def tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('public', 'dramatiq')"
        )
        return {name for (name,) in cursor.fetchall() if "catalog_" in name or "dramatiq." in name}


@pytest.fixture
def migrated_again() -> Iterator[None]:
    yield
    call_command("migrate", "catalog", verbosity=0)


@pytest.mark.usefixtures("migrated_again")
def test_everything_can_be_taken_back_and_made_again() -> None:
    before = tables()
    assert {"public.catalog_sound", "dramatiq.queue"} <= before

    call_command("migrate", "catalog", "zero", verbosity=0)
    assert tables() == set()

    call_command("migrate", "catalog", verbosity=0)
    assert tables() == before


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
