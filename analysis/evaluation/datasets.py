"""Collections of sounds of which somebody said what they are, by the layouts that such collections come in."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from analysis.audio import AUDIO_SUFFIXES
from analysis.errors import ConfigurationError
from analysis.metadata import words_of
from analysis.vocabulary import Label

ESC50_TABLE = Path("meta/esc50.csv")
URBANSOUND_TABLE = Path("metadata/UrbanSound8K.csv")
DEFAULT_PATH_COLUMN, DEFAULT_LABEL_COLUMN = "path", "label"
PATTERN_COLUMN = "pattern"


@dataclass(frozen=True, slots=True)
class LabeledSound:
    """A sound and what it is.

    Attributes
    ----------
    path : Path
    label : str
        As the data set writes it, with its underscores.
    fold : str
        Part of the data set that is held out together; empty where it has none.
    """

    path: Path
    label: str
    fold: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labeled sounds.

    Attributes
    ----------
    name : str
    layout : str
        How labels were read, in words.
    sounds : tuple of LabeledSound
    left_out : tuple of str
        Sounds without a label, with the reason.
    """

    name: str
    layout: str
    sounds: tuple[LabeledSound, ...]
    left_out: tuple[str, ...] = ()

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the parts, in order; empty where there are none."""
        return tuple(sorted({sound.fold for sound in self.sounds if sound.fold}))


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a table has what: the path of a sound, its label and, if it has parts, its fold."""

    path: str = DEFAULT_PATH_COLUMN
    label: str = DEFAULT_LABEL_COLUMN
    fold: str | None = None


def read_dataset(place: Path) -> Dataset:
    """Read a data set in the layout that its files tell: ESC-50, UrbanSound8K, or a folder for each label.

    Parameters
    ----------
    place : Path
        Folder.

    Returns
    -------
    Dataset

    Raises
    ------
    ConfigurationError
        No such folder, or no labeled sound in it.
    """
    if not place.is_dir():
        raise ConfigurationError(f"no data set {place}; give a folder of labeled sounds or a CSV file")
    if (place / ESC50_TABLE).is_file():
        return _read_esc50(place)
    if (place / URBANSOUND_TABLE).is_file():
        return _read_urbansound(place)
    return _read_folders(place)


def read_table(table: Path, columns: Columns, *, base: Path | None = None) -> Dataset:
    """Read a CSV file with a row for each sound.

    Parameters
    ----------
    table : Path
        UTF-8, with a line of column names; values are separated by commas, in a .tsv file by tabs.
    columns : Columns
    base : Path, optional
        Folder that paths are relative to; that of the table where it is left out.

    Returns
    -------
    Dataset

    Raises
    ------
    ConfigurationError
        Unreadable, a column that is not there, or no row with a path and a label.
    """
    folder = base or table.parent
    wanted = [name for name in (columns.path, columns.label, columns.fold) if name is not None]
    rows = list(_rows(table, wanted))
    sounds = tuple(
        LabeledSound(folder / row[columns.path], row[columns.label], row[columns.fold] if columns.fold else "")
        for _, row in rows
        if row[columns.path] and row[columns.label]
    )
    left_out = tuple(
        f"line {line} of {table.name}: no path or no label"
        for line, row in rows
        if not (row[columns.path] and row[columns.label])
    )
    return _checked(Dataset(table.stem, f"CSV, columns {', '.join(wanted)}", sounds, left_out), table)


def label_by_pattern(place: Path, table: Path) -> Dataset:
    """Label the sounds of a folder by patterns of their names.

    Parameters
    ----------
    place : Path
        Folder, with its subfolders.
    table : Path
        CSV with the columns `pattern` and `label`; `*` and `?` are wild, the name is without its suffix, and the
        first pattern that fits wins. A row without a label leaves its sounds out.

    Returns
    -------
    Dataset

    Raises
    ------
    ConfigurationError
        As for `read_table`; or no name fits.
    """
    rules = [
        (row[PATTERN_COLUMN], row[DEFAULT_LABEL_COLUMN])
        for _, row in _rows(table, [PATTERN_COLUMN, DEFAULT_LABEL_COLUMN])
    ]
    named = [
        (path, next((label for pattern, label in rules if fnmatch(path.stem, pattern)), "")) for path in _sounds(place)
    ]
    return _checked(_split(place, f"file names by the patterns of {table.name}", named), place)


def label_by_name(place: Path, labels: Iterable[Label]) -> Dataset:
    """Label the sounds of a folder by the labels and synonyms that stand in their names.

    Parameters
    ----------
    place : Path
        Folder, with its subfolders.
    labels : iterable of Label
        The only ones looked for.

    Returns
    -------
    Dataset
        Names in which several labels stand equally well are left out: they tell nothing certain.

    Raises
    ------
    ConfigurationError
        No name tells a label.
    """
    known = list(labels)
    named = [(path, _label_in(words_of(path.stem), known)) for path in _sounds(place)]
    return _checked(_split(place, "labels and synonyms in file names", named), place)


