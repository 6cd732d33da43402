"""Exports byte for byte, with people's words over the record, from a cursor."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg.conninfo import make_conninfo

from catalog import exports
from catalog.browse import SoundFilters
from catalog.exports import FORMATS, UnknownFormat, stream_export
from catalog.models import Library, Sound
from config.broker import connection_parameters
from tests.catalog.records import analyzed_sound

pytestmark = pytest.mark.django_db

ODD = 'Tür "auf"\t und\nzu.wav'


@pytest.fixture
def shelf(db: None) -> Library:
    return Library.objects.create(name="Shelf, ü", root="/shelf")


def exported(name: str, sounds: Any = None) -> str:
    _, _, parts = stream_export(name, Sound.objects.all() if sounds is None else sounds)
    return "".join(parts)


def fill(shelf: Library) -> None:
    analyzed_sound(shelf, f"a/{ODD}", said={"description": 'My "own", words', "tags": ["tür", "a;b"]})
    analyzed_sound(shelf, "b/impact.wav", primary_category="impact", primary_label="door slam", tags=["door slam"])
    Sound.objects.create(
        library=shelf, path="c.wav", file_name="c.wav", size_bytes=0, modified_ns=1, state="failed", error="is empty"
    )


def test_json_holds_the_full_records_of_what_was_analyzed(shelf: Library) -> None:
    fill(shelf)
    sounds = json.loads(exported("json"))["sounds"]

    assert [(sound["library"], sound["path"]) for sound in sounds] == [
        ("Shelf, ü", f"a/{ODD}"),
        ("Shelf, ü", "b/impact.wav"),
    ]
    assert sounds[0]["short_description"] == 'My "own", words'
    assert sounds[0]["tags"] == ["tür", "a;b"]
    assert sounds[1]["acoustic_summary"]["rms_dbfs"] == -20.5


def test_csv_holds_every_sound_with_its_state(shelf: Library) -> None:
    fill(shelf)
    rows = list(csv.DictReader(io.StringIO(exported("csv"), newline="")))

    assert [(row["path"], row["state"], row["error"]) for row in rows] == [
        (f"a/{ODD}", "analyzed", ""),
        ("b/impact.wav", "analyzed", ""),
        ("c.wav", "failed", "is empty"),
    ]
    assert rows[0]["short_description"] == 'My "own", words'
    assert rows[0]["tags"] == "tür; a;b"


def test_soundminer_csv_to_the_byte(shelf: Library) -> None:
    fill(shelf)
    text = exported("soundminer-csv")

    assert (
        text.encode()
        == (
            "\ufeffFilename,FilePath,Keywords,Category,SubCategory,CatID,CategoryFull,Library,Notes\r\n"
            '"Tür ""auf""  und zu.wav","/shelf/a/Tür ""auf""  und zu.wav","tür, a;b",RAIN,GENERAL,RAINGen,RAIN-GENERAL,'
            '"Shelf, ü","My ""own"", words"\r\n'
            "impact.wav,/shelf/b/impact.wav,door slam,RAIN,GENERAL,RAINGen,RAIN-GENERAL,"
            '"Shelf, ü",Heavy rain.\r\n'
        ).encode()
    )


def test_soundminer_tab_to_the_byte(shelf: Library) -> None:
    analyzed_sound(shelf, f"a/{ODD}", tags=["heavy rain"], embedded={"Description": "kept", "Notes": "by hand"})
    assert (
        exported("soundminer-tab").encode()
        == (
            "Filename\tFilePath\tKeywords\tCategory\tSubCategory\tCatID\tCategoryFull\tLibrary\tNotes\n"
            'Tür "auf"  und zu.wav\t/shelf/a/Tür "auf"  und zu.wav\theavy rain\tRAIN\tGENERAL\tRAINGen\tRAIN-GENERAL\t'
            "Shelf, ü\tby hand | Heavy rain.\n"
        ).encode()
    )


def test_a_category_that_a_person_chose_takes_its_ucs_with_it(shelf: Library) -> None:
    analyzed_sound(shelf, "a.wav", said={"category": "impact"})
    assert "RAIN" not in exported("soundminer-csv")
    record = json.loads(exported("json"))["sounds"][0]
    assert (record["primary_category"], record["ucs"]) == ("impact", None)
    assert "RAINGen" in record["metadata"]["notes"][-1]  # it is not taken away in silence


def test_a_category_that_is_the_labels_own_keeps_the_ucs(shelf: Library) -> None:
    sound = analyzed_sound(shelf, "a.wav", primary_category="unknown", said={"category": "weather"})
    analysis = sound.analyses.get()
    analysis.record["top_labels"][0]["category"] = "weather"
    analysis.save()
    record = json.loads(exported("json"))["sounds"][0]
    assert (record["primary_category"], record["ucs"]["cat_id"], record["metadata"]["notes"]) == (
        "weather",
        "RAINGen",
        [],
    )


def test_markdown_to_the_byte(shelf: Library) -> None:
    fill(shelf)
    assert exported("markdown") == (
        "# Sound catalog\n\n2 sounds\n\n## Contents\n\n"
        "- [impact](#category-impact) (1)\n- [weather](#category-weather) (1)\n"
        '\n<a id="category-impact"></a>\n\n## impact\n\n'
        "| sound | description | label | confidence | length | tags |\n|---|---|---|---:|---:|---|\n"
        "| b/impact.wav | Heavy rain. | door slam | 75% | 2.5 s | door slam |\n"
        '\n<a id="category-weather"></a>\n\n## weather\n\n'
        "| sound | description | label | confidence | length | tags |\n|---|---|---|---:|---:|---|\n"
        '| a/Tür "auf" und zu.wav | My "own", words | heavy rain | 75% | 2.5 s | tür, a;b |\n'
    )


@pytest.mark.parametrize("name", FORMATS)
def test_any_part_of_the_catalog_can_be_written_even_none(shelf: Library, name: str) -> None:
    fill(shelf)
    by_filter = exported(name, SoundFilters(category="impact").apply(Sound.objects.all()))
    by_ids = exported(name, Sound.objects.filter(file_name="impact.wav"))

    assert by_filter == by_ids
    assert "impact.wav" in by_filter
    assert "Tür" not in by_filter
    assert "impact.wav" not in exported(name, Sound.objects.none())


@pytest.mark.parametrize("name", FORMATS)
def test_rows_are_fetched_a_few_at_a_time(shelf: Library, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "CHUNK", 10)
    for number in range(40):
        analyzed_sound(shelf, f"{number:02}.wav")

    with CaptureQueriesContext(connection) as queries:
        _, file_name, parts = stream_export(name, Sound.objects.all())
        first = [next(parts) for _ in range(5)]

    assert first[0]
    assert file_name.startswith("timbre-")
    assert any("DECLARE" in query["sql"] for query in queries) or len(queries) < 6
    assert "39.wav" in "".join(parts)


def test_an_unknown_format_is_refused_with_the_known_ones(shelf: Library) -> None:
    with pytest.raises(UnknownFormat, match="csv, json, markdown, soundminer-csv, soundminer-tab"):
        stream_export("excel", Sound.objects.all())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["soundminer-csv", "markdown"])
def test_all_pieces_are_of_one_moment(shelf: Library, name: str) -> None:
    fill(shelf)
    _, _, parts = stream_export(name, Sound.objects.all())
    first = next(parts)

    with psycopg.connect(make_conninfo(**connection_parameters())) as elsewhere:  # between two queries of the export
        elsewhere.execute("UPDATE catalog_sound SET current_analysis_id = NULL, category = '', description = ''")

    whole = first + "".join(parts)
    assert "impact.wav" in whole
    assert "impact.wav" not in exported(name)
