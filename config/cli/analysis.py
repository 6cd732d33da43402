"""Commands that analyze without a catalog: analyze, batch, profile, vocab, validate."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from config.cli.engine import Choice, list_profiles, open_analyzer, told_in_one_line
from config.cli.errors import WrongUse

Command = TypeVar("Command", bound=Callable[..., Any])

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)

MODEL_OPTIONS = (
    click.option("--model", metavar="ID_OR_DIR", help="Use this model whatever the profile says: a name or a folder."),
    click.option(
        "--config", "config_path", type=FILE, envvar="TIMBRE_PROFILES", help="Profiles, in place of Timbre's."
    ),
    click.option(
        "--vocabulary", "vocabulary_path", type=FILE, envvar="TIMBRE_VOCABULARY", help="Labels, in place of Timbre's."
    ),
)

PROFILE_OPTIONS = (
    click.option("-p", "--profile", "profiles", metavar="P", multiple=True, help="Profile; may be given again."),
    click.option("--all-profiles", is_flag=True, help="Every profile there is."),
    click.option("--list-profiles", is_flag=True, is_eager=True, help="List the profiles and stop."),
)

OUTPUT_OPTIONS = (
    click.option("--markdown", is_flag=True, help="A Markdown page for each sound too."),
    click.option("--full", is_flag=True, help="Full records: labels, events, features, provenance."),
    click.option("--no-windowed", is_flag=True, help="No sliding windows: quicker, and no events."),
    click.option("--labels", metavar='"A, B"', help="Labels to choose among, in place of the vocabulary."),
    click.option("-q", "--quiet", is_flag=True, help="No progress and no summary."),
)


def with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def choice_of(settings: dict[str, Any]) -> Choice:
    names = ("profiles", "all_profiles", "model", "config_path", "vocabulary_path", "labels", "no_windowed")
    return Choice(**{name: settings[name] for name in names if name in settings})


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("-o", "--output", type=FOLDER, help="Write DIR/<profile>/json/... in place of printing.")
@with_options(*PROFILE_OPTIONS, *OUTPUT_OPTIONS, *MODEL_OPTIONS)
@told_in_one_line
def analyze(
    files: tuple[Path, ...],
    output: Path | None,
    list_profiles: bool,
    markdown: bool,
    full: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Analyze files without a catalog.

    Prints JSON: one record, or a list where there are several files or profiles. Exit codes: 0 done, 1 some sounds
    failed, 2 wrong use.
    """
    if list_profiles:
        print_profiles(choice_of(settings), as_json=False)
        return
    if not files:
        raise WrongUse("no file given; write `timbre analyze FILE...`, or `timbre batch DIR` for a folder")
    if markdown and output is None:
        raise WrongUse("--markdown needs a folder to write to; add -o DIR")
    sounds, problems = sort_out(files)  # before a model is looked for
    from config.cli.analyzing import AnalyzeJob, run_job, write_printed

    job = AnalyzeJob(
        open_analyzer(choice_of(settings)),
        sounds,
        output,
        full=full,
        markdown=markdown,
        quiet=quiet,
        problems=problems,
    )
    outcome = run_job(job, printed=write_printed if output is None else None)
    raise SystemExit(outcome.exit_code)


def sort_out(files: tuple[Path, ...]) -> tuple[list[Path], list[dict[str, str]]]:
    """Files that are there, each once, and what is wrong with the others."""
    from config.cli.analyzing import readable

    wrong = {file: reason for file in files if (reason := why_not_a_file(file))}
    sounds = [file for file in dict.fromkeys(files) if file not in wrong]
    problems = [{"path": readable(file), "reason": reason} for file, reason in wrong.items()]
    if not sounds:
        raise WrongUse("; ".join(f"{' '.join(problem['path'].split())} {problem['reason']}" for problem in problems))
    return sounds, problems


def why_not_a_file(path: Path) -> str:
    try:
        return "is a folder (`timbre batch DIR` analyzes one)" if stat.S_ISDIR(path.stat().st_mode) else ""
    except (FileNotFoundError, NotADirectoryError):
        return "is a link to nothing" if path.is_symlink() else "does not exist (check the path)"
    except OSError:
        return ""  # whoever opens it says what is wrong


@click.command()
@click.argument("folder", type=FOLDER, metavar="DIR", required=False)
@click.option("-o", "--output", type=FOLDER, default=Path("timbre-output"), show_default=True, help="Where to write.")
@with_options(*PROFILE_OPTIONS, *OUTPUT_OPTIONS)
@click.option("--catalog", is_flag=True, help="A Markdown catalog grouped by category (catalog.md).")
@click.option("--csv", "with_csv", is_flag=True, help="A table of all sounds (catalog.csv).")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N sounds.")
@with_options(*MODEL_OPTIONS)
@told_in_one_line
def batch(
    folder: Path | None,
    output: Path,
    list_profiles: bool,
    markdown: bool,
    full: bool,
    quiet: bool,
    catalog: bool,
    with_csv: bool,
    limit: int | None,
    **settings: Any,
) -> None:
    """Analyze a folder and its subfolders without a catalog.

    Writes DIR/<profile>/json/..., markdown/..., catalog.md, catalog.csv and batch_results.json. Exit codes: 0 done,
    1 some sounds failed, 2 wrong use.
    """
    if list_profiles:
        print_profiles(choice_of(settings), as_json=False)
        return
    if folder is None or not folder.is_dir():
        raise WrongUse(
            f"no folder {folder}; write `timbre batch DIR`" if folder else "no folder given; write `timbre batch DIR`"
        )
    from config.cli.analyzing import AnalyzeJob, find_sounds, run_job

    sounds, problems = find_sounds(folder, leave_out=output, limit=limit)
    job = AnalyzeJob(
        open_analyzer(choice_of(settings)),
        sounds,
        output,
        full=full,
        markdown=markdown,
        quiet=quiet,
        root=folder,
        problems=problems,
        with_csv=with_csv,
        with_catalog=catalog,
        with_results=True,
    )
    raise SystemExit(run_job(job).exit_code)


