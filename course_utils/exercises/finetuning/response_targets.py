"""The targets of supervised finetuning: the response is learned, prompt and padding are only read."""

import torch
import torch.nn.functional as F
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def response_targets(ids: Tensor, prompt_lengths: list[int], lengths: list[int]) -> Tensor:
    """Return the token that each position has to predict, -100 where that token isn't part of the response.

    Args:
        ids: a batch of texts, padded on the right, (B, T).
        prompt_lengths: tokens of each text that are its prompt, from 0 on.
        lengths: tokens of each text, prompt and response, without the padding.

    Returns:
        (B, T - 1): column t holds the target of position t, which is token t + 1.

    Source of the bug that the fourth probe finds: huggingface/trl, pull request 6357 (2026), with SmolLM2 itself.
    """
    place = torch.arange(1, ids.shape[1])  # of each target in its text, (T - 1,)
    in_response = (place >= tensor(prompt_lengths)[:, None]) & (place < tensor(lengths)[:, None])  # (B, T - 1)
    return ids[:, 1:].where(in_response, -100)


exercise = Exercise(
    response_targets,
    minutes=15,
    difficulty=1,
    shown="the model is scored on every token of the response, its end included, and on nothing else.",
    hints=(
        "Of a prompt 5 6 and a response 7 8: which position predicts 7? It is one that reads a token of the prompt.",
        "Shift first, ids[:, 1:]. Column t then holds token t + 1, and it counts if prompt <= t + 1 < length.",
        "place = torch.arange(1, T), compared with torch.tensor(prompt_lengths)[:, None] and torch.tensor(lengths)"
        "[:, None]. Then ids[:, 1:].where(counted, -100), which leaves ids as they are.",
    ),
    probes=probes(
        ("a prompt of three, a response of two", tensor([[5, 6, 9, 7, 8]]), [3], [5]),
        "Reading 9, the model has to say 7; reading 7, it has to say 8. 6 and 9 belong to the prompt: -100.",
        ("prompts of different lengths", tensor([[5, 6, 7, 8, 9], [4, 3, 2, 1, 6]]), [1, 4], [5, 5]),
        "Each text has a prompt length of its own.",
        ("padding", tensor([[5, 6, 7, 8, 9], [4, 3, 2, 0, 0]]), [2, 1], [5, 3]),
        "The second text ends after three tokens. What follows is padding, and nobody has to predict it.",
        ("the end of a text is the padding token", tensor([[5, 6, 7, 0, 0, 0], [4, 3, 2, 1, 9, 0]]), [2, 2], [4, 6]),
        "Here 0 ends a text and fills it up. The first 0 after a response is its end: without it as a target the "
        "model never learns to stop.",
        ("a response that repeats its prompt", tensor([[5, 6, 5, 6, 0]]), [2], [4]),
        "Places decide, not tokens: 5 and 6 are prompt at first, and response the second time.",
        ("no prompt", tensor([[5, 6, 7, 8], [4, 3, 2, 1]]), [0, 2], [4, 4]),
        "Without a prompt all targets count: 6, 7 and 8. Nothing comes before 5, so nobody predicts it.",
        ("a prompt that leaves no room", tensor([[5, 6, 7, 8], [4, 3, 2, 1]]), [4, 3], [4, 4]),
        "The first text is all prompt: none of its targets counts.",
    ),
    hidden=probes(
        ("three texts", tensor([[9, 8, 0, 7, 0, 6], [1, 0, 0, 0, 0, 0], [3, 3, 3, 3, 0, 0]]), [3, 0, 1], [6, 2, 4]),
        "A target counts if its place is neither in the prompt nor behind the end.",
    ),
)


def marked(first=lambda prompt: prompt, end=lambda length: length, shift=1):
    """An answer that counts the targets at the places first(prompt) to end(length) - 1, row by row."""

    def answer(ids, prompt_lengths, lengths):
        targets = torch.full_like(ids, -100)
        for row, prompt, length in zip(range(len(ids)), prompt_lengths, lengths, strict=True):
            places = range(max(0, first(prompt)), min(ids.shape[1], end(length)))
            targets[row, places] = ids[row, places]
        return targets[:, 1:] if shift else targets[:, :-1]

    return answer


def sliced(ids, prompt_lengths, lengths):
    targets = ids[:, 1:].clone()
    for row, prompt, length in zip(targets, prompt_lengths, lengths, strict=True):
        row[: prompt - 1] = row[length - 1 :] = -100
    return targets


def by_value(ids, prompt_lengths, lengths):
    targets = marked(end=lambda length: 99)(ids, prompt_lengths, lengths)
    return targets.where(targets != 0, -100)


exercise.add_mistakes(
    "the prompt is scored too. That is the slide's loss; here only the response counts.",
    marked(first=lambda prompt: 0),
    "the targets aren't shifted: position t would have to repeat the token that it has just read.",
    marked(shift=0),
    "there is a target for each token, unshifted, as transformers takes labels: its loss shifts them. Here column t is "
    "the target of position t.",
    lambda *args: F.pad(response_targets(*args), (1, 0), value=-100),
    "the first token of the response isn't counted. The last token of the prompt predicts it: the prompt's targets end "
    "one column before its tokens do.",
    marked(first=lambda prompt: prompt + 1),
    "the last token of the prompt counts as a target. It is given, not said: begin one column later.",
    marked(first=lambda prompt: prompt - 1),
    "the last token of the response isn't counted, so that nobody learns to say it.",
    marked(end=lambda length: length - 1),
    "it is the other way round: you score the prompt, and not the response.",
    lambda ids, prompt_lengths, lengths: marked(lambda prompt: 0, lambda prompt: prompt)(ids, lengths, prompt_lengths),
    "you took the first text's prompt length for all.",
    lambda ids, prompts, lengths: response_targets(ids, [prompts[0]] * len(prompts), lengths),
    "padding is a target: the model would learn to write it.",
    marked(end=lambda length: 99),
    "one token of padding is a target. A text of n tokens has its last target at place n - 1.",
    marked(end=lambda length: length + 1),
    "you ignore every token that equals the padding, also the one that ends a text: this model never stops. Use "
    "lengths, not the token.",
    by_value,
    "for a prompt of 0 tokens you cut at -1, which is the last column: all targets but one are gone.",
    sliced,
)
