"""Rows made of the sounds so that many are found fast: counts, words and where they stand, and what changed."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Func, GeneratedField
from django.db.models.functions import Now


class Word(models.Model):
    """A word of the sounds, by which misspelled words of a query are corrected; `catalog.dictionary` keeps them."""

    word = models.CharField(max_length=40, primary_key=True)
    sounds = models.PositiveIntegerField()
    trigrams = GeneratedField(
        expression=Func("word", function="catalog_trigrams"),
        output_field=ArrayField(models.TextField()),
        db_persist=True,
    )

    class Meta:
        indexes: ClassVar = [
            # words that share a trigram with a misspelled one; without a list of pending entries, which each look would
            # read from one end to the other after a refresh
            GinIndex(fields=["trigrams"], name="word_by_trigram", fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.word


class FieldValue(models.Model):
    """A value that sounds have in a field of the query language, and how many do; for completion, a little old."""

    field = models.CharField(max_length=40)
    value = models.CharField(max_length=200)
    folded = models.CharField(max_length=200, blank=True, db_default="", db_collation="C")  # field_values.plain of it
    sounds = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            # and the values of a field
            models.UniqueConstraint(fields=["field", "value"], name="fieldvalue_once"),
        ]
        indexes: ClassVar = [
            # those that begin as was typed, while it is typed, without the table
            models.Index(fields=["field", "folded"], include=["sounds", "value"], name="fieldvalue_by_beginning"),
        ]

    def __str__(self) -> str:
        return f"{self.field}:{self.value}"


class DictionaryRefresh(models.Model):
    """When words and values were counted last, and the state of the rows then; one row at most."""

    changes = models.BigIntegerField()  # inserts, updates and deletes of sounds that Postgres had counted
    finished_at = models.DateTimeField()
    took_s = models.FloatField()

    def __str__(self) -> str:
        return f"dictionary of {self.finished_at}"


class Tally(models.Model):
    """Sounds that came to a place, or left it where the number is negative: their sum is how many there are.

    Triggers of catalog_sound write these rows with every change of it (migration 0010), so that the sums hold in each
    transaction and no two writers wait for each other; `catalog.tallies` reads them and folds them into few. The
    library is named without a foreign key, as a library goes in few statements.
    """

    library_id = models.BigIntegerField()
    category = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=20, blank=True)  # empty in the rows of tags
    tag = models.CharField(max_length=120, blank=True)  # empty in the rows of categories and states
    sounds = models.IntegerField()
    is_folded = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"{self.sounds:+} {self.tag or self.state} in {self.category!r}"


class SoundChange(models.Model):
    """A sound that was written or removed, so that what was read of the sounds before can be brought up to date.

    Triggers write these rows (migration 0010); what only concerns the queue is left out. The sweep drops the old ones.
    """

    sound_id = models.BigIntegerField()
    changed_xid = models.BigIntegerField(db_index=True)  # the transaction that did it
    has_words = models.BooleanField()  # whether its words are others than before
    changed_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return f"change of sound {self.sound_id}"


class Posting(models.Model):
    """Sounds that hold a lexeme: entries of `catalog.postings.ENTRY` in rising order of their ids.

    Several rows of a lexeme are parts, of which a later one may name a sound again.
    """

    generation = models.BigIntegerField()
    lexeme = models.TextField(db_collation="C")
    sounds = models.BinaryField()

    class Meta:
        indexes: ClassVar = [
            # a lexeme, and those that begin with it
            models.Index(fields=["lexeme", "generation"], name="posting_by_lexeme"),
        ]

    def __str__(self) -> str:
        return self.lexeme


class PostingState(models.Model):
    """Which postings serve, and what is in them; one row at most."""

    generation = models.BigIntegerField()
    database = models.TextField()  # transactions are numbered anew in another one
    horizon = models.BigIntegerField()  # every transaction below it had ended when the sounds were read
    highest_id = models.BigIntegerField()
    sounds = models.BigIntegerField()
    later = models.BigIntegerField()  # sounds that were read since, in parts of their own
    read_at = models.DateTimeField()
    build_s = models.FloatField()

    def __str__(self) -> str:
        return f"postings {self.generation}"
