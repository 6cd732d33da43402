"""Searches that people gave a name."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models.functions import Lower, Now


class Migration(migrations.Migration):
    dependencies = [("catalog", "0008_words_by_their_place")]

    operations = [
        migrations.CreateModel(
            name="SavedSearch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                ("query", models.CharField(max_length=4_000)),
                ("created_at", models.DateTimeField(db_default=Now())),
            ],
            options={"verbose_name_plural": "saved searches", "ordering": [Lower("name")]},
        ),
        migrations.AddConstraint(
            "savedsearch", models.UniqueConstraint(Lower("name"), name="savedsearch_once_per_name")
        ),
    ]
