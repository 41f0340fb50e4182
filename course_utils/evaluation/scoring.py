"""How surprised a model is by a text, or many: in all in nats, per token as a perplexity, per byte in bits."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from course_utils.checks import whole_number
from course_utils.device import widened
from course_utils.evaluation.loss import token_surprises
from course_utils.evaluation.windows import Ids, Row, as_rows, as_token_ids, document_windows, scoring_windows
from course_utils.transformer import LanguageModel, context_length_of

TOKENS_AT_ONCE = 1024  # in several windows: logits over a vocabulary of 49,152 take 200 MB; one may be longer


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


def total_nats(
    model: LanguageModel,
    ids: Ids,
    context_length: int,
    stride: int | None = None,
    rank: int = 0,
    n_processes: int = 1,
) -> tuple[float, int]:
    """Return the sum of -ln p over every token but the first of each text, and how many those are.

    Args:
        model: `model(ids (B, T)) -> logits (B, T, V)`; a module is put in eval mode meanwhile.
        ids: (N,) token ids of one text, or a list of such rows, each scored alone from its own beginning.
        context_length: the most tokens the model reads at once.
        stride: as in `scoring_windows`; None scores disjoint windows.
        rank, n_processes: score only the share of process `rank`; the shares of all sum to the whole.

    Returns:
        Nats and the number of counted tokens: N - 1 of each text, over all shares together.

    Raises:
        ValueError: fewer than two ids, a context longer than the model's, or a stride out of range.
    """
    rows = as_rows(ids)
    check_context(model, context_length)
    batch_size = max(1, TOKENS_AT_ONCE // context_length)
    windows = (
        scoring_windows(rows[0], context_length, stride, batch_size, rank, n_processes)
        if len(rows) == 1
        else document_windows(rows, context_length, stride, batch_size, rank, n_processes)
    )
    nats, tokens = 0.0, 0  # kept apart, for a mean of means would be wrong
    for surprises in window_surprises(model, windows):
        nats += surprises.sum().item()
        tokens += surprises.numel()
    return nats, tokens


def text_surprises(model: LanguageModel, ids: Row, context_length: int, stride: int | None = None) -> Tensor:
    """Return -ln p of every token of a text but its first, (N - 1,) float64 in reading order, on the CPU.

    Their mean is that of `total_nats`; `bootstrap_interval` says how far it can be trusted.

    Args:
        model: `model(ids (B, T)) -> logits (B, T, V)`; a module is put in eval mode meanwhile.
        ids: (N,) token ids.
        context_length, stride: as in `perplexity`.

    Raises:
        ValueError: as `perplexity`.
    """
    row = as_token_ids(ids)
    check_context(model, context_length)
    windows = scoring_windows(row, context_length, stride, max(1, TOKENS_AT_ONCE // context_length))
    return torch.cat([surprises.cpu() for surprises in window_surprises(model, windows)])


@torch.no_grad()
def window_surprises(model: LanguageModel, windows: Iterable[tuple[Tensor, Tensor]]) -> Iterator[Tensor]:
    """Yield -ln p of the counted tokens of each batch of windows, (n,) in float64."""
    device = device_of(model)
    with in_eval_mode(model):
        for inputs, targets in windows:
            yield widened(token_surprises(model(inputs.to(device)), targets.to(device)))


def device_of(model: LanguageModel) -> torch.device:
    """Return the device that a model's weights are on; the CPU if it has none."""
    weights = model.parameters() if isinstance(model, nn.Module) else ()  # a plain function has none
    return next((weight.device for weight in weights), torch.device("cpu"))


@contextmanager
def in_eval_mode(model: LanguageModel) -> Iterator[None]:
    """Put a module in eval mode; afterwards each of its parts is again in the mode that it was in itself."""
    if not isinstance(model, nn.Module):  # a plain function has no mode
        yield
        return
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def check_context(model: LanguageModel, context_length: int) -> None:
    """Raise ValueError if no model reads `context_length` tokens, or this one is known to read fewer."""
    whole_number("context_length", context_length, least=1)
    longest = context_length_of(model)
    if longest is not None and context_length > longest:
        raise ValueError(f"context_length={context_length} is more than the model's {longest}: give at most that")
