"""When a match is called strong, fair, or no match."""

from __future__ import annotations

import numpy as np
import pytest

from search.confidence import Verdict, chance_of


def test_center_and_spread_of_a_normal_sample_are_found() -> None:
    chance = chance_of(np.random.default_rng(1).normal(0.1, 0.05, 20_000), sounds=100)

    assert chance is not None
    assert chance.center == pytest.approx(0.1, abs=0.002)
    assert chance.spread == pytest.approx(0.05, rel=0.03)


def test_a_third_of_right_sounds_does_not_hide_them() -> None:
    draw = np.random.default_rng(2)
    cosines = np.concatenate([draw.normal(0.0, 0.05, 667), draw.normal(0.7, 0.05, 333)])

    chance = chance_of(cosines, sounds=1_000)

    assert chance is not None
    assert chance.verdict(0.7) is Verdict.STRONG


def test_the_best_of_pure_chance_is_no_match() -> None:
    draw = np.random.default_rng(3)
    verdicts = []
    for _ in range(200):
        cosines = draw.normal(0.0, 0.05, 1_000)
        chance = chance_of(cosines, sounds=1_000)
        assert chance is not None
        verdicts.append(chance.verdict(cosines.max()))

    assert verdicts.count(Verdict.STRONG) < 0.12 * len(verdicts)  # one in twenty is meant


def test_the_same_cosine_is_worth_less_among_more_sounds() -> None:
    few, many = (chance_of(np.linspace(-0.1, 0.1, 101), sounds=sounds) for sounds in (100, 10_000_000))

    assert few is not None
    assert many is not None
    assert few.verdict(0.35) is Verdict.STRONG
    assert many.verdict(0.35) is not Verdict.STRONG


def test_a_few_sounds_say_nothing_about_chance() -> None:
    assert chance_of([0.1] * 7, sounds=7) is None


def test_sounds_that_are_all_alike_give_no_division_by_zero() -> None:
    chance = chance_of([0.3] * 50, sounds=50)

    assert chance is not None
    assert chance.verdict(0.3) is Verdict.NONE
