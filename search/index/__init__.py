"""Indexes of vectors: what lies in files and never changes, what changed since in memory, and both searched as one."""

from __future__ import annotations

from search.index.base import Base
from search.index.entries import Entries
from search.index.exact import BITMAP_MAX_ID, VectorIndex
from search.index.moments import MomentIndex, Moments
from search.index.sounds import SoundIndex

__all__ = ["BITMAP_MAX_ID", "Base", "Entries", "MomentIndex", "Moments", "SoundIndex", "VectorIndex"]
