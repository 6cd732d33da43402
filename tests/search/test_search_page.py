"""The search page, its exports, and the page of similar sounds."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from django.http import QueryDict
from django.test import Client
from numpy.typing import NDArray

from analysis.errors import UnreadableAudio
from catalog import uploads
from catalog.dictionary import refresh_dictionary
from catalog.models import Embedding, Sound
from search.confidence import Verdict
from search.results import Hit, SearchResults
from search.views import similar
from search.views.page import verdict_of
from search.views.question import Question
from tests.catalog.rows import HISTORY_RESTORE, HTMX, add_heard, queries_of
from tests.search.conftest import DIM

pytestmark = pytest.mark.django_db
Vector = NDArray[np.float32]


@pytest.fixture
def rain_and_dog(make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]) -> None:
    """A sound that sounds like rain under a name that says nothing, and one that only its name calls rain."""
    rain, dog, ears["rain"] = (np.eye(DIM, dtype=np.float32)[place] for place in (0, 1, 0))
    embed(make_sound("Track 18.wav", category="weather"), rain)
    embed(make_sound("rain check.wav", category="animals"), dog)


def get(client: Client, query: str, headers: dict[str, str] | None = None) -> str:
    return client.get(f"/search/?{query}", headers=headers or {}).content.decode()


def names_in(page: str) -> list[str]:
    return re.findall(r'class="sound__name"[^>]*>([^<]+)</a>', page)


def test_without_words_it_invites_to_describe_a_sound(client: Client) -> None:
    assert "Describe a sound" in get(client, "")


@pytest.mark.usefixtures("rain_and_dog")
def test_each_hit_says_why_it_is_there(client: Client) -> None:
    page = get(client, "q=rain")
    assert set(names_in(page)) == {"Track 18.wav", "rain check.wav"}
    assert "sounds like &quot;rain&quot; (match 100 %)" in page
    assert "name has &quot;rain&quot;" in page


@pytest.mark.usefixtures("rain_and_dog")
def test_ears_and_words_can_be_asked_alone(client: Client) -> None:
    assert names_in(get(client, "q=rain&mode=ears"))[0] == "Track 18.wav"
    assert names_in(get(client, "q=rain&mode=words")) == ["rain check.wav"]


@pytest.mark.usefixtures("rain_and_dog")
def test_filters_hold_for_a_search(client: Client) -> None:
    page = get(client, "q=rain&category=animals")
    assert names_in(page) == ["rain check.wav"]
    assert 'href="/search/?q=rain"' in page


@pytest.mark.usefixtures("rain_and_dog")
def test_another_mode_keeps_the_filters(client: Client) -> None:
    page = get(client, "q=rain&category=animals&tag=wet&tag=cold&min_duration=2", HTMX)
    kept = re.findall(r'form="search-form" name="([^"]+)" value="([^"]*)"', page)
    assert sorted(kept) == [("category", "animals"), ("min_duration", "2"), ("tag", "cold"), ("tag", "wet")]
    assert 'form="search-form"' not in get(client, "q=rain")


def test_categories_and_tags_are_counted_in_what_was_found(client: Client, make_sound: Callable[..., Sound]) -> None:
    make_sound("rain 1.wav", category="weather", tags=["wet"])
    make_sound("rain 2.wav", category="weather", tags=["wet", "roof"])
    make_sound("rain stick.wav", category="instruments", tags=["wood"])
    make_sound("dog.wav", category="animals", tags=["loud"])
    for query, tags in (
        ("q=rain", {"wet": 2, "roof": 1, "wood": 1}),
        ("q=rain&category=weather", {"wet": 2, "roof": 1}),
    ):
        context = client.get(f"/search/?{query}&mode=words").context
        assert {link.name: link.count for link in context["categories"]} == {"weather": 2, "instruments": 1}
        assert context["categories_total"] == 3
        assert {link.name: link.count for link in context["tags"]} == tags


@pytest.mark.usefixtures("rain_and_dog")
def test_nothing_found_is_said(client: Client) -> None:
    assert "Nothing found for “zeppelin”" in get(client, "q=zeppelin&mode=words")


@pytest.mark.usefixtures("rain_and_dog")
def test_htmx_gets_the_part_and_history_the_page(client: Client) -> None:
    part = get(client, "q=rain", HTMX)
    assert part.strip().startswith('<div id="browse"')
    assert "<!doctype html>" in get(client, "q=rain", HISTORY_RESTORE)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("mode=nose", "How to search: there is no “nose”; there are: Both, Ears, Words."),
        ("sort=smell", "Order: there is no “smell”; there are: Best match, Name, Confidence"),
        ("different=2", "Different ones first: there is no “2”"),
        ("spelling=x", "Misspellings: there is no “x”; there are: on, off."),
        ("offset=-1", "Place in the list: a whole number, 0 to 500."),
        ("this_sound=rain", "This one: the number of a sound, as in the address of its page."),
        ("this_sound=99999999999999999999", "This one: the number of a sound"),
        ("min_duration=x", "Seconds long, from: Enter a number."),
        ("library=x", "Library: Enter a whole number."),
    ],
)
def test_a_bad_query_is_explained_in_the_words_of_the_page(client: Client, query: str, said: str) -> None:
    for address in ("/search/", "/search/export/csv/", "/search/moments.csv"):
        response = client.get(f"{address}?q=a&{query}")
        assert response.status_code == 400
        assert said in html.unescape(response.content.decode())
    page = get(client, f"q=a&{query}")
    assert 'name="q" value="a"' in page  # nothing is to be typed again
    is_filter = query.startswith(("min_duration", "library"))
    assert ("<details open>" in page) is is_filter  # on small screens the filters stand above the problem


@pytest.mark.usefixtures("rain_and_dog")
@pytest.mark.parametrize("bad", ["x" * 100_000, "rain%00%01%02", "((((rain", "-", "rain';DROP TABLE x;--", "%ED%A0%80"])
def test_whatever_is_typed_is_answered(client: Client, bad: str) -> None:
    assert client.get(f"/search/?q={bad}&mode=words").status_code == 200


@pytest.mark.usefixtures("rain_and_dog")
def test_a_line_that_is_too_long_is_read_as_far_as_it_goes(client: Client) -> None:
    page = get(client, f"q={'rain+' * 20_000}&mode=words")
    assert "rain check.wav" in page
    assert "2,000" in page
    assert len(page) < 1_000_000
    assert "and 380 more" in page


@pytest.mark.usefixtures("rain_and_dog")
def test_the_result_is_exported_as_it_is_shown(client: Client) -> None:
    assert 'href="/search/export/csv/?q=rain&amp;mode=words"' in get(client, "q=rain&mode=words")
    response = client.get("/search/export/csv/?q=rain&mode=words")
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
    assert [row["file_name"] for row in rows] == ["rain check.wav"]


def test_all_that_is_counted_is_exported_and_nothing_faint(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]
) -> None:
    ears["rain"] = np.eye(DIM, dtype=np.float32)[0]
    embed(make_sound("dog.wav"), np.eye(DIM, dtype=np.float32)[1])
    for number in range(45):
        make_sound(f"rain {number}.wav")
    assert "45 sounds for “rain”" in get(client, "q=rain")
    response = client.get("/search/export/csv/?q=rain")
    names = [row["file_name"] for row in csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig")))]
    assert len(names) == 45
    assert "dog.wav" not in names


def test_more_results_are_a_link_away_and_are_appended_by_htmx(
    client: Client, make_sound: Callable[..., Sound]
) -> None:
    for number in range(45):
        make_sound(f"rain {number}.wav")
    first = get(client, "q=rain&mode=words")
    assert 'href="/search/?q=rain&amp;mode=words&amp;offset=40"' in first
    second = get(client, "q=rain&mode=words&offset=40")
    assert 'href="/search/?q=rain&amp;mode=words"' in second.partition("From the first one")[0]
    rows = get(client, "q=rain&mode=words&offset=40", HTMX | {"HX-Target": "rows"})
    assert rows.strip().startswith('<li class="sound"')
    assert names_in(rows) == names_in(second)
    assert "More results" not in rows
    names = names_in(first) + names_in(rows)
    assert (len(names), len(set(names))) == (45, 45)
    assert "Show it from the first one" in get(client, "q=rain&mode=words&offset=80")


@pytest.mark.usefixtures("rain_and_dog")
def test_similar_sounds_leave_out_the_sound_itself(client: Client) -> None:
    sound = Sound.objects.get(path="Track 18.wav")
    part = client.get(f"/search/similar/{sound.pk}/", headers=HTMX).content.decode()
    assert names_in(part) == ["rain check.wav"]
    assert "<!doctype html>" in client.get(f"/search/similar/{sound.pk}/").content.decode()


def test_a_sound_that_nobody_heard_resembles_nothing_yet(client: Client, make_sound: Callable[..., Sound]) -> None:
    page = client.get(f"/search/similar/{make_sound('new.wav').pk}/").content.decode()
    assert names_in(page) == []
    assert "No sound has been analyzed" in page or "cannot be found" in page


def test_the_number_of_queries_does_not_grow_with_the_hits(client: Client, make_sound: Callable[..., Sound]) -> None:
    library = make_sound("rain.wav").library
    few = queries_of(client, "/search/?q=rain&mode=words")
    for number in range(30):
        add_heard(library, f"rain {number}.wav")
    assert queries_of(client, "/search/?q=rain&mode=words") == few


def test_what_is_only_faintly_like_the_words_stands_below_a_line(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]
) -> None:
    rain, other, ears["rain"] = (np.eye(DIM, dtype=np.float32)[place] for place in (5, 1, 5))
    embed(make_sound("Track 18.wav"), rain)
    embed(make_sound("Track 19.wav"), other)
    page = get(client, "q=rain&mode=ears")
    assert "1 sound for “rain”" in page
    assert page.index("Track 18.wav") < page.index("Only faintly like it") < page.index("Track 19.wav")


def test_a_search_that_finds_nothing_good_says_so(
    client: Client, make_sound: Callable[..., Sound], embed: Callable[..., Embedding], ears: dict[str, Vector]
) -> None:
    ears["zeppelin"] = np.eye(DIM, dtype=np.float32)[5]
    embed(make_sound("Track 18.wav"), np.eye(DIM, dtype=np.float32)[1])
    assert "No confident match for “zeppelin”; the closest are:" in get(client, "q=zeppelin&mode=ears")


def chips_in(page: str) -> list[str]:
    found = re.findall(r'<span class="chip__text"[^>]*>(.*?)</span>', page, re.S)
    return [html.unescape(" ".join(re.sub(r"<[^>]+>", "", chip).split())) for chip in found]


def link_of(page: str, label: str) -> str:
    """The address of the link with a label."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]* aria-label="{re.escape(label)}"', page)
    assert found, label
    return found[1].replace("&amp;", "&")


