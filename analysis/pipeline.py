"""The way of one sound: decode, measure, place by the model, and say what it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.acoustics import is_silent
from analysis.audio import DecodedAudio, decode
from analysis.checkpoints import ModelSource, resolve_model
from analysis.clap import AudioEncoder, TextEncoder, read_logit_scale
from analysis.errors import VocabularyError
from analysis.features import measure_features
from analysis.interpretation import MeasuredSound, SoundEmbeddings, interpret
from analysis.labels import (
    LabelSpace,
    cache_file,
    label_vectors,
    make_label_space,
    read_cached_vectors,
    scored_labels,
    write_cached_vectors,
)
from analysis.metadata import read_metadata
from analysis.profiles import DEFAULT_MODEL, AnalysisProfile, Profiles
from analysis.records import AcousticSummary, AudioAnalysisRecord, Provenance, SoundMetadata
from analysis.samples import Samples
from analysis.vocabulary import Vocabulary
from analysis.waveform import Peaks, measure_peaks
from analysis.windows import clip_bounds, window_samples, window_starts

__all__ = ["AnalyzedSound", "Analyzer", "MeasuredSound", "SoundEmbeddings"]

WINDOWS_READ_AT_ONCE = 256  # 2 s each: 98 MB
UNHEARD_DBFS = -80.0  # a stretch below it is not shown to the model: the noise of 16 bits has -98, a faint room -70


@dataclass(frozen=True, slots=True)
class AnalyzedSound:
    """What an analysis gives.

    Attributes
    ----------
    record : AudioAnalysisRecord
    embeddings : SoundEmbeddings
    waveform_peaks : Peaks
    content_hash : str
        SHA-256 of the mono samples at 48 kHz.
    """

    record: AudioAnalysisRecord
    embeddings: SoundEmbeddings
    waveform_peaks: Peaks
    content_hash: str


@dataclass(frozen=True, slots=True)
class _Heard:
    """One decoded file with all that does not depend on a profile."""

    audio: DecodedAudio
    file_name: str
    metadata: SoundMetadata
    facts: AcousticSummary
    peaks: Peaks
    elapsed_s: float


class Analyzer:
    """Analyzes sounds; think of it as a function from a file and a profile to a record that keeps its models loaded.

    One call at a time: it is not meant to be shared by threads that run at once.

    Parameters
    ----------
    profiles : Profiles
    vocabulary : Vocabulary
    models_dir : Path, optional
        Where `timbre model install` puts models.
    cache_dir : Path, optional
        Where label vectors are kept; nothing is kept where it is left out.
    model_override : str, optional
        What `default` stands for in profiles, in place of the usual model.
    """

    def __init__(
        self,
        *,
        profiles: Profiles,
        vocabulary: Vocabulary,
        models_dir: Path | None = None,
        cache_dir: Path | None = None,
        model_override: str | None = None,
    ) -> None:
        self.profiles = profiles
        self.vocabulary = vocabulary
        self._models_dir = models_dir
        self._cache_dir = cache_dir
        self._model_override = model_override or None
        self._sources: dict[tuple[str, str | None], ModelSource] = {}
        self._encoders: dict[Path, AudioEncoder] = {}
        self._spaces: dict[tuple[Path, str], LabelSpace] = {}

    def source(self, profile: str | AnalysisProfile) -> ModelSource:
        """Find the model that a profile runs on.

        Raises
        ------
        ModelUnavailable
            With what to do.
        UnknownProfile
        """
        profile = self._profile(profile)
        model_id = profile.model_id
        if model_id == DEFAULT_MODEL and self._model_override:
            model_id = self._model_override
        key = (model_id, profile.revision)
        if key not in self._sources:
            self._sources[key] = resolve_model(model_id, revision=profile.revision, models_dir=self._models_dir)
        return self._sources[key]

    def analyze(self, path: Path, profile: str | AnalysisProfile) -> AnalyzedSound:
        """Analyze a file with one profile.

        Parameters
        ----------
        path : Path
        profile : str or AnalysisProfile

        Returns
        -------
        AnalyzedSound

        Raises
        ------
        UnreadableAudio
            A permanent fact about the file, in words.
        ModelUnavailable
            The profile's model is not on this machine.
        UnknownProfile
        """
        return self.analyze_with(path, [profile])[0]

    def analyze_with(self, path: Path, profiles: Sequence[str | AnalysisProfile]) -> list[AnalyzedSound]:
        """Analyze a file with several profiles: it is decoded and measured once, each kind of window placed once.

        Parameters
        ----------
        path : Path
        profiles : sequence of str or AnalysisProfile

        Returns
        -------
        list of AnalyzedSound
            In the order of the profiles.

        Raises
        ------
        UnreadableAudio, ModelUnavailable, UnknownProfile
            As for `analyze`.
        """
        wanted = [self._profile(profile) for profile in profiles]
        encoders = [self.encoder(profile) for profile in wanted]  # no model, no work
        heard = self._hear(path)
        placed: dict[tuple[str, str, float, float], tuple[SoundEmbeddings, float]] = {}
        results = []
        for profile, encoder in zip(wanted, encoders, strict=True):
            key = (*_model_names(encoder), *_window_lengths(profile))
            if key not in placed:
                started = time.perf_counter()
                clips = [embeddings.clip for other, (embeddings, _) in placed.items() if other[:2] == key[:2]]
                embeddings = _place(heard, profile, encoder, clip=clips[0] if clips else None)
                placed[key] = embeddings, time.perf_counter() - started
            embeddings, elapsed_s = placed[key]
            measured = MeasuredSound(
                heard.file_name,
                heard.metadata,
                heard.facts,
                embeddings,
                len(heard.audio.samples),
                encoder.device,
                encoder.precision,
                round(heard.elapsed_s + elapsed_s, 3),
            )
            record = self.interpret(measured, profile)
            results.append(AnalyzedSound(record, embeddings, heard.peaks, heard.audio.content_hash))
        return results

    def interpret(self, measured: MeasuredSound, profile: str | AnalysisProfile) -> AudioAnalysisRecord:
        """Say what a measured sound is; no audio is read, and no model runs where label vectors are kept.

        Parameters
        ----------
        measured : MeasuredSound
            Embeddings by the profile's model, with the profile's windows.
        profile : str or AnalysisProfile

        Returns
        -------
        AudioAnalysisRecord

        Raises
        ------
        ValueError
            The embeddings are of another model or of other windows than the profile's.
        """
        profile = self._profile(profile)
        source = self.source(profile)
        embeddings = measured.embeddings
        got = (embeddings.model_id, embeddings.model_revision, embeddings.window_s, embeddings.hop_s)
        want = (source.key.model_id, source.key.revision, *_window_lengths(profile))
        if got[:2] != want[:2] or (profile.windowed and got[2:] != want[2:]):
            raise ValueError(f"want embeddings of (model, revision, window_s, hop_s) {want}, got {got}")
        provenance = Provenance(
            profile_name=profile.name,
            profile_fingerprint=profile.fingerprint,
            config_path=self.profiles.config_name,
            model_id=source.key.model_id,
            model_revision=source.key.revision,
            device=measured.device,
            precision=measured.precision,
            vocabulary_sha256=self.vocabulary.sha256,
            timbre_version=_version(),
            elapsed_s=measured.elapsed_s,
        )
        return interpret(
            measured, profile, space=self.label_space(profile), vocabulary=self.vocabulary, provenance=provenance
        )

    def encoder(self, profile: str | AnalysisProfile) -> AudioEncoder:
        """Give the audio tower of a profile's model, loaded once."""
        source = self.source(profile)
        if source.folder not in self._encoders:
            self._encoders[source.folder] = AudioEncoder(source)
        return self._encoders[source.folder]

    def label_space(self, profile: str | AnalysisProfile, *, renew: bool = False) -> LabelSpace:
        """Give the labels that a profile's model is asked about, with their vectors.

        Parameters
        ----------
        profile : str or AnalysisProfile
        renew : bool
            Compute the vectors even where they are kept.

        Returns
        -------
        LabelSpace

        Raises
        ------
        VocabularyError
            The model knows none of the labels.
        """
        profile = self._profile(profile)
        source = self.source(profile)
        template = profile.prompt_template or source.template
        key = (source.folder, template)
        if renew or key not in self._spaces:
            labels = scored_labels(self.vocabulary, source)
            if not labels:
                raise VocabularyError(f"model {source.key.model_id} knows no label of the vocabulary; choose another")
            path = self.label_cache(profile)
            vectors = None if renew or path is None else read_cached_vectors(path, len(labels))
            if vectors is None:
                vectors = label_vectors(labels, template, TextEncoder(source).encode)
                if path is not None:
                    write_cached_vectors(path, vectors)
            self._spaces[key] = make_label_space(labels, vectors, read_logit_scale(source))
        return self._spaces[key]

    def label_cache(self, profile: str | AnalysisProfile) -> Path | None:
        """Name the file that a profile's label vectors are kept in; None where nothing is kept."""
        profile = self._profile(profile)
        if self._cache_dir is None or self.vocabulary.is_custom:
            return None
        source = self.source(profile)
        return cache_file(self._cache_dir, source, profile.prompt_template or source.template, self.vocabulary)

    def _profile(self, profile: str | AnalysisProfile) -> AnalysisProfile:
        return profile if isinstance(profile, AnalysisProfile) else self.profiles.get(profile)

    def _hear(self, path: Path) -> _Heard:
        started = time.perf_counter()
        audio = decode(path)
        written = read_metadata(path, self.vocabulary.ucs)
        facts = audio.facts
        metadata = SoundMetadata(
            format=facts.format,
            codec=facts.codec,
            duration_s=round(facts.duration_s, 6),
            sample_rate_hz=facts.sample_rate_hz,
            channels=facts.channels,
            bit_depth=facts.bit_depth,
            n_samples=facts.n_samples,
            embedded=written.embedded,
            name_words=written.name_words,
            ucs_name=written.ucs_name,
            notes=list(audio.notes),
        )
        measured = measure_features(audio.samples, peak=audio.peak)
        peaks = measure_peaks(audio.samples)
        return _Heard(audio, _readable_name(path), metadata, measured, peaks, time.perf_counter() - started)


