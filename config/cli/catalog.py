"""`timbre ingest`, `search`, `similar` and `export`: the catalog from the command line, whether or not it is served."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from django.conf import settings
from django.http import QueryDict

from catalog import actions, engine
from catalog.browse import SoundFilters
from catalog.exports import FORMATS, stream_export
from catalog.models import Analysis, Library, Sound
from catalog.storable import storable_text
from catalog.stretches import stretch_of
from catalog.walk import readable_path
from config.cli.errors import WrongUse
from config.cli.one_line import told_in_one_line
from config.cli.progress import Outcome, wait_for_library
from config.cli.results import problem_lines, show_answer
from config.runtime import WorkerOnCall, database, live_workers
from config.supervisor import running_address
from search.answers import Answer
from search.query.parser import parse
from search.query.syntax import Like
from search.reading import Choices, refusal
from search.results import How, SearchResults
from search.search import search_sounds
from search.similar import similar_sounds, similar_to_audio
from search.sorting import BEST, SORTS

SOME_FAILED = 1


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--name", help="What to call the library; the folder's name where left out.")
@click.option("--profile", help="The analysis profile of the library.")
@click.option("--wait", is_flag=True, help="Stay until everything is analyzed.")
@click.option("--json", "as_json", is_flag=True, help="End with what happened, for scripts; implies --wait.")
@told_in_one_line
def ingest(*, folder: Path, name: str | None, profile: str | None, wait: bool, as_json: bool) -> None:
    """Add DIR to the catalog and analyze what is new or changed in it."""
    with database():
        library = actions.add_library(folder.resolve(), name=name, profile=profile)
        scan = actions.start_scan(library)
        if not (wait or as_json):
            click.echo(f"{library.name}: the scan is queued; {who_works()}")
            return
        with WorkerOnCall() as worker:
            outcome = wait_for_library(library, scan, worker)
    if as_json:
        click.echo(json.dumps(outcome.as_json(), ensure_ascii=False, indent=2))
    else:
        tell(library, outcome)
    if outcome.failed:
        raise SystemExit(SOME_FAILED)


def who_works() -> str:
    if running_address(settings.TIMBRE_HOME) or live_workers():
        return "a worker is at it"
    return "it waits for the next `timbre up`, or for this command with --wait"


def tell(library: Library, outcome: Outcome) -> None:
    for failure in outcome.failed:
        click.echo(f"{failure.path}: {failure.reason}", err=True)
    if outcome.analyzed or outcome.failed:
        done = f"{outcome.analyzed} analyzed, {outcome.skipped} unchanged, {len(outcome.failed)} failed"
        click.echo(f"{library.name}: {outcome.scanned} files, {done}")
    else:
        click.echo(f"{library.name}: nothing is new among {outcome.scanned} files")


@click.command()
@click.argument("query")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.option("--no-lexical", is_flag=True, help="By ear alone: names, tags and descriptions are not read.")
@click.option("--no-semantic", is_flag=True, help="By words alone.")
@click.option("--no-synonyms", is_flag=True, help="Only the words themselves, not others that mean the same.")
@click.option("--no-spelling", is_flag=True, help="The words as they are written, also where they stand nowhere.")
@click.option("--different", is_flag=True, help="Different ones first: no second take of what stands there already.")
@click.option("--sort", type=click.Choice(list(SORTS)), default=BEST, show_default=True)
@told_in_one_line
def search(*, query: str, limit: int, as_json: bool, different: bool, sort: str, **without: bool) -> None:
    """Find sounds that QUERY describes.

    Space is and, a comma is or, -x is not, "a b" is a phrase. dur:<10 cat:weather tag:rain lib:Field and others are
    fields; ~"words" is what is heard, -~words what is not to be heard, like:17 or like:17@3.2-5 a sound or a region
    as the example, and ^2 behind a part makes it count twice. Write -- before a QUERY that begins with a minus.
    """
    line = storable_text(query)
    if not line.strip():
        raise WrongUse('no words to search for; write `timbre search "heavy rain"`')
    if without["no_lexical"] and without["no_semantic"]:
        raise WrongUse("--no-lexical and --no-semantic together leave nothing to search with")
    choices = Choices(synonyms=not without["no_synonyms"], spelling=not without["no_spelling"])
    how = How(not without["no_lexical"], not without["no_semantic"], different, choices, sort)
    with database():
        show(search_sounds(line, limit=limit, how=how), as_json=as_json)


@click.command()
@click.argument("sound", metavar="SOUND|FILE")
@click.option("--region", metavar="START-END", help="Only like this part of it, in seconds: 3.2-5.0 or 12:41-12:44.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@told_in_one_line
def similar(*, sound: str, region: str | None, limit: int, as_json: bool) -> None:
    """Find sounds like SOUND (its number, path or name in the catalog), or like an audio FILE."""
    start_s, end_s = (None, None) if region is None else region_of(region)
    with database():
        found = sound_of(sound)
        if found is not None:
            show(similar_sounds(found, limit=limit, start_s=start_s, end_s=end_s), as_json=as_json)
        elif Path(sound).is_file():
            with stretch_of(Path(sound), start_s, end_s) as heard:
                show(similar_to_audio(heard, name=storable_text(Path(sound).name), limit=limit), as_json=as_json)
        else:
            raise WrongUse(f"{storable_text(sound)} is neither a sound of the catalog nor a file")


def region_of(said: str) -> tuple[float | None, float | None]:
    """Start and end as the language of queries has them behind `like:1@`."""
    query = parse(f"like:1@{said}", field_names=())
    match query.root.parts:
        case (Like(_, start_s, end_s),) if not query.problems:
            return start_s, end_s
    raise WrongUse(f"--region {said}: a region has a start and a later end in seconds, as in 3.2-5.0 or 12:41-12:44")


def sound_of(words: str) -> Sound | None:
    """The sound of this number, else the one that is this file, else the only one of this path or name."""
    sounds = Sound.objects.select_related("library")
    if words.isdecimal():
        return sounds.filter(pk=int(words)).first()
    file = Path(words).resolve()
    for library in Library.objects.all():
        if file.is_relative_to(library.root):
            path = readable_path(file.relative_to(library.root).as_posix())
            return sounds.filter(library=library, path=path).first()
    name = storable_text(words)
    matches = list(sounds.filter(path=name)[:2]) or list(sounds.filter(file_name=name)[:2])
    if len(matches) > 1:
        raise WrongUse(f"several sounds are called {words}; give the number of one, or its whole path")
    return matches[0] if matches else None


def show(found: SearchResults, *, as_json: bool) -> None:
    """Refuses a line of which nothing was understood: everything is no answer to it."""
    answer = Answer.of(found)
    if found.reading is not None and (message := refusal(found.reading)):
        lines = list(problem_lines(answer.parsed.query, answer.parsed.problems))
        raise WrongUse("\n".join(["nothing of this could be understood:", *lines]) if lines else message)
    if as_json:
        click.echo(answer.model_dump_json(indent=2))
    else:
        show_answer(answer)


@click.command()
@click.option("--format", "format_name", required=True, type=click.Choice(list(FORMATS)))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Standard output where left out.")
@click.option("--category")
@click.option("--tag", "tags", multiple=True, help="May be given several times; all of them are asked for.")
@click.option("--library", help="The name of a library.")
@click.option("--query", help="Words of the file name, description or tags.")
@click.option("--state")
@click.option("--profile")
@click.option("--min-confidence")
@click.option("--min-duration", help="Seconds.")
@click.option("--max-duration", help="Seconds.")
@told_in_one_line
def export(*, format_name: str, output: Path | None, tags: tuple[str, ...], **chosen: str | None) -> None:
    """Write the catalog, or the part of it that the filters choose."""
    with database():
        filters = SoundFilters.from_query(as_query(tags, chosen))
        refuse_unknown_names(filters)
        _, _, parts = stream_export(format_name, filters.apply(Sound.objects.all()))
        with opened(output) as write:
            for part in parts:
                write(part.encode() if isinstance(part, str) else part)


def refuse_unknown_names(filters: SoundFilters) -> None:
    """An export without rows is more likely a misspelt name than a wish; names of older settings are known too."""
    categories = {category.name for category in engine.vocabulary().categories}
    if filters.category and filters.category not in categories:
        kept = Sound.objects.exclude(category="").order_by().values_list("category", flat=True).distinct()
        refuse_unless_among("category", filters.category, categories.union(kept))
    profiles = set(engine.profiles().names)
    if filters.profile and filters.profile not in profiles:
        used = Analysis.objects.order_by().values_list("profile", flat=True).distinct()
        refuse_unless_among("profile", filters.profile, profiles.union(used))


def refuse_unless_among(what: str, name: str, names: set[str]) -> None:
    if name not in names:
        raise WrongUse(f"there is no {what} called {name}; there are: {', '.join(sorted(names))}")


def as_query(tags: tuple[str, ...], chosen: dict[str, str | None]) -> QueryDict:
    """The query string that the catalog page would have for these choices."""
    query = QueryDict(mutable=True)
    for name, value in chosen.items():
        if value is not None:
            query["q" if name == "query" else name] = str(library_called(value).pk) if name == "library" else value
    query.setlist("tag", list(tags))
    return query


def library_called(name: str) -> Library:
    found = Library.objects.filter(name=name).first()
    if found is None:
        names = ", ".join(Library.objects.values_list("name", flat=True)) or "none yet"
        raise WrongUse(f"there is no library called {name}; there are: {names}")
    return found


@contextmanager
def opened(output: Path | None) -> Iterator[Callable[[bytes], object]]:
    """Where the bytes go; a file appears under its name when it is whole."""
    if output is None:
        yield sys.stdout.buffer.write
        return
    unfinished = output.with_name(f".{output.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file.write
        unfinished.replace(output)
    except OSError as error:
        raise WrongUse(f"{output} cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
