"""Decoding: the laws of section "decoding" in the design, Hugging Face's warpers, and mock models in milliseconds."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from apples_gpu import MovedToMPS, OnMPS
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from transformers.generation import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from course_utils import decoding
from course_utils.decoding import generation

INF = math.inf


def logits_of(*probs):
    return torch.tensor(probs).log()


def kept(logits):
    return (logits > -INF).nonzero().flatten().tolist()


rows = st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=60, unique=True)
tied_rows = st.lists(st.sampled_from([-INF, -3.0, 0.0, 1.0, 2.0]), min_size=1, max_size=40).filter(
    lambda row: max(row) > -INF
)


# ---- equal to Hugging Face, wherever no tie is involved


@given(rows, st.floats(0.05, 5))
def test_temperature_equals_hugging_face(row, t):
    logits = torch.tensor([row])
    assert torch.equal(decoding.apply_temperature(logits, t), TemperatureLogitsWarper(t)(None, logits))


@given(rows, st.integers(1, 80))
def test_top_k_equals_hugging_face(row, k):
    logits = torch.tensor([row])
    assert torch.equal(decoding.top_k_filter(logits, k), TopKLogitsWarper(k)(None, logits))


def crosses_near(logits, p):
    """True where a cumulative mass is so close to p that float32 and float64 may disagree."""
    cumulative = logits.double().softmax(-1).sort(descending=True).values.cumsum(-1)
    return bool(((cumulative - p).abs() < 1e-5).any())


@given(rows, st.floats(0.01, 0.999))
def test_top_p_equals_hugging_face(row, p):
    logits = torch.tensor([row])
    assume(not crosses_near(logits, p))
    assert torch.equal(decoding.top_p_filter(logits, p), TopPLogitsWarper(p)(None, logits))


@settings(max_examples=200)
@given(rows, st.floats(0.1, 3), st.integers(1, 60), st.floats(0.05, 0.99))
def test_all_three_equal_hugging_face_in_its_order(row, t, k, p):
    logits = torch.tensor([row])
    theirs = TopKLogitsWarper(k)(None, TemperatureLogitsWarper(t)(None, logits))
    assume(not crosses_near(theirs, p) and len(set(theirs[theirs > -INF].tolist())) == min(k, len(row)))
    theirs = TopPLogitsWarper(p)(None, theirs)
    ours = decoding.next_token_probs(logits, t, k, p)
    assert torch.equal(ours > 0, theirs.softmax(-1) > 0)
    torch.testing.assert_close(ours, theirs.softmax(-1))


# ---- temperature


def test_temperature_zero_is_greedy_and_the_lowest_id_wins_a_tie():
    probs = decoding.next_token_probs(torch.tensor([[1.0, 3.0, 3.0], [5.0, -INF, 5.0]]), temperature=0)
    assert probs.tolist() == [[0, 1, 0], [1, 0, 0]]


def test_temperature_one_changes_nothing():
    logits = torch.randn(3, 11, generator=torch.Generator().manual_seed(0))
    assert torch.equal(decoding.apply_temperature(logits, 1), logits)


@given(rows, st.sampled_from([1e-30, 1e-45, 1e-300, 1e-6]))
def test_a_tiny_temperature_is_the_limit_not_nan(row, t):
    assume(sorted(row)[-1] - sorted(row)[-2] > 1e-3)
    tiny = decoding.next_token_probs(torch.tensor(row), temperature=t)
    assert torch.equal(tiny, decoding.next_token_probs(torch.tensor(row), temperature=0))


@given(rows)
def test_entropy_grows_with_temperature(row):
    def entropy(t):
        p = decoding.next_token_probs(torch.tensor(row).double(), temperature=t)
        return torch.special.entr(p).sum().item()

    values = [entropy(t) for t in (0, 0.3, 0.7, 1, 1.5, 3)]
    assert all(low <= high + 1e-9 for low, high in itertools.pairwise(values))


def test_half_precision_logits_give_float32_probabilities():
    probs = decoding.next_token_probs(torch.zeros(1, 3, dtype=torch.bfloat16), top_p=0.9)
    assert probs.dtype == torch.float32
    assert probs.sum().item() == pytest.approx(1)


# ---- top-k


@given(tied_rows, st.integers(1, 50))
def test_top_k_keeps_exactly_k_and_the_lowest_ids_among_ties(row, k):
    order = sorted(range(len(row)), key=lambda id: (-row[id], id))[:k]
    expected = sorted(id for id in order if row[id] > -INF)
    assert kept(decoding.top_k_filter(torch.tensor(row), k)) == expected


def test_k_beyond_the_vocabulary_keeps_it():
    logits = torch.randn(5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(decoding.top_k_filter(logits, 6), logits)


# ---- top-p


def test_top_p_keeps_three_of_the_worked_example():
    assert kept(decoding.top_p_filter(logits_of(0.4, 0.3, 0.2, 0.1), 0.9)) == [0, 1, 2]


@pytest.mark.parametrize("k", range(1, 31))
def test_top_p_of_thirty_equal_tokens_keeps_k(k):
    assert kept(decoding.top_p_filter(torch.zeros(30), k / 30)) == list(range(k))


@given(tied_rows, st.floats(1e-9, 1, exclude_max=True))
def test_top_p_is_the_smallest_set_with_mass_p(row, p):
    logits = torch.tensor(row)
    probs = logits.double().softmax(-1).tolist()
    set_kept = kept(decoding.top_p_filter(logits, p))
    masses = sorted((probs[id] for id in set_kept), reverse=True)
    assert sum(masses) >= p - 1e-6 - 1e-12
    assert len(set_kept) == 1 or sum(masses[:-1]) < p - 1e-6 + 1e-12
    order = sorted(range(len(row)), key=lambda id: (-row[id], id))
    assert set_kept == sorted(order[: len(set_kept)])


def test_top_p_one_cuts_nothing_however_small():
    logits = torch.tensor([0.0, -80.0, -90.0])
    assert torch.equal(decoding.top_p_filter(logits, 1), logits)


def test_top_p_sums_in_float64_over_a_large_vocabulary():
    logits = torch.zeros(49152)
    assert len(kept(decoding.top_p_filter(logits, 0.5))) == 49152 // 2


def test_the_order_is_top_k_then_top_p_of_what_is_left():
    # after top-2 the masses are 4/7 and 3/7, so the first alone reaches .5; of the whole it would not
    assert kept(decoding.next_token_probs(logits_of(0.4, 0.3, 0.2, 0.1), top_k=2, top_p=0.5).log()) == [0]
    assert kept(decoding.next_token_probs(logits_of(0.4, 0.3, 0.2, 0.1), top_p=0.5).log()) == [0, 1]


# ---- min-p


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_min_p_equals_hugging_face(seed, min_p):
    logits = torch.randn(4, 50, generator=torch.Generator().manual_seed(seed)) * 4
    probs = logits.double().softmax(-1)
    shares = probs / probs.amax(-1, keepdim=True)
    assume(not ((shares - min_p).abs() < 1e-5 * min_p).any())  # there float32 and float64 may disagree
    assert torch.equal(decoding.min_p_filter(logits, min_p), MinPLogitsWarper(min_p)(None, logits))


@pytest.mark.parametrize(("min_p", "expected"), [(0.5, [0, 1, 2]), (0.51, [0, 1]), (0.25, [0, 1, 2, 3]), (1, [0])])
@pytest.mark.parametrize("shift", [0, 1e2, -1e3])
def test_min_p_keeps_a_share_of_the_largest_however_the_logits_are_rounded(min_p, expected, shift):
    logits = logits_of(0.4, 0.3, 0.2, 0.1).double() + shift
    assert kept(decoding.min_p_filter(logits, min_p)) == expected


@given(tied_rows, st.floats(0, 1))
def test_min_p_keeps_equal_tokens_together_and_the_largest_always(row, min_p):
    ids = kept(decoding.min_p_filter(torch.tensor(row), min_p))
    assert {row[id] for id in ids}.isdisjoint({row[id] for id in range(len(row)) if id not in ids and row[id] > -INF})
    assert max(row) in {row[id] for id in ids}


def test_min_p_zero_cuts_nothing_however_small():
    logits = torch.tensor([[0.0, -8e3, -9e4]])
    assert torch.equal(decoding.min_p_filter(logits, 0), logits)


def test_min_p_cuts_more_where_the_model_is_certain():
    certain, uncertain = logits_of(0.9, 0.05, 0.05), logits_of(0.4, 0.3, 0.3)
    both = decoding.min_p_filter(torch.stack([certain, uncertain])[None], 0.1)  # (1, 2, 3)
    assert (both > -INF).tolist() == [[[True, False, False], [True, True, True]]]
    assert both.dtype == certain.dtype


# ---- any batch before the vocabulary


@given(st.integers(0, 10_000), st.floats(0, 2), st.integers(1, 20), st.floats(0.01, 1))
def test_each_row_of_a_batch_is_as_alone(seed, t, k, p):
    logits = torch.randn(2, 3, 12, generator=torch.Generator().manual_seed(seed)).mul(3).round()  # with ties
    together = decoding.next_token_probs(logits, t, k, p)
    for i in range(2):
        for j in range(3):
            torch.testing.assert_close(together[i, j], decoding.next_token_probs(logits[i, j], t, k, p))
    torch.testing.assert_close(together.sum(-1), torch.ones(2, 3))


# ---- sampling


def chi_square(drawn, probs):
    """Pearson's statistic of the drawn ids (N,) against probabilities (V,), over the ids that can be drawn."""
    expected = len(drawn) * probs[probs > 0].double()
    counts = torch.bincount(drawn, minlength=len(probs))
    assert counts[probs == 0].sum() == 0
    return ((counts[probs > 0] - expected).square() / expected).sum().item()


