"""The knobs on a next-token distribution: temperature, top-k, top-p, which `next_token_probs` joins, and min-p.

The order of the three is temperature, top-k, renormalise, top-p, the same as Hugging Face's. Logits are looked at
once, by whichever public function is called; each look waits for the device that they are on.
"""

import math
from typing import SupportsIndex

import torch
from torch import Tensor

from course_utils.checks import no_tensor, number, whole_number
from course_utils.device import widened

TOP_P_SLACK = 1e-6  # rounding allowed when a mass is compared with p, so that .4 + .3 + .2 reaches .9
MIN_P_SLACK = 1e-6  # rounding allowed, relative, when a probability is compared with its share of the largest one


def apply_temperature(logits: Tensor, t: float) -> Tensor:
    """Divide logits by a temperature: softmax(u / t).

    t < 1 sharpens the distribution, t > 1 flattens it, t = 1 changes nothing. t = 0 is greedy: every logit but the
    largest becomes -inf; the lowest id wins a tie.

    Args:
        logits: (..., V).
        t: temperature, >= 0.

    Returns:
        (..., V).

    Raises:
        ValueError: t is negative or not finite; logits hold NaN or +inf, or a row of nothing but -inf.

    Source: Ackley, Hinton and Sejnowski (1985), "A learning algorithm for Boltzmann machines".
    """
    t = check_temperature(t)
    check_logits(logits)
    return _divided(logits, t)


def _divided(logits: Tensor, t: float) -> Tensor:
    if t == 0:
        winner = logits.argmax(dim=-1, keepdim=True)  # (..., 1), the first of several maxima
        only = torch.full_like(logits, -math.inf)
        return only.scatter(-1, winner, logits.gather(-1, winner))
    limits = torch.finfo(logits.dtype)
    t = min(max(t, limits.tiny), limits.max)  # beyond these t would be rounded to 0 or to infinity
    scaled = logits / t
    if t < 1:  # a quotient may overflow; then the maximum is first moved to 0, softmax can't tell
        overflow = (torch.isinf(scaled) != torch.isinf(logits)).any()
        scaled = torch.where(overflow, (logits - logits.amax(dim=-1, keepdim=True)) / t, scaled)
    return scaled


def top_k_filter(logits: Tensor, k: int) -> Tensor:
    """Keep the k largest logits of each row, set the others to -inf.

    Exactly k are kept: of tokens that tie at the k-th place, those with the lowest ids. k > V keeps all V.

    Args:
        logits: (..., V).
        k: number of tokens to keep, >= 1.

    Returns:
        (..., V).

    Raises:
        ValueError: k < 1; logits hold NaN or +inf, or a row of nothing but -inf.

    Source: Fan, Lewis and Dauphin (2018), "Hierarchical Neural Story Generation".
    """
    k = check_top_k(k)
    check_logits(logits)
    return _top_k(logits, k)


def _top_k(logits: Tensor, k: int) -> Tensor:
    if k >= logits.shape[-1]:
        return logits
    kth = logits.topk(k, dim=-1).values[..., -1:]  # (..., 1) the smallest logit that may stay
    ids = columns(logits >= kth)  # (n,)
    above, tied = logits[..., ids] > kth, logits[..., ids] == kth  # (..., n)
    room = k - above.sum(dim=-1, keepdim=True)  # (..., 1) places left for the tied
    keep = torch.zeros_like(logits, dtype=torch.bool)  # (..., V)
    keep[..., ids] = above | (tied & (tied.cumsum(dim=-1) <= room))
    return logits.masked_fill(~keep, -math.inf)


def columns(wanted: Tensor) -> Tensor:
    """Return the ids (n,), rising, that some row of wanted (..., V) says True of: often few of many."""
    return wanted.reshape(-1, wanted.shape[-1]).any(dim=0).nonzero().squeeze(-1)


def top_p_filter(logits: Tensor, p: float) -> Tensor:
    """Keep the smallest set of tokens whose probability mass is at least p, set the others to -inf.

    Tokens enter from the most probable down (the lowest id first among equals), the one that crosses p included,
    and there is always at least one. Masses are summed in float64 and compared with p - 1e-6. p = 1 cuts nothing.

    Args:
        logits: (..., V).
        p: mass to keep, 0 < p <= 1.

    Returns:
        (..., V).

    Raises:
        ValueError: p outside (0, 1]; logits hold NaN or +inf, or a row of nothing but -inf.

    Source: Holtzman, Buys, Du, Forbes and Choi (2020), "The Curious Case of Neural Text Degeneration", section 3.1.
    """
    p = check_top_p(p)
    check_logits(logits)
    return _top_p(logits, p)


def _top_p(logits: Tensor, p: float) -> Tensor:
    if p == 1:
        return logits
    # The comments follow four tokens of probabilities .1 .4 .2 .3 and p = .6.
    wide = widened(logits)  # (..., V) float64
    probs = wide.softmax(dim=-1)  # (..., V)
    # Fewer than 1 - p in all lies in the tokens below (1 - p) / V, here .1: no row's set reaches down to them.
    ids = columns(probs >= (1 - p) / probs.shape[-1])  # (n,) 0 1 2 3
    order = wide[..., ids].argsort(dim=-1, descending=True, stable=True)  # (..., n) 1 3 2 0; ties in the order of ids
    probs = probs[..., ids].gather(-1, order)  # (..., n) .4 .3 .2 .1
    mass_before = probs.cumsum(dim=-1) - probs  # (..., n) 0 .4 .7 .9, of the tokens ahead of this one
    keep_sorted = mass_before < p - TOP_P_SLACK  # (..., n) yes yes no no: the second crosses .6, and stays
    keep_sorted[..., 0] = True
    keep = torch.zeros_like(wide, dtype=torch.bool)  # (..., V)
    keep[..., ids] = torch.zeros_like(keep_sorted).scatter(-1, order, keep_sorted)  # no yes no yes
    return logits.masked_fill(~keep.to(logits.device), -math.inf)


