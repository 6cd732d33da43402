"""Finding models on this machine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from analysis.checkpoints import USUAL_MODEL_ID, USUAL_TEMPLATE, default_model_id, resolve_model
from analysis.errors import ModelUnavailable
from analysis.starter import MODEL_ID as STARTER_ID
from tests.analysis.conftest import write_random_model


@pytest.fixture(autouse=True)
def _no_cache_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def install(model: Path, models_dir: Path, model_id: str, commit: str) -> Path:
    """Lay a model out as the Hugging Face client does."""
    repository = models_dir / f"models--{model_id.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    shutil.copytree(model, snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    return snapshot


def test_a_folder_is_a_model_by_its_path(random_model: Path) -> None:
    source = resolve_model(str(random_model))
    assert source.key.model_id == str(random_model)
    assert source.folder == random_model
    assert (source.template, source.known_labels) == (USUAL_TEMPLATE, None)


def test_other_weights_in_a_folder_are_another_revision(random_model: Path, tmp_path: Path) -> None:
    other = write_random_model(tmp_path / "other", seed=1)
    assert resolve_model(str(random_model)).key.revision == resolve_model(str(random_model)).key.revision
    assert resolve_model(str(random_model)).key.revision != resolve_model(str(other)).key.revision


def test_a_folder_says_its_template_labels_and_revision(random_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(random_model, tmp_path / "model")
    facts = {"model_id": "mine", "revision": "r1", "template": "{}", "known_labels": ["dog bark"]}
    (folder / "timbre.json").write_text(json.dumps(facts))
    source = resolve_model(str(folder))
    assert (source.key.revision, source.template, source.known_labels) == ("r1", "{}", frozenset({"dog bark"}))


def test_an_installed_model_is_found_by_its_name_with_its_commit(random_model: Path, tmp_path: Path) -> None:
    snapshot = install(random_model, tmp_path / "models", "someone/clap", "c0ffee")
    source = resolve_model("someone/clap", models_dir=tmp_path / "models")
    assert (source.folder, source.key.revision) == (snapshot, "c0ffee")


def test_the_usual_model_counts_only_at_its_pinned_revision(random_model: Path, tmp_path: Path) -> None:
    install(random_model, tmp_path / "models", USUAL_MODEL_ID, "another")
    assert default_model_id(tmp_path / "models") == STARTER_ID


@pytest.mark.parametrize(
    ("model_id", "says"),
    [
        ("someone/unknown", "run `timbre model install someone/unknown`"),
        ("/no/such/folder", "no such folder"),
        ("laion/larger_clap_music", "its texts all look alike"),
        ("not a name at all!", "neither a folder nor the name of a repository"),
    ],
)
def test_a_model_that_is_not_there_says_what_to_do(model_id: str, says: str) -> None:
    with pytest.raises(ModelUnavailable, match=says) as caught:
        resolve_model(model_id)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no config\.json"):
        resolve_model(str(tmp_path))
