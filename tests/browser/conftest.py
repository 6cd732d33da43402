"""A real browser, a real library of two sounds, and a page that fails its test when the console shows an error."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from catalog.models import Library, Sound
from tests.catalog.conftest import empty_queue, small_engine, small_model  # noqa: F401
from tests.catalog.rows import add_heard

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",  # a microphone that beeps
    "--use-fake-ui-for-media-stream",  # and the permission to use it
]
RATE_HZ = 48_000
DURATION_S = 4.0

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright's sync API runs a loop in the thread of the test


@pytest.fixture(scope="session")
def browser(django_db_setup: None) -> Iterator[Browser]:
    """Gone before the database is: its open connections keep threads of the server alive, and those the database."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser found; looked for {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def errors() -> list[str]:
    """What the console complained of; a test that expects a complaint takes it out."""
    return []


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, empty_queue: None, errors: list[str]) -> Iterator[Page]:  # noqa: F811
    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    opened = browser.new_page(base_url=live_server.url, viewport={"width": 1440, "height": 900})
    opened.set_default_timeout(10_000)
    opened.on("console", note)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    opened.close()
    assert errors == []


@pytest.fixture
def library(transactional_db: None, tmp_path: Path) -> Library:
    return Library.objects.create(name="Field", root=str(tmp_path))


def write_noise(path: Path, *, subtype: str, rate: int = RATE_HZ) -> None:
    noise = np.random.default_rng(1).uniform(-0.2, 0.2, int(DURATION_S * rate))
    soundfile.write(path, noise, rate, subtype=subtype)


@pytest.fixture
def rain(library: Library, tmp_path: Path) -> Sound:
    """A sound whose file is there: four seconds of noise."""
    write_noise(tmp_path / "Track 18.wav", subtype="PCM_16")
    return add_heard(library, "Track 18.wav")


@pytest.fixture
def dog(library: Library) -> Sound:
    return add_heard(library, "SFX_final_2.wav", category="animals", label="dog bark", confidence=0.9)
