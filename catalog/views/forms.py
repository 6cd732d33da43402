"""What people send from the pages, checked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

from analysis.profiles import DEFAULT_PROFILE
from catalog import engine
from catalog.browse import InvalidFilters, SoundFilters
from catalog.models import Sound
from catalog.views.listing import in_words

LONGEST_ID = 19  # digits of what a bigint can hold


def profile_choices() -> list[tuple[str, str]]:
    return [(name, name) for name in engine.profiles().names]


def category_choices() -> list[tuple[str, str]]:
    return [("", "none"), *((category.name, category.name) for category in engine.vocabulary().categories)]


class SelectionForm(forms.Form):
    """Which sounds are meant: those that are checked, or all that the filters of the list leave."""

    scope = forms.ChoiceField(choices=[("selected", "Selected"), ("filter", "All of the filter")])
    filters = forms.CharField(required=False)

    def chosen(self) -> QuerySet[Sound]:
        if not self.is_valid():
            raise forms.ValidationError([text for texts in self.errors.values() for text in texts])
        if self.cleaned_data["scope"] == "filter":
            return filtered_sounds(self.cleaned_data["filters"])
        numbers = self.data.getlist("id") if isinstance(self.data, QueryDict) else []
        ids = [int(number) for number in numbers if number.isdecimal() and len(number) < LONGEST_ID]
        if not ids:
            raise forms.ValidationError("No sound is selected.")
        return Sound.objects.filter(pk__in=ids)


def filtered_sounds(query: str) -> QuerySet[Sound]:
    try:
        return SoundFilters.from_string(query).apply(Sound.objects.all())
    except InvalidFilters as error:
        raise forms.ValidationError(in_words(error)) from error


class LibraryForm(forms.Form):
    root = forms.CharField(max_length=4096, strip=True)
    profile = forms.CharField(widget=forms.Select, initial=DEFAULT_PROFILE)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        profile = self.fields["profile"].widget
        profile.attrs["id"] = "library-profile"
        profile.choices = profile_choices()


class EditForm(forms.Form):
    """A person's own words over those of the analysis; only what was changed becomes an edit."""

    description = forms.CharField(required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    category = forms.ChoiceField(required=False, choices=category_choices)
    tags = forms.CharField(required=False, max_length=4000, help_text="separated by commas")

    @classmethod
    def of(cls, sound: Sound, data: Any = None) -> EditForm:
        initial = {"description": sound.description, "category": sound.category, "tags": ", ".join(sound.tags)}
        form = cls(data, initial=initial)
        category = form.fields["category"]
        if sound.category and sound.category not in dict(category_choices()):
            category.choices = [*category_choices(), (sound.category, sound.category)]  # type: ignore[attr-defined]
        return form

    def clean_description(self) -> str:
        return " ".join(self.cleaned_data["description"].split())

    def edits(self) -> dict[str, Any]:
        """The fields that differ from what was shown, as `actions.edit_sound` takes them."""
        changed = {name: self.cleaned_data[name] for name in self.changed_data}
        if "tags" in changed:
            changed["tags"] = split_tags(changed["tags"])
        return changed


def split_tags(text: str) -> list[str]:
    tags = (" ".join(tag.split()) for tag in text.split(","))
    return list(dict.fromkeys(tag for tag in tags if tag))
