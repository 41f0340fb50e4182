"""Train models of several sizes on several amounts of text: `python -m course_utils.scaling.sweep --out FILE`.

The text is tinyworld's reviews, so the floor under every loss is known. No model reads a text twice; each has the
learning rate that suits its size and its text, and a schedule that ends where its text ends. Larger models than all
others are trained on more text: the targets, which a scaling law has to predict from the others. Each training has one
thread; FILE grows by a line as one ends, and a second call goes on from there.
"""

import argparse
import json
import math
import multiprocessing
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict
from functools import cache
from pathlib import Path
from time import process_time

import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm.auto import tqdm

from course_utils import pretrained
from course_utils.checks import whole_number
from course_utils.corpora.tinyworld import TinyWorld
from course_utils.device import processor_name
from course_utils.evaluation import total_nats
from course_utils.files import write_atomically
from course_utils.memory import formula_size, forward_flops_per_token
from course_utils.scaling.runs import Job, Result, Size, read
from course_utils.tokenization import Tokenizer
from course_utils.training import Trainer, TrainingConfig, document_row
from course_utils.training.documents import START, Place
from course_utils.training.streaming import StreamRow
from course_utils.training.windows import digest
from course_utils.transformer import DecoderLM

CONTEXT, BATCH_SIZE = 64, 4  # tokens of a window, and windows of a step
TOKENS = tuple(2**power for power in range(15, 21))  # budgets of text: 32,768 to 1,048,576
RATES = (1e-2, 2e-2, 4e-2, 8e-2)  # the first learning rates to try, for each size and text
LEAST_GAIN = 0.01  # share of the loss that the outermost rate must save beside all others, for one more to be tried
SEEDS = (0, 1, 2)
FIRST_WORLD = 1000  # the seed of the first text: no other text of the course is drawn with it
VALIDATION_WORLD, TEST_WORLD = 1, 2  # seeds
VALIDATION, TEST = 500, 1000  # reviews to choose a learning rate with, and to score with


SIZES = (Size(2, 4, 1), Size(2, 8, 1), Size(2, 16, 2), Size(2, 32, 2), Size(2, 64, 4))
TARGETS = ((Size(2, 128, 8), 4 * TOKENS[-1]), (Size(4, 128, 8), 8 * TOKENS[-1]))  # the near one and the far one


class Windows:
    """Rows of tokens in the order in which they lie, each once."""

    def __init__(self, rows: Tensor):
        self.rows, self.place = rows, 0  # (W, T + 1)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets (B, T) of the next batch."""
        batch = self.rows[self.place : self.place + BATCH_SIZE].long()
        self.place += BATCH_SIZE
        return batch[:, :-1], batch[:, 1:]

    def state(self) -> Tensor:
        """Return the place."""
        return torch.tensor(self.place)

    def restore(self, state: Tensor) -> None:
        """Go to a place."""
        self.place = int(state)

    def identity(self) -> str:
        """Return a name for the rows."""
        return digest([self.rows])


def fresh_windows(seed: int, n: int) -> Tensor:
    """Return n windows of tokens that each begin with a fresh document of the town, (n, T + 1) int16.

    Args:
        seed: of the text.
        n: number of windows.
    """
    tokenizer = _tokenizer()

    def texts() -> Iterator[tuple[str, Place]]:
        part = 0
        while True:
            for text in TinyWorld(FIRST_WORLD * (seed + 1) + part, kind="review").sample(4000)["text"]:
                yield text, START
            part += 1

    row, source = StreamRow(), texts()
    return torch.tensor([row.window(source, tokenizer.encode, CONTEXT) for _ in range(n)], dtype=torch.int16)


def trained(job: Job, rows: Tensor) -> tuple[DecoderLM, float]:
    """Train one model.

    Args:
        job: what to train.
        rows: windows, (W, T + 1), of at least so many tokens as it is to read.

    Returns:
        The model, and the seconds of one core that it took.
    """
    torch.manual_seed(job.seed)
    model = DecoderLM(job.size.config(_tokenizer().vocab_size, CONTEXT))
    config = TrainingConfig(tokens=job.tokens, batch_size=BATCH_SIZE, learning_rate=job.learning_rate, progress=False)
    start = process_time()
    Trainer(model, Windows(rows), None, config).run()
    return model, process_time() - start


def train(job: Job, rows: Tensor) -> Result:
    """Train one model on one thread, and score it; the arguments are those of `trained`."""
    torch.set_num_threads(1)
    model, seconds = trained(job, rows)
    size = formula_size(model.config)
    return Result(
        **job.size._asdict(),
        tokens=job.tokens,
        seed=job.seed,
        learning_rate=job.learning_rate,
        parameters=size.n_parameters,
        non_embedding=size.n_non_embedding_parameters,
        flops=3 * forward_flops_per_token(model.config, CONTEXT) * job.tokens,
        validation=_loss(model, VALIDATION_WORLD, VALIDATION),
        test=_loss(model, TEST_WORLD, TEST),
        seconds=round(seconds, 1),
        processor=processor_name(),
    )


