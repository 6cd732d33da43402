"""Labeled sounds are read in the layouts that data sets come in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.audio import decode
from analysis.checkpoints import ModelKey, ModelSource, resolve_model
from analysis.errors import ConfigurationError
from analysis.evaluation.datasets import (
    Columns,
    LabeledSound,
    clean_label,
    label_by_name,
    label_by_pattern,
    match_labels,
    read_dataset,
    read_table,
)
from analysis.evaluation.synthesized import labels_to_synthesize, synthesize_dataset
from analysis.starter.clips import HELD_OUT_SEED, TRAINING_SEEDS
from analysis.synth import render
from analysis.vocabulary import Label


def write(place: Path, text: str = "") -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return place


def test_esc50_is_known_by_its_files(tmp_path: Path) -> None:
    header = "filename,fold,target,category,esc10,src_file,take\n"
    rows = "1-1-A-0.wav,1,0,dog,True,1,A\n5-2-A-14.wav,5,14,sea_waves,False,2,A\n"
    write(tmp_path / "meta/esc50.csv", header + rows)
    found = read_dataset(tmp_path)
    assert found.name == "ESC-50"
    assert found.folds == ("1", "5")
    assert found.sounds[1] == LabeledSound(tmp_path / "audio/5-2-A-14.wav", "sea_waves", "5")


def test_urbansound_is_known_by_its_files(tmp_path: Path) -> None:
    header = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
    write(tmp_path / "metadata/UrbanSound8K.csv", f"{header}7061-6-0-0.wav,7061,0.0,4.0,1,10,6,gun_shot\n")
    found = read_dataset(tmp_path)
    assert found.name == "UrbanSound8K"
    assert found.sounds == (LabeledSound(tmp_path / "audio/fold10/7061-6-0-0.wav", "gun_shot", "10"),)


def test_any_other_folder_has_a_folder_for_each_label(tmp_path: Path) -> None:
    for name in ("dog bark/a.wav", "dog bark/close/b.FLAC", "rain/c.ogg", "rain/notes.txt", "d.wav", ".hidden/e.wav"):
        write(tmp_path / name)
    found = read_dataset(tmp_path)
    labels = [(sound.path.name, sound.label) for sound in found.sounds]
    assert labels == [("a.wav", "dog bark"), ("b.FLAC", "dog bark"), ("c.ogg", "rain")]
    assert found.left_out == ("d.wav: no label",)


def test_a_folder_without_labeled_sounds_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no labeled sound in"):
        read_dataset(tmp_path)
    with pytest.raises(ConfigurationError, match="no data set"):
        read_dataset(tmp_path / "nowhere")


def test_a_table_is_read_by_column_and_relative_to_itself(tmp_path: Path) -> None:
    table = write(tmp_path / "list.csv", '\ufefffile,what,set\n"a, b.wav",dog,x\nc.wav,,y\n/abs/d.wav,cat,y\n')
    found = read_table(table, Columns("file", "what", "set"))
    assert found.sounds == (
        LabeledSound(tmp_path / "a, b.wav", "dog", "x"),
        LabeledSound(Path("/abs/d.wav"), "cat", "y"),
    )
    assert found.left_out == ("line 3 of list.csv: no path or no label",)


def test_a_table_of_tabs_has_the_suffix_tsv(tmp_path: Path) -> None:
    table = write(tmp_path / "list.tsv", "path\tlabel\na.wav\tdog\n")
    assert read_table(table, Columns(), base=Path("/data")).sounds == (LabeledSound(Path("/data/a.wav"), "dog"),)


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    table = write(tmp_path / "list.csv", "file,what\na.wav,dog\n")
    with pytest.raises(ConfigurationError, match=r"no column 'path'; it has: file, what$"):
        read_table(table, Columns())


def test_a_table_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"path,label\n\xff\xfe,dog\n")
    with pytest.raises(ConfigurationError, match="is not CSV in UTF-8"):
        read_table(tmp_path / "list.csv", Columns())


def test_the_first_pattern_that_fits_a_name_labels_it(tmp_path: Path) -> None:
    for name in ("bd_808.flac", "sub/bd_boom.flac", "elec_beep.flac", "hat_zap.flac"):
        write(tmp_path / "sounds" / name)
    rules = write(tmp_path / "names.csv", "pattern,label\nbd_boom,explosion\nbd_*,kick drum\nhat_*,\n")
    found = label_by_pattern(tmp_path / "sounds", rules)
    assert {sound.path.name: sound.label for sound in found.sounds} == {
        "bd_808.flac": "kick drum",
        "bd_boom.flac": "explosion",
    }
    assert len(found.left_out) == 2


def test_names_tell_a_label_where_they_tell_one_alone(tmp_path: Path) -> None:
    labels = [
        Label("glass shatter", "impact", synonyms=("glass", "hit")),
        Label("wood impact", "impact", synonyms=("wood", "hit")),
        Label("hi-hat", "music"),
        Label("dog bark", "animals", synonyms=("dog",)),
    ]
    for name in ("GlassShatter01", "big_hit", "wood_dog_bark", "Glass-02", "hi_hat3", "elec_beep"):
        write(tmp_path / f"{name}.wav")
    found = label_by_name(tmp_path, labels)
    assert {sound.path.stem: sound.label for sound in found.sounds} == {
        "GlassShatter01": "glass shatter",
        "Glass-02": "glass shatter",
        "wood_dog_bark": "dog bark",
        "hi_hat3": "hi-hat",
    }


def test_labels_of_a_data_set_are_matched_by_name_or_by_a_synonym_of_one_label() -> None:
    labels = [Label("dog bark", "a", synonyms=("dog", "pet")), Label("cat meow", "a", synonyms=("Cat", "pet"))]
    found = match_labels(["Dog Bark", "cat", "pet", "car"], labels)
    assert found == {"Dog Bark": "dog bark", "cat": "cat meow"}


def test_labels_are_cleaned_of_underscores() -> None:
    assert clean_label(" door_wood__knock ") == "door wood knock"


def test_synthesized_sounds_are_new_and_exactly_what_is_rendered(tmp_path: Path) -> None:
    found = synthesize_dataset(tmp_path, ["kick drum", "alarm beep"], 2)
    assert [sound.label for sound in found.sounds] == ["kick drum", "kick drum", "alarm beep", "alarm beep"]
    seeds = [int(sound.path.stem.rsplit("-", 1)[1]) for sound in found.sounds]
    assert min(seeds) > max(TRAINING_SEEDS, HELD_OUT_SEED) + 10_000
    np.testing.assert_array_equal(decode(found.sounds[1].path).waveform, render("kick drum", seeds[1]))


def test_only_known_labels_are_synthesized(tmp_path: Path) -> None:
    source = ModelSource(ModelKey("m", "r"), tmp_path, known_labels=frozenset({"kick drum", "silence", "unheard of"}))
    assert labels_to_synthesize(source) == ["kick drum"]
    starter = labels_to_synthesize(resolve_model("timbre-starter"))
    assert len(starter) > 50
