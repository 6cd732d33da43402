"""The makers of every kind of sound, a module per category of the vocabulary; importing this fills `KINDS`."""

from __future__ import annotations

from analysis.synth.kinds import (
    alerts,
    ambience,
    animals,
    background,
    impact,
    machinery,
    movement,
    music,
    textures,
    vehicles,
    voices,
    water,
    weather,
)

__all__ = [
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
]