@pytest.mark.parametrize(
    ("probs", "bound"),
    [  # the statistic of k ids exceeds the bound once in 1,000 seeds, with k - 1 degrees of freedom; the seed is fixed
        ([0.5, 0.0, 0.3, 0.2, 0.0], 13.82),
        ([0.001, 0.009, 0.09, 0.9], 16.27),
        ([1 / 30] * 30, 58.30),
        ([0.0, 3.0, 1.0], 10.83),  # weights: they need not sum to 1
    ],
)
def test_draws_follow_the_distribution(probs, bound):
    probs = torch.tensor(probs)
    drawn = decoding.sample(probs.expand(100_000, -1), torch.Generator().manual_seed(0))
    assert chi_square(drawn, probs / probs.sum()) < bound


def test_draws_follow_the_distribution_as_a_dart_does():
    """The lecture's way, a dart thrown at the cumulative sum, and the package's: two samples of one distribution."""
    probs = torch.tensor([0.4, 0.3, 0.2, 0.1])
    n = 100_000
    dart = torch.rand(n, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    by_hand = torch.searchsorted(probs.double().cumsum(0), dart, right=True).flatten()
    packaged = decoding.sample(probs.expand(n, -1), torch.Generator().manual_seed(0))
    first, second = (torch.bincount(ids, minlength=4) for ids in (by_hand, packaged))
    assert ((first - second).square() / (first + second)).sum() < 16.27  # once in 1,000 seeds, 3 degrees of freedom


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 3.0), st.integers(1, 40), st.floats(0.05, 1.0))
def test_a_token_that_survives_a_cut_is_drawn_again_with_the_same_seed(seed, t, k, p):
    logits = torch.randn(40, generator=torch.Generator().manual_seed(seed % 1000)) * 3

    def draw(**cuts):
        probs = decoding.next_token_probs(logits, temperature=t, **cuts)
        return probs, decoding.sample(probs, torch.Generator().manual_seed(seed))

    _, drawn = draw()
    for cuts in ({"top_k": k}, {"top_p": p}, {"top_k": k, "top_p": p}):
        probs, again = draw(**cuts)
        if probs[drawn] > 0:
            assert again == drawn


