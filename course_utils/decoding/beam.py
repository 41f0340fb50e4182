"""Beam search: look for the answer that is most probable as a whole, not token by token.

Greedy decoding takes the best next token and never looks back. Beam search keeps several texts at once, the beams: each
is continued by every token of the vocabulary, and of all these candidates the most probable go on.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.checks import whole_number
from course_utils.decoding.generation import check_prompts, next_token_logits, several
from course_utils.decoding.knobs import check_logits
from course_utils.transformer import LanguageModel, can_cache


@torch.no_grad()
def beam_search(
    model: LanguageModel, ids: Tensor, max_new_tokens: int, num_beams: int, stop_ids: int | Collection[int] = ()
) -> Tensor:
    """Continue each prompt by the best answer that a beam search finds; nothing is random.

    An answer's score is its log-probability divided by its number of new tokens, the stop id included: without the
    division short answers would win, since each further token adds a negative number. An answer ends with a stop id or
    after max_new_tokens. The search of a prompt is over when num_beams answers have ended and none of the beams scores
    better so far than the worst of them. All this is as in transformers' generate with its defaults, length_penalty=1
    and early_stopping=False. One beam is greedy decoding.

    The search promises nothing: what would win in the end may fall behind num_beams others on the way, and one more
    beam may make the answer worse. Log-probabilities are added in float32. Of equal candidates the earlier beam goes
    first, then the lowest id.

    Args:
        model: a `LanguageModel`; a `CachedLanguageModel` is given each token once.
        ids: prompts (B, T), all of one length.
        max_new_tokens: the most tokens to add. Prompt and answer together must fit in the model's context.
        num_beams: how many texts to keep for each prompt; with 1 the answer is the greedy one.
        stop_ids: one id or several that end an answer.

    Returns:
        Token ids (B, T + new), the prompts included; new is the length of the longest answer, a shorter one is filled
        with the stop id that it ends with.

    Raises:
        ValueError: num_beams below 1, or another argument that `generate` would refuse, named in the message.

    Source: Lowerre (1976), "The HARPY Speech Recognition System"; for neural text Sutskever, Vinyals and Le (2014),
    "Sequence to Sequence Learning with Neural Networks", section 3.2.
    """
    n = whole_number("num_beams", num_beams, least=1)
    max_new_tokens = check_prompts(model, ids, max_new_tokens)
    stops = set(several(stop_ids))
    if max_new_tokens == 0:
        return ids
    searches = [_Search(n, ids.shape[1]) for _ in ids]
    texts = ids.repeat_interleave(n, dim=0)  # (B n, T) the beams of the first prompt, then those of the second, ...
    cache = model.new_cache(len(texts), ids.shape[1] + max_new_tokens) if can_cache(model) else None
    for new in range(1, max_new_tokens + 1):
        logits = next_token_logits(model, texts, None, cache)  # (B n, V)
        check_logits(logits)
        log_probs = logits.float().log_softmax(dim=-1)  # (B n, V)
        so_far = torch.tensor([search.scores for search in searches]).to(log_probs.device)  # (B, n)
        totals = so_far[:, :, None] + log_probs.unflatten(0, (-1, n))  # (B, n, V) one number for each candidate

        chosen: list[tuple[int, int]] = []  # for each beam that goes on: the row of its text, and its next token
        for search, total, text in zip(searches, totals, texts.split(n), strict=True):
            ranked = _best(total, how_many=(1 + max(1, len(stops))) * n)  # enough for n that don't stop
            beams = search.step(ranked, text, stops, is_last=new == max_new_tokens)
            chosen += [(len(chosen) // n * n + beam, token) for beam, token in beams]
        if all(search.is_over for search in searches):
            break
        rows, tokens = torch.tensor(chosen).to(ids.device).unbind(dim=1)  # (B n,) each
        texts = torch.cat([texts[rows], tokens[:, None]], dim=1)  # (B n, T + new)
        if cache is not None:
            cache.reorder(rows)
    answers = [search.ended[0][1] for search in searches]
    longest = max(map(len, answers))
    return torch.stack([torch.cat([a, a[-1:].expand(longest - len(a))]) for a in answers])


class _Search:
    """The search for one prompt of so many tokens: its n beams, and the n best texts that have ended."""

    def __init__(self, n: int, prompt_length: int):
        self.n, self.prompt_length = n, prompt_length
        self.scores = [0.0] + [-math.inf] * (n - 1)  # log-probabilities of the beams, at first all the same text
        self.ended: list[tuple[float, Tensor]] = []  # score per new token and text, the best first
        self.is_over = False

    def step(self, ranked: list["_Candidate"], texts: Tensor, stops: set[int], is_last: bool) -> list[tuple[int, int]]:
        """Let candidates end or go on.

        Args:
            ranked: the best first.
            texts: of the beams, (n, T + new - 1).
            stops: ids that end a text.
            is_last: the candidates have all the tokens that they may have.

        Returns:
            For each of the n new beams, the old one that it continues and its new token.
        """
        new = texts.shape[1] + 1 - self.prompt_length
        for candidate in ranked[: self.n]:  # a text ends only if it is among the n best
            if not self.is_over and candidate.total > -math.inf and (is_last or candidate.token in stops):
                text = torch.cat([texts[candidate.beam], texts.new_tensor([candidate.token])])  # (T + new,)
                self.ended.append((candidate.total / new, text))
        self.ended = sorted(self.ended, key=lambda scored: -scored[0])[: self.n]

        going_on = [c for c in ranked if c.token not in stops]
        going_on += [_Candidate(-math.inf, c.beam, c.token) for c in ranked if c.token in stops]  # if there are too few
        going_on = going_on[: self.n]
        self.scores = [c.total for c in going_on]
        worst = self.ended[-1][0] if len(self.ended) == self.n else -math.inf
        self.is_over = self.is_over or is_last or self.scores[0] / new <= worst
        return [(c.beam, c.token) for c in going_on]


@dataclass(frozen=True)
class _Candidate:
    """One beam continued by one token, and the log-probability of all its new tokens."""

    total: float
    beam: int
    token: int


def _best(totals: Tensor, how_many: int) -> list[_Candidate]:
    """Return the best candidates of totals (n, V), the best first; of equals the earlier beam, then the lowest id."""
    flat = totals.flatten()  # (n V,)
    least = flat.topk(min(how_many, len(flat))).values[-1]
    indices = (flat >= least).nonzero().flatten()  # in the order of ids; more than how_many where several tie
    values, order = flat[indices].sort(descending=True, stable=True)
    pairs = zip(values[:how_many].tolist(), indices[order[:how_many]].tolist(), strict=True)
    return [_Candidate(total, *divmod(index, totals.shape[1])) for total, index in pairs]
