"""The fields that a query can name: what each of them asks of a sound, as a condition on its row."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import BooleanField, F, FloatField, Func, Q, TextField, Value
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce, Collate
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, In, LessThan, LessThanOrEqual
from django.utils import timezone

from analysis.records import AcousticSummary
from analysis.ucs import bundled_ucs
from catalog import engine
from catalog import field_values as values
from catalog.field_registry import BY_NAME, FIELDS, MEASURES, OF_RECORD, Measure, SearchField, choices_of, measure_of
from catalog.field_values import BadFieldValue, NotUnderstood
from catalog.lexical import text_condition
from catalog.models import FieldValue, Library, Sound
from catalog.storable import storable_text
from catalog.words import TextQuery

__all__ = [
    "FIELDS",
    "BadFieldValue",
    "Completion",
    "SearchField",
    "complete_value",
    "field",
    "field_condition",
    "field_names",
    "has_tag",
]

OPERATORS = ("=", "<", "<=", ">", ">=", "range")
MOST_NAMED = 12  # possible values in a message
NOTHING = Q(pk__in=[])
LONGEST_LEXEME = 2_000  # bytes, just under what Postgres takes; no tag is so long


@dataclass(frozen=True, slots=True)
class Completion:
    """A value that sounds have, and how many had it when they were counted last."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a query asks of a field."""

    field: SearchField
    operator: str
    value: str
    high: str


def field_names() -> frozenset[str]:
    """All names and aliases, in lower case."""
    return frozenset(BY_NAME)


def field(name: str) -> SearchField:
    """The field of a name or alias. Raises BadFieldValue."""
    found = BY_NAME.get(name.lower())
    if found is None:
        near = difflib.get_close_matches(name.lower(), BY_NAME, n=3)
        raise BadFieldValue(f"There is no field {name[:40]!r}{_or_one_of(near)}.")
    return found


def field_condition(name: str, operator: str, value: str, high: str = "") -> Q:
    """What a field asks of a sound. Sounds of which it is not known do not fit, nor are they left out where it is
    negated. Raises BadFieldValue.
    """
    asked_of = field(name)
    if operator not in OPERATORS:
        raise BadFieldValue(f"{name}: there is no {operator!r}; there are {' '.join(OPERATORS[:-1])} and 1..2.")
    try:
        asked = _Asked(asked_of, operator, values.checked_text(value), values.checked_text(high) if high else "")
        if asked_of.kind not in {"number", "count", "date"}:
            asked = _without_comparison(asked)
        return (_CONDITIONS.get(asked_of.name) or _BY_KIND[asked_of.kind])(asked)
    except NotUnderstood as error:
        shown = f" {value.strip()!r}" if str(error).startswith("is ") else ""
        raise BadFieldValue(f"{name}:{shown} {error}; write for example {asked_of.example}") from error


def _without_comparison(asked: _Asked) -> _Asked:
    """A name, which has no more and no less; a hyphen in it is no range."""
    if asked.operator == "range":
        return _Asked(asked.field, "=", f"{asked.value}-{asked.high}", "")
    if asked.operator != "=":
        raise NotUnderstood(f"cannot be compared by {asked.operator}")
    return asked


# Numbers


def _numbers(asked: _Asked) -> Q:
    measure = MEASURES.get(asked.field.name) or measure_of(asked.field)
    ends = (asked.value, asked.high) if asked.operator == "range" else None
    if asked.operator == "=":
        ends = values.split_range(asked.value)
    if ends:
        default_unit = values.unit_of(ends[1])
        low, high = sorted(_number(asked, end, measure, default_unit).value for end in ends)
        return _compared(measure, ">=", low) & _compared(measure, "<=", high)
    typed = _number(asked, asked.value, measure)
    if asked.operator != "=":
        return _compared(measure, asked.operator, typed.value)
    if not typed.step:
        return _compared(measure, ">=", typed.value) & _compared(measure, "<=", typed.value)
    low, high = round(typed.value - typed.step / 2, 12), round(typed.value + typed.step / 2, 12)
    return _compared(measure, ">=", low) & _compared(measure, "<", high)


