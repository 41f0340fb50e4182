"""A leaderboard that only probabilities can enter."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from course_utils.evaluation.loss import IGNORE_INDEX
from course_utils.evaluation.normalisation import NotAProbabilityError, largest_sum_error
from course_utils.evaluation.scoring import in_eval_mode
from course_utils.evaluation.windows import scoring_windows
from course_utils.files import write_json
from course_utils.transformer import LanguageModel

SAME = 1e-4  # probability by which an answer may differ, through rounding, when other tokens follow
ROWS_AT_ONCE = 64  # windows judged together
COLUMNS = ("name", "bits_per_byte", "nats_per_token", "largest_sum_error", "seconds")  # of an entry


class Judgement(NamedTuple):
    """What a model is worth on a text: the sum of its nats, over how many tokens, and the largest |1 - sum of p|."""

    nats: float
    tokens: int
    largest_sum_error: float


@torch.no_grad()
def judge(model: LanguageModel, ids: Tensor, context_length: int, stride: int) -> Judgement:
    """Score a model on a text, and refuse it if what it says are no probabilities of the next token.

    At each scored place they must sum to 1, as `evaluation.normalisation` has it. Of each batch of windows one is drawn
    and asked about first, alone, with other tokens behind one of its scored places: if the batch is answered otherwise,
    the model has looked ahead. No such question can find every model that keeps what it was shown; reading its code
    can.

    Args:
        model: maps token ids (B, T) to ln of the probability of each next token, (B, T, V).
        ids: (N,) token ids of the text.
        context_length, stride: as in `evaluation.perplexity`.

    Raises:
        NotAProbabilityError: an answer is NaN, sums to something else than 1, or depends on later tokens.
        ValueError: an answer of another shape; a stride out of range.
    """
    nats, tokens, worst = 0.0, 0, 0.0
    generator = torch.Generator().manual_seed(0)
    with in_eval_mode(model):
        for inputs, targets in scoring_windows(ids, context_length, stride, ROWS_AT_ONCE):
            counted = targets != IGNORE_INDEX  # (B, T)
            row, alone = asked_alone(model, inputs, counted, generator)
            answer = answers(model, inputs)  # (B, T, V)
            worst = max(worst, largest_sum_error(inputs, answer, counted))
            refuse_looking_ahead(alone, answer[row])
            asked = targets[counted][:, None]  # (N, 1)
            if len(asked) and asked.max() >= answer.shape[-1]:
                raise ValueError(
                    f"the model gives {answer.shape[-1]} answers at each place, the text has more token ids"
                )
            nats -= float(answer[counted].gather(-1, asked).sum())
            tokens += len(asked)
    return Judgement(nats, tokens, worst)


def answers(model: LanguageModel, inputs: Tensor) -> Tensor:
    """Return what the model answers to inputs (B, T), (B, T, V) in float64; raise ValueError for another shape."""
    answer = torch.as_tensor(model(inputs)).double()
    if answer.dim() != 3 or answer.shape[:2] != inputs.shape:
        raise ValueError(
            f"the model answered {tuple(inputs.shape)} token ids with a tensor of shape {tuple(answer.shape)}: "
            "it must be (B, T, V), ln of the probability of each of V next tokens"
        )
    return answer


def asked_alone(
    model: LanguageModel, inputs: Tensor, counted: Tensor, generator: torch.Generator
) -> tuple[int, Tensor]:
    """Draw a row of inputs (B, T) and one of its scored places; return the row, and the answers up to the place.

    The model sees that row alone, and other tokens behind the place, drawn from those of all rows.
    """
    drawn = torch.randint(0, 2**31, (2,), generator=generator).tolist()
    row = drawn[0] % len(inputs)
    places = counted[row].nonzero()[:, 0]
    place = int(places[drawn[1] % len(places)]) if len(places) else inputs.shape[1] - 1
    changed = inputs[row : row + 1].clone()  # (1, T)
    others = torch.randint(0, inputs.numel(), (inputs.shape[1] - place - 1,), generator=generator)
    changed[0, place + 1 :] = inputs.flatten()[others]
    return row, answers(model, changed)[0, : place + 1]  # (place + 1, V)


def refuse_looking_ahead(alone: Tensor, answer: Tensor) -> None:
    """Raise NotAProbabilityError if answers (T, V) of a row in a batch aren't those to it alone, up to some place."""
    if not torch.allclose(alone.exp(), answer[: len(alone)].exp(), rtol=0, atol=SAME):
        raise NotAProbabilityError(
            "an answer changed with what stands behind its place, or in another row: the model looks ahead. Let each "
            "answer depend on the tokens up to its own place only (a causal mask)"
        )


def bits_per_byte(judgement: Judgement, text: str) -> float:
    """Return the bits that a judged model needs for each byte of the characters that were scored, to five digits."""
    return round(judgement.nats / math.log(2) / len(text.encode()), 5)


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
        ValueError: the file is no leaderboard, or one of another text; no name; infinitely many bits. The file stays
            as it was.
        OSError: the file can't be read or written.
    """
    if not name.strip():
        raise ValueError("name is empty: say whose entry this is")
    if not math.isfinite(judgement.nats):
        raise ValueError(
            "the model gave probability 0 to a token that came, which costs infinitely many bits: smooth it"
        )
    path, digest = Path(board), hashlib.sha256(text.encode()).hexdigest()
    try:
        held: dict[str, Any] = {"text_sha256": digest, "entries": []}
        if path.exists():
            held = json.loads(path.read_bytes())
        theirs, entries = held["text_sha256"], [{key: entry[key] for key in COLUMNS} for entry in held["entries"]]
        entries.sort(key=lambda entry: entry["bits_per_byte"])
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"{path} is there already and is no leaderboard; it stays as it is. Name another file"
        ) from None
    if theirs != digest:
        raise ValueError(f"{path} is the leaderboard of another text: name another file, or give its text")
    entry = {
        "name": name,
        "bits_per_byte": bits_per_byte(judgement, text),
        "nats_per_token": round(judgement.nats / judgement.tokens, 5),
        "largest_sum_error": judgement.largest_sum_error,
        "seconds": round(seconds, 1),
    }
    older = next((other for other in entries if other["name"] == name), None)
    if older is None or entry["bits_per_byte"] < older["bits_per_byte"]:
        entries = [other for other in entries if other is not older] + [entry]
        entries.sort(key=lambda entry: entry["bits_per_byte"])
        write_json(path, {"text_sha256": digest, "entries": entries})
    return entries
