"""A game: buy trainings from a sweep's table, predict the loss of a larger one, and only then see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from course_utils.scaling.runs import Result

LEVEL = 0.8  # how often a player's interval should hold the loss


def interval_score(low: float, high: float, level: float, outcome: float) -> float:
    """Return the interval score of a prediction; the lower, the better.

    It is the width, and, if the outcome lies outside, the distance from it to the nearer end, times 2 / (1 - level).

    Args:
        low, high: between them the outcome was to lie.
        level: with this probability, between 0 and 1.
        outcome: what came.

    Raises:
        ValueError: low is above high, or level isn't between 0 and 1.

    Source: Gneiting and Raftery (2007), "Strictly Proper Scoring Rules, Prediction, and Estimation", section 6.2.
    """
    if low > high:
        raise ValueError(f"low={low} is above high={high}: swap them")
    if not 0 < level < 1:
        raise ValueError(f"level={level} must be between 0 and 1: 0.9 is 90 %")
    return high - low + 2 / (1 - level) * max(low - outcome, outcome - high, 0.0)


@dataclass(frozen=True)
class Verdict:
    """A prediction beside what was measured, in nats per token.

    Args:
        low, high: the interval that the player gave.
        measured: mean loss of the target's trainings.
        score: the interval's, lower is better: its width, and ten times what it misses by.
    """

    low: float
    high: float
    measured: float
    score: float

    def __str__(self) -> str:
        found = "holds" if self.low <= self.measured <= self.high else "misses"
        return (
            f"{self.low:.4f} to {self.high:.4f} {found} the measured {self.measured:.4f}: a score of "
            f"{self.score * 1000:.1f} thousandths of a nat"
        )


class PredictionGame:
    """Trainings for sale, a budget, and a target whose loss stays closed until an interval is handed in.

    A training costs the FLOPs that it took. Whoever has handed in buys nothing more.

    Args:
        results: a sweep's table: the trainings for sale and those of the target, which aren't.
        target: layers, width and tokens of the trainings to predict; with several seeds their mean counts.
        budget: FLOPs to spend.

    Raises:
        ValueError: no training is the target, or the budget buys none of the others.
    """

    def __init__(self, results: Sequence[Result], target: tuple[int, int, int], budget: float):
        self._target = [result for result in results if _what(result) == target]
        if not self._target:
            raise ValueError(f"target={target} isn't in the table: give layers, width and tokens of one of its rows")
        flops = min(result.flops for result in self._target)
        self._shelf = {(*_what(result), result.seed): result for result in results if result.flops < flops}
        cheapest = min((result.flops for result in self._shelf.values()), default=0)
        if not cheapest <= budget:
            raise ValueError(f"budget={budget:.3g} FLOPs buys nothing: the cheapest training costs {cheapest:.3g}")
        self.left, self.target = float(budget), target
        self.bought: list[Result] = []
        self.verdict: Verdict | None = None

    @property
    def prices(self) -> dict[tuple[int, int, int], int]:
        """FLOPs of one training of each layers, width and tokens, the cheapest first."""
        found = {_what(result): result.flops for result in self._shelf.values()}
        return dict(sorted(found.items(), key=lambda item: item[1]))

    def buy(self, n_layers: int, d_model: int, tokens: int, seed: int = 0) -> float:
        """Pay for a training and return its loss; one that you have is free.

        Raises:
            ValueError: there is no such training; it costs more than is left; the game is over. Nothing is paid then.
        """
        result = self._shelf.get((n_layers, d_model, tokens, seed))
        if self.verdict is not None:
            raise ValueError("the target is open: nothing can be bought after that. Begin a new game")
        if result is None:
            sizes = sorted({key[:2] for key in self._shelf})
            texts = sorted({key[2] for key in self._shelf if key[:2] == (n_layers, d_model)})
            offers = f"tokens of {texts}" if texts else f"layers and widths of {sizes}"
            seeds = sorted({key[3] for key in self._shelf})
            raise ValueError(
                f"no training of {n_layers} layers, width {d_model}, {tokens} tokens, seed {seed} is for sale: "
                f"choose {offers}, and a seed of {seeds}"
            )
        if result in self.bought:
            return result.test
        if result.flops > self.left:
            raise ValueError(f"that costs {result.flops:.3g} FLOPs and {self.left:.3g} are left: buy a smaller one")
        self.left -= result.flops
        self.bought.append(result)
        return result.test

    def submit(self, low: float, high: float) -> Verdict:
        """Hand in an interval that you believe holds the target's loss in four cases of five, and open the target.

        Raises:
            ValueError: low isn't a number above 0 or lies above high; the game is over.

        Nobody gains by an interval that is wider or narrower than what he believes: see `interval_score`.
        """
        if self.verdict is not None:
            raise ValueError("the target is open already: one prediction counts. Begin a new game")
        if not 0 < low <= high < float("inf"):
            raise ValueError(f"low={low} and high={high} must be losses in nats, 0 < low <= high")
        measured = fmean(result.test for result in self._target)
        self.verdict = Verdict(low, high, measured, interval_score(low, high, LEVEL, measured))
        return self.verdict


def _what(result: Result) -> tuple[int, int, int]:
    return result.n_layers, result.d_model, result.tokens
