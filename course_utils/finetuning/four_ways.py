"""Four ways of finetuning one pretrained model: what each teaches, what it costs, and what the model forgets by it.

    python -m course_utils.finetuning.four_ways --out four_ways.jsonl

The model is tinyworld's, and the old text that it must not forget its domain town. The new tasks: the sentiment of
reviews, by a classifier head; the text of the domain clinic, by continued pretraining and by LoRA; and instructions, by
supervised finetuning. Each run is a process of its own with one thread. The first line of the file is the model as it
was, the others are one run each; all is scored on the splits `test`.
"""

import argparse
import json
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils import corpora, pretrained
from course_utils.checks import whole_number
from course_utils.corpora.tinyworld import instructions, reviews
from course_utils.corpora.tinyworld.tasks import TONES
from course_utils.device import processor_name
from course_utils.files import write_atomically
from course_utils.finetuning import sft
from course_utils.finetuning.batches import shuffled_batches
from course_utils.finetuning.classifier import Classifier, classification_loss, padded
from course_utils.finetuning.four_ways_scores import CONTEXT, CORPUS, SCORES, TEST, Scale, before, review_row, town_bits
from course_utils.finetuning.loop import Run, finetune, next_token_batch_loss
from course_utils.finetuning.lora import add_lora
from course_utils.finetuning.lora_layer import PARTS
from course_utils.finetuning.replay import with_replay
from course_utils.tokenization import Tokenizer
from course_utils.training import SEPARATOR
from course_utils.training.windows import RandomWindows

RECORDS = 1600  # labelled reviews, or instructions, to learn from
DOCUMENTS = 2000  # of the clinic and the town, more than are read
FRESH = 100  # the first seed of labelled texts: the pretraining has read no document of it
TARGETS = tuple(PARTS)  # every matrix of a layer


@dataclass(frozen=True)
class Way:
    """One way of finetuning, and its settings.

    Args:
        name: for the table.
        task: "sentiment", "clinic" or "instructions".
        moves: "head", "all", or "lora": an adapter of rank 8 on every matrix of the layers.
        learning_rate: the best of those tried on the validation split.
        steps, batch_size: rows of 128 tokens of the clinic's text, whole reviews or whole conversations.
        replay: the share of the rows that are old text.
        loss_on: "response" or "all": which tokens of a conversation are scored.
    """

    name: str
    task: str
    moves: str
    learning_rate: float
    steps: int = 100
    batch_size: int = 8
    replay: float = 0.0
    loss_on: sft.LossOn = "response"


WAYS = (
    Way("classifier, head only", "sentiment", "head", 1e-2, steps=300, batch_size=16),
    Way("classifier, all weights", "sentiment", "all", 1e-3, batch_size=16),
    Way("continued pretraining", "clinic", "all", 3e-3),
    Way("continued pretraining, a third of the rate", "clinic", "all", 1e-3),
    Way("continued pretraining, a quarter replay", "clinic", "all", 3e-3, replay=0.25),
    Way("LoRA on the same text", "clinic", "lora", 5e-3),
    Way("supervised finetuning", "instructions", "all", 1e-3, batch_size=16),
    Way("supervised finetuning, every token scored", "instructions", "all", 1e-3, batch_size=16, loss_on="all"),
    Way("supervised finetuning by LoRA", "instructions", "lora", 3e-3, batch_size=16),
)
RANK, ALPHA = 8, 16


