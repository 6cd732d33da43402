"""What keeps a catalog of a million fast: counts kept by triggers, a log of changed sounds, postings of words."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models.functions import Now

# A statement's rows at once: a bulk change writes as many rows as there are places, not as there are sounds
COUNT_CHANGES = """
CREATE FUNCTION catalog_tally_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_tally (library_id, category, state, tag, sounds)
    SELECT library_id, category, state, '', count(*) FROM new_rows GROUP BY library_id, category, state
    UNION ALL
    SELECT library_id, category, '', tag, count(*) FROM new_rows, unnest(tags) AS tag
    WHERE tag <> '' GROUP BY library_id, category, tag;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_tally_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_tally (library_id, category, state, tag, sounds)
    SELECT library_id, category, state, '', -count(*) FROM old_rows GROUP BY library_id, category, state
    UNION ALL
    SELECT library_id, category, '', tag, -count(*) FROM old_rows, unnest(tags) AS tag
    WHERE tag <> '' GROUP BY library_id, category, tag;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_tally_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_tally (library_id, category, state, tag, sounds)
    SELECT library_id, category, state, '', sum(one) FROM (
        SELECT library_id, category, state, -1 AS one FROM old_rows
        UNION ALL SELECT library_id, category, state, 1 FROM new_rows
    ) AS changed
    GROUP BY library_id, category, state HAVING sum(one) <> 0;
    INSERT INTO catalog_tally (library_id, category, state, tag, sounds)
    SELECT library_id, category, '', tag, sum(one) FROM (
        SELECT was.library_id, was.category, unnest(was.tags) AS tag, -1 AS one
        FROM old_rows AS was JOIN new_rows AS fresh USING (id)
        WHERE (was.library_id, was.category, was.tags) IS DISTINCT FROM (fresh.library_id, fresh.category, fresh.tags)
        UNION ALL
        SELECT fresh.library_id, fresh.category, unnest(fresh.tags), 1
        FROM old_rows AS was JOIN new_rows AS fresh USING (id)
        WHERE (was.library_id, was.category, was.tags) IS DISTINCT FROM (fresh.library_id, fresh.category, fresh.tags)
    ) AS changed
    WHERE tag <> '' GROUP BY library_id, category, tag HAVING sum(one) <> 0;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_tally_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(29128);  -- whoever folds is done, and what that wrote is seen by the next statement
    DELETE FROM catalog_tally;
    RETURN NULL;
END $$;

CREATE TRIGGER catalog_sound_inserted AFTER INSERT ON catalog_sound
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION catalog_tally_insert();
CREATE TRIGGER catalog_sound_deleted AFTER DELETE ON catalog_sound
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION catalog_tally_delete();
CREATE TRIGGER catalog_sound_updated AFTER UPDATE ON catalog_sound
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION catalog_tally_update();
CREATE TRIGGER catalog_sound_truncated AFTER TRUNCATE ON catalog_sound
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_tally_truncate();

INSERT INTO catalog_tally (library_id, category, state, tag, sounds, is_folded)
SELECT library_id, category, state, '', count(*), true FROM catalog_sound GROUP BY library_id, category, state
UNION ALL
SELECT library_id, category, '', tag, count(*), true FROM catalog_sound, unnest(tags) AS tag
WHERE tag <> '' GROUP BY library_id, category, tag;
"""
FORGET = """
DROP TRIGGER catalog_sound_truncated ON catalog_sound;
DROP TRIGGER catalog_sound_updated ON catalog_sound;
DROP TRIGGER catalog_sound_deleted ON catalog_sound;
DROP TRIGGER catalog_sound_inserted ON catalog_sound;
DROP FUNCTION catalog_tally_truncate();
DROP FUNCTION catalog_tally_update();
DROP FUNCTION catalog_tally_delete();
DROP FUNCTION catalog_tally_insert();
"""

# What a filter or a word may ask for; not what the queue writes while it works
FILTERED = """library_id, state, category, label, tags, confidence, current_analysis_id, analyzed_at, is_loop, key,
    cat_id, profile, format, duration_s, sample_rate_hz, channels, bit_depth, loudness_lufs, tempo_bpm"""
WORDS = "search_name, search_words"


def row(table: str, columns: str) -> str:
    return f"({', '.join(f'{table}.{column.strip()}' for column in columns.split(','))})"


LOG_CHANGES = f"""
CREATE FUNCTION catalog_log_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_soundchange (sound_id, changed_xid, has_words)
    SELECT id, pg_current_xact_id()::text::bigint, true FROM new_rows;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_log_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_soundchange (sound_id, changed_xid, has_words)
    SELECT id, pg_current_xact_id()::text::bigint, false FROM old_rows;
    RETURN NULL;
