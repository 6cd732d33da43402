"""How often a search finds what was meant: the queries of queries.csv over the demo library, and real sounds beside it.

`python -m benchmarks.queries [--recordings DIR] [--misses]` makes a database of its own in a temporary folder. In the
table a right answer is a label that was rendered into a sound, or a file name's pattern; `like:{label}` is a sound of
that label, which does not count as an answer itself.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

QUERIES = Path(__file__).with_name("queries.csv")
DEPTHS = (1, 5, 10)
WAYS = (("words", True, False), ("ears", False, True), ("both", True, True))
EXAMPLE = re.compile(r"\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A query and what it should find."""

    query: str
    operator: str
    right: frozenset[int]


def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory(prefix="timbre-queries-") as home:
        os.environ |= {"TIMBRE_HOME": home, "DJANGO_SETTINGS_MODULE": "config.settings", "TIMBRE_MODEL": starter()}
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        from config.runtime import database

        with database():
            asked = ingest(Path(home) / "demo", options.recordings)
            report(asked, misses=options.misses)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, help="folder of real sounds to search among as well")
    parser.add_argument("--misses", action="store_true", help="print each query that was missed in its first five")
    return parser.parse_args()


def starter() -> str:
    from analysis.starter import MODEL_ID

    return MODEL_ID


def ingest(demo: Path, recordings: Path | None) -> list[Asked]:
    from analysis.synth.demo import write_demo_library
    from catalog.dictionary import refresh_dictionary
    from catalog.models import Sound

    labels = {sound.path.as_posix(): sound.labels for sound in write_demo_library(demo)}
    for folder in filter(None, [demo, recordings]):
        take_in(folder)
    refresh_dictionary()
    sounds = list(Sound.objects.filter(state=Sound.State.ANALYZED).select_related("library"))
    names = {sound.pk: (sound.file_name, labels.get(sound.path, ())) for sound in sounds}
    with QUERIES.open(encoding="utf-8", newline="") as file:
        return [one for row in csv.DictReader(file) if (one := asked_of(row, names)) is not None]


def take_in(folder: Path) -> None:
    """Scan and analyze a folder, as `timbre ingest --wait` does."""
    from click.testing import CliRunner

    from config.cli.catalog import ingest as command

    done = CliRunner().invoke(command, [str(folder), "--wait", "--json"], catch_exceptions=False)
    say(f"{folder.name}: {' '.join(done.output.split())[:200]}")


def asked_of(row: dict[str, str], names: Mapping[int, tuple[str, Sequence[str]]]) -> Asked | None:
    """None where the library holds nothing that could be right."""
    right = matching(row["expected"], names)
    query, example = row["query"], EXAMPLE.search(row["query"])
    if example:
        examples = sorted(matching(example[1], names))
        if not examples:
            return None
        query, right = EXAMPLE.sub(str(examples[0]), query), right - {examples[0]}
    return Asked(query, row["operator"], frozenset(right)) if right else None


def matching(expected: str, names: Mapping[int, tuple[str, Sequence[str]]]) -> set[int]:
    wanted = expected.split("|")
    return {
        sound_id
        for sound_id, (name, labels) in names.items()
        if any(one in labels or ("*" in one and fnmatch(name, one)) for one in wanted)
    }


def report(asked: Sequence[Asked], *, misses: bool) -> None:
    from search.results import How
    from search.search import search_sounds

    hits: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for way, lexical, semantic in WAYS:
        for one in asked:
            found = search_sounds(one.query, limit=max(DEPTHS), how=How(lexical=lexical, semantic=semantic))
            place = next((at for at, hit in enumerate(found.hits) if hit.sound.pk in one.right), max(DEPTHS))
            hits[way][one.operator].append(place)
            if misses and way == "both" and place >= 5:
                first = [f"{hit.sound.file_name}: {hit.sound.label}" for hit in found.hits[:3]]
                say(f"missed: {one.query!r} ({one.operator}); first {first} {found.notice}")
    say(f"\n{len(asked)} queries; share with a right sound among the first 1, 5 and 10\n")
    say("| operator | queries | " + " | ".join(way for way, _, _ in WAYS) + " |")
    say("|---|---|" + "---|" * len(WAYS))
    for operator in dict.fromkeys(one.operator for one in asked):
        row = [shares(hits[way][operator]) for way, _, _ in WAYS]
        say(f"| {operator} | {len(hits['both'][operator])} | " + " | ".join(row) + " |")
    everything = [shares([place for places in hits[way].values() for place in places]) for way, _, _ in WAYS]
    say(f"| **all** | {len(asked)} | " + " | ".join(everything) + " |")


def shares(places: Sequence[int]) -> str:
    return " / ".join(f"{100 * sum(place < depth for place in places) / len(places):.0f}" for depth in DEPTHS)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
