"""Both towers against transformers itself, and models that must be refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel

from analysis.checkpoints import ModelSource, resolve_model
from analysis.clap import AudioEncoder, TextEncoder, choose_device, choose_precision, read_logit_scale
from analysis.errors import CollapsedModel, ModelUnavailable
from tests.analysis.conftest import WORDS
from tests.analysis.signals import noise, sine

TEXTS = ["a dog bark", "heavy rain", "the sound of a piano in the ocean waves"]


@pytest.fixture(scope="module")
def source(random_model: Path) -> ModelSource:
    return resolve_model(str(random_model))


def changed(model: Path, folder: Path, **weights: torch.Tensor | None) -> ModelSource:
    """A copy of a model with some weights replaced, or left out."""
    copy = shutil.copytree(model, folder / "changed")
    tensors = load_file(copy / "model.safetensors")
    for name, value in weights.items():
        if value is None:
            del tensors[name]
        else:
            tensors[name] = value
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    return resolve_model(str(copy))


def test_texts_are_where_transformers_places_them(source: ModelSource) -> None:
    model = ClapModel.from_pretrained(source.folder)
    tokens = AutoTokenizer.from_pretrained(source.folder)(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        reference = model.get_text_features(tokens["input_ids"], attention_mask=tokens["attention_mask"]).pooler_output
    np.testing.assert_allclose(TextEncoder(source).encode(TEXTS), reference.numpy(), atol=1e-5)


def test_windows_are_where_transformers_places_them(source: ModelSource) -> None:
    windows = np.stack([noise(2.0), sine(440, 2.0), noise(2.0, seed=1)])
    extractor = ClapFeatureExtractor.from_pretrained(source.folder)
    inputs = extractor(list(windows), sampling_rate=48_000, padding="repeatpad", return_tensors="pt")
    model = ClapModel.from_pretrained(source.folder)
    with torch.inference_mode():
        reference = model.get_audio_features(**inputs).pooler_output.numpy()
    exact = AudioEncoder(source, device="cpu", precision="fp32").embed_windows(windows)
    np.testing.assert_allclose(exact, reference, atol=1e-4)
    fast = AudioEncoder(source, device="cpu").embed_windows(windows)
    assert ((fast * reference).sum(axis=1) > 0.999).all()


def test_many_texts_are_where_each_is_by_itself(source: ModelSource) -> None:
    texts = [f"{first} {second}" for first in ("dog", "rain", "door", "a car", "the heavy bell") for second in WORDS]
    encoder = TextEncoder(source)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert ((encoder.encode(texts) * alone).sum(axis=1) > 0.999).all()


def test_batches_do_not_show_in_the_vectors(source: ModelSource) -> None:
    windows = np.stack([noise(0.5, seed=seed) for seed in range(20)])  # more than one batch
    encoder = AudioEncoder(source, precision="fp32")
    one_by_one = np.concatenate([encoder.embed_windows(window[None]) for window in windows])
    np.testing.assert_allclose(encoder.embed_windows(windows), one_by_one, atol=1e-4)


def test_rows_have_unit_length(source: ModelSource) -> None:
    encoder = AudioEncoder(source)
    for length in (1, 480, 96_000, 480_000):
        assert np.linalg.norm(encoder.embed_windows(np.ones((1, length), np.float32))) == pytest.approx(1, abs=1e-5)
    assert encoder.embed_windows(np.zeros((0, 480), np.float32)).shape == (0, encoder.dim)
    assert TextEncoder(source).encode([]).shape == (0, encoder.dim)


@pytest.mark.parametrize(
    "windows",
    [np.zeros(480), np.zeros((1, 0)), np.zeros((1, 480_001)), np.full((1, 480), np.nan)],
    ids=["flat", "empty", "too long", "not a number"],
)
def test_a_mistake_of_the_caller_is_told(source: ModelSource, windows: np.ndarray) -> None:
    with pytest.raises(ValueError, match="want"):
        AudioEncoder(source).embed_windows(windows.astype(np.float32))


def test_a_long_query_is_cut_and_not_refused(source: ModelSource) -> None:
    vectors = TextEncoder(source).encode(["rain " * 1000])
    assert np.isfinite(vectors).all()


def test_the_logit_scale_is_the_checkpoints(source: ModelSource) -> None:
    model = ClapModel.from_pretrained(source.folder)
    assert read_logit_scale(source) == pytest.approx(model.logit_scale_a.exp().item())


def test_an_old_checkpoint_of_torch_loads_too(source: ModelSource, tmp_path: Path) -> None:
    folder = shutil.copytree(source.folder, tmp_path / "old")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    old = resolve_model(str(folder))
    np.testing.assert_allclose(TextEncoder(old).encode(TEXTS), TextEncoder(source).encode(TEXTS), atol=1e-6)
    assert read_logit_scale(old) == pytest.approx(read_logit_scale(source))


def test_an_untrained_model_runs_and_says_so(source: ModelSource, caplog: pytest.LogCaptureFixture) -> None:
    TextEncoder(source)
    assert "never trained" in caplog.text


def test_a_trained_model_whose_texts_all_look_alike_is_refused(random_model: Path, tmp_path: Path) -> None:
    name = "audio_model.audio_encoder.batch_norm.running_mean"
    collapsed = changed(random_model, tmp_path, **{name: torch.full((64,), -40.0)})
    with pytest.raises(CollapsedModel, match="all look alike"):
        TextEncoder(collapsed)


def test_identical_texts_are_refused_even_untrained(random_model: Path, tmp_path: Path) -> None:
    shapes = load_file(random_model / "model.safetensors")
    zeros = {name: torch.zeros_like(value) for name, value in shapes.items() if name.startswith("text_projection")}
    zeros["text_projection.linear2.bias"] = torch.ones_like(zeros["text_projection.linear2.bias"])
    with pytest.raises(CollapsedModel):
        TextEncoder(changed(random_model, tmp_path, **zeros))


def test_missing_weights_are_not_invented(random_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="missing"):
        AudioEncoder(changed(random_model, tmp_path, **{"audio_projection.linear1.weight": None}))


def test_damaged_weights_are_told_in_one_line(source: ModelSource, tmp_path: Path) -> None:
    folder = shutil.copytree(source.folder, tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ModelUnavailable, match="cannot be loaded") as caught:
        TextEncoder(resolve_model(str(folder)))
    assert "\n" not in str(caught.value)


def test_the_device_has_a_precision() -> None:
    assert choose_device() in {"cuda", "mps", "cpu"}
    assert choose_precision("mps") == "fp32"
    assert choose_precision("cpu") in {"bf16", "fp32"}
