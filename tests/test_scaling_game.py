"""The game: prices are paid once, the budget holds, the target opens once, and honest intervals score best."""

import dataclasses
import math

import pytest
import torch

from course_utils.scaling import PredictionGame
from course_utils.scaling.runs import Result

SHOWN = dict.fromkeys(("learning_rate", "parameters", "non_embedding", "validation", "seconds"), 0)


def result(d_model, tokens, seed, test):
    flops = 100 * d_model * tokens
    return Result(
        n_layers=2, d_model=d_model, n_heads=1, tokens=tokens, seed=seed, flops=flops, test=test, processor="", **SHOWN
    )


TABLE = [result(d, tokens, seed, 1 + d / 100 + seed / 10) for d in (4, 8) for tokens in (10, 20) for seed in (0, 1)]
TABLE += [result(16, 40, 0, 0.6), result(16, 40, 1, 0.8)]
TARGET = (2, 16, 40)


def game(budget=20_000):
    return PredictionGame(TABLE, TARGET, budget)


def test_a_training_is_paid_once_and_the_target_is_not_for_sale():
    played = game()
    assert list(played.prices.values()) == [4_000, 8_000, 8_000, 16_000]
    assert played.buy(2, 8, 10, seed=1) == pytest.approx(1.18)
    assert played.left == 12_000
    assert played.buy(2, 8, 10, seed=1) == pytest.approx(1.18)
    assert played.left == 12_000
    with pytest.raises(ValueError, match=r"costs 1\.6e\+04 FLOPs and 1\.2e\+04 are left"):
        played.buy(2, 8, 20)
    assert played.left == 12_000
    with pytest.raises(ValueError, match=r"choose layers and widths of \[\(2, 4\), \(2, 8\)\], and a seed of \[0, 1\]"):
        played.buy(*TARGET)
    with pytest.raises(ValueError, match=r"choose tokens of \[10, 20\]"):
        played.buy(2, 8, 30)
    assert [each.d_model for each in played.bought] == [8]


def test_the_target_opens_once_and_closes_the_shop():
    played = game()
    with pytest.raises(ValueError, match=r"low=0\.9 and high=0\.7 must be losses"):
        played.submit(0.9, 0.7)
    assert played.verdict is None
    verdict = played.submit(0.65, 0.75)
    assert (verdict.measured, verdict.score) == pytest.approx((0.7, 0.1))
    assert str(verdict) == "0.6500 to 0.7500 holds the measured 0.7000: a score of 100.0 thousandths of a nat"
    with pytest.raises(ValueError, match="nothing can be bought after that"):
        played.buy(2, 4, 10)
    with pytest.raises(ValueError, match="one prediction counts"):
        played.submit(0.7, 0.7)
    assert game().submit(0.72, 0.74).score == pytest.approx(0.02 + 10 * 0.02)
    assert game().submit(0.5, 0.66).score == pytest.approx(0.16 + 10 * 0.04)


def test_the_central_four_fifths_of_what_one_believes_score_best():
    losses = (
        torch.randn(20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.01 + 0.7
    )  # what may be measured
    means = {}
    for width in (0.5, 0.9, 1.2816, 1.7, 2.5):  # in standard deviations; the third is the normal's at 80 %
        low, high = 0.7 - width * 0.01, 0.7 + width * 0.01
        missed = (low - losses).clamp(min=0) + (losses - high).clamp(min=0)
        one = PredictionGame([*TABLE[:-2], dataclasses.replace(TABLE[-1], test=losses[0].item())], TARGET, 1e6)
        assert one.submit(low, high).score == pytest.approx((high - low + 10 * missed[0]).item())
        means[width] = (high - low + 10 * missed).mean().item()
    assert min(means, key=means.get) == 1.2816


def test_a_game_that_can_not_be_played_is_refused():
    with pytest.raises(ValueError, match=r"target=\(9, 9, 9\) isn't in the table"):
        PredictionGame(TABLE, (9, 9, 9), 1e9)
    for budget in (1.0, math.nan):
        with pytest.raises(ValueError, match=r"buys nothing: the cheapest training costs 4e\+03"):
            PredictionGame(TABLE, TARGET, budget)
