"""Search results as a terminal shows them: how the line was read, what the best is worth, and the sounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from search.answers import Answer, Moment, Parsed, Problem, Result
from search.results import clock

BEFORE, AFTER = 50, 20
"""Characters of a line that are shown around a problem in it."""

VERDICTS = {
    "strong": "A strong match.",
    "fair": "A fair match.",
    "none": "No confident match by ear; the closest are:",
}


def show_answer(answer: Answer) -> None:
    """The sounds to standard output, and to standard error what there is to know about them."""
    for line in remarks(answer):
        click.echo(line, err=True)
    if not answer.results:
        click.echo("nothing found")
        return
    Console().print(results_table(answer.results))


def remarks(answer: Answer) -> Iterator[str]:
    yield from reading_lines(answer.parsed)
    if answer.notice:
        yield answer.notice
    if answer.verdict and answer.results:
        yield VERDICTS[answer.verdict]


def reading_lines(parsed: Parsed) -> Iterator[str]:
    """How a line was read, where that is not just as it stands there."""
    if parsed.read:
        yield f"Read as: {parsed.query}"
    for said in parsed.dropped:
        yield f'"{said}" was left out; give a sound with like: and its number.'
    for one in parsed.corrected:
        yield f'Nothing says "{one.typed}": looked up "{one.instead}" (--no-spelling looks up what you wrote).'
    for also in parsed.also:
        others = ", ".join(also.others)
        yield f'For "{also.words}" also looked up {others} (--no-synonyms does not).'
    yield from problem_lines(parsed.query, parsed.problems)


def problem_lines(query: str, problems: Sequence[Problem]) -> Iterator[str]:
    """Each problem under the place that it is about."""
    for problem in problems:
        first, last = max(0, problem.start - BEFORE), problem.end + AFTER
        before = ("…" if first else "") + shown(query[first : problem.start])
        wrong = shown(query[problem.start : problem.end])[:AFTER]
        after = "" if len(wrong) == AFTER else shown(query[problem.end : last]) + ("…" if last < len(query) else "")
        yield f"  {before}{wrong}{after}"
        yield f"  {' ' * cell_len(before)}{'^' * max(1, cell_len(wrong))}"
        yield f"  {problem.message}"


def shown(text: str) -> str:
    """Text in which nothing moves the cursor."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def results_table(results: Sequence[Result]) -> Table:
    has_moments = any(result.moment for result in results)
    columns = ["", "sound", *(["at"] if has_moments else []), "description", "why"]
    table = Table(*columns, box=None)
    for result in results:
        cells = [str(result.id), result.path, *([time_of(result.moment)] if has_moments else [])]
        cells += [result.short_description, "; ".join(result.why)]
        table.add_row(*(Text(shown(cell)) for cell in cells))
    return table


def time_of(moment: Moment | None) -> str:
    return f"{clock(moment.start_s)}-{clock(moment.end_s)}" if moment else ""
