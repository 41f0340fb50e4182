"""What a finetuned tinyworld model can do, and what it still knows: the scores of the four ways of finetuning."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from course_utils import corpora, pretrained
from course_utils.corpora.tinyworld import TinyWorld, instructions, reviews, shipped
from course_utils.corpora.tinyworld.tasks import TONES
from course_utils.evaluation import total_nats
from course_utils.finetuning import sft
from course_utils.finetuning.classifier import accuracy
from course_utils.tokenization import Tokenizer
from course_utils.training import document_row
from course_utils.transformer import DecoderLM

CORPUS = {"town": "tinyworld", "clinic": "tinyworld-clinic"}
CONTEXT = 128  # of the pretrained model, in tokens
LONGEST_ANSWER = 14  # tokens


class Scale(NamedTuple):
    """How much is scored: documents of the old text and of the new, reviews and instructions."""

    split: str = "test"
    documents: int = 200
    clinic: int = 60
    labelled: int = 500
    instructions: int = 120


TEST = Scale()


def before(scale: Scale = TEST) -> dict[str, Any]:
    """Return what the model can do before any finetuning, and the best that is possible.

    Returns:
        town_bits and clinic: bits per document, with the floors town_floor and clinic_floor: what the grammar says of
        the same documents; instructions: the share of answers that are exactly right; sentiment: the share of reviews
        to which the model itself finds the right word more probable, and sentiment_best that of the exact grammar.
    """
    torch.set_num_threads(1)
    model, tokenizer = pretrained.load("tinyworld", device="cpu")
    rows = reviews(scale.labelled, shipped.SEEDS[scale.split])
    by_model = [_own_word(model, tokenizer, text) for text in rows["text"]]
    by_grammar = [_likelier_tone(text) for text in rows["text"]]
    return {
        "way": "before",
        "town_bits": town_bits(model, tokenizer, scale),
        "town_floor": _floor("town", scale.split, scale.documents),
        "clinic": clinic_bits(model, tokenizer, scale),
        "clinic_floor": _floor("clinic", scale.split, scale.clinic),
        "instructions": right_answers(model, tokenizer, scale),
        "sentiment": _share_equal(by_model, rows["label"]),
        "sentiment_best": _share_equal(by_grammar, rows["label"]),
        "parameters": sum(weight.numel() for weight in model.parameters()),
    }


def town_bits(model: nn.Module, tokenizer: Tokenizer, scale: Scale = TEST) -> float:
    """Return the bits per document of the old domain; of a classifier's body, those of the language model in it."""
    return _bits(model, tokenizer, "town", scale.split, scale.documents)


def clinic_bits(model: nn.Module, tokenizer: Tokenizer, scale: Scale = TEST) -> float:
    """Return the bits per document of the new domain.

    Its documents are longer than the model's context, in tokens of a tokenizer that never saw them: they are read in
    windows that overlap by half.
    """
    return _bits(model, tokenizer, "clinic", scale.split, scale.clinic)


def right_answers(model: DecoderLM, tokenizer: Tokenizer, scale: Scale = TEST) -> float:
    """Return the share of instructions whose greedy answer is right to the letter."""
    rows = instructions(2 * scale.instructions, shipped.SEEDS[scale.split])["messages"]
    room = CONTEXT - LONGEST_ANSWER  # a story now and then leaves none for the answer
    rows = [row for row in rows if len(sft.PLAIN.prompt(row[:1], tokenizer)) <= room][: scale.instructions]
    asked, wanted = [row[:1] for row in rows], [row[1]["content"] for row in rows]
    return _share_equal(sft.answers(model, tokenizer, sft.PLAIN, asked, LONGEST_ANSWER), wanted)


def right_classes(classifier: nn.Module, tokenizer: Tokenizer, scale: Scale = TEST) -> float:
    """Return the share of reviews whose sentiment the classifier finds."""
    rows = reviews(scale.labelled, shipped.SEEDS[scale.split])
    return accuracy(classifier, [review_row(text, tokenizer) for text in rows["text"]], rows["label"])


SCORES: dict[str, Callable[..., float]] = {
    "sentiment": right_classes,
    "clinic": clinic_bits,
    "instructions": right_answers,
}


def review_row(text: str, tokenizer: Tokenizer) -> list[int]:
    """Return a review's token ids, with the separator before it and none behind: the text may go on."""
    return document_row(text, tokenizer.encode)[:-1]


def _bits(model: nn.Module, tokenizer: Tokenizer, domain: str, split: str, n: int) -> float:
    texts = corpora.load(CORPUS[domain], split)["text"][:n]
    rows = [document_row(text, tokenizer.encode) for text in texts]
    return total_nats(model, rows, CONTEXT, CONTEXT // 2)[0] / math.log(2) / n


def _floor(domain: str, split: str, n: int) -> float:
    return -sum(corpora.load(CORPUS[domain], split)["log2_prob"][:n]) / n


@torch.no_grad()
def _own_word(model: DecoderLM, tokenizer: Tokenizer, text: str) -> int:
    """Return the tone whose word the language model finds the more probable after the label."""
    rows = [torch.tensor(document_row(f"{text}\nSentiment: {tone}", tokenizer.encode)) for tone in TONES]
    nats = [total_nats(model, row, CONTEXT)[0] for row in rows]
    return nats.index(min(nats))


def _likelier_tone(text: str) -> int:
    world = TinyWorld(0)
    log2_probs = [world.log2_prob(f"{text}\nSentiment: {tone}") for tone in TONES]
    return log2_probs.index(max(log2_probs))


def _share_equal(found: Sequence[Any], wanted: Sequence[Any]) -> float:
    return sum(one == other for one, other in zip(found, wanted, strict=True)) / len(wanted)