def line_of(address: str) -> str:
    return QueryDict(address.partition("?")[2])["q"]


def test_the_parts_of_a_line_can_be_removed_weighed_and_turned_around(client: Client) -> None:
    page = get(client, "q=rain+-~thunder+dur:%3C10&mode=words&library=1")
    assert chips_in(page) == ["rain", "not thunder", "dur:<10"]
    removed = link_of(page, "Remove “thunder”")
    assert line_of(removed) == "rain dur:<10"
    assert "mode=words" in removed
    assert line_of(link_of(page, "Not “rain”")) == "-rain -~thunder dur:<10"
    assert line_of(link_of(page, "Want “thunder” after all")) == "rain ~thunder dur:<10"
    assert line_of(link_of(page, "Let “rain” count more")) == "rain^2 -~thunder dur:<10"
    assert line_of(link_of(page, "Let “rain” count less")) == "rain^0.5 -~thunder dur:<10"
    assert "“dur:&lt;10” count" not in page  # a condition counts neither more nor less
    assert "“rain” count" not in get(client, "q=rain+wind&mode=words")  # words count together


def test_alternatives_are_joined_by_or(client: Client) -> None:
    page = get(client, "q=rain,+wind&mode=words")
    assert chips_in(page) == ["rain", "wind"]
    assert page.count('class="chips__or"') == 1


