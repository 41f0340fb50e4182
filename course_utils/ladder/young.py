"""Young transformers of tinyworld: one seen every 80 steps of its training, and one of another seed half-way.

Notebook 16 mixes them with n-grams. They are shipped, for their training takes most of a minute, and rounds a little
differently on every processor. Made by `python -m course_utils.ladder.young`.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from course_utils.corpora import load as load_corpus
from course_utils.files import save_tensors, shipped
from course_utils.pretrained import load as load_model
from course_utils.training import Trainer, TrainingConfig, document_row
from course_utils.transformer import DecoderLM, TransformerConfig

FILE = shipped("models/young/model.safetensors")
SHAPE = TransformerConfig(vocab_size=768, d_model=64, n_layers=2, n_heads=4, n_kv_heads=4, d_ff=176, context_length=128)
WHOLE = 480  # steps
SETTINGS = TrainingConfig(steps=WHOLE, batch_size=8, learning_rate=0.01, validate_every=80, progress=False)
STEPS = {0: range(80, 481, 80), 1: [240]}  # of each seed: the steps after which its weights are kept


def train(seed: int) -> dict[int, DecoderLM]:
    """Train one of them on one thread; return it as it was after each of its `STEPS`.

    It sets torch's global seed; the number of threads is afterwards what it was.

    Raises:
        KeyError: a seed that has no steps.
    """
    steps = STEPS[seed]
    _, tokenizer = load_model("tinyworld")
    rows = {
        split: [torch.tensor(document_row(text, tokenizer.encode)) for text in load_corpus("tinyworld", split)["text"]]
        for split in ("train", "validation")
    }
    stream = torch.cat([row[1:] for row in rows["train"]])  # (N,) every document and the separator after it
    kept: dict[int, DecoderLM] = {}

    def keep(trainer: Trainer) -> None:
        if trainer.history.step in steps:
            weights = {name: weight.clone() for name, weight in trainer.model.state_dict().items()}
            kept[trainer.history.step] = DecoderLM.from_weights(SHAPE, weights)

    settings = replace(SETTINGS, seed=seed, **first_steps(max(steps)))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    try:
        Trainer(DecoderLM(SHAPE), stream, rows["validation"][:2], settings, keep).run()
    finally:
        torch.set_num_threads(threads)
    return kept


def first_steps(steps: int) -> dict[str, Any]:
    """Return the settings of a run that stops after so many steps, at the learning rates of the whole run."""
    warmup = SETTINGS.warmup * WHOLE  # steps
    return {"steps": steps, "warmup": warmup / steps, "final": (WHOLE - steps) / (WHOLE - warmup)}


def save_young(models: Mapping[tuple[int, int], DecoderLM], path: str | Path = FILE) -> None:
    """Write models of (seed, step) to one file, in float16: half the bytes.

    Raises:
        OSError: the folder can't be written, or the disk is full.
    """
    named = {
        f"{seed}/{step}/{name}": weight.half()
        for (seed, step), model in models.items()
        for name, weight in model.state_dict().items()
    }
    save_tensors(path, named)


def load_young(path: str | Path = FILE) -> dict[tuple[int, int], DecoderLM]:
    """Return the shipped ones by (seed, step): in float32, in eval mode, those of a seed in the order of their steps.

    Raises:
        FileNotFoundError: the file isn't there; the message says how to make it.
        ValueError: the file is damaged.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"{path} is missing: run `python -m course_utils.ladder.young` to make it again")
    try:
        tensors = safetensors.torch.load_file(path)
        return {
            (seed, step): DecoderLM.from_weights(SHAPE, _weights(tensors, f"{seed}/{step}/"))
            for seed, steps in STEPS.items()
            for step in steps
        }
    except (SafetensorError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged or of other models ({error}): `python -m course_utils.ladder.young` makes it again"
        ) from error


def _weights(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value.float() for name, value in tensors.items() if name.startswith(prefix)}


if __name__ == "__main__":
    save_young({(seed, step): model for seed in STEPS for step, model in train(seed).items()})
