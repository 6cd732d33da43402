"""Train the starter model on synthesized sounds: `python -m analysis.starter.train --out DIR --cache DIR`."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path

import click
import torch

from analysis.starter.checkpoint import adopt, save_checkpoint
from analysis.starter.clips import HELD_OUT_SEED, TRAINING_SEEDS, Clips, extend_clips, render_clips
from analysis.starter.evaluate import REAL_HELP, RealSounds, read_listed_sounds, read_real_sounds, window_features
from analysis.starter.examiner import Examiner, Outcome
from analysis.starter.network import build_model, set_scale
from analysis.starter.phrases import PhraseBook, build_phrase_book
from analysis.starter.recordings import read_recordings
from analysis.starter.tokenizer import make_tokenizer
from analysis.starter.trainer import Plan, Trainer
from analysis.synth import KINDS
from analysis.vocabulary import load_vocabulary

logger = logging.getLogger(__name__)

VOCABULARY = Path(__file__).parents[2] / "config" / "vocabulary.yaml"
RECORDING_COPIES = 2  # of each recording among the synthesized clips


def train(
    plan: Plan,
    book: PhraseBook,
    clips: Clips,
    held_out: Clips,
    real: RealSounds | None,
    out: Path,
    *,
    start: Path | None = None,
) -> Outcome:
    """Train a model and write its best checkpoint.

    Parameters
    ----------
    plan : Plan
        Sizes, rates and seed.
    book : PhraseBook
        Texts of the covered labels, in the order of the clips' labels.
    clips, held_out : Clips
        On the device to train on.
    real : RealSounds or None
        Recordings that choose among the passes.
    out : Path
        Folder of the checkpoint.
    start : Path, optional
        Checkpoint to go on from; its labels may be fewer.

    Returns
    -------
    Outcome
        Of the pass that was kept.
    """
    torch.manual_seed(plan.seed)
    tokenizer = make_tokenizer(book.everything)
    model = adopt(start, tokenizer) if start else build_model(len(tokenizer), plan.width)
    torch.nn.Module.to(model, clips.frames.device)
    logger.info("%.2f million parameters, %d clips", sum(p.numel() for p in model.parameters()) / 1e6, len(clips))
    trainer = Trainer(model, tokenizer, book, clips, replace(plan, resumed=start is not None))
    examiner = Examiner(tokenizer, book.labels, window_features(held_out), held_out.labels.cpu(), real)
    best, kept = Outcome(0, -1.0, -1.0), {}
    started = time.monotonic()
    for done in range(1, plan.passes + 1):
        for step, loss in enumerate(trainer.run_pass()):
            if step % 50 == 0:
                logger.info("pass %d step %d loss %.3f, %.0f s", done, step, loss, time.monotonic() - started)
        average = trainer.averaged_model()
        outcome = examiner.examine(average, done)
        logger.info("%s after %.0f s", outcome, time.monotonic() - started)
        if outcome.rank > best.rank:
            best, kept = outcome, {name: value.detach().cpu().clone() for name, value in average.state_dict().items()}
            save_checkpoint(average, tokenizer, book.labels, out)
    model.load_state_dict(kept)
    scale = examiner.calibrate(model, held_out, plan.seed)
    logger.info("kept %s, logit scale %.1f", best, scale)
    set_scale(model, scale)
    save_checkpoint(model, tokenizer, book.labels, out)
    return best


def choose_device(name: str) -> torch.device:
    """Take CUDA where there is one, unless told otherwise."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the checkpoint.")
@click.option("--cache", type=click.Path(path_type=Path), required=True, help="Folder for rendered clips.")
@click.option("--real", type=click.Path(path_type=Path, exists=True), help=REAL_HELP)
@click.option("--split", default="dev", help="Rows of that table which choose among the passes.")
@click.option("--recordings", type=click.Path(path_type=Path, exists=True), help="CC0 recordings to train on as well.")
@click.option("--vocabulary", type=click.Path(path_type=Path), default=VOCABULARY, help="The vocabulary file.")
@click.option("--start", type=click.Path(path_type=Path, exists=True), help="Checkpoint to go on from.")
@click.option("--clips", default=Plan().clips, help="Clips per label.")
@click.option("--first-clip", default=0, help="Seed of the first clip; another one than before makes new clips.")
@click.option("--passes", default=Plan().passes, help="Passes over the clips.")
@click.option("--seed", default=Plan().seed)
@click.option("--batch", default=Plan().batch, help="Clips per step.")
@click.option("--rate", default=Plan().audio_rate, help="Learning rate of the audio tower; the text tower has half.")
@click.option("--width", default=Plan().width, help="Channels of a patch.")
@click.option("--frozen", is_flag=True, help="Patches and first stage of the audio tower stay as they are.")
@click.option("--coarse", is_flag=True, help="Compute in bfloat16 where that is safe.")
@click.option("--device", default="auto", help="auto, cpu or cuda.")
@click.option("--processes", default=2, help="Renderers at a time.")
@click.option("--threads", default=2, help="Of the training itself.")
def main(
    out: Path,
    cache: Path,
    real: Path | None,
    split: str,
    recordings: Path | None,
    vocabulary: Path,
    start: Path | None,
    clips: int,
    first_clip: int,
    passes: int,
    seed: int,
    batch: int,
    rate: float,
    width: int,
    frozen: bool,
    coarse: bool,
    device: str,
    processes: int,
    threads: int,
) -> None:
    """Render the sounds, train on them and write the checkpoint that served real recordings best."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    torch.set_num_threads(threads)
    if first_clip + clips > TRAINING_SEEDS:
        raise click.BadParameter(f"want seeds under {TRAINING_SEEDS}, got {first_clip + clips}")
    plan = replace(
        Plan(), clips=clips, passes=passes, seed=seed, batch=batch, audio_rate=rate, text_rate=rate / 2, width=width
    )
    plan = replace(plan, frozen=frozen, coarse=coarse)
    book = build_phrase_book(load_vocabulary(vocabulary), KINDS)
    where = choose_device(device)
    training = render_clips(book.labels, range(first_clip, first_clip + clips), cache_dir=cache, processes=processes)
    if recordings:
        training = extend_clips(training, *read_recordings(recordings, book.labels), copies=RECORDING_COPIES)
    training = training.to(where)
    seeds = range(HELD_OUT_SEED, HELD_OUT_SEED + plan.held_out)
    held_out = render_clips(book.labels, seeds, cache_dir=cache, processes=processes).to(where)
    sounds = None
    if real:
        sounds = read_listed_sounds(real, book.labels, split) if real.is_file() else read_real_sounds(real, book.labels)
    outcome = train(plan, book, training, held_out, sounds, out, start=start)
    click.echo(f"pass {outcome.done}: held-out {outcome.held_out:.1%}, real {outcome.real:.1%}")


if __name__ == "__main__":
    main()
