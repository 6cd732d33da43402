"""Walking through a library's folder: which files may be sounds, and what is not entered, with the reason."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from analysis.audio import AUDIO_SUFFIXES
from catalog.storable import storable_text

MAX_PROBLEMS = 1_000  # kept in words; the rest is only counted


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that may be a sound, by the path below the root as the system gives it."""

    relative: str  # bytes that are not UTF-8 stand in it as surrogates
    size_bytes: int
    modified_ns: int

    @property
    def path(self) -> str:
        return readable_path(self.relative)

    @property
    def raw_path(self) -> bytes | None:
        """The bytes of the path where it is not UTF-8."""
        raw = os.fsencode(self.relative)
        return None if raw == self.path.encode() else raw


def readable_path(relative: str) -> str:
    r"""A path as it is stored and shown; bytes that are not UTF-8 as \xe9, so that different names stay different."""
    return os.fsencode(relative).decode("utf-8", "backslashreplace")


@dataclass
class FolderWalk:
    """One walk through a folder. Links are never followed: what they lead to is elsewhere, or is walked there."""

    root: Path
    skipped: int = 0  # files that are no sounds, and links to what is walked anyway
    problems: list[dict[str, str]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)  # folders, as readable paths: nobody knows what lies in them

    def files(self) -> Iterator[FoundFile]:
        folders = [""]
        while folders:
            folder = folders.pop()
            try:
                entries = sorted(os.scandir(self.root / folder), key=lambda entry: entry.name)
            except OSError as error:
                if isinstance(error, FileNotFoundError) and folder:
                    continue  # removed a moment ago
                self.unreadable.append(readable_path(folder))
                self.note(folder, f"the folder cannot be read: {error.strerror}")
                continue
            for entry in entries:
                relative = f"{folder}/{entry.name}" if folder else entry.name
                if entry.name.startswith("."):
                    continue
                if entry.is_symlink():
                    self.judge_link(relative)
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(relative)
                elif (found := self.look_at(entry, relative)) is not None:
                    yield found

    def look_at(self, entry: os.DirEntry[str], relative: str) -> FoundFile | None:
        if Path(entry.name).suffix.lower() not in AUDIO_SUFFIXES:
            self.skipped += 1
            return None
        if not entry.is_file(follow_symlinks=False):
            self.note(relative, "is not a regular file but a device, socket or pipe")
            return None
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self.note(relative, f"cannot be read: {error.strerror}")
            return None
        return FoundFile(relative, facts.st_size, facts.st_mtime_ns)

    def judge_link(self, relative: str) -> None:
        try:
            target = (self.root / relative).resolve(strict=True)
        except FileNotFoundError:
            self.note(relative, "a broken link: what it points to does not exist")
        except RuntimeError:  # what ELOOP becomes before Python 3.13
            self.note(relative, "a link that leads in a circle")
        except OSError as error:
            is_loop = error.errno == errno.ELOOP
            self.note(relative, "a link that leads in a circle" if is_loop else f"a link: {error.strerror}")
        else:
            self.judge_target(relative, target)

    def judge_target(self, relative: str, target: Path) -> None:
        root = self.root.resolve()
        if target == root or target in (root / relative).parents:
            self.note(relative, "a link that leads in a circle, to a folder above it")
        elif target.is_relative_to(root):
            self.skipped += 1
        elif target.is_dir() or Path(relative).suffix.lower() in AUDIO_SUFFIXES:
            self.note(relative, f"a link out of the library, to {target}; add that folder as a library of its own")
        else:
            self.skipped += 1

    def note(self, relative: str, reason: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append({"path": readable_path(relative) or ".", "reason": storable_text(reason)})
