"""The page of a sound: what it shows, edits, and analyzing again."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from django.test import Client

from analysis.records import ChannelRelation
from catalog import actions
from catalog.models import Run, Sound
from catalog.views.facts import CHANNELS_IN_WORDS, measured_facts
from tests.catalog.rows import add_analysis, add_heard, add_library, add_sound, queries_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def sound() -> Sound:
    return add_heard(add_library(), "old drive/Track 18.wav")


def page_of(client: Client, sound: Sound) -> str:
    return client.get(f"/sounds/{sound.pk}/").content.decode()


def test_it_shows_both_descriptions_events_and_what_was_measured(client: Client, sound: Sound) -> None:
    page = page_of(client, sound)
    for words in (
        "A dense heavy rain.",
        "It goes on evenly for four seconds.",
        "-23.4 dBFS",
        "Mid, 1 to 4 kHz",
        "stereo",
    ):
        assert words in page
    assert 'x="25%" width="50%"' in page
    assert "heavy rain, 0:01.00 to 0:03.00, confidence 80 %" in page


def test_what_was_not_measured_has_no_line(client: Client, sound: Sound) -> None:
    assert "Tempo" not in page_of(client, sound)


def test_it_says_in_words_what_editors_filter_by() -> None:
    summary: dict[str, Any] = {
        "loudness_lufs": -23.04,
        "true_peak_dbtp": -1.02,
        "clipped_stretches": 12,
        "clipped_share": 0.0031,
    }
    summary |= {"key": "A minor", "key_strength": 0.915, "hum_hz": 50, "hum_db": 31.5, "channel_relation": "inverted"}
    assert {fact.title: fact.value for fact in measured_facts(summary)} == {
        "Loudness (integrated)": "-23.0 LUFS",
        "True peak": "-1.0 dBTP",
        "Clipping": "12 flat tops, 0.31 % of the samples",
        "Channels": "mono with one channel inverted: cancels when mixed",
        "Mains hum": "50 Hz, 32 dB over its neighbors",
        "Key": "A minor, strength 0.92",
    }


def test_every_relation_of_channels_has_its_words() -> None:
    assert set(CHANNELS_IN_WORDS) == set(get_args(ChannelRelation))


def test_the_original_can_be_downloaded(client: Client, sound: Sound) -> None:
    assert f'href="/api/sounds/{sound.pk}/audio" download="Track 18.wav"' in page_of(client, sound)


def test_similar_sounds_are_a_plain_link_too(client: Client, sound: Sound) -> None:
    address = f"/search/similar/{sound.pk}/"
    assert f'href="{address}" hx-get="{address}"' in page_of(client, sound)


def test_a_sound_that_nobody_heard_has_a_page(client: Client) -> None:
    page = page_of(client, add_sound(add_library(), duration_s=None, channels=None))
    assert "Not analyzed yet" in page
    assert "How this was found" not in page


def test_a_failed_sound_has_its_reason_and_a_button(client: Client) -> None:
    sound = add_sound(add_library(), state=Sound.State.FAILED, error="the data ends after 0.3 s")
    page = page_of(client, sound)
    assert "The data ends after 0.3 s." in page
    assert 'class="play play--large"' not in page
    assert f'action="/sounds/{sound.pk}/retry/"' in page


def test_the_page_of_a_waiting_sound_asks_again_until_it_is_done(client: Client, sound: Sound) -> None:
    assert "every 2s" not in page_of(client, sound)
    Sound.objects.update(state=Sound.State.QUEUED, wanted_profile="precise")
    assert "every 2s" in page_of(client, sound)


def test_analyses_stand_side_by_side_and_differences_are_marked(client: Client, sound: Sound) -> None:
    add_analysis(sound, "precise", label="light rain")
    page = page_of(client, sound)
    assert '<td class="differs">light rain</td>' in page
    assert "<td>heavy rain</td>" in page


def test_an_earlier_analysis_can_be_taken_back_and_edits_stay_above_it(client: Client, sound: Sound) -> None:
    actions.edit_sound(sound, tags=["mine"])
    before, after = sound.current_analysis, add_analysis(sound, "precise", label="light rain", category="water")
    assert before is not None
    address = f"/sounds/{sound.pk}/analyses/{{}}/use/"
    assert f'action="{address.format(after.pk)}"' in page_of(client, sound)
    assert f'action="{address.format(before.pk)}"' not in page_of(client, sound)
    assert client.post(address.format(after.pk))["Location"] == f"/sounds/{sound.pk}/"
    sound.refresh_from_db()
    assert (sound.current_analysis, sound.label, sound.category) == (after, "light rain", "water")
    assert (sound.tags, sound.description) == (["mine"], after.description)
    assert "light rain" in sound.search_words
    client.post(address.format(before.pk))
    sound.refresh_from_db()
    assert (sound.current_analysis, sound.label, sound.tags) == (before, "heavy rain", ["mine"])


def test_only_an_analysis_of_the_sound_itself_can_be_used(client: Client, sound: Sound) -> None:
    other = add_heard(sound.library, "other.wav")
    assert client.post(f"/sounds/{sound.pk}/analyses/{other.current_analysis_id}/use/").status_code == 404


def test_the_confidence_of_the_model_is_not_beside_a_category_of_a_person(client: Client, sound: Sound) -> None:
    assert 'class="confidence"' in page_of(client, sound)
    actions.edit_sound(sound, category="water")
    page = page_of(client, sound)
    assert 'class="confidence"' not in page
    assert "The analysis heard heavy rain (weather), confidence 72 %." in page


def test_a_sound_that_is_not_there_is_not_found(client: Client) -> None:
    response = client.get("/sounds/12345/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_the_chart_of_events_follows_the_record_that_is_used(client: Client, sound: Sound) -> None:
    assert 'aria-label="heavy rain, 0:01.00 to 0:03.00, confidence 80 %; play from there"' in page_of(client, sound)
    other = add_analysis(sound, "precise", label="light rain")
    client.post(f"/sounds/{sound.pk}/analyses/{other.pk}/use/")
    page = page_of(client, sound)
    assert 'aria-label="light rain, 0:01.00' in page
    assert 'aria-label="heavy rain, 0:01.00' not in page


def test_a_bar_of_the_chart_is_a_link_to_its_moment_also_without_a_script(client: Client, sound: Sound) -> None:
    address = f"/api/sounds/{sound.pk}/audio?preview=1#t=1.0"
    assert page_of(client, sound).count(f'href="{address}" data-seek-s="1.0"') == 2  # in the chart and in the table


def test_a_sound_without_events_has_no_chart(client: Client, sound: Sound) -> None:
    analysis = sound.current_analysis
    assert analysis is not None
    analysis.record["events"] = []
    analysis.save()
    assert "event-chart" not in page_of(client, sound)


def test_the_number_of_queries_does_not_grow_with_the_analyses(client: Client, sound: Sound) -> None:
    few = queries_of(client, f"/sounds/{sound.pk}/")
    for profile in ("fast", "precise", "sensitive"):
        add_analysis(sound, profile)
    assert queries_of(client, f"/sounds/{sound.pk}/") == few
    assert few <= 5


def test_an_edit_is_shown_as_yours_and_can_be_withdrawn(client: Client, sound: Sound) -> None:
    words = {
        "description": "Rain on the tin roof of the shed",
        "category": "weather",
        "tags": "heavy rain, shed , shed",
    }
    response = client.post(f"/sounds/{sound.pk}/edit/", words)
    assert response.status_code == 302
    page = page_of(client, sound)
    assert "Rain on the tin roof of the shed" in page
    assert "your edit" in page
    sound.refresh_from_db()
    assert sound.tags == ["heavy rain", "shed"]
    client.post(f"/sounds/{sound.pk}/edit/", {"withdraw": "description"})
    client.post(f"/sounds/{sound.pk}/edit/", {"withdraw": "tags"})
    assert "your edit" not in page_of(client, sound)


def test_saving_without_a_change_is_no_edit(client: Client, sound: Sound) -> None:
    tags = ", ".join(sound.tags)
    client.post(
        f"/sounds/{sound.pk}/edit/", {"description": sound.description, "category": sound.category, "tags": tags}
    )
    assert not sound.edits.exists()


def test_an_edit_that_cannot_be_is_explained_and_kept_in_the_form(client: Client, sound: Sound) -> None:
    response = client.post(f"/sounds/{sound.pk}/edit/", {"description": "kept", "category": "", "tags": "x" * 200})
    assert response.status_code == 400
    assert "at most 120 characters" in response.content.decode()
    assert ">\nkept</textarea>" in response.content.decode()


def test_analyzing_with_another_profile_queues_the_sound(client: Client, sound: Sound) -> None:
    response = client.post(f"/sounds/{sound.pk}/analyze/", {"profile": "precise"})
    assert response["Location"] == f"/sounds/{sound.pk}/"
    sound.refresh_from_db()
    assert (sound.state, sound.wanted_profile) == (Sound.State.QUEUED, "precise")


def test_an_unknown_profile_is_refused_with_the_names_there_are(client: Client, sound: Sound) -> None:
    response = client.post(f"/sounds/{sound.pk}/analyze/", {"profile": "loud"})
    assert response.status_code == 400
    assert "balanced" in response.content.decode()


def test_retry_queues_the_sound_again(client: Client) -> None:
    sound = add_sound(add_library(), state=Sound.State.FAILED, error="odd", wanted_profile="fast")
    client.post(f"/sounds/{sound.pk}/retry/")
    sound.refresh_from_db()
    assert (sound.state, sound.wanted_profile) == (Sound.State.QUEUED, "fast")


def test_a_selection_is_analyzed_and_its_run_is_shown(client: Client, sound: Sound) -> None:
    other = add_heard(sound.library, "other.wav")
    response = client.post("/sounds/analyze/", {"scope": "selected", "id": [sound.pk], "profile": "fast"})
    run = Run.objects.get()
    assert response["Location"] == f"/runs/{run.pk}/"
    other.refresh_from_db()
    assert (run.total, other.state) == (1, Sound.State.ANALYZED)


def test_a_filter_result_is_analyzed_as_a_whole(client: Client, sound: Sound) -> None:
    add_heard(sound.library, "dog.wav", category="animals")
    client.post("/sounds/analyze/", {"scope": "filter", "filters": "category=weather", "profile": "fast"})
    assert list(Sound.objects.filter(state=Sound.State.QUEUED)) == [sound]


@pytest.mark.parametrize(
    "form",
    [
        {"scope": "selected", "profile": "fast"},
        {"scope": "selected", "profile": "fast", "id": "1e9"},
        {"scope": "filter", "filters": "min_duration=x", "profile": "fast"},
        {"scope": "all of them", "profile": "fast"},
        {},
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(client: Client, form: dict[str, str]) -> None:
    assert client.post("/sounds/analyze/", form).status_code == 400
    assert not Run.objects.exists()


def test_an_edit_through_the_api_is_marked_too(client: Client, sound: Sound) -> None:
    actions.edit_sound(sound, category="water")
    assert "your edit" in page_of(client, sound)
