"""What people ask for, the same from a page, the API and the command line; what cannot be is a ValidationError."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from analysis.errors import ModelUnavailable, UnknownProfile
from analysis.profiles import DEFAULT_PROFILE
from catalog import engine, retag, store, tasks
from catalog.effective import newest_edits, refresh_sound
from catalog.models import Analysis, Edit, Library, Retagging, Run, Sound
from catalog.storable import storable_text

LONGEST_NAME = 200
LONGEST_DESCRIPTION = 2_000
LONGEST_TAG = 120
MAX_TAGS = 100
SYSTEM_FOLDERS = ("/proc", "/sys", "/dev", "/run")
REMOVABLE = "/run/media"  # where desktops mount drives


def add_library(root: str | Path, name: str | None = None, profile: str | None = None) -> Library:
    """Add a folder; one that is there already is given back, with another profile where one is named."""
    folder = checked_folder(root)
    chosen = checked_profile(profile or DEFAULT_PROFILE)
    wanted = storable_text(name or "").strip()
    if len(wanted) > LONGEST_NAME:
        raise ValidationError(f"A library's name has at most {LONGEST_NAME} characters.")
    known = Library.objects.filter(root=str(folder)).first()
    if known is not None:
        if wanted and wanted != known.name:
            raise ValidationError(f"The folder {folder} is in the catalog already, as {known.name!r}.")
        if profile and profile != known.profile:
            known.profile = chosen
            known.save(update_fields=["profile"])
        return known
    check_apart(folder)
    if wanted and Library.objects.filter(name=wanted).exists():
        raise ValidationError(f"There is a library {wanted!r} already; choose another name.")
    try:
        with transaction.atomic():
            return Library.objects.create(root=str(folder), name=wanted or free_name(folder), profile=chosen)
    except IntegrityError as error:
        raise ValidationError(f"The folder {folder} or the name was added a moment ago.") from error


def checked_folder(root: str | Path) -> Path:
    if "\0" in str(root) or not str(root).strip():
        raise ValidationError("Name a folder, as a full path on this machine.")
    try:
        path = Path(root).expanduser()
    except RuntimeError as error:
        raise ValidationError(f"{root} begins with the home of a user who is not on this machine.") from error
    if not path.is_absolute():
        raise ValidationError(f"{path} is not a full path; begin with {os.sep}")
    try:
        folder = path.resolve(strict=True)
        folder.joinpath(".").stat()
        if not folder.is_dir():
            raise ValidationError(f"{path} is a file; name the folder it lies in.")
        next(folder.iterdir(), None)
        str(folder).encode()
    except FileNotFoundError as error:
        raise ValidationError(f"There is no folder {path} on this machine.") from error
    except UnicodeEncodeError as error:
        raise ValidationError("The path of the folder itself has to be UTF-8; the names below it need not.") from error
    except (OSError, RuntimeError) as error:  # no permission, too long, links in a circle
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ValidationError(f"{path} cannot be read: {reason}") from error
    check_not_system(folder)
    return folder


def check_not_system(folder: Path) -> None:
    if folder == Path(folder.anchor):
        raise ValidationError(f"{folder} is the whole file system; name the folder that your sounds lie in.")
    inside = next((place for place in SYSTEM_FOLDERS if folder.is_relative_to(place)), None)
    if inside and not folder.is_relative_to(REMOVABLE):
        raise ValidationError(f"{folder} belongs to the system: nothing in {inside} is a sound. Name another folder.")


def check_apart(folder: Path) -> None:
    """A file must not be a sound of two libraries."""
    for name, root in Library.objects.values_list("name", "root"):
        if folder.is_relative_to(root):
            raise ValidationError(f"The folder {folder} lies in the library {name!r} ({root}), which has it already.")
        if Path(root).is_relative_to(folder):
            raise ValidationError(f"The folder {folder} holds the library {name!r} ({root}); remove that one first.")


def free_name(folder: Path) -> str:
    wanted = storable_text(folder.name or str(folder))[: LONGEST_NAME - 10]
    taken = set(Library.objects.filter(name__startswith=wanted).values_list("name", flat=True))
    names = (wanted if number == 1 else f"{wanted} ({number})" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def checked_profile(name: str) -> str:
    """A profile that is there and whose model is on this machine."""
    try:
        engine.profile_source(name)
    except (UnknownProfile, ModelUnavailable) as error:
        raise ValidationError(str(error)) from error
    return name


def start_scan(library: Library) -> Run:
    return tasks.start_scan(library)


def cancel(run: Run) -> Run:
    """Cancel a run; one that is finished stays as it is."""
    store.cancel_run(run)
    run.refresh_from_db()
    return run


def remove_library(library: Library) -> None:
    """Forget a library with all that is known of its sounds; the files stay where they are."""
    for run in library.runs.filter(state__in=store.OPEN):
        store.cancel_run(run)
    store.forget_library(library)


def analyze(sounds: QuerySet[Sound], profile: str, library: Library | None = None) -> Run:
    """Analyze sounds, again where they were; what is missing from its folder is left out."""
    there = sounds.exclude(state=Sound.State.MISSING)
    return tasks.start_analysis(there, checked_profile(profile), library=library)


@transaction.atomic
def apply_profile(sounds: QuerySet[Sound], profile: str, library: Library | None = None) -> Run:
    """Tell sounds with a profile: from stored vectors where they fit it, and the others by hearing them.

    The run is the re-tagging, which the analysis of the others follows, or that analysis where all have to be heard.
    Whatever the profile has told already, as it is now, is heard again: there is nothing else that could be asked for.
    """
    checked_profile(profile)
    settled = sounds.filter(state__in=(Sound.State.ANALYZED, Sound.State.MISSING))
    run = tasks.start_retag(retag.plan({profile: settled}), profile, library)
    if not run.total:
        run.delete()
        return analyze(sounds, profile, library)
    told = Retagging.objects.filter(run=run, sound_id=OuterRef("pk"))
    others = sounds.filter(~Exists(told)).exclude(state=Sound.State.MISSING)
    run.findings[retag.TO_BE_HEARD] = 0
    if others.exists():
        run.findings[retag.TO_BE_HEARD] = tasks.start_analysis(others, profile, library=library, follows=run).total
    run.save(update_fields=["findings"])
    return run


def retag_outdated(sounds: QuerySet[Sound]) -> Run:
    """Tell anew what was told with another vocabulary, or with a profile that has changed since."""
    return tasks.start_retag(retag.plan(retag.by_profile(sounds)))


def retry(sound: Sound) -> Run:
    """Try a sound once more, with the profile that was wanted of it."""
    profile = sound.wanted_profile or sound.library.profile
    one = Sound.objects.filter(pk=sound.pk)
    return tasks.start_analysis(one, checked_profile(profile), library=sound.library)


@transaction.atomic
def use_analysis(analysis: Analysis) -> Sound:
    """Let another analysis of its sound speak; people's edits stay above it."""
    sound = Sound.objects.select_for_update(of=("self",)).get(pk=analysis.sound_id)
    sound.current_analysis, sound.analyzed_at = analysis, analysis.created_at
    sound.save(update_fields=["current_analysis", "analyzed_at"])
    refresh_sound(sound)
    return sound


