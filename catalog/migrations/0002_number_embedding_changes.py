"""Triggers that number every change of an embedding by its transaction, so that an index can follow the rows."""

from __future__ import annotations

from django.db import migrations

NUMBER_CHANGES = """
CREATE FUNCTION catalog_number_embedding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_xid := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;

CREATE TRIGGER catalog_embedding_changed BEFORE INSERT OR UPDATE ON catalog_embedding
    FOR EACH ROW EXECUTE FUNCTION catalog_number_embedding();

CREATE FUNCTION catalog_note_embedding_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_embeddingremoval (sound_id, model_id, model_revision, changed_xid)
    VALUES (OLD.sound_id, OLD.model_id, OLD.model_revision, pg_current_xact_id()::text::bigint);
    RETURN OLD;
END $$;

CREATE TRIGGER catalog_embedding_removed AFTER DELETE ON catalog_embedding
    FOR EACH ROW EXECUTE FUNCTION catalog_note_embedding_removal();
"""

FORGET = """
DROP TRIGGER catalog_embedding_removed ON catalog_embedding;
DROP TRIGGER catalog_embedding_changed ON catalog_embedding;
DROP FUNCTION catalog_note_embedding_removal();
DROP FUNCTION catalog_number_embedding();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_libraries_sounds_analyses")]

    operations = [migrations.RunSQL(NUMBER_CHANGES, FORGET)]
