import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from verdicts import right, wrong

from course_utils.exercises import start as exercises


@right(exercises.relative_frequencies)
def test_a_sorted_defaultdict(counts):
    if len(counts) == 0:
        raise ValueError("no words")
    probs = defaultdict(float)
    for word in sorted(counts):
        probs[word] = counts[word] / sum(counts.values())
    return probs


@right(exercises.relative_frequencies)
def test_a_counter(counts):
    if not counts:
        raise ValueError
    return Counter({word: count / sum(counts.values()) for word, count in counts.items()})


@right(exercises.most_probable)
def test_best_so_far(probs):
    best = None
    for word in sorted(probs):
        if best is None or probs[word] > probs[best]:
            best = word
    if best is None:
        raise ValueError("no words")
    return best


test_max_of_nothing_is_a_value_error = right(exercises.most_probable)(lambda probs: max(sorted(probs), key=probs.get))


@right(exercises.surprise)
def test_minus_zero_and_numpy(p):
    if not 0 <= p <= 1:
        raise ValueError("no probability")
    with np.errstate(divide="ignore"):
        return -np.log2(p)  # -0.0 for p = 1 is as good as 0.0


test_returned_error = wrong(exercises.relative_frequencies, "raise ValueError and say so")(
    lambda counts: {word: count / sum(counts.values()) for word, count in counts.items()} or ValueError("no words")
)
test_first_skipped = wrong(exercises.most_probable, "look at every word, the first as well")(
    lambda probs: max(sorted(probs)[1:], key=probs.get)
)
test_index_of_nothing = wrong(exercises.most_probable, "An empty dict has no most probable word")(
    lambda probs: sorted(probs, key=lambda word: (-probs[word], word))[0]
)
test_one_digit = wrong(exercises.surprise, "Return the value of -log2(p) as it is")(lambda p: round(-math.log2(p), 1))
test_small_constant = wrong(exercises.surprise, "add or cut nothing")(lambda p: -math.log2(p + 1e-12))
test_clipped = wrong(exercises.surprise, "add or cut nothing")(lambda p: -math.log2(max(p, 1e-9)))
test_log_of_zero = wrong(exercises.surprise, "log2(0) doesn't exist: return math.inf")(lambda p: -math.log2(p))


@wrong(exercises.surprise, "p = 1 is allowed")
def test_certain_is_refused(p):
    if not 0 < p < 1:
        raise ValueError("no probability")
    return -math.log2(p)


@wrong(exercises.surprise, "No probability is above 1: raise ValueError")
def test_assertion_for_an_error(p):
    assert 0 <= p <= 1
    return -math.log2(p) if p else math.inf


def test_references_by_hand():
    expected = {"to": 0.5, "the": 0.25, "a": 0.25}
    assert exercises.relative_frequencies.reference({"to": 2, "the": 1, "a": 1}) == expected
    assert exercises.most_probable.reference({"b": 0.375, "c": 0.25, "a": 0.375}) == "a"
    assert exercises.surprise.reference(1 / 1024) == 10
    assert exercises.surprise.reference(0) == math.inf
    assert math.copysign(1, exercises.surprise.reference(1.0)) == 1  # not -0.0, which prints as -0.0


@pytest.mark.parametrize("p", [-0.001, 1.001, -math.inf, math.inf, math.nan])
def test_surprise_tells_what_is_no_probability(p):
    with pytest.raises(ValueError, match=f"p = {p} is no probability"):
        exercises.surprise.reference(p)


def test_no_word_is_the_most_probable_of_none():
    with pytest.raises(ValueError, match=r"probs = \{\} holds no word"):
        exercises.most_probable.reference({})