@click.group()
def profile() -> None:
    """List and inspect analysis profiles."""


@profile.command("list")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@with_options(*MODEL_OPTIONS[1:2])
@told_in_one_line
def profile_list(as_json: bool, **settings: Any) -> None:
    """List the profiles."""
    print_profiles(choice_of(settings), as_json=as_json)


@profile.command("inspect")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@with_options(*MODEL_OPTIONS[1:2])
@told_in_one_line
def profile_inspect(name: str, as_json: bool, **settings: Any) -> None:
    """Show all settings of a profile."""
    chosen = list_profiles(choice_of(settings)).get(name)
    shown = chosen.model_dump(mode="json") | {"fingerprint": chosen.fingerprint}
    if as_json:
        click.echo(json.dumps(shown, indent=2))
        return
    for key, value in shown.items():
        click.echo(
            f"{key:18} {'all' if key == 'top_k_categories' and value is None else '-' if value is None else value}"
        )


@click.group()
def vocab() -> None:
    """Check the vocabulary and fill its cache."""


@vocab.command("cache")
@click.option("--force", is_flag=True, help="Compute the vectors anew even where they are kept.")
@with_options(*PROFILE_OPTIONS[:2], *MODEL_OPTIONS)
@told_in_one_line
def vocab_cache(force: bool, **settings: Any) -> None:
    """Compute and keep the vectors of all labels, so that the first analysis need not."""
    session = open_analyzer(choice_of(settings))
    for chosen in session.profiles:
        path = session.analyzer.label_cache(chosen)
        kept = path is not None and path.exists() and not force
        space = session.analyzer.label_space(chosen, renew=force)
        done = "were kept already" if kept else "are kept now"
        model_id = session.analyzer.source(chosen).key.model_id
        click.echo(f"{chosen.name}: {len(space.labels)} labels of {model_id} {done} in {path}")


@vocab.command("check")
@with_options(*PROFILE_OPTIONS[:1], *MODEL_OPTIONS)
@told_in_one_line
def vocab_check(**settings: Any) -> None:
    """Check the vocabulary file and say what it holds and what the model knows of it."""
    from analysis.labels import scored_labels

    session = open_analyzer(choice_of(settings))
    vocabulary = session.analyzer.vocabulary
    for category in vocabulary.categories:
        count = sum(label.category == category.name for label in vocabulary.labels)
        click.echo(f"{category.name:12} {count:3} labels  {category.description}")
    without_ucs = [label.name for label in vocabulary.labels if label.ucs is None]
    click.echo(
        f"{len(vocabulary.labels)} labels in {len(vocabulary.categories)} categories; sha256 {vocabulary.sha256[:12]}"
    )
    click.echo(f"without a UCS CatID: {', '.join(without_ucs) or 'none'}")
    source = session.analyzer.source(session.profiles[0])
    click.echo(f"model {source.key.model_id} is asked about {len(scored_labels(vocabulary, source))} of them")


@click.command()
@click.option(
    "-i", "--input", "folder", type=FOLDER, required=True, help="Folder with records, as analyze and batch write."
)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@with_options(*MODEL_OPTIONS[2:])
@told_in_one_line
def validate(folder: Path, as_json: bool, **settings: Any) -> None:
    """Check written records against their schema and the vocabulary.

    Exit codes: 0 all are valid, 1 some are not, 2 wrong use.
    """
    from config.cli.engine import chosen_vocabulary
    from config.cli.validating import check_folder

    report = check_folder(folder, chosen_vocabulary(choice_of(settings)))
    if not report.checked:
        raise WrongUse(f"no records (*.json) in {folder}")
    if as_json:
        click.echo(json.dumps({"checked": report.checked, "problems": report.problems}, ensure_ascii=False, indent=2))
    else:
        for problem in report.problems:
            click.echo(f"{problem['path']}: {problem['problem']}")
        click.echo(f"{report.checked} records checked, {len(report.problems)} with problems")
    raise SystemExit(1 if report.problems else 0)


def print_profiles(choice: Choice, *, as_json: bool) -> None:
    profiles = list_profiles(choice)
    if as_json:
        rows = [each.model_dump(mode="json") | {"fingerprint": each.fingerprint} for each in profiles]
        click.echo(json.dumps(rows, indent=2))
        return
    click.echo(f"{'name':14} {'window':>7} {'hop':>6} {'least':>6} {'cat.':>5}  description")
    for each in profiles:
        window, hop = (f"{each.window_s:g} s", f"{each.hop_s:g} s") if each.windowed else ("-", "-")
        top = "all" if each.top_k_categories is None else str(each.top_k_categories)
        click.echo(f"{each.name:14} {window:>7} {hop:>6} {each.min_confidence:>6.2f} {top:>5}  {each.description}")


COMMANDS: tuple[click.Command, ...] = (analyze, batch, profile, vocab, validate)


@click.group()
def main() -> None:
    """Analysis without a catalog."""


for _command in COMMANDS:
    main.add_command(_command)

if __name__ == "__main__":
    main()
