"""JSON, CSV, Markdown and Soundminer tables."""

from __future__ import annotations

import csv
import io
import re

import pytest

from analysis.errors import InvalidRecord
from analysis.outputs import (
    CSV_COLUMNS,
    CatalogEntry,
    csv_line,
    csv_row,
    escape_markdown,
    markdown_catalog,
    measured_in_words,
    record_json,
    record_markdown,
)
from analysis.records import parse_record
from analysis.soundminer import (
    BOM,
    columns_in_use,
    soundminer_csv,
    soundminer_row,
    soundminer_tab,
)
from tests.analysis.records import make_record

NASTY = 'rain "wet",\n\ttür | #1 = *x*.wav'


def test_json_is_brief_or_full() -> None:
    record = make_record()
    assert '"analysis_provenance"' not in record_json(record, full=False)
    assert parse_record(record_json(record, full=True)) == record


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"file_name": 3}', "\xff"])
def test_what_is_no_record_is_told(text: str) -> None:
    with pytest.raises(InvalidRecord):
        parse_record(text)


def test_csv_survives_every_name() -> None:
    record = make_record(file_name=NASTY)
    text = csv_line(CSV_COLUMNS) + csv_line(csv_row(record, f"a/{NASTY}"))
    header, row = csv.reader(io.StringIO(text, newline=""))
    assert tuple(header) == CSV_COLUMNS
    assert row[:2] == [f"a/{NASTY}", NASTY]
    assert row[CSV_COLUMNS.index("tags")] == "heavy rain; weather; continuous"


def test_csv_has_what_editors_filter_by() -> None:
    record = make_record()
    row = dict(zip(CSV_COLUMNS, csv_row(record, "a.wav"), strict=True))
    assert row["true_peak_dbtp"] == str(record.acoustic_summary.true_peak_dbtp)
    assert row["clipped_stretches"] == "0"
    assert row["key"] == row["hum_hz"] == row["loudness_lufs"] == ""  # of 0.2 s of noise there is none


def test_a_page_says_what_was_measured_and_nothing_of_what_was_not_found() -> None:
    facts = make_record().acoustic_summary
    found = {"loudness_lufs": -23.04, "key": "A minor", "key_strength": 0.915, "hum_hz": 50, "hum_db": 31.5}
    found |= {"clipped_stretches": 12, "clipped_share": 0.0031, "leading_silence_s": 0.25, "tempo_bpm": 120.4}
    lines = measured_in_words(facts.model_copy(update=found))
    assert lines[0].startswith("Levels: -23.0 LUFS, true peak ")
    assert lines[1:] == [
        "Clipping: 12 flat tops, 0.31% of the samples",
        "Mains hum: 50 Hz, 31.5 dB over its neighbors",
        "Silence: 0.25 s before",
        "Tempo: 120 BPM, regularity 0.00",
        "Key: A minor, strength 0.92",
    ]
    assert len(measured_in_words(facts)) == 1


def test_a_page_about_a_sound_holds_on_one_line_each() -> None:
    page = record_markdown(make_record(file_name=NASTY))
    assert page.startswith('# rain "wet", tür \\| \\#1 = \\*x\\*.wav\n')
    assert "| 0.00 s | 4.00 s | heavy rain | 90% |" in page


def test_every_link_of_the_contents_leads_somewhere() -> None:
    entries = [
        CatalogEntry("b/rain.wav", "weather", "heavy rain", "Heavy rain."),
        CatalogEntry(f"a/{NASTY}", "weather", "heavy rain", "Heavy rain.", ("rain",), 0.5, 2.0),
        CatalogEntry("c.wav", "Wea ther", "x", "X."),
        CatalogEntry("d.wav", "wea-ther", "x", "X."),
        CatalogEntry("e.wav", "", "", ""),
    ]
    text = "".join(markdown_catalog(entries))
    links = re.findall(r"\]\(#([^)]+)\)", text)
    anchors = re.findall(r'<a id="([^"]+)">', text)
    assert len(links) == len(set(links)) == 4
    assert links == anchors
    assert text.index("a/rain") < text.index("b/rain")
    assert len([line for line in text.splitlines() if line.startswith("| ") and "sound |" not in line]) == 5


def test_records_make_a_catalog_too() -> None:
    text = "".join(markdown_catalog([make_record()]))
    assert "## weather" in text
    assert "1 sound\n" in text


def test_markdown_marks_are_shown_as_they_are() -> None:
    assert escape_markdown("<b>*a*</b> [x](y)\n|") == r"\<b\>\*a\*\</b\> \[x\](y) \|"


def test_soundminer_gets_our_words_in_notes_and_keywords_and_never_in_description() -> None:
    row = soundminer_row(make_record(), file_path="/sfx/rain.wav")
    assert row == {
        "Filename": "rain.wav",
        "FilePath": "/sfx/rain.wav",
        "Keywords": "heavy rain, weather, continuous",
        "Category": "RAIN",
        "SubCategory": "GENERAL",
        "CatID": "RAIN",
        "CategoryFull": "RAIN-GENERAL",
        "Notes": "Heavy rain, continuous.",
    }
    assert "Description" in soundminer_row(make_record(), text_field="Description")
    with pytest.raises(ValueError, match="FXName"):
        soundminer_row(make_record(), text_field="FXName")


def test_soundminer_keeps_what_people_wrote_into_the_file() -> None:
    embedded = {"Keywords": "wet, heavy rain", "Notes": "Take 2", "CatID": "RAINVege", "Library": "Wet Days"}
    row = soundminer_row(make_record(embedded=embedded), library="ours")
    assert row["Keywords"] == "wet, heavy rain, weather, continuous"
    assert row["Notes"] == "Take 2 | Heavy rain, continuous."
    assert (row["CatID"], row["Library"]) == ("RAINVege", "Wet Days")
    assert "Category" not in row


def test_soundminer_csv_byte_for_byte() -> None:
    rows = [soundminer_row(make_record(file_name=NASTY), description='A "wet" day,\r\nindeed', tags=["tür"])]
    columns = ["Filename", "Keywords", "Notes"]
    assert "".join(soundminer_csv(rows, columns)) == (
        f'{BOM}Filename,Keywords,Notes\r\n"rain ""wet"", tür | #1 = *x*.wav",tür,"A ""wet"" day, indeed"\r\n'
    )


def test_soundminer_tab_byte_for_byte() -> None:
    rows = [soundminer_row(make_record(file_name="a\tb.wav"), description="x", tags=[])]
    assert "".join(soundminer_tab(rows, ["Filename", "Notes"])) == "Filename\tNotes\na b.wav\tx\n"


def test_only_columns_with_content_are_written() -> None:
    assert columns_in_use([{"Notes": "x"}, {"CatID": "RAIN", "Filename": "a"}]) == ["Filename", "CatID", "Notes"]
    assert columns_in_use([]) == ["Filename"]
