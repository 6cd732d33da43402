"""The small model that Timbre ships, and the code that trained it on synthesized sounds."""

from __future__ import annotations

from pathlib import Path

MODEL_ID = "timbre-starter"
MODEL_DIR = Path(__file__).parent / "model"
