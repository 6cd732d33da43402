"""Search results as the API and the commands write them."""

from __future__ import annotations

from pydantic import BaseModel

from search.search import Hit, SearchResults


class Result(BaseModel):
    id: int
    library: str
    path: str
    score: float
    similarity: float | None
    why: list[str]
    file_name: str
    short_description: str
    detailed_description: str
    tags: list[str]
    sound_events: list[str]
    confidence: float | None

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
            file_name=sound.file_name,
            short_description=sound.description,
            detailed_description=record.get("detailed_description", ""),
            tags=sound.tags,
            sound_events=record.get("sound_events", []),
            confidence=sound.confidence,
        )


class Answer(BaseModel):
    query: str
    results: list[Result]
    notice: str = ""

    @classmethod
    def of(cls, found: SearchResults) -> Answer:
        return cls(query=found.query, results=[Result.of(hit) for hit in found.hits], notice=found.notice)
