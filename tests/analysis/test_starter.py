"""The bundled model knows its sounds, and the code that trained it runs and repeats itself."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel, ClapProcessor

from analysis.errors import VocabularyError
from analysis.logmel import LogMel
from analysis.starter import MODEL_DIR, MODEL_ID
from analysis.starter.augment import N_FRAMES, Augmenter, repeat_to_window
from analysis.starter.blend import average_weights
from analysis.starter.checkpoint import adopt
from analysis.starter.clips import HELD_OUT_SEED, Clips, extend_clips, join_clips, render_clips, spectrogram_of
from analysis.starter.evaluate import (
    RealSounds,
    confusions,
    embed_audio,
    embed_texts,
    read_listed_sounds,
    score_real_sounds,
    window_features,
)
from analysis.starter.examiner import Outcome
from analysis.starter.network import begin, build_model, finish
from analysis.starter.phrases import PhraseBook, build_phrase_book, inflections, vary
from analysis.starter.recordings import read_recordings
from analysis.starter.steady import steady
from analysis.starter.texts import fit_texts, mean_embeddings, raise_floor
from analysis.starter.tokenizer import make_tokenizer
from analysis.starter.train import train
from analysis.starter.trainer import Plan
from analysis.synth import KINDS, render
from analysis.vocabulary import load_vocabulary

VOCABULARY = Path(__file__).parents[2] / "config" / "vocabulary.yaml"
UNHEARD = HELD_OUT_SEED + 900  # seeds that neither training nor the choice of the checkpoint has used
EASY = ("siren", "dog bark", "church bell", "kick drum", "heavy rain", "phone ringing", "piano", "helicopter")


@cache
def starter() -> ClapModel:
    return ClapModel.from_pretrained(MODEL_DIR)  # transformers returns it in evaluation mode


def facts() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((MODEL_DIR / "timbre.json").read_text(encoding="utf-8"))
    return read


def name_queries(queries: list[str]) -> list[str]:
    labels = facts()["known_labels"]
    tokenizer = AutoTokenizer.from_pretrained(MODEL_DIR)
    named = embed_texts(starter(), tokenizer, [facts()["template"].format(label) for label in labels])
    return [labels[row] for row in (embed_texts(starter(), tokenizer, queries) @ named.T).argmax(1).tolist()]


def label_probabilities(waveforms: list[np.ndarray]) -> torch.Tensor:
    model, log_mel = starter(), LogMel(ClapFeatureExtractor.from_pretrained(MODEL_DIR))
    texts = [facts()["template"].format(label) for label in facts()["known_labels"]]
    matrix = embed_texts(model, AutoTokenizer.from_pretrained(MODEL_DIR), texts)
    features = torch.cat([log_mel(waveform[None, : log_mel.max_samples]) for waveform in waveforms])
    return (model.logit_scale_a.exp() * embed_audio(model, features) @ matrix.T).softmax(1).detach()


def noise_clips(labels: list[int], n_frames: int = 120) -> Clips:
    random = np.random.default_rng(0)
    return join_clips([random.normal(-40, 8, (n_frames, 64)).astype(np.float16) for _ in labels], labels)


def small_book(labels: tuple[str, ...] = ("dog bark", "siren")) -> PhraseBook:
    return build_phrase_book(load_vocabulary(VOCABULARY), labels)


# --- the model that ships


def test_it_loads_through_transformers_and_stays_small() -> None:
    processor = ClapProcessor.from_pretrained(MODEL_DIR)
    assert (processor.feature_extractor.truncation, processor.feature_extractor.padding) == ("rand_trunc", "repeatpad")
    assert starter().config.projection_dim == 128
    assert sum(path.stat().st_size for path in MODEL_DIR.iterdir()) < 15_000_000


def test_its_card_tells_model_revision_and_labels() -> None:
    assert facts()["model_id"] == MODEL_ID
    assert len(facts()["revision"]) == 12
    assert set(facts()["known_labels"]) <= set(KINDS) & {label.name for label in load_vocabulary(VOCABULARY).labels}
    assert facts()["revision"] in (MODEL_DIR / "README.md").read_text(encoding="utf-8")


def test_it_names_sounds_it_never_heard_and_is_sure_of_them() -> None:
    probabilities = label_probabilities([render(label, UNHEARD + seed) for label in EASY for seed in range(2)])
    truth = torch.tensor([facts()["known_labels"].index(label) for label in EASY for _ in range(2)])
    right = probabilities.argmax(1) == truth
    assert right.float().mean() >= 0.85
    assert probabilities[right].amax(1).median() > 0.5


def test_it_names_a_two_second_window_as_it_names_the_whole() -> None:
    probabilities = label_probabilities([render("siren", UNHEARD)[:96_000], render("white noise", UNHEARD)[:96_000]])
    assert [facts()["known_labels"][row] for row in probabilities.argmax(1)] == ["siren", "white noise"]


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("HEAVY RAIN", {"heavy rain"}),
        ("zorp rain", {"heavy rain", "light rain", "rain on metal roof"}),
        ("dogs barking", {"dog bark"}),
        ("dog", {"dog bark"}),
        ("hi hat", {"hi-hat"}),
        ("a church-bell!", {"church bell"}),
        ("recording of an old helicopter, outdoors", {"helicopter"}),
    ],
)
def test_its_texts_survive_case_hyphens_plurals_and_unknown_words(query: str, labels: set[str]) -> None:
    assert name_queries([query])[0] in labels


def test_every_covered_label_is_nearest_to_its_own_name() -> None:
    known = facts()["known_labels"]
    assert name_queries(known) == known


def test_repeated_frames_embed_like_the_extractors_repeated_samples() -> None:
    waveform = render("helicopter", UNHEARD)[:120_000]
    exact = LogMel(ClapFeatureExtractor.from_pretrained(MODEL_DIR))(waveform[None])
    shortcut = repeat_to_window(torch.from_numpy(spectrogram_of(waveform)))[None, None]
    cosine = (embed_audio(starter(), exact) * embed_audio(starter(), shortcut)).sum()
    assert cosine > 0.97


# --- texts


def test_a_synonym_of_several_labels_is_spread_over_them() -> None:
    book = small_book(("heavy rain", "light rain", "siren"))
    weights = dict(zip(book.labels, book.shared_targets[book.shared.index("rain")], strict=True))
    assert weights == {"heavy rain": 0.5, "light rain": 0.5, "siren": 0.0}


def test_what_is_not_covered_means_all_labels_alike() -> None:
    book = small_book()
    np.testing.assert_allclose(book.shared_targets[book.shared.index("granular texture")], [0.5, 0.5])


def test_each_label_has_texts_of_its_own() -> None:
    book = build_phrase_book(load_vocabulary(VOCABULARY), KINDS)
    assert all(label.replace("-", " ") in texts for label, texts in zip(book.labels, book.own, strict=True))


def test_a_covered_label_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(VocabularyError, match="yodel"):
        build_phrase_book(load_vocabulary(VOCABULARY), ["yodel"])


def test_variations_repeat_with_the_seed() -> None:
    drawn = [[vary("a dog barking", np.random.default_rng(seed)) for seed in range(40)] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 20


def test_words_have_their_regular_forms() -> None:
    assert inflections("dog") == ["dog", "dogs", "doging", "doged"]
    assert inflections("crashes")[:2] == ["crash", "crashes"]


def test_the_tokenizer_knows_forms_and_marks_what_it_does_not_know() -> None:
    tokenizer = make_tokenizer(["dog bark", "hi hat"])
    assert tokenizer.tokenize("DOGS barking, Hi-Hat") == ["dog", "##s", "bark", "##ing", "hi", "hat"]
    assert tokenizer("zorp").input_ids == [0, 3, 2]
    assert make_tokenizer(["dog bark", "hi hat"]).get_vocab() == tokenizer.get_vocab()


# --- training


def test_batches_hold_windows_and_targets_that_sum_to_one() -> None:
    augmenter = Augmenter(
        noise_clips([0, 1, 2, 1]), n_labels=3, silence=None, generator=torch.Generator().manual_seed(1)
    )
    batch = augmenter.draw(torch.arange(4).repeat(4))
    assert batch.features.shape == (16, 1, N_FRAMES, 64)
    assert batch.features.isfinite().all()
    torch.testing.assert_close(batch.targets.sum(1), torch.ones(16))
    assert (batch.targets.argmax(1) == torch.tensor([0, 1, 2, 1]).repeat(4)).all()


def test_silence_is_never_mixed() -> None:
    augmenter = Augmenter(noise_clips([0, 1]), n_labels=2, silence=0, generator=torch.Generator().manual_seed(1))
    targets = augmenter.draw(torch.zeros(32, dtype=torch.int64)).targets
    assert (targets[:, 0] == 1.0).all()


def test_clips_are_rendered_once_and_kept(tmp_path: Path) -> None:
    rendered = render_clips(["siren"], range(2), cache_dir=tmp_path, processes=0)
    (cached,) = tmp_path.iterdir()
    written = cached.stat().st_mtime_ns
    again = render_clips(["siren"], range(2), cache_dir=tmp_path, processes=0)
    assert torch.equal(rendered.frames, again.frames)
    assert cached.stat().st_mtime_ns == written


def test_training_writes_a_checkpoint_and_repeats_itself(tmp_path: Path) -> None:
    book, plan = small_book(), Plan(clips=2, passes=1, batch=2, width=16, shared_texts=4)
    clips = render_clips(book.labels, range(2), cache_dir=tmp_path, processes=0)
    weights = []
    for run in ("first", "second"):
        outcome = train(plan, book, clips, clips, None, tmp_path / run)
        weights.append((tmp_path / run / "model.safetensors").read_bytes())
    assert outcome.done == 1
    assert weights[0] == weights[1]
    assert ClapProcessor.from_pretrained(tmp_path / "first").tokenizer("siren").input_ids[0] == 0


def test_training_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    book, plan = small_book(), Plan(clips=1, passes=1, batch=2, audio_rate=1e-6, text_rate=1e-6)
    clips = render_clips(book.labels, range(1), cache_dir=tmp_path, processes=0)
    outcome = train(plan, book, clips, clips, None, tmp_path / "next", start=MODEL_DIR)
    assert outcome.held_out == 1.0


def test_a_frozen_first_stage_stays_as_it_was_while_the_rest_learns(tmp_path: Path) -> None:
    book, plan = small_book(), Plan(clips=2, passes=4, batch=2, frozen=True)
    clips = render_clips(book.labels, range(2), cache_dir=tmp_path, processes=0)
    train(plan, book, clips, clips, None, tmp_path / "next", start=MODEL_DIR)
    before, after = starter().state_dict(), ClapModel.from_pretrained(tmp_path / "next").state_dict()
    stages = [f"audio_model.audio_encoder.layers.{stage}.blocks.0.layernorm_before.weight" for stage in (0, 2)]
    assert [torch.equal(before[name], after[name]) for name in stages] == [True, False]


def test_the_two_parts_of_the_audio_tower_make_its_whole() -> None:
    features = window_features(noise_clips([0, 0], n_frames=1_001))
    with torch.no_grad():
        parted = torch.nn.functional.normalize(finish(starter(), begin(starter(), features)), dim=-1)
    torch.testing.assert_close(parted, embed_audio(starter(), features))


def test_a_checkpoint_that_learns_new_words_keeps_those_it_knew() -> None:
    tokenizer = make_tokenizer(["dog bark", "a zorp"])
    old = AutoTokenizer.from_pretrained(MODEL_DIR).get_vocab()
    words = adopt(MODEL_DIR, tokenizer).text_model.embeddings.word_embeddings.weight
    known = starter().text_model.embeddings.word_embeddings.weight
    assert "zorp" not in old
    assert words.shape[0] == len(tokenizer)
    assert torch.equal(words[tokenizer.get_vocab()["bark"]], known[old["bark"]])


def test_the_mean_of_checkpoints_lies_between_them(tmp_path: Path) -> None:
    other = ClapModel.from_pretrained(MODEL_DIR)
    with torch.no_grad():
        other.audio_projection.linear2.bias.add_(1.0)
    other.save_pretrained(tmp_path)
    mean = average_weights([MODEL_DIR, tmp_path], [3.0, 1.0]).audio_projection.linear2.bias
    torch.testing.assert_close(mean, starter().audio_projection.linear2.bias + 0.25)


def test_fitted_texts_come_nearer_to_the_sounds_they_mean() -> None:
    book, clips = small_book(), noise_clips([0, 0, 1, 1])
    model, tokenizer = ClapModel.from_pretrained(MODEL_DIR), AutoTokenizer.from_pretrained(MODEL_DIR)
    sounds = mean_embeddings(model, clips, 2, None, per_label=8, seed=1)
    names = [facts()["template"].format(label) for label in book.labels]
    before = (embed_texts(model, tokenizer, names) * sounds).sum()
    fit_texts(model, tokenizer, book, clips, steps=6, seed=1)
    assert (embed_texts(model, tokenizer, names) * sounds).sum() > before + 0.1


def test_a_raised_floor_leaves_what_is_loud() -> None:
    windows = torch.tensor([[-10.0, -50.0], [-70.0, -100.0]]).reshape(1, 1, 2, 2)
    assert raise_floor(windows, 50.0).flatten().tolist() == [-10.0, -50.0, -60.0, -60.0]


def test_steadying_teaches_the_sounds_alone_and_repeats_itself() -> None:
    clips, texts, model = noise_clips([0, 1] * 2), torch.eye(128)[:2], build_model(100, 16)
    model.train(mode=False)
    first, second = (
        steady(model, texts, clips, steps=2, rate=1e-3, seed=1, silence=None, batch=4).state_dict() for _ in range(2)
    )
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    learned = {name for name, value in model.state_dict().items() if not torch.equal(value, first[name])}
    assert learned
    assert all(name.startswith("audio") for name in learned)


def test_further_clips_lie_behind_the_others() -> None:
    clips, more = noise_clips([0, 1]), np.full((50, 64), -20, dtype=np.float16)
    extended = extend_clips(clips, [more], [1], copies=2)
    assert extended.labels.tolist() == [0, 1, 1, 1]
    assert (extended.frames[extended.offsets[3] :][: extended.lengths[3]] == -20).all()
    assert extended.anchors[extended.anchor_offsets[2] :][: extended.anchor_counts[2]].tolist() == list(range(50))


def test_recordings_are_known_by_their_names(tmp_path: Path) -> None:
    for name in ("bd_boom", "click_001", "misc_burp"):
        soundfile.write(tmp_path / f"{name}.wav", np.ones(4_800), 48_000)
    spectrograms, truth = read_recordings(tmp_path, ["interface click", "kick drum"])
    assert truth == [1, 0]
    assert [len(spectrogram) for spectrogram in spectrograms] == [11, 11]


def test_real_sounds_decide_among_passes_that_are_good_enough() -> None:
    early, good, late = Outcome(3, 0.85, 0.9), Outcome(5, 0.94, 0.7), Outcome(9, 0.99, 0.6)
    assert max([early, good, late], key=lambda outcome: outcome.rank) == good
    assert max([early, Outcome(4, 0.88, 0.1)], key=lambda outcome: outcome.rank).done == 4


# --- evaluation


def test_wrong_answers_are_counted_by_pair() -> None:
    assert confusions([0, 0, 1], [1, 1, 1], ["a", "b"]) == [("a", "b", 2)]


def test_each_group_of_real_sounds_counts_alike() -> None:
    sounds = RealSounds(("k1", "k2", "g"), (("kick",), ("kick",), ("electric", "acoustic")), torch.zeros(3, 1, 1, 1))
    score = score_real_sounds(sounds, ["kick", "snare", "acoustic"])
    assert score.by_group == {"kick": (1, 2), "electric": (1, 1)}
    assert score.balanced_accuracy == 0.75


def test_a_table_lists_recordings_by_label_and_split(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.ones(4_800), 48_000)
    rows = ["path,label,split", "a.wav,siren,dev", "a.wav,dog bark,test", "a.wav,yodel,dev"]
    (tmp_path / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    sounds = read_listed_sounds(tmp_path / "labels.csv", ["siren", "dog bark"], "dev")
    assert (sounds.names, sounds.accepted) == (("a.wav",), (("siren",),))
    assert sounds.features.shape == (1, 1, N_FRAMES, 64)


def test_a_short_clip_is_repeated_whole_and_then_padded() -> None:
    features = window_features(noise_clips([0], n_frames=401))  # 400 periods and the end of the last
    assert features.shape == (1, 1, N_FRAMES, 64)
    torch.testing.assert_close(features[0, 0, :400], features[0, 0, 400:800])
    assert (features[0, 0, 800:] == -100.0).all()


def test_transformers_own_processor_hears_ten_seconds() -> None:
    processor = ClapProcessor.from_pretrained(MODEL_DIR)
    heard = processor(audio=np.zeros(96_000, np.float32), sampling_rate=48_000, return_tensors="np")
    assert heard["input_features"].shape == (1, 1, 1001, 64)
