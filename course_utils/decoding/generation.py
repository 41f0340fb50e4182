"""From a distribution to a token, and from tokens to a text.

This module knows two things only: token ids go in, logits come out. A model here is any `LanguageModel`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.checks import no_tensor, whole_number
from course_utils.decoding.knobs import check_logits, check_settings, columns, cut_and_normalised
from course_utils.device import widened
from course_utils.transformer import LanguageModel, can_cache, context_length_of

SMALLEST_U = 2**-54  # half of the smallest step of `torch.rand` in float64, for its 0
AT_ONCE = 512  # tokens of a prompt read at once: bounds the memory of what is computed on the way
NOISE_AT_ONCE = 2**22  # noise values drawn at once: bounds the memory of many rows over a large vocabulary


def sample(probs: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw one token id from each row of a distribution: the arg max of log p + noise (the Gumbel-max trick).

    Every id gets a noise value of its own, -ln(-ln u) with u drawn evenly from (0, 1); then the largest sum wins, and
    each id wins as often as its probability says. An id of probability 0 never does.

    Why not a dart thrown at the cumulative sum? Both follow the distribution, but a dart that lands near any border
    between two of V stretches is at the mercy of the last bits of all the probabilities below it. With noise, only a
    near tie of the two largest sums is. Of 100,000 draws from SmolLM2's next-token distributions, repeated with every
    logit moved by up to one rounding of float32, 65 darts hit another token and no draw by noise changed
    (tests/benchmarks/test_sampling_flips.py). And because the noise belongs to the id, settings are coupled: with the
    same seed, at the same temperature and after the same context, a token that was drawn and survives a cut is drawn
    again.

    The noise is float64 and comes from the CPU on every device: the same seed gives the same noise everywhere, and so
    the same tokens unless rounding breaks a near tie.

    Args:
        probs: (..., V), each row with a positive sum.
        generator: a CPU source of random numbers; None is PyTorch's global one.

    Returns:
        Token ids (...), int64.

    Raises:
        ValueError: probs are no tensor (..., V), hold a negative or non-finite number, or a row sums to 0; the
            generator is not on the CPU.

    Source: Gumbel (1954), "Statistical Theory of Extreme Values and Some Practical Applications"; Maddison, Tarlow and
    Minka (2014), "A* Sampling", section 2.
    """
    if generator is not None and generator.device.type != "cpu":
        raise ValueError(f"generator must be on the CPU, got one on {generator.device}: make it by torch.Generator()")
    if not isinstance(probs, Tensor):
        raise no_tensor("probs", probs)
    if probs.dim() == 0 or probs.shape[-1] == 0:
        raise ValueError(f"probs must be (..., V) with V at least 1, got shape {tuple(probs.shape)}")
    total = probs.sum(dim=-1)  # (...)
    if not (torch.isfinite(total) & (total > 0) & (probs >= 0).all(dim=-1)).all():
        raise ValueError("probs must be finite, not negative, and each row must have a positive sum")
    return _drawn(probs, generator)


