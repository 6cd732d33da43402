"""Words are found through postings as Postgres alone finds them, whatever was changed since they were made."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.db import connection, connections
from django.db.models import F

from catalog import postings, shortlist
from catalog.lexical import WEIGHTS, fitting, ranks_of, text_condition, text_ranks
from catalog.models import Library, Posting, PostingState, Sound, SoundChange
from catalog.postings import FILE_NAME, FOLDER, TOLD, WRITTEN, add_changes, bring_up_to_date, postings_due
from catalog.postings_check import missing_sounds, sounds_in_postings
from catalog.shortlist import Both, Either, Fits, Leaf, Without, best_of, candidates_of, tree_of
from catalog.words import TextQuery
from tests.catalog.rows import add_library

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = ("rain", "heavy", "raining", "door", "doors", "dorm", "slam", "a'b", "back\\slash", "é", "the", "0042", "wind")
QUERIES = 60


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few sounds count as many."""
    monkeypatch.setattr(postings, "WORTH_BUILDING", 1)
    monkeypatch.setattr(postings, "PART", 7)
    yield
    connections.close_all()


@pytest.fixture
def shelf() -> Library:
    return add_library()


def add(shelf: Library, dice: random.Random, count: int) -> None:
    for _ in range(count):
        lines = [" ".join(dice.choices(WORDS, k=dice.randint(0, 3))) for _ in range(7)]
        texts = {"search_name": "\n".join(lines[:3]), "search_words": "\n".join(lines[3:])}
        facts = {"path": f"{dice.random()}", "file_name": "x", "size_bytes": 1, "modified_ns": 1}
        Sound.objects.create(library=shelf, **facts, **texts)


def any_query(dice: random.Random, depth: int = 0) -> TextQuery:
    text = dice.choice(WORDS)
    match dice.randrange(7 if depth < 3 else 4):
        case 0:
            return TextQuery.word(text[: dice.randint(1, 9)], weights=dice.choice(("", "A", "BC")))
        case 1:
            return TextQuery.exact_word(text)
        case 2:
            return TextQuery.phrase(f"{text} {dice.choice(WORDS)}")
        case 3:
            return TextQuery.word(text)
        case 4:
            return ~any_query(dice, depth + 1)
        case 5:
            return any_query(dice, depth + 1) & any_query(dice, depth + 1)
        case _:
            return any_query(dice, depth + 1) | any_query(dice, depth + 1)


def by_postgres(query: TextQuery) -> set[int]:
    return set(Sound.objects.filter(text_condition(query)).values_list("id", flat=True))


def assert_same(dice: random.Random) -> None:
    """Every sound that a query fits is listed, and of those that are listed Postgres keeps the same."""
    for query in [any_query(dice) for _ in range(QUERIES)]:
        candidates = candidates_of(query)
        assert candidates is not None
        assert set(fitting(query, candidates).tolist()) == by_postgres(query), query.raw
        assert set(text_ranks(query, limit=999)) == by_postgres(query), query.raw


def test_postings_find_what_postgres_finds(shelf: Library) -> None:
    dice = random.Random(7)
    add(shelf, dice, 40)
    assert candidates_of(TextQuery.word("rain")) is None  # none were made
    assert postings_due()
    assert bring_up_to_date()
    assert_same(dice)
    assert not bring_up_to_date()  # nothing changed


def test_what_changed_since_is_found_too(shelf: Library) -> None:
    dice = random.Random(8)
    add(shelf, dice, 20)
    bring_up_to_date()
    add(shelf, dice, 10)
    Sound.objects.filter(pk__in=list(Sound.objects.values_list("pk", flat=True)[:5])).delete()
    Sound.objects.filter(pk__in=list(Sound.objects.values_list("pk", flat=True)[:5])).update(search_name="rain\n\n")
    assert_same(dice)

    state = PostingState.objects.get()
    add_changes(state, postings.Standing.now())
    assert PostingState.objects.get().later == 15
    assert_same(dice)
    Sound.objects.update(search_words="slam\n\n\n")
    assert_same(dice)


