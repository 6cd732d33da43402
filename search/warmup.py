"""What the first search would have to wait for, made ready beside everything else."""

from __future__ import annotations

import gc
import logging
from contextlib import suppress
from threading import Thread

from django.db import Error, connection
from threadpoolctl import threadpool_limits

from analysis.errors import AnalysisError
from catalog import engine
from search.errors import UnknownWords
from search.sync import current_index, current_moments
from search.text import meaning_of

logger = logging.getLogger(__name__)


def warm_in_background() -> Thread:
    thread = Thread(target=warm, name="warm-search", daemon=True)
    thread.start()
    return thread


def warm() -> None:
    """Load the text tower and the indexes. Where one cannot be had, search says so when it is asked."""
    threadpool_limits(limits=1, user_api="blas")  # for good: searches run beside each other, each of small products
    try:
        with suppress(UnknownWords):  # a model of few words; its tower is loaded all the same
            meaning_of("rain")
        model = engine.active_model()
        current_index(model)
        current_moments(model)
        # what is loaded now stays: half a million objects, which would be looked through in the midst of a search
        gc.collect()
        gc.freeze()
    except (AnalysisError, Error) as error:
        logger.warning("Search is not warm: %s", error)
    finally:
        connection.close()  # this thread's own, which nobody would close after it
