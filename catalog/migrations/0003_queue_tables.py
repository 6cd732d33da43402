"""The tables of the queue in Postgres; they stay empty where another broker is used."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from dramatiq_postgres import schema


def make_tables(_apps: Any, editor: Any) -> None:
    with editor.connection.cursor() as cursor:
        schema.init(cursor)


def drop_tables(_apps: Any, editor: Any) -> None:
    with editor.connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS dramatiq CASCADE")


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_number_embedding_changes")]

    operations = [migrations.RunPython(make_tables, drop_tables)]
