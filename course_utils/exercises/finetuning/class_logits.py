"""A classifier on a language model: which of a text's vectors its head has to read."""

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def class_logits(states: Tensor, mask: Tensor, head: Tensor) -> Tensor:
    """Return the logits of the classes, (B, C): the head reads the vector of each text's last real token.

    Args:
        states: what the last layer makes of each token, (B, T, d).
        mask: True at real tokens, (B, T), one at least in each text; padding may stand on the right, left or both.
        head: (d, C).

    Source of the bug that the fourth probe finds: huggingface/transformers, issue 35909 (2025).
    """
    places = torch.arange(mask.shape[1]) * mask  # 0 where padding stands, (B, T)
    last = places.argmax(dim=1)  # (B,)
    return states[torch.arange(len(states)), last] @ head


WAVES = torch.arange(60.0).sin()
HEAD = tensor([[1.0, 2.0], [3.0, -1.0]])
TEXT = tensor([[[1.0, 0.0], [2.0, 1.0], [4.0, -1.0], [0.0, 5.0]]])  # (1, 4, 2)
TEXTS = torch.cat([TEXT, TEXT.flip(1) + 1])
real = lambda *rows: tensor([[digit == "1" for digit in row] for row in rows])

exercise = Exercise(
    class_logits,
    minutes=15,
    difficulty=2,
    shown="in a causal model only the last real token has seen the whole text, wherever the padding stands.",
    hints=(
        "Which vector has seen the whole text? Attention is causal, so there is one only, unless padding follows.",
        "Look for the last True in each row of the mask. Its place isn't always the number of True minus 1.",
        "(torch.arange(T) * mask).argmax(1) is the place of the last real token in each row; "
        "states[torch.arange(B), last] is (B, d). Times head.",
    ),
    probes=probes(
        ("one text, no padding", TEXT, real("1111"), HEAD),
        "The last vector is [0, 5], and [0, 5] @ head is [15, -5].",
        ("padding on the right", TEXT, real("1100"), HEAD),
        "The last real token is the second: [2, 1] @ head is [5, 3].",
        ("two texts of different lengths", TEXTS, real("1110", "1111"), HEAD),
        "Each text has a last token of its own.",
        ("padding on the left", TEXTS, real("0011", "0001"), HEAD),
        "On the left padding moves the text to the right, and its last token is at the end of the row.",
        ("padding on both sides", TEXTS, real("0110", "0111"), HEAD),
        "Look for the last True of each row, whatever stands before it.",
        ("three classes", WAVES[:24].view(2, 4, 3), real("1000", "1100"), WAVES[24:36].view(3, 4)),
        "Take T, d and C from the shapes.",
        ("padding that is no number", TEXT.masked_fill(~real("1100")[..., None], torch.nan), real("1100"), HEAD),
        "What stands at padding is no one's business: take the vector out; 0 * nan is nan.",
    ),
    hidden=probes(
        ("three texts", WAVES[:45].view(3, 5, 3), real("11100", "00111", "01000"), WAVES[45:51].view(3, 2)),
        "The last True of each row says which vector the head reads.",
    ),
)


def reading(vector):
    """An answer whose head reads vector(states, mask), (B, d)."""
    return lambda states, mask, head: vector(states, mask) @ head


at = lambda states, places: states[torch.arange(len(states)), places]

exercise.add_mistakes(
    "you read the first token. It has seen nothing but itself; that is right for an encoder only.",
    reading(lambda states, mask: states[:, 0]),
    "this is the mean of several vectors, most of which have seen only part of the text. Take the last real one.",
    reading(lambda states, mask: states.mean(1)),
    "this is the mean of several vectors, most of which have seen only part of the text. Take the last real one.",
    reading(lambda states, mask: (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)),
    "this is the sum of the real tokens' vectors, not the last one's.",
    reading(lambda states, mask: (states * mask[..., None]).sum(1)),
    "the head is missing: this is the vector that it has to read.",
    lambda states, mask, head: class_logits(states, mask, torch.eye(states.shape[2])),
    "the head is transposed: it is (d, C), so the vector stands on its left.",
    lambda states, mask, head: class_logits(states, mask, head.mT),
    "these are probabilities. The loss takes logits, and applies the softmax itself.",
    lambda states, mask, head: class_logits(states, mask, head).softmax(-1),
    "you read position -1, which is padding in a shorter text.",
    reading(lambda states, mask: states[:, -1]),
    "padding is set to zero and then read: the logits are all 0.",
    reading(lambda states, mask: (states * mask[..., None])[:, -1]),
    "you read one token too far, the first one of the padding.",
    reading(lambda states, mask: at(states, mask.sum(1).clamp(max=mask.shape[1] - 1))),
    "you read the last token but one.",
    reading(lambda states, mask: at(states, mask.sum(1) - 2)),
    "you took the first text's length for all.",
    reading(lambda states, mask: states[:, mask[0].sum() - 1]),
    "you count the real tokens. With padding on the left the last of them stands further to the right.",
    reading(lambda states, mask: at(states, mask.sum(1) - 1)),
    "you look for the first padding and go back by one. With padding on the left that is position -1, or inside the "
    "padding.",
    reading(lambda states, mask: at(states, mask.int().argmin(1) - 1)),
    "0 times nan is nan. Take the vector out by its index; don't multiply the others by 0.",
    reading(
        lambda states, mask: (
            states * (torch.arange(mask.shape[1]) == (torch.arange(mask.shape[1]) * mask).amax(1, True))[..., None]
        ).sum(1)
    ),
)