def _number(asked: _Asked, text: str, measure: Measure, default_unit: str = "") -> values.Quantity:
    name = asked.field.name
    if name == "ch" and text.lower() in values.CHANNEL_NAMES:
        return values.Quantity(values.CHANNEL_NAMES[text.lower()], 0.0)
    typed = values.read_quantity(text, measure.units, default_unit)
    unit = values.unit_of(text) or default_unit
    if name == "sr" and not unit and 0 < typed.value < 1000:  # nobody means hertz
        typed = values.Quantity(typed.value * 1000, typed.step * 1000)
        unit = "k"
    if not measure.lowest <= typed.value <= measure.highest:
        hint = " or 60%" if name == "conf" else ""
        raise NotUnderstood(f"is outside of what it can be, {measure.lowest:.15g} to {measure.highest:.15g}{hint}")
    exact = asked.field.kind == "count" and typed.step == 1.0 and not (name == "sr" and unit in {"k", "khz"})
    return values.Quantity(typed.value, 0.0 if exact else typed.step)


def _compared(measure: Measure, operator: str, bound: float) -> Q:
    if measure.path.startswith(OF_RECORD):
        facts = KeyTransform("acoustic_summary", F("current_analysis__record"))
        number = Cast(KeyTextTransform(measure.path.removeprefix(OF_RECORD), facts), FloatField())
        lookup = {"<": LessThan, "<=": LessThanOrEqual, ">": GreaterThan, ">=": GreaterThanOrEqual}[operator]
        known = Func(number, template="(%(expressions)s) IS NOT NULL", output_field=BooleanField())
        return Q(known) & Q(lookup(number, bound))
    name = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}[operator]
    return Q(**{f"{measure.path}__isnull": False, f"{measure.path}__{name}": bound})


# Dates


def _dates(asked: _Asked) -> Q:
    ends = values.split_range(asked.value) if asked.operator == "=" and ".." in asked.value else None
    if asked.operator == "range" and len(asked.value) == 4 and len(asked.high) < 6:  # "2026-11", split at its hyphen
        return _dates(_Asked(asked.field, "=", f"{asked.value}-{asked.high}", ""))
    if asked.operator == "range":
        ends = asked.value, asked.high
    if ends:
        (low, _), (_, high) = sorted((_period(ends[0]), _period(ends[1])))
        return Q(created_at__gte=low, created_at__lt=high)
    age = values.read_age(asked.value)
    if age is not None:
        then = timezone.now() - age
        return Q(created_at__lt=then) if asked.operator in {">", ">="} else Q(created_at__gte=then)
    begin, end = _period(asked.value)
    return {
        "=": Q(created_at__gte=begin, created_at__lt=end),
        "<": Q(created_at__lt=begin),
        "<=": Q(created_at__lt=end),
        ">": Q(created_at__gte=end),
        ">=": Q(created_at__gte=begin),
    }[asked.operator]


def _period(text: str) -> tuple[object, object]:
    period = values.read_period(text)
    if period is None:
        raise NotUnderstood("is no date (2026-11-05, 2026-11, 2026, today) and no age (12h, 7d, 2w, 6m, 1y)")
    return period


# Names


def _words(asked: _Asked) -> Q:
    weights = {"name": "A", "folder": "C"}[asked.field.name]
    if asked.value.startswith("="):
        return text_condition(TextQuery.exact_word(asked.value, weights=weights))
    query = TextQuery.word(asked.value, weights=weights)
    if not query:
        raise NotUnderstood("is no word")
    return text_condition(query)


def _tags(asked: _Asked) -> Q:
    return has_tag(asked.value.removesuffix("*"), begins=asked.value.endswith("*"))


