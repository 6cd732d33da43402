"""What can go wrong between a vector and the index."""

from __future__ import annotations


class SearchError(Exception):
    """Root of the errors of search."""


class DimensionMismatch(SearchError, ValueError):
    """A vector of another length than the index holds."""


class NotFinite(SearchError, ValueError):
    """A vector with a value that is not a number."""


class UnknownId(SearchError, KeyError):
    """An id that the index does not hold."""

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownWords(SearchError, ValueError):
    """A query of which the model knows no word that says what to listen for."""


class UnusableIndex(SearchError):
    """Index files that cannot be trusted, and why: the rows are read instead."""


class AlreadyBuilding(SearchError):
    """Another process builds an index of this database right now."""


class BuildFailed(SearchError):
    """An index could not be built; what was there before still serves."""
