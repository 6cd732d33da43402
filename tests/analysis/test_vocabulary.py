"""The vocabulary file and its labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import VocabularyError
from analysis.vocabulary import Vocabulary, custom_vocabulary, load_vocabulary

RAIN = """version: 1
categories:
  weather:
    description: rain
    labels:
      heavy rain: {synonyms: [downpour]}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "vocabulary.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_vocabulary_has_thirteen_categories_and_known_cat_ids(vocabulary: Vocabulary) -> None:
    assert len(vocabulary.categories) == 13
    assert len(vocabulary.labels) == 199
    assert {label.ucs for label in vocabulary.labels if label.ucs} <= vocabulary.ucs.keys()


def test_a_label_is_found_by_its_name(vocabulary: Vocabulary) -> None:
    assert vocabulary.label("heavy rain").category == "weather"
    with pytest.raises(VocabularyError, match="'purple rain'"):
        vocabulary.label("purple rain")


def test_a_label_in_two_categories_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path, RAIN + "  water:\n    labels:\n      Heavy Rain:\n")
    with pytest.raises(VocabularyError, match="'Heavy Rain' stands twice, in weather and in water"):
        load_vocabulary(path)


def test_a_label_twice_in_one_category_is_refused_though_yaml_would_take_it(tmp_path: Path) -> None:
    path = write(tmp_path, RAIN + "      heavy rain: {}\n")
    with pytest.raises(VocabularyError, match="'heavy rain' stands twice"):
        load_vocabulary(path)


def test_a_cat_id_that_ucs_does_not_know_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, RAIN.replace("{synonyms: [downpour]}", "{ucs: RAINHvy}"))
    ucs = tmp_path / "ucs.csv"
    ucs.write_text("Category,SubCategory,CatID\nRAIN,GENERAL,RAIN\n", encoding="utf-8")
    with pytest.raises(VocabularyError, match="RAINHvy"):
        load_vocabulary(path)


@pytest.mark.parametrize("text", ["", "categories: [", "categories: {weather: {labels: {}}}", "labels: {}", "- rain"])
def test_a_file_of_another_shape_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(VocabularyError) as caught:
        load_vocabulary(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_the_hash_follows_what_changes_results(tmp_path: Path) -> None:
    before = load_vocabulary(write(tmp_path, RAIN)).sha256
    assert load_vocabulary(write(tmp_path, RAIN.replace("description: rain", "description: wet"))).sha256 == before
    assert load_vocabulary(write(tmp_path, RAIN.replace("downpour", "shower"))).sha256 != before


def test_labels_given_by_hand_make_one_category() -> None:
    custom = custom_vocabulary([" dog  bark", "car horn", ""])
    assert [label.name for label in custom.labels] == ["dog bark", "car horn"]
    assert custom.is_custom


@pytest.mark.parametrize("names", [[], [" "], ["rain", "Rain"]])
def test_labels_given_by_hand_are_checked(names: list[str]) -> None:
    with pytest.raises(VocabularyError):
        custom_vocabulary(names)
