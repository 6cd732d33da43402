"""Addresses of lists: every state of a list lies in its address, so a link is another address."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, QueryDict

PAGING = ("cursor", "limit")


@dataclass(frozen=True, slots=True)
class Address:
    """A path with a query; what is made from it begins at the first page again."""

    path: str
    query: QueryDict

    @classmethod
    def of(cls, request: HttpRequest) -> Address:
        return cls(request.path, request.GET).without(*PAGING)

    def __str__(self) -> str:
        return f"{self.path}?{self.query.urlencode()}" if self.query else self.path

    def having(self, name: str, value: str) -> Address:
        query = self.query.copy()
        query[name] = value
        return Address(self.path, query)

    def adding(self, name: str, value: str) -> Address:
        query = self.query.copy()
        query.appendlist(name, value)
        return Address(self.path, query)

    def without(self, *names: str) -> Address:
        query = self.query.copy()
        for name in names:
            query.pop(name, None)
        return Address(self.path, query)

    def removing(self, name: str, value: str) -> Address:
        """Without one of several values of a name."""
        kept = [other for other in self.query.getlist(name) if other.strip() != value]
        rest = self.without(name)
        rest.query.setlist(name, kept)
        return rest if kept else rest.without(name)

    def only(self, *names: str) -> Address:
        return self.without(*(name for name in self.query if name not in names))

    def at(self, path: str) -> Address:
        return Address(path, self.query)