def test_rounding_flips_no_draw_of_thousands():
    """2,000 draws from 20,000 ids: only a near tie of the two largest sums could flip, about once in 10^6 draws."""
    logits = torch.randn(20_000, generator=torch.Generator().manual_seed(0)) * 2
    up = torch.rand(20_000, generator=torch.Generator().manual_seed(1)) < 0.5
    moved = torch.nextafter(logits, torch.where(up, INF, -INF))  # each logit by its last bit
    for seed in range(20):
        one, other = (
            decoding.sample(x.softmax(-1).expand(100, -1), torch.Generator().manual_seed(seed)) for x in (logits, moved)
        )
        assert torch.equal(one, other)


def test_a_batch_draws_what_its_rows_draw_one_after_the_other(monkeypatch):
    probs = torch.rand(3, 4, 7, generator=torch.Generator().manual_seed(0))
    drawn = decoding.sample(probs, torch.Generator().manual_seed(5))
    generator = torch.Generator().manual_seed(5)
    assert drawn.flatten().tolist() == [int(decoding.sample(row, generator)) for row in probs.reshape(-1, 7)]
    monkeypatch.setattr("course_utils.decoding.generation.NOISE_AT_ONCE", 15)  # two rows at a time
    assert torch.equal(decoding.sample(probs, torch.Generator().manual_seed(5)), drawn)