def _drawn(probs: Tensor, generator: torch.Generator | None) -> Tensor:
    """Return the arg max of log p + noise of each row (..., V), as `sample`, unchecked."""
    rows = probs.reshape(-1, probs.shape[-1])  # (N, V)
    winners = []
    for piece in rows.split(max(1, NOISE_AT_ONCE // rows.shape[-1])):  # (n, V)
        u = torch.rand(piece.shape, generator=generator, dtype=torch.float64, device="cpu")  # (n, V)
        ids = columns(piece > 0)  # (m,) none of the others wins
        noise = -torch.log(-torch.log(u[:, ids.cpu()].clamp_(min=SMALLEST_U)))  # (n, m), finite
        log_probs = widened(piece[:, ids]).log()  # (n, m) float64
        winners.append(ids[(log_probs + noise.to(log_probs.device)).argmax(dim=-1)])  # (n,) the lowest id wins a tie
    return torch.cat(winners).reshape(probs.shape[:-1]).to(probs.device)


def generate(
    model: LanguageModel,
    ids: Tensor,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop_ids: int | Collection[int] = (),
    use_cache: bool = True,
    seed: int | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Continue each prompt of a batch, one sampled token at a time.

    Args:
        model: a `LanguageModel`: `model(ids (B, T)) -> logits (B, T, V)`, and `model(ids, mask=mask)` with a mask.
        ids: prompts (B, T), shorter ones padded on the left.
        max_new_tokens: the most tokens to add; fewer come back when every row has met a stop id. Prompt and answer
            together must fit in the model's context, so that it can read the text that comes back.
        temperature, top_k, top_p: as in `next_token_probs`.
        stop_ids: one id or several; a row that has met one of them is filled with it from there on.
        use_cache: keep keys and values between steps, if the model is a `CachedLanguageModel`. The tokens are the
            same without it, and slower.
        seed: same seed, same text; None draws from PyTorch's global generator.
        mask: (B, T) bool, True = a real token; None means that all are.

    Returns:
        Token ids (B, T + new), the prompts included.

    Raises:
        ValueError: an empty prompt, a prompt and answer longer than the model's context, a mask that doesn't fit, or
            a setting out of range, each named in the message.
    """
    draw = drawer(temperature, top_k, top_p, seed)
    new = list(_tokens(model, ids, max_new_tokens, draw, stop_ids, use_cache, mask))
    return torch.cat([ids, *(token[:, None] for token in new)], dim=1)


def stream(
    model: LanguageModel,
    ids: Tensor,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop_ids: int | Collection[int] = (),
    use_cache: bool = True,
    seed: int | None = None,
    mask: Tensor | None = None,
) -> Iterator[int]:
    """Yield the new token ids of one prompt as they are drawn; the arguments are those of `generate`.

    Args:
        ids: one prompt, (T,) or (1, T).

    Raises:
        ValueError: as `generate`; and more than one prompt.
    """
    if not isinstance(ids, Tensor):
        raise no_tensor("ids", ids)
    ids = ids[None] if ids.dim() == 1 else ids
    if ids.dim() != 2 or ids.shape[0] != 1:
        raise ValueError(f"ids must be one prompt, (T,) or (1, T), got {tuple(ids.shape)}; use generate for a batch")
    draw = drawer(temperature, top_k, top_p, seed)
    return (int(token) for token in _tokens(model, ids, max_new_tokens, draw, stop_ids, use_cache, mask))


def drawer(temperature: float, top_k: int | None, top_p: float | None, seed: int | None) -> Callable[[Tensor], Tensor]:
    """Check the settings; return the function that draws a token of each row of logits: (B, V) -> (B,)."""
    settings = check_settings(temperature, top_k, top_p)
    if settings[0] == 0:
        return greedy
    generator = None
    if seed is not None:
        generator = torch.Generator().manual_seed(whole_number("seed", seed, least=0, most=2**64 - 1))
    return lambda logits: _drawn(cut_and_normalised(logits, *settings), generator)


def greedy(logits: Tensor) -> Tensor:
    """Return the most probable token of each row of logits, (B, V) -> (B,), the lowest id of equals.

    That is what `sample` draws at temperature 0, whatever the noise.

    Raises:
        ValueError: the logits hold NaN or +inf, or a row of nothing but -inf.
    """
    check_logits(logits)
    return logits.argmax(dim=-1)


def _tokens(
    model: LanguageModel,
    ids: Tensor,
    max_new_tokens: int,
    draw: Callable[[Tensor], Tensor],
    stop_ids: int | Collection[int],
    use_cache: bool,
    mask: Tensor | None,
) -> Iterator[Tensor]:
    """Check the arguments at once, as `generate` documents them; return an iterator over the new tokens, each (B,)."""
    max_new_tokens = check_prompts(model, ids, max_new_tokens, mask)
    stops = torch.tensor(several(stop_ids), dtype=torch.long, device=ids.device)
    return _loop(model, ids, mask, use_cache and can_cache(model), max_new_tokens, draw, stops)


def check_prompts(model: LanguageModel, ids: Tensor, max_new_tokens: int, mask: Tensor | None = None) -> int:
    """Return max_new_tokens as an int; raise ValueError for prompts that can't be continued so far."""
    if not isinstance(ids, Tensor):
        raise no_tensor("ids", ids)
    if ids.dim() != 2 or ids.shape[0] == 0 or ids.shape[1] == 0:
        raise ValueError(f"ids must be (B, T) with at least one token in each prompt, got shape {tuple(ids.shape)}")
    max_new_tokens = whole_number("max_new_tokens", max_new_tokens, least=0)
    if mask is not None:
        if not isinstance(mask, Tensor):
            raise no_tensor("mask", mask)
        if mask.shape != ids.shape or mask.dtype != torch.bool:
            got = f"{mask.dtype} of {tuple(mask.shape)}"
            raise ValueError(f"mask must be a bool tensor of shape {tuple(ids.shape)} like ids, got {got}")
        if not mask[:, -1].all():
            raise ValueError("mask must end in a real token in every row: pad prompts on the left, not on the right")
    longest = ids.shape[1] if mask is None else int(mask.sum(dim=1).max())
    room = context_length_of(model)
    if room is not None and longest + max_new_tokens > room:
        raise ValueError(
            f"the prompt ({longest} tokens) and max_new_tokens={max_new_tokens} exceed the model's context of "
            f"{room} tokens: shorten the prompt or ask for fewer tokens"
        )
    return max_new_tokens


def several(stop_ids: int | Collection[int]) -> list[int]:
    """Return one id or several, of any library, as a list of ints."""
    if isinstance(stop_ids, Tensor | np.ndarray):
        stop_ids = stop_ids.tolist()  # an int if it has no dimension
    if stop_ids is None or isinstance(stop_ids, str):
        raise ValueError(f"stop_ids must be one token id or several, got {stop_ids!r}: pass () to stop at none")
    return [whole_number("stop_ids", id) for id in (stop_ids if isinstance(stop_ids, Iterable) else [stop_ids])]


@torch.no_grad()
def _loop(
    model: LanguageModel,
    ids: Tensor,
    mask: Tensor | None,
    use_cache: bool,
    max_new_tokens: int,
    draw: Callable[[Tensor], Tensor],
    stop_ids: Tensor,
) -> Iterator[Tensor]:
    stopped = torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)
    cache, logits = prefill(model, ids, mask, max_new_tokens) if use_cache and max_new_tokens else (None, None)
    for _ in range(max_new_tokens):
        if logits is None:
            logits = next_token_logits(model, ids, mask, cache)  # (B, V)
        token = torch.where(stopped, ids[:, -1], draw(logits).to(ids.device))  # (B,)
        logits = None
        stopped = torch.isin(token, stop_ids)  # stays True: a stopped row repeats its stop id
        yield token
        if stopped.all():
            return
        ids = torch.cat([ids, token[:, None]], dim=1)  # (B, T + 1)
        if mask is not None:
            mask = torch.cat([mask, mask.new_ones(mask.shape[0], 1)], dim=1)


def prefill(model: Any, ids: Tensor, mask: Tensor | None, room: int) -> tuple[Any, Tensor]:
    """Read prompts into a new cache, pieces of `AT_ONCE` tokens one after another, a prompt of all rows only once.

    Args:
        model: a `CachedLanguageModel`.
        ids, mask: (B, T), as in `generate`.
        room: for so many tokens more.

    Returns:
        The cache, and the logits (B, V) after the prompts.
    """
    rows, length = ids.shape
    is_shared = rows > 1 and mask is None and bool((ids == ids[0]).all())
    read = ids[:1] if is_shared else ids
    cache = model.new_cache(len(read), length + room)
    for start in range(0, length, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        with torch.inference_mode():
            logits = model.next_token_logits(read[:, part], cache=cache, mask=None if mask is None else mask[:, part])
    if is_shared:
        cache.reorder(torch.zeros(rows, dtype=torch.long, device=ids.device))
        logits = logits.expand(rows, -1)
    return cache, logits


def next_token_logits(model: Any, ids: Tensor, mask: Tensor | None, cache: Any) -> Tensor:
    """Return the logits (B, V) after the whole text so far, ids and mask (B, T)."""
    if cache is not None:
        held = cache.length  # after the first step, all but one real token
        with torch.inference_mode():  # a ninth of a step of SmolLM2 in four bits is notes that no one reads
            return model.next_token_logits(ids[:, held:], cache=cache, mask=None if held else mask)
    if can_cache(model):
        return model.next_token_logits(ids, mask=mask)
    return (model(ids) if mask is None else model(ids, mask=mask))[:, -1]
