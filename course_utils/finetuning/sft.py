"""Supervised finetuning (SFT): conversations side by side, and which of their tokens count in the loss.

The loss is that of pretraining, the surprise at the next token. New is the choice of targets: every token of prompt and
answer, as if it were any text, or those alone that the model is to say itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from course_utils.checks import whole_number
from course_utils.decoding import generate
from course_utils.evaluation import IGNORE_INDEX
from course_utils.finetuning.records import NAMED, Record, check_records, fault_of_message, read_records
from course_utils.finetuning.templates import CHATML, PLAIN, ChatTemplate, Example, Message, Turn
from course_utils.tokenization import Tokenizer
from course_utils.transformer import CachedLanguageModel

__all__ = [
    "CHATML",
    "PLAIN",
    "ChatTemplate",
    "Example",
    "Report",
    "Turn",
    "answer",
    "answers",
    "batch",
    "check_records",
    "examples",
    "pack",
    "read_records",
]

LossOn = Literal["response", "all"]
PADDING = 0  # any id would do: in training it stands on the right of every counted token, which never sees it; where
# prompts are padded on the left, a mask hides it


@dataclass(frozen=True)
class Report:
    """What became of records.

    Args:
        kept: conversations.
        tokens: of those kept.
        responses: tokens among them that the model is to say.
        left_out: record number (the line in its file) -> tokens, of each that is too long.
        max_tokens: how many fit; None if any number does.
    """

    kept: int
    tokens: int
    responses: int
    left_out: dict[int, int]
    max_tokens: int | None

    def __str__(self) -> str:
        text = f"{self.kept:,} conversations, {self.tokens:,} tokens, {self.responses:,} of them the model's to say"
        if self.left_out:
            text += f"; left out, for no more than {self.max_tokens} tokens fit: {too_long(self.left_out)}"
        return text


def too_long(lengths: Mapping[int, int]) -> str:
    """Return the first records of those that are too long, record number -> tokens, in words."""
    told = [f"record {number} ({tokens} tokens)" for number, tokens in list(lengths.items())[:NAMED]]
    return ", ".join(told) + (f" and {len(lengths) - NAMED} more" if len(lengths) > NAMED else "")


def examples(
    records: Sequence[Record],
    tokenizer: Tokenizer,
    template: ChatTemplate = CHATML,
    max_tokens: int | None = None,
    leave_out: bool = False,
) -> tuple[list[Example], Report]:
    """Return conversations as token ids, and a report of what became of them; none is ever cut.

    Args:
        records: as `read_records` gives them.
        tokenizer: the model's.
        template: the one the model knows, or is to learn.
        max_tokens: the longest conversation allowed.
        leave_out: leave longer ones out, and name them in the report, instead of refusing all.

    Raises:
        ValueError: bad records or records that are too long, each named by its number; or none is left.
    """
    check_records(records, template)
    rows = [template.encode(record["messages"], tokenizer) for record in records]
    most = None if max_tokens is None else whole_number("max_tokens", max_tokens, least=2)
    long = {n: len(row.ids) for n, row in enumerate(rows, start=1) if most is not None and len(row.ids) > most}
    if long and not leave_out:
        raise ValueError(
            f"{len(long)} of {len(rows)} records are longer than max_tokens={most}: {too_long(long)}; shorten them, "
            "allow more, or pass leave_out=True"
        )
    kept = [row for n, row in enumerate(rows, start=1) if n not in long]
    if not kept:
        raise ValueError(f"every record is longer than max_tokens={most}: {too_long(long)}; allow more")
    tokens, responses = sum(len(row.ids) for row in kept), sum(sum(row.is_response) for row in kept)
    return kept, Report(len(kept), tokens, responses, long, most)


def batch(
    rows: Sequence[Example], loss_on: LossOn = "response", device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """Return conversations side by side, the shorter ones padded on the right.

    Padding is exact and needs no mask: attention looks to the left only, so no real token sees what stands behind it,
    and no padding is a target. The loss is the mean over all counted tokens, as if one after another were read.

    Args:
        rows: B conversations.
        loss_on: "response" counts the answers and what ends them; "all" every token but the first of each, the
            prompt's too.
        device: the model's.

    Returns:
        Inputs and targets, (B, T) each, of which the longest conversation has T + 1 tokens: targets[:, t] follows
        inputs[:, t], or is -100 where it isn't counted.

    Raises:
        ValueError: no rows, or another loss_on.
    """
    return _padded([_shifted([row], loss_on) for row in rows], device)


def pack(
    rows: Sequence[Example], length: int, loss_on: LossOn = "response", device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """Return conversations one after another in rows of at most so many tokens: less padding than `batch`.

    Each goes whole into the first row that still has room, so every counted token is counted once. It isn't the same
    training: a conversation sees those before it in its row, and stands at other positions. The first token of each
    is no target: it has nothing to do with what stands before.

    Args:
        rows: conversations of at most length + 1 tokens.
        length: inputs in a row, T at most.
        loss_on, device: as in `batch`.

    Returns:
        Inputs and targets, (N, T) each.

    Raises:
        ValueError: no rows, another loss_on, or a conversation that is too long, all of them named.
    """
    length = whole_number("length", length, least=1)
    long = {n: len(row.ids) for n, row in enumerate(rows, start=1) if len(row.ids) > length + 1}
    if long:
        raise ValueError(f"length={length} holds {length + 1} tokens, too few for {too_long(long)}: give a larger one")
    packs: list[list[Example]] = []
    room: list[int] = []
    for row in rows:
        place = next((place for place, left in enumerate(room) if len(row.ids) <= left), len(room))
        if place == len(room):
            packs.append([])
            room.append(length + 1)  # the last token of a row is a target only
        packs[place].append(row)
        room[place] -= len(row.ids)
    return _padded([_shifted(together, loss_on) for together in packs], device)


def answer(
    model: CachedLanguageModel,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    question: str | Sequence[Message],
    max_new_tokens: int = 100,
    temperature: float = 0.0,
    seed: int | None = None,
) -> str:
    """Return what a model answers, up to the end of its turn.

    Args:
        model, tokenizer: as `pretrained.load` gives them.
        template: the one the model knows.
        question: a user's words, or a whole conversation that waits for an answer.
        max_new_tokens: where an answer without an end is cut.
        temperature: 0 is greedy.
        seed: same seed, same answer.

    Raises:
        ValueError: no words of a user at the end, words that hold control text, or more than the model's context holds.
    """
    return answers(model, tokenizer, template, [question], max_new_tokens, temperature, seed)[0]


def answers(
    model: CachedLanguageModel,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    questions: Sequence[str | Sequence[Message]],
    max_new_tokens: int = 100,
    temperature: float = 0.0,
    seed: int | None = None,
) -> list[str]:
    """Return what a model answers to several questions, read side by side; arguments and errors as `answer`."""
    if isinstance(questions, str) or not len(questions):
        raise ValueError(f"questions must be several, got {questions!r:.60}: answer() takes one")
    chats = [_waiting(asked, template) for asked in questions]
    prompts = [torch.tensor(template.prompt(chat, tokenizer)) for chat in chats]
    ids = pad_sequence(prompts, True, PADDING, padding_side="left")  # (B, T)
    mask = pad_sequence([torch.ones_like(p, dtype=torch.bool) for p in prompts], True, False, "left")
    device = next(model.parameters()).device if isinstance(model, torch.nn.Module) else "cpu"
    stop = template.stop_id(tokenizer)
    rows = generate(
        model,
        ids.to(device),
        max_new_tokens,
        temperature,
        stop_ids=stop,
        seed=seed,
        mask=None if bool(mask.all()) else mask.to(device),
    )
    texts = []
    for row in rows[:, ids.shape[1] :].tolist():
        said = row[: row.index(stop)] if stop in row else row
        texts.append(tokenizer.decode(said).removeprefix(template.lead))
    return texts


def _waiting(asked: str | Sequence[Message], template: ChatTemplate) -> Sequence[Message]:
    """Return a question as a conversation that waits for an answer."""
    chat = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    if isinstance(chat, dict) or not len(chat):
        raise ValueError(
            f"a question must be a text or a list of messages, got {asked!r:.60}: put a message into a list"
        )
    for number, message in enumerate(chat, start=1):
        if fault := fault_of_message(message, template):
            raise ValueError(f"message {number} of the question {fault}")
    if chat[-1]["role"] != "user":
        raise ValueError(f"a question must end with the words of a user, it ends with those of {chat[-1]['role']!r}")
    return chat


def _shifted(together: Iterable[Example], loss_on: LossOn) -> tuple[Tensor, Tensor]:
    """Return inputs and targets (n - 1,) of conversations one after another, n tokens in all."""
    if loss_on not in ("response", "all"):
        raise ValueError(f"loss_on must be 'response' or 'all', got {loss_on!r}")
    ids, counted = [], []
    for row in together:
        ids += row.ids
        counted += [False, *(row.is_response[1:] if loss_on == "response" else [True] * (len(row.ids) - 1))]
    tokens = torch.tensor(ids)
    return tokens[:-1], tokens.masked_fill(~torch.tensor(counted), IGNORE_INDEX)[1:]


def _padded(rows: Sequence[tuple[Tensor, Tensor]], device: torch.device | str) -> tuple[Tensor, Tensor]:
    if not rows:
        raise ValueError("rows are empty: give at least one conversation")
    inputs = pad_sequence([inputs for inputs, _ in rows], True, PADDING)  # (B, T)
    targets = pad_sequence([targets for _, targets in rows], True, IGNORE_INDEX)  # (B, T)
    return inputs.to(device), targets.to(device)
