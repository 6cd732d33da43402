"""Transaction numbers that a restore brought from another server: rows that carry them are numbered anew."""

from __future__ import annotations

import logging

from django.db import connection, transaction

logger = logging.getLogger(__name__)

# No number at or above it was given out, but to this transaction itself
NEXT = (
    "greatest(pg_snapshot_xmax(pg_current_snapshot())::text::bigint,"
    " pg_current_xact_id_if_assigned()::text::bigint + 1)"
)
# A step in an index tells where there is none (up to Postgres 17: a walk through it, 0.1 s at a million rows)
IS_NUMBERED_ELSEWHERE = f"""
SELECT EXISTS (SELECT FROM catalog_embedding WHERE changed_xid >= {NEXT})
OR EXISTS (SELECT FROM catalog_embeddingremoval WHERE changed_xid >= {NEXT})
OR EXISTS (SELECT FROM catalog_soundchange WHERE changed_xid >= {NEXT})
"""
# The trigger sets the number, whatever is written. Of several embeddings of a sound the one written last holds: each
# waits for those written before it, so that it gets a higher number again.
NUMBER_ANEW = f"""
UPDATE catalog_embedding SET changed_xid = 0 WHERE id IN (
    SELECT id FROM catalog_embedding AS embedding
    WHERE changed_xid >= {NEXT} AND NOT EXISTS (
        SELECT FROM catalog_embedding AS earlier
        WHERE earlier.sound_id = embedding.sound_id AND earlier.changed_xid >= {NEXT}
        AND (earlier.changed_xid, earlier.id) < (embedding.changed_xid, embedding.id)
    ) LIMIT %s
)
"""
# Of another server, too, and nobody needs them: whoever followed its numbers loads anew
FORGET_REMOVALS = f"DELETE FROM catalog_embeddingremoval WHERE changed_xid >= {NEXT}"
FORGET_CHANGES = f"DELETE FROM catalog_soundchange WHERE changed_xid >= {NEXT}"
ROWS_AT_ONCE = 20_000


def is_numbered_elsewhere() -> bool:
    """Whether a row carries a number that this server has not given out yet."""
    with connection.cursor() as cursor:
        cursor.execute(IS_NUMBERED_ELSEWHERE)
        return bool(cursor.fetchone()[0])


def renumber_changes() -> int:
    """Give rows with another server's numbers those of this one; how many there were.

    They would count as changed until this server gets there, and hide what changes then.
    """
    renumbered = 0
    if is_numbered_elsewhere():
        logger.info("Rows carry numbers of another server, from which they were restored: they are numbered anew")
    while is_numbered_elsewhere():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(NUMBER_ANEW, [ROWS_AT_ONCE])
            renumbered += cursor.rowcount
            cursor.execute(FORGET_REMOVALS)
            cursor.execute(FORGET_CHANGES)
    return renumbered
