"""Train models of several sizes on several amounts of text: `python -m course_utils.scaling.sweep --out FILE`.

The text is tinyworld's, so the floor under every loss is known. No model reads a text twice; each has a learning rate
that suits its size, and a schedule that ends where its text ends. A larger model than all others is trained on more
text: the target, which a scaling law has to predict from the others. Each training has one thread; FILE
grows by a line as one ends, and a second call goes on from there.

The town's loss is no smooth function of the text: it hardly falls up to two million tokens, and where a model goes on
from there differs from run to run, so that no law fits the smaller budgets well. Its results aren't shipped.
"""

import argparse
import json
import math
import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from time import process_time
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm.auto import tqdm

from course_utils import corpora, pretrained
from course_utils.checks import whole_number
from course_utils.corpora.tinyworld import TinyWorld
from course_utils.device import processor_name
from course_utils.evaluation import total_nats
from course_utils.files import write_atomically
from course_utils.tokenization import Tokenizer
from course_utils.training import Trainer, TrainingConfig, document_row
from course_utils.training.documents import START, Place
from course_utils.training.streaming import StreamRow
from course_utils.training.windows import digest
from course_utils.transformer import DecoderLM, TransformerConfig

CONTEXT, BATCH_SIZE = 128, 8  # tokens of a window, and windows of a step
TOKENS = tuple(3 * 2**power for power in range(19, 23))  # budgets of text: 1,572,864 to 12,582,912
RATES = (5e-3, 1e-2, 2e-2)  # learning rates to choose from
RATE_TOKENS = TOKENS[1]  # of the trainings that choose one
SEEDS = (0, 1)
FIRST_WORLD = 1000  # the seed of the first text: no other text of the course is drawn with it
VALIDATION, TEST = 200, 500  # documents to choose a learning rate with, and to score with


class Size(NamedTuple):
    """The shape of a model; the feed-forward part is 2.75 times as wide as the model, in whole eights."""

    n_layers: int
    d_model: int
    n_heads: int

    def config(self, vocab_size: int) -> TransformerConfig:
        """Return the transformer's configuration."""
        return TransformerConfig(
            vocab_size=vocab_size,
            n_layers=self.n_layers,
            d_model=self.d_model,
            n_heads=self.n_heads,
            n_kv_heads=self.n_heads,
            d_ff=round(2.75 * self.d_model / 8) * 8,
            context_length=CONTEXT,
        )


SIZES = (Size(2, 16, 2), Size(2, 32, 2), Size(3, 48, 3), Size(4, 64, 4), Size(4, 96, 4))
TARGET, TARGET_TOKENS = Size(4, 128, 4), 2 * TOKENS[-1]


@dataclass(frozen=True)
class Result:
    """One training: losses in nats per token of whole documents, the end of each included; seconds of one core."""

    n_layers: int
    d_model: int
    seed: int
    learning_rate: float
    parameters: int
    non_embedding: int
    tokens: int
    validation: float
    test: float
    seconds: float
    processor: str


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
            for text in TinyWorld(FIRST_WORLD * (seed + 1) + part).sample(2000)["text"]:
                yield text, START
            part += 1

    row, source = StreamRow(), texts()
    return torch.tensor([row.window(source, tokenizer.encode, CONTEXT) for _ in range(n)], dtype=torch.int16)


