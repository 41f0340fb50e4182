"""How likely a model finds whole sentences, each read alone."""

from collections.abc import Sequence
from itertools import groupby

import torch

from course_utils.device import widened
from course_utils.evaluation.loss import IGNORE_INDEX, token_surprises
from course_utils.evaluation.scoring import TOKENS_AT_ONCE, check_context, device_of, in_eval_mode
from course_utils.tokenization import Tokenizer
from course_utils.transformer import LanguageModel


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
    log_likelihoods = [0.0] * len(rows)
    device = device_of(model)
    by_length = sorted(range(len(rows)), key=lambda number: len(rows[number]))
    with in_eval_mode(model):
        for length, group in groupby(by_length, key=lambda number: len(rows[number])):  # so that none is padded
            alike, at_once = list(group), max(1, TOKENS_AT_ONCE // length)
            for batch in (alike[first : first + at_once] for first in range(0, len(alike), at_once)):
                ids = torch.tensor([rows[number] for number in batch], device=device)  # (B, 1 + T)
                targets = ids[:, 1:].clone()  # (B, T)
                targets[:, : len(before) - 1] = IGNORE_INDEX
                surprises = token_surprises(model(ids[:, :-1]), targets).view(len(batch), -1)  # (B, tokens scored)
                for number, nats in zip(batch, widened(surprises).sum(dim=1).tolist(), strict=True):
                    log_likelihoods[number] = -nats
    return log_likelihoods
