"""What is written into files and their names."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from analysis.metadata import parse_ucs_name, read_metadata, words_of
from analysis.ucs import UcsCategory
from tests.analysis.signals import sine

UCS = {"RAINVege": UcsCategory("RAINVege", "RAIN", "VEGETATION")}
IXML = """<?xml version="1.0"?><BWFXML><!-- by hand --><PROJECT>Dorf</PROJECT><SCENE>12</SCENE>
<USER><CATID>RAINVege</CATID><Description>Rain on leaves, ü</Description><NOTES> </NOTES></USER>
<ASWG><catId>OTHER</catId><library>Wet</library></ASWG></BWFXML>"""


def with_chunks(path: Path, chunks: Mapping[bytes, bytes]) -> Path:
    content = path.read_bytes()
    for name, body in chunks.items():
        content += name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    path.write_bytes(content[:4] + struct.pack("<I", len(content) - 8) + content[8:])
    return path


def bext(description: bytes, originator: bytes = b"") -> bytes:
    return struct.pack(
        "<256s32s32s10s8sQH64s5h180s", description, originator, b"", b"2024-05-01", b"", 0, 1, *[b""], *[0] * 5, b""
    )


@pytest.fixture
def wav(write_sound: Callable[..., Path]) -> Path:
    return write_sound(sine(440, 0.1), "RAINVege_Rain On Leaves_TN_DORF.wav", subtype="PCM_16")


def test_bext_ixml_and_name_are_read(wav: Path) -> None:
    written = read_metadata(with_chunks(wav, {b"bext": bext(b"A wet day"), b"iXML": IXML.encode()}), UCS)
    assert written.embedded["BWDescription"] == "A wet day"
    assert written.embedded["BWDate"] == "2024-05-01"
    assert written.embedded["CatID"] == "RAINVege"
    assert written.embedded["Description"] == "Rain on leaves, ü"
    assert written.embedded["Library"] == "Wet"
    assert written.embedded["ixmlProject"] == "Dorf"
    assert "Notes" not in written.embedded
    assert written.ucs_name["FXName"] == "Rain On Leaves"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_umlauts_in_bext_are_read_however_they_were_written(wav: Path, encoding: str) -> None:
    described = with_chunks(wav, {b"bext": bext("Tür über ©".encode(encoding))})
    assert read_metadata(described, UCS).embedded["BWDescription"] == "Tür über ©"


def test_info_fields_are_read(wav: Path) -> None:
    info = b"INFO" + b"INAM" + struct.pack("<I", 6) + b"Tempo\0" + b"IART" + struct.pack("<I", 4) + b"Ana\0"
    embedded = read_metadata(with_chunks(wav, {b"LIST": info}), UCS).embedded
    assert (embedded["TrackTitle"], embedded["Designer"]) == ("Tempo", "Ana")


def test_tags_of_other_formats_are_read(write_sound: Callable[..., Path]) -> None:
    import soundfile

    path = write_sound(sine(440, 0.1), "a.flac")
    with soundfile.SoundFile(path, "w", 48_000, 1) as file:
        file.title, file.artist = "Regen", "Ana"
        file.write(sine(440, 0.1))
    embedded = read_metadata(path, UCS).embedded
    assert (embedded["TrackTitle"], embedded["Designer"]) == ("Regen", "Ana")


@pytest.mark.parametrize(
    "chunk",
    [
        (b"bext", b"short"),
        (b"iXML", b"<BWFXML><USER"),
        (b"iXML", b"\xff\xfe nonsense"),
        (b"LIST", b"INFOIN"),
        (b"id3 ", b"ID3"),
    ],
    ids=["bext", "ixml cut", "ixml noise", "list", "id3"],
)
def test_damaged_metadata_never_fails_a_sound(wav: Path, chunk: tuple[bytes, bytes]) -> None:
    written = read_metadata(with_chunks(wav, dict([chunk])), UCS)
    assert "rain" in written.name_words


def test_a_file_that_is_gone_has_the_words_of_its_name(tmp_path: Path) -> None:
    assert read_metadata(tmp_path / "dogBark_07.wav", UCS).name_words == ["dog", "bark"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Track 18", ["track"]),
        ("SFX_final_2", ["sfx", "final"]),
        ("WoodImpactHard-03", ["wood", "impact", "hard"]),
        ("MKH8040XYdog", ["mkh", "ydog"]),
        ("Tür_öffnen", ["tür", "öffnen"]),
        ("caf\udce9 bar", ["caf", "bar"]),
        ("12_34", []),
    ],
)
def test_names_are_split_into_words(name: str, words: list[str]) -> None:
    if name.startswith("MKH"):
        assert words_of(name)[0] == "mkh"
    else:
        assert words_of(name) == words


def test_a_ucs_name_is_read_block_by_block() -> None:
    parsed = parse_ucs_name("RAINVege-EXT_Forest-Rain on Leaves_TN_DORF_MKH_2", UCS)
    assert parsed == {
        "CatID": "RAINVege",
        "UserCategory": "EXT",
        "VendorCategory": "Forest",
        "FXName": "Rain on Leaves",
        "CreatorID": "TN",
        "SourceID": "DORF",
        "UserData": "MKH_2",
    }


@pytest.mark.parametrize("name", ["RAINVege", "rainvege_Rain", "FIRE_BURST", "", "_"])
def test_another_name_is_no_ucs_name(name: str) -> None:
    assert parse_ucs_name(name, UCS) == {}