def train(size: Size, tokens: int, seed: int, learning_rate: float, rows: Tensor) -> Result:
    """Train one model and score it.

    Args:
        size: its shape.
        tokens: to read.
        seed: of the first weights.
        learning_rate: at its peak.
        rows: windows, (W, T + 1), of at least so many tokens.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    model = DecoderLM(size.config(tokenizer.vocab_size))
    config = TrainingConfig(tokens=tokens, batch_size=BATCH_SIZE, learning_rate=learning_rate, progress=False)
    start = process_time()
    Trainer(model, Windows(rows), None, config).run()
    seconds = process_time() - start
    parameters = sum(weight.numel() for weight in model.parameters())
    return Result(
        *(size.n_layers, size.d_model, seed, learning_rate, parameters),
        non_embedding=parameters - model.embedding.weight.numel(),
        tokens=tokens,
        validation=_loss(model, "validation", VALIDATION),
        test=_loss(model, "test", TEST),
        seconds=round(seconds, 1),
        processor=processor_name(),
    )


@cache
def floor() -> float:
    """Return the nats per token that a perfect model would need for the documents of the test score."""
    log2_probs = corpora.load("tinyworld", "test")["log2_prob"][:TEST]
    tokens = sum(len(row) - 1 for row in _documents("test", TEST))
    return -sum(log2_probs) * math.log(2) / tokens


def planned(rates: dict[Size, float]) -> list[tuple[Size, int, int, float]]:
    """Return size, tokens, seed and learning rate of every training of the sweep.

    The target has the rate of the largest of the other models: nothing of it was seen before.
    """
    sizes = [(size, tokens, seed, rates[size]) for size in SIZES for tokens in TOKENS for seed in SEEDS]
    return sizes + [(TARGET, TARGET_TOKENS, seed, rates[SIZES[-1]]) for seed in SEEDS]


def sweep(path: Path, processes: int, progress: bool = False) -> None:
    """Run what the file doesn't hold yet: first what chooses each size's learning rate, then the sweep.

    Args:
        path: the file of JSON lines, a `Result` each; the first are of the trainings that chose the rates.
        processes: trainings side by side, each on one core.
        progress: show a progress bar.

    Raises:
        ValueError: processes is below 1; the file holds something else.
    """
    whole_number("processes", processes, least=1)
    results = read(path) if path.exists() else []
    trials = [(size, RATE_TOKENS, SEEDS[0], rate) for size in SIZES for rate in RATES]
    with tempfile.TemporaryDirectory() as folder, _pool(processes) as pool:
        texts = {seed: Path(folder) / f"{seed}.safetensors" for seed in SEEDS}
        windows = TARGET_TOKENS // CONTEXT
        list(pool.map(_write_windows, texts.values(), texts, [windows] * len(texts)))

        def run(jobs: Sequence[tuple[Size, int, int, float]]) -> None:
            done = {
                (result.n_layers, result.d_model, result.tokens, result.seed, result.learning_rate)
                for result in results
            }
            waiting = [job for job in jobs if (job[0].n_layers, job[0].d_model, *job[1:]) not in done]
            waiting.sort(key=lambda job: -job[1] * job[0].d_model)  # the longest first
            futures: list[Future[Result]] = [
                pool.submit(_train_on, texts[seed], size, tokens, seed, rate) for size, tokens, seed, rate in waiting
            ]
            for future in tqdm(as_completed(futures), total=len(futures), unit="training", disable=not progress):
                results.append(future.result())
                write_atomically(path, "".join(json.dumps(asdict(result)) + "\n" for result in results).encode())

        run(trials)
        run(planned(chosen_rates(results)))


def chosen_rates(results: Sequence[Result]) -> dict[Size, float]:
    """Return each size's learning rate: that of the lowest validation loss among the trials."""
    rates = {}
    for size in SIZES:
        tried = [
            result
            for result in results
            if (result.n_layers, result.d_model, result.tokens, result.seed)
            == (size.n_layers, size.d_model, RATE_TOKENS, SEEDS[0])
        ]
        rates[size] = min(tried, key=lambda result: result.validation).learning_rate
    return rates


def read(path: str | Path) -> list[Result]:
    """Return the results that a sweep has written.

    Raises:
        FileNotFoundError: there is no such file; the message has the command that makes it.
        ValueError: the file holds something else.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        command = f"python -m course_utils.scaling.sweep --out {path}"
        raise FileNotFoundError(f"{path} is missing: run `{command}`") from None
    try:
        return [Result(**json.loads(line)) for line in lines]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} isn't of this command ({error}): give another file, or move this one away") from None


def _pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))  # a fork after computing may hang


def _write_windows(path: Path, seed: int, n: int) -> None:
    save_file({"rows": fresh_windows(seed, n)}, path)


def _train_on(path: Path, size: Size, tokens: int, seed: int, learning_rate: float) -> Result:
    return train(size, tokens, seed, learning_rate, load_file(path)["rows"])


def _loss(model: DecoderLM, split: str, n: int) -> float:
    nats, tokens = total_nats(model, _documents(split, n), CONTEXT, CONTEXT // 2)
    return round(nats / tokens, 5)


@cache
def _tokenizer() -> Tokenizer:
    return pretrained.load("tinyworld", device="cpu")[1]


@cache
def _documents(split: str, n: int) -> list[Tensor]:
    texts = corpora.load("tinyworld", split)["text"][:n]
    return [torch.tensor(document_row(text, _tokenizer().encode)) for text in texts]


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
