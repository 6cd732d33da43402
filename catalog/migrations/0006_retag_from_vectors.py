"""Re-taggings: a kind of run, and the sounds that one has still to tell anew."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

KINDS = [("scan", "Scan"), ("analysis", "Analysis"), ("retag", "Re-tagging")]


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_cancel_and_take_turns")]

    operations = [
        migrations.AlterField(model_name="run", name="kind", field=models.CharField(choices=KINDS, max_length=20)),
        migrations.CreateModel(
            name="Retagging",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sound_id", models.BigIntegerField()),
                ("profile", models.CharField(max_length=100)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="retaggings", to="catalog.run"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["run", "profile", "sound_id"], name="retagging_once_per_run")
                ],
            },
        ),
    ]
