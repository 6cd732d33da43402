"""What becomes of each part of a query."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from catalog.models import Sound
from search.allowed import Allowed
from search.plan import Lookup, Plan, plan_query
from search.query.parser import parse
from search.query.syntax import Like, Meaning

pytestmark = pytest.mark.django_db  # which knows what words say nothing

FIELDS = {"dur", "tag", "cat", "added"}
MakeSound = Callable[..., Sound]


def plan(text: str, lookup: Lookup | None = None) -> Plan:
    return plan_query(parse(text, field_names=FIELDS), lookup)


def heard(found: Plan) -> list[tuple[str, float]]:
    return [(part.shown, part.weight) for part in found.wanted]


def test_plain_words_are_looked_up_and_listened_for_as_one_sentence() -> None:
    found = plan("heavy rain on a roof")

    assert found.written.query.raw.count(":*") == 5
    assert heard(found) == [("heavy rain on a roof", 1.0)]
    assert found.condition is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rain, snow", [("rain or snow", 1.0)]),
        ("heavy (rain, snow)", [("heavy rain or heavy snow", 1.0)]),
        ("rain^2", [("rain", 2.0)]),
        ('rain ~"tin roof"^3', [("rain", 1.0), ("tin roof", 3.0)]),
        ("~rain, ~wind", [("rain or wind", 1.0)]),
        ("like:12@3.2-5", [("sound 12@3.2-5", 1.0)]),
        ('"door slam"', []),
        ("dur:<10", []),
        ("-thunder", []),
    ],
)
def test_what_is_listened_for(text: str, expected: list[tuple[str, float]]) -> None:
    assert heard(plan(text)) == expected


def test_what_is_not_wanted_by_ear_is_apart() -> None:
    [unwanted] = plan("rain -~thunder^2").unwanted

    assert isinstance(unwanted.alternatives[0], Meaning)
    assert (unwanted.shown, unwanted.weight) == ("thunder", 2.0)


def test_an_example_can_be_unwanted() -> None:
    [unwanted] = plan("rain -like:4").unwanted

    assert isinstance(unwanted.alternatives[0], Like)


def test_listening_inside_other_parts_is_a_problem_with_a_place() -> None:
    found = plan("rain (~wind, dur:<10)")

    assert [found.query.text[one.span.start : one.span.end] for one in found.problems] == ["~wind"]
    assert found.condition is not None


def test_a_bad_value_is_a_problem_and_the_rest_holds() -> None:
    found = plan("rain dur:<long")

    assert len(found.problems) == 1
    assert heard(found) == [("rain", 1.0)]
    assert found.condition is None


def test_many_ors_are_a_few_sentences() -> None:
    found = plan(" ".join("(a, b, c)" for _ in range(20)))

    assert len(found.wanted[0].alternatives) <= 8


def test_many_parts_are_a_few_and_the_rest_is_told() -> None:
    found = plan(" ".join(f"~a{number}" for number in range(300)))

    assert len(found.wanted) == 8
    assert found.problems


def test_many_words_are_not_all_looked_up() -> None:
    found = plan(", ".join(f"a{number}" for number in range(400)))

    assert len(found.written.named) <= 30
    assert found.problems


def test_a_corrected_word_with_an_accent_is_looked_up_too() -> None:
    assert heard(plan("h\u00e9vay rain", Lookup(instead={"hevay": "heavy"}))) == [("heavy rain", 1.0)]


def test_a_corrected_word_is_looked_up_and_listened_for() -> None:
    found = plan("thundr roll", Lookup(instead={"thundr": "thunder"}))

    assert "thunder:*" in found.written.query.raw
    assert heard(found) == [("thunder roll", 1.0)]


def test_synonyms_are_looked_up_and_not_listened_for() -> None:
    found = plan("whoosh", Lookup(also={"whoosh": ("swish",)}))

    assert "swish" in found.written.query.raw
    assert heard(found) == [("whoosh", 1.0)]


@pytest.mark.django_db
def test_conditions_choose_rows_as_they_are_written(make_sound: MakeSound) -> None:
    rain = make_sound("rain door.wav", tags=["rain"], duration_s=4.0, search_name="rain door\n\n")
    make_sound("long rain.wav", tags=["rain"], duration_s=40.0, search_name="long rain\n\n")
    make_sound("dog.wav", tags=["dog"], duration_s=4.0, search_name="dog\n\n")

    for text in ("tag:rain dur:<10", "tag:rain -long", '"rain door"', "tag:rain -(dur:>10, tag:dog)", "-dog -long"):
        found = plan(text)
        assert not found.lets_all_through
        assert list(Allowed(None, found.condition, found.must).sounds()) == [rain], text


@pytest.mark.django_db
def test_a_month_is_no_range(make_sound: MakeSound) -> None:
    sound = make_sound("a.wav")
    now = timezone.now()
    found = plan(f"added:{now:%Y-%m}")

    assert not found.problems
    assert found.condition is not None
    assert list(Sound.objects.filter(found.condition)) == [sound]
