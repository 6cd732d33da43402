"""The words that sounds are described with: labels in categories, read from a YAML file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analysis.errors import VocabularyError
from analysis.ucs import UcsCategory, load_ucs

CUSTOM_CATEGORY = "custom"
UCS_FILE = "ucs.csv"


@dataclass(frozen=True, slots=True)
class Label:
    """A kind of sound that may be heard, and where it stands."""

    name: str
    category: str
    prompts: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    ucs: str | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """A group of labels that the first stage of labeling chooses among."""

    name: str
    description: str


@dataclass(frozen=True)
class Vocabulary:
    """All labels, in the order of the file; a label stands in one category only.

    Attributes
    ----------
    categories : tuple of Category
    labels : tuple of Label
        Grouped by category.
    ucs : mapping of str to UcsCategory
        The table that CatIDs are looked up in; empty where none was given.
    is_custom : bool
        Labels that somebody typed for one occasion: every model scores all of them.
    """

    categories: tuple[Category, ...]
    labels: tuple[Label, ...]
    ucs: Mapping[str, UcsCategory] = field(default_factory=dict)
    is_custom: bool = False

    @cached_property
    def sha256(self) -> str:
        """Hash of what changes results or words: categories, labels, prompts, synonyms and CatIDs in order."""
        rows = [[label.name, label.category, label.prompts, label.synonyms, label.ucs] for label in self.labels]
        text = json.dumps([[category.name for category in self.categories], rows], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def _by_name(self) -> dict[str, Label]:
        return {label.name: label for label in self.labels}

    def label(self, name: str) -> Label:
        """Find a label by its name.

        Raises
        ------
        VocabularyError
            The vocabulary does not hold it.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise VocabularyError(f"no label {name!r} in the vocabulary") from None

    def __contains__(self, name: str) -> bool:
        return name in self._by_name


class _LabelEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    prompts: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    ucs: str | None = None


class _CategoryEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    description: str = ""
    labels: dict[str, _LabelEntry | None] = Field(min_length=1)


class _VocabularyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: int = 1
    categories: dict[str, _CategoryEntry] = Field(min_length=1)


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML lets the last of two equal keys win in silence; a vocabulary must not."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = _first_repeated(str(key) for key in keys)
        if repeated is not None:
            raise VocabularyError(f"{repeated!r} stands twice, again in line {node.start_mark.line + 1} or below")
        return super().construct_mapping(node, deep)


def load_vocabulary(path: Path, *, ucs_path: Path | None = None) -> Vocabulary:
    """Read and check a vocabulary file.

    Parameters
    ----------
    path : Path
        YAML: `categories` with `description` and `labels`, each with optional `prompts`, `synonyms`, `ucs`.
    ucs_path : Path, optional
        Table of UCS categories; `ucs.csv` beside the file where it is there.

    Returns
    -------
    Vocabulary

    Raises
    ------
    VocabularyError
        Unreadable, of another shape, a label that stands twice, or a CatID that UCS does not know.
    """
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # a subclass of SafeLoader
        entries = _VocabularyFile.model_validate(tree)
    except OSError as error:
        raise VocabularyError(f"vocabulary {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise VocabularyError(f"vocabulary {path} is not YAML: {' '.join(str(error).split())}") from error
    except VocabularyError as error:
        raise VocabularyError(f"vocabulary {path}: {error}; keep one of them") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise VocabularyError(f"vocabulary {path}: {place}: {first['msg']}") from error
    table = ucs_path or path.with_name(UCS_FILE)
    return _checked(path, entries, load_ucs(table) if ucs_path or table.exists() else {})


def custom_vocabulary(names: Iterable[str]) -> Vocabulary:
    """Make a vocabulary of one category from labels typed on the command line.

    Parameters
    ----------
    names : iterable of str
        Blank ones are left out.

    Returns
    -------
    Vocabulary

    Raises
    ------
    VocabularyError
        No label, or one that stands twice.
    """
    cleaned = [" ".join(name.split()) for name in names]
    kept = [name for name in cleaned if name]
    if not kept:
        raise VocabularyError('no label given; write for example --labels "dog bark, car horn"')
    repeated = _first_repeated(name.casefold() for name in kept)
    if repeated is not None:
        raise VocabularyError(f"label {repeated!r} is given twice; keep one of them")
    labels = tuple(Label(name, CUSTOM_CATEGORY) for name in kept)
    return Vocabulary((Category(CUSTOM_CATEGORY, "labels given by hand"),), labels, is_custom=True)


def _checked(path: Path, entries: _VocabularyFile, ucs: Mapping[str, UcsCategory]) -> Vocabulary:
    labels = tuple(
        Label(name, category, entry.prompts, entry.synonyms, entry.ucs)
        for category, group in entries.categories.items()
        for name, entry in ((name, entry or _LabelEntry()) for name, entry in group.labels.items())
    )
    seen: dict[str, Label] = {}
    for label in labels:
        first = seen.setdefault(label.name.casefold(), label)
        if first is not label:
            raise VocabularyError(
                f"vocabulary {path}: label {label.name!r} stands twice, in {first.category} and in {label.category};"
                " keep one of them"
            )
        if ucs and label.ucs is not None and label.ucs not in ucs:
            raise VocabularyError(f"vocabulary {path}: label {label.name!r} has CatID {label.ucs!r}, unknown to UCS")
    categories = tuple(Category(name, group.description) for name, group in entries.categories.items())
    return Vocabulary(categories, labels, ucs)


def _first_repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
