"""The words of a Sound by where they stand: file name, folders, what is written inside, what is said of it.

Words of names stand in their order from now on, so that a phrase is found in them.
"""

from __future__ import annotations

from typing import Any

import django.contrib.postgres.indexes
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import migrations, models
from django.db.models import F, Func, GeneratedField, Value

from catalog.effective import search_name

ROWS_AT_ONCE = 5_000
FILTERED = (
    "library", "state", "category", "duration_s", "sample_rate_hz", "channels", "bit_depth", "confidence",
    "loudness_lufs", "tempo_bpm", "key", "is_loop", "profile", "format", "cat_id", "created_at",
)  # fmt: skip
WRITE = """
UPDATE catalog_sound AS sound SET search_name = fresh.name
FROM unnest(%s::bigint[], %s::text[]) AS fresh (id, name)
WHERE sound.id = fresh.id AND sound.search_name <> fresh.name
"""


def line(column: str, number: int) -> Func:
    return Func(F(column), Value("\n"), Value(number), function="split_part", output_field=models.TextField())


def write_names(apps: Any, editor: Any) -> None:
    sounds = apps.get_model("catalog", "Sound").objects.order_by("id").values_list("id", "path", "embedded")
    last = 0
    while rows := list(sounds.filter(id__gt=last)[:ROWS_AT_ONCE]):
        last = rows[-1][0]
        with editor.connection.cursor() as cursor:
            cursor.execute(WRITE, [[row[0] for row in rows], [search_name(path, own) for _, path, own in rows]])


def vector(expression: Any) -> GeneratedField:
    return GeneratedField(expression=expression, output_field=SearchVectorField(), db_persist=True)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_columns_that_filters_ask")]

    operations = [
        migrations.RemoveIndex("sound", "sound_by_words"),
        migrations.RemoveField("sound", "search_vector"),
        migrations.RunPython(write_names, migrations.RunPython.noop),
        migrations.AddField(
            "sound",
            "search_vector",
            vector(
                SearchVector(line("search_name", 1), weight="A", config="english")
                + SearchVector(line("search_name", 2), weight="C", config="english")
                + SearchVector(line("search_name", 3), weight="D", config="english")
                + SearchVector("search_words", weight="B", config="english")
            ),
        ),
        migrations.AddIndex(
            "sound", django.contrib.postgres.indexes.GinIndex(fields=["search_vector"], name="sound_by_words")
        ),
        migrations.AddIndex("sound", models.Index(fields=["id"], include=FILTERED, name="sound_filters")),
        migrations.AddIndex("sound", models.Index(fields=["label"], name="sound_by_label")),
        migrations.AddIndex(
            "sound",
            django.contrib.postgres.indexes.GinIndex(
                Func("tags", function="catalog_tag_vector"), name="sound_by_folded_tag"
            ),
        ),
    ]
