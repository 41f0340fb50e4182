"""The mean of two language models, which is a language model again."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from course_utils.evaluation.loss import IGNORE_INDEX
from course_utils.evaluation.scoring import in_eval_mode
from course_utils.evaluation.windows import Ids, as_rows, scoring_windows
from course_utils.ladder.counted import CountedLM
from course_utils.transformer import LanguageModel

HALVINGS = 40  # of the interval that a weight is looked for in: to 1e-12
FEW = 100  # tokens: a length that was met less often takes the weight of all


class Mixture:
    """A language model that mixes counting and learning: p = w p(counted) + (1 - w) p(learned).

    The weight w may depend on the context, here on how much of it training has seen; it must not depend on the token to
    come, or the probabilities would no longer sum to 1.

    Args:
        counted: the n-gram model.
        learned: any other language model over the same token ids.
        weights: w, one number for all contexts, or one for each length of a context seen in training, from 0 to
            order - 1.

    Raises:
        ValueError: a weight isn't between 0 and 1, or there are not as many as lengths.

    Source: Jelinek and Mercer (1980), "Interpolated estimation of Markov source parameters from sparse data".
    """

    def __init__(self, counted: CountedLM, learned: LanguageModel, weights: float | Sequence[float] = 0.5):
        order = counted.ngram.order
        per_length = [float(weights)] * order if isinstance(weights, int | float) else list(map(float, weights))
        if len(per_length) != order:
            raise ValueError(f"weights must be one number, or {order}, one for each length below the n-gram's order")
        wrong = next((weight for weight in per_length if not 0 <= weight <= 1), None)
        if wrong is not None:
            raise ValueError(f"weights must be between 0 and 1, got {wrong}: the share of the n-gram model")
        self.counted, self.learned, self.weights = counted, learned, per_length
        self.config = getattr(learned, "config", None)  # how much it can read at once

    def __call__(self, ids: Tensor, /) -> Tensor:
        """Map token ids (B, T) to ln of the probability of each next token, (B, T, V) float64."""
        learned = self.learned(ids).double().log_softmax(dim=-1)  # (B, T, V)
        return self.mixed(self.counted(ids), learned, self.counted.seen_context_lengths(ids))

    def mixed(self, counted: Tensor, learned: Tensor, lengths: Tensor) -> Tensor:
        """Mix what the two models said.

        Args:
            counted, learned: (B, T, V) ln of the probabilities.
            lengths: (B, T) of the contexts that training saw.

        Returns:
            (B, T, V) ln of the mixture's probabilities.
        """
        weights = torch.tensor(self.weights, dtype=torch.float64)[lengths][..., None]  # (B, T, 1)
        return torch.logaddexp(weights.log() + counted, (-weights).log1p() + learned)

    @torch.no_grad()
    def fit_weights(
        self, ids: Ids, context_length: int, stride: int | None = None, after_context: bool = False
    ) -> "Mixture":
        """Learn the weights on a text that neither model was trained on; return a new mixture.

        For each length of a seen context, the weight under which the text is most probable; lengths that the text
        hardly has take the best weight of all.

        Args:
            ids: (N,) token ids of the text, or a list of such rows.
            context_length, stride: as in `evaluation.perplexity`.
            after_context: the first T + 1 tokens of each row are there to be read only, T the context length: they
                may be of a text that the models know. Without them the first tokens of each row have little to go by.

        Raises:
            ValueError: fewer than two ids, or none after the context.
        """
        found = []
        with in_eval_mode(self.learned):
            for inputs, targets in fitting_windows(as_rows(ids), context_length, stride, after_context):
                counts = targets != IGNORE_INDEX  # (B, T)
                asked = targets.where(counts, 0)[..., None]  # (B, T, 1)
                learned = self.learned(inputs).double().softmax(dim=-1).gather(-1, asked)[..., 0]  # (B, T)
                counted = self.counted(inputs).exp().gather(-1, asked)[..., 0]  # (B, T)
                lengths = self.counted.seen_context_lengths(inputs)  # (B, T)
                found.append(torch.stack([counted, learned, lengths.double()])[:, counts])  # (3, N)
        counted, learned, lengths = torch.cat(found, dim=1)  # (N,) each
        if not len(counted):
            raise ValueError(f"ids hold no token after the first {context_length + 1} of each row: give longer rows")
        everywhere = best_weight(counted, learned)
        per_length = [(counted[lengths == n], learned[lengths == n]) for n in range(self.counted.ngram.order)]
        weights = [best_weight(*pair) if len(pair[0]) >= FEW else everywhere for pair in per_length]
        return Mixture(self.counted, self.learned, weights)


def fitting_windows(
    rows: list[Tensor], context_length: int, stride: int | None, after_context: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield windows as `scoring_windows` does, row after row; after a context, the first of each row isn't counted."""
    for row in rows:
        for number, (inputs, targets) in enumerate(scoring_windows(row, context_length, stride, batch_size=16)):
            if after_context and number == 0:
                targets[0] = IGNORE_INDEX
            yield inputs, targets


def best_weight(counted: Tensor, learned: Tensor) -> float:
    """Return the weight w in 0 .. 1 for which the product of w counted + (1 - w) learned is largest.

    The logarithm of the product is concave in w, so its slope changes sign once at most: that place is bisected.

    Args:
        counted, learned: (N,) the probabilities that the two models gave the tokens that came.
    """
    ahead = counted - learned  # (N,)
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        weight = (low + high) / 2
        mixed = weight * counted + (1 - weight) * learned  # (N,)
        slope = torch.where(mixed > 0, ahead / mixed, 0.0).mean()
        low, high = (weight, high) if slope > 0 else (low, weight)
    return (low + high) / 2
