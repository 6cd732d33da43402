import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Analysis",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("profile", models.CharField(max_length=100)),
                ("profile_fingerprint", models.CharField(max_length=32)),
                ("model_id", models.CharField(max_length=200)),
                ("model_revision", models.CharField(blank=True, max_length=80)),
                ("vocabulary_sha256", models.CharField(max_length=64)),
                ("record", models.JSONField()),
                ("category", models.CharField(max_length=60)),
                ("label", models.CharField(max_length=120)),
                ("confidence", models.FloatField()),
                ("description", models.TextField()),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120), default=list, size=None
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "verbose_name_plural": "analyses",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="EmbeddingRemoval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sound_id", models.BigIntegerField()),
                ("model_id", models.CharField(max_length=200)),
                ("model_revision", models.CharField(blank=True, max_length=80)),
                ("changed_xid", models.BigIntegerField(db_index=True)),
                ("removed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="Library",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                ("root", models.TextField(unique=True)),
                ("profile", models.CharField(default="balanced", max_length=100)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("scanned_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("host", models.CharField(max_length=255)),
                ("pid", models.PositiveIntegerField()),
                ("device", models.CharField(blank=True, max_length=80)),
                ("started_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("seen_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "ordering": ["-seen_at"],
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("scan", "Scan"), ("analysis", "Analysis")], max_length=20)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=20,
                    ),
                ),
                ("profile", models.CharField(blank=True, max_length=100)),
                ("total", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("findings", models.JSONField(blank=True, default=dict)),
                ("problems", models.JSONField(blank=True, default=list)),
                ("error", models.TextField(blank=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("claimed_by", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "follows",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="followers",
                        to="catalog.run",
                    ),
                ),
                (
                    "library",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="catalog.library",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Sound",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.TextField()),
                ("raw_path", models.BinaryField(blank=True, null=True)),
                ("file_name", models.TextField()),
                ("size_bytes", models.BigIntegerField()),
                ("modified_ns", models.BigIntegerField()),
                ("file_hash", models.CharField(blank=True, max_length=64)),
                ("content_hash", models.CharField(blank=True, max_length=64)),
                ("format", models.CharField(blank=True, max_length=40)),
                ("duration_s", models.FloatField(blank=True, null=True)),
                ("sample_rate_hz", models.PositiveIntegerField(blank=True, null=True)),
                ("channels", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("bit_depth", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("embedded", models.JSONField(blank=True, default=dict)),
                ("peaks", models.BinaryField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("queued", "Queued"),
                            ("analyzing", "Analyzing"),
                            ("analyzed", "Analyzed"),
                            ("failed", "Failed"),
                            ("missing", "Missing"),
                        ],
                        default="new",
                        max_length=20,
                    ),
                ),
                ("error", models.TextField(blank=True)),
                ("wanted_profile", models.CharField(blank=True, max_length=100)),
                ("queued_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("claimed_by", models.CharField(blank=True, max_length=64)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("category", models.CharField(blank=True, max_length=60)),
                ("label", models.CharField(blank=True, max_length=120)),
                ("confidence", models.FloatField(blank=True, null=True)),
                ("description", models.TextField(blank=True)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=120), blank=True, default=list, size=None
                    ),
                ),
                ("search_name", models.TextField(blank=True)),
                ("search_words", models.TextField(blank=True)),
                (
                    "search_vector",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.contrib.postgres.search.CombinedSearchVector(
                            django.contrib.postgres.search.SearchVector("search_name", config="english", weight="A"),
                            "||",
                            django.contrib.postgres.search.SearchVector("search_words", config="english", weight="B"),
                            django.contrib.postgres.search.SearchConfig("english"),
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("analyzed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "current_analysis",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="catalog.analysis",
                    ),
                ),
                (
                    "library",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sounds", to="catalog.library"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="sounds",
                        to="catalog.run",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Embedding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("model_id", models.CharField(max_length=200)),
                ("model_revision", models.CharField(blank=True, max_length=80)),
                ("window_s", models.FloatField()),
                ("hop_s", models.FloatField()),
                ("dim", models.PositiveSmallIntegerField()),
                ("clip", models.BinaryField()),
                ("windows", models.BinaryField()),
                ("changed_xid", models.BigIntegerField(default=0)),
                (
                    "sound",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="embeddings", to="catalog.sound"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Edit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "field",
                    models.CharField(
                        choices=[("description", "Description"), ("category", "Category"), ("tags", "Tags")],
                        max_length=20,
                    ),
                ),
                ("value", models.JSONField(null=True)),
                ("author", models.CharField(blank=True, max_length=150)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "sound",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="edits", to="catalog.sound"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddField(
            model_name="analysis",
            name="sound",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="analyses", to="catalog.sound"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "running"])), fields=["state"], name="run_unfinished"
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "scan"), ("state__in", ["waiting", "running"])),
                fields=("library",),
                name="run_one_open_scan_per_library",
            ),
        ),
        migrations.AddIndex(
            model_name="sound",
            index=models.Index(
                django.db.models.functions.comparison.Coalesce(
                    django.db.models.expressions.CombinedExpression(models.F("confidence"), "*", models.Value(-1.0)),
                    1.0,
                ),
                models.F("id"),
                name="sound_by_confidence",
            ),
        ),
        migrations.AddIndex(
            model_name="sound",
            index=models.Index(
                models.F("category"),
                django.db.models.functions.comparison.Coalesce(
                    django.db.models.expressions.CombinedExpression(models.F("confidence"), "*", models.Value(-1.0)),
                    1.0,
                ),
                models.F("id"),
                name="sound_by_category",
            ),
        ),
        migrations.AddIndex(
            model_name="sound",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "analyzing"])),
                fields=["state", "queued_at"],
                name="sound_due",
            ),
        ),
        migrations.AddIndex(
            model_name="sound",
            index=models.Index(fields=["run", "state"], name="sound_by_run"),
        ),
        migrations.AddIndex(
            model_name="sound",
            index=models.Index(fields=["file_hash"], name="sound_by_file_hash"),
        ),
        migrations.AddIndex(
            model_name="sound",
            index=django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="sound_by_tag"),
        ),
        migrations.AddIndex(
            model_name="sound",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search_vector"], name="sound_by_words"),
        ),
        migrations.AddConstraint(
            model_name="sound",
            constraint=models.UniqueConstraint(
                models.F("library"), django.db.models.functions.text.MD5("path"), name="sound_once_per_library"
            ),
        ),
        migrations.AddIndex(
            model_name="embedding",
            index=models.Index(fields=["model_id", "model_revision", "changed_xid"], name="embedding_changes"),
        ),
        migrations.AddConstraint(
            model_name="embedding",
            constraint=models.UniqueConstraint(
                fields=("sound", "model_id", "model_revision", "window_s", "hop_s"), name="embedding_once_per_windows"
            ),
        ),
        migrations.AddIndex(
            model_name="edit",
            index=models.Index(fields=["sound", "field", "-id"], name="edit_newest"),
        ),
        migrations.AddConstraint(
            model_name="analysis",
            constraint=models.UniqueConstraint(
                fields=("sound", "profile_fingerprint", "model_id", "model_revision", "vocabulary_sha256"),
                name="analysis_once_per_settings",
            ),
        ),
    ]
