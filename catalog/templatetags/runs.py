"""How a run is named and counted in templates."""

from __future__ import annotations

from django import template

from catalog.models import Run

register = template.Library()


@register.filter
def run_title(run: Run) -> str:
    title = f"{run.get_kind_display()} {run.pk}"
    return f"{title} with {run.profile}" if run.kind != Run.Kind.SCAN and run.profile else title


@register.filter
def run_finished(run: Run) -> int:
    return min(run.done + run.failed, run.total)


@register.filter
def run_counts(run: Run) -> str:
    if run.kind == Run.Kind.SCAN:
        return f"{run.total} files seen" if run.total else run.get_state_display().lower()
    failed = f", {run.failed} failed" if run.failed else ""
    done = "re-tagged" if run.kind == Run.Kind.RETAG else "analyzed"
    return f"{run.done} of {run.total} {done}{failed}"
