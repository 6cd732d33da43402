"""Labels for an uploaded file, which is not kept, and labels of one's own for a sound of the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import File, Form, Query, Router, Schema, UploadedFile
from ninja.errors import HttpError
from pydantic import Field

from analysis.audio import SAMPLE_RATE_HZ, decode
from analysis.profiles import DEFAULT_PROFILE
from analysis.records import AudioAnalysisRecord
from analysis.vocabulary import CUSTOM_CATEGORY
from catalog import engine
from catalog.ask import (
    Answer,
    InvalidQuestion,
    LabelAnswer,
    NothingToCompare,
    ask,
    ask_about,
    read_question,
    split_labels,
)
from catalog.models import Sound
from catalog.uploads import MAX_UPLOAD_BYTES, check_upload_size, is_small_enough, stored_upload, upload_name

router = Router(tags=["predict"])

BLOCK = SAMPLE_RATE_HZ * 10


class Prediction(Schema):
    label: str
    category: str
    probability: float = Field(description="share among the labels considered; see record.calibrated")


class Predictions(Schema):
    status: str = "ok"
    file_name: str
    start_time: float
    predictions: list[Prediction]
    record: dict[str, Any]
    notices: list[str] = Field(default=[], description="what of `labels` the model does not know")


class AskedLabelAnswer(Schema):
    label: str
    share: float = Field(description="of the softmax over the labels that were asked about; they add up to 1")
    similarity: float = Field(description="cosine of the whole sound and the label")
    start_s: float | None = Field(description="the window most like it begins; null where the sound has no windows")
    end_s: float | None
    strongest: float | None = Field(description="cosine of that window")

    @classmethod
    def of(cls, one: LabelAnswer) -> AskedLabelAnswer:
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class AskedLabels(Schema):
    id: int
    model_id: str
    labels: list[AskedLabelAnswer]
    yardstick: AskedLabelAnswer | None = Field(description="the label of the analysis, to compare likenesses with")
    notices: list[str]


class AskedFor(Schema):
    labels: list[str] | str = Field(description="a list, or text with commas between labels")


@router.post(
    "predict",
    response=Predictions,
    url_name="predict",
    auth=is_small_enough,
    openapi_extra={"responses": {413: {"description": f"The file has more than {MAX_UPLOAD_BYTES // 2**20} MB"}}},
)
def predict(
    request: HttpRequest,
    file: File[UploadedFile],
    start_time: Annotated[float, Form(ge=0)] = 0.0,
    filter: Annotated[list[str] | None, Form()] = None,
    labels: Annotated[list[str] | None, Form()] = None,
    profile: Annotated[str, Form()] = DEFAULT_PROFILE,
) -> Predictions:
    """Say what an uploaded sound is from `start_time` (seconds) on; `filter` leaves only labels or categories named,
    `labels` (repeatable, or with commas) asks about those in place of the vocabulary.
    """
    check_upload_size(file.size or 0)
    chosen, asked = checked_filter(filter or []), ", ".join(labels or [])
    if chosen and asked:
        raise HttpError(422, "give labels, which are asked about alone, or filter, which leaves some of the usual ones")
    source, name = engine.profile_source(profile), upload_name(file)
    with refusals_told():
        question = read_question(split_labels(asked), source) if labels is not None else None
    with stored_upload(file) as path:
        heard = cut_beginning(path, start_time) if start_time else path
        analyzed = engine.analyzer().analyze(heard, profile)
    record = analyzed.record.model_copy(update={"file_name": name})
    answer = ask_about(question, analyzed.embeddings.clip, source) if question else None
    return Predictions(
        file_name=name,
        start_time=start_time,
        predictions=predictions_of(record, chosen) if answer is None else predictions_asked_for(answer),
        record=record.model_dump(mode="json"),
        notices=answer.notices if answer else [],
    )


@router.get("sounds/{int:sound_id}/labels", response=AskedLabels, url_name="sound-labels")
def sound_labels(request: HttpRequest, sound_id: int, labels: Annotated[list[str], Query()]) -> AskedLabels:
    """How much a sound is like labels of your own (repeatable, or with commas), from stored vectors, and where most."""
    return asked_labels(sound_id, ", ".join(labels))


@router.post("sounds/{int:sound_id}/labels", response=AskedLabels, url_name="sound-labels-post")
def post_sound_labels(request: HttpRequest, sound_id: int, wanted: AskedFor) -> AskedLabels:
    """The same, where labels are too many for an address."""
    return asked_labels(sound_id, wanted.labels if isinstance(wanted.labels, str) else ", ".join(wanted.labels))


def asked_labels(sound_id: int, text: str) -> AskedLabels:
    sounds = Sound.objects.select_related("library", "current_analysis").defer("search_vector")
    sound = get_object_or_404(sounds, pk=sound_id)
    with refusals_told():
        answer = ask(sound, text)
    return AskedLabels(
        id=sound.pk,
        model_id=answer.model_id,
        labels=[AskedLabelAnswer.of(one) for one in answer.labels],
        yardstick=AskedLabelAnswer.of(answer.yardstick) if answer.yardstick else None,
        notices=answer.notices,
    )


@contextmanager
def refusals_told() -> Iterator[None]:
    """Refusals in the API's words: 422 for the labels, 409 for the sound."""
    try:
        yield
    except InvalidQuestion as error:
        raise HttpError(422, f"labels: {error}") from error
    except NothingToCompare as error:
        raise HttpError(409, str(error)) from error


def predictions_asked_for(answer: Answer) -> list[Prediction]:
    return [
        Prediction(label=one.label, category=CUSTOM_CATEGORY, probability=round(one.share, 4)) for one in answer.labels
    ]


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
    start = round(min(start_s, decoded.samples.duration_s) * SAMPLE_RATE_HZ)  # it may be infinite
    if start >= len(decoded.samples):
        raise HttpError(422, f"start_time: {start_s:g} s is not before the end at {decoded.samples.duration_s:.2f} s")
    rest = path.with_name("rest.wav")
    with soundfile.SoundFile(rest, "w", SAMPLE_RATE_HZ, 1, subtype="FLOAT", format="WAV") as target:
        for at in range(start, len(decoded.samples), BLOCK):
            target.write(decoded.samples.read(at, at + BLOCK))
    return rest