def test_postings_that_are_worn_are_made_anew_and_old_ones_removed(
    shelf: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(9)
    monkeypatch.setattr(postings, "LATER", 3)
    add(shelf, dice, 5)
    bring_up_to_date()
    for _ in range(4):
        add(shelf, dice, 5)
        assert bring_up_to_date()
        assert_same(dice)
    assert PostingState.objects.get().generation > 1
    assert set(Posting.objects.values_list("generation", flat=True)) == {PostingState.objects.get().generation}


def test_a_build_that_broke_off_leaves_the_old_ones_and_nothing_behind(
    shelf: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(10)
    add(shelf, dice, 20)
    bring_up_to_date()
    generation = PostingState.objects.get().generation

    def broken(rows: Any) -> Any:
        if rows[0][0] > 7:
            raise OSError("the disk is full")
        return lexemes(rows)

    lexemes = postings._lexemes
    with monkeypatch.context() as patch:
        patch.setattr(postings, "_lexemes", broken)
        with pytest.raises(OSError, match="full"):
            postings.build(postings.Standing.now())
    assert PostingState.objects.get().generation == generation
    assert_same(dice)
    postings.build(postings.Standing.now())
    assert set(Posting.objects.values_list("generation", flat=True)) == {generation + 1}
    assert_same(dice)


@pytest.mark.parametrize("wrong", [{"database": "another"}, {"horizon": 2**60}, {"read_at": "2020-01-01T00:00:00Z"}])
def test_postings_of_another_database_or_time_are_not_believed(shelf: Library, wrong: dict[str, Any]) -> None:
    add(shelf, random.Random(11), 5)
    bring_up_to_date()
    PostingState.objects.update(**wrong)
    assert candidates_of(TextQuery.word("rain")) is None
    assert bring_up_to_date()
    assert candidates_of(TextQuery.word("rain")) is not None


def test_too_many_changes_and_too_wide_a_beginning_are_left_to_postgres(
    shelf: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(shelf, random.Random(12), 10)
    bring_up_to_date()
    monkeypatch.setattr(shortlist, "MOST_LEXEMES", 1)
    assert candidates_of(TextQuery.word("d")) is None
    assert text_ranks(TextQuery.word("d")).keys() == by_postgres(TextQuery.word("d"))
    monkeypatch.setattr(shortlist, "MOST_CHANGED", 2)
    add(shelf, random.Random(13), 3)
    assert candidates_of(TextQuery.exact_word("door")) is None


def test_the_best_are_listed_and_those_that_are_preferred(shelf: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [Sound(search_name="", search_words="rain\n\n\n") for _ in range(9)]
    named = Sound(search_name="rain\n\n", search_words="")
    for at, sound in enumerate([*told, named]):
        sound.library, sound.path, sound.file_name, sound.size_bytes, sound.modified_ns = shelf, f"{at}", "x", 1, 1
        sound.save()
    bring_up_to_date()
    monkeypatch.setattr(shortlist, "SHORT", 3)
    prefer = np.array([told[7].pk, 10**6])
    listed = text_ranks(TextQuery.word("rain"), prefer=prefer)
    assert list(listed) == [named.pk, told[0].pk, told[1].pk, told[7].pk]
    allowed = np.array([told[5].pk, told[6].pk])
    assert list(text_ranks(TextQuery.word("rain"), ids=lambda: allowed)) == allowed.tolist()
    assert list(ranks_of(TextQuery.word("rain"), allowed, 1)) == [told[5].pk]


def test_what_only_the_queue_writes_is_no_change(shelf: Library) -> None:
    add(shelf, random.Random(14), 1)
    SoundChange.objects.all().delete()
    Sound.objects.update(attempts=3, claimed_by="me")
    assert not SoundChange.objects.exists()
    Sound.objects.update(state="queued")
    assert list(SoundChange.objects.values_list("has_words", flat=True)) == [False]
    Sound.objects.update(search_name="door\n\n")
    assert list(SoundChange.objects.order_by("id").values_list("has_words", flat=True)) == [False, True]
    Sound.objects.all().delete()
    assert SoundChange.objects.count() == 3


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("'rain':*A", Leaf("rain", True, 1)),
        ("'it''s' & 'back\\\\slash'", Both((Leaf("it's", False, 15), Leaf("back\\slash", False, 15)))),
        (
            "!( 'a' | 'b':*BD ) & 'c' <-> 'd'",
            Both(
                (
                    Without(Either((Leaf("a", False, 15), Leaf("b", True, 10)))),
                    Both((Leaf("c", False, 15), Leaf("d", False, 15)), is_phrase=True),
                )
            ),
        ),
    ],
)
def test_queries_are_read_as_postgres_writes_them(text: str, tree: object) -> None:
    assert tree_of(text) == tree


def test_the_best_by_worth_are_the_first_of_equal_ones() -> None:
    fits = Fits(np.array([1, 2, 3, 5, 6], np.int32), np.array([5, 7, 5, 9, 5], np.uint16))
    assert sorted(best_of(fits, 3).tolist()) == [1, 2, 5]
    assert sorted(best_of(fits, 99).tolist()) == [1, 2, 3, 5, 6]
    assert best_of(shortlist.NOTHING, 2).tolist() == []


def test_the_log_of_changes_is_dropped_in_time(shelf: Library) -> None:
    add(shelf, random.Random(15), 2)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_soundchange SET changed_at = now() - interval '1 day' WHERE id % 2 = 0")
    before = SoundChange.objects.count()
    postings.forget_old_changes()
    assert SoundChange.objects.count() == before // 2


def test_a_sound_that_postings_miss_is_told(shelf: Library) -> None:
    add(shelf, random.Random(16), 12)
    assert (sounds_in_postings(), missing_sounds(5)) == (0, [])
    bring_up_to_date()
    assert (sounds_in_postings(), missing_sounds(99)) == (12, [])
    broken = Sound.objects.exclude(search_vector="").order_by("-id")[0]
    Posting.objects.all().delete()
    PostingState.objects.update(later=F("later") + 1)  # what is kept in memory is left
    assert broken.pk in missing_sounds(1)
    Sound.objects.filter(pk=broken.pk).update(search_name=f"{broken.search_name} new")  # asked of Postgres
    assert broken.pk not in missing_sounds(1)


def test_the_worth_of_places_is_what_postgres_makes_of_them() -> None:
    letters = {FILE_NAME: "A", FOLDER: "C", WRITTEN: "D", TOLD: "B"}
    for bits in range(1, 16):
        there = [letter for bit, letter in letters.items() if bits & bit]
        vector = " ".join(f"rain:{at + 1}{letter}" for at, letter in enumerate(there))
        with connection.cursor() as cursor:
            cursor.execute("SELECT ts_rank(%s::real[], %s::tsvector, 'rain')", [list(WEIGHTS), vector])
            assert 100 * cursor.fetchone()[0] == pytest.approx(int(shortlist.WORTH[bits]), abs=0.51), vector


def test_the_best_of_very_many_are_those_of_postgres(shelf: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"library": shelf, "size_bytes": 1, "modified_ns": 1, "file_name": "x"}
    for number in range(9):
        Sound.objects.create(path=f"in {number}", search_name="x\nrain\n", search_words="x\n\nrain\n", **facts)
    best = Sound.objects.create(path="best", search_name="rainforest\n\n", search_words="x\n\nrain\n", **facts)
    named = Sound.objects.create(path="named", search_name="rain\n\n", search_words="x\n\n\n", **facts)
    expected = list(text_ranks(TextQuery.word("rain"), limit=2))
    assert set(expected) == {best.pk, named.pk}
    bring_up_to_date()
    monkeypatch.setattr(shortlist, "SHORT", 2)
    assert list(text_ranks(TextQuery.word("rain"), limit=2)) == expected


def test_changes_are_counted_by_sounds(shelf: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    add(shelf, random.Random(17), 4)
    bring_up_to_date()
    monkeypatch.setattr(shortlist, "MOST_CHANGED", 3)
    monkeypatch.setattr(postings, "LATER", 2)
    first, last = Sound.objects.order_by("id").first(), Sound.objects.order_by("id").last()
    assert first is not None
    assert last is not None
    for number in range(9):
        Sound.objects.filter(pk=last.pk).update(search_name=f"door {number}\n\n")
    Sound.objects.filter(pk=first.pk).update(search_name="novelty\n\n")
    assert list(text_ranks(TextQuery.word("novelty"))) == [first.pk]
    assert postings_due()


def test_a_query_of_very_many_words_is_left_to_postgres(shelf: Library) -> None:
    add(shelf, random.Random(18), 4)
    bring_up_to_date()
    words = [TextQuery.word(f"a{number}b") for number in range(60)]
    everything = words[0]
    for word in words[1:]:
        everything |= word
    assert candidates_of(everything) is None


def test_postings_that_others_replaced_are_not_taken_for_empty(shelf: Library) -> None:
    add(shelf, random.Random(19), 6)
    bring_up_to_date()
    old = PostingState.objects.get()
    postings.build(postings.Standing.now())
    with pytest.raises(shortlist.NotListed):
        shortlist.postings_of([Leaf("never looked up", False, 15)], old)


def test_the_log_of_an_open_transaction_is_kept_until_the_postings_have_seen_it(shelf: Library) -> None:
    add(shelf, random.Random(20), 2)
    bring_up_to_date()
    Sound.objects.filter(pk=Sound.objects.values_list("pk", flat=True)[0]).update(search_name="late\n\n")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_soundchange SET changed_at = now() - interval '1 day'")
    postings.forget_old_changes()
    assert len(text_ranks(TextQuery.word("late"))) == 1
    assert SoundChange.objects.count() == 1