def _place(
    heard: _Heard, profile: AnalysisProfile, encoder: AudioEncoder, *, clip: npt.NDArray[np.float32] | None
) -> SoundEmbeddings:
    """Give the embeddings of a sound; a clip vector that another profile already has is not computed again."""
    samples = heard.audio.samples
    clip = _embed_clip(samples, encoder) if clip is None else clip
    window_s, hop_s = _window_lengths(profile)
    windows = np.zeros((0, encoder.dim), np.float16)
    if profile.windowed and is_silent(heard.facts):
        windows = np.zeros((len(window_starts(len(samples), window_s, hop_s)), encoder.dim), np.float16)
    elif profile.windowed and len(samples) <= window_samples(len(samples), window_s):
        windows = clip[None].astype(np.float16)  # the window is the clip
    elif profile.windowed:
        windows = _embed_windows(samples, encoder, window_s, hop_s)
    return SoundEmbeddings(*_model_names(encoder), window_s, hop_s, clip, windows)


def _embed_clip(samples: Samples, encoder: AudioEncoder) -> npt.NDArray[np.float32]:
    """Give the mean of the vectors of ten-second stretches, by their lengths; silent ones do not count.

    A recording with a long silent tail is then where its sound is, not halfway to silence.
    """
    total = np.zeros(encoder.dim)
    bounds = clip_bounds(len(samples))
    levels = [_mean_square(samples.read(start, stop)) for start, stop in bounds]
    audible = [level >= 10 ** (UNHEARD_DBFS / 10) for level in levels]
    chosen = [bound for bound, heard in zip(bounds, audible, strict=True) if heard] or bounds[:1]
    whole = [bound for bound in chosen if bound[1] - bound[0] == bounds[0][1] - bounds[0][0]]
    rest = [bound for bound in chosen if bound not in set(whole)]
    at_once = 16
    for group in [whole[at : at + at_once] for at in range(0, len(whole), at_once)] + [[bound] for bound in rest]:
        stretches = np.stack([samples.read(start, stop) for start, stop in group])
        total += encoder.embed_windows(stretches).sum(axis=0) * stretches.shape[1]
    return (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32)


