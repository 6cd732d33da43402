"""Which folders below that of all indexes are of indexes: nothing else there may ever be removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from search.index.files import BUILDING, CURRENT

DATABASE = re.compile(r"\d+-\d+")
MODEL = re.compile(r".+-[0-9a-f]{8}|-?[0-9a-f]{8}")
GENERATION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")


def database_folders(root: Path, kinds: frozenset[str]) -> list[Path]:
    """List the folders that hold the indexes of one database each.

    Parameters
    ----------
    root : Path
        Of all indexes.
    kinds : frozenset of str
        Of index that there are.
    """
    return [folder for folder in folders_in(root) if is_database_folder(folder, kinds)]


def is_database_folder(folder: Path, kinds: frozenset[str]) -> bool:
    """Tell whether a folder holds indexes of models and nothing else."""
    with suppress(OSError):
        inside = list(folder.iterdir())
        return bool(DATABASE.fullmatch(folder.name) and inside) and all(is_model_folder(one, kinds) for one in inside)
    return False


def model_folders(root: Path, kinds: frozenset[str]) -> list[Path]:
    """List the folders that hold the indexes of one model each.

    Parameters
    ----------
    root : Path
        Of the indexes of one database; before format 2 it was that of all.
    kinds : frozenset of str
    """
    return [folder for folder in folders_in(root) if is_model_folder(folder, kinds)]


def is_model_folder(folder: Path, kinds: frozenset[str]) -> bool:
    """Tell whether a folder holds indexes of a model and nothing else."""
    with suppress(OSError):
        shelves = list(folder.iterdir()) if MODEL.fullmatch(folder.name) and not folder.is_symlink() else [folder]
        return bool(shelves) and all(shelf.name in kinds and all(map(is_ours, shelf.iterdir())) for shelf in shelves)
    return False


def is_ours(path: Path) -> bool:
    """Tell whether this is something that a build puts on a shelf."""
    return path.name == CURRENT or path.name.startswith(BUILDING) or bool(GENERATION.fullmatch(path.name))


def folders_in(root: Path) -> Iterator[Path]:
    """Go through the folders in a folder that may not be there."""
    with suppress(OSError):
        yield from sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink())


def touched_s(folder: Path) -> float:
    """Give the time, as `time.time()` counts it, of the last change of anything in a folder."""
    return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))


def size_bytes(folder: Path) -> int:
    """Add up the sizes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
