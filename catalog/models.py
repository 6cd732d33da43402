"""Every row of the catalog: libraries, sounds, analyses, embeddings, runs, workers and people's edits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Func, GeneratedField, Q, Value
from django.db.models.functions import MD5, Coalesce, Lower, Now

from catalog.counted import DictionaryRefresh, FieldValue, Posting, PostingState, SoundChange, Tally, Word

__all__ = [
    "Analysis",
    "DictionaryRefresh",
    "Edit",
    "Embedding",
    "EmbeddingRemoval",
    "FieldValue",
    "Library",
    "Posting",
    "PostingState",
    "Retagging",
    "Run",
    "SavedSearch",
    "Sound",
    "SoundChange",
    "Tally",
    "Word",
    "Worker",
]

# Columns that catalog.fields filters by
FILTERED = (
    "library", "state", "category", "duration_s", "sample_rate_hz", "channels", "bit_depth", "confidence",
    "loudness_lufs", "tempo_bpm", "key", "is_loop", "profile", "format", "cat_id", "created_at",
)  # fmt: skip


def line(column: str, number: int) -> Func:
    return Func(F(column), Value("\n"), Value(number), function="split_part", output_field=models.TextField())


class Library(models.Model):
    """A folder of sounds, known by its absolute path."""

    name = models.CharField(max_length=200, unique=True)
    root = models.TextField(unique=True)
    profile = models.CharField(max_length=100, default="balanced")
    created_at = models.DateTimeField(db_default=Now())
    scanned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Run(models.Model):
    """A piece of work somebody asked for: a scan of a library, the analysis or the re-tagging of many sounds."""

    class Kind(models.TextChoices):
        SCAN = "scan", "Scan"
        ANALYSIS = "analysis", "Analysis"
        RETAG = "retag", "Re-tagging"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    library = models.ForeignKey(Library, null=True, blank=True, on_delete=models.CASCADE, related_name="runs")
    follows = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="followers"
    )  # the scan, or the re-tagging, that left its sounds to an analysis
    profile = models.CharField(max_length=100, blank=True)
    total = models.PositiveIntegerField(default=0)  # analysis, re-tagging: sounds chosen; scan: files seen
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    # Of a scan: how many were new, changed, moved, missing, back, duplicate, unreadable, unchanged, skipped;
    # of a re-tagging: from_vectors, and to_be_heard where the profile's vectors are not there
    findings = models.JSONField(default=dict, blank=True)
    # [{"path", "reason"}]; of a scan: what has no row (folders, links); of a re-tagging: the first that failed
    problems = models.JSONField(default=list, blank=True)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # of a scan or re-tagging: how often it was begun
    lease_until = models.DateTimeField(null=True, blank=True)  # of those: renewed by who is at it
    claimed_by = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True, blank=True)
    served_at = models.DateTimeField(null=True, blank=True)  # of an analysis: its last turn, runs take them in order
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            # the runs page and the sweep ask for what is not finished
            models.Index(fields=["state"], name="run_unfinished", condition=Q(state__in=["waiting", "running"])),
        ]
        constraints: ClassVar = [
            # asking for a scan twice is asking once
            models.UniqueConstraint(
                fields=["library"],
                condition=Q(kind="scan", state__in=["waiting", "running"]),
                name="run_one_open_scan_per_library",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def is_finished(self) -> bool:
        return self.state in {self.State.DONE, self.State.FAILED, self.State.CANCELLED}


class Retagging(models.Model):
    """A sound that a run has still to tell anew from its stored vectors; the row goes with the telling.

    The sound is named without a foreign key: a library goes in few statements, and a row whose sound is gone is passed
    over.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="retaggings")
    sound_id = models.BigIntegerField()
    profile = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [
            # and the order in which a run is worked off
            models.UniqueConstraint(fields=["run", "profile", "sound_id"], name="retagging_once_per_run"),
        ]

    def __str__(self) -> str:
        return f"{self.profile} for sound {self.sound_id}"