@pytest.mark.parametrize("u", [0.0, 0.5, 1 - 2**-53])
def test_the_extremes_of_the_noise_never_pick_a_token_of_probability_zero(monkeypatch, u):
    for probs, expected in (([0.0, 0.7, 0.3, 0.0], 1), ([0.0, 0.0, 1e-30, 0.0], 2)):
        monkeypatch.setattr(torch, "rand", lambda shape, **_: torch.full(shape, u, dtype=torch.float64))
        assert decoding.sample(torch.tensor(probs)) == expected


def test_noise_from_another_device_is_refused():
    class OfTheGPU:
        device = torch.device("cuda")

    with pytest.raises(ValueError, match="generator must be on the CPU"):
        decoding.sample(torch.tensor([0.5, 0.5]), OfTheGPU())


@pytest.mark.parametrize("bad", [[0.0, 0.0], [0.5, -0.1], [math.nan, 1.0], [INF, 1.0]])
def test_sample_refuses_what_is_no_distribution(bad):
    with pytest.raises(ValueError, match="probs"):
        decoding.sample(torch.tensor([bad]))


# ---- bad arguments


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda u: decoding.apply_temperature(u, -0.1), "temperature"),
        (lambda u: decoding.apply_temperature(u, math.nan), "temperature"),
        (lambda u: decoding.apply_temperature(u, INF), "temperature"),
        (lambda u: decoding.top_k_filter(u, 0), "top_k"),
        (lambda u: decoding.top_k_filter(u, 2.5), "top_k"),
        (lambda u: decoding.min_p_filter(u, -0.1), r"min_p must be in \[0, 1\], got -0.1; pass 0 to cut nothing"),
        (lambda u: decoding.min_p_filter(u, 1.01), "min_p"),
        (lambda u: decoding.min_p_filter(u, math.nan), "min_p"),
        (lambda u: decoding.min_p_filter(u, None), "min_p must be a number"),
        (lambda u: decoding.min_p_filter(u + math.nan, 0.1), "logits hold NaN"),
        (lambda u: decoding.top_p_filter(u, 0), "top_p"),
        (lambda u: decoding.top_p_filter(u, 1.01), "top_p"),
        (lambda u: decoding.top_p_filter(u, math.nan), "top_p"),
    ],
)
def test_a_setting_out_of_range_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call(torch.zeros(2, 4))


@pytest.mark.parametrize("bad", [[math.nan, 0.0], [-INF, -INF], [INF, 0.0]])
@pytest.mark.parametrize("knob", [{}, {"temperature": 0}, {"top_k": 1}, {"top_p": 0.5}])
def test_broken_logits_are_refused(bad, knob):
    with pytest.raises(ValueError, match="logits"):
        decoding.next_token_probs(torch.tensor([[0.0, 1.0], bad]), **knob)


