"""Listening in a real browser: from a row, from the waveform, by keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from catalog.models import Library, Sound
from tests.browser.conftest import write_noise
from tests.catalog.rows import add_heard

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def wait_until_it_plays(page: Page) -> None:
    expect(page.locator("[data-time]")).to_have_text(re.compile(r"0:0[1-4]"))  # the position moves with currentTime
    assert page.locator("audio").evaluate("audio => audio.currentTime") > 0.9


def test_a_sound_plays_from_its_row(page: Page, rain: Sound) -> None:
    page.goto("/")
    page.get_by_role("button", name="Play Track 18.wav").click()
    wait_until_it_plays(page)
    expect(page.get_by_role("region", name="Player").get_by_role("link")).to_have_text("Track 18.wav")


def test_a_format_that_browsers_do_not_know_plays_as_a_preview(page: Page, library: Library, tmp_path: Path) -> None:
    write_noise(tmp_path / "Take 1.aiff", subtype="PCM_24", rate=96_000)
    add_heard(library, "Take 1.aiff")
    page.goto("/?category=weather")
    page.get_by_role("button", name="Play Take 1.aiff").click()
    wait_until_it_plays(page)


def test_a_click_on_the_waveform_goes_to_that_moment(page: Page, rain: Sound) -> None:
    page.goto(f"/sounds/{rain.pk}/")
    wave = page.locator(".wave--large")
    box = wave.bounding_box()
    assert box is not None
    wave.click(position={"x": box["width"] / 2, "y": 40})
    expect(page.locator("[data-time]")).to_have_text("0:02")
    assert 1.9 < page.locator("audio").evaluate("audio => audio.currentTime") < 4


def test_an_event_leads_to_where_it_begins(page: Page, rain: Sound) -> None:
    page.goto(f"/sounds/{rain.pk}/")
    page.get_by_role("link", name="0:01.00", exact=True).click()
    expect(page.locator("[data-time]")).to_have_text("0:01")
    assert page.url.endswith(f"/sounds/{rain.pk}/")


def test_the_keyboard_alone_finds_and_plays(page: Page, rain: Sound, dog: Sound) -> None:
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("rain")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search/\?q=rain$"))
    expect(page.locator(".sound")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Track 18.wav", exact=True)).to_be_focused()
    page.keyboard.press("Space")
    wait_until_it_plays(page)
    page.keyboard.press("Space")
    assert page.locator("audio").evaluate("audio => audio.paused")


def test_arrows_move_and_x_selects(page: Page, rain: Sound, dog: Sound) -> None:
    page.goto("/")
    for key in ("ArrowDown", "ArrowDown", "x"):
        page.keyboard.press(key)
    expect(page.locator(f'.sound__check[value="{dog.pk}"]')).to_be_checked()
    expect(page.locator("[data-count]")).to_have_text("1 selected")


def test_a_file_that_is_gone_is_told_in_the_player(page: Page, rain: Sound, errors: list[str]) -> None:
    rain.absolute_path.unlink()
    page.goto("/")
    page.get_by_role("button", name="Play Track 18.wav").click()
    expect(page.locator("[data-message]")).to_contain_text("cannot be played")
    assert "404" in errors.pop()
