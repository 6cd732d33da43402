"""The analysis library as the settings configure it: profiles, vocabulary and model, each loaded once a process."""

from __future__ import annotations

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
    from analysis.pipeline import AnalyzedSound, Analyzer

__all__ = [
    "STARTER_ID",
    "SharedAnalyzer",
    "active_model",
    "active_source",
    "analyzer",
    "profile_source",
    "profiles",
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
        self._analyzer = analyzer
        self._lock = Lock()

    def analyze(self, path: Path, profile: str) -> AnalyzedSound:
        """Analyze a file; raises what `analysis.pipeline.Analyzer.analyze` does."""
        with self._lock:
            return self._analyzer.analyze(path, profile)


def analyzer() -> SharedAnalyzer:
    with _analyzer_lock:  # two requests at once must not load two models
        return _analyzer()


@cache
def _analyzer() -> SharedAnalyzer:
    from analysis.pipeline import Analyzer  # torch and its models: seconds that only who analyzes has to wait

    return SharedAnalyzer(
        Analyzer(
            profiles=profiles(),
            vocabulary=vocabulary(),
            models_dir=settings.MODELS_DIR,
            cache_dir=settings.CACHE_DIR,
            model_override=settings.MODEL_OVERRIDE or None,
        )
    )