def min_p_filter(logits: Tensor, min_p: float) -> Tensor:
    """Keep the tokens whose probability is at least min_p times the largest one, set the others to -inf.

    The more certain the model, the more is cut: with min_p = .1, a best token of probability .9 leaves only tokens of
    .09 or more beside it, one of .05 leaves all down to .005. Each token is judged alone, so that equal tokens stay or
    go together. The two probabilities are compared in float64 as a quotient, with min_p * (1 - 1e-6), so that .2 is
    half of .4 however the logits were rounded. The largest always stays. min_p = 0 cuts nothing.

    Args:
        logits: (..., V).
        min_p: share of the largest probability, 0 <= min_p <= 1.

    Returns:
        (..., V).

    Raises:
        ValueError: min_p outside [0, 1]; logits hold NaN or +inf, or a row of nothing but -inf.

    Source: Nguyen, Baker, Neo, Roush, Kirsch and Shwartz-Ziv (2024), "Turning Up the Heat: Min-p Sampling for Creative
    and Coherent LLM Outputs". Whether it beats top-p is in dispute: Schaeffer, Kazdan and Denisov-Blanch (2025),
    "Min-p, Max Exaggeration: A Critical Analysis of Min-p Sampling in Language Models", whose first version was called
    "Turning Down the Heat".
    """
    min_p = check_min_p(min_p)
    check_logits(logits)
    wide = widened(logits)  # (..., V) float64
    share = (wide - wide.amax(dim=-1, keepdim=True)).exp()  # (..., V) p over the largest p: softmax's sum cancels
    keep = share >= min_p * (1 - MIN_P_SLACK)  # (..., V)
    return logits.masked_fill(~keep.to(logits.device), -math.inf)


def next_token_probs(
    logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Tensor:
    """Turn logits into the distribution that a decoder samples from: temperature, top-k, renormalise, top-p.

    Args:
        logits: (..., V).
        temperature: see `apply_temperature`.
        top_k: see `top_k_filter`; None cuts nothing.
        top_p: see `top_p_filter`; None cuts nothing.

    Returns:
        Probabilities (..., V) that sum to 1, exactly 0 where a token is cut; float32 at least.

    Raises:
        ValueError: an argument is out of range, named in the message.
    """
    return cut_and_normalised(logits, *check_settings(temperature, top_k, top_p))


def cut_and_normalised(logits: Tensor, temperature: float, top_k: int | None, top_p: float | None) -> Tensor:
    """Return `next_token_probs` of settings that `check_settings` has returned, so that a loop checks them once."""
    check_logits(logits)
    logits = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
    logits = _divided(logits, temperature)
    if top_k is not None:
        logits = _top_k(logits, top_k)
    if top_p is not None:
        logits = _top_p(logits, top_p)
    return logits.softmax(dim=-1)


def check_logits(logits: Tensor) -> None:
    """Raise ValueError unless every row of logits (..., V) has a softmax; a sound tensor is looked at once."""
    if not isinstance(logits, Tensor):
        raise no_tensor("logits", logits)
    if logits.dim() == 0 or logits.shape[-1] == 0:
        raise ValueError(f"logits must be (..., V) with V at least 1, got shape {tuple(logits.shape)}")
    if not logits.is_floating_point():
        raise ValueError(f"logits must be floating point, got {logits.dtype}")
    largest = logits.amax(dim=-1)  # (...), NaN if any is
    if torch.isfinite(largest).all():
        return
    if torch.isnan(largest).any():
        raise ValueError("logits hold NaN: look for a division by zero or an overflow in the model")
    if (largest == math.inf).any():
        raise ValueError("logits hold +inf: no softmax exists; look for an overflow in the model")
    raise ValueError("logits of a row are all -inf: no token is left to choose from")


def check_settings(
    temperature: float, top_k: int | None, top_p: float | None
) -> tuple[float, int | None, float | None]:
    """Return the three knobs as Python numbers; raise ValueError for one that is out of range."""
    return (
        check_temperature(temperature),
        None if top_k is None else check_top_k(top_k),
        None if top_p is None else check_top_p(top_p),
    )


def check_temperature(t: float) -> float:
    """Return t as a float; raise ValueError unless it is finite and not negative."""
    t = number("temperature", t)
    if not (math.isfinite(t) and t >= 0):
        raise ValueError(f"temperature must be a finite number >= 0 (0 is greedy), got {t}")
    return t


def check_top_k(k: SupportsIndex) -> int:
    """Return k as an int; raise ValueError unless it is a whole number of at least 1."""
    k = whole_number("top_k", k)
    if k < 1:
        raise ValueError(f"top_k must be at least 1, got {k}; pass None to cut nothing")
    return k


def check_top_p(p: float) -> float:
    """Return p as a float; raise ValueError unless 0 < p <= 1."""
    p = number("top_p", p)
    if not 0 < p <= 1:
        raise ValueError(f"top_p must be in (0, 1], got {p}; pass None to cut nothing")
    return p


def check_min_p(min_p: float) -> float:
    """Return min_p as a float; raise ValueError unless 0 <= min_p <= 1."""
    min_p = number("min_p", min_p)
    if not 0 <= min_p <= 1:
        raise ValueError(f"min_p must be in [0, 1], got {min_p}; pass 0 to cut nothing")
    return min_p
