import math
from fractions import Fraction

import torch
from transformers.generation import RepetitionPenaltyLogitsProcessor
from verdicts import right, wrong

from course_utils.decoding import beam_search
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
    keep = values.cumsum(-1) - values < p - 1e-6
    kept = torch.zeros_like(probs).scatter(-1, ids, values * keep)
    return kept / kept.sum(-1, keepdim=True)


def six_lines_of_the_notebook(probs, p):
    order = probs.argsort(descending=True)
    mass_before = probs[order].cumsum(dim=-1) - probs[order]
    keep = order[mass_before < p]
    cut = torch.zeros_like(probs)
    cut[keep] = probs[keep]
    return cut / cut.sum()


test_the_notebooks_lines_take_one_row = wrong(exercises.top_p, "One token stays in the first row, two in the second")(
    six_lines_of_the_notebook
)


@right(exercises.top_p)
def test_the_notebooks_lines_row_by_row(probs, p):
    rows = [six_lines_of_the_notebook(row, p) for row in probs.reshape(-1, probs.shape[-1])]
    return torch.stack(rows).view_as(probs)


@right(exercises.random_sampling)
def test_darts_one_by_one(probs, darts):
    ids = []
    for dart in darts.tolist():
        id, end = 0, float(probs[0])
        while dart >= end:
            id += 1
            end += float(probs[id])
        ids.append(id)
    return torch.tensor(ids)


@right(exercises.penalised)
def test_a_penalty_token_by_token(logits, seen, penalty):
    values = logits.tolist()
    for id in set(seen):
        values[id] *= 1 / penalty if values[id] > 0 else penalty
    return torch.tensor(values)


@right(exercises.beam_step)
def test_candidates_in_python(totals, log_probs, num_beams):
    beams, tokens = log_probs.shape
    pairs = [[beam, token] for beam in range(beams) for token in range(tokens)]
    return sorted(pairs, key=lambda pair: -float(totals[pair[0]] + log_probs[pair[0], pair[1]]))[:num_beams]


@right(exercises.is_sound)
def test_a_test_by_definition(top_p):
    for probs, p in ((torch.tensor([0.09, 0.5, 0.41]), 0.9), (torch.tensor([0.25, 0.5, 0.25]), 1.0)):
        kept = top_p(probs, p)
        stay = kept > 0
        smallest = probs[stay].sum() - probs[stay].min() < p <= probs[stay].sum() + 1e-6
        if not (smallest and torch.allclose(kept, torch.where(stay, probs, 0.0) / probs[stay].sum())):
            return False
    return True


@right(exercises.temperature_for)
def test_a_temperature_by_halving(logits, choices):
    low, high = 0.01, 5.0
    for _ in range(60):
        middle = (low + high) / 2
        few = float(torch.special.entr((logits.double() / middle).softmax(-1)).sum().exp()) < choices
        low, high = (middle, high) if few else (low, middle)
    return round(low, 2)


test_min_p_of_logits = right(exercises.min_p)(
    lambda probs, share: (
        probs.log().masked_fill(probs < share * probs.max(-1, keepdim=True).values, -torch.inf).softmax(-1)
    )
)
test_a_batch_of_darts_in_one_comparison = right(exercises.random_sampling)(
    lambda probs, darts: (darts[:, None] >= probs.cumsum(0)).sum(-1)
)
test_penalty_in_place = wrong(exercises.penalised, "changed its input logits in place")(
    lambda logits, seen, penalty: logits.copy_(exercises.penalised.reference(logits, seen, penalty))
)
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
    assert exercises.tokens_kept.reference(torch.tensor([3.0, 2.0, 1.0]), 0.5, 0.8) == [1, 2]
    assert exercises.random_sampling.reference(probs, torch.tensor([0.05, 0.3, 0.6, 0.95])).tolist() == [0, 1, 2, 3]
    assert exercises.penalised.reference(torch.tensor([4.0, -4.0, 1.0]), [0, 1], 2.0).tolist() == [2, -8, 1]
    torch.testing.assert_close(exercises.min_p.reference(probs, 0.75), torch.tensor([0.0, 4 / 7, 0.0, 3 / 7]))


def test_a_penalty_is_transformers_own():
    logits = torch.randn(20, generator=torch.Generator().manual_seed(0))
    seen = [3, 5, 3, 19, 0]
    theirs = RepetitionPenaltyLogitsProcessor(1.7)(torch.tensor([seen]), logits[None])[0]
    torch.testing.assert_close(exercises.penalised.reference(logits, seen, 1.7), theirs)


def test_one_step_is_beam_search_of_one_token():
    probs = torch.rand(7, 7, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    [[_, token], *_] = exercises.beam_step.reference(torch.zeros(1), probs[:1], 3)
    assert beam_search(lambda ids: probs[ids], torch.tensor([[0]]), 1, 3).tolist() == [[0, token]]
