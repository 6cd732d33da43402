"""The makers of every kind of sound, by where it comes from; importing this fills `KINDS`."""

from __future__ import annotations

import importlib

CATEGORIES = (
    "alerts",
    "ambience",
    "animals",
    "background",
    "bells",
    "birds",
    "household",
    "impact",
    "insects",
    "machinery",
    "movement",
    "music",
    "textures",
    "throats",
    "vehicles",
    "voices",
    "water",
    "weather",
)

for _category in CATEGORIES:
    importlib.import_module(f"analysis.synth.kinds.{_category}")