class Sound(models.Model):
    """A file of a library, with what people see of it: the current analysis under their own edits."""

    class State(models.TextChoices):
        NEW = "new", "New"
        QUEUED = "queued", "Queued"
        ANALYZING = "analyzing", "Analyzing"
        ANALYZED = "analyzed", "Analyzed"
        FAILED = "failed", "Failed"
        MISSING = "missing", "Missing"

    library = models.ForeignKey(Library, on_delete=models.CASCADE, related_name="sounds")
    path = models.TextField()  # relative to the root, "/" between folders, as people read it
    raw_path = models.BinaryField(null=True, blank=True)  # the bytes of a name that is not UTF-8, else null
    file_name = models.TextField()
    size_bytes = models.BigIntegerField()
    modified_ns = models.BigIntegerField()  # st_mtime_ns
    # Of the file's first and last parts and its size: tells a moved file
    file_hash = models.CharField(max_length=64, blank=True)
    # SHA-256 of the decoded mono signal, set by the first analysis
    content_hash = models.CharField(max_length=64, blank=True)

    # Container facts, read by the scan
    format = models.CharField(max_length=40, blank=True)
    duration_s = models.FloatField(null=True, blank=True)
    sample_rate_hz = models.PositiveIntegerField(null=True, blank=True)
    channels = models.PositiveSmallIntegerField(null=True, blank=True)
    bit_depth = models.PositiveSmallIntegerField(null=True, blank=True)
    embedded = models.JSONField(default=dict, blank=True)  # bext, iXML, INFO, ID3 as read
    peaks = models.BinaryField(null=True, blank=True)  # int8 min/max pairs (analysis.waveform)

    state = models.CharField(max_length=20, choices=State.choices, default=State.NEW)
    error = models.TextField(blank=True)
    wanted_profile = models.CharField(max_length=100, blank=True)  # what the queue is to apply
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="sounds")
    queued_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # claims since it was queued: what kills workers is given up
    claimed_by = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    # What people see: the current analysis, and over it their edits (catalog.store.refresh_sound keeps these)
    current_analysis = models.ForeignKey("Analysis", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    category = models.CharField(max_length=60, blank=True)
    label = models.CharField(max_length=120, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    description = models.TextField(blank=True)
    tags = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    # What filters ask of the current analysis' record (catalog.effective.measured_columns)
    profile = models.CharField(max_length=100, blank=True, default="", db_default="")
    loudness_lufs = models.FloatField(null=True, blank=True)
    tempo_bpm = models.FloatField(null=True, blank=True)
    key = models.CharField(max_length=20, blank=True, default="", db_default="")
    cat_id = models.CharField(max_length=20, blank=True, default="", db_default="")
    is_loop = models.BooleanField(default=False, db_default=False)  # by its name or its beats
    # Three lines: words of the file name, of the folders, of the embedded metadata; split at capitals and digits, in
    # their order. Accents removed
    search_name = models.TextField(blank=True)
    # Four lines: description; label and category; tags; synonyms of the label and the tags. Accents removed
    search_words = models.TextField(blank=True)
    search_vector = GeneratedField(
        expression=SearchVector(line("search_name", 1), weight="A", config="english")
        + SearchVector(line("search_name", 2), weight="C", config="english")
        + SearchVector(line("search_name", 3), weight="D", config="english")
        + SearchVector("search_words", weight="B", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(db_default=Now())
    analyzed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            # of the hash, because a path may be longer than what an index entry holds
            models.UniqueConstraint("library", MD5("path"), name="sound_once_per_library"),
        ]
        indexes: ClassVar = [
            # the catalog page: all sounds or a category, the surest first, keyset on catalog.browse.DOUBT and id
            models.Index(Coalesce(F("confidence") * -1.0, 1.0), F("id"), name="sound_by_confidence"),
            models.Index(F("category"), Coalesce(F("confidence") * -1.0, 1.0), F("id"), name="sound_by_category"),
            # the queue's sweep: what is due in each state
            models.Index(
                fields=["state", "queued_at"], name="sound_due", condition=Q(state__in=["queued", "analyzing"])
            ),
            # progress of a run, its failures, and what is next in it
            models.Index(fields=["run", "state", "id"], name="sound_by_run"),
            # a moved file is recognized by its hash
            models.Index(fields=["file_hash"], name="sound_by_file_hash"),
            # a filter of the query language (catalog.fields), alone or with others: which sounds, read from the index
            # alone, for a filter keeps a large part of the rows and a row is long
            models.Index(fields=["id"], include=FILTERED, name="sound_filters"),
            # moments: which sounds are longer than a model hears at once
            models.Index(fields=["id"], name="sound_long", condition=Q(duration_s__gt=10.0)),
            # label filter, and which labels there are (catalog.field_values.distinct)
            models.Index(fields=["label"], name="sound_by_label"),
            # tag filter of the query language: whole tags and their beginnings, in any case
            GinIndex(Func("tags", function="catalog_tag_vector"), name="sound_by_folded_tag"),
            # tag filter of the pages
            GinIndex(fields=["tags"], name="sound_by_tag"),
            # full-text search
            GinIndex(fields=["search_vector"], name="sound_by_words"),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def absolute_path(self) -> Path:
        """Where the file lies now; the bytes of the name win where it is not UTF-8."""
        relative = os.fsdecode(bytes(self.raw_path)) if self.raw_path else self.path
        return Path(self.library.root) / relative


class Analysis(models.Model):
    """What one profile of one model made of a sound; never edited, replaced only by the same profile run again."""

    sound = models.ForeignKey(Sound, on_delete=models.CASCADE, related_name="analyses")
    profile = models.CharField(max_length=100)
    profile_fingerprint = models.CharField(max_length=32)
    model_id = models.CharField(max_length=200)
    model_revision = models.CharField(max_length=80, blank=True)
    vocabulary_sha256 = models.CharField(max_length=64)
    record = models.JSONField()  # the full AudioAnalysisRecord
    category = models.CharField(max_length=60)
    label = models.CharField(max_length=120)
    confidence = models.FloatField()
    description = models.TextField()
    tags = ArrayField(models.CharField(max_length=120), default=list)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name_plural = "analyses"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["sound", "profile_fingerprint", "model_id", "model_revision", "vocabulary_sha256"],
                name="analysis_once_per_settings",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.profile} of sound {self.sound_id}"


class Embedding(models.Model):
    """Where a model places a sound: the whole clip, and each of its windows."""

    sound = models.ForeignKey(Sound, on_delete=models.CASCADE, related_name="embeddings")
    model_id = models.CharField(max_length=200)
    model_revision = models.CharField(max_length=80, blank=True)
    window_s = models.FloatField()  # 0 where the profile cuts no windows
    hop_s = models.FloatField()
    dim = models.PositiveSmallIntegerField()
    clip = models.BinaryField()  # float32, (dim,), unit length
    windows = models.BinaryField()  # float16, (n, dim)
    # The transaction that wrote the row, set by a trigger; the index follows it
    changed_xid = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["sound", "model_id", "model_revision", "window_s", "hop_s"], name="embedding_once_per_windows"
            ),
        ]
        indexes: ClassVar = [
            # the index asks what changed since its last look
            models.Index(fields=["model_id", "model_revision", "changed_xid"], name="embedding_changes"),
        ]

    def __str__(self) -> str:
        return f"{self.model_id} of sound {self.sound_id}"


class EmbeddingRemoval(models.Model):
    """A removed embedding, written by a trigger, so that an index in another process forgets it too."""

    sound_id = models.BigIntegerField()
    model_id = models.CharField(max_length=200)
    model_revision = models.CharField(max_length=80, blank=True)
    changed_xid = models.BigIntegerField(db_index=True)
    removed_at = models.DateTimeField(db_default=Now(), db_index=True)  # the sweep drops the old ones

    def __str__(self) -> str:
        return f"removal of sound {self.sound_id}"


class Edit(models.Model):
    """What a person says of a sound, apart from every analysis and above them all; the newest of a field holds."""

    class Field(models.TextChoices):
        DESCRIPTION = "description", "Description"
        CATEGORY = "category", "Category"
        TAGS = "tags", "Tags"

    sound = models.ForeignKey(Sound, on_delete=models.CASCADE, related_name="edits")
    field = models.CharField(max_length=20, choices=Field.choices)
    value = models.JSONField(null=True)  # null: the person withdrew the edit, the analysis speaks again
    author = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            # the newest edit of each field of a sound
            models.Index(fields=["sound", "field", "-id"], name="edit_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.field} of sound {self.sound_id}"


class Worker(models.Model):
    """A worker process that is alive, or was: its heartbeat."""

    name = models.CharField(max_length=64, primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    device = models.CharField(max_length=80, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["-seen_at"]

    def __str__(self) -> str:
        return self.name


class SavedSearch(models.Model):
    """A search that somebody gave a name, with all of its state, as the query of its address."""

    name = models.CharField(max_length=80)
    query = models.CharField(max_length=4_000)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = [Lower("name")]
        verbose_name_plural = "saved searches"
        constraints: ClassVar = [
            # a person looks for a name in the list, and does not tell two apart by their capitals
            models.UniqueConstraint(Lower("name"), name="savedsearch_once_per_name"),
        ]

    def __str__(self) -> str:
        return self.name