def test_whole_number_logits_are_refused():
    with pytest.raises(ValueError, match="floating point"):
        decoding.top_k_filter(torch.tensor([1, 2]), 1)


# ---- generate, with a mock model: the next token is the last one plus 1, modulo V, with logits that say so


class Counter:
    def __init__(self, vocab_size=10):
        self.vocab_size = vocab_size
        self.calls = 0

    def __call__(self, ids, cache=None, mask=None):
        self.calls += 1
        return torch.nn.functional.one_hot((ids + 1) % self.vocab_size, self.vocab_size) * 50.0


class Uniform:
    def __call__(self, ids, cache=None, mask=None):
        return torch.zeros(*ids.shape, 1000)


def test_generate_returns_the_prompt_and_the_new_tokens():
    assert decoding.generate(Counter(), torch.tensor([[1, 2]]), 3).tolist() == [[1, 2, 3, 4, 5]]


def test_generate_stops_each_row_at_its_stop_id_and_fills_it():
    ids = decoding.generate(Counter(), torch.tensor([[1], [4]]), 8, stop_ids=(5, 7))
    assert ids.tolist() == [[1, 2, 3, 4, 5], [4, 5, 5, 5, 5]]


def test_generate_nothing_returns_the_prompt():
    model = Counter()
    assert decoding.generate(model, torch.tensor([[1, 2]]), 0).tolist() == [[1, 2]]
    assert model.calls == 0


