"""The analysis library as the settings configure it: profiles, vocabulary and model, each loaded once a process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from django.conf import settings

from analysis.checkpoints import ModelKey, ModelSource, resolve_model
from analysis.profiles import DEFAULT_MODEL, Profiles, load_profiles
from analysis.starter import MODEL_ID as STARTER_ID
from analysis.vocabulary import Vocabulary, load_vocabulary

if TYPE_CHECKING:
    from analysis.clap import Embeddings, TextEncoder
    from analysis.pipeline import Analyzer
    from analysis.results import AnalyzedFile, AnalyzedSound, FailedFile

__all__ = [
    "STARTER_ID",
    "SharedAnalyzer",
    "SharedTextEncoder",
    "active_model",
    "active_source",
    "analyzer",
    "forget_text_encoders",
    "new_analyzer",
    "profile_source",
    "profiles",
    "text_encoder",
    "vocabulary",
]

_analyzer_lock = Lock()


@cache
def profiles() -> Profiles:
    return load_profiles(settings.PROFILES_PATH)


@cache
def vocabulary() -> Vocabulary:
    return load_vocabulary(settings.VOCABULARY_PATH)


@cache
def active_source() -> ModelSource:
    """The model that searches and, unless a profile names another, analyzes. Kept until the process ends: a model
    that is installed meanwhile must not change under it.
    """
    return resolve_model(settings.MODEL_OVERRIDE or DEFAULT_MODEL, models_dir=settings.MODELS_DIR)


def active_model() -> ModelKey:
    return active_source().key


def profile_source(name: str) -> ModelSource:
    """The model that a profile runs; raises UnknownProfile or ModelUnavailable, with what to do."""
    profile = profiles().get(name)
    if profile.model_id == DEFAULT_MODEL:
        return active_source()
    return resolve_model(profile.model_id, revision=profile.revision, models_dir=settings.MODELS_DIR)


class SharedAnalyzer:
    """The one analyzer of a process, which its threads use one after the other."""

    def __init__(self, analyzer: Analyzer) -> None:
        from analysis.engine import Engine

        self._analyzer = analyzer
        self._engine = Engine(analyzer)
        self._lock = Lock()

    def analyze(self, path: Path, profile: str) -> AnalyzedSound:
        """Analyze a file; raises what `analysis.pipeline.Analyzer.analyze` does."""
        with self._lock:
            return self._analyzer.analyze(path, profile)

    def analyze_many(self, paths: Iterable[Path], profile: str) -> Iterator[AnalyzedFile | FailedFile]:
        """Analyze files, as `analysis.engine.Engine.analyze` does; whoever comes meanwhile waits for the last one."""
        with self._lock:
            yield from self._engine.analyze(paths, profile)


def analyzer() -> SharedAnalyzer:
    with _analyzer_lock:  # two requests at once must not load two models
        return _analyzer()


@cache
def _analyzer() -> SharedAnalyzer:
    return SharedAnalyzer(new_analyzer())


def new_analyzer() -> Analyzer:
    """An analyzer of one's own; it loads nothing before it is asked for something."""
    from analysis.pipeline import Analyzer  # torch and its models: seconds that only who analyzes has to wait

    return Analyzer(
        profiles=profiles(),
        vocabulary=vocabulary(),
        models_dir=settings.MODELS_DIR,
        cache_dir=settings.CACHE_DIR,
        model_override=settings.MODEL_OVERRIDE or None,
        device=settings.DEVICE or None,
        backend=settings.BACKEND or None,
        calibration_dir=settings.CALIBRATION_DIR,
    )


class SharedTextEncoder:
    """The one text tower of a model in a process, for queries and for labels that somebody asks about."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._lock = Lock()  # one at a time: the tower uses all cores for one
        self.dim = encoder.dim

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Place texts, as `analysis.clap.TextEncoder.encode` does."""
        with self._lock:
            return self._encoder.encode(texts)


_text_encoders: dict[ModelKey, SharedTextEncoder] = {}
_text_encoders_lock = Lock()


def text_encoder(source: ModelSource) -> SharedTextEncoder:
    """The text tower of a model, loaded once a process; raises ModelUnavailable where it cannot be."""
    from analysis.clap import TextEncoder

    with _text_encoders_lock:  # whoever comes while the tower is being loaded waits for it
        if source.key not in _text_encoders:
            _text_encoders[source.key] = SharedTextEncoder(TextEncoder(source))
        return _text_encoders[source.key]


def forget_text_encoders() -> None:
    with _text_encoders_lock:
        _text_encoders.clear()
