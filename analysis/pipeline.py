"""The way of one sound: decode, measure, place by the model, and say what it is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from analysis.acoustics import is_silent
from analysis.calibration import Calibration, calibration_for
from analysis.checkpoints import ModelSource, resolve_model
from analysis.clap import AudioEncoder, TextEncoder, read_logit_scale
from analysis.errors import VocabularyError
from analysis.hearing import Heard, hear
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
from analysis.placement import Placement, Windowing
from analysis.profiles import DEFAULT_MODEL, AnalysisProfile, Profiles
from analysis.records import AudioAnalysisRecord, Provenance
from analysis.results import AnalyzedSound
from analysis.version import timbre_version
from analysis.vocabulary import Vocabulary
from analysis.windows import window_spacing_s

__all__ = ["AnalyzedSound", "Analyzer", "MeasuredSound", "SoundEmbeddings"]

Placements = dict[AudioEncoder, Placement]


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
    device, backend : str, optional
        Where and by what models run; the best of this machine where left out.
    calibration_dir : Path, optional
        Where `timbre evaluate` keeps how sure each model may be; confidence is not calibrated where it is left out.
    """

    def __init__(
        self,
        *,
        profiles: Profiles,
        vocabulary: Vocabulary,
        models_dir: Path | None = None,
        cache_dir: Path | None = None,
        model_override: str | None = None,
        device: str | None = None,
        backend: str | None = None,
        calibration_dir: Path | None = None,
    ) -> None:
        self.profiles = profiles
        self.vocabulary = vocabulary
        self._models_dir = models_dir
        self._cache_dir = cache_dir
        self._model_override = model_override or None
        self._device = device or None
        self._backend = backend or None
        self._calibration_dir = calibration_dir
        self._calibrations: dict[tuple[Path, str, int | None], Calibration | None] = {}
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
        profile = self.profile(profile)
        model_id = profile.model_id
        if model_id == DEFAULT_MODEL and self._model_override:
            model_id = self._model_override
        key = (model_id, profile.revision)
        if key not in self._sources:
            self._sources[key] = resolve_model(model_id, revision=profile.revision, models_dir=self._models_dir)
        return self._sources[key]

    def analyze(self, path: Path, profile: str | AnalysisProfile) -> AnalyzedSound:
        """Analyze a file with one profile; `analysis.engine.Engine` is faster with many.

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
        wanted = [self.profile(profile) for profile in profiles]
        windowings = self.windowings(wanted)  # no model, no work
        heard = self.hear(path)
        placements = self.begin(heard, windowings)
        for placement in placements.values():
            for rows, features in placement.inputs():
                started = time.perf_counter()
                placement.put(rows, placement.encoder.embed_features(features))
                placement.elapsed_s += time.perf_counter() - started
        return self.finish(heard, wanted, placements)

    def hear(self, path: Path) -> Heard:
        """Decode and measure a file; several threads may do so at once.

        Raises
        ------
        UnreadableAudio
        """
        return hear(path, self.vocabulary.ucs)

    def windowings(self, profiles: Sequence[AnalysisProfile]) -> dict[AudioEncoder, list[Windowing]]:
        """Give the different models and windows that profiles need, each once.

        Raises
        ------
        ModelUnavailable
        """
        needed: dict[AudioEncoder, list[Windowing]] = {}
        for profile in profiles:
            windowings = needed.setdefault(self.encoder(profile), [])
            windowing = Windowing.of(profile)
            if windowing is not None and windowing not in windowings:
                windowings.append(windowing)
        return needed

    def begin(self, heard: Heard, windowings: Mapping[AudioEncoder, Sequence[Windowing]]) -> Placements:
        """Give what each model must hear of a sound."""
        silent = is_silent(heard.facts)
        return {
            encoder: Placement(heard.samples, encoder, each, is_silent=silent) for encoder, each in windowings.items()
        }

    def finish(self, heard: Heard, profiles: Sequence[AnalysisProfile], placements: Placements) -> list[AnalyzedSound]:
        """Say what a sound is by each profile, once all its vectors have come."""
        results = []
        for profile in profiles:
            placement = placements[self.encoder(profile)]
            windowing = Windowing.of(profile)
            embeddings = placement.embeddings(windowing)
            measured = MeasuredSound(
                heard.file_name,
                heard.metadata,
                heard.facts,
                embeddings,
                placement.n_samples,
                placement.encoder.device,
                placement.encoder.precision,
                round(heard.elapsed_s + placement.elapsed_s, 3),
                placement.encoder.backend,
            )
            results.append(
                AnalyzedSound(self.interpret(measured, profile), embeddings, heard.peaks, heard.content_hash)
            )
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
        profile = self.profile(profile)
        embeddings = measured.embeddings
        source = self.source(profile)
        got = (embeddings.model_id, embeddings.model_revision, embeddings.window_s, embeddings.hop_s)
        want = (source.key.model_id, source.key.revision, *_window_lengths(profile))
        if got[:2] != want[:2] or (profile.windowed and got[2:] != want[2:]):
            raise ValueError(f"want embeddings of (model, revision, window_s, hop_s) {want}, got {got}")
        calibration = self.calibration(profile)
        provenance = Provenance(
            profile_name=profile.name,
            profile_fingerprint=profile.fingerprint,
            config_path=self.profiles.config_name,
            model_id=source.key.model_id,
            model_revision=source.key.revision,
            device=measured.device,
            precision=measured.precision,
            backend=measured.backend,
            window_spacing_s=self._spacing_s(measured, profile),
            vocabulary_sha256=self.vocabulary.sha256,
            calibration=None if calibration is None else calibration.fingerprint,
            timbre_version=timbre_version(),
            elapsed_s=measured.elapsed_s,
        )
        return interpret(
            measured,
            profile,
            space=self.label_space(profile),
            vocabulary=self.vocabulary,
            provenance=provenance,
            calibration=calibration,
        )

    def calibration(self, profile: str | AnalysisProfile) -> Calibration | None:
        """Find what the confidence of a profile is calibrated with; None where nothing was fitted for its scores.

        Raises
        ------
        ConfigurationError
            It is kept in a file that cannot be read.
        """
        profile = self.profile(profile)
        source = self.source(profile)
        template = profile.prompt_template or source.template
        key = (source.folder, template, profile.top_k_categories)
        if self._calibration_dir is None:
            return None
        if key not in self._calibrations:
            self._calibrations[key] = calibration_for(self._calibration_dir, profile, source, self.vocabulary.sha256)
        return self._calibrations[key]

    def _spacing_s(self, measured: MeasuredSound, profile: AnalysisProfile) -> float | None:
        if not profile.windowed:
            return None
        n_windows = max(1, len(measured.embeddings.windows))
        return window_spacing_s(measured.n_samples, profile.window_s, profile.hop_s, max_windows=n_windows)

    def encoder(self, profile: str | AnalysisProfile) -> AudioEncoder:
        """Give the audio tower of a profile's model, loaded once."""
        source = self.source(profile)
        if source.folder not in self._encoders:
            self._encoders[source.folder] = AudioEncoder(
                source, device=self._device, backend=self._backend, cache_dir=self._cache_dir
            )
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
        profile = self.profile(profile)
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
        profile = self.profile(profile)
        if self._cache_dir is None or self.vocabulary.is_custom:
            return None
        source = self.source(profile)
        return cache_file(self._cache_dir, source, profile.prompt_template or source.template, self.vocabulary)

    def profile(self, profile: str | AnalysisProfile) -> AnalysisProfile:
        """Give the profile of a name, or the profile itself.

        Raises
        ------
        UnknownProfile
        """
        return profile if isinstance(profile, AnalysisProfile) else self.profiles.get(profile)


def _window_lengths(profile: AnalysisProfile) -> tuple[float, float]:
    return (profile.window_s, profile.hop_s) if profile.windowed else (0.0, 0.0)
