"""A model asked what the sounds of a data set are, and how right it was: zero-shot, with several sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.checkpoints import ModelSource
from analysis.clap import TextEncoder, read_logit_scale
from analysis.errors import ConfigurationError
from analysis.evaluation.datasets import Dataset, clean_label, match_labels
from analysis.evaluation.fitting import METHODS, FittedCalibration, Method, ScoredBy, fit_calibration, why_not_fitted
from analysis.evaluation.metrics import Answers, Indices, LabelResult, Metrics, measure_answers, measure_labels
from analysis.evaluation.vectors import PlacedSounds, Unplaced
from analysis.labels import label_vectors, make_label_space, score_labels, scored_labels
from analysis.pipeline import Analyzer
from analysis.profiles import AnalysisProfile
from analysis.vocabulary import Label, custom_vocabulary

Against = Literal["dataset", "vocabulary"]

CANONICAL_TEMPLATES = (
    "This is a sound of {}.",  # LAION-AI/CLAP, zero-shot evaluation
    "This is a sound of {}",  # LAION-AI/CLAP, README and retrieval; MAEB
    "this is the sound of {}",  # microsoft/CLAP, examples
    "The sound of {} can be heard.",  # GLAP, README
    "{}",  # Olvera et al., arXiv:2409.13676: a clean label alone competes with sentences
)


@dataclass(frozen=True, slots=True)
class Protocol:
    """How to ask.

    Attributes
    ----------
    templates : tuple of str
        Sentences around a label; labels, confusions and calibration are those of the first. None given is the
        model's own and the canonical ones.
    against : str
        What competes: the labels of the data set, in its own words, or all labels of the vocabulary with their
        prompts, scored in two stages as an analysis does.
    raw_labels : bool
        Leave underscores in labels, as the published figures of MAEB do.
    """

    templates: tuple[str, ...] = ()
    against: Against = "dataset"
    raw_labels: bool = False


@dataclass(frozen=True, slots=True)
class TemplateResult:
    """How right a model is with one sentence; `folds` holds each part of the data set by itself, by its name."""

    template: str
    metrics: Metrics
    folds: dict[str, Metrics]


@dataclass(frozen=True, slots=True)
class Facts:
    """All that somebody needs to make the figures again."""

    dataset: str
    layout: str
    n_sounds: int
    n_labels: int
    against: Against
    raw_labels: bool
    model_id: str
    model_revision: str
    own_template: str
    device: str
    precision: str
    backend: str
    profile: str
    top_k_categories: int | None
    vocabulary_sha256: str
    data_fingerprint: str
    timbre_version: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcome of one evaluation.

    Attributes
    ----------
    facts : Facts
    templates : tuple of TemplateResult
        In the order they were asked for.
    labels : tuple of LabelResult
        Of the first template, as are `answers` and `calibrations`.
    answers : Answers
    paths : tuple of str
        Of the sounds of `answers`.
    calibrations : dict of str to FittedCalibration
        By method; empty where `no_calibration` says why.
    no_calibration : str
    failed : tuple of Unplaced
        Files that cannot be read.
    left_out : tuple of str
        Sounds and labels that take no part, with the reason.
    """

    facts: Facts
    templates: tuple[TemplateResult, ...]
    labels: tuple[LabelResult, ...]
    answers: Answers
    paths: tuple[str, ...]
    calibrations: dict[Method, FittedCalibration]
    no_calibration: str
    failed: tuple[Unplaced, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Contest:
    """The labels that compete, and which of them each sound is; -1 where none of them."""

    labels: tuple[Label, ...]
    truth: tuple[int, ...]
    vocabulary_sha256: str
    top_k: int | None
    left_out: tuple[str, ...]


def evaluate(
    dataset: Dataset,
    placed: PlacedSounds,
    analyzer: Analyzer,
    profile: AnalysisProfile,
    protocol: Protocol,
    *,
    timbre_version: str,
) -> Evaluation:
    """Measure how right a model is on a data set.

    Parameters
    ----------
    dataset : Dataset
    placed : PlacedSounds
        Its sounds, by the profile's model.
    analyzer : Analyzer
    profile : AnalysisProfile
    protocol : Protocol
    timbre_version : str
        For the report.

    Returns
    -------
    Evaluation

    Raises
    ------
    ConfigurationError
        No sound could be read, none has a label that competes, or a template without one place for the label.
    ModelUnavailable
    """
    source = analyzer.source(profile)
    templates = check_templates(protocol.templates) or usual_templates(source)
    contest = _contest(placed, analyzer, source, profile, protocol)
    takes_part = np.asarray(contest.truth, dtype=np.int64) >= 0
    if not takes_part.any():
        raise ConfigurationError("; ".join(contest.left_out) or "no sound of the data set could be read")
    heard = placed.part(takes_part)
    truth = np.asarray(contest.truth, dtype=np.int64)[takes_part]
    answers = list(_ask(heard, truth, contest, source, templates))
    facts = _facts(dataset, heard, contest, source, profile, protocol, timbre_version)
    calibrations, why_not = _calibrations(answers[0], heard, source, templates[0], facts)
    folds = [sound.fold for sound in heard.sounds]
    return Evaluation(
        facts=facts,
        templates=tuple(_measured(*each, folds) for each in zip(templates, answers, strict=True)),
        labels=tuple(measure_labels(answers[0])),
        answers=answers[0],
        paths=tuple(str(sound.path) for sound in heard.sounds),
        calibrations=calibrations,
        no_calibration=why_not,
        failed=placed.failed,
        left_out=(*dataset.left_out, *contest.left_out),
    )


def usual_templates(source: ModelSource) -> tuple[str, ...]:
    """List the model's own sentence and the canonical ones, each once."""
    return tuple(dict.fromkeys((source.template, *CANONICAL_TEMPLATES)))


def check_templates(templates: Sequence[str]) -> tuple[str, ...]:
    """Give templates, each once.

    Raises
    ------
    ConfigurationError
        One of them has not exactly one place for the label.
    """
    for template in templates:
        if template.count("{}") != 1 or template.count("{") != 1 or template.count("}") != 1:
            raise ConfigurationError(f"a template needs one {{}} for the label and no other brace, got {template!r}")
    return tuple(dict.fromkeys(templates))


def _contest(
    placed: PlacedSounds, analyzer: Analyzer, source: ModelSource, profile: AnalysisProfile, protocol: Protocol
) -> _Contest:
    names = [sound.label if protocol.raw_labels else clean_label(sound.label) for sound in placed.sounds]
    if protocol.against == "dataset":
        return _contest_of_own(names)
    labels = scored_labels(analyzer.vocabulary, source)
    index = {label.name: place for place, label in enumerate(labels)}
    matched = match_labels(sorted(set(names)), labels)
    truth = tuple(index[matched[name]] if name in matched else -1 for name in names)
    left_out = tuple(
        f"{names.count(name)} sounds of {name!r}: the model is asked about no label of that name or synonym"
        for name in sorted(set(names) - matched.keys())
    )
    return _Contest(labels, truth, analyzer.vocabulary.sha256, profile.top_k_categories, left_out)


def _contest_of_own(names: list[str]) -> _Contest:
    """Let the data set's own labels compete; in other letters, as `Dog` and `dog`, one is the same label."""
    spaced = [" ".join(name.split()) for name in names]
    spelled = {name.casefold(): name for name in sorted(set(spaced), reverse=True) if name}
    left_out = (f"{spaced.count('')} sounds: their label holds no word",) if "" in spaced else ()
    if not spelled:
        return _Contest((), (-1,) * len(names), "", None, left_out)
    own = custom_vocabulary(sorted(spelled.values()))
    index = {label.name.casefold(): place for place, label in enumerate(own.labels)}
    return _Contest(own.labels, tuple(index.get(name.casefold(), -1) for name in spaced), own.sha256, None, left_out)


def _ask(
    placed: PlacedSounds, truth: Indices, contest: _Contest, source: ModelSource, templates: Sequence[str]
) -> Iterator[Answers]:
    encoder = TextEncoder(source)
    scale = read_logit_scale(source)
    names = tuple(label.name for label in contest.labels)
    for template in templates:
        vectors = label_vectors(contest.labels, template, encoder.encode)
        scores = score_labels(placed.clips, make_label_space(contest.labels, vectors, scale), top_k=contest.top_k)
        yield Answers(names, truth, scores, placed.clips @ vectors.T)


def _facts(
    dataset: Dataset,
    placed: PlacedSounds,
    contest: _Contest,
    source: ModelSource,
    profile: AnalysisProfile,
    protocol: Protocol,
    timbre_version: str,
) -> Facts:
    return Facts(
        dataset=dataset.name,
        layout=dataset.layout,
        n_sounds=len(placed.sounds),
        n_labels=len(contest.labels),
        against=protocol.against,
        raw_labels=protocol.raw_labels,
        model_id=source.key.model_id,
        model_revision=source.key.revision,
        own_template=source.template,
        device=placed.device,
        precision=placed.precision,
        backend=placed.backend,
        profile=profile.name,
        top_k_categories=contest.top_k,
        vocabulary_sha256=contest.vocabulary_sha256,
        data_fingerprint=placed.fingerprint,
        timbre_version=timbre_version,
    )


def _calibrations(
    answers: Answers, placed: PlacedSounds, source: ModelSource, template: str, facts: Facts
) -> tuple[dict[Method, FittedCalibration], str]:
    """Fit every method; parts of a data set are held out whole, else at least all copies of one recording."""
    folds = [sound.fold for sound in placed.sounds]
    groups = folds if len(set(folds)) > 1 else list(placed.content_hashes)
    if why_not := why_not_fitted(answers, groups):
        return {}, why_not
    scored = ScoredBy(
        source.key,
        facts.vocabulary_sha256,
        template,
        facts.top_k_categories,
        facts.data_fingerprint,
        facts.timbre_version,
    )
    return {method: fit_calibration(method, answers, groups, scored) for method in METHODS}, ""


def _measured(template: str, answers: Answers, folds: list[str]) -> TemplateResult:
    named = sorted(set(folds))
    masks = {name: np.asarray([fold == name for fold in folds]) for name in named} if len(named) > 1 else {}
    parts = {name: measure_answers(answers.part(mask)) for name, mask in masks.items()}
    return TemplateResult(template, measure_answers(answers), parts)
