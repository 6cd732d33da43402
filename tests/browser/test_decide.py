"""Filtering, searching and analyzing again in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from catalog.models import Library, Run, Sound

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_catalog_opens_with_its_groups(page: Page, rain: Sound, dog: Sound) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", level=2).filter(has_text=re.compile("Weather|Animals"))).to_have_count(2)
    assert page.locator(".wave path").first.evaluate("path => path.getBBox().width") > 100


def test_a_filter_changes_the_address_and_back_undoes_it(page: Page, rain: Sound, dog: Sound) -> None:
    page.goto("/")
    page.get_by_role("navigation", name="Categories").get_by_role("link", name="Animals").click()
    expect(page).to_have_url(re.compile(r"\?category=animals$"))
    expect(page.locator(".sound")).to_have_count(1)
    page.get_by_label("Confidence at least").select_option("0.8")
    expect(page).to_have_url(re.compile(r"\?category=animals&min_confidence=0.8$"))
    page.evaluate("history.back()")
    expect(page.get_by_label("Confidence at least")).to_have_value("")
    page.evaluate("history.back()")
    expect(page.locator(".sound")).to_have_count(2)
    expect(page.locator(".header")).to_be_visible()


def test_search_finds_while_typing(page: Page, rain: Sound, dog: Sound) -> None:
    page.goto("/search/?mode=words")
    page.get_by_label("Search sounds").press_sequentially("bark")
    expect(page.locator(".sound__name")).to_have_text("SFX_final_2.wav")
    expect(page.locator(".sound__why")).to_contain_text('"bark"')
    expect(page).to_have_url(re.compile(r"q=bark"))


def test_analyzing_again_queues_the_sound(page: Page, rain: Sound) -> None:
    page.goto(f"/sounds/{rain.pk}/")
    page.get_by_label("Profile").select_option("precise")
    page.get_by_role("button", name="Analyze", exact=True).click()
    expect(page.get_by_text("Queued with precise")).to_be_visible()
    rain.refresh_from_db()
    assert (rain.state, rain.wanted_profile) == (Sound.State.QUEUED, "precise")


def test_a_selection_is_analyzed_and_its_run_followed(page: Page, rain: Sound, dog: Sound) -> None:
    page.goto("/")
    page.get_by_label("Select all sounds shown").check()
    page.get_by_role("button", name="Analyze selected").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Analysis")
    expect(page.get_by_text("0 of 2 analyzed")).to_be_visible()
    Run.objects.update(done=2, state=Run.State.DONE)
    expect(page.get_by_text("2 of 2 analyzed")).to_be_visible()  # the page asked again by itself
    expect(page.get_by_role("link", name="Refresh")).to_have_count(0)


def test_a_folder_is_added_from_the_first_page(page: Page, transactional_db: None, tmp_path: Path) -> None:
    page.goto("/")
    page.get_by_label("Folder, as a full path").fill(str(tmp_path))
    page.get_by_role("button", name="Add and scan").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Scan")
    assert Library.objects.get().root == str(tmp_path)


def test_the_theme_is_remembered(page: Page, rain: Sound) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/")
    page.get_by_role("button", name="Switch between light and dark").click()
    page.goto("/settings/")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


@pytest.mark.parametrize("width", [360, 2560])
def test_no_page_is_wider_than_the_screen(page: Page, rain: Sound, dog: Sound, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    addresses = ("/", "/?state=analyzed", f"/sounds/{rain.pk}/", "/search/?q=rain", "/libraries/", "/runs/")
    for address in (*addresses, "/exports/", "/settings/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == width, address


def test_without_scripts_people_read_filter_search_and_export(
    browser: Browser, live_server: LiveServer, rain: Sound, dog: Sound
) -> None:
    page = browser.new_context(java_script_enabled=False, base_url=live_server.url).new_page()
    page.goto("/")
    page.get_by_role("searchbox").fill("bark")
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator(".sound__name")).to_have_text("SFX_final_2.wav")
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    assert "SFX_final_2.wav" in download.value.path().read_text(encoding="utf-8-sig")
    page.context.close()
