"""From a distribution to a token, and from tokens to a text.

This module knows two things only: token ids go in, logits come out. A model here is anything callable as
`model(ids, cache=None, mask=None) -> logits (B, T, V)`.
"""

import operator
from collections.abc import Callable, Collection, Iterator

import torch
from torch import Tensor

from course_utils.decoding.knobs import check_temperature, check_top_k, check_top_p, next_token_probs
from course_utils.device import widened

PREFILL_CHUNK = 512  # prompt tokens read at once: bounds the memory of (B, T, V) logits on a long prompt
SMALLEST_U = 2**-54  # half of the smallest step of `torch.rand` in float64, for its 0
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
        ValueError: probs hold a negative or non-finite number, or a row sums to 0; the generator is not on the CPU.

    Source: Gumbel (1954), "Statistical Theory of Extreme Values and Some Practical Applications"; Maddison, Tarlow and
    Minka (2014), "A* Sampling", section 2.
    """
    if generator is not None and generator.device.type != "cpu":
        raise ValueError(f"generator must be on the CPU, got one on {generator.device}: make it by torch.Generator()")
    total = probs.sum(dim=-1)  # (...)
    if not torch.isfinite(total).all() or (total <= 0).any() or (probs < 0).any():
        raise ValueError("probs must be finite, not negative, and each row must have a positive sum")
    rows = probs.reshape(-1, probs.shape[-1])  # (N, V)
    drawn = [_race(some, generator) for some in rows.split(max(1, NOISE_AT_ONCE // rows.shape[-1]))]
    return torch.cat(drawn).reshape(probs.shape[:-1]).to(probs.device)


def _race(probs: Tensor, generator: torch.Generator | None) -> Tensor:
    """Return the winner of each row (N, V): the arg max of log p + Gumbel noise, (N,)."""
    log_probs = widened(probs).log()  # (N, V) float64
    u = torch.rand(log_probs.shape, generator=generator, dtype=torch.float64, device="cpu").clamp_(min=SMALLEST_U)
    noise = -torch.log(-torch.log(u))  # (N, V), finite
    return (log_probs + noise.to(log_probs.device)).argmax(dim=-1)  # (N,) the lowest id wins a tie


def generate(
    model: Callable,
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
        model: `model(ids, cache=None, mask=None) -> logits (B, T, V)`.
        ids: prompts (B, T), shorter ones padded on the left.
        max_new_tokens: the most tokens to add; fewer come back when every row has met a stop id.
        temperature, top_k, top_p: as in `next_token_probs`.
        stop_ids: one id or several; a row that has met one of them is filled with it from there on.
        use_cache: keep keys and values between steps, if the model has `new_cache(batch_size, max_length)`. The
            tokens are the same without it, and slower.
        seed: same seed, same text; None draws from PyTorch's global generator.
        mask: (B, T) bool, True = a real token; None means that all are.

    Returns:
        Token ids (B, T + new), the prompts included.

    Raises:
        ValueError: an empty prompt, a prompt and answer longer than the model's context, a mask that doesn't fit, or
            a setting out of range, each named in the message.
    """
    new = list(_steps(model, ids, max_new_tokens, temperature, top_k, top_p, stop_ids, use_cache, seed, mask))
    return torch.cat([ids, *(token[:, None] for token in new)], dim=1)


def stream(
    model: Callable,
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
    ids = ids[None] if ids.dim() == 1 else ids
    if ids.dim() != 2 or ids.shape[0] != 1:
        raise ValueError(f"ids must be one prompt, (T,) or (1, T), got {tuple(ids.shape)}; use generate for a batch")
    steps = _steps(model, ids, max_new_tokens, temperature, top_k, top_p, stop_ids, use_cache, seed, mask)
    return (int(token) for token in steps)


def _steps(model, ids, max_new_tokens, temperature, top_k, top_p, stop_ids, use_cache, seed, mask) -> Iterator[Tensor]:
    """Check every argument at once, then return an iterator over the drawn tokens (B,)."""
    check_temperature(temperature)
    if top_k is not None:
        check_top_k(top_k)
    if top_p is not None:
        check_top_p(top_p)
    if ids.dim() != 2 or ids.shape[0] == 0 or ids.shape[1] == 0:
        raise ValueError(f"ids must be (B, T) with at least one token in each prompt, got shape {tuple(ids.shape)}")
    max_new_tokens = _whole("max_new_tokens", max_new_tokens)
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens must be 0 or more, got {max_new_tokens}")
    if mask is not None:
        if not isinstance(mask, Tensor) or mask.shape != ids.shape or mask.dtype != torch.bool:
            got = f"{mask.dtype} of {tuple(mask.shape)}" if isinstance(mask, Tensor) else repr(mask)
            raise ValueError(f"mask must be a bool tensor of shape {tuple(ids.shape)} like ids, got {got}")
        if not mask[:, -1].all():
            raise ValueError("mask must end in a real token in every row: pad prompts on the left, not on the right")
    longest = ids.shape[1] if mask is None else int(mask.sum(dim=1).max())
    context_length = getattr(getattr(model, "config", None), "context_length", None)
    if context_length is not None and longest + max_new_tokens > context_length:
        raise ValueError(
            f"the prompt ({longest} tokens) and max_new_tokens={max_new_tokens} exceed the model's context of "
            f"{context_length} tokens: shorten the prompt or ask for fewer tokens"
        )
    generator = None if seed is None else torch.Generator().manual_seed(_whole("seed", seed))
    stops = torch.as_tensor(stop_ids if isinstance(stop_ids, int | Tensor) else list(stop_ids), dtype=torch.long)
    cached = use_cache and hasattr(model, "new_cache")
    cache = model.new_cache(ids.shape[0], ids.shape[1] + max_new_tokens) if cached else None

    def draw(logits: Tensor) -> Tensor:
        return sample(next_token_probs(logits, temperature, top_k, top_p), generator)  # (B,)

    return _loop(model, ids, mask, cache, max_new_tokens, draw, stops.to(ids.device))


@torch.no_grad()
def _loop(model, ids, mask, cache, max_new_tokens, draw, stop_ids) -> Iterator[Tensor]:
    stopped = torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)
    for step in range(max_new_tokens):
        if cache is None:
            logits = model(ids) if mask is None else model(ids, mask=mask)
        elif step == 0:
            logits = _prefill(model, ids, mask, cache)
        else:
            logits = model(ids[:, -1:], cache=cache)
        token = torch.where(stopped, ids[:, -1], draw(logits[:, -1]).to(ids.device))  # (B,)
        stopped = torch.isin(token, stop_ids)  # stays True: a stopped row repeats its stop id
        yield token
        if stopped.all():
            return
        ids = torch.cat([ids, token[:, None]], dim=1)  # (B, T + step + 1)
        if mask is not None:
            mask = torch.cat([mask, mask.new_ones(mask.shape[0], 1)], dim=1)


def _prefill(model, ids: Tensor, mask: Tensor | None, cache) -> Tensor:
    """Read the prompt into the cache; return the logits of its last chunk."""
    chunks = ids.split(PREFILL_CHUNK, dim=1)
    masks = [None] * len(chunks) if mask is None else mask.split(PREFILL_CHUNK, dim=1)
    for chunk, chunk_mask in zip(chunks, masks, strict=True):
        logits = model(chunk, cache=cache, mask=chunk_mask)
    return logits


def _whole(name: str, value) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number, got {value!r}") from None