END $$;

CREATE FUNCTION catalog_log_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_soundchange (sound_id, changed_xid, has_words)
    SELECT fresh.id, pg_current_xact_id()::text::bigint, {row("was", WORDS)} IS DISTINCT FROM {row("fresh", WORDS)}
    FROM old_rows AS was JOIN new_rows AS fresh USING (id)
    WHERE {row("was", FILTERED)} IS DISTINCT FROM {row("fresh", FILTERED)}
        OR {row("was", WORDS)} IS DISTINCT FROM {row("fresh", WORDS)};
    RETURN NULL;
END $$;

CREATE TRIGGER catalog_sound_insert_logged AFTER INSERT ON catalog_sound
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION catalog_log_insert();
CREATE TRIGGER catalog_sound_delete_logged AFTER DELETE ON catalog_sound
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION catalog_log_delete();
CREATE TRIGGER catalog_sound_update_logged AFTER UPDATE ON catalog_sound
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION catalog_log_update();
"""
FORGET_LOG = """
DROP TRIGGER catalog_sound_update_logged ON catalog_sound;
DROP TRIGGER catalog_sound_delete_logged ON catalog_sound;
DROP TRIGGER catalog_sound_insert_logged ON catalog_sound;
DROP FUNCTION catalog_log_update();
DROP FUNCTION catalog_log_delete();
DROP FUNCTION catalog_log_insert();
"""


def number() -> models.BigAutoField[int, int]:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [("catalog", "0009_saved_searches")]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", number()),
                ("library_id", models.BigIntegerField()),
                ("category", models.CharField(max_length=60, blank=True)),
                ("state", models.CharField(max_length=20, blank=True)),
                ("tag", models.CharField(max_length=120, blank=True)),
                ("sounds", models.IntegerField()),
                ("is_folded", models.BooleanField(default=False, db_default=False)),
            ],
            options={"verbose_name_plural": "tallies"},
        ),
        migrations.RunSQL(COUNT_CHANGES, FORGET),
        migrations.CreateModel(
            name="SoundChange",
            fields=[
                ("id", number()),
                ("sound_id", models.BigIntegerField()),
                ("changed_xid", models.BigIntegerField(db_index=True)),
                ("has_words", models.BooleanField()),
                ("changed_at", models.DateTimeField(db_default=Now(), db_index=True)),
            ],
        ),
        migrations.RunSQL(LOG_CHANGES, FORGET_LOG),
        migrations.CreateModel(
            name="Posting",
            fields=[
                ("id", number()),
                ("generation", models.BigIntegerField()),
                ("lexeme", models.TextField(db_collation="C")),
                ("sounds", models.BinaryField()),
            ],
            options={"indexes": [models.Index(fields=["lexeme", "generation"], name="posting_by_lexeme")]},
        ),
        migrations.CreateModel(
            name="PostingState",
            fields=[
                ("id", number()),
                ("generation", models.BigIntegerField()),
                ("database", models.TextField()),
                ("horizon", models.BigIntegerField()),
                ("highest_id", models.BigIntegerField()),
                ("sounds", models.BigIntegerField()),
                ("later", models.BigIntegerField()),
                ("read_at", models.DateTimeField()),
                ("build_s", models.FloatField()),
            ],
        ),
    ]
