"""Whether Timbre works: database, workers, queue and model, for monitors."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib.metadata import version

from django import db
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.http import HttpRequest
from ninja import Router, Schema, Status

from analysis.errors import AnalysisError
from catalog import engine
from catalog.models import Run, Sound, Worker

router = Router(tags=["health"])

SEEN = timedelta(seconds=15)  # three heartbeats


class WorkerHealth(Schema):
    name: str
    host: str
    device: str
    seen_at: datetime


class QueueHealth(Schema):
    queued: int
    analyzing: int
    runs: int


class ModelHealth(Schema):
    model_id: str
    revision: str
    is_starter: bool


class Health(Schema):
    status: str  # ok, or degraded with the problems
    version: str
    database: str
    workers: list[WorkerHealth]
    queue: QueueHealth
    model: ModelHealth | None
    problems: list[str]


@router.get("health", response={200: Health, 503: Health}, url_name="health")
def health(request: HttpRequest) -> Status[Health]:
    """503 where the database does not answer; a missing worker or model is told, but pages work without."""
    model, problems = active_model()
    try:
        workers = live_workers()
        queue = queue_health()
    except db.Error as error:
        problems.append(f"the database does not answer: {' '.join(str(error).split())}")
        nothing = QueueHealth(queued=0, analyzing=0, runs=0)
        return Status(503, answer("unavailable", [], nothing, model, problems))
    if not workers:
        problems.append("no worker is alive: nothing is scanned or analyzed; `timbre up` starts one")
    return Status(200, answer("ok", workers, queue, model, problems))


def answer(
    database: str, workers: list[WorkerHealth], queue: QueueHealth, model: ModelHealth | None, problems: list[str]
) -> Health:
    return Health(
        status="degraded" if problems else "ok",
        version=version("timbre"),
        database=database,
        workers=workers,
        queue=queue,
        model=model,
        problems=problems,
    )


def live_workers() -> list[WorkerHealth]:
    workers = Worker.objects.filter(seen_at__gt=Now() - SEEN)
    return [WorkerHealth(name=one.name, host=one.host, device=one.device, seen_at=one.seen_at) for one in workers]


def queue_health() -> QueueHealth:
    in_queue = Sound.objects.filter(state__in=[Sound.State.QUEUED, Sound.State.ANALYZING])
    counts = in_queue.aggregate(
        queued=Count("id", filter=Q(state=Sound.State.QUEUED)),
        analyzing=Count("id", filter=Q(state=Sound.State.ANALYZING)),
    )
    runs = Run.objects.filter(state__in=[Run.State.WAITING, Run.State.RUNNING]).count()
    return QueueHealth(**counts, runs=runs)


def active_model() -> tuple[ModelHealth | None, list[str]]:
    try:
        source = engine.active_source()
    except AnalysisError as error:
        return None, [str(error)]
    key = source.key
    return ModelHealth(model_id=key.model_id, revision=key.revision, is_starter=source.is_starter), []
