"""The search page in a real browser: completion, chips, moments, history, what comes while one scrolls."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from catalog.dictionary import refresh_dictionary
from catalog.models import Library, Sound
from tests.catalog.rows import add_heard

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def counted(rain: Sound, dog: Sound) -> None:
    refresh_dictionary()


def line(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search sounds")


def offered(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Ways to go on").get_by_role("option")


@pytest.mark.usefixtures("counted")
def test_a_search_is_completed_by_keys_alone(page: Page) -> None:
    page.goto("/search/?mode=words")
    line(page).press_sequentially("ca")
    options = offered(page)
    expect(options.first).to_have_text(re.compile("cat:"))
    expect(line(page)).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(line(page)).to_have_attribute("aria-activedescendant", "search-option-0")
    page.keyboard.press("Tab")
    expect(line(page)).to_have_value("cat:")
    expect(options).to_have_text([re.compile("animals.*1 sound"), re.compile("weather.*1 sound")])
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(line(page)).to_have_value("cat:weather ")
    expect(options).to_have_count(0)
    expect(page.locator(".sound")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=cat%3Aweather"))


@pytest.mark.usefixtures("counted")
def test_how_many_are_offered_is_told_to_who_hears_the_page(page: Page) -> None:
    page.goto("/search/?mode=words")
    told = page.locator("[data-offered]")
    expect(told).to_have_role("status")
    line(page).press_sequentially("cat:")
    expect(told).to_have_text("2 ways to go on, with the arrow keys")
    line(page).press_sequentially("we")
    expect(told).to_have_text("1 way to go on, with the arrow keys")
    page.keyboard.press("Escape")
    expect(told).to_be_empty()


@pytest.mark.usefixtures("counted")
def test_escape_closes_what_is_offered_and_nothing_else(page: Page) -> None:
    page.goto("/search/?mode=words")
    line(page).press_sequentially("ca")
    expect(offered(page).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(offered(page)).to_have_count(0)
    expect(line(page)).to_have_value("ca")
    expect(line(page)).to_be_focused()


@pytest.mark.usefixtures("counted")
def test_what_is_offered_is_taken_by_pointer(page: Page) -> None:
    page.goto("/search/?mode=words")
    line(page).press_sequentially("label:")
    offered(page).filter(has_text="dog bark").click()
    expect(line(page)).to_have_value('label:"dog bark" ')
    expect(line(page)).to_be_focused()
    expect(page.locator(".sound__name")).to_have_text(["SFX_final_2.wav"])


@pytest.mark.usefixtures("counted")
def test_chips_change_the_line_and_history_takes_it_back(page: Page) -> None:
    page.goto("/search/?q=rain+cat:weather&mode=words")
    page.get_by_role("link", name="Remove “cat:weather”").click()
    expect(page.locator(".chip")).to_have_count(1)
    expect(line(page)).to_have_value("rain")
    expect(page).to_have_url(re.compile(r"\?q=rain&mode=words$"))
    page.get_by_role("link", name="Let “rain” count more").click()
    expect(line(page)).to_have_value("rain^2")
    page.go_back()
    expect(line(page)).to_have_value("rain")
    page.go_back()
    expect(line(page)).to_have_value("rain cat:weather")
    expect(page.locator(".chip")).to_have_count(2)
    page.go_forward()
    expect(page.locator(".chip")).to_have_count(1)


@pytest.mark.usefixtures("counted")
def test_the_focus_stays_where_a_chip_was(page: Page) -> None:
    page.goto("/search/?q=rain+cat:weather+dur:<10&mode=words")
    for removed, next_one in (("rain", "cat:weather"), ("dur:<10", "cat:weather")):
        page.get_by_role("link", name=f"Remove “{removed}”").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name=f"Remove “{next_one}”")).to_be_focused()
    page.keyboard.press("Enter")
    expect(line(page)).to_be_focused()
    expect(line(page)).to_have_value("")


@pytest.mark.usefixtures("counted")
def test_a_weight_is_pressed_again_and_again(page: Page) -> None:
    page.goto("/search/?q=rain&mode=words")
    page.get_by_role("link", name="Let “rain” count more").click()
    for weight in ("2", "3"):
        expect(line(page)).to_have_value(f"rain^{weight}")
        if weight == "2":
            expect(page.get_by_role("link", name="Let “rain” count more")).to_be_focused()
            page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Let “rain” count less")).to_be_focused()  # more there is not
    page.get_by_role("link", name="Not “rain”").click()
    expect(page.get_by_role("link", name="Want “rain” after all")).to_be_focused()


def test_who_has_gone_on_keeps_the_focus(page: Page, rain: Sound) -> None:
    page.goto("/search/?q=rain+cat:weather&mode=words")
    page.get_by_role("link", name="Remove “rain”").evaluate(
        "link => { link.focus(); link.click(); document.getElementById('search-q').focus() }"
    )
    expect(page.locator(".chip")).to_have_count(1)
    expect(line(page)).to_be_focused()


def test_something_like_a_sound_is_searched_for_from_its_page(page: Page, rain: Sound) -> None:
    page.goto(f"/sounds/{rain.pk}/")
    said = page.get_by_label("Search for something like this one")
    expect(said).to_have_value("like this one, ")
    said.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("not stormy")
    expect(said).to_have_value("like this one, not stormy")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"this_sound={rain.pk}&q=like"))
    expect(page.locator(".this-one")).to_contain_text("this one = Track 18.wav")
    expect(page.locator(".chips")).to_contain_text("like Track 18.wav")
    page.get_by_text("Words", exact=True).click()  # by the form, which keeps it
    expect(page).to_have_url(re.compile(rf"mode=words.*this_sound={rain.pk}|this_sound={rain.pk}.*mode=words"))
    page.get_by_role("link", name="“this one” is no longer Track 18.wav").click()
    expect(page.locator(".this-one")).to_have_count(0)
    assert "this_sound" not in page.url
    expect(line(page)).to_be_focused()
    expect(page.locator(".understood")).to_contain_text("was left out")


@pytest.mark.usefixtures("counted")
def test_order_and_switch_stand_in_the_address(page: Page) -> None:
    page.goto("/search/?q=rain&mode=words")
    page.get_by_label("Different ones first").check()
    expect(page).to_have_url(re.compile(r"different=1"))
    page.get_by_label("Order").select_option("longest")
    expect(page).to_have_url(re.compile(r"sort=longest"))
    page.reload()
    expect(page.get_by_label("Different ones first")).to_be_checked()
    expect(page.get_by_label("Order")).to_have_value("longest")


def test_more_results_come_while_one_scrolls(page: Page, library: Library) -> None:
    for number in range(95):
        add_heard(library, f"rain {number}.wav")
    page.goto("/search/?q=rain&mode=words")
    expect(page.locator(".sound")).to_have_count(40)
    for count in (80, 95):
        page.locator(".more").scroll_into_view_if_needed()
        expect(page.locator(".sound")).to_have_count(count)
    expect(page.locator(".more")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"\?q=rain&mode=words$"))


def test_without_scripts_all_of_it_works_by_links_and_forms(
    browser: Browser, live_server: LiveServer, library: Library, counted: None
) -> None:
    for number in range(45):
        add_heard(library, f"rain {number}.wav")
    bare = browser.new_page(base_url=live_server.url, java_script_enabled=False)
    bare.goto("/search/")
    bare.get_by_label("Search sounds").fill("rain -bird")
    bare.get_by_label("Words").check(force=True)
    bare.get_by_role("button", name="Search", exact=True).click()
    bare.get_by_role("link", name="More results").click()
    expect(bare.locator(".sound")).to_have_count(6)
    bare.get_by_role("link", name="From the first one").click()
    bare.get_by_role("link", name="Remove “bird”").click()
    expect(bare.locator(".sound")).to_have_count(40)
    expect(bare.get_by_label("Search sounds")).to_have_value("rain")
    bare.close()


@pytest.mark.usefixtures("counted")
def test_recent_searches_are_kept_and_forgotten(page: Page) -> None:
    page.goto("/search/?q=dog&mode=words")
    page.goto("/search/?q=thunder+far&mode=words")
    page.goto("/search/")
    recent = page.get_by_role("region", name="Recent")
    expect(recent.get_by_role("link")).to_have_text(["thunder far", "dog"])
    recent.get_by_role("link", name="dog").click()
    expect(page).to_have_url(re.compile(r"q=dog"))
    expect(page.get_by_role("radio", name="Words")).to_be_checked()
    page.goto("/search/")
    page.get_by_role("button", name="Forget").click()
    expect(recent).to_be_hidden()


@pytest.mark.usefixtures("counted")
def test_a_search_is_kept_under_a_name(page: Page) -> None:
    page.goto("/search/?q=rain&mode=words")
    page.get_by_text("Save search").click()
    page.get_by_role("textbox", name="Name").fill("Wet things")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_url(re.compile(r"/search/\?q=rain&mode=words$"))
    page.goto("/search/")
    page.get_by_role("link", name="Wet things").click()
    expect(page.locator(".sound")).to_have_count(1)


def test_what_is_too_large_is_refused_before_it_is_sent(page: Page) -> None:
    page.goto("/search/by-audio/")
    page.locator("[data-by-audio]").evaluate("form => { form.dataset.maxBytes = '10' }")
    page.get_by_label("A file that sounds like").set_input_files(
        {"name": "big.wav", "mimeType": "audio/wav", "buffer": b"x" * 100}
    )
    page.get_by_role("button", name="Find what sounds like it").click()
    expect(page.get_by_role("alert")).to_contain_text("an example may have")
    expect(page).to_have_url(re.compile("/search/by-audio/$"))


WATCH_STREAMS = """
window.streams = [];
const tell = (state) => { document.documentElement.dataset.microphone = state; };
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await ask(wanted);
  streams.push(stream);
  const beside = new MediaRecorder(stream);
  let bytes = 0;
  beside.ondataavailable = ({ data }) => { if ((bytes += data.size) > 2000) tell("heard"); };
  beside.onstop = () => tell("ended");
  beside.start(100);
  return stream;
};
document.addEventListener("submit", (event) => event.preventDefault());  // what is recorded is looked at, not sent
"""


def microphone(page: Page, state: str) -> None:
    expect(page.locator("html")).to_have_attribute("data-microphone", state)


def test_a_microphone_that_is_pressed_twice_listens_once(page: Page) -> None:
    page.add_init_script(WATCH_STREAMS)
    page.goto("/search/by-audio/")
    button = page.locator("[data-record]")
    button.evaluate("button => { button.click(); button.click() }")
    expect(button).to_have_text("Stop and search")
    microphone(page, "heard")
    assert page.evaluate("streams.length") == 1
    button.click()
    expect(page.locator("#example-file")).to_have_value(re.compile(r"recording\.wav$"))
    expect(button).to_have_text("Record")
    microphone(page, "ended")
    button.click()
    expect(button).to_have_text("Stop and search")
    assert page.evaluate("streams.length") == 2


def test_a_microphone_whose_button_has_gone_is_let_go(page: Page, rain: Sound) -> None:
    page.add_init_script(WATCH_STREAMS)
    page.goto("/search/?mode=words")
    page.locator("[data-record]").click()
    microphone(page, "heard")
    line(page).fill("rain")
    expect(page.locator(".sound")).to_have_count(1)
    microphone(page, "ended")