def test_a_sentence_is_shown_as_it_was_read(client: Client) -> None:
    page = get(client, "q=wind,+not+stormy,+under+ten+seconds,+like+this+one&mode=words")
    assert chips_in(page) == ["wind", "dur:<10", "not stormy"]
    assert "“under ten seconds” read as <code>dur:&lt;10</code>" in page
    assert "“like this one” was left out" in page


def test_an_example_is_named_by_its_file(client: Client, make_sound: Callable[..., Sound]) -> None:
    sound = make_sound("Track 18.wav")
    assert chips_in(get(client, f"q=like:{sound.pk}@1-2.5")) == ["like Track 18.wav, 1 to 2.5 s"]
    assert client.get(f"/search/?q=like:{10**30}").status_code == 200


def test_a_problem_is_told_with_its_place(client: Client) -> None:
    page = get(client, "q=rain+foo:x&mode=words")
    assert "At character 6" in page
    assert "<mark>foo:x</mark>" in page or "<mark>foo</mark>" in page


def test_a_misspelling_is_forgiven_and_said(client: Client, make_sound: Callable[..., Sound]) -> None:
    make_sound("thunder far.wav")
    refresh_dictionary()
    page = get(client, "q=thundr&mode=words")
    assert names_in(page) == ["thunder far.wav"]
    assert "Searched for “thunder” instead of “thundr”" in page
    assert "spelling=off" in page
    exact = get(client, "q=thundr&mode=words&spelling=off")
    assert names_in(exact) == []
    assert "Forgive misspellings" in exact
    assert ("spelling", "off") in re.findall(r'form="search-form" name="([^"]+)" value="([^"]*)"', exact)