def edit_sound(
    sound: Sound,
    description: str | None = None,
    category: str | None = None,
    tags: Iterable[str] | None = None,
    *,
    withdraw: Iterable[str] = (),
    author: str = "",
) -> Sound:
    """Put a person's words over the analysis. None leaves a field as it is; an empty description or category, and what
    `withdraw` names, lets the analysis speak again; no tags at all is an edit like any other.
    """
    said: dict[str, object] = {}
    if description is not None:
        said[Edit.Field.DESCRIPTION] = checked_description(description) or None
    if category is not None:
        said[Edit.Field.CATEGORY] = checked_category(category) or None
    if tags is not None:
        said[Edit.Field.TAGS] = checked_tags(tags)
    said |= {Edit.Field(field): None for field in withdraw}
    return write_edits(sound, said, author=author)


@transaction.atomic
def write_edits(sound: Sound, said: Mapping[str, object], *, author: str) -> Sound:
    # The analysis in a query of its own: joined, it would be the one from before the wait for the lock, that is none
    locked = Sound.objects.select_for_update(of=("self",)).get(pk=sound.pk)
    before = newest_edits(locked)
    news = {field: value for field, value in said.items() if is_news(locked, field, value, before)}
    Edit.objects.bulk_create(Edit(sound=locked, field=field, value=news[field], author=author) for field in news)
    if news:
        refresh_sound(locked)
    return locked


def is_news(sound: Sound, field: str, value: object, before: Mapping[str, object]) -> bool:
    """Whether a value says something: what a form sends back as it was shown does not."""
    if value is None:
        return field in before
    return bool(value != getattr(sound, field))


def checked_description(text: str) -> str:
    cleaned = storable_text(" ".join(text.split()))
    if len(cleaned) > LONGEST_DESCRIPTION:
        raise ValidationError(f"A description has at most {LONGEST_DESCRIPTION} characters, not {len(cleaned)}.")
    return cleaned


def checked_category(name: str) -> str:
    cleaned = name.strip()
    known = [category.name for category in engine.vocabulary().categories]
    if cleaned and cleaned not in known:
        raise ValidationError(f"No category {cleaned!r}; there are: {', '.join(known)}")
    return cleaned


def checked_tags(tags: Iterable[str]) -> list[str]:
    cleaned = list(dict.fromkeys(storable_text(" ".join(tag.split())) for tag in tags if tag.strip()))
    too_long = next((tag for tag in cleaned if len(tag) > LONGEST_TAG), None)
    if too_long:
        raise ValidationError(f"A tag has at most {LONGEST_TAG} characters: {too_long[:40]}…")
    if len(cleaned) > MAX_TAGS:
        raise ValidationError(f"A sound has at most {MAX_TAGS} tags, not {len(cleaned)}.")
    return cleaned
