"""Queries become vectors of a real, if small and untrained, CLAP model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models
from tokenizers.pre_tokenizers import ByteLevel

from analysis.clap import ModelKey, ModelSource, TextEncoder, resolve_model
from analysis.errors import ModelUnavailable
from catalog import engine
from catalog.wording import KnownWords
from search import text
from search.errors import UnknownWords
from search.text import mean_direction, meaning_of, query_texts


@pytest.fixture
def source(small_model: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSource:
    source = resolve_model(str(small_model))
    monkeypatch.setattr(engine, "active_source", lambda: source)
    return source


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "active_source", lambda: resolve_model("nobody/nothing"))


def test_a_query_is_the_mean_of_its_sentence_and_its_bare_words(source: ModelSource) -> None:
    sentence, bare = TextEncoder(source).encode(["a sound of heavy rain.", "heavy rain"])

    vector = meaning_of("Heavy Rain").vector

    np.testing.assert_allclose(vector, (sentence + bare) / np.linalg.norm(sentence + bare), atol=1e-5)


def test_words_that_the_tokenizer_has_no_sign_for_are_left_out_and_named(source: ModelSource) -> None:
    meaning = meaning_of("zorp rain")

    np.testing.assert_array_equal(meaning.vector, meaning_of("rain").vector)
    assert meaning.reading.unknown == ("zorp",)


@pytest.mark.parametrize("query", ["zorp", "the sound of zorp", "'\";--", "дождь"])
def test_a_query_of_unknown_words_has_no_meaning(source: ModelSource, query: str) -> None:
    with pytest.raises(UnknownWords, match="none of these words"):
        meaning_of(query)


def test_a_tokenizer_that_spells_in_bytes_knows_every_word(tmp_path: Path, source: ModelSource) -> None:
    tokenizer = Tokenizer(models.BPE({letter: place for place, letter in enumerate(ByteLevel.alphabet())}, []))
    tokenizer.pre_tokenizer = ByteLevel()
    tokenizer.save(str(tmp_path / "tokenizer.json"))

    known = KnownWords(replace(source, folder=tmp_path))

    assert known.knows("zorp")
    assert known.knows("дождь")


def test_without_a_tokenizer_file_every_word_counts_as_known(tmp_path: Path, source: ModelSource) -> None:
    assert KnownWords(replace(source, folder=tmp_path)).knows("zorp")


def test_the_labels_are_those_the_model_was_taught(source: ModelSource) -> None:
    meaning = meaning_of("rain")

    assert len(meaning.label_vectors) == 2
    np.testing.assert_allclose(np.linalg.norm(meaning.label_vectors, axis=1), 1, atol=1e-5)
    assert meaning.logit_scale == pytest.approx(1 / 0.07, rel=1e-4)


def test_the_tower_is_loaded_once_however_many_ask(source: ModelSource, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[ModelKey] = []

    class CountedEncoder(TextEncoder):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            loaded.append(self.model)

    monkeypatch.setattr("analysis.clap.TextEncoder", CountedEncoder)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(meaning_of, ["rain", "dog", "bell", "rain"]))

    assert loaded == [source.key]


def test_a_query_asked_again_is_not_computed_again(source: ModelSource) -> None:
    assert meaning_of("rain") is meaning_of("rain")


def test_a_model_that_is_not_there_is_named(no_model: None) -> None:
    with pytest.raises(ModelUnavailable, match="nobody/nothing"):
        meaning_of("rain")


def test_braces_in_a_query_are_letters() -> None:
    assert query_texts("{0} rain", "This is a sound of {}.") == ["This is a sound of {0} rain.", "{0} rain"]


def test_an_endless_query_is_cut() -> None:
    assert max(map(len, query_texts("rain " * 10_000, "{}"))) == text.LONGEST_QUERY


def test_vectors_that_cancel_out_leave_the_first() -> None:
    row = np.array([0.6, 0.8], np.float32)

    np.testing.assert_array_equal(mean_direction(np.stack([row, -row])), row)
