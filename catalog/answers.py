"""What the catalog's API takes and gives, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import ConfigDict, Field

from catalog.exports import edited_tree
from catalog.models import Library, Run, Sound

MAX_IDS = 100_000


class Wanted(Schema):
    model_config = ConfigDict(extra="forbid")  # a misspelled name must not be passed over in silence


class NewLibrary(Wanted):
    root: str = Field(description="full path of a folder on the machine that Timbre runs on")
    name: str | None = None
    profile: str | None = None


class ProfileChoice(Wanted):
    profile: str | None = None


class AnalyzeBy(Wanted):
    profile: str
    ids: list[int] | None = Field(default=None, max_length=MAX_IDS)
    filter: str | None = Field(default=None, description="query of a sound list, such as category=weather&tag=rain")


class SoundEdit(Wanted):
    description: str | None = None
    category: str | None = None
    tags: list[str] | None = None


class LibraryAnswer(Schema):
    id: int
    name: str
    root: str
    profile: str
    sounds: int
    scanned_at: datetime | None

    @classmethod
    def of(cls, library: Library) -> LibraryAnswer:
        return cls(
            id=library.pk,
            name=library.name,
            root=library.root,
            profile=library.profile,
            sounds=library.sounds.count(),
            scanned_at=library.scanned_at,
        )


class RunAnswer(Schema):
    id: int
    kind: str
    state: str
    library: int | None
    follows: int | None = Field(description="the scan or re-tagging that left its sounds to this analysis")
    followers: list[int] = Field(description="the analyses of what this scan found, or this re-tagging left")
    profile: str
    total: int
    done: int
    failed: int
    findings: dict[str, int]
    problems: list[dict[str, str]]
    error: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, run: Run) -> RunAnswer:
        return cls(
            id=run.pk,
            library=run.library_id,
            follows=run.follows_id,
            followers=list(run.followers.order_by("id").values_list("id", flat=True)),
            **{
                name: getattr(run, name) for name in cls.model_fields.keys() - {"id", "library", "follows", "followers"}
            },
        )


class SoundAnswer(Schema):
    id: int
    library: str
    path: str
    file_name: str
    state: str
    error: str
    category: str
    label: str
    confidence: float | None
    description: str
    tags: list[str]
    format: str
    duration_s: float | None
    sample_rate_hz: int | None
    channels: int | None
    bit_depth: int | None
    size_bytes: int

    @classmethod
    def of(cls, sound: Sound) -> SoundAnswer:
        return cls(**sound_fields(sound))


class AnalysisAnswer(Schema):
    id: int
    profile: str
    profile_fingerprint: str
    model_id: str
    model_revision: str
    category: str
    label: str
    confidence: float
    description: str
    tags: list[str]
    created_at: datetime
    is_current: bool


class EditAnswer(Schema):
    field: str
    value: Any
    author: str
    created_at: datetime


class FullSound(SoundAnswer):
    embedded: dict[str, Any]
    content_hash: str
    record: dict[str, Any] | None = Field(description="the full record with people's words over it")
    analyses: list[AnalysisAnswer]
    edits: list[EditAnswer] = Field(description="the newest first; the newest of a field holds, null gave it back")

    @classmethod
    def of(cls, sound: Sound) -> FullSound:
        analyses = [
            AnalysisAnswer(
                is_current=analysis.pk == sound.current_analysis_id,
                **{name: getattr(analysis, name) for name in AnalysisAnswer.model_fields if name != "is_current"},
            )
            for analysis in sound.analyses.defer("record").order_by("id")
        ]
        edits = [
            EditAnswer(**{name: getattr(edit, name) for name in EditAnswer.model_fields}) for edit in sound.edits.all()
        ]
        return cls(
            **sound_fields(sound),
            embedded=sound.embedded,
            content_hash=sound.content_hash,
            record=edited_tree(sound) if sound.current_analysis else None,
            analyses=analyses,
            edits=edits,
        )


def sound_fields(sound: Sound) -> dict[str, Any]:
    fields = {name: getattr(sound, name) for name in SoundAnswer.model_fields if name != "library"}
    return fields | {"library": sound.library.name}


class SoundsAnswer(Schema):
    sounds: list[SoundAnswer]
    next_cursor: str


class Waveform(Schema):
    duration_s: float | None
    peaks: list[tuple[int, int]]


class Category(Schema):
    name: str
    count: int