def _embed_windows(samples: Samples, encoder: AudioEncoder, window_s: float, hop_s: float) -> npt.NDArray[np.float16]:
    """Give the vectors of sliding windows; silent ones keep zeros and are not shown to the model."""
    starts = window_starts(len(samples), window_s, hop_s)
    length = window_samples(len(samples), window_s)
    vectors = np.zeros((len(starts), encoder.dim), np.float16)
    for at in range(0, len(starts), WINDOWS_READ_AT_ONCE):
        part = starts[at : at + WINDOWS_READ_AT_ONCE]
        stretch = samples.read(int(part[0]), int(part[-1]) + length)
        windows = np.lib.stride_tricks.sliding_window_view(stretch, length)[part - part[0]]  # (n, n_samples)
        audible = np.einsum("ij,ij->i", windows, windows) / length >= 10 ** (UNHEARD_DBFS / 10)
        vectors[at : at + len(part)][audible] = encoder.embed_windows(windows[audible])
    return vectors


def _mean_square(samples: npt.NDArray[np.float32]) -> float:
    return float(np.mean(samples.astype(np.float64) ** 2))


def _window_lengths(profile: AnalysisProfile) -> tuple[float, float]:
    return (profile.window_s, profile.hop_s) if profile.windowed else (0.0, 0.0)


def _model_names(encoder: AudioEncoder) -> tuple[str, str]:
    return encoder.model.model_id, encoder.model.revision


def _readable_name(path: Path) -> str:
    """Give a file name as text; bytes that are not UTF-8 are shown as replacement characters."""
    return path.name.encode(errors="surrogateescape").decode(errors="replace")


@cache
def _version() -> str:
    try:
        return version("timbre")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
