"""The starter model as a network: made anew, and its audio tower in the two parts that training tells apart."""

from __future__ import annotations

import math

import torch
from transformers import ClapConfig, ClapModel


def build_model(vocabulary_size: int, width: int) -> ClapModel:
    """Make an untrained ClapModel of about two million parameters.

    Parameters
    ----------
    vocabulary_size : int
        Of the tokenizer.
    width : int
        Channels of a patch, a multiple of 4.

    Returns
    -------
    ClapModel
    """
    dim = 128
    config = ClapConfig(
        projection_dim=dim,
        logit_scale_init_value=14.0,
        text_config={
            "vocab_size": vocabulary_size,
            "hidden_size": dim,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 256,
            "max_position_embeddings": 64,
        },
        audio_config={
            "patch_size": 8,
            "patch_stride": [8, 8],
            "patch_embeds_hidden_size": width,
            "depths": [2, 2, 2],
            "num_attention_heads": [4, 8, 16],
            "hidden_size": width * 4,
            "enable_fusion": False,
            "drop_path_rate": 0.05,
            "hidden_dropout_prob": 0.0,
        },
    )
    return ClapModel(config)


def freeze(model: ClapModel) -> list[torch.nn.Module]:
    """Keep the patches and the first stage of the audio tower from learning; returns what was frozen."""
    encoder = model.audio_model.audio_encoder
    frozen = [encoder.batch_norm, encoder.patch_embed, encoder.layers[0]]
    for module in frozen:
        module.requires_grad_(requires_grad=False)
    return frozen


def begin(model: ClapModel, features: torch.Tensor) -> torch.Tensor:
    """Send windows (n, 1, frames, mels) through the patches and the first stage of the audio tower."""
    encoder = model.audio_model.audio_encoder
    image: torch.Tensor = encoder.reshape_mel2img(  # type: ignore[no-untyped-call]
        encoder.batch_norm(features.transpose(1, 3)).transpose(1, 3)
    )
    hidden: torch.Tensor = encoder.layers[0](encoder.patch_embed(image, None), encoder.input_resolutions[0])[0]
    return hidden


def finish(model: ClapModel, hidden: torch.Tensor) -> torch.Tensor:
    """Send what `begin` returned through the rest of the audio tower; embeddings (n, dim), not of unit length."""
    encoder = model.audio_model.audio_encoder
    for layer, resolution in zip(encoder.layers[1:], encoder.input_resolutions[1:], strict=True):
        hidden = layer(hidden, resolution)[0]
    embeddings: torch.Tensor = model.audio_projection(encoder.norm(hidden).mean(1))
    return embeddings


def set_scale(model: ClapModel, scale: float) -> None:
    """Give a model the factor that turns its cosines into logits."""
    with torch.no_grad():
        model.logit_scale_a.fill_(math.log(scale))
        model.logit_scale_t.fill_(math.log(scale))
