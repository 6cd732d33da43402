"""Which fields a query can name, and where their numbers stand: a table, and every scalar that an analysis has."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from analysis.records import AcousticSummary
from catalog import field_values as values

Kind = Literal["text", "words", "tag", "number", "count", "choice", "flag", "date"]
OF_RECORD = "current_analysis__record__acoustic_summary__"


@dataclass(frozen=True, slots=True)
class SearchField:
    """A field of the query language.

    How values are compared, by kind:

    text: the whole value, without case, accents and underscores; where none is the same, or with a `*` at the end, the
        beginning of the value. words: beginnings of words, in any form. tag: a whole tag in any case; `ra*` its
        beginning. choice: one of a few values, by their beginning. flag: yes or no.
    number: with `<`, `<=`, `>`, `>=`, `120-130` and `120..130` (both ends included). A plain number stands for what
        rounds to it with the digits that were typed: `dur:5` is 4.5 to 5.5, `dur:5.0` 4.95 to 5.05, `dur:2m` one and a
        half to two and a half minutes, because nobody knows a length or a level to the last digit.
    count: the same, but whole numbers without a unit are exact: `ch:2`, `sr:48000`.
    date: `7d` is within the last seven days (h, d, w, m, y), `<7d` younger, `>7d` older; `2026`, `2026-11`,
        `2026-11-05`, today and yesterday are that time, `<2026-01-01` before it, `>` after its end.
    """

    name: str
    aliases: tuple[str, ...]
    kind: Kind
    title: str
    unit: str
    example: str


@dataclass(frozen=True, slots=True)
class Measure:
    """Where the numbers of a field stand, and what they can be."""

    path: str
    units: Mapping[str, float]
    lowest: float = 0.0
    highest: float = 1e9


OWN = (
    SearchField("cat", ("category",), "text", "category, of Timbre or of UCS", "", "cat:weather"),
    SearchField("sub", ("subcategory",), "text", "subcategory of UCS", "", "sub:helicopter"),
    SearchField("catid", ("ucs",), "text", "CatID of UCS, or how it begins", "", "catid:RAIN"),
    SearchField("label", (), "text", "what it is most likely", "", 'label:"dog bark"'),
    SearchField("tag", ("tags",), "tag", "one of its tags", "", "tag:rain"),
    SearchField("lib", ("library",), "text", "library", "", "lib:Field"),
    SearchField("name", ("file", "filename"), "words", "words of the file name", "", "name:door"),
    SearchField("folder", ("dir", "path"), "words", "words of the folders", "", "folder:ambience"),
    SearchField("dur", ("duration", "length", "len"), "number", "length", "s", "dur:<10"),
    SearchField("ch", ("channels", "channel"), "count", "channels", "", "ch:stereo"),
    SearchField("sr", ("samplerate", "rate"), "count", "sample rate", "Hz", "sr:96k"),
    SearchField("bd", ("bitdepth", "bits"), "count", "bits of a sample", "bit", "bd:24"),
    SearchField("format", ("type", "ext"), "text", "kind of file", "", "format:wav"),
    SearchField("conf", ("confidence",), "number", "confidence of the label", "", "conf:>0.6"),
    SearchField("lufs", ("loudness", "loudness_lufs"), "number", "loudness", "LUFS", "lufs:<-20"),
    SearchField("bpm", ("tempo", "tempo_bpm"), "number", "tempo", "BPM", "bpm:120-130"),
    SearchField("key", (), "text", "musical key", "", 'key:"A minor"'),
    SearchField("loop", ("looping",), "flag", "a loop by its name or its beats", "", "loop:yes"),
    SearchField("state", ("status",), "choice", "how far it is", "", "state:failed"),
    SearchField("profile", (), "text", "profile it was analyzed with", "", "profile:balanced"),
    SearchField("added", ("date",), "date", "when it came into the catalog", "", "added:7d"),
    SearchField("id", (), "count", "number of the sound", "", "id:42"),
)
MEASURES = {
    "dur": Measure("duration_s", values.SECONDS),
    "ch": Measure("channels", values.CHANNELS, highest=32_767),
    "sr": Measure("sample_rate_hz", values.HERTZ, highest=2**31 - 1),
    "bd": Measure("bit_depth", values.BITS, highest=32_767),
    "conf": Measure("confidence", values.SHARES, highest=1.0),
    "lufs": Measure("loudness_lufs", values.DECIBELS, lowest=-1000.0, highest=1000.0),
    "bpm": Measure("tempo_bpm", values.BEATS, highest=10_000.0),
    "id": Measure("id", {}, highest=2**53),
}
UNITS: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "_dbfs": ("dBFS", values.DECIBELS), "_dbtp": ("dBTP", values.DECIBELS), "_db": ("dB", values.DECIBELS),
    "_hz": ("Hz", values.HERTZ), "_per_s": ("per s", {}), "_s": ("s", values.SECONDS),
    "_ratio": ("", values.SHARES), "_share": ("", values.SHARES),
}  # fmt: skip


def parts_of(annotation: object) -> tuple[object, ...]:
    optional = typing.get_origin(annotation) in {types.UnionType, typing.Union}
    return typing.get_args(annotation) if optional else (annotation,)


EXAMPLES: Mapping[Kind, str] = {"choice": "identical", "flag": "yes", "count": ">2"}


def choices_of(annotation: object) -> tuple[str, ...]:
    """Values of a literal, which may be optional."""
    return tuple(
        str(one) for part in parts_of(annotation) if typing.get_origin(part) is Literal for one in typing.get_args(part)
    )


def kind_of(annotation: object) -> Kind | None:
    parts = set(parts_of(annotation)) - {type(None)}
    if parts == {float}:
        return "number"
    if parts == {bool}:
        return "flag"
    if parts == {int}:
        return "count"
    return "choice" if choices_of(annotation) else None


def of_records() -> tuple[SearchField, ...]:
    """Every scalar of the acoustic summary that has no column of its own, by its name and by that without its unit."""
    taken = {name for one in OWN for name in (one.name, *one.aliases)}
    found = []
    for name, part in AcousticSummary.model_fields.items():
        kind = kind_of(part.annotation)
        if kind is None or name in taken:
            continue
        ending = next((each for each in UNITS if name.endswith(each)), "")
        short = name.removesuffix(ending)
        aliases = (short,) if ending and short not in taken and short not in AcousticSummary.model_fields else ()
        example = f"{name}:{EXAMPLES.get(kind, '>0.5')}"
        title = (part.description or name.replace("_", " ")).split(";")[0]
        found.append(SearchField(name, aliases, kind, title, UNITS[ending][0] if ending else "", example))
        taken |= {name, *aliases}
    return tuple(found)


FIELDS: tuple[SearchField, ...] = (*OWN, *of_records())
BY_NAME = {name: one for one in FIELDS for name in (one.name, *one.aliases)}


def measure_of(asked: SearchField) -> Measure:
    ending = next((each for each in UNITS if asked.name.endswith(each)), "")
    units = UNITS[ending][1] if ending else {}
    return Measure(f"{OF_RECORD}{asked.name}", units, lowest=-1e9)