def run(way: Way, seed: int, scale: Scale = TEST) -> dict[str, Any]:
    """Finetune the pretrained model in one way and score it.

    Args:
        way: how.
        seed: of the texts, the batches and what is added to the model.
        scale: what to score it with.

    Returns:
        way, task, seed; score on the new task and town_bits, both as in `before`; trainable, seconds, cpu_seconds, and
        peak_mb: how far the process's memory rose while it trained (Linux only, else None).
    """
    torch.set_num_threads(1)
    model, tokenizer = pretrained.load("tinyworld", device="cpu")
    model.requires_grad_(way.moves != "lora")
    if way.moves == "lora":
        add_lora(model, RANK, ALPHA, TARGETS, seed=seed)
    trained: nn.Module = model
    draw, loss = _lesson(way, seed, tokenizer)
    if way.task == "sentiment":
        trained = Classifier(model, len(TONES), head_only=way.moves == "head", seed=seed)
    risen, cpu = _memory_meter(), time.process_time()
    done: Run = finetune(trained, draw, way.steps, way.learning_rate, loss)
    cpu, peak = time.process_time() - cpu, risen()
    return {
        "way": way.name,
        "task": way.task,
        "seed": seed,
        "score": SCORES[way.task](trained, tokenizer, scale),
        "town_bits": town_bits(model, tokenizer, scale),
        "trainable": done.trainable,
        "seconds": round(done.seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_mb": peak,
        "steps": way.steps,
        "processor": processor_name(),
    }


def _lesson(way: Way, seed: int, tokenizer: Tokenizer) -> tuple[Callable[[], Any], Callable[..., Tensor]]:
    """Return what draws the batches of a way, and its loss."""
    if way.task == "sentiment":
        rows = reviews(RECORDS, FRESH + seed)
        encoded = [review_row(text, tokenizer) for text in rows["text"]]
        pairs = list(zip(encoded, rows["label"], strict=True))
        batches = shuffled_batches(pairs, way.batch_size, seed)

        def draw_reviews() -> tuple[Tensor, Tensor, Tensor]:
            batch = next(batches)
            return *padded([row for row, _ in batch]), torch.tensor([label for _, label in batch])

        return draw_reviews, classification_loss
    if way.task == "instructions":
        records = [{"messages": messages} for messages in instructions(RECORDS, FRESH + seed)["messages"]]
        examples, _ = sft.examples(records, tokenizer, sft.PLAIN, max_tokens=CONTEXT, leave_out=True)
        conversations = shuffled_batches(examples, way.batch_size, seed)
        return lambda: sft.batch(next(conversations), way.loss_on), next_token_batch_loss
    draw = _windows("clinic", tokenizer, way.batch_size, seed).draw
    if way.replay:
        draw = with_replay(draw, _windows("town", tokenizer, way.batch_size, seed).draw, way.replay, seed)
    return draw, next_token_batch_loss


def _windows(domain: str, tokenizer: Tokenizer, batch_size: int, seed: int) -> RandomWindows:
    texts = corpora.load(CORPUS[domain], "train")["text"][:DOCUMENTS]
    ids = torch.tensor(tokenizer.encode(SEPARATOR.join(texts)))  # (N,)
    return RandomWindows(ids, batch_size, CONTEXT, seed)


def _memory_meter() -> Callable[[], float | None]:
    """Return what tells, when it is called, how many MB the process's memory has risen since, at its highest."""
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    try:
        reset.write_text("5")  # forget the highest so far
        begin = _megabytes(status, "VmRSS")
    except OSError:
        return lambda: None
    return lambda: round(_megabytes(status, "VmHWM") - begin, 1)


def _megabytes(status: Path, field: str) -> float:
    found = re.search(rf"{field}:\s+(\d+) kB", status.read_text())
    assert found
    return int(found[1]) * 1024 / 1e6


def parser() -> argparse.ArgumentParser:
    """Return the command line's arguments."""
    result = argparse.ArgumentParser(
        prog="python -m course_utils.finetuning.four_ways", description=(__doc__ or "").split("\n")[0]
    )
    result.add_argument("--out", type=Path, required=True, help="the file of JSON lines to write")
    result.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="one run of each way for each")
    result.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="runs at a time")
    return result


def main(arguments: list[str] | None = None) -> None:
    """Run every way with every seed, side by side in processes, and write the file when all are done."""
    command_line = parser()
    options = command_line.parse_args(arguments)
    try:
        processes = whole_number("--processes", options.processes, least=1)
    except ValueError as error:
        command_line.error(str(error))
    with ProcessPoolExecutor(processes, get_context("spawn"), max_tasks_per_child=1) as pool:
        runs = [pool.submit(before), *(pool.submit(run, way, seed) for way in WAYS for seed in options.seeds)]
        results = [one.result() for one in tqdm(runs, unit="run")]
    write_atomically(options.out, "".join(json.dumps(result) + "\n" for result in results).encode())


if __name__ == "__main__":
    main()
