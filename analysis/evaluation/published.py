"""Figures that others published for the same models and data sets, to compare with."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.checkpoints import USUAL_MODEL_ID

MAEB = "MAEB: embeddings-benchmark/results@f4cc6c8 (arXiv:2602.16008), read as in field.md 3.1"
MAEB_ESC50 = "2,000 clips, “This is a sound of ” + label with its underscores"
MAEB_US8K = "stratified sample of about 2,048 clips, “This is a sound of ” + clean label"
REPRODUCE_MAEB = '--template "This is a sound of {}"'
UNFUSED_ID, FUSED_ID, SPEECH_ID = (
    "laion/clap-htsat-unfused",
    "laion/clap-htsat-fused",
    "laion/larger_clap_music_and_speech",
)


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """A zero-shot accuracy at 1, from 0 to 1, with how it was measured and where it stands.

    Attributes
    ----------
    model_id, dataset : str
    accuracy : float
    protocol, source : str
    options : str
        Of `timbre evaluate` that come closest to the protocol.
    """

    model_id: str
    dataset: str
    accuracy: float
    protocol: str
    source: str
    options: str


def _maeb(model_id: str, esc50: float, urbansound: float) -> tuple[PublishedFigure, ...]:
    return (
        PublishedFigure(model_id, "ESC-50", esc50, MAEB_ESC50, MAEB, f"{REPRODUCE_MAEB} --raw-labels"),
        PublishedFigure(model_id, "UrbanSound8K", urbansound, MAEB_US8K, MAEB, REPRODUCE_MAEB),
    )


PUBLISHED = (
    *_maeb(USUAL_MODEL_ID, 0.905, 0.796),
    *_maeb(UNFUSED_ID, 0.817, 0.744),
    *_maeb(FUSED_ID, 0.740, 0.602),
    *_maeb(SPEECH_ID, 0.828, 0.769),
    PublishedFigure(
        UNFUSED_ID,
        "ESC-50",
        0.9155,
        "“This is a sound of {}.” with clean labels, ± 0.62 over folds",
        "pymill.com/docs/reproducibility/esc50, as in field.md 3.1",
        '--template "This is a sound of {}."',
    ),
)
AIMS = {  # zero-shot accuracy at 1 that Timbre aims at with its usual model, by data set (field.md, section 6)
    (USUAL_MODEL_ID, "ESC-50"): 0.92,
    (USUAL_MODEL_ID, "UrbanSound8K"): 0.80,
}


def published_figures(model_id: str, dataset: str) -> tuple[PublishedFigure, ...]:
    """List what was published for a model on a data set, by their names."""
    return tuple(each for each in PUBLISHED if (each.model_id, each.dataset) == (model_id, dataset))
