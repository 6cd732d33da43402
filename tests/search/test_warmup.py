"""What is ready before the first search."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from django.apps import apps

from analysis.clap import resolve_model
from catalog import engine
from catalog.models import Embedding, Sound
from search import sync, text, warmup
from search.warmup import warm_in_background
from tests.search.vectors import axis


@pytest.mark.django_db(transaction=True)
def test_the_text_tower_and_the_index_of_the_active_model_are_loaded(
    small_model: Path,
    make_sound: Callable[..., Sound],
    embed: Callable[..., Embedding],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = resolve_model(str(small_model))
    monkeypatch.setattr(engine, "active_source", lambda: source)
    embed(make_sound("a.wav"), axis(0, 16), model_id=source.key.model_id, model_revision=source.key.revision)

    warm_in_background().join()

    index = sync._followers[source.key].index
    assert list(text._spaces) == [source.key]
    assert index is not None
    assert len(index) == 1


def test_without_a_model_a_warning_is_all_that_happens(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine, "active_source", lambda: resolve_model("nobody/nothing"))

    warm_in_background().join()

    assert "Search is not warm: model nobody/nothing" in caplog.text


@pytest.mark.parametrize("is_web", [True, False])
def test_only_the_web_process_warms_up(monkeypatch: pytest.MonkeyPatch, *, is_web: bool) -> None:
    started: list[bool] = []
    monkeypatch.setattr(warmup, "warm_in_background", lambda: started.append(True))
    monkeypatch.delitem(sys.modules, "config.wsgi", raising=False)
    if is_web:
        monkeypatch.setitem(sys.modules, "config.wsgi", ModuleType("config.wsgi"))

    apps.get_app_config("search").ready()

    assert started == [True] * is_web
