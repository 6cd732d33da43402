"""The makers of every kind of sound, a module per category of the vocabulary; importing this fills `KINDS`."""

from __future__ import annotations

import importlib

CATEGORIES = (
    "alerts",
    "ambience",
    "animals",
    "background",
    "impact",
    "machinery",
    "movement",
    "music",
    "textures",
    "vehicles",
    "voices",
    "water",
    "weather",
)

for _category in CATEGORIES:
    importlib.import_module(f"analysis.synth.kinds.{_category}")
