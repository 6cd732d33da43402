"""An index of the long sounds: whether there are enough to build an index of moments is asked again and again."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("catalog", "0011_values_by_their_beginning")]

    operations = [
        migrations.AddIndex(
            model_name="sound",
            index=models.Index(fields=["id"], name="sound_long", condition=Q(duration_s__gt=10.0)),
        ),
    ]
