"""Search results as the API and the commands write them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from search import hearing
from search.moment_table import FoundMoment, FoundMoments
from search.query import edit
from search.query.syntax import Problem as NotUnderstood
from search.query.syntax import Query
from search.reading import Reading
from search.results import Hit, PartScore, SearchResults


class Moment(BaseModel):
    """Where in a sound something is heard."""

    start_s: float = Field(description="Seconds from the beginning of the sound", examples=[761.0])
    end_s: float = Field(examples=[763.5])

    @classmethod
    def of(cls, moment: hearing.Moment) -> Moment:
        return cls(start_s=moment.start_s, end_s=moment.end_s)


class PartOfScore(BaseModel):
    """What one part of a query gave to a result's place."""

    part: str = Field(
        description="`words` for what is written, `~…` for what is listened for, `-~…` for what is not wanted, `all` "
        "where nothing ranks what the conditions let through",
        examples=["~dog bark"],
    )
    contribution: float = Field(
        description="All of a result add up to its score; below 0 where it is less for what is not wanted"
    )
    similarity: float | None = Field(
        description="Cosine as the model gives it; null where it was not listened for", examples=[0.41]
    )
    degree: float | None = Field(description="How much of it is there, 0 to 1", examples=[0.87])

    @classmethod
    def of(cls, score: PartScore) -> PartOfScore:
        return cls(part=score.part, contribution=score.contribution, similarity=score.similarity, degree=score.degree)


class Result(BaseModel):
    """A found sound, why it was found, and its record in brief."""

    id: int = Field(examples=[17])
    library: str = Field(examples=["Field"])
    path: str = Field(description="Inside the library", examples=["dawn/Track 18.wav"])
    score: float = Field(description="To compare within one answer only")
    similarity: float | None = Field(
        description="Cosine as the model gives it, never stretched; null where words alone led here", examples=[0.41]
    )
    why: list[str] = Field(description="Reasons, to read", examples=[['sounds like "dog bark" at 12:41 (match 87 %)']])
    parts: list[PartOfScore]
    moment: Moment | None = Field(description="Where in the sound, if a part of it is meant and not the whole")
    faint: bool = Field(description="Nothing but a faint likeness led here, which every sound has to every word")
    file_name: str = Field(examples=["Track 18.wav"])
    short_description: str
    detailed_description: str
    tags: list[str]
    sound_events: list[str]
    confidence: float | None = Field(description="Of the label, 0 to 1; null before the first analysis")

    @classmethod
    def of(cls, hit: Hit) -> Result:
        sound = hit.sound
        record = sound.current_analysis.record if sound.current_analysis else {}
        return cls(
            id=sound.pk,
            library=sound.library.name,
            path=sound.path,
            score=hit.score,
            similarity=hit.similarity,
            why=hit.why,
            parts=[PartOfScore.of(part) for part in hit.parts],
            moment=Moment.of(hit.moment) if hit.moment else None,
            faint=hit.is_faint,
            file_name=sound.file_name,
            short_description=sound.description,
            detailed_description=record.get("detailed_description", ""),
            tags=sound.tags,
            sound_events=record.get("sound_events", []),
            confidence=sound.confidence,
        )


class QueryPart(BaseModel):
    """A part of the query at its top, as a chip would show it."""

    kind: edit.Kind = Field(examples=["meaning"])
    text: str = Field(description="Without its minus and weight", examples=["~thunder"])
    weight: float = Field(description="How much it counts; 1 unless `^` says otherwise")
    negative: bool = Field(description="Not wanted")
    start: int = Field(description="Where it stands in `parsed.query`, in characters (Unicode code points)")
    end: int

    @classmethod
    def of(cls, part: edit.Part) -> QueryPart:
        start, end = part.span
        return cls(kind=part.kind, text=part.shown, weight=part.weight, negative=part.negative, start=start, end=end)


class Said(BaseModel):
    """Words of a sentence, and the part of the query that they were read as."""

    said: str = Field(examples=["under ten seconds"])
    part: str = Field(examples=["dur:<10"])


class Correction(BaseModel):
    """A word that stands nowhere, and the one that was looked up instead."""

    typed: str = Field(examples=["hevy"])
    instead: str = Field(examples=["heavy"])


class Synonyms(BaseModel):
    """Words, and others that mean the same and were looked up with them."""

    words: str = Field(examples=["gunshot"])
    others: list[str] = Field(examples=[["pistol", "gunfire"]])
    source: str = Field(description="Who says so", examples=["vocabulary"])


class Problem(BaseModel):
    """What of the query could not be understood, and what to do."""

    message: str
    start: int = Field(description="Where it stands in `parsed.query`, in characters (Unicode code points)")
    end: int

    @classmethod
    def of(cls, problem: NotUnderstood) -> Problem:
        return cls(message=problem.message, start=problem.span.start, end=problem.span.end)


class Parsed(BaseModel):
    """How the query was understood."""

    query: str = Field(
        description="The line in the language of queries, which finds the same; all positions are in it",
        examples=["wind -~stormy dur:<10"],
    )
    parts: list[QueryPart] = []
    read: list[Said] = Field([], description="What of a sentence became a part of its own")
    dropped: list[str] = Field([], description="Words of a sentence that ask for what is not known here")
    corrected: list[Correction] = []
    also: list[Synonyms] = []
    problems: list[Problem] = []

    @classmethod
    def of(cls, reading: Reading | None) -> Parsed:
        if reading is None:
            return cls(query="")
        query: Query = reading.plan.query
        return cls(
            query=reading.query,
            parts=[QueryPart.of(part) for part in edit.parts(query)],
            read=[Said(said=said, part=part) for said, part in reading.plain.read],
            dropped=list(reading.plain.dropped),
            corrected=[Correction(typed=one.typed, instead=one.instead) for one in reading.corrected],
            also=[Synonyms(words=one.words, others=list(one.others), source=one.source) for one in reading.also],
            problems=[Problem.of(problem) for problem in reading.problems],
        )