def has_tag(tag: str, *, begins: bool = False) -> Q:
    """Sounds with a tag, in any case, or with one that begins so; by the index of folded tags."""
    folded = values.plain(tag)
    if not folded:
        return ~Q(tags=[]) if begins else NOTHING
    if len(folded.encode()) > LONGEST_LEXEME:
        return NOTHING
    quoted = folded.replace("\\", "\\\\").replace("'", "''")
    wanted = Func(Value(f"'{quoted}'{':*' if begins else ''}"), template="(%(expressions)s)::tsquery")
    vector = Func(F("tags"), function="catalog_tag_vector", output_field=TextField())
    return Q(Func(vector, wanted, template="(%(expressions)s)", arg_joiner=" @@ ", output_field=BooleanField()))


def _categories(asked: _Asked) -> Q:
    known = [category.name for category in engine.vocabulary().categories]
    found = values.spellings(asked.value, dict.fromkeys([*known, *values.distinct("category")]))
    if found:
        return Q(category__in=found)
    of_ucs = values.spellings(asked.value, values.ucs_categories())
    if not of_ucs:
        raise _unknown(asked, [*known, *values.ucs_categories()], shown=known)
    return Q(cat_id__in=[cat_id for name in of_ucs for cat_id in values.ucs_categories()[name]])


def _subcategories(asked: _Asked) -> Q:
    found = values.spellings(asked.value, values.ucs_subcategories())
    if not found:
        raise _unknown(asked, values.ucs_subcategories())
    return Q(cat_id__in=[cat_id for name in found for cat_id in values.ucs_subcategories()[name]])


def _cat_ids(asked: _Asked) -> Q:
    found = values.cat_ids(asked.value)
    if not found:
        raise _unknown(asked, bundled_ucs())
    return Q(cat_id__in=found)


def _labels(asked: _Asked) -> Q:
    known = dict.fromkeys([*(label.name for label in engine.vocabulary().labels), *values.distinct("label")])
    found = values.spellings(asked.value, known)
    if not found:
        raise _unknown(asked, known)
    return Q(label__in=found)


def _libraries(asked: _Asked) -> Q:
    known = dict(Library.objects.values_list("name", "id"))
    found = values.spellings(asked.value, known)
    if not found:
        raise _unknown(asked, known, shown=list(known))
    return Q(library__in=[known[name] for name in found])


def _keys(asked: _Asked) -> Q:
    found = values.read_keys(asked.value.removesuffix("*"))
    if not found:
        raise NotUnderstood("is no key")
    return Q(key__in=found)


def _formats(asked: _Asked) -> Q:
    known = dict.fromkeys([*_counted("format"), asked.value.removeprefix(".").upper()])
    return Q(format__in=values.spellings(asked.value.removeprefix("."), known))


def _profiles(asked: _Asked) -> Q:
    known = dict.fromkeys([*engine.profiles().names, *_counted("profile")])
    found = values.spellings(asked.value, known)
    if not found:
        raise _unknown(asked, known, shown=list(known))
    return Q(profile__in=found)


def _states(asked: _Asked) -> Q:
    found = values.spellings(asked.value, Sound.State.values)
    if not found:
        raise _unknown(asked, Sound.State.values, shown=Sound.State.values)
    return Q(state__in=found)


def _choice_of_record(asked: _Asked) -> Q:
    choices = choices_of(AcousticSummary.model_fields[asked.field.name].annotation)
    found = values.spellings(asked.value, choices)
    if not found:
        raise _unknown(asked, choices, shown=choices)
    facts = KeyTransform("acoustic_summary", F("current_analysis__record"))
    said = Coalesce(KeyTextTransform(asked.field.name, facts), Value(""), output_field=TextField())
    return Q(In(said, found))  # what is not known is none of them, so that "not" finds it


