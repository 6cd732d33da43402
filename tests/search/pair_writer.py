"""A process that writes twins without end and says which ones were committed: `python -m tests.search.pair_writer`.

Sounds come in twos whose vectors are nearly the same, so that each is found by the other one. A line "+ a b" says that
two were committed, "- a b" that they may be gone. Whatever happens to the database, it goes on.
"""

from __future__ import annotations

import sys
import time
from itertools import count

import django
import numpy as np
from django.db import Error, connection, transaction

django.setup()

from catalog import engine  # noqa: E402  # models are known only now
from catalog.models import Embedding, Library, Sound  # noqa: E402

DIM = 32
AT_ONCE = 1_500  # twins, before the single ones
PAUSE_S = 0.03


def write_twins(library: Library, numbers: range) -> list[tuple[int, int]]:
    """New sounds, committed when this returns."""
    model = engine.active_model()
    named = [f"{number}{which}.wav" for number in numbers for which in "ab"]
    randoms = np.random.default_rng(numbers.start)
    vectors = np.repeat(randoms.normal(size=(len(numbers), DIM)), 2, axis=0) + 0.01 * randoms.normal(size=DIM)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    with transaction.atomic():
        sounds = Sound.objects.bulk_create(
            Sound(library=library, path=name, file_name=name, size_bytes=1, modified_ns=1, state="analyzed")
            for name in named
        )
        Embedding.objects.bulk_create(
            Embedding(
                sound=sound,
                model_id=model.model_id,
                model_revision=model.revision,
                window_s=0,
                hop_s=0,
                dim=DIM,
                clip=vector.tobytes(),
                windows=b"",
            )
            for sound, vector in zip(sounds, vectors, strict=True)
        )
    ids = [sound.id for sound in sounds]
    return list(zip(ids[::2], ids[1::2], strict=True))


def say(sign: str, twins: list[tuple[int, int]]) -> None:
    sys.stdout.writelines(f"{sign} {one} {other}\n" for one, other in twins)
    sys.stdout.flush()


def main() -> None:
    library = Library.objects.create(name="Twins", root="/sounds/twins")
    written = write_twins(library, range(AT_ONCE))
    say("+", written)
    for number in count(AT_ONCE):
        try:
            new = write_twins(library, range(number, number + 1))
            say("+", new)
            written += new
            if number % 3 == 0:
                gone = written.pop(number % len(written))
                say("-", [gone])  # before: whether a removal was committed is not known when the database dies
                Sound.objects.filter(pk__in=gone).delete()
        except Error:
            connection.close()
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
