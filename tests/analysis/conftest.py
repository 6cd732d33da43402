"""Small models of random weights in transformers' own format, and sounds on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from analysis.profiles import Profiles, load_profiles
from analysis.samples import SAMPLE_RATE_HZ
from analysis.vocabulary import Vocabulary, load_vocabulary

CONFIG = Path(__file__).parents[2] / "config"
WORDS = (
    "a", "an", "the", "this", "is", "sound", "of", "in", "on", "dog", "bark", "heavy", "rain", "piano", "car", "engine",
    "bell", "ocean", "waves", "door", "thunder",
)  # fmt: skip


def write_random_model(folder: Path, *, seed: int = 0) -> Path:
    """Save a ClapModel of a few thousand weights with its tokenizer and extractor."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3} | {word: number + 4 for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    text = {"vocab_size": len(vocabulary), "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text |= {"intermediate_size": 32, "max_position_embeddings": 40, "projection_dim": 16}
    audio = {"patch_size": 8, "patch_stride": [8, 8], "patch_embeds_hidden_size": 8, "depths": [1, 1]}
    audio |= {"num_attention_heads": [1, 2], "hidden_size": 16, "enable_fusion": False, "projection_dim": 16}
    ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=16)).save_pretrained(folder)
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("models") / "random")


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return load_vocabulary(CONFIG / "vocabulary.yaml")


@pytest.fixture(scope="session")
def profiles() -> Profiles:
    return load_profiles(CONFIG / "config.yaml")


@pytest.fixture
def write_sound(tmp_path: Path) -> Callable[..., Path]:
    def write(waveform: npt.ArrayLike, name: str = "sound.wav", *, rate: int = SAMPLE_RATE_HZ, **settings: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.asarray(waveform), rate, **settings)
        return path

    return write