def _flags(asked: _Asked) -> Q:
    flag = values.FLAGS.get(asked.value.lower())
    if flag is None:
        raise NotUnderstood("is neither yes nor no")
    if asked.field.name == "loop":
        return Q(is_loop=flag)
    usual = "true" if AcousticSummary.model_fields[asked.field.name].default else "false"  # it is not written then
    facts = KeyTransform("acoustic_summary", F("current_analysis__record"))
    said = Coalesce(KeyTextTransform(asked.field.name, facts), Value(usual), output_field=TextField())
    return Q(current_analysis__isnull=False) & Q(Exact(said, "true" if flag else "false"))


def _unknown(asked: _Asked, known: Iterable[str], shown: Iterable[str] = ()) -> BadFieldValue:
    """Names what there is: all of a few, else what is spelled nearly so."""
    names = list(shown)
    by_plain = {values.plain(name): name for name in known}
    near = [by_plain[one] for one in difflib.get_close_matches(values.plain(asked.value), by_plain, n=3, cutoff=0.6)]
    what = {"cat": "category", "sub": "subcategory", "lib": "library", "catid": "CatID"}.get(
        asked.field.name, asked.field.name.replace("_", " ")
    )
    more = " …" if len(names) > MOST_NAMED else ""
    there_are = f"; there are: {', '.join(names[:MOST_NAMED])}{more}" if names else ""
    advice = f"{_or_one_of(near)}{there_are}" or f"; write for example {asked.field.example}"
    return BadFieldValue(f"{asked.field.name}: there is no {what} {asked.value!r}{advice}")


def _or_one_of(near: Iterable[str]) -> str:
    names = list(near)
    return f"; did you mean {' or '.join(names)}?" if names else ""


_CONDITIONS: Mapping[str, Callable[[_Asked], Q]] = {
    "cat": _categories,
    "sub": _subcategories,
    "catid": _cat_ids,
    "label": _labels,
    "lib": _libraries,
    "key": _keys,
    "format": _formats,
    "profile": _profiles,
    "state": _states,
}
_BY_KIND: Mapping[str, Callable[[_Asked], Q]] = {
    "number": _numbers,
    "count": _numbers,
    "date": _dates,
    "words": _words,
    "tag": _tags,
    "flag": _flags,
    "choice": _choice_of_record,
}


# Completion


def complete_value(name: str, prefix: str, limit: int = 10) -> list[Completion]:
    """Values of a field that begin as was typed, the commonest first; as `catalog.dictionary` counted them last.
    Empty for fields that have too many, such as numbers. Raises BadFieldValue for an unknown field.
    """
    asked_of, wanted = field(name), values.plain(storable_text(prefix))
    known = FieldValue.objects.filter(field=asked_of.name)
    begun = known.filter(folded__startswith=wanted).order_by("-sounds", Collate("value", "C"))  # as Python sorts
    found = [Completion(*one) for one in begun.values_list("value", "sounds")[:limit]]
    if found or known.exists():
        return found
    possible = sorted(value for value in set(_possible(asked_of)) if values.plain(value).startswith(wanted))
    return [Completion(value, 0) for value in possible[:limit]]


def _counted(name: str) -> dict[str, int]:
    return dict(FieldValue.objects.filter(field=name).values_list("value", "sounds"))


def _possible(asked_of: SearchField) -> Iterable[str]:
    """Where nothing has been counted yet."""
    if asked_of.kind == "flag":
        return ("yes", "no")
    if asked_of.kind == "choice" and asked_of.name != "state":
        return choices_of(AcousticSummary.model_fields[asked_of.name].annotation)
    possible: Mapping[str, Callable[[], Iterable[str]]] = {
        "state": lambda: Sound.State.values,
        "cat": lambda: [category.name for category in engine.vocabulary().categories],
        "label": lambda: [label.name for label in engine.vocabulary().labels],
        "lib": lambda: Library.objects.values_list("name", flat=True),
        "key": lambda: values.KEYS,
        "profile": lambda: engine.profiles().names,
        "sub": values.ucs_subcategories,
        "catid": bundled_ucs,
        "added": lambda: ("today", "7d", "30d", "1y"),
        "ch": lambda: ("mono", "stereo", "5.1"),
    }
    return possible.get(asked_of.name, list)()
