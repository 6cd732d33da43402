"""Values of fields as they are typed, without case and accents, so that a beginning finds them by an index."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

from catalog.dictionary import fold_values


def fold(apps: Any, editor: Any) -> None:
    with editor.connection.cursor() as cursor:
        fold_values(cursor)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0010_counts_changes_postings")]

    operations = [
        migrations.AddField(
            "fieldvalue",
            "folded",
            models.CharField(blank=True, db_collation="C", db_default="", max_length=200),
        ),
        migrations.RunPython(fold, migrations.RunPython.noop),
        migrations.AddIndex(
            "fieldvalue",
            models.Index(fields=["field", "folded"], include=["sounds", "value"], name="fieldvalue_by_beginning"),
        ),
    ]
