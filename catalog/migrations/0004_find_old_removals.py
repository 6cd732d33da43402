"""An index for the sweep, which drops removals that every index has seen."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_queue_tables")]

    operations = [
        migrations.AlterField(
            model_name="embeddingremoval",
            name="removed_at",
            field=models.DateTimeField(db_default=Now(), db_index=True),
        )
    ]