def match_labels(names: Iterable[str], labels: Iterable[Label]) -> dict[str, str]:
    """Find the labels of a vocabulary that a data set's labels mean.

    Parameters
    ----------
    names : iterable of str
        Clean labels of the data set.
    labels : iterable of Label

    Returns
    -------
    dict of str to str
        A label's name for each name that is one, or that is a synonym of one label alone; others are left out.
    """
    known = list(labels)
    by_name = {label.name.casefold(): label.name for label in known}
    by_synonym: dict[str, set[str]] = {}
    for label in known:
        for synonym in label.synonyms:
            by_synonym.setdefault(synonym.casefold(), set()).add(label.name)
    found = {}
    for name in names:
        synonym_of = by_synonym.get(name.casefold(), set())
        if name.casefold() in by_name:
            found[name] = by_name[name.casefold()]
        elif len(synonym_of) == 1:
            found[name] = next(iter(synonym_of))
    return found


def clean_label(label: str) -> str:
    """Write a label as words: underscores and repeated spaces become one space."""
    return " ".join(label.replace("_", " ").split())


def _read_esc50(place: Path) -> Dataset:
    rows = _rows(place / ESC50_TABLE, ["filename", "fold", "category"])
    sounds = tuple(LabeledSound(place / "audio" / row["filename"], row["category"], row["fold"]) for _, row in rows)
    return _checked(Dataset("ESC-50", "ESC-50 (meta/esc50.csv, audio/)", sounds), place)


def _read_urbansound(place: Path) -> Dataset:
    rows = _rows(place / URBANSOUND_TABLE, ["slice_file_name", "fold", "class"])
    sounds = tuple(
        LabeledSound(place / "audio" / f"fold{row['fold']}" / row["slice_file_name"], row["class"], row["fold"])
        for _, row in rows
    )
    return _checked(Dataset("UrbanSound8K", "UrbanSound8K (metadata/UrbanSound8K.csv, audio/foldN/)", sounds), place)


def _read_folders(place: Path) -> Dataset:
    parts = [(path, path.relative_to(place).parts) for path in _sounds(place)]
    named = [(path, below[0] if len(below) > 1 else "") for path, below in parts]
    return _checked(_split(place, "a folder for each label", named), place)


def _split(place: Path, layout: str, named: list[tuple[Path, str]]) -> Dataset:
    sounds = tuple(LabeledSound(path, label) for path, label in named if label)
    left_out = tuple(f"{_shown(path, place)}: no label" for path, label in named if not label)
    return Dataset(place.resolve().name, layout, sounds, left_out)


def _shown(path: Path, place: Path) -> str:
    return path.relative_to(place).as_posix().encode(errors="surrogateescape").decode(errors="replace")


def _checked(dataset: Dataset, place: Path) -> Dataset:
    if not dataset.sounds:
        raise ConfigurationError(f"no labeled sound in {place} (read as: {dataset.layout})")
    return dataset


def _sounds(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        raise ConfigurationError(f"no folder {place} to look for sounds in")
    for parent, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in AUDIO_SUFFIXES:
                yield Path(parent, name)


def _rows(table: Path, wanted: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and values of each row, the wanted columns checked to be there."""
    delimiter = "\t" if table.suffix.lower() == ".tsv" else ","
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            columns = reader.fieldnames or []
            for name in wanted:
                if name not in columns:
                    raise ConfigurationError(f"{table} has no column {name!r}; it has: {', '.join(columns) or 'none'}")
            for row in reader:
                yield reader.line_num, {name: (row[name] or "").strip() for name in wanted}
    except OSError as error:
        raise ConfigurationError(f"{table} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{table} is not CSV in UTF-8: {error}") from error


def _label_in(words: list[str], labels: list[Label]) -> str:
    """Give the label that stands in a name; names of labels count before synonyms, more words before fewer."""
    rated = []
    for label in labels:
        phrases = [(1, label.name), *((0, synonym) for synonym in label.synonyms)]
        ranks = [(kind, len(words_of(phrase))) for kind, phrase in phrases if _stands_in(phrase, words)]
        if ranks:
            rated.append((max(ranks), label.name))
    best = max((rank for rank, _ in rated), default=None)
    winners = [name for rank, name in rated if rank == best]
    return winners[0] if len(winners) == 1 else ""


def _stands_in(phrase: str, words: list[str]) -> bool:
    wanted = set(words_of(phrase))
    return bool(wanted) and wanted <= set(words)
