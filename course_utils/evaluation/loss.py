"""The next-token loss: how surprised the model is, on average, by the token that really came."""

import torch
from torch import Tensor

from course_utils.checks import no_tensor

IGNORE_INDEX = -100  # a target that is not counted, as in torch


def next_token_loss(logits: Tensor, targets: Tensor, ignore_index: int = IGNORE_INDEX) -> Tensor:
    """Return the mean cross-entropy of the true next tokens, in nats.

    The surprise at one token is -ln p(token) = ln(sum of exp(logits)) - logit of the token.

    Args:
        logits: (B, T, V), the model's answer at each position.
        targets: (B, T) token ids, already shifted: targets[:, t] is the token that follows position t.
        ignore_index: a target that is not counted, such as padding. Its logits get no gradient, whatever they are.

    Returns:
        A scalar, the mean over the counted tokens; computed in float32 at least.

    Raises:
        ValueError: no tensors, shapes that don't fit, or no token to count. A target outside the vocabulary is checked
            on the CPU only: on a GPU the check would force a synchronisation, and PyTorch raises its own error.

    Source: Jurafsky and Martin (2025), "Speech and Language Processing", section on training transformers; equal to
    `torch.nn.functional.cross_entropy`.
    """
    surprises = token_surprises(logits, targets, ignore_index)
    if surprises.numel() == 0:
        raise ValueError(f"targets hold no token to count: all {targets.numel()} are ignore_index={ignore_index}")
    return surprises.mean()


def token_surprises(logits: Tensor, targets: Tensor, ignore_index: int = IGNORE_INDEX) -> Tensor:
    """Return -ln p of every counted token, (N,) in reading order; arguments and errors as `next_token_loss`."""
    for name, value in ("logits", logits), ("targets", targets):
        if not isinstance(value, Tensor):
            raise no_tensor(name, value)
    if logits.dim() < 1 or logits.shape[:-1] != targets.shape:
        raise ValueError(
            f"targets must be (B, T) for logits (B, T, V), got {tuple(targets.shape)} for {tuple(logits.shape)}"
        )
    counted = targets != ignore_index  # (B, T)
    if not counted.all():
        logits, targets = logits[counted], targets[counted]  # (N, V), (N,): what is not counted can't do any harm
    logits, targets = logits.flatten(0, -2), targets.flatten()  # (N, V), (N,)
    if targets.device.type == "cpu" and targets.numel():  # a GPU would have to be waited for
        lowest, highest = int(targets.min()), int(targets.max())
        if lowest < 0 or highest >= logits.shape[-1]:
            raise ValueError(
                f"targets must be in 0 .. {logits.shape[-1] - 1} or ignore_index={ignore_index}, "
                f"got {lowest} .. {highest}: is this another model's tokenizer?"
            )
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    of_the_token = wide.gather(-1, targets[:, None]).squeeze(-1)  # (N,)
    return wide.logsumexp(dim=-1) - of_the_token  # (N,)
