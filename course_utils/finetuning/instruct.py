"""Teach SmolLM2 another manner of answering, from the command line: supervised finetuning of a LoRA adapter.

    python -m course_utils.finetuning.instruct --out DIR

The course's instructions teach it to answer in one short sentence and to ask a short question back. DIR gets the
adapter in peft's form and result.json: what came of it, on held-out questions before and after, which is also the last
line of standard output. models/instruct-adapter was made in this way.
"""

import argparse
import json
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from course_utils import corpora, pretrained
from course_utils.device import multiplies_bfloat16
from course_utils.evaluation import perplexity, token_surprises
from course_utils.files import write_json
from course_utils.finetuning.adapter_files import save_adapter
from course_utils.finetuning.batches import shuffled_batches
from course_utils.finetuning.loop import finetune, next_token_batch_loss
from course_utils.finetuning.lora import add_lora
from course_utils.finetuning.records import INSTRUCTIONS, Record, read_records
from course_utils.finetuning.sft import answers, batch, examples
from course_utils.finetuning.templates import CHATML
from course_utils.tokenization import Tokenizer
from course_utils.transformer import DecoderLM

BASE = "HuggingFaceTB/SmolLM2-135M-Instruct"  # on the Hub
BATCH = 8  # conversations a step
LEARNING_RATE = 1e-3
MAX_TOKENS = 512  # of a conversation
MAX_NEW_TOKENS = 60  # more than any answer of the manner taught has
MOST_WORDS = 20  # of each sentence
PYDOCS_TOKENS, PYDOCS_CONTEXT = 4096, 512  # what the model may forget is measured on so much of other prose


def asks_back(answer: str) -> bool:
    """Say whether an answer is of the manner taught: one sentence of at most 20 words, then a question as short."""
    sentences = re.split(r"(?<=[.!?])\s+", answer.strip())
    short = all(len(sentence.split()) <= MOST_WORDS for sentence in sentences)
    return len(sentences) == 2 and short and sentences[1].endswith("?") and "\n" not in answer.strip()


def computed_loss(model: nn.Module, drawn: tuple[Tensor, Tensor]) -> Tensor:
    """Return the loss of a batch, its products in bfloat16 where the processor has instructions for them."""
    with torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bfloat16("cpu")):
        return next_token_batch_loss(model, drawn)


@torch.no_grad()
def held_out(model: DecoderLM, tokenizer: Tokenizer, records: Sequence[Record]) -> dict[str, float]:
    """Return the mean nats of the held-out answers, the share of its own that ask back, and pydocs' perplexity."""
    rows, _ = examples(records, tokenizer)
    nats = []
    for start in range(0, len(rows), BATCH):
        inputs, targets = batch(rows[start : start + BATCH])
        nats.append(token_surprises(model(inputs), targets))
    questions = [record["messages"][:-1] for record in records]
    said = answers(model, tokenizer, CHATML, questions, MAX_NEW_TOKENS)
    prose = tokenizer.encode("\n\n".join(corpora.load("pydocs", "validation")["text"]), specials=False)
    return {
        "held_out_loss": torch.cat(nats).mean().item(),
        "share_asking_back": sum(map(asks_back, said)) / len(said),
        "pydocs_perplexity": perplexity(model, prose[:PYDOCS_TOKENS], PYDOCS_CONTEXT),
    }


def parser() -> argparse.ArgumentParser:
    """Return the command line's arguments."""
    result = argparse.ArgumentParser(
        prog="python -m course_utils.finetuning.instruct",
        description=(__doc__ or "").split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = result.add_argument
    add("--out", type=Path, required=True, help="the folder to write")
    add("--data", type=Path, default=INSTRUCTIONS / "train.jsonl", help="conversations, one JSON object a line")
    add("--rank", type=int, default=8, help="of the adapter; alpha is twice that")
    add("--epochs", type=int, default=3, help="times that each conversation is read")
    add("--seed", type=int, default=0, help="of the adapter's first numbers and of the order")
    add("--no-progress", dest="progress", action="store_false", help="no progress bar")
    return result


def main(arguments: list[str] | None = None) -> None:
    """Run the command; bad arguments or records end it with a message and exit code 2, other trouble with 1."""
    command_line = parser()
    options = command_line.parse_args(arguments)
    try:
        if options.epochs < 1:
            raise ValueError(f"--epochs must be at least 1, got {options.epochs}")
        model, tokenizer = pretrained.load(device="cpu", dtype=torch.float32)
        rows, report = examples(read_records(options.data), tokenizer, max_tokens=MAX_TOKENS)
        test = read_records(INSTRUCTIONS / "test.jsonl")
        add_lora(model, options.rank, alpha=2 * options.rank, seed=options.seed)
        options.out.mkdir(parents=True, exist_ok=True)  # better known now than after the training
        before = held_out(model, tokenizer, test)  # untrained, the adapter changes nothing
    except (ValueError, OSError) as error:
        command_line.error(str(error))
    print(f"{report}; before: {before}", file=sys.stderr)
    steps_of_epoch = math.ceil(len(rows) / BATCH)
    try:
        batches = shuffled_batches(rows, BATCH, options.seed)
        steps = options.epochs * steps_of_epoch
        run = finetune(
            model, lambda: batch(next(batches)), steps, LEARNING_RATE, computed_loss, progress=options.progress
        )
        after = held_out(model, tokenizer, test)
        save_adapter(model, options.out, base_model=BASE)
        result: dict[str, Any] = {
            "steps": len(run.losses),
            "conversations": len(rows),
            "tokens": options.epochs * report.tokens,
            "seconds": round(run.seconds, 1),
            "parameters": run.trainable,
            "rank": options.rank,
            "precision": "bf16" if multiplies_bfloat16("cpu") else "float32",
            "train_loss": sum(run.losses[-steps_of_epoch:]) / steps_of_epoch,
        }
        for name in before:
            result |= {f"{name}_before": before[name], f"{name}_after": after[name]}
        write_json(options.out / "result.json", result)
    except (FloatingPointError, OSError) as error:
        sys.exit(f"{command_line.prog}: error: {error}")
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
