"""A leaderboard that only probabilities can enter."""

import hashlib
import json
import math
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from course_utils.evaluation.loss import IGNORE_INDEX
from course_utils.evaluation.scoring import in_eval_mode
from course_utils.evaluation.windows import scoring_windows
from course_utils.files import write_json
from course_utils.transformer import LanguageModel

TOLERANCE = 1e-5  # of a sum of probabilities; rounding to float32 alone makes errors of 1e-6
SAME = 1e-4  # nats by which an answer may differ, through rounding, when other tokens follow
ROWS_AT_ONCE = 64  # windows judged together


class NotAProbabilityError(ValueError):
    """A model's answers are no distribution over the next token."""


class Judgement(NamedTuple):
    """What a model is worth on a text: the sum of its nats, over how many tokens, and the largest |1 - sum of p|."""

    nats: float
    tokens: int
    largest_sum_error: float


@torch.no_grad()
def judge(model: LanguageModel, ids: Tensor, context_length: int, stride: int) -> Judgement:
    """Score a model on a text, and refuse it if what it says are no probabilities of the next token.

    At each scored place they must sum to 1 within `TOLERANCE`. In the first windows the model is asked again with other
    tokens in the second half: what it said in the first half must stay as it was, or it has looked ahead.

    Args:
        model: maps token ids (B, T) to ln of the probability of each next token, (B, T, V).
        ids: (N,) token ids of the text.
        context_length, stride: as in `evaluation.perplexity`.

    Raises:
        NotAProbabilityError: an answer is NaN, sums to something else than 1, or depends on later tokens.
        ValueError: an answer of another shape; a stride out of range.
    """
    nats, tokens, worst = 0.0, 0, 0.0
    with in_eval_mode(model):
        for number, (inputs, targets) in enumerate(scoring_windows(ids, context_length, stride, ROWS_AT_ONCE)):
            answer = torch.as_tensor(model(inputs)).double()  # (B, T, V)
            if answer.dim() != 3 or answer.shape[:2] != inputs.shape:
                raise ValueError(
                    f"the model answered {tuple(inputs.shape)} token ids with a tensor of shape {tuple(answer.shape)}: "
                    "it must be (B, T, V), ln of the probability of each of V next tokens"
                )
            counted = targets != IGNORE_INDEX  # (B, T)
            worst = max(worst, largest_sum_error(inputs, answer, counted))
            if number == 0:
                refuse_looking_ahead(model, inputs, answer)
            asked = targets[counted][:, None]  # (N, 1)
            nats -= float(answer[counted].gather(-1, asked).sum())
            tokens += len(asked)
    return Judgement(nats, tokens, worst)


def largest_sum_error(inputs: Tensor, answer: Tensor, counted: Tensor) -> float:
    """Return the largest |1 - sum of p| of answers (B, T, V) to inputs (B, T) where `counted` (B, T) is True.

    Raises:
        NotAProbabilityError: it is more than `TOLERANCE`.
    """
    sums = answer.exp().sum(dim=-1)  # (B, T)
    errors = (1 - sums).abs().nan_to_num(math.inf).masked_fill(~counted, 0.0)  # (B, T)
    row, place = divmod(int(errors.argmax()), inputs.shape[1])
    if errors[row, place] > TOLERANCE:
        raise NotAProbabilityError(
            f"after the tokens {inputs[row, : place + 1].tolist()[-8:]} the {answer.shape[-1]} answers sum to "
            f"{float(sums[row, place]):.6g}, not 1: that is a score, no probability. Divide each by their sum "
            "(log_softmax does that to logits)"
        )
    return float(errors[row, place])


def refuse_looking_ahead(model: LanguageModel, inputs: Tensor, answer: Tensor) -> None:
    """Raise NotAProbabilityError if answers (B, T, V) to inputs (B, T) change with tokens that come later."""
    middle = inputs.shape[1] // 2
    if middle == 0:
        return
    changed = inputs.clone()
    changed[:, middle:] = inputs.roll(1, dims=0)[:, middle:].flip(1)  # what stands elsewhere
    again = torch.as_tensor(model(changed)).double()[:, :middle]  # (B, T / 2, V)
    if not torch.allclose(again.exp(), answer[:, :middle].exp(), rtol=0, atol=SAME):
        raise NotAProbabilityError(
            "an answer changed when tokens that come later did: the model looks ahead. Use the tokens up to its own "
            "place only (a causal mask)"
        )


def enter(board: str | Path, name: str, judgement: Judgement, text: str, seconds: float) -> list[dict]:
    """Write a judgement into a leaderboard's file; of two entries of one name the better stays.

    Args:
        board: the file; a new one is begun if there is none.
        name: whose.
        judgement: from `judge`.
        text: the characters that were scored, the first one of the test left out.
        seconds: what building the model took.

    Returns:
        All entries, the best first, each with name, bits_per_byte, nats_per_token, largest_sum_error and seconds.

    Raises:
        ValueError: the file is no leaderboard, or one of another text; it stays as it was.
        OSError: the file can't be read or written.
    """
    path, digest = Path(board), hashlib.sha256(text.encode()).hexdigest()
    try:
        held = json.loads(path.read_bytes()) if path.exists() else {"text_sha256": digest, "entries": []}
        theirs, entries = held["text_sha256"], list(held["entries"])
        entries.sort(key=lambda entry: entry["bits_per_byte"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no leaderboard: {error!r}; name another file") from None
    if theirs != digest:
        raise ValueError(f"{path} is the leaderboard of another text: name another file, or give its text")
    entry = {
        "name": name,
        "bits_per_byte": round(judgement.nats / math.log(2) / len(text.encode()), 5),
        "nats_per_token": round(judgement.nats / judgement.tokens, 5),
        "largest_sum_error": judgement.largest_sum_error,
        "seconds": round(seconds, 1),
    }
    older = next((other for other in entries if other["name"] == name), None)
    if older is None or entry["bits_per_byte"] < older["bits_per_byte"]:
        entries = sorted([*(e for e in entries if e is not older), entry], key=lambda e: e["bits_per_byte"])
        write_json(path, {"text_sha256": digest, "entries": entries})
    return entries
