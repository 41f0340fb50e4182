"""Preference tuning after supervised finetuning: raise the better of two answers above the other."""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.evaluation import IGNORE_INDEX, token_surprises


def response_log_probs(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return ln p of each row's response given its prompt, (B,): the sum over the counted targets.

    Args:
        model: `model(ids (B, T)) -> logits (B, T, V)`.
        inputs: (B, T) token ids.
        targets: (B, T), already shifted; -100 where not counted, such as in the prompt and in padding.

    Raises:
        ValueError: a row without a counted target, named by its number; or as `token_surprises`.
    """
    counted = targets != IGNORE_INDEX  # (B, T)
    empty = (~counted.any(dim=-1)).nonzero().flatten().tolist()
    if empty:
        raise ValueError(f"targets hold no response in the rows {empty}: leave these pairs out, or shorten the prompts")
    surprises = token_surprises(model(inputs), targets)  # (N,) in reading order
    rows = counted.nonzero()[:, 0]  # (N,) the row that each belongs to
    return surprises.new_zeros(len(targets)).index_add(0, rows, -surprises)


def dpo_loss(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    reference_chosen: Tensor,
    reference_rejected: Tensor,
    beta: float = 0.1,
) -> Tensor:
    """Return the loss of direct preference optimization: -ln sigmoid(beta * margin), the mean over the pairs.

    The margin is how many nats the policy has moved towards the chosen response, compared with the model that it began
    from, less the same of the rejected one. No reward model is needed: beta times those
    nats is the reward, up to a number that depends on the prompt alone and cancels. Only the difference is asked for:
    both responses may become less probable.

    Args:
        policy_chosen, policy_rejected: (B,) ln p of the responses by the model that is trained.
        reference_chosen, reference_rejected: (B,) by the model that it began from, without a gradient.
        beta: how dear it is to leave that model; the smaller, the further the policy moves.

    Raises:
        ValueError: beta isn't a positive number, or the shapes differ.

    Source: Rafailov et al. (2023), "Direct Preference Optimization: Your Language Model is Secretly a Reward Model",
    equation 7.
    """
    if not 0 < beta < math.inf:
        raise ValueError(f"beta must be a positive number, got {beta}: 0.1 is usual")
    shapes = {tuple(x.shape) for x in (policy_chosen, policy_rejected, reference_chosen, reference_rejected)}
    if len(shapes) > 1:
        raise ValueError(f"the four log-probabilities must be of one shape, (B,), got {sorted(shapes)}")
    margin = (policy_chosen - reference_chosen) - (policy_rejected - reference_rejected)  # (B,)
    return -F.logsigmoid(beta * margin).mean()
