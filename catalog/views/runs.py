"""The runs page and the page of one run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from analysis.profiles import DEFAULT_PROFILE
from catalog import actions
from catalog.models import Run, Sound, Worker
from catalog.store import failures
from catalog.views.pages import refused, render_page

PAGE_SIZE = 50
FAILURES_SHOWN = 200
CHOSEN_SHOWN = 50
FINDINGS = (
    "new", "changed", "moved", "back", "missing", "duplicate", "unreadable", "unchanged", "skipped",
    "from_vectors", "to_be_heard",
)  # fmt: skip
ALIVE_WITHIN = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Finding:
    title: str
    number: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Sounds per minute over a run so far, and the time that the rest takes at that rate."""

    per_minute: str
    left: str

    @classmethod
    def of(cls, run: Run) -> Pace | None:
        through = run.done + run.failed
        if run.kind == Run.Kind.SCAN or run.state != Run.State.RUNNING or not through or run.started_at is None:
            return None
        seconds = max((timezone.now() - run.started_at).total_seconds(), 1.0)
        per_minute = 60 * through / seconds
        left_s = max(0, run.total - through) * seconds / through
        return cls(f"{per_minute:.0f}" if per_minute >= 10 else f"{per_minute:.1f}", about(left_s))


class OlderForm(forms.Form):
    """Keyset paging: runs with a lower number than this."""

    before = forms.IntegerField(required=False, min_value=1)


@require_GET
def run_list(request: HttpRequest) -> HttpResponse:
    form = OlderForm(request.GET)
    runs = Run.objects.select_related("library")
    if form.is_valid() and form.cleaned_data["before"]:
        runs = runs.filter(pk__lt=form.cleaned_data["before"])
    shown = list(runs[: PAGE_SIZE + 1])
    context = {
        "runs": shown[:PAGE_SIZE],
        "older_address": f"?before={shown[PAGE_SIZE - 1].pk}" if len(shown) > PAGE_SIZE else "",
        "working": any(not run.is_finished for run in shown),
        "workers": live_workers(),
        "problems": [] if form.is_valid() else [f"“before” is the number of a run, got “{request.GET['before']}”."],
    }
    return render_page(request, "catalog/run_list.html", context, part="runs", status=200 if form.is_valid() else 400)


@require_GET
def run_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    run = get_object_or_404(Run.objects.select_related("library", "follows"), pk=run_id)
    return render_page(request, "catalog/run_detail.html", run_context(run), part="run")


@require_POST
def run_cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    run = actions.cancel(get_object_or_404(Run, pk=run_id))
    return redirect("catalog:run-detail", run.pk)


@require_POST
def run_retry(request: HttpRequest, run_id: int) -> HttpResponse:
    """Try all sounds of a run once more that came to nothing."""
    run = get_object_or_404(Run.objects.select_related("library"), pk=run_id)
    profile = run.profile or (run.library.profile if run.library else DEFAULT_PROFILE)
    try:
        again = actions.analyze(failures(run).order_by(), profile, run.library)
    except ValidationError as error:
        return refused(request, error.messages)
    return redirect("catalog:run-detail", again.pk)


def run_context(run: Run) -> dict[str, Any]:
    followers = list(run.followers.all())
    failed = failures(run)
    shown = list(failed.only("file_name", "path", "error", "state")[:FAILURES_SHOWN])
    return {
        "run": run,
        "pace": Pace.of(run),
        "chosen": chosen_sounds(run),
        "workers": live_workers(),
        "findings": findings(run),
        "followers": followers,
        "working_followers": any(not follower.is_finished for follower in followers),
        "failures": shown,
        "failed_count": failed.count(),
    }


def chosen_sounds(run: Run) -> list[Sound]:
    """The sounds of a selection, which no library stands for."""
    if run.kind != Run.Kind.ANALYSIS or run.library_id is not None:
        return []
    return list(run.sounds.only("path", "state").order_by("id")[:CHOSEN_SHOWN])


def about(seconds: float) -> str:
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 60 else f"about {minutes // 60} h {minutes % 60} min"


def findings(run: Run) -> list[Finding]:
    """In the order of FINDINGS, which the column does not keep; what is not named there comes last."""
    order = {name: place for place, name in enumerate(FINDINGS)}
    names = sorted(run.findings, key=lambda name: (order.get(name, len(order)), name))
    return [Finding(name.replace("_", " "), run.findings[name]) for name in names]


def live_workers() -> int:
    return Worker.objects.filter(seen_at__gt=timezone.now() - ALIVE_WITHIN).count()
