"""Score a text, or many: the sum of the model's surprises, each token counted once."""

import torch
from torch import nn

from course_utils.evaluation.loss import token_surprises
from course_utils.evaluation.windows import Ids, as_rows, document_windows, scoring_windows
from course_utils.transformer import LanguageModel, context_length_of

TOKENS_AT_ONCE = 4096  # bounds the memory of the logits, (tokens, V)


@torch.no_grad()
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
    module = model if isinstance(model, nn.Module) else nn.Module()  # a plain function has no weights and no mode
    device = next((weight.device for weight in module.parameters()), torch.device("cpu"))
    was_training = module.training
    module.eval()
    nats, tokens = 0.0, 0  # kept apart, for a mean of means would be wrong
    try:
        batch_size = max(1, TOKENS_AT_ONCE // context_length)
        windows = (
            scoring_windows(rows[0], context_length, stride, batch_size, rank, n_processes)
            if len(rows) == 1
            else document_windows(rows, context_length, stride, batch_size, rank, n_processes)
        )
        for inputs, targets in windows:
            surprises = token_surprises(model(inputs.to(device)), targets.to(device))
            nats += surprises.sum(dtype=torch.float64).item()
            tokens += surprises.numel()
    finally:
        module.train(was_training)
    return nats, tokens


def check_context(model: LanguageModel, context_length: int) -> None:
    """Raise ValueError if no model reads `context_length` tokens, or this one is known to read fewer."""
    if context_length < 1:
        raise ValueError(f"context_length must be at least 1, got {context_length}")
    longest = context_length_of(model)
    if longest is not None and context_length > longest:
        raise ValueError(f"context_length={context_length} is more than the model's {longest}: give at most that")
