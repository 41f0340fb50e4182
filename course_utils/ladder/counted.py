"""An n-gram model that speaks of token ids, so that it is asked, scored and sampled from as a transformer is."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from course_utils.checks import whole_number
from course_utils.evaluation.windows import Ids, as_rows
from course_utils.ngram import NGramLM


class CountedLM:
    """A language model by counting: token ids in, the logarithms of the next token's probabilities out.

    The text of each row begins at its first token: nothing is known of what came before. A token that training never
    saw gets an equal share of the probability of the unknown.

    Args:
        ngram: a fitted n-gram model whose words are token ids as decimal numbers, "17".
        vocab_size: V, number of token ids.

    Raises:
        ValueError: a word of the n-gram model is no token id below vocab_size.
    """

    def __init__(self, ngram: NGramLM, vocab_size: int):
        self.ngram, self.vocab_size = ngram, whole_number("vocab_size", vocab_size, least=1)
        *words, _end, _unknown = ngram.vocabulary
        wrong = next((word for word in words if not (word.isdecimal() and int(word) < self.vocab_size)), None)
        if wrong is not None:
            raise ValueError(
                f"the n-gram model has the word {wrong!r}, which is no token id below vocab_size={vocab_size}: "
                "fit it with CountedLM.fit(ids, vocab_size, order)"
            )
        self._seen = np.array([int(word) for word in words], dtype=np.int64)  # (words,) a column's token id
        self._unseen = np.setdiff1d(np.arange(self.vocab_size), self._seen)  # token ids that training never saw

    @classmethod
    def fit(cls, ids: Ids, vocab_size: int, order: int, smoothing: str = "modified-kneser-ney") -> "CountedLM":
        """Count token ids, one text or a list of texts.

        Raises:
            ValueError: ids aren't rows of at least two token ids below vocab_size; order or smoothing, as `NGramLM`.
        """
        texts = [as_words(row) for row in as_rows(ids)]
        return cls(NGramLM(order, smoothing).fit(texts), vocab_size)

    def __call__(self, ids: Tensor, /) -> Tensor:
        """Map token ids (B, T) to ln of the probability of each next token, (B, T, V) float64."""
        return torch.stack([self._log_probs(row) for row in ids])

    def seen_context_lengths(self, ids: Tensor) -> Tensor:
        """Return for each place of ids (B, T) after how many of the last tokens training saw one, (B, T) int64."""
        return torch.stack([torch.from_numpy(self.ngram.seen_context_lengths(as_words(row))[1:]) for row in ids])

    def _log_probs(self, row: Tensor) -> Tensor:
        of_words = self.ngram.next_word_probs_after_each(as_words(row))[1:]  # (T, words + 2), </s> and <unk> last
        probs = np.zeros((len(of_words), self.vocab_size))  # (T, V)
        probs[:, self._seen] = of_words[:, :-2]
        if len(self._unseen):
            probs[:, self._unseen] = of_words[:, -1:] / len(self._unseen)
        probs /= probs.sum(axis=1, keepdims=True)  # no token ends a text
        with np.errstate(divide="ignore"):  # -inf is the answer of a model without smoothing
            return torch.from_numpy(np.log(probs))


def as_words(row: Tensor | Sequence[int]) -> list[str]:
    """Write token ids as the words of an n-gram model."""
    return list(map(str, torch.as_tensor(row).tolist()))
