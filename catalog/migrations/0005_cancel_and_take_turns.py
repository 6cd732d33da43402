"""Runs can be cancelled and take turns, and the next sound of a run is found by its index."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_find_old_removals")]

    operations = [
        migrations.AlterField(
            model_name="run",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("running", "Running"),
                    ("done", "Done"),
                    ("failed", "Failed"),
                    ("cancelled", "Cancelled"),
                ],
                default="waiting",
                max_length=20,
            ),
        ),
        migrations.AddField(model_name="run", name="served_at", field=models.DateTimeField(null=True, blank=True)),
        migrations.RemoveIndex(model_name="sound", name="sound_by_run"),
        migrations.AddIndex(model_name="sound", index=models.Index(fields=["run", "state", "id"], name="sound_by_run")),
    ]
