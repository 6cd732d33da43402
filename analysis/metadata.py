"""What people wrote into a file and into its name: bext, iXML, INFO, tags, UCS blocks and plain words."""

from __future__ import annotations

import logging
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.ucs import UcsCategory

logger = logging.getLogger(__name__)

# A reader that meets a damaged chunk raises whatever its parsing stumbles over; the sound is fine without it.
DAMAGED = (
    OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, StopIteration,
    RuntimeError, SyntaxError, struct.error,
)  # fmt: skip
LONGEST_VALUE = 4_000  # characters: no description is longer, a damaged length field may be

# Names of Soundminer's fields, by the names that each place uses (interchange of sound editors; UCS and ASWG)
USER_NAMES = (
    "CatID", "Category", "SubCategory", "CategoryFull", "FXName", "Description", "Keywords", "Notes",
    "Designer", "Library", "Microphone", "MicPerspective", "RecType", "RecMedium", "Show", "Source", "ShortID",
    "LongID", "Location", "TrackTitle", "TrackYear", "Artist", "Volume", "Track", "Manufacturer", "CDTitle",
    "Rating", "URL", "ReleaseDate", "OpenTier", "UserCategory", "VendorCategory", "ShootDate", "CreatorID",
    "SourceID", "UserComments",
)  # fmt: skip
USER_FIELDS = {name.upper(): name for name in USER_NAMES}
BEXT_FIELDS = {
    "description": "BWDescription",
    "originator": "BWOriginator",
    "originator_ref": "BWOriginatorRef",
    "originator_date": "BWDate",
    "originator_time": "BWTime",
}
INFO_FIELDS = {
    "title": "TrackTitle",
    "artist": "Designer",
    "genre": "Category",
    "comment": "Description",
    "product": "Library",
    "keywords": "Keywords",
    "created_date": "ReleaseDate",
    "software": "Software",
    "copyright": "Copyright",
}
TAG_FIELDS = {
    "title": "TrackTitle",
    "artist": "Designer",
    "genre": "Category",
    "comment": "Description",
    "album": "Library",
    "year": "ReleaseDate",
    "composer": "Composer",
}
STANDARD_IXML = {"PROJECT": "ixmlProject", "SCENE": "Scene", "TAKE": "Take", "TAPE": "Tape", "NOTE": "ixmlNote"}

WORD = re.compile(r"[^\W\d_]+")  # letters of any script
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class WrittenMetadata:
    """What was read of a file besides its sound.

    Attributes
    ----------
    embedded : dict of str to str
        By Soundminer's field names; iXML before bext before INFO before tags.
    name_words : list of str
        Lower case, in order, numbers left out.
    ucs_name : dict of str to str
        Blocks of a name that begins with a CatID; empty for other names.
    """

    embedded: dict[str, str] = field(default_factory=dict)
    name_words: list[str] = field(default_factory=list)
    ucs_name: dict[str, str] = field(default_factory=dict)


def read_metadata(path: Path, ucs: Mapping[str, UcsCategory]) -> WrittenMetadata:
    """Read what was written into a file and into its name.

    Parameters
    ----------
    path : Path
    ucs : mapping of str to UcsCategory
        CatIDs that a file name may begin with.

    Returns
    -------
    WrittenMetadata
        What is damaged is left out: metadata never fails a sound.
    """
    embedded: dict[str, str] = {}
    for read in (_wave_fields, _tag_fields):
        try:
            found = read(path)
        except DAMAGED as error:
            logger.debug("%s of %s left out: %r", read.__name__, path, error)
            continue
        embedded = found | embedded
    return WrittenMetadata(embedded, words_of(path.stem), parse_ucs_name(path.stem, ucs))


def words_of(name: str) -> list[str]:
    """Split a file name into its words.

    Parameters
    ----------
    name : str
        Without the extension.

    Returns
    -------
    list of str
        Lower case; split at spaces, punctuation, digits and inner capitals; single letters left out.
    """
    readable = name.encode(errors="surrogateescape").decode(errors="ignore")  # names that are not UTF-8
    words = [word.lower() for part in WORD.findall(readable) for word in CAMEL.split(part)]
    return [word for word in words if len(word) > 1 or not word.isascii()]


def parse_ucs_name(name: str, ucs: Mapping[str, UcsCategory]) -> dict[str, str]:
    """Read the blocks of a file name that follows the Universal Category System.

    Parameters
    ----------
    name : str
        `CatID(-UserCategory)_(VendorCategory-)FXName_CreatorID_SourceID(_UserData)`, without the extension.
    ucs : mapping of str to UcsCategory

    Returns
    -------
    dict of str to str
        Empty where the name does not begin with a CatID and an underscore.
    """
    head, *blocks = name.split("_", 4)
    cat_id, _, user_category = head.partition("-")
    if cat_id not in ucs or not blocks:
        return {}
    vendor_category, dash, fx_name = blocks[0].partition("-")
    if not dash:
        vendor_category, fx_name = "", blocks[0]
    rest = dict(zip(("CreatorID", "SourceID", "UserData"), blocks[1:], strict=False))
    parts = {"CatID": cat_id, "UserCategory": user_category, "VendorCategory": vendor_category, "FXName": fx_name}
    return {key: value for key, value in (parts | rest).items() if value}


def _wave_fields(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        if file.read(4) not in {b"RIFF", b"RF64", b"BW64"}:
            return {}
    wave = _open_wave(path)
    info = _renamed(wave.info.to_dict(), INFO_FIELDS) if wave.info else {}
    bext = _renamed(vars(wave.bext), BEXT_FIELDS) if wave.bext else {}
    ixml = _ixml_fields(wave.ixml.raw_xml) if wave.ixml else {}
    return info | bext | ixml


def _open_wave(path: Path) -> Any:
    from wavinfo import WavInfoReader

    try:
        return WavInfoReader(path, bext_encoding="utf-8", info_encoding="utf-8")
    except UnicodeDecodeError:
        return WavInfoReader(path, bext_encoding="latin_1", info_encoding="latin_1")


def _ixml_fields(tree: Any) -> dict[str, str]:
    root = tree.getroot()
    if root is None:
        return {}
    standard = {STANDARD_IXML[tag]: element.text for element in root if (tag := _tag(element)) in STANDARD_IXML}
    blocks = [element for element in root if _tag(element) in {"ASWG", "USER"}]
    blocks.sort(key=_tag)  # USER after ASWG: what Soundminer wrote wins
    fields = [element for block in blocks for element in block]
    user = {USER_FIELDS[tag]: element.text for element in fields if (tag := _tag(element)) in USER_FIELDS}
    return _cleaned((standard | user).items())


def _tag(element: Any) -> str:
    return element.tag.upper() if isinstance(element.tag, str) else ""  # comments have a function for a tag


def _tag_fields(path: Path) -> dict[str, str]:
    from tinytag import TinyTag, TinyTagException

    try:
        tags = TinyTag.get(path, duration=False)
    except TinyTagException:  # a kind of file it does not know
        return {}
    return _renamed({name: getattr(tags, name) for name in TAG_FIELDS}, TAG_FIELDS)


def _renamed(values: Mapping[str, object], names: Mapping[str, str]) -> dict[str, str]:
    return _cleaned((new, values.get(old)) for old, new in names.items())


def _cleaned(pairs: Iterable[tuple[str, object]]) -> dict[str, str]:
    texts = ((name, " ".join(str(value).replace("\0", " ").split())) for name, value in pairs if value is not None)
    return {name: text[:LONGEST_VALUE] for name, text in texts if text}
