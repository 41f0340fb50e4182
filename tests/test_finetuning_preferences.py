"""Preference tuning: the loss of Rafailov et al., equation 7, and what goes into it."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from course_utils.finetuning import dpo_loss, finetune, response_log_probs

nats = st.floats(-200, 0)
four = st.tuples(nats, nats, nats, nats)
betas = st.floats(0.01, 2)


def loss_of(pairs, beta=0.1):
    """The loss of a list of (policy chosen, policy rejected, reference chosen, reference rejected)."""
    return dpo_loss(*torch.tensor(pairs, dtype=torch.float64).T, beta=beta)


def test_it_begins_at_ln_2():
    same = torch.tensor([-3.0, -50.0]), torch.tensor([-7.0, -1.0])
    assert dpo_loss(*same, *same).item() == pytest.approx(math.log(2))


@given(st.lists(four, min_size=1, max_size=5), betas)
def test_it_is_equation_7(pairs, beta):
    expected = 0.0
    for chosen, rejected, reference_chosen, reference_rejected in pairs:
        reward_difference = beta * (chosen - reference_chosen) - beta * (rejected - reference_rejected)
        expected += math.log1p(math.exp(-abs(reward_difference))) + max(-reward_difference, 0.0)
    assert loss_of(pairs, beta).item() == pytest.approx(expected / len(pairs), rel=1e-9)


@given(four, betas, st.floats(-50, 50), st.floats(-50, 50))
def test_what_policy_and_reference_share_cancels(pair, beta, of_chosen, of_rejected):
    chosen, rejected, reference_chosen, reference_rejected = pair
    shifted = (
        *(chosen + of_chosen, rejected + of_rejected),
        *(reference_chosen + of_chosen, reference_rejected + of_rejected),
    )
    assert loss_of([shifted], beta).item() == pytest.approx(loss_of([pair], beta).item(), rel=1e-9)


@given(four, betas)
def test_its_gradient_raises_the_chosen_and_lowers_the_rejected_by_as_much(pair, beta):
    inputs = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in pair]
    dpo_loss(*inputs, beta=beta).backward()
    margin = beta * ((pair[0] - pair[2]) - (pair[1] - pair[3]))
    wrongness = torch.tensor(-margin, dtype=torch.float64).sigmoid().item()  # what it gives to the wrong order
    assert inputs[0].grad.item() == pytest.approx(-beta * wrongness, rel=1e-6)
    assert inputs[1].grad.item() == pytest.approx(beta * wrongness, rel=1e-6)


def test_its_limits():
    sure, wrong = [(0.0, -1e4, -5.0, -5.0)], [(-1e4, 0.0, -5.0, -5.0)]
    assert loss_of(sure, 1.0).item() == 0.0
    assert loss_of(wrong, 1.0).item() == pytest.approx(1e4)  # linear, and no overflow
    assert loss_of(wrong, 1e-9).item() == pytest.approx(math.log(2), abs=1e-5)


@pytest.mark.parametrize("beta", [0, -0.1, math.inf, math.nan])
def test_a_beta_out_of_range_is_named(beta):
    with pytest.raises(ValueError, match="beta must be a positive number"):
        loss_of([(0.0, 0.0, 0.0, 0.0)], beta)


def test_unlike_shapes_do_not_broadcast():
    with pytest.raises(ValueError, match=r"one shape, \(B,\), got \[\(1,\), \(2,\)\]"):
        dpo_loss(torch.zeros(2), torch.zeros(2), torch.zeros(1), torch.zeros(2))


class Bigram(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(7, 7, generator=torch.Generator().manual_seed(0)))

    def forward(self, ids):
        return self.table[ids]


INPUTS = torch.tensor([[0, 1, 2, 3], [4, 5, 6, 0]])
TARGETS = torch.tensor([[-100, 2, 3, -100], [5, -100, 1, 2]])


def test_the_log_probs_are_sums_over_what_is_counted():
    model = Bigram()
    table = model.table.log_softmax(dim=-1)
    expected = torch.stack([table[1, 2] + table[2, 3], table[4, 5] + table[6, 1] + table[0, 2]])
    torch.testing.assert_close(response_log_probs(model, INPUTS, TARGETS), expected)


def test_a_row_without_a_response_is_named():
    with pytest.raises(ValueError, match=r"no response in the rows \[1\]"):
        response_log_probs(Bigram(), INPUTS, torch.where(torch.tensor([[True], [False]]), TARGETS, -100))


def test_a_model_learns_to_prefer():
    """Both responses are as probable at first; three nats apart afterwards, though no loss names the probability."""
    model, reference = Bigram(), Bigram()
    nn.init.zeros_(model.table)
    nn.init.zeros_(reference.table)
    chosen, rejected = torch.tensor([[-100, 2]]), torch.tensor([[-100, 3]])
    inputs = torch.tensor([[0, 1]])

    def loss(model, batch):
        with torch.no_grad():
            before = [response_log_probs(reference, inputs, targets) for targets in (chosen, rejected)]
        return dpo_loss(*(response_log_probs(model, inputs, targets) for targets in (chosen, rejected)), *before)

    run = finetune(model, lambda: None, steps=50, learning_rate=0.1, loss=loss)
    assert run.losses[0] == pytest.approx(math.log(2))
    margin = response_log_probs(model, inputs, chosen) - response_log_probs(model, inputs, rejected)
    assert margin.item() > 3
