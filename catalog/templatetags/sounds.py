"""How facts of a sound are written in templates: times, numbers, icons, where its audio lies."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django import template
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analysis.errors import ModelUnavailable
from catalog import engine
from catalog.models import Sound

register = template.Library()

CONFIDENCE_MEANING = (
    "Confidence {percent}: the share that this label takes among all labels that were considered. "
    "It orders sounds; how often the label is right it tells only where the analysis was calibrated."
)


@register.simple_tag
@cache  # a row of a list has four of them
def icon(name: str) -> SafeString:
    return format_html(
        '<svg class="icon icon--{}" aria-hidden="true"><use href="{}#{}"/></svg>', name, static("icons.svg"), name
    )


@register.simple_tag(takes_context=True)
def nav_link(context: Context, text: str, url_name: str) -> SafeString:
    address = reverse(url_name)
    path = context["request"].path if "request" in context else ""
    is_catalog_page = path == "/" or path.startswith("/sounds/")
    is_current = is_catalog_page if address == "/" else path.startswith(address)
    return format_html('<a href="{}"{}>{}</a>', address, SafeString(' aria-current="page"' if is_current else ""), text)


@register.inclusion_tag("components/model_notice.html")
def model_notice() -> dict[str, object]:
    try:
        return {"is_starter": engine.active_source().is_starter}
    except ModelUnavailable as error:
        return {"problem": str(error)}


@register.inclusion_tag("components/confidence.html")
def confidence(sound: Sound) -> dict[str, object]:
    if sound.confidence is None:
        return {"percent": None}
    shown = percent(sound.confidence)
    return {
        "percent": shown,
        "width": percent_number(sound.confidence),
        "meaning": CONFIDENCE_MEANING.format(percent=shown),
    }


@register.filter
def original_address(sound: Sound) -> str:
    return reverse("api:sound-audio", args=[sound.pk])


@register.filter
def audio_address(sound: Sound) -> str:
    """What every browser plays: the file where it does, else a preview of it."""
    return f"{original_address(sound)}?preview=1"


@register.filter
def playable(sound: Sound) -> bool:
    """Whether there is something to play; what failed may be heard still where it could be read once."""
    return sound.state != Sound.State.MISSING and (sound.state != Sound.State.FAILED or bool(sound.peaks))


@register.filter
def folder(sound: Sound) -> str:
    """The folder inside its library; nothing for what lies at the root."""
    return sound.path.rpartition("/")[0]


@register.filter
def sentence(text: str) -> str:
    """A reason as a sentence of its own; what is said of a file, as "is empty", gets its subject."""
    text = text.strip()
    text = f"the file {text}" if text.startswith(("is ", "has ", "holds ", "cannot ", "ends ")) else text
    ended = text if text.endswith((".", "!", "?", "…")) else f"{text}."
    return ended[:1].upper() + ended[1:]


@register.filter
def clock(seconds: float | None) -> str:
    """Write 0:07.32 below a minute, 3:07 above, 1:02:45 from an hour on."""
    if seconds is None:
        return ""
    if round(seconds, 2) < 60:
        return f"0:{seconds:05.2f}"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


@register.filter
def moment(when: datetime) -> SafeString:
    """A time in UTC, which the browser turns into the reader's own."""
    return format_html('<time datetime="{}">{} UTC</time>', when.isoformat(), when.strftime("%Y-%m-%d %H:%M"))


@register.filter
def percent(fraction: float) -> str:
    return f"{100 * fraction:.0f} %"


@register.filter
def percent_number(fraction: float) -> str:
    return f"{100 * fraction:.1f}"


@register.filter
def number(value: float | None) -> str:
    """Write 2, not 2.0, and nothing for None."""
    return "" if value is None else f"{value:g}"