def test_same_seed_same_text_and_another_seed_another():
    prompt = torch.zeros(2, 1, dtype=torch.long)
    first, again, other = (decoding.generate(Uniform(), prompt, 20, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)  # equal by chance: 1000 ** -40
    assert not torch.equal(first[0], first[1])


def test_without_a_seed_the_global_generator_decides():
    prompt = torch.zeros(1, 1, dtype=torch.long)
    torch.manual_seed(5)
    first = decoding.generate(Uniform(), prompt, 20)
    second = decoding.generate(Uniform(), prompt, 20)
    torch.manual_seed(5)
    assert torch.equal(first, decoding.generate(Uniform(), prompt, 20))
    assert not torch.equal(first, second)


def test_stream_yields_what_generate_returns():
    prompt = torch.zeros(1, 1, dtype=torch.long)
    whole = decoding.generate(Uniform(), prompt, 20, seed=3)[0, 1:].tolist()
    assert list(decoding.stream(Uniform(), prompt, 20, seed=3)) == whole
    assert list(decoding.stream(Uniform(), prompt[0], 20, seed=3)) == whole


def test_stream_reads_the_model_only_as_far_as_asked():
    model = Counter()
    tokens = decoding.stream(model, torch.tensor([1]), 100)
    assert [next(tokens), next(tokens)] == [2, 3]
    assert model.calls == 2


@pytest.mark.parametrize(
    ("ids", "arguments", "word"),
    [
        (torch.zeros(1, 0, dtype=torch.long), {}, "ids"),
        (torch.zeros(3, dtype=torch.long), {}, "ids"),
        (torch.zeros(1, 1, dtype=torch.long), {"max_new_tokens": -1}, "max_new_tokens"),
        (torch.zeros(1, 1, dtype=torch.long), {"temperature": -1}, "temperature"),
        (torch.zeros(1, 1, dtype=torch.long), {"top_k": 0}, "top_k"),
        (torch.zeros(1, 1, dtype=torch.long), {"top_p": 0}, "top_p"),
        (torch.zeros(1, 2, dtype=torch.long), {"mask": torch.ones(1, 2)}, "mask must be a bool tensor"),
        (torch.zeros(1, 2, dtype=torch.long), {"mask": torch.ones(1, 3).bool()}, "mask"),
        (torch.zeros(1, 2, dtype=torch.long), {"mask": torch.tensor([[True, False]])}, "left"),
    ],
)
def test_generate_names_a_bad_argument_before_it_starts(ids, arguments, word):
    model = Counter()
    with pytest.raises(ValueError, match=word):
        decoding.generate(model, ids, **({"max_new_tokens": 2} | arguments))
    assert model.calls == 0


def test_stream_refuses_a_batch():
    with pytest.raises(ValueError, match="generate"):
        decoding.stream(Counter(), torch.zeros(2, 1, dtype=torch.long), 1)


# ---- generate, with a real transformer


@pytest.mark.parametrize("settings_", [{"temperature": 0}, {"temperature": 1.0, "seed": 1}, {"top_k": 5, "seed": 2}])
def test_the_cache_changes_no_token(tiny_model, settings_):
    ids = torch.randint(50, (3, 4), generator=torch.Generator().manual_seed(0))
    cached = decoding.generate(tiny_model, ids, 20, **settings_)
    assert torch.equal(cached, decoding.generate(tiny_model, ids, 20, use_cache=False, **settings_))


@pytest.mark.parametrize("use_cache", [True, False])
def test_left_padded_prompts_continue_as_they_would_alone(tiny_model, use_cache):
    generator = torch.Generator().manual_seed(0)
    prompts = [torch.randint(50, (length,), generator=generator) for length in (2, 7, 4)]
    ids, mask = torch.zeros(3, 7, dtype=torch.long), torch.zeros(3, 7, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        ids[row, -len(prompt) :], mask[row, -len(prompt) :] = prompt, True
    together = decoding.generate(tiny_model, ids, 10, temperature=0, mask=mask, use_cache=use_cache)
    for row, prompt in enumerate(prompts):
        alone = decoding.generate(tiny_model, prompt[None], 10, temperature=0)
        assert torch.equal(together[row, -10:], alone[0, -10:])


def test_a_text_that_fills_the_context_can_be_read_again(tiny_model):
    whole = decoding.generate(tiny_model, torch.zeros(1, 30, dtype=torch.long), 2)
    assert tiny_model(whole).shape == (1, 32, 50)


def test_a_prompt_longer_than_the_context_is_refused(tiny_model):
    with pytest.raises(ValueError, match="context of 32 tokens"):
        decoding.generate(tiny_model, torch.zeros(1, 30, dtype=torch.long), 3)
    assert decoding.generate(tiny_model, torch.zeros(1, 30, dtype=torch.long), 2).shape == (1, 32)


# ---- arguments in other forms


@pytest.mark.parametrize("t", [1e300, 3e38])
def test_a_huge_temperature_is_the_even_distribution_not_nan(t):
    probs = decoding.next_token_probs(torch.tensor([0.0, 5.0, -INF]), temperature=t)
    torch.testing.assert_close(probs, torch.tensor([0.5, 0.5, 0.0]))


@pytest.mark.parametrize("setting", [{"temperature": "1"}, {"temperature": 10**400}, {"top_p": None}, {"top_p": "x"}])
def test_a_setting_that_is_no_number_is_named(setting):
    name, value = next(iter(setting.items()))
    filters = {"temperature": decoding.apply_temperature, "top_p": decoding.top_p_filter}
    with pytest.raises(ValueError, match=name):
        filters[name](torch.zeros(2), value)


@pytest.mark.parametrize("logits", [torch.tensor(1.0), torch.zeros(2, 0)])
def test_logits_without_a_vocabulary_are_refused(logits):
    with pytest.raises(ValueError, match="logits must be"):
        decoding.next_token_probs(logits)


@pytest.mark.parametrize(
    "stop",
    [5, (5,), [5], {5}, torch.tensor(5), torch.tensor([5]), np.int64(5), np.array(5), np.array([5, 6]), [np.int8(5)]],
)
def test_stop_ids_may_be_one_id_or_several(stop):
    assert decoding.generate(Counter(), torch.tensor([[3]]), 8, stop_ids=stop).tolist() == [[3, 4, 5]]


@pytest.mark.parametrize("stop", [None, 1.7, [1.7], torch.tensor([1.7]), np.float32(2), "5", ["5"], [None]])
def test_stop_ids_that_are_no_ids_are_refused(stop):
    with pytest.raises(ValueError, match=r"^stop_ids must be "):
        decoding.generate(Counter(), torch.tensor([[3]]), 8, stop_ids=stop)


@pytest.mark.parametrize(
    ("seed", "word"), [(-1, "at least 0, got -1"), (2**64, "at most 18446744073709551615"), (1.0, "whole number")]
)
def test_a_seed_out_of_range_is_named(seed, word):
    with pytest.raises(ValueError, match=f"^seed must be .*{word}"):
        decoding.generate(Counter(), torch.tensor([[3]]), 1, seed=seed)
    assert decoding.generate(Counter(), torch.tensor([[3]]), 1, seed=2**64 - 1).tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda values: decoding.generate(Counter(), values, 2), "ids"),
        (lambda values: decoding.stream(Counter(), values, 2), "ids"),
        (lambda values: decoding.generate(Counter(), torch.tensor([[1]]), 2, mask=values), "mask"),
        (decoding.next_token_probs, "logits"),
        (lambda values: decoding.apply_temperature(values, 1), "logits"),
        (lambda values: decoding.top_k_filter(values, 1), "logits"),
        (lambda values: decoding.top_p_filter(values, 0.5), "logits"),
        (lambda values: decoding.min_p_filter(values, 0.5), "logits"),
        (decoding.sample, "probs"),
    ],
)
def test_a_list_where_a_tensor_is_needed_is_told_how_to_become_one(call, name):
    with pytest.raises(ValueError, match=rf"^{name} must be a tensor, got a list, \[.*: make one by torch\.tensor"):
        call([1, 2])


