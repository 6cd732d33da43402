"""Columns of a Sound that the query language filters by, filled from the stored records; words and values by count."""

from __future__ import annotations

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.models import Func, GeneratedField

# No function of ours inside another one: an index is built with an empty search_path
FUNCTIONS = r"""
CREATE FUNCTION catalog_trigrams(word text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT substr(padded, place, 3)), '{}')
    FROM (SELECT '  ' || lower(word) || ' ' AS padded) AS one, generate_series(1, length(padded) - 2) AS place
$$;

CREATE FUNCTION catalog_tag_vector(tags varchar[]) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_to_tsvector(array_agg(folded) FILTER (WHERE folded <> '')), '')
    FROM (
        SELECT left(btrim(regexp_replace(
            lower(regexp_replace(normalize(tag, NFKD), '[\u0300-\u036F]', '', 'g')), '[\s_]+', ' ', 'g'
        )), 200) AS folded
        FROM unnest(tags) AS tag
    ) AS one
$$;
"""
FORGET = "DROP FUNCTION catalog_tag_vector(varchar[]); DROP FUNCTION catalog_trigrams(text);"

# As catalog.effective.refresh_sound writes them
FILL = r"""
UPDATE catalog_sound AS sound SET
    profile = coalesce(analysis.profile, ''),
    loudness_lufs = (facts->>'loudness_lufs')::float8,
    tempo_bpm = (facts->>'tempo_bpm')::float8,
    key = coalesce(facts->>'key', ''),
    cat_id = CASE WHEN sound.category = analysis.category THEN coalesce(told.record#>>'{ucs,cat_id}', '') ELSE '' END,
    is_loop = named_loop OR coalesce(
        (facts->>'rhythm_regularity')::float8 >= 0.4
        AND greatest((facts->>'leading_silence_s')::float8, (facts->>'trailing_silence_s')::float8) <= 0.05
        AND facts->>'leading_silence_s' IS NOT NULL AND facts->>'trailing_silence_s' IS NOT NULL
        AND EXISTS (
            SELECT FROM unnest('{4,8,16,32,64}'::float8[]) AS whole
            WHERE abs((facts->>'tempo_bpm')::float8 * (told.record#>>'{metadata,duration_s}')::float8 / 60 - whole)
                <= 0.02 * whole
        ), false)
FROM (
    SELECT named.id, named.current_analysis_id,
        (named.text ~ $re$(^|[^A-Za-z])loop(s|ed|ing|able)?($|[^a-z])$re$
            OR named.text ~ $re$Loop(s|ed|ing|able)?($|[^a-z])$re$
            OR named.text ~ $re$LOOP(S|ED|ING|ABLE)?($|[^A-Z])$re$)
        AND named.text !~* $re$(^|[^a-z])(no|non|not|un)[ _-]?loop|loop[ _-]?groups?($|[^a-z])$re$ AS named_loop
    FROM (
        SELECT id, current_analysis_id, file_name || E'\n' || coalesce(
            (SELECT string_agg(value, E'\n') FROM jsonb_each_text(
                CASE jsonb_typeof(embedded) WHEN 'object' THEN embedded ELSE '{}' END)), '') AS text
        FROM catalog_sound
    ) AS named
) AS loop
LEFT JOIN catalog_analysis AS analysis ON analysis.id = loop.current_analysis_id
LEFT JOIN LATERAL (SELECT analysis.record AS record, analysis.record->'acoustic_summary' AS facts) AS told ON true
WHERE loop.id = sound.id AND (named_loop OR analysis.id IS NOT NULL)
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_retag_from_vectors")]

    operations = [
        migrations.RunSQL(FUNCTIONS, FORGET),
        migrations.AddField(
            "sound", "profile", models.CharField(max_length=100, blank=True, default="", db_default="")
        ),
        migrations.AddField("sound", "loudness_lufs", models.FloatField(null=True, blank=True)),
        migrations.AddField("sound", "tempo_bpm", models.FloatField(null=True, blank=True)),
        migrations.AddField("sound", "key", models.CharField(max_length=20, blank=True, default="", db_default="")),
        migrations.AddField("sound", "cat_id", models.CharField(max_length=20, blank=True, default="", db_default="")),
        migrations.AddField("sound", "is_loop", models.BooleanField(default=False, db_default=False)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Word",
            fields=[
                ("word", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("sounds", models.PositiveIntegerField()),
                (
                    "trigrams",
                    GeneratedField(
                        db_persist=True,
                        expression=Func("word", function="catalog_trigrams"),
                        output_field=django.contrib.postgres.fields.ArrayField(models.TextField()),
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="word",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["trigrams"], name="word_by_trigram", fastupdate=False
            ),
        ),
        migrations.CreateModel(
            name="FieldValue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("field", models.CharField(max_length=40)),
                ("value", models.CharField(max_length=200)),
                ("sounds", models.PositiveIntegerField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=["field", "value"], name="fieldvalue_once")],
            },
        ),
        migrations.CreateModel(
            name="DictionaryRefresh",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("changes", models.BigIntegerField()),
                ("finished_at", models.DateTimeField()),
                ("took_s", models.FloatField()),
            ],
        ),
    ]
