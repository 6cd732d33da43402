"""The settings page: which model listens, the profiles, the vocabulary and how it is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from analysis.checkpoints import ModelSource
from analysis.errors import ModelUnavailable
from analysis.labels import scored_labels
from catalog import actions, engine
from catalog.models import Sound, Worker
from catalog.views.pages import render_page
from catalog.views.runs import ALIVE_WITHIN


@dataclass(frozen=True, slots=True)
class LabelUse:
    name: str
    count: int
    covered: bool  # whether the active model was taught it


@dataclass(frozen=True, slots=True)
class CategoryUse:
    name: str
    description: str
    labels: Sequence[LabelUse]

    @property
    def covered(self) -> int:
        return sum(label.covered for label in self.labels)


@require_GET
def settings_page(request: HttpRequest) -> HttpResponse:
    try:
        model, problem = engine.active_source(), ""
    except ModelUnavailable as error:
        model, problem = None, str(error)
    vocabulary = vocabulary_use(model)
    covered = sum(category.covered for category in vocabulary)
    asked = len(scored_labels(engine.vocabulary(), model)) if model else covered
    context: dict[str, Any] = {
        "model": model,
        "model_problem": problem,
        "profiles": list(engine.profiles()),
        "profiles_file": settings.PROFILES_PATH.name,
        "vocabulary_file": settings.VOCABULARY_PATH.name,
        "vocabulary": vocabulary,
        "label_count": sum(len(category.labels) for category in vocabulary),
        "covered": covered,
        "asked": asked,
        "measured": covered - asked,
        "outdated": Sound.objects.filter(current_analysis__isnull=False)
        .exclude(current_analysis__vocabulary_sha256=engine.vocabulary().sha256)
        .count(),
        "workers": list(Worker.objects.filter(seen_at__gt=timezone.now() - ALIVE_WITHIN)),
    }
    return render_page(request, "catalog/settings.html", context)


@require_POST
def settings_retag(request: HttpRequest) -> HttpResponse:
    """Tell every sound anew that was told with another vocabulary or an older state of its profile."""
    return redirect("catalog:run-detail", actions.retag_outdated(Sound.objects.all()).pk)


def vocabulary_use(model: ModelSource | None) -> list[CategoryUse]:
    """Each label with how many sounds it names, by category."""
    counts = dict(Sound.objects.exclude(label="").order_by().values_list("label").annotate(count=Count("id")))
    known = model.known_labels if model else None
    labels: dict[str, list[LabelUse]] = defaultdict(list)
    for label in engine.vocabulary().labels:
        use = LabelUse(label.name, counts.get(label.name, 0), known is None or label.name in known)
        labels[label.category].append(use)
    return [
        CategoryUse(category.name, category.description, labels[category.name])
        for category in engine.vocabulary().categories
    ]
