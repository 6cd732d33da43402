"""What runs an audio tower: each backend gives the vectors that transformers gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.checkpoints import ModelSource, resolve_model
from analysis.clap import AudioEncoder
from analysis.towers import OPENVINO_BATCH, choose_backend
from tests.analysis.signals import noise, sine

openvino = pytest.importorskip("openvino", reason="the optional backend is not installed")


@pytest.fixture(scope="module")
def source(random_model: Path) -> ModelSource:
    return resolve_model(str(random_model))


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    return np.stack(
        [noise(2.0, seed=at) if at % 2 else sine(200 + 90 * at, 2.0) for at in range(2 * OPENVINO_BATCH + 1)]
    )


def test_openvino_places_windows_where_torch_does(source: ModelSource, windows: np.ndarray) -> None:
    torch_s = AudioEncoder(source, device="cpu", precision="fp32", backend="torch").embed_windows(windows)
    exact = AudioEncoder(source, device="cpu", precision="fp32", backend="openvino")
    assert (exact.backend, exact.device, exact.dim) == ("openvino", "cpu", torch_s.shape[1])
    assert (exact.embed_windows(windows) * torch_s).sum(axis=1).min() > 0.99999
    chosen = AudioEncoder(source, device="cpu", backend="openvino").embed_windows(windows)
    assert (chosen * torch_s).sum(axis=1).min() > 0.999


def test_a_row_does_not_depend_on_those_beside_it(source: ModelSource, windows: np.ndarray) -> None:
    encoder = AudioEncoder(source, device="cpu", backend="openvino")
    together = encoder.embed_windows(windows)
    alone = np.concatenate([encoder.embed_windows(window[None]) for window in windows])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together[::-1], encoder.embed_windows(windows[::-1].copy()))


def test_the_translated_model_is_kept_and_read_again(source: ModelSource, windows: np.ndarray, tmp_path: Path) -> None:
    first = AudioEncoder(source, device="cpu", backend="openvino", cache_dir=tmp_path)
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert sorted(Path(name).suffix for name in kept) == [".bin", ".xml"]
    again = AudioEncoder(source, device="cpu", backend="openvino", cache_dir=tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept
    np.testing.assert_array_equal(first.embed_windows(windows), again.embed_windows(windows))


def test_small_models_and_other_devices_run_in_torch(source: ModelSource) -> None:
    assert choose_backend(source, "cpu") == "torch"
    assert choose_backend(source, "cuda") == "torch"


def test_a_backend_that_there_is_not_is_refused(source: ModelSource) -> None:
    with pytest.raises(ValueError, match="want backend torch"):
        AudioEncoder(source, device="cpu", backend="onnx")
