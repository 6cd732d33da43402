"""Labels for an uploaded file, which is not kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import File, Form, Router, Schema, UploadedFile
from ninja.errors import HttpError
from pydantic import Field

from analysis.audio import SAMPLE_RATE_HZ, decode
from analysis.profiles import DEFAULT_PROFILE
from analysis.records import AudioAnalysisRecord
from catalog import engine
from catalog.uploads import stored_upload, upload_name

router = Router(tags=["predict"])

BLOCK = SAMPLE_RATE_HZ * 10


class Prediction(Schema):
    label: str
    category: str
    probability: float = Field(description="share of the softmax over the labels that were considered; not calibrated")


class Predictions(Schema):
    status: str = "ok"
    file_name: str
    start_time: float
    predictions: list[Prediction]
    record: dict[str, Any]


@router.post("predict", response=Predictions, url_name="predict")
def predict(
    request: HttpRequest,
    file: File[UploadedFile],
    start_time: Annotated[float, Form(ge=0)] = 0.0,
    filter: Annotated[list[str] | None, Form()] = None,
    profile: Annotated[str, Form()] = DEFAULT_PROFILE,
) -> Predictions:
    """Say what an uploaded sound is from `start_time` (seconds) on; `filter` leaves only labels or categories named."""
    chosen = checked_filter(filter or [])
    engine.profile_source(profile)
    name = upload_name(file)
    with stored_upload(file) as path:
        heard = cut_beginning(path, start_time) if start_time else path
        record = engine.analyzer().analyze(heard, profile).record.model_copy(update={"file_name": name})
    return Predictions(
        file_name=name,
        start_time=start_time,
        predictions=predictions_of(record, chosen),
        record=record.model_dump(mode="json"),
    )


def checked_filter(names: Sequence[str]) -> set[str]:
    vocabulary = engine.vocabulary()
    chosen = {part.strip() for name in names for part in name.split(",") if part.strip()}
    categories = {category.name for category in vocabulary.categories}
    unknown = sorted(name for name in chosen if name not in vocabulary and name not in categories)
    if unknown:
        raise HttpError(422, f"filter: {unknown[0]!r} is neither a label nor a category of the vocabulary")
    return chosen


def predictions_of(record: AudioAnalysisRecord, chosen: set[str]) -> list[Prediction]:
    return [
        Prediction(label=one.label, category=one.category, probability=one.score)
        for one in record.top_labels
        if not chosen or chosen & {one.label, one.category}
    ]


def cut_beginning(path: Path, start_s: float) -> Path:
    """A copy of a sound from a moment on, mono at 48 kHz, which is how it is heard anyway."""
    import soundfile

    decoded = decode(path)
    start = round(start_s * SAMPLE_RATE_HZ)
    if start >= len(decoded.samples):
        raise HttpError(422, f"start_time: {start_s:g} s is not before the end at {decoded.samples.duration_s:.2f} s")
    rest = path.with_name("rest.wav")
    with soundfile.SoundFile(rest, "w", SAMPLE_RATE_HZ, 1, subtype="FLOAT", format="WAV") as target:
        for at in range(start, len(decoded.samples), BLOCK):
            target.write(decoded.samples.read(at, at + BLOCK))
    return rest