def test_synonyms_are_said_and_can_be_left_out(client: Client) -> None:
    page = get(client, "q=thunder&mode=words")
    assert "Also looked for:" in page
    assert "synonyms=off" in page
    assert "Look for synonyms as well" in get(client, "q=thunder&mode=words&synonyms=off")


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.STRONG, "3 sounds for “rain”"),
        (Verdict.FAIR, "Fair matches for “rain”: 3 sounds"),
        (Verdict.NONE, "No confident match for “rain”; the closest are:"),
        (None, "3 sounds for “rain”"),
    ],
)
def test_the_verdict_is_said_above_the_list(verdict: Verdict | None, said: str) -> None:
    found = SearchResults("rain", [], strong_ids=(1, 2, 3), verdict=verdict)
    assert verdict_of(Question("rain"), found).startswith(said)


@pytest.mark.usefixtures("rain_and_dog")
def test_each_part_says_what_it_gave_to_a_place(client: Client) -> None:
    page = get(client, "q=rain")
    shares = re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)", page)
    assert ("what is written", "+0.0164 ") in shares or ("what is written", "+0.0164") in shares
    assert any(title == "by ear: “rain”" for title, _ in shares)
    assert "similarity 1.00" in page


def test_results_stand_in_the_order_that_is_asked_for(client: Client, make_sound: Callable[..., Sound]) -> None:
    for name, duration_s in (("rain b.wav", 1.0), ("rain a.wav", 3.0), ("rain c.wav", 2.0)):
        make_sound(name, duration_s=duration_s)
    assert names_in(get(client, "q=rain&mode=words&sort=name")) == ["rain a.wav", "rain b.wav", "rain c.wav"]
    page = get(client, "q=rain&mode=words&sort=longest")
    assert names_in(page) == ["rain a.wav", "rain c.wav", "rain b.wav"]
    assert '<option value="longest" selected>' in page


@pytest.mark.usefixtures("rain_and_dog")
def test_every_form_keeps_what_another_one_asks_for(client: Client) -> None:
    page = get(client, "q=rain&mode=words&sort=name&different=1&synonyms=off&category=animals")
    filters = page[page.index('<form class="filters"') : page.index("Categories</h2>")]
    kept = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', filters)
    assert kept[:5] == [("q", "rain"), ("mode", "words"), ("sort", "name"), ("different", "1"), ("synonyms", "off")]
    assert re.search(r'name="different" value="1" checked', page)
    assert "sort=name" in re.findall(r'class="small muted" href="([^"]+)"', page)[0]


def test_where_nothing_is_found_there_is_what_to_change(client: Client, make_sound: Callable[..., Sound]) -> None:
    make_sound("rain.wav")
    page = get(client, "q=rain+dur:%3C1+zeppelin&mode=words&category=animals")
    for advice in ("Search without the filters", "Listen as well as read", "Without “zeppelin”", "Fields"):
        assert advice in page


def test_nothing_is_sought_by_no_file(client: Client) -> None:
    response = client.post("/search/by-audio/")
    assert response.status_code == 400
    assert "No file was chosen." in response.content.decode()
    assert 'type="file"' in client.get("/search/by-audio/").content.decode()


def test_a_file_that_is_no_audio_is_refused_in_words(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> SearchResults:
        raise UnreadableAudio("is no audio file")

    monkeypatch.setattr(similar, "similar_to_audio", refuse)
    response = client.post("/search/by-audio/", {"file": io.BytesIO(b"no sound at all")})
    assert response.status_code == 422
    assert "cannot be heard: The file is no audio file." in response.content.decode()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 1_000)
    for size in (2_000, 200_000):
        response = client.post("/search/by-audio/", {"file": io.BytesIO(b"x" * size)})
        assert response.status_code == 413
        assert "an example may have" in response.content.decode()


def test_an_example_is_only_taken_from_a_page_of_ours() -> None:
    response = Client(enforce_csrf_checks=True).post("/search/by-audio/", {"file": io.BytesIO(b"x")})
    assert response.status_code == 403


def test_an_example_finds_what_sounds_like_it(
    client: Client, make_sound: Callable[..., Sound], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = make_sound("Track 18.wav")

    def answer(path: Path, *, name: str, limit: int) -> SearchResults:
        assert path.read_bytes() == b"a sound"
        return SearchResults(name, [Hit(sound, 0.5, 0.5, heard=["sounds like it"])])

    monkeypatch.setattr(similar, "similar_to_audio", answer)
    file = io.BytesIO(b"a sound")
    file.name = "folder/mine.wav"
    page = client.post("/search/by-audio/", {"file": file}).content.decode()
    assert "Sounds like mine.wav" in page
    assert names_in(page) == ["Track 18.wav"]