@cache
def floor() -> float:
    """Return the nats per token that a perfect model would need for the documents of the test score."""
    log2_probs = _reviews(TEST_WORLD, TEST)["log2_prob"]
    tokens = sum(len(row) - 1 for row in _documents(TEST_WORLD, TEST))
    return -sum(log2_probs) * math.log(2) / tokens


def trials(results: Sequence[Result]) -> list[Job]:
    """Return the trainings that choose a learning rate: the first seed of each size and text, at each of the rates.

    Where the highest of the rates is better than all others by more than `LEAST_GAIN`, its double joins them; where
    the lowest is, its half. So the list grows with the results, until another rate no longer pays.
    """
    jobs = []
    for (size, tokens), losses in _tried(results).items():
        rates = set(RATES) | set(losses)
        if rates == set(losses):
            best, second = sorted(losses, key=losses.__getitem__)[:2]
            if losses[best] < (1 - LEAST_GAIN) * losses[second]:
                if best == max(rates):
                    rates.add(2 * best)
                elif best == min(rates):
                    rates.add(best / 2)
        jobs += [Job(size, tokens, SEEDS[0], rate) for rate in sorted(rates)]
    return jobs


def planned(rates: dict[tuple[Size, int], float]) -> list[Job]:
    """Return every training of the sweep at the rates chosen; the trials among them are done already.

    The targets have the rate of the largest model's longest text: nothing of them was seen before.
    """
    jobs = [Job(size, tokens, seed, rates[size, tokens]) for size in SIZES for tokens in TOKENS for seed in SEEDS]
    return jobs + [Job(*target, seed, rates[SIZES[-1], TOKENS[-1]]) for target in TARGETS for seed in SEEDS]


def chosen_rates(results: Sequence[Result]) -> dict[tuple[Size, int], float]:
    """Return the learning rate of each size and text: that of the lowest validation loss among the trials."""
    return {cell: min(losses, key=losses.__getitem__) for cell, losses in _tried(results).items()}


def chosen(results: Sequence[Result]) -> list[Result]:
    """Return the results without those at a learning rate that another was better than: the table of the sweep."""
    jobs = set(planned(chosen_rates(results)))
    return [result for result in results if result.job in jobs]


def sweep(path: Path, processes: int, progress: bool = False) -> None:
    """Run what the file doesn't hold yet: first what chooses the learning rates, then the sweep.

    Args:
        path: the file of JSON lines, a `Result` each.
        processes: trainings side by side, each on one core.
        progress: show a progress bar.

    Raises:
        ValueError: processes is below 1; the file holds something else.
    """
    whole_number("processes", processes, least=1)
    results = read(path) if path.exists() else []
    with tempfile.TemporaryDirectory() as folder, _pool(processes) as pool:
        texts = {seed: Path(folder) / f"{seed}.safetensors" for seed in SEEDS}
        windows = max(tokens for _, tokens in TARGETS) // CONTEXT
        list(pool.map(_write_windows, texts.values(), texts, [windows] * len(texts)))

        def run(jobs: Iterable[Job]) -> None:
            done = {result.job for result in results}
            waiting = sorted((job for job in jobs if job not in done), key=lambda job: -job.tokens * job.size.d_model)
            futures: list[Future[Result]] = [pool.submit(_train_on, texts[job.seed], job) for job in waiting]
            for future in tqdm(as_completed(futures), total=len(futures), unit="training", disable=not progress):
                results.append(future.result())
                write_atomically(path, "".join(json.dumps(asdict(result)) + "\n" for result in results).encode())

        while jobs := set(trials(results)) - {result.job for result in results}:
            run(jobs)
        run(planned(chosen_rates(results)))


def _tried(results: Iterable[Result]) -> dict[tuple[Size, int], dict[float, float]]:
    """Return the validation loss of each learning rate that the first seed was trained with, for each size and text."""
    tried: dict[tuple[Size, int], dict[float, float]] = {(size, tokens): {} for size in SIZES for tokens in TOKENS}
    for result in results:
        cell = result.job.size, result.tokens
        if cell in tried and result.seed == SEEDS[0]:
            tried[cell][result.learning_rate] = result.validation
    return tried


def _pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))  # a fork after computing may hang


def _write_windows(path: Path, seed: int, n: int) -> None:
    save_file({"rows": fresh_windows(seed, n)}, path)


def _train_on(path: Path, job: Job) -> Result:
    return train(job, load_file(path)["rows"])


def _loss(model: DecoderLM, world: int, n: int) -> float:
    nats, tokens = total_nats(model, _documents(world, n), CONTEXT, CONTEXT // 2)
    return round(nats / tokens, 5)


@cache
def _tokenizer() -> Tokenizer:
    return pretrained.load("tinyworld", device="cpu")[1]


@cache
def _reviews(world: int, n: int) -> Dataset:
    return TinyWorld(world, kind="review").sample(n)


@cache
def _documents(world: int, n: int) -> list[Tensor]:
    return [torch.tensor(document_row(text, _tokenizer().encode)) for text in _reviews(world, n)["text"]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sweep, or what is left of it."""
    parser = argparse.ArgumentParser(prog="python -m course_utils.scaling.sweep", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the file for one JSON object a line")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="trainings side by side")
    options = parser.parse_args(arguments)
    try:
        sweep(options.out, options.processes, progress=True)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
