"""The folder of Timbre's own files where the environment names none, and what lies in it; no Django is needed."""

from __future__ import annotations

from pathlib import Path

DEFAULT_HOME = Path("~/.local/share/timbre").expanduser()
MODELS, CACHE, CALIBRATION, LOGS = "models", "cache", "calibration", "logs"  # folders in a home
