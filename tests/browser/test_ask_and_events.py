"""Events as bars and labels of one's own, in a real browser: pointer, keyboard, address, small screens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from catalog import engine
from catalog.models import Embedding, Sound
from tests.catalog.conftest import forget_engine

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def heard(rain: Sound, small_model: Path) -> Iterator[Sound]:
    """A sound whose vectors are those of the small model."""
    assert str(small_model) == settings.MODEL_OVERRIDE
    key, rng = engine.active_model(), np.random.default_rng(5)
    windows = rng.standard_normal((5, 16)).astype("<f2")
    Embedding.objects.create(
        sound=rain,
        model_id=key.model_id,
        model_revision=key.revision,
        window_s=2.0,
        hop_s=0.5,
        dim=16,
        clip=windows[0].astype("<f4").tobytes(),
        windows=windows.tobytes(),
    )
    analysis = rain.current_analysis
    assert analysis is not None
    analysis.model_id, analysis.model_revision = key.model_id, key.revision
    analysis.save()
    yield rain
    forget_engine()


def test_a_bar_seeks_by_pointer_and_by_keyboard(page: Page, rain: Sound) -> None:
    page.goto(f"/sounds/{rain.pk}/")
    bar = page.locator(".event-chart__row a")
    bar.click()
    expect(page.locator("[data-time]")).to_have_text("0:01")
    page.keyboard.press("Space")
    page.locator("audio").evaluate("audio => { audio.currentTime = 0 }")
    bar.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-time]")).to_have_text("0:01")
    assert page.url.endswith(f"/sounds/{rain.pk}/")


def test_bars_stand_under_their_moment_of_the_waveform(page: Page, rain: Sound) -> None:
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"/sounds/{rain.pk}/")
        wave, bar = page.locator(".wave--large").bounding_box(), page.locator(".event-chart__bar").bounding_box()
        assert wave is not None
        assert bar is not None
        assert bar["x"] == pytest.approx(wave["x"] + wave["width"] / 4, abs=2)  # from 1 to 3 of 4 s
        assert bar["width"] == pytest.approx(wave["width"] / 2, abs=2)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_labels_are_asked_about_in_the_address(page: Page, heard: Sound) -> None:
    page.goto(f"/sounds/{heard.pk}/")
    page.get_by_label("Labels, with commas between them").fill("piano, dog bark")
    page.keyboard.press("Enter")
    expect(page.locator("#ask tbody tr")).to_have_count(3)  # and the label of the analysis
    expect(page).to_have_url(re.compile(r"\?labels=piano%2C(\+|%20)dog(\+|%20)bark$"))
    page.reload()
    expect(page.locator("#ask tbody tr")).to_have_count(3)
    page.locator("#ask [data-seek-s]").first.click()
    expect(page.locator("[data-time]")).to_have_text(re.compile(r"0:0\d"))


def test_no_answer_is_cut_off_on_a_small_screen(page: Page, heard: Sound) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"/sounds/{heard.pk}/?labels=piano,dog+bark")
    expect(page.locator("#ask tbody tr")).to_have_count(3)
    expect(page.locator("#ask tbody td").last).to_contain_text(" to\N{NO-BREAK SPACE}0:0")
    assert page.locator("#ask .table-scroll").evaluate("table => table.scrollWidth <= table.clientWidth")


def test_a_question_that_cannot_be_is_told_in_its_place(page: Page, heard: Sound, errors: list[str]) -> None:
    page.goto(f"/sounds/{heard.pk}/")
    page.get_by_label("Labels, with commas between them").fill("zorp")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#ask .problem")).to_contain_text("knows none of these words")
    assert "400" in errors.pop()
