"""How surprised a model is by a text: per token as a perplexity, per byte in bits."""

import math

from course_utils.evaluation.scoring import total_nats
from course_utils.evaluation.windows import Ids
from course_utils.transformer import LanguageModel


def perplexity(model: LanguageModel, ids: Ids, context_length: int, stride: int | None = None) -> float:
    """Return exp of the mean surprise per token: among how many equally likely tokens the model seems to choose.

    It is infinite where a float can hold no more, from a mean of 710 nats on.

    Every token of a text but its first is scored once. It compares models with one tokenizer only: longer tokens are
    harder to guess. Across tokenizers use `bits_per_byte`.

    Args:
        model: `model(ids (B, T)) -> logits (B, T, V)`.
        ids: (N,) token ids of the text, or a list of such rows, each scored alone from its own beginning.
        context_length: the most tokens the model reads at once, T.
        stride: windows begin so many tokens apart, 1 .. T. None is T, disjoint windows: fast, and hard on the model,
            whose first tokens in each window have nothing to go by. With a shorter stride each scored token sees at
            least T - stride tokens before it.

    Raises:
        ValueError: fewer than two ids, a context longer than the model's, or a stride out of range.

    Sources: Jurafsky and Martin (2025), "Speech and Language Processing", section on evaluating language models;
    Hugging Face, "Perplexity of fixed-length models" (transformers documentation), for the stride.
    """
    nats, tokens = total_nats(model, ids, context_length, stride)
    try:
        return math.exp(nats / tokens)
    except OverflowError:
        return math.inf


def bits_per_byte(
    model: LanguageModel,
    ids: Ids,
    n_bytes: int,
    context_length: int,
    stride: int | None = None,
) -> float:
    """Return the bits that the model needs per byte of text, were it used to compress it: the same scale for all.

    Args:
        model: `model(ids (B, T)) -> logits (B, T, V)`.
        ids: (N,) token ids of the text, or a list of such rows, each scored alone from its own beginning. The first
            token is read, not scored: put one before the text, such as the separator of documents, to have all of
            it scored.
        n_bytes: bytes (UTF-8) of all text that is scored.
        context_length, stride: as in `perplexity`.

    Raises:
        ValueError: as `perplexity`; n_bytes < 1.

    Source: Gao et al. (2020), "The Pile: An 800GB Dataset of Diverse Text for Language Modeling", section 3.1.
    """
    if n_bytes < 1:
        raise ValueError(f"n_bytes must be at least 1, got {n_bytes}: the UTF-8 length of the scored text")
    nats, _ = total_nats(model, ids, context_length, stride)
    return nats / math.log(2) / n_bytes
