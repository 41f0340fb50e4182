"""How likely a model finds whole sentences, each read alone."""

from collections.abc import Iterator, Sequence
from itertools import count, groupby, pairwise, takewhile

import torch

from course_utils.device import widened
from course_utils.evaluation.loss import IGNORE_INDEX, token_surprises
from course_utils.evaluation.scoring import TOKENS_AT_ONCE, check_context, device_of, in_eval_mode
from course_utils.tokenization import Tokenizer
from course_utils.transformer import CachedLanguageModel, LanguageModel, can_cache

TOKENS_IN_CACHE = 8192  # of several sentences: keys and values of SmolLM2 take 380 MB at most, in float32


@torch.no_grad()
def sentence_log_likelihoods(
    model: LanguageModel, tokenizer: Tokenizer, sentences: Sequence[str], start: str = "<|endoftext|>"
) -> list[float]:
    """Return ln p(sentence | start) for each sentence, in nats: the sum over all its tokens, not their mean.

    Args:
        model: `model(ids (B, T)) -> logits (B, T, V)`; a module is put in eval mode meanwhile.
        tokenizer: the model's own.
        sentences: texts; special tokens' names in them are plain text.
        start: what stands before each sentence and is read, not scored: the separator of documents.

    Raises:
        ValueError: sentences is one text, or holds one without a token; start has none; a sentence is longer than the
            model's context.
    """
    if isinstance(sentences, str):
        raise ValueError(f"sentences must be a list of texts, got the text {sentences!r:.60}: write [text]")
    before = tokenizer.encode(start)
    if not before:
        raise ValueError(f"start must hold a token, got {start!r}: the first token of a sentence is predicted from it")
    rows = []
    for sentence in sentences:
        tokens = tokenizer.encode(sentence, specials=False)
        if not tokens:
            raise ValueError(f"sentences must hold a token each, got {sentence!r}: remove it")
        rows.append(before + tokens)
    check_context(model, max((len(row) - 1 for row in rows), default=1))
    with in_eval_mode(model):
        # a pass for each length is slower than one for all: only where less than half of the tokens would be read
        if can_cache(model) and 2 * _distinct_beginnings(rows) <= sum(map(len, rows)):
            return _along_beginnings(model, rows, len(before))
        return _whole(model, rows, len(before))


def _whole(model: LanguageModel, rows: list[list[int]], n_before: int) -> list[float]:
    """Read every row from its first token to its last, those of one length together, so that none is padded."""
    log_likelihoods = [0.0] * len(rows)
    device = device_of(model)
    by_length = sorted(range(len(rows)), key=lambda number: len(rows[number]))
    for length, group in groupby(by_length, key=lambda number: len(rows[number])):
        for batch in _batches(list(group), TOKENS_AT_ONCE // length):
            ids = torch.tensor([rows[number] for number in batch], device=device)  # (B, 1 + T)
            targets = ids[:, 1:].clone()  # (B, T)
            targets[:, : n_before - 1] = IGNORE_INDEX
            surprises = token_surprises(model(ids[:, :-1]), targets).view(len(batch), -1)  # (B, tokens scored)
            for number, nats in zip(batch, widened(surprises).sum(dim=1).tolist(), strict=True):
                log_likelihoods[number] = -nats
    return log_likelihoods


def _along_beginnings(model: CachedLanguageModel, rows: list[list[int]], n_before: int) -> list[float]:
    """Read a beginning that several rows share once: token after token, from the cache of the tokens before.

    Of abca, abcb and abd the beginnings a and ab are read once for the three of them, and abc once for two. Each length
    takes a pass over all weights: it pays where many sentences share much.
    """
    log_likelihoods = [0.0] * len(rows)
    device = device_of(model)
    alike = sorted(range(len(rows)), key=lambda number: rows[number])  # those that begin alike are neighbours
    for batch in _batches(alike, min(TOKENS_AT_ONCE, TOKENS_IN_CACHE // max(map(len, rows), default=1))):
        cache = model.new_cache(1, max(len(rows[number]) for number in batch) - 1)
        beginning = dict.fromkeys(batch, 0)  # row -> which of the beginnings in the cache is its own
        parents, ids = [0], torch.tensor([rows[batch[0]][:n_before]], device=device)  # (1, tokens before)
        for length in count(n_before):  # of the beginnings
            cache.reorder(torch.tensor(parents, device=device))
            logits = model.next_token_logits(ids, cache=cache)  # (beginnings, V)
            places = torch.tensor(list(beginning.values()), device=device)  # (rows that go on,)
            tokens = torch.tensor([rows[number][length] for number in beginning], device=device)
            for number, nats in zip(beginning, token_surprises(logits[places], tokens).tolist(), strict=True):
                log_likelihoods[number] -= nats
            longer = {  # row -> its next beginning, told by the one before and the token
                number: (place, rows[number][length])
                for number, place in beginning.items()
                if len(rows[number]) > length + 1
            }
            if not longer:
                break
            nodes = {node: place for place, node in enumerate(dict.fromkeys(longer.values()))}
            beginning = {number: nodes[node] for number, node in longer.items()}
            parents, ids = [parent for parent, _ in nodes], torch.tensor([[token] for _, token in nodes], device=device)
    return log_likelihoods


def _distinct_beginnings(rows: list[list[int]]) -> int:
    """Count the beginnings of all rows, each once however many share it: of abc and abd four, a, ab, abc and abd."""
    neighbours = pairwise([[], *sorted(rows)])
    shared = sum(sum(takewhile(bool, map(int.__eq__, before, row))) for before, row in neighbours)
    return sum(map(len, rows)) - shared


def _batches(numbers: list[int], at_once: int) -> Iterator[list[int]]:
    size = max(1, at_once)
    return (numbers[first : first + size] for first in range(0, len(numbers), size))
