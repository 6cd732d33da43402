"""The vector of a sound, or of a part of one, that a query gives as an example."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.clap import ModelKey
from analysis.regions import END_SLACK_S, InvalidRegion
from catalog.heard import HeardVectors, stored_vectors
from catalog.models import Sound
from search.index import SoundIndex
from search.query.syntax import Like


class NoExample(LookupError):
    """A sound that cannot be an example; why, and what to do, in words."""


def check_region_of(sound: Sound, start_s: float | None, end_s: float | None) -> None:
    """Refuse a region that the sound does not have: raises InvalidRegion."""
    start = start_s or 0.0
    if start < 0:
        raise InvalidRegion(f"a region starts at 0 s or later, not at {start:g} s")
    if end_s is not None and end_s <= start:
        raise InvalidRegion(f"a region ends after its start; this one starts at {start:g} s and ends at {end_s:g} s")
    if sound.duration_s is not None and max(start, (end_s or 0.0) - END_SLACK_S) >= sound.duration_s:
        region = f"{start:g} s on" if end_s is None else f"{start:g} to {end_s:g} s"
        raise InvalidRegion(
            f"{sound.file_name} is {sound.duration_s:g} s long and has no region from {region}; give one inside it"
        )


def example_vector(like: Like, model: ModelKey, index: SoundIndex | None) -> NDArray[np.float32]:
    """Where the model places the sound of `like:ID`, or the windows of `like:ID@3.2-5`; raises NoExample."""
    if like.is_whole and index is not None:
        with index.steady():
            if like.sound_id in index:
                stored: NDArray[np.float32] = index.vectors([like.sound_id])[0]
                return stored
    sound = Sound.objects.filter(pk=like.sound_id).only("duration_s", "file_name").first()
    if sound is None:
        raise NoExample(f"There is no sound {like.sound_id}: it was left out.")
    heard = stored_vectors([like.sound_id], model).get(like.sound_id)
    if heard is None:
        raise NoExample(f"{sound.file_name} has not been analyzed with {model.model_id} yet: it was left out.")
    vector = heard.clip if like.is_whole else region_vector(heard, like, sound)
    if not vector.any():
        raise NoExample(f"{sound.file_name} is silent there: nothing sounds like it.")
    return vector


def region_vector(heard: HeardVectors, like: Like, sound: Sound) -> NDArray[np.float32]:
    """The mean direction (dim,) of the windows that lie in a region, or of the one nearest to it; raises NoExample."""
    start_s, end_s = like.start_s or 0.0, like.end_s if like.end_s is not None else sound.duration_s or 0.0
    if sound.duration_s is not None and start_s >= sound.duration_s:
        raise NoExample(f"{sound.file_name} is {sound.duration_s:g} s long; there is nothing at {start_s:g} s.")
    if not len(heard.windows):
        raise NoExample(f"{sound.file_name} was heard as a whole only: analyze it with a profile that has windows.")
    middles = heard.starts_s + heard.window_s / 2
    inside = (middles >= start_s) & (middles <= end_s)
    if not inside.any():
        inside[np.abs(middles - (start_s + end_s) / 2).argmin()] = True
    mean: NDArray[np.float32] = heard.windows[inside].sum(axis=0)
    return np.asarray(mean / (np.linalg.norm(mean) or 1.0), np.float32)
