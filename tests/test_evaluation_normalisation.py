"""Normalisation: n-gram models, mixtures and scorers, and what each sums to after drawn contexts."""

import itertools
import math

import numpy as np
import pytest
import torch

from course_utils.evaluation import sample_contexts, sum_errors
from course_utils.evaluation.normalisation import TOLERANCE, errors_of_sums
from course_utils.ladder import CountedLM, Mixture
from course_utils.ngram import NGramLM
from course_utils.transformer import DecoderLM, TransformerConfig

WORDS = ("the cat saw the dog and the dog saw a cat " * 5).split()
IDS = torch.randint(5, (200,), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("smoothing", ["add-k", "interpolated", "kneser-ney", "modified-kneser-ney"])
def test_smoothed_n_grams_sum_to_one_after_every_context(smoothing):
    model = NGramLM(3, smoothing).fit([WORDS[i : i + 7] for i in range(0, 50, 5)])
    contexts = sample_contexts([*WORDS, "unseen"], 40, 4, seed=0)
    assert float(sum_errors(model.next_word_probs, contexts).max()) < 1e-9


def test_a_mixture_sums_to_one():
    torch.manual_seed(0)
    mixture = Mixture(CountedLM.fit(IDS, 5, 3), DecoderLM(TransformerConfig(5, 16, 1, 2, 2, 32, 8)).eval(), 0.3)
    with torch.no_grad():
        errors = sum_errors(
            lambda ids: mixture(ids[None])[0, -1].exp(), [ids for ids in sample_contexts(IDS, 20, 8, 0) if len(ids)]
        )
    assert float(errors.max()) < TOLERANCE


def test_scores_that_are_no_probabilities_are_found():
    """“Stupid back-off” (Brants et al., 2007): 0.4 times the shorter context's share, never given back."""

    def score(word, context):
        if not context:
            return WORDS.count(word) / len(WORDS)
        pairs = list(itertools.pairwise(WORDS))
        seen = pairs.count((context[-1], word))
        return seen / sum(first == context[-1] for first, _ in pairs) if seen else 0.4 * score(word, [])

    vocabulary = sorted(set(WORDS))
    errors = sum_errors(lambda context: [score(word, context) for word in vocabulary], [[], ["saw"], ["and"]])
    left = [
        0.0,
        *(0.4 * (1 - sum(WORDS.count(word) for word in seen) / len(WORDS)) for seen in (["the", "a"], ["the"])),
    ]
    assert errors.tolist() == pytest.approx(left)
    assert min(left[1:]) > 0.1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([0.25, 0.75], 0.0),
        (np.array([0.25, 0.25]), 0.5),
        ({"a": 0.5, "b": 0.75}, 0.25),
        (torch.tensor([0.5, 0.5], dtype=torch.bfloat16), 0.0),
        ([1.5, -0.5], math.inf),  # the sum alone would not tell
        ([math.nan, 1.0], math.inf),
        ([math.inf, 0.0], math.inf),
        ([math.log(0.5), math.log(0.5)], math.inf),
        ([0, 1], 0.0),
    ],
)
def test_an_answer_in_any_form_has_its_error(answer, error):
    assert sum_errors(lambda context: answer, [[1]]).tolist() == [error]


def test_narrow_numbers_are_added_in_float64():
    narrow = torch.tensor([[1.0, 2**-9], [0.5, 0.5]], dtype=torch.bfloat16)  # its next number after 1 is 1 + 2^-7
    assert errors_of_sums(narrow).tolist() == [2**-9, 0.0]


def test_contexts_are_pieces_of_the_text_up_to_the_longest():
    contexts = sample_contexts(list(range(50)), 2000, 3, seed=0)
    assert {tuple(context) for context in contexts} == {
        tuple(range(end - length, end)) for length in range(4) for end in range(length, 51)
    }
    assert contexts == sample_contexts(list(range(50)), 2000, 3, seed=0) != sample_contexts(range(50), 2000, 3, seed=1)
    long = sample_contexts(list(range(50)), 2000, 49, seed=0)  # those that would begin before the text begin with it
    assert sum(not context for context in long) / 2000 == pytest.approx(1 / 51 + 1 / 51, abs=0.02)
    assert all(isinstance(context, torch.Tensor) for context in sample_contexts(IDS, 3, 4, seed=0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample_contexts([], 3, 2, seed=0), "^text must hold at least one token"),
        (lambda: sample_contexts([1], 0, 2, seed=0), "^n_contexts must be at least 1"),
        (lambda: sample_contexts([1], 3, -1, seed=0), "^longest must be at least 0"),
        (lambda: sum_errors(lambda context: [1.0], []), "^contexts must hold at least one"),
        (lambda: sum_errors(lambda context: 0.5, [[1]]), r"^an answer must be the probabilities \(V,\).*shape \(\)"),
        (lambda: sum_errors(lambda context: torch.ones(1, 5), [[1]]), r"shape \(1, 5\)"),
        (lambda: sum_errors(lambda context: "half", [[1]]), r"^an answer must be .* got 'half'"),
        (lambda: sum_errors(lambda context: None, [[1]]), r"^an answer must be .* got None"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
