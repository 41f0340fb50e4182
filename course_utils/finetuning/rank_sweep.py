"""Sweep LoRA's rank, and the matrices that it adapts: `python -m course_utils.finetuning.rank_sweep --out FILE`.

The shipped tinyworld model, which knows the town alone, is taught the clinic. One row of FILE for each training.
"""

import argparse
import copy
import json
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils import corpora, pretrained
from course_utils.checks import whole_number
from course_utils.evaluation import total_nats
from course_utils.files import write_atomically
from course_utils.finetuning.loop import finetune
from course_utils.finetuning.lora import add_lora
from course_utils.finetuning.lora_layer import PARTS
from course_utils.training import RandomWindows, document_row
from course_utils.transformer import DecoderLM

ALL = tuple(PARTS)  # every matrix of a layer
RANKS = (1, 2, 4, 8, 16, 32)
# groups of matrices, each with the rank at which it has 28,672 to 29,568 parameters
PLACES = {("q", "v"): 14, ("q", "k", "v", "o"): 7, ("gate", "up", "down"): 5, ALL: 3}
RATES = (3e-3, 1e-2, 3e-2, 1e-1)  # of LoRA; without adapters a third of each
ALPHA = 16
SEEDS = (0, 1, 2)
STEPS, BATCH_SIZE = 80, 4


class Setting(NamedTuple):
    """What is trained.

    Args:
        targets: matrices of each layer; none means all parameters of the model.
        rank: of the adapters that they get; 0 if they move themselves.
    """

    targets: tuple[str, ...]
    rank: int


@dataclass(frozen=True)
class Result:
    """What came out of a training: seconds of one core, and nats per token of documents that it hasn't read."""

    targets: tuple[str, ...]
    rank: int
    seed: int
    learning_rate: float
    trainable: int
    validation: float
    clinic: float
    town: float
    seconds: float


SETTINGS = [
    *(Setting((), 0), Setting(ALL, 0)),
    *(Setting(ALL, rank) for rank in RANKS),
    *(Setting(*place) for place in PLACES.items()),
]


def train(setting: Setting, learning_rate: float, seed: int, steps: int = STEPS) -> Result:
    """Finetune the shipped model on the clinic, and score it on documents of both domains.

    Args:
        setting: what moves.
        learning_rate: at its peak.
        seed: of the order of the texts, and of A's numbers.
        steps: of `BATCH_SIZE` windows each.

    Raises:
        ValueError: as `add_lora` and `finetune`.
    """
    model = copy.deepcopy(_base())
    if setting.rank:
        add_lora(model, setting.rank, ALPHA, setting.targets, seed=seed)
    elif setting.targets:
        for name, weight in model.named_parameters():  # layers.0.attention.q.weight
            weight.requires_grad_(name.split(".")[-2] in setting.targets)
    windows = RandomWindows(_clinic(), BATCH_SIZE, model.config.context_length, seed)
    start = time.process_time()  # other programs don't count
    run = finetune(model, windows.draw, steps, learning_rate)
    seconds = round(time.process_time() - start, 1)
    return Result(
        *(setting.targets, setting.rank, seed, learning_rate, run.trainable),
        validation=_loss(model, "tinyworld-clinic", "validation", 40),
        clinic=_loss(model, "tinyworld-clinic", "test", 60),
        town=_loss(model, "tinyworld", "test", 60),
        seconds=seconds,
    )


def sweep(processes: int, steps: int = STEPS, progress: bool = False) -> list[Result]:
    """Return a result of each of `SETTINGS` with each of `SEEDS`.

    Each setting has the learning rate with the lowest loss on validation documents, chosen with the first seed.

    Args:
        processes: that train side by side, each on one core.
        steps: of each training.
        progress: show a progress bar.

    Raises:
        ValueError: a number below 1.
    """
    whole_number("processes", processes, least=1)
    context = multiprocessing.get_context("spawn")  # a fork of a process that has computed may hang
    with ProcessPoolExecutor(processes, context, initializer=torch.set_num_threads, initargs=(1,)) as pool:

        def results(jobs: list[tuple[Setting, float, int]]) -> list[Result]:
            found = pool.map(train, *zip(*jobs, strict=True), [steps] * len(jobs))
            return list(tqdm(found, total=len(jobs), unit="training", disable=not progress))

        trials = [(setting, rate if setting.rank else rate / 3, SEEDS[0]) for setting in SETTINGS for rate in RATES]
        rates: dict[Setting, float] = {}
        for result in sorted(results(trials), key=lambda result: result.validation):
            rates.setdefault(Setting(result.targets, result.rank), result.learning_rate)
        return results([(setting, rates[setting], seed) for setting in SETTINGS for seed in SEEDS])


def _loss(model: DecoderLM, name: str, split: str, n: int) -> float:
    nats, tokens = total_nats(model, _rows(name, split, n), model.config.context_length)
    return round(nats / tokens, 4)


@cache
def _base() -> DecoderLM:
    return pretrained.load("tinyworld", device="cpu", dtype=torch.float32)[0]


@cache
def _rows(name: str, split: str, n: int) -> list[Tensor]:
    tokenizer = pretrained.load("tinyworld", device="cpu")[1]
    texts = corpora.load(name, split)["text"][:n]
    return [torch.tensor(document_row(text, tokenizer.encode)) for text in texts]


@cache
def _clinic() -> Tensor:
    return torch.cat(_rows("tinyworld-clinic", "train", 1000))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sweep and write it; three minutes on two cores of an EPYC processor."""
    parser = argparse.ArgumentParser(prog="python -m course_utils.finetuning.rank_sweep", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the file for one JSON object a line")
    parser.add_argument("--processes", type=int, default=2, help="trainings side by side (default: 2)")
    options = parser.parse_args(arguments)
    results = sweep(options.processes, progress=True)
    lines = [json.dumps(asdict(result)) + "\n" for result in results]
    write_atomically(options.out, "".join(lines).encode())


if __name__ == "__main__":
    main()
