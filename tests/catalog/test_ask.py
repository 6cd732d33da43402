"""Labels of one's own for a sound, from its stored vectors: on its page, over the API, for an upload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from analysis.clap import TextEncoder
from catalog import engine
from catalog.ask import MOST_LABELS, InvalidQuestion, split_labels
from catalog.models import Analysis, Embedding, Library, Sound
from tests.catalog.conftest import MakeFile, analyze_now, scan_now
from tests.catalog.rows import HTMX, add_heard, add_library

pytestmark = pytest.mark.django_db


@pytest.fixture
def sound(library: Library, make_file: MakeFile) -> Sound:
    """Five seconds, so seven windows of two."""
    make_file("a.wav", duration_s=5.0)
    scan_now(library)
    analyze_now()
    return Sound.objects.get()


def asked(client: Client, sound: Sound, labels: str, *, status: int = 200) -> Any:
    response = client.get(f"/api/sounds/{sound.pk}/labels", {"labels": labels})
    assert response.status_code == status, response.content
    return response.json()


def test_shares_and_likenesses_are_those_of_the_stored_vectors(client: Client, sound: Sound) -> None:
    answers = {one["label"]: one for one in asked(client, sound, "piano, dog bark")["labels"]}
    stored = Embedding.objects.get()
    source = engine.active_source()
    texts = TextEncoder(source).encode([source.template.format(name) for name in ("piano", "dog bark")])
    cosines = texts @ np.frombuffer(bytes(stored.clip), "<f4")
    shares = np.exp(cosines / 0.07) / np.exp(cosines / 0.07).sum()
    for place, name in enumerate(("piano", "dog bark")):
        assert answers[name]["similarity"] == pytest.approx(float(cosines[place]), abs=1e-5)
        assert answers[name]["share"] == pytest.approx(float(shares[place]), abs=1e-4)


def test_it_tells_the_window_that_is_most_like_a_label(client: Client, sound: Sound) -> None:
    stored = Embedding.objects.get()
    windows = np.zeros((7, stored.dim), "<f2")
    [text] = TextEncoder(engine.active_source()).encode([engine.active_source().template.format("piano")])
    windows[4] = text
    windows[6] = -text
    Embedding.objects.update(windows=windows.tobytes())
    [answer] = asked(client, sound, "piano")["labels"]
    assert (answer["start_s"], answer["end_s"]) == (2.0, 4.0)
    assert answer["strongest"] == pytest.approx(1, abs=1e-3)


def test_the_label_of_the_analysis_stands_beside_to_compare(client: Client, sound: Sound) -> None:
    Analysis.objects.update(label="heavy rain")
    assert asked(client, sound, "piano")["yardstick"]["label"] == "heavy rain"
    assert asked(client, sound, "heavy rain")["yardstick"] is None


def test_neither_the_sound_nor_its_analyses_change(client: Client, sound: Sound) -> None:
    before = (Sound.objects.values().get(), Analysis.objects.values().get())
    asked(client, sound, "piano, dog bark")
    assert (Sound.objects.values().get(), Analysis.objects.values().get()) == before


def test_a_word_that_the_model_does_not_know_is_told(client: Client, sound: Sound) -> None:
    answer = asked(client, sound, "zorp, barking dog, heavy zorp rain")
    assert [one["label"] for one in answer["labels"] if one["label"] == "zorp"] == []
    told = " ".join(answer["notices"])
    assert "does not know “zorp”: left out" in told
    assert "listened for “heavy rain” only" in told
    refused = asked(client, sound, "zorp, qux", status=422)
    assert "knows none of these words" in refused["error"]["message"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("", "Write one or more labels"),
        (" , ,", "Write one or more labels"),
        (",".join(map(str, range(MOST_LABELS + 1))), f"at most {MOST_LABELS}"),
        ("x" * 121, "has 121"),
    ],
)
def test_labels_that_cannot_be_are_refused_in_words(client: Client, labels: str, words: str) -> None:
    sound = add_heard(add_library())
    assert words in asked(client, sound, labels, status=422)["error"]["message"]
    page = client.get(f"/sounds/{sound.pk}/", {"labels": labels})
    assert page.status_code == 400
    assert words in page.content.decode()


def test_labels_are_taken_once_and_keep_their_order() -> None:
    assert split_labels(" sword  clang,Rain, rain ,,sword clang") == ["sword clang", "Rain"]
    with pytest.raises(InvalidQuestion, match="commas"):
        split_labels(",")


def test_a_sound_without_vectors_says_so(client: Client, sound: Sound) -> None:
    Embedding.objects.all().delete()
    assert "No vectors are stored" in asked(client, sound, "rain", status=409)["error"]["message"]
    Sound.objects.update(current_analysis=None)
    assert "not been analyzed yet" in asked(client, sound, "rain", status=409)["error"]["message"]


def test_vectors_of_a_model_that_is_not_here_are_not_compared_with_another(client: Client, sound: Sound) -> None:
    Analysis.objects.update(model_revision="gone")
    assert "at revision gone" in asked(client, sound, "rain", status=409)["error"]["message"]
    Analysis.objects.update(model_id="nobody/nothing")
    assert "timbre model install nobody/nothing" in asked(client, sound, "rain", status=503)["error"]["message"]
    page = client.get(f"/sounds/{sound.pk}/?labels=rain")
    assert page.status_code == 200
    assert "timbre model install nobody/nothing" in page.content.decode()


def test_the_page_answers_in_its_address_and_htmx_gets_the_part(client: Client, sound: Sound) -> None:
    address = f"/sounds/{sound.pk}/?labels=piano,+dog+bark"
    page = client.get(address).content.decode()
    assert 'value="piano, dog bark"' in page
    assert page.count('<th scope="row">') >= 2
    assert "Most like it" in page
    part = client.get(address, headers=HTMX | {"HX-Target": "ask"})
    assert part.content.decode().strip().startswith('<section class="panel" id="ask"')
    assert part["Vary"] == "HX-Request"


def test_many_labels_may_be_posted(client: Client, sound: Sound) -> None:
    labels = [f"piano {number}" for number in range(MOST_LABELS)]
    response = client.post(
        f"/api/sounds/{sound.pk}/labels", {"labels": ["piano", "dog bark"]}, content_type="application/json"
    )
    assert {one["label"] for one in response.json()["labels"]} == {"piano", "dog bark"}
    too_many = client.post(
        f"/api/sounds/{sound.pk}/labels", {"labels": [*labels, "more"]}, content_type="application/json"
    )
    assert too_many.status_code == 422


def test_a_sound_heard_without_windows_has_shares_and_no_moment(client: Client, sound: Sound) -> None:
    Embedding.objects.update(windows=b"")
    [answer] = asked(client, sound, "piano")["labels"]
    assert (answer["start_s"], answer["strongest"], answer["share"]) == (None, None, 1)
    assert "Over time" not in client.get(f"/sounds/{sound.pk}/?labels=piano").content.decode()


def test_an_upload_is_asked_about_labels_of_ones_own(client: Client, make_file: MakeFile) -> None:
    path = make_file("door.wav", duration_s=2.0)
    answer = upload(client, path, labels="piano, zorp, dog bark").json()
    assert [one["category"] for one in answer["predictions"]] == ["custom", "custom"]
    assert sum(one["probability"] for one in answer["predictions"]) == pytest.approx(1, abs=1e-3)
    assert "“zorp”" in answer["notices"][0]
    assert upload(client, path, labels=" ,").status_code == 422
    assert "give labels" in upload(client, path, labels="piano", filter="weather").json()["error"]["message"]


def upload(client: Client, path: Path, **fields: Any) -> Any:
    return client.post("/api/predict", {"file": SimpleUploadedFile(path.name, path.read_bytes()), **fields})
