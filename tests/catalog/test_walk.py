"""A walk finds what may be sounds, follows no link, and says what it left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.walk import FolderWalk, FoundFile, readable_path


def walked(root: Path) -> tuple[list[str], dict[str, str]]:
    walk = FolderWalk(root)
    paths = [file.path for file in walk.files()]
    return sorted(paths), {problem["path"]: problem["reason"] for problem in walk.problems}


def test_sounds_are_found_by_suffix_and_hidden_files_are_not(root: Path) -> None:
    for name in ("a.WAV", "b/c.mp3", "b/notes.txt", ".hidden.wav", ".git/d.wav", "._a.wav"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()

    walk = FolderWalk(root)
    assert sorted(file.path for file in walk.files()) == ["a.WAV", "b/c.mp3"]
    assert walk.skipped == 1


def test_links_are_not_followed_and_the_reason_is_told(root: Path, tmp_path: Path) -> None:
    (root / "a.wav").touch()
    (root / "sub").mkdir()
    (tmp_path / "outside.wav").touch()
    (root / "broken.wav").symlink_to(root / "nothing.wav")
    (root / "outside.wav").symlink_to(tmp_path / "outside.wav")
    (root / "outside").symlink_to(tmp_path)
    (root / "circle").symlink_to(root / "circle")
    (root / "sub" / "up").symlink_to(root)
    (root / "again.wav").symlink_to(root / "a.wav")

    paths, problems = walked(root)

    assert paths == ["a.wav"]
    assert problems["broken.wav"].startswith("a broken link")
    assert problems["outside.wav"].startswith(f"a link out of the library, to {tmp_path / 'outside.wav'}")
    assert problems["circle"] == "a link that leads in a circle"
    assert problems["sub/up"] == "a link that leads in a circle, to a folder above it"
    assert set(problems) == {"broken.wav", "outside.wav", "outside", "circle", "sub/up"}


def test_a_pipe_is_no_sound(root: Path) -> None:
    os.mkfifo(root / "pipe.wav")
    assert walked(root) == ([], {"pipe.wav": "is not a regular file but a device, socket or pipe"})


@pytest.fixture
def ordinary_user(tmp_path: Path) -> Iterator[None]:
    """Root may read everything, so that nothing is closed to it."""
    if os.geteuid() != 0:
        yield
        return
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_a_folder_without_permission_is_told_and_the_walk_goes_on(root: Path, request: pytest.FixtureRequest) -> None:
    (root / "closed").mkdir()
    (root / "closed" / "a.wav").touch()
    (root / "open.wav").touch()
    (root / "closed").chmod(0)
    request.getfixturevalue("ordinary_user")

    assert walked(root) == (["open.wav"], {"closed": "the folder cannot be read: Permission denied"})


def test_bytes_that_are_not_utf8_stay_apart() -> None:
    assert readable_path(os.fsdecode(b"a\xe9.wav")) == r"a\xe9.wav"
    assert FoundFile(os.fsdecode(b"a\xe9.wav"), 1, 1).raw_path == b"a\xe9.wav"
    assert FoundFile("aé.wav", 1, 1).raw_path is None
