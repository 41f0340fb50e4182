import math
from fractions import Fraction

import torch
from verdicts import right, wrong

from course_utils.exercises import decoding as exercises


@right(exercises.temperature_probs)
def test_shift_by_hand(logits, t):
    if t == 0:
        return torch.eye(len(logits), dtype=torch.float64)[int(logits.argmax())]
    weights = torch.exp(logits / t - (logits / t).max())
    return weights / weights.sum()


@right(exercises.top_k)
def test_top_k_in_python(probs, k):
    kept = sorted(range(len(probs)), key=lambda i: -float(probs[i]))[:k]
    total = sum(float(probs[i]) for i in kept)
    return torch.tensor([float(probs[i]) / total if i in kept else 0.0 for i in range(len(probs))])


@right(exercises.effective_choices)
def test_a_product_of_powers(probs):
    if probs.min() < 0 or abs(probs.sum() - 1) > 1e-3:
        raise ValueError("no probabilities")
    return 1 / (probs**probs).prod().item()


@right(exercises.top_p)
def test_top_p_of_sorted_values(probs, p):
    values, ids = torch.sort(probs, descending=True, stable=True)
    keep = values.cumsum(0) - values < p - 1e-6
    kept = torch.zeros_like(probs).scatter(0, ids[keep], values[keep])
    return kept / kept.sum()


@right(exercises.top_p)
def test_the_six_lines_of_the_notebook(probs, p):
    order = probs.argsort(descending=True)
    mass_before = probs[order].cumsum(dim=-1) - probs[order]
    keep = order[mass_before < p]
    cut = torch.zeros_like(probs)
    cut[keep] = probs[keep]
    return cut / cut.sum()


test_first_alone_lost = wrong(exercises.top_p, "At least one token stays")(
    lambda probs, p: torch.zeros_like(probs) if probs.max() > p else exercises.top_p.reference(probs, p)
)
test_share_of_the_largest = wrong(exercises.effective_choices, "a surprise of 3 bits, and 2 ** 3 is 8")(
    lambda probs: 2 ** (torch.special.entr(probs).sum() / math.log(len(probs))).item()
)
test_zipped_rests = right(exercises.distinct_n)(
    lambda tokens, n: len({*zip(*(tokens[i:] for i in range(n)), strict=False)}) / max(len(tokens) - n + 1, 1)
)


def test_a_crash_is_told_its_cause_and_no_hint_that_does_not_belong_to_it():
    message = exercises.distinct_n.check(lambda tokens, n: len({tokens[i : i + n] for i in range(len(tokens))})).message
    assert message.startswith("wrong: your function raised TypeError: unhashable type: 'list'.\n")
    assert "cause:    lists and dicts can't be in a set" in message


test_exact_fraction = wrong(exercises.distinct_n, "a fractions.Fraction, not a float: float(...) makes one.")(
    lambda tokens, n: Fraction(len({*zip(*(tokens[i:] for i in range(n)), strict=False)}), len(tokens) - n + 1)
)


def test_references_by_hand():
    probs = torch.tensor([0.1, 0.4, 0.2, 0.3])
    torch.testing.assert_close(exercises.top_p.reference(probs, 0.9), torch.tensor([0.0, 4 / 9, 2 / 9, 3 / 9]))
    torch.testing.assert_close(exercises.top_k.reference(probs, 2), torch.tensor([0.0, 4 / 7, 0.0, 3 / 7]))
    assert exercises.distinct_n.reference([1, 2, 1, 2, 1], 2) == 0.5
    assert exercises.effective_choices.reference(torch.tensor([0.0, 0.5, 0.25, 0.25])) == 2**1.5
    assert exercises.temperature_probs.reference(torch.tensor([1.0, 3.0, 3.0]), 0).tolist() == [0, 1, 0]
