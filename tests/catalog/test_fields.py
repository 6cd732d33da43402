"""Each field finds the sounds it should, in every spelling, and refuses in words what it cannot mean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analysis.records import AcousticSummary
from catalog.actions import edit_sound
from catalog.dictionary import refresh_dictionary
from catalog.effective import fills_bars, is_named_loop, refresh_sound
from catalog.field_values import plain
from catalog.fields import FIELDS, BadFieldValue, complete_value, field, field_condition, field_names
from catalog.models import FieldValue, Library, Sound
from tests.catalog.rows import add_heard, add_library, add_sound

pytestmark = pytest.mark.django_db

LOOP_FACTS = {"tempo_bpm": 120.0, "rhythm_regularity": 0.9, "leading_silence_s": 0.0, "trailing_silence_s": 0.0}


def measure(sound: Sound, ucs: str = "", **facts: Any) -> Sound:
    """Write facts into the record of a sound, and from there into its columns."""
    analysis = sound.current_analysis
    assert analysis is not None
    analysis.record["acoustic_summary"] |= facts
    analysis.record["ucs"] = {"cat_id": ucs} if ucs else None
    analysis.save()
    refresh_sound(sound)
    return sound


@pytest.fixture
def library(db: None) -> Library:
    library = add_library("Field Tapes")
    rain = add_heard(library, "Ambience/Light_Rain 01.wav", tags=["light rain", "Wet"])
    measure(rain, "RAINMetl", loudness_lufs=-31.5, centroid_hz=4200.0, channel_relation="different")
    facts = {"category": "impact", "label": "door slam", "confidence": 0.6, "tags": ["door slam", "Très sec"]}
    door = add_heard(library, "Doors/MetalDoor_Slam.flac", profile="sensitive", **facts)
    measure(door, "DOORMetl", loudness_lufs=-12.0, tempo_bpm=124.6, key="A# minor", centroid_hz=900.0, hum_hz=50)
    Sound.objects.filter(pk=rain.pk).update(duration_s=9.0)
    columns = {"duration_s": 90.0, "channels": 6, "sample_rate_hz": 44_100, "bit_depth": 16, "format": "FLAC"}
    Sound.objects.filter(pk=door.pk).update(**columns, created_at=timezone.now() - timedelta(days=100))
    other = add_library("Other")
    add_sound(other, "Drum Loop.wav", duration_s=None, is_loop=True, state=Sound.State.FAILED, channels=1)
    return library


def found(name: str, value: str, operator: str = "=", high: str = "") -> str:
    """Initials of the sounds: r, d and l."""
    return names_of(field_condition(name, operator, value, high))


def names_of(condition: Q) -> str:
    initials = {"Ambience/Light_Rain 01.wav": "r", "Doors/MetalDoor_Slam.flac": "d", "Drum Loop.wav": "l"}
    return "".join(
        initials[path] for path in Sound.objects.filter(condition).order_by("id").values_list("path", flat=True)
    )


@pytest.mark.parametrize(
    ("name", "value", "paths"),
    [
        ("cat", "weather", "r"), ("cat", "WEA", "r"), ("category", "imp*", "d"), ("cat", "doors", "d"),
        ("cat", "rain", "r"),
        ("sub", "Metal", "rd"), ("catid", "rainmetl", "r"), ("catid", "RAIN", "r"), ("ucs", "doorM", "d"),
        ("label", "heavy_rain", "r"), ("label", "Door", "d"), ("lib", "field_tapes", "rd"), ("lib", "oth", "l"),
        ("tag", "Light Rain", "r"), ("tag", "light", ""), ("tag", "li*", "r"), ("tag", "WET", "r"),
        ("tag", "tres_sec", "d"),
        ("tag", "*", "rd"), ("name", "door", "d"), ("name", "rai", "r"), ("name", "light slam", ""),
        ("name", "slams", "d"),
        ("name", "ambience", ""), ("folder", "ambience", "r"), ("folder", "door", "d"), ("folder", "rain", ""),
        ("format", "wav", "rl"), ("format", ".FLAC", "d"), ("type", "Flac", "d"),
        ("ch", "stereo", "r"), ("ch", "5.1", "d"), ("ch", "6", "d"), ("ch", "mono", "l"), ("ch", "1-2", "rl"),
        ("sr", "44.1k", "d"), ("sr", "48", "rl"), ("sr", "48000", "rl"), ("sr", "44100hz", "d"), ("sr", "44k", "d"),
        ("bd", "24bit", "rl"), ("bd", "16", "d"),
        ("dur", "9", "r"), ("dur", "9.2", ""), ("dur", "1:30", "d"), ("dur", "1m30s", "d"), ("dur", "2m", "d"),
        ("dur", "5-10s", "r"), ("dur", "1..2m", "d"), ("dur", "10..5", "r"), ("dur", "9000ms", "r"),
        ("conf", "0.6", "d"), ("conf", "60%", "d"), ("conf", "0.7", "r"), ("conf", "0.65..1", "r"),
        ("lufs", "-31.5", "r"), ("lufs", "-12dB", "d"), ("lufs", "-20..-10", "d"), ("lufs", "-20--10", "d"),
        ("lufs", "\N{MINUS SIGN}12 LUFS", "d"), ("bpm", "125", "d"), ("bpm", "124", ""), ("bpm", "120-130", "d"),
        ("key", "Bbm", "d"), ("key", "a#_minor", "d"), ("key", "A sharp", "d"), ("key", "minor", "d"), ("key", "C", ""),
        ("loop", "yes", "l"), ("loop", "No", "rd"), ("state", "FAILED", "l"), ("state", "analyzed", "rd"),
        ("profile", "Sens", "d"), ("profile", "balanced", "r"),
        ("added", "7d", "rl"), ("added", "1y", "rdl"), ("added", "today", "rl"), ("added", "12h", "rl"),
        ("centroid_hz", "4.2k", "r"), ("centroid", "500..1000", "d"), ("hum_hz", "50", "d"), ("hum_hz", "60", ""),
        ("channel_relation", "diff", "r"), ("audible", "yes", "rd"), ("audible", "no", ""),
    ],
)  # fmt: skip
def test_values_find_what_they_mean(library: Library, name: str, value: str, paths: str) -> None:
    assert found(name, value) == paths


@pytest.mark.parametrize(
    ("name", "operator", "value", "high", "paths"),
    [
        ("dur", "<", "10", "", "r"), ("dur", ">=", "90", "", "d"), ("dur", ">", "90", "", ""),
        ("dur", "range", "1", "2m", "d"),
        ("lufs", "<", "-20", "", "r"), ("lufs", "range", "-40", "-20", "r"), ("conf", ">", "0.6", "", "r"),
        ("conf", "<=", "60%", "", "d"), ("sr", "<", "48k", "", "d"), ("ch", ">", "stereo", "", "d"),
        ("ch", "<", "6", "", "rl"),
        ("centroid_hz", ">", "2000", "", "r"), ("centroid_hz", "<=", "2k", "", "d"),
        ("onset_count", ">=", "3", "", "rd"),
        ("added", ">", "7d", "", "d"), ("added", "<", "7d", "", "rl"), ("added", ">", "2026-01-01", "", "rdl"),
        ("added", "<", "2026-01-01", "", ""), ("added", "range", "2026-01", "2099", "rdl"),
    ],
)  # fmt: skip
def test_numbers_and_dates_compare(
    library: Library, name: str, operator: str, value: str, high: str, paths: str
) -> None:
    assert found(name, value, operator, high) == paths


def test_a_month_split_at_its_hyphen_is_a_month(library: Library) -> None:
    now = timezone.localdate()
    assert found("added", f"{now:%Y-%m}") == found("added", f"{now:%Y}", "range", f"{now:%m}") == "rl"


def test_a_hyphen_in_a_name_is_no_range(library: Library) -> None:
    Library.objects.filter(name="Other").update(name="BBC-1")
    assert found("lib", "bbc", "range", "1") == "l"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dur", "<10"),
        ("lufs", "<-20"),
        ("centroid_hz", "<2000"),
        ("cat", "=weather"),
        ("tag", "=wet"),
        ("loop", "=yes"),
    ],
)
def test_a_condition_and_its_opposite_are_all_sounds(library: Library, name: str, value: str) -> None:
    condition = field_condition(name, value[0], value[1:])
    assert sorted(names_of(condition) + names_of(~condition)) == sorted("rdl")


def test_a_flag_of_the_record_that_is_not_written_is_its_default(library: Library) -> None:
    measure(Sound.objects.get(label="heavy rain"), audible=False)
    assert (found("audible", "no"), found("audible", "yes")) == ("r", "d")


def test_conditions_go_together(library: Library) -> None:
    wet, long = field_condition("tag", "=", "wet"), field_condition("dur", ">", "1m")
    assert names_of(wet | long) == "rd"
    assert names_of(wet & ~long) == "r"
    assert names_of(~wet & field_condition("centroid_hz", ">", "100")) == "d"


BAD = [
    "", " ", "\0", "a\0b", "\x07", "\ud800", "x" * 5000, "nan", "inf", "-inf", "1e999", "9" * 300, "9" * 25,
    "-" + "9" * 25, "'; DROP TABLE catalog_sound; --", "5x", "--", "..", "1..", "..1", "1-", "<", "%s", "%(a)s", "\\",
    "'", ":*", "!", "(", "*", "\u0663", "1_000", "\u00b2", "0x10", "1:99:99:99", "99999:99", "0000-00-00", "9999-12-31",
    "2026-02-31", "999999y", "0001", "H#",
]  # fmt: skip


@pytest.fixture
def no_database_error() -> Iterator[None]:
    yield
    assert Sound.objects.count() == 3  # the transaction is alive


@pytest.mark.parametrize("one", FIELDS, ids=lambda one: one.name)
def test_nothing_that_is_typed_breaks_a_field(library: Library, no_database_error: None, one: Any) -> None:
    for value in BAD:
        for operator in ("=", "<", ">=", "range"):
            try:
                condition = field_condition(one.name, operator, value, value if operator == "range" else "")
            except BadFieldValue:
                continue
            list(Sound.objects.filter(condition).values_list("id", flat=True))
            list(Sound.objects.exclude(condition).values_list("id", flat=True))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("cat", "wether", "weather"), ("cat", "qqq", "there are: impact"),
        ("state", "broken", "there are: new, queued"),
        ("lib", "nowhere", "Field Tapes"), ("sub", "helicoptr", "HELICOPTER"), ("catid", "RAINMtel", "RAINMetl"),
        ("dur", "long", "write for example dur:<10"), ("dur", "5x", "'x'"), ("dur", "-5", "outside"),
        ("ch", "99999999999", "outside"), ("sr", "99999999999", "outside"), ("conf", "60", "60%"),
        ("loop", "maybe", "yes nor no"), ("key", "X minor", "key"), ("added", "soon", "no date"),
        ("added", "2026-02-31", "calendar"),
        ("tag", "", "no value"), ("name", "\0", "control character"), ("label", "door slamm", "door slam"),
    ],
)  # fmt: skip
def test_a_bad_value_is_told_with_what_would_be_right(library: Library, name: str, value: str, words: str) -> None:
    with pytest.raises(BadFieldValue, match="(?i)" + words.replace("(", r"\(")):
        field_condition(name, "=", value)


def test_names_are_not_compared_and_fields_have_to_be_known() -> None:
    with pytest.raises(BadFieldValue, match="cannot be compared"):
        field_condition("cat", "<", "weather")
    with pytest.raises(BadFieldValue, match="did you mean dur"):
        field_condition("durr", "=", "5")


def test_every_scalar_of_the_acoustic_summary_is_a_field() -> None:
    scalars = set(AcousticSummary.model_fields) - {"band_energy", "envelope_dbfs"}
    assert scalars <= field_names()
    assert field("tempo_bpm").name == "bpm"
    assert field("Duration").name == "dur"
    names = [name for one in FIELDS for name in (one.name, *one.aliases)]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)


def test_every_example_is_understood(library: Library) -> None:
    add_heard(library, "Field.wav", label="dog bark", category="animals")
    Library.objects.create(name="Field", root="/x")
    for one in FIELDS:
        value = one.example.partition(":")[2].strip('"')
        operator = value[0] if value[0] in "<>" else "="
        list(Sound.objects.filter(field_condition(one.name, operator, value.lstrip("<>"))))


def test_values_are_completed_by_their_beginning(library: Library) -> None:
    assert [one.value for one in complete_value("state", "an")] == ["analyzed", "analyzing"]
    assert "weather" in [one.value for one in complete_value("cat", "w")]
    refresh_dictionary()
    assert [(one.value, one.count) for one in complete_value("tag", "LIGHT")] == [("light rain", 1)]
    assert [one.value for one in complete_value("lib", "")] == ["Field Tapes", "Other"]
    assert len(complete_value("catid", "", 1)) == 1
    assert complete_value("dur", "1") == []


TYPED = [
    "", "t", "T", "tr", "tres", "TRÈS_", "TRE\u0300S", "  tre\u0300s  s", "が", "か", "ß", "ss", "STRASSE", "100%",
    "a_b", "\\", "%", "İ", "i", "ﬁ", "fi", "\0", "\ud800", "Æ", "x" * 3_000, "Ω", "ω", "_", "'", "мал", "МАЛ", "é", "z",
]  # fmt: skip
TAGS = [
    "Très sec", "tres_humide", "TRESOR", "がた", "かた", "straße", "STRASSE", "100% wool", "100 percent", "a_b",
    "a b c", "back\\slash", "İstanbul", "istanbul", "ﬁre", "fire", "Æther", "ωmega", "Ωmega", "o'clock", "Маленький",
    "_", "Zoo", "z", "e\u0301t\u00e9", "x" * 120,
]  # fmt: skip


def completed_in_python(prefix: str, limit: int) -> list[tuple[str, int]]:
    """By reading all values."""
    rows = FieldValue.objects.filter(field="tag").values_list("value", "sounds")
    found = [(value, count) for value, count in rows if plain(value).startswith(plain(prefix))]
    return sorted(found, key=lambda one: (-one[1], one[0]))[:limit]


@pytest.mark.parametrize("limit", [3, 100])
def test_values_are_completed_in_sql_as_python_would(db: None, limit: int) -> None:
    library = add_library()
    for number, tag in enumerate(TAGS):
        add_sound(library, f"{number}.wav", tags=[tag, *TAGS[:: number % 3 + 2]])
    refresh_dictionary()
    for prefix in TYPED:
        found = [(one.value, one.count) for one in complete_value("tag", prefix, limit)]
        assert found == completed_in_python(prefix, limit), prefix


def test_a_value_that_came_later_is_completed_too(library: Library) -> None:
    refresh_dictionary()
    add_sound(library, "new.wav", tags=["Éclair"])
    refresh_dictionary()
    assert [(one.value, one.count) for one in complete_value("tag", "ecl")] == [("Éclair", 1)]


def test_of_many_values_few_are_read(db: None) -> None:
    FieldValue.objects.bulk_create(
        FieldValue(field="tag", value=f"tag {number:06}", folded=f"tag {number:06}", sounds=number % 100)
        for number in range(20_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_fieldvalue")
    with CaptureQueriesContext(connection) as queries:
        found = complete_value("tag", "TAG 0012", 5)
    assert [one.count for one in found] == [99, 98, 97, 96, 95]
    (query,) = queries.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {query['sql']}")
        plan = " ".join(line for (line,) in cursor.fetchall())
    assert "fieldvalue_by_beginning" in plan


def test_a_persons_category_takes_the_cat_id_off(library: Library) -> None:
    rain = Sound.objects.get(label="heavy rain")
    edit_sound(rain, category="ambience")
    assert found("catid", "RAIN") == ""
    assert found("cat", "ambience") == "r"
    edit_sound(rain, withdraw=["category"])
    assert found("catid", "RAIN") == "r"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Drum Loop.wav", True), ("loop_01.wav", True), ("LOOPS.wav", True), ("DrumLoop120.wav", True),
        ("a-loopable.wav", True),
        ("seamless looping.wav", True), ("loophole.wav", False), ("Loopmasters.wav", False), ("sloop.wav", False),
        ("not looped.wav", False), ("non-loop hit.wav", False), ("Piano Loop.wav", True),
        ("Loop group walla.wav", False),
        ("rain.wav", False),
    ],
)  # fmt: skip
def test_a_loop_is_known_by_its_name(name: str, expected: bool) -> None:
    assert is_named_loop(name, {}) is expected
    assert is_named_loop("x.wav", {"BWDescription": name}) is expected


@pytest.mark.parametrize(
    ("duration_s", "facts", "expected"),
    [
        (8.0, {}, True), (8.1, {}, True), (8.3, {}, False), (4.0, {}, True), (6.0, {}, False),
        (8.0, {"trailing_silence_s": 0.2}, False), (8.0, {"leading_silence_s": None}, False),
        (8.0, {"tempo_bpm": None}, False), (8.0, {"rhythm_regularity": 0.3}, False), (None, {}, False),
    ],
)  # fmt: skip
def test_a_loop_is_known_by_its_beats(duration_s: float | None, facts: dict[str, Any], expected: bool) -> None:
    assert fills_bars(LOOP_FACTS | facts, duration_s) is expected
