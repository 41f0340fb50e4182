"""Speculative decoding: something cheap guesses the next tokens, and one pass of the model checks all guesses.

A pass over several tokens costs hardly more than one over one token, as long as it spends its time on reading the
weights. The text is the one that `generate` gives with the same seed: each token is drawn as there, and guesses decide
only which logits are at hand already.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from course_utils.checks import whole_number
from course_utils.decoding.generation import check_prompts, drawer, prefill, several
from course_utils.transformer import CachedLanguageModel, can_cache

Draft = Callable[[Sequence[int], int], Sequence[int]]  # (text so far, most tokens) -> a guess of what comes next


class Speculation(NamedTuple):
    """A text, and how it came about.

    ids (1, T + new) are prompt and answer; of `guessed` tokens `accepted` were right; the model was asked `passes`
    times, the prompt included.
    """

    ids: Tensor
    guessed: int
    accepted: int
    passes: int


@torch.no_grad()
def speculate(
    model: CachedLanguageModel,
    ids: Tensor,
    max_new_tokens: int,
    draft: Draft,
    ahead: int = 3,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop_ids: int | Collection[int] = (),
    seed: int | None = None,
) -> Speculation:
    """Continue one prompt as `generate` does, with guesses that are checked several at once.

    Each token is the arg max of log p plus noise, and the noise belongs to its place: a guess is right if that arg max
    is what was guessed, after which the next place's logits are good too. So every token is drawn from the model's own
    distribution, and the text doesn't depend on the draft, but for rounding: logits computed several at once may differ
    in their last digits from the same ones alone, and by more where products are rounded to bfloat16 ("int8", "int4").

    Args:
        model: one that can cache, and whose cache can be rewound.
        ids: one prompt, (1, T).
        max_new_tokens, temperature, top_k, top_p, stop_ids, seed: as in `generate`.
        draft: guesses how a text goes on, as `draft.NGramDraft` does.
        ahead: the most tokens to guess at a time. With the last token they are one more, and a CPU multiplies up to
            four vectors in hardly more time than one.

    Raises:
        ValueError: as `generate`; more than one prompt; a model without a cache; ahead below 1.

    Source: Leviathan, Kalman and Matias (2023), "Fast Inference from Transformers via Speculative Decoding"; for equal
    noise in place of their random acceptance, Daliri, Musco and Suresh (2025), "Coupling without Communication and
    Drafter-Invariant Speculative Decoding".
    """
    draw = drawer(temperature, top_k, top_p, seed)
    max_new_tokens = check_prompts(model, ids, max_new_tokens)
    if len(ids) != 1:
        raise ValueError(f"ids must be one prompt, (1, T), got {tuple(ids.shape)}; use generate for a batch")
    if not can_cache(model):
        raise ValueError("the model keeps no cache, without which checking a guess costs more than it saves: generate")
    ahead, stops = whole_number("ahead", ahead, least=1), set(several(stop_ids))
    text, end = ids[0].tolist(), ids.shape[1] + max_new_tokens
    if max_new_tokens == 0:
        return Speculation(ids, 0, 0, 0)
    cache, first = prefill(model, ids, None, max_new_tokens)
    text.append(int(draw(first)))
    guessed, accepted, passes = 0, 0, 1
    while len(text) < end and text[-1] not in stops:
        guess = list(draft(text, min(ahead, end - len(text) - 1)))[: end - len(text) - 1]
        new = torch.tensor([text[cache.length :] + guess], device=ids.device)  # (1, 1 + guessed)
        with torch.inference_mode():
            logits = model(new, cache=cache)[0]  # (1 + guessed, V)
        guessed, passes = guessed + len(guess), passes + 1
        for row, expected in zip(logits, [*guess, None], strict=True):
            text.append(int(draw(row[None])))
            accepted += text[-1] == expected
            if text[-1] != expected or text[-1] in stops:
                break
        cache.rewind(len(text) - 1)
    return Speculation(torch.tensor([text], device=ids.device), guessed, accepted, passes)
