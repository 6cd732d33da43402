"""What can go wrong in an analysis, one class for each decision the caller makes."""

from __future__ import annotations


class AnalysisError(Exception):
    """Root of the errors of this library."""


class UnreadableAudio(AnalysisError):
    """A permanent fact about a file: it holds no sound that can be read. Record it, do not retry."""


class ConfigurationError(AnalysisError):
    """Settings, vocabulary or arguments that somebody has to correct."""


class UnknownProfile(ConfigurationError):
    """A profile name that the configuration does not hold."""


class VocabularyError(ConfigurationError):
    """A vocabulary file that cannot be used."""


class InvalidRecord(AnalysisError):
    """A stored record that does not follow the schema."""


class ModelUnavailable(AnalysisError):
    """A model that is not on this machine, or that cannot be loaded."""


class CollapsedModel(ModelUnavailable):
    """A trained model whose text tower gives every text the same place."""
