"""Whether Timbre works: database, workers, queue and model, for monitors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from importlib.metadata import version

from django import db
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from analysis.checkpoints import ModelKey
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


IndexLag = Callable[[ModelKey], Mapping[str, int]]
_index_lag: list[IndexLag] = []


def tell_index_lag(ask: IndexLag) -> None:
    """Whom to ask by how many rows each index of a model lags: the catalog does not know of indexes itself."""
    _index_lag[:] = [ask]


class Health(Schema):
    status: str  # ok, or degraded with the problems
    version: str
    database: str
    workers: list[WorkerHealth]
    queue: QueueHealth
    model: ModelHealth | None
    index_lag: dict[str, int] = Field(
        description="rows that the built index of each kind does not have yet, up to 10,001; searches find them "
        "all the same",
        examples=[{"sounds": 12, "moments": 3}],
    )
    problems: list[str]


@router.get("health", response={200: Health, 503: Health}, url_name="health")
def health(request: HttpRequest) -> Status[Health]:
    """503 where the database does not answer; a missing worker or model is told, but pages work without."""
    model, problems = active_model()
    try:
        workers = live_workers()
        queue = queue_health()
        lag = index_lag(model)
    except db.Error as error:
        problems.append(f"the database does not answer: {' '.join(str(error).split())}")
        nothing = QueueHealth(queued=0, analyzing=0, runs=0)
        return Status(503, answer("unavailable", [], nothing, model, {}, problems))
    if not workers:
        problems.append("no worker is alive: nothing is scanned or analyzed; `timbre up` starts one")
    return Status(200, answer("ok", workers, queue, model, lag, problems))


def answer(
    database: str,
    workers: list[WorkerHealth],
    queue: QueueHealth,
    model: ModelHealth | None,
    lag: dict[str, int],
    problems: list[str],
) -> Health:
    return Health(
        status="degraded" if problems else "ok",
        version=version("timbre"),
        database=database,
        workers=workers,
        queue=queue,
        model=model,
        index_lag=lag,
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


def index_lag(model: ModelHealth | None) -> dict[str, int]:
    if model is None:
        return {}
    key = ModelKey(model.model_id, model.revision)
    return {kind: rows for ask in _index_lag for kind, rows in ask(key).items()}


def active_model() -> tuple[ModelHealth | None, list[str]]:
    try:
        source = engine.active_source()
    except AnalysisError as error:
        return None, [str(error)]
    key = source.key
    return ModelHealth(model_id=key.model_id, revision=key.revision, is_starter=source.is_starter), []
