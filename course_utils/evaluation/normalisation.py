"""Whether a model's answers are probabilities: after every context, those of the whole vocabulary must sum to 1."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from course_utils.checks import whole_number
from course_utils.device import widened

TOLERANCE = 1e-5  # of a sum of probabilities; rounding to float32 alone makes errors of 1e-6

Context = TypeVar("Context", bound=Sequence | Tensor)
Probabilities = Tensor | np.ndarray | Sequence[float] | Mapping[str, float]


class NotAProbabilityError(ValueError):
    """A model's answers are no distribution over the next token."""


def sample_contexts(text: Context, n_contexts: int, longest: int, seed: int) -> list[Context]:
    """Return pieces of a text to ask a model after: drawn places, with up to `longest` tokens before each.

    Args:
        text: N tokens, as ids or words: whatever can be sliced.
        n_contexts: how many.
        longest: the most tokens of a context; its length is drawn from 0 .. longest, and cut where the text begins.
        seed: of the draws.

    Raises:
        ValueError: an empty text, or a number out of range.
    """
    n_contexts, longest = whole_number("n_contexts", n_contexts, least=1), whole_number("longest", longest, least=0)
    if not len(text):
        raise ValueError("text must hold at least one token, got none: contexts are pieces of it")
    generator = np.random.default_rng(seed)
    ends = generator.integers(len(text) + 1, size=n_contexts).tolist()
    lengths = generator.integers(longest + 1, size=n_contexts).tolist()
    pieces: list[Any] = [text[max(0, end - length) : end] for end, length in zip(ends, lengths, strict=True)]
    return pieces


def sum_errors(next_token_probs: Callable[[Context], Probabilities], contexts: Iterable[Context]) -> Tensor:
    """Return |1 - sum of p| over the whole vocabulary after each context.

    A perplexity means nothing where the sum isn't 1: a model that answers 1 for every token would have the best of all.
    Logits pass through a softmax, so theirs always sum to 1; n-gram models, mixtures and scorers have to be asked.

        sum_errors(ngram.next_word_probs, contexts)
        sum_errors(lambda ids: mixture(ids[None])[0, -1].exp(), contexts)
        sum_errors(lambda context: [score(word, context) for word in vocabulary], contexts)

    Args:
        next_token_probs: maps a context to the probabilities of all V tokens, a row (V,) or a dictionary of words.
        contexts: what to ask after, such as `sample_contexts` gives.

    Returns:
        (contexts,) float64; infinite where an answer holds nan or a number below 0, which no sum can make good.

    Raises:
        ValueError: no context, or an answer that isn't one row of numbers.

    Source: Jurafsky and Martin (2025), "Speech and Language Processing", chapter on n-gram language models.
    """
    errors = [float(errors_of_sums(as_probabilities(next_token_probs(context)))) for context in contexts]
    if not errors:
        raise ValueError("contexts must hold at least one context, got none")
    return torch.tensor(errors, dtype=torch.float64)


def errors_of_sums(probs: Tensor) -> Tensor:
    """Return |1 - sum| of numbers (..., V), (...); infinite where one of them is nan or below 0."""
    errors = (1 - widened(probs).sum(dim=-1)).abs().nan_to_num(math.inf, posinf=math.inf)  # (...)
    return errors.masked_fill((probs < 0).any(dim=-1), math.inf)


def as_probabilities(answer: Probabilities) -> Tensor:
    """Return an answer as numbers (V,); raise ValueError if it isn't one row of them."""
    numbers = list(answer.values()) if isinstance(answer, Mapping) else answer
    try:
        row = torch.as_tensor(numbers) if hasattr(numbers, "ndim") else torch.tensor(numbers, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"an answer must be the probabilities (V,) of all tokens, got {answer!r:.80}") from None
    if row.dim() != 1 or not len(row):
        raise ValueError(f"an answer must be the probabilities (V,) of all tokens, got shape {tuple(row.shape)}")
    return row


def largest_sum_error(inputs: Tensor, answer: Tensor, counted: Tensor) -> float:
    """Return the largest |1 - sum of p| of a model's answers.

    Args:
        inputs: (B, T) token ids that the model has read.
        answer: (B, T, V) ln of the probability of each next token.
        counted: (B, T) bool, True = a place that is asked about.

    Raises:
        NotAProbabilityError: it is more than `TOLERANCE`; the message says what the answers seem to be.
    """
    probs = answer.exp()  # (B, T, V)
    errors = errors_of_sums(probs).masked_fill(~counted, 0.0)  # (B, T)
    row, place = divmod(int(errors.argmax()), inputs.shape[1])
    if errors[row, place] > TOLERANCE:
        what = f"after the tokens {inputs[row, : place + 1].tolist()[-8:]} the {answer.shape[-1]} answers"
        if answer[row, place].isnan().any():
            raise NotAProbabilityError(f"{what} hold nan, which is no number: look for a division by 0 or ln of 0")
        if abs(float(answer[row, place].sum()) - 1) <= TOLERANCE:
            raise NotAProbabilityError(f"{what} are probabilities: give their logarithms")
        raise NotAProbabilityError(
            f"{what} sum to {float(probs[row, place].sum()):.6g}, not 1: that is a score, not a probability. Divide "
            "each by their sum (log_softmax does that to logits)"
        )
    return float(errors[row, place])
