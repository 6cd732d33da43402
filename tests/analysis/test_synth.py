"""The synthesizer makes finite, varied and repeatable sounds for labels of the vocabulary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.synth import KINDS, SAMPLE_RATE_HZ, render, render_dry, render_mixture
from analysis.vocabulary import load_vocabulary

VOCABULARY = Path(__file__).parents[2] / "config" / "vocabulary.yaml"


@pytest.mark.parametrize("label", sorted(KINDS))
def test_every_kind_makes_a_sound_of_the_length_asked_for(label: str) -> None:
    sound = render(label, 1, duration_s=0.7)
    assert sound.shape == (int(0.7 * SAMPLE_RATE_HZ),)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 1.0
    assert label == "silence" or np.abs(sound).max() > 0.01


@pytest.mark.parametrize("label", ["heavy rain", "dog bark", "kick drum"])
def test_the_same_seed_makes_the_same_sound_and_another_seed_another(label: str) -> None:
    assert np.array_equal(render(label, 3), render(label, 3))
    assert not np.array_equal(render(label, 3, duration_s=1.0), render(label, 4, duration_s=1.0))


def test_kinds_stand_in_the_vocabulary_and_cover_every_category() -> None:
    category_of = {label.name: label.category for label in load_vocabulary(VOCABULARY).labels}
    assert set(KINDS) <= set(category_of)
    assert len(KINDS) >= 70
    assert {category_of[label] for label in KINDS} == set(category_of.values())


def test_a_dry_sound_has_a_known_peak() -> None:
    assert np.abs(render_dry("piano", 5)).max() == pytest.approx(0.9, abs=1e-3)


def test_a_mixture_tells_what_sounds_when() -> None:
    sound, placed = render_mixture(["dog bark", "thunder"], 2)
    assert [label for label, _, _ in placed] == ["dog bark", "thunder"]
    assert all(0 <= start < end <= len(sound) / SAMPLE_RATE_HZ + 1e-6 for _, start, end in placed)


def test_a_mixture_takes_two_labels() -> None:
    with pytest.raises(ValueError, match="got 3"):
        render_mixture(["dog bark", "thunder", "piano"], 2)
