"""Search as a Django application."""

from __future__ import annotations

import sys

from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "search"

    def ready(self) -> None:
        if "config.wsgi" in sys.modules:  # the web process: a command or a worker loads only what it is asked for
            from search.warmup import warm_in_background  # models are known only now

            warm_in_background()