@pytest.mark.parametrize("probs", [torch.tensor(1.0), torch.zeros(2, 0)])
def test_sample_refuses_what_has_no_rows_of_probabilities(probs):
    with pytest.raises(ValueError, match=r"probs must be \(\.\.\., V\)"):
        decoding.sample(probs)


def test_the_simplest_model_is_a_function_of_ids():
    assert decoding.generate(lambda ids: Counter()(ids), torch.tensor([[1]]), 2).tolist() == [[1, 2, 3]]


def test_numpys_whole_numbers_are_whole_numbers():
    ids = decoding.generate(Counter(), torch.tensor([[1]]), np.int64(2), seed=np.int64(3), top_k=np.int64(2))
    assert ids.tolist() == [[1, 2, 3]]
    with pytest.raises(ValueError, match="max_new_tokens"):
        decoding.generate(Counter(), torch.tensor([[1]]), 2.0)


def test_a_device_without_float64_is_served_from_the_cpu():
    logits = torch.zeros(1, 4).as_subclass(OnMPS)
    with pytest.raises(TypeError, match="MPS"):
        logits.double()
    with MovedToMPS():
        probs = decoding.next_token_probs(logits, top_p=0.5)
        drawn = decoding.sample(probs, torch.Generator().manual_seed(0))
    assert probs.device == drawn.device == torch.device("mps")
    assert probs.tolist() == [[0.5, 0.5, 0, 0]]
    assert drawn.item() in (0, 1)


# ---- what a step costs


def test_a_step_waits_for_the_device_once(monkeypatch):
    """Each Python truth, number or list of a tensor makes the program wait for a GPU."""
    looks = []
    for name in ("__bool__", "__int__", "__float__", "__index__", "item", "tolist"):
        read = getattr(torch.Tensor, name)
        monkeypatch.setattr(torch.Tensor, name, lambda *a, name=name, read=read: looks.append(name) or read(*a))
    for settings_ in ({}, {"temperature": 0}, {"temperature": 0.7, "top_k": 3, "top_p": 0.9}):
        looks.clear()
        decoding.next_token_probs(torch.zeros(2, 10), **settings_)
        assert len(looks) == 1, settings_


def test_settings_are_checked_once_however_many_tokens_follow(monkeypatch):
    read = []
    check = decoding.knobs.check_settings
    monkeypatch.setattr("course_utils.decoding.generation.check_settings", lambda *s: read.append(s) or check(*s))
    monkeypatch.setattr("course_utils.decoding.knobs.check_settings", lambda *s: read.append(s) or check(*s))
    decoding.generate(Counter(), torch.tensor([[1]]), 5, 0.5, 3, 0.9)
    assert read == [(0.5, 3, 0.9)]