EXAMPLE: dict[str, JsonValue] = {
    "query": "wind through a keyhole, not stormy, under ten seconds",
    "results": [
        {
            "id": 17,
            "library": "Field",
            "path": "house/Track 18.wav",
            "score": 0.0327,
            "similarity": 0.41,
            "why": ['sounds like "wind through a keyhole" (match 87 %)', 'tags have "wind"'],
            "parts": [
                {"part": "words", "contribution": 0.0164, "similarity": None, "degree": None},
                {"part": "~wind through a keyhole", "contribution": 0.0164, "similarity": 0.41, "degree": 0.87},
                {"part": "-~stormy", "contribution": -0.0001, "similarity": 0.02, "degree": 0.0},
            ],
            "moment": None,
            "faint": False,
            "file_name": "Track 18.wav",
            "short_description": "Whistling wind.",
            "detailed_description": "Whistling wind, tonal, steady.",
            "tags": ["wind", "whistling"],
            "sound_events": ["wind"],
            "confidence": 0.8,
        }
    ],
    "notice": "",
    "verdict": "strong",
    "total_strong": 1,
    "parsed": {
        "query": "wind through a keyhole -~stormy dur:<10",
        "parts": [
            {"kind": "word", "text": "wind", "weight": 1.0, "negative": False, "start": 0, "end": 4},
            {"kind": "meaning", "text": "~stormy", "weight": 1.0, "negative": True, "start": 23, "end": 31},
            {"kind": "field", "text": "dur:<10", "weight": 1.0, "negative": False, "start": 32, "end": 39},
        ],
        "read": [{"said": "under ten seconds", "part": "dur:<10"}, {"said": "not stormy", "part": "-~stormy"}],
        "dropped": [],
        "corrected": [],
        "also": [{"words": "wind", "others": ["breeze"], "source": "vocabulary"}],
        "problems": [],
    },
}


class Answer(BaseModel):
    """What was found, the best first, and how the question was understood."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    query: str = Field(description="What was asked for; the name of the sound where one was asked with")
    results: list[Result]
    notice: str = Field("", description="A part of the search that could not be done, and why")
    verdict: Literal["strong", "fair", "none"] | None = Field(
        None,
        description="What the best by ear is worth, by how near sounds lie to this query by chance; `none` is no "
        "confident match, null that nothing was listened for or that there are too few sounds to tell",
    )
    total_strong: int = Field(0, description="Sounds that are more than faintly like it, 500 at most")
    parsed: Parsed

    @classmethod
    def of(cls, found: SearchResults) -> Answer:
        return cls(
            query=found.query,
            results=[Result.of(hit) for hit in found.hits],
            notice=found.notice,
            verdict=found.verdict.value if found.verdict else None,
            total_strong=len(found.strong_ids),
            parsed=Parsed.of(found.reading),
        )


class MomentRow(BaseModel):
    """A stretch of a sound in which something that was asked for is heard."""

    id: int = Field(description="Of the sound", examples=[17])
    library: str = Field(examples=["Field"])
    path: str = Field(examples=["dawn/village.wav"])
    part: str = Field(description="What is heard, as in the `parts` of a search", examples=["~dog bark"])
    start_s: float = Field(examples=[761.0])
    end_s: float = Field(examples=[763.5])
    similarity: float = Field(description="Cosine of what in it is most like it", examples=[0.41])
    degree: float = Field(description="How much of it is there, 0 to 1", examples=[0.87])

    @classmethod
    def of(cls, moment: FoundMoment) -> MomentRow:
        return cls(
            id=moment.sound.pk,
            library=moment.sound.library.name,
            path=moment.sound.path,
            part=moment.part,
            start_s=moment.start_s,
            end_s=moment.end_s,
            similarity=moment.similarity,
            degree=moment.degree,
        )


MOMENTS_EXAMPLE: dict[str, JsonValue] = {
    "query": "~bark",
    "moments": [
        {
            "id": 17,
            "library": "Field",
            "path": "dawn/village.wav",
            "part": "~bark",
            "start_s": 761.0,
            "end_s": 763.5,
            "similarity": 0.41,
            "degree": 0.87,
        }
    ],
    "notice": "",
    "parsed": {
        "query": "~bark",
        "parts": [{"kind": "meaning", "text": "~bark", "weight": 1.0, "negative": False, "start": 0, "end": 5}],
        "read": [],
        "dropped": [],
        "corrected": [],
        "also": [],
        "problems": [],
    },
}


class MomentsAnswer(BaseModel):
    """Every moment of the sounds that were found, in the order of the sounds and then of time."""

    model_config = ConfigDict(json_schema_extra={"examples": [MOMENTS_EXAMPLE]})

    query: str = Field(description="What was asked for")
    moments: list[MomentRow]
    notice: str = Field("", description="A part of the search that could not be done, and why")
    parsed: Parsed

    @classmethod
    def of(cls, found: FoundMoments) -> MomentsAnswer:
        return cls(
            query=found.search.query,
            moments=[MomentRow.of(one) for one in found.moments],
            notice=found.search.notice,
            parsed=Parsed.of(found.search.reading),
        )
