"""Counting and learning as language models over the same tokens, and their mixture."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import decoding, evaluation
from course_utils.ladder import CountedLM, Mixture
from course_utils.ladder.mixture import best_weight
from course_utils.ngram import NGramLM
from course_utils.transformer import DecoderLM, TransformerConfig

V = 7
rows = st.lists(st.integers(0, V - 2), min_size=2, max_size=30)  # the last token id is in no training text
asked = st.lists(st.integers(0, V - 1), min_size=1, max_size=12)
orders = st.integers(1, 5)


def transformer(seed=0):
    torch.manual_seed(seed)
    return DecoderLM(TransformerConfig(V, 16, 1, 2, 2, 32, 16)).eval()


def text(n, seed):
    """Token ids in which each is likely to be one more than the one before."""
    generator = np.random.default_rng(seed)
    steps = generator.choice([1, 1, 1, 2], size=n)
    return torch.from_numpy(steps.cumsum() % V)


@settings(max_examples=60)
@given(rows, orders, asked)
def test_counted_probabilities_are_those_of_the_ngrams_for_tokens_alone(row, order, ids):
    counted = CountedLM.fit(row, V, order)
    probs = counted(torch.tensor([ids]))[0].exp()  # (T, V)
    assert probs.sum(dim=-1).tolist() == pytest.approx([1.0] * len(ids), abs=1e-12)
    ngram, context = counted.ngram, ["<s>", *map(str, ids)]
    unseen = [token for token in range(V) if token not in row]
    listed = np.array([ngram.prob(str(token), context) / (len(unseen) if token in unseen else 1) for token in range(V)])
    np.testing.assert_allclose(probs[-1].numpy(), listed / listed.sum(), rtol=1e-10)


@settings(max_examples=40)
@given(rows, orders, asked, st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_a_mixture_sums_to_one_whatever_its_weights(row, order, ids, weights):
    mixture = Mixture(CountedLM.fit(row, V, order), transformer(), weights[:order])
    sums = mixture(torch.tensor([ids, ids[::-1]])).exp().sum(dim=-1)  # (2, T)
    torch.testing.assert_close(sums, torch.ones_like(sums), rtol=0, atol=1e-12)


def test_the_ends_of_a_mixture_are_its_parts_and_between_them_it_is_the_mean():
    counted, learned, ids = CountedLM.fit(text(200, 0), V, 3), transformer(), text(20, 1)[None, :16]
    parts = [counted(ids).exp(), learned(ids).double().softmax(dim=-1)]
    for weight in (1.0, 0.0, 0.25):
        mean = weight * parts[0] + (1 - weight) * parts[1]
        torch.testing.assert_close(Mixture(counted, learned, weight)(ids).exp(), mean, rtol=1e-12, atol=0)


def test_each_length_of_a_seen_context_has_its_own_weight():
    counted, learned = CountedLM.fit([0, 1, 2, 3, 0, 1, 2, 3], V, 3), transformer()
    ids = torch.tensor([[2, 3, 6, 3]])  # 3 has a new neighbour the second time, 6 was never seen
    assert counted.seen_context_lengths(ids).tolist() == [[1, 2, 0, 1]]
    got = Mixture(counted, learned, [0.0, 0.5, 1.0])(ids).exp()[0]
    parts = [counted(ids).exp()[0], learned(ids).double().softmax(dim=-1)[0]]
    for place, weight in enumerate([0.5, 1.0, 0.0, 0.5]):
        torch.testing.assert_close(got[place], weight * parts[0][place] + (1 - weight) * parts[1][place])


def test_fitted_weights_are_the_best_there_are_and_the_mixture_beats_both_parts():
    counted, held_out = CountedLM.fit(text(60, 0), V, 3), text(3000, 1)
    held_out[::5] = torch.from_numpy(np.random.default_rng(2).integers(V, size=600))  # what counting can't foresee
    mixture = Mixture(counted, learned := transformer()).fit_weights(held_out, context_length=16)

    def nats(model):
        return evaluation.total_nats(model, held_out, 16)[0]

    best = nats(mixture)
    assert best < min(nats(counted), nats(learned))
    for length in range(3):
        for other in (mixture.weights[length] - 0.02, mixture.weights[length] + 0.02):
            weights = [*mixture.weights]
            weights[length] = min(max(other, 0.0), 1.0)
            assert nats(Mixture(counted, learned, weights)) >= best - 1e-9


def test_what_comes_before_a_held_out_text_is_read_and_not_fitted_to():
    mixture = Mixture(CountedLM.fit(text(60, 0), V, 3), transformer())
    row = text(300, 1)
    row[::3] = 5  # what counting can't foresee
    other = row.clone()
    other[:4] = (other[:4] + 3) % V  # the second window begins after these
    fitted = [mixture.fit_weights([ids], 16, 4, after_context=True).weights for ids in (row, other)]
    assert fitted[0] != mixture.fit_weights([row], 16, 4).weights
    assert fitted[0] == fitted[1]
    with pytest.raises(ValueError, match="no token after the first 17"):
        mixture.fit_weights([row[:17]], 16, after_context=True)


@given(st.lists(st.tuples(st.floats(1e-6, 1), st.floats(1e-6, 1)), min_size=1, max_size=20))
def test_no_weight_nearby_is_better_than_the_best(pairs):
    counted, learned = torch.tensor(pairs, dtype=torch.float64).T

    def nats(weight):
        return -(weight * counted + (1 - weight) * learned).log().mean().item()

    weight = best_weight(counted, learned)
    assert all(nats(weight) <= nats(min(max(weight + step, 0.0), 1.0)) + 1e-9 for step in (-0.05, 0.05, -1.0, 1.0))


def test_a_mixture_is_scored_and_sampled_from_like_any_model():
    mixture, ids = Mixture(CountedLM.fit(text(200, 0), V, 3), transformer()), text(100, 1)
    assert 1 < evaluation.perplexity(mixture, ids, context_length=16, stride=8) < V
    written = decoding.generate(mixture, ids[None, :4], 10, seed=0)
    assert written.shape == (1, 14)
    assert torch.equal(written, decoding.generate(mixture, ids[None, :4], 10, seed=0))
    with pytest.raises(ValueError, match="context_length=17 is more than the model's 16"):
        evaluation.perplexity(mixture, ids, context_length=17)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: CountedLM(NGramLM(2).fit([["a", "b"]]), V), "the word 'a', which is no token id below vocab_size=7"),
        (lambda: CountedLM.fit([1, 7], V, 2), "the word '7'"),
        (lambda: CountedLM.fit([1, 2], 0, 2), "vocab_size must be"),
        (lambda: CountedLM.fit("abc", V, 2), "ids must be token ids, got the text 'abc'"),
        (lambda: Mixture(CountedLM.fit([1, 2], V, 2), None, 1.5), "weights must be between 0 and 1, got 1.5"),
        (lambda: Mixture(CountedLM.fit([1, 2], V, 2), None, math.nan), "weights must be between 0 and 1, got nan"),
        (lambda: Mixture(CountedLM.fit([1, 2], V, 2), None, [0.5]), "weights must be one number, or 2, one for each"),
    ],
)
def test_what_can_be_no_model_is_refused(act, message):
    with pytest.raises(ValueError, match=message):
        act()