class Cached(Counter):
    """A model with a cache, which is the number of tokens it holds; it notes what it is given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def new_cache(self, batch_size, max_length):
        self.room = (batch_size, max_length)
        return SimpleNamespace(length=0)

    def next_token_logits(self, ids, cache=None, mask=None):
        self.seen.append((ids.tolist(), None if mask is None else mask.tolist()))
        if cache is not None:
            cache.length += ids.shape[1]
        return self(ids)[:, -1]


def test_a_model_with_a_cache_is_given_each_token_once():
    model = Cached()
    ids, mask = torch.tensor([[0, 3], [1, 2]]), torch.tensor([[False, True], [True, True]])
    assert decoding.generate(model, ids, 3, mask=mask).tolist() == [[0, 3, 4, 5, 6], [1, 2, 3, 4, 5]]
    assert model.seen == [(ids.tolist(), mask.tolist()), ([[4], [3]], None), ([[5], [4]], None)]
    assert model.room == (2, 5)


def test_without_the_cache_it_is_given_the_whole_text_each_time():
    model = Cached()
    mask = torch.tensor([[True, True]])
    decoding.generate(model, torch.tensor([[1, 2]]), 2, use_cache=False, mask=mask)
    assert model.seen == [([[1, 2]], [[True, True]]), ([[1, 2, 3]], [[True, True, True]])]


def test_a_cache_alone_makes_no_cached_model():
    class Halfway(Counter):
        def new_cache(self, batch_size, max_length):
            raise AssertionError

    assert decoding.generate(Halfway(), torch.tensor([[1]]), 2).tolist() == [[1, 2, 3]]


class Watched:
    """A model with a cache that notes the shape of everything it reads."""

    def __init__(self, model):
        self.model, self.config, self.read = model, model.config, []

    def __call__(self, ids):
        return self.model(ids)

    def new_cache(self, batch_size, max_length):
        return self.model.new_cache(batch_size, max_length)

    def next_token_logits(self, ids, cache=None, mask=None):
        self.read.append(tuple(ids.shape))
        return self.model.next_token_logits(ids, cache=cache, mask=mask)


def test_a_prompt_of_all_rows_is_read_once(tiny_model):
    watched, prompt = Watched(tiny_model), torch.arange(6)[None]
    ids = decoding.generate(watched, prompt.repeat(3, 1), 4, seed=0)
    assert watched.read == [(1, 6), (3, 1), (3, 1), (3, 1)]
    assert torch.equal(ids, decoding.generate(tiny_model, prompt.repeat(3, 1), 4, seed=0, use_cache=False))
    assert len({tuple(row) for row in ids.tolist()}) > 1


@pytest.mark.parametrize("padding", [0, 3])
def test_a_long_prompt_is_read_in_pieces(tiny_model, monkeypatch, padding):
    monkeypatch.setattr(generation, "AT_ONCE", 5)
    watched, ids = Watched(tiny_model), torch.arange(24).reshape(2, 12)
    mask = torch.arange(12) >= torch.tensor([[0], [padding]]) if padding else None
    text = decoding.generate(watched, ids, 3, seed=0, mask=mask)
    assert watched.read == [(2, 5), (2, 5), (2, 2), (2, 1), (2, 1)]
    assert torch.equal(text, decoding.generate(tiny_model, ids, 3, seed=0, mask=mask, use_cache=False))


def test_greedy_draws_no_noise_and_takes_the_lowest_of_equals(monkeypatch):
    monkeypatch.setattr(generation, "_drawn", lambda *arguments: pytest.fail("noise was drawn"))
    assert (
        decoding.generate(lambda ids: torch.zeros(*ids.shape, 7), torch.zeros(2, 1, dtype=torch.long), 2, 0).eq(0).all()
    )
    with pytest.raises(ValueError, match="NaN"):
        decoding.generate(lambda ids: torch.full((*ids.shape, 7), math.nan), torch.zeros(1, 1, dtype=torch.long), 2, 0)
