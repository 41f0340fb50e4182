import math
from collections import Counter

import numpy as np
import pytest
import torch
from verdicts import right, wrong

from course_utils.exercises import start as exercises

best = exercises.most_probable.reference

test_max_of_nothing_is_a_value_error = right(exercises.most_probable)(lambda probs: max(sorted(probs), key=probs.get))


@right(exercises.relative_frequencies)
def test_a_counter(counts):
    if not counts:
        raise ValueError
    return Counter({word: count / sum(counts.values()) for word, count in counts.items()})


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
test_three_digits = wrong(exercises.most_probable, "not rounded")(
    lambda probs: min(sorted(probs), key=lambda word: -round(probs[word], 3))
)
test_one_digit = wrong(exercises.surprise, "Return the value of -log2(p) as it is")(lambda p: round(-math.log2(p), 1))
test_small_constant = wrong(exercises.surprise, "add or cut nothing")(lambda p: -math.log2(p + 1e-12))


@wrong(exercises.write_on, "A word without an entry in next_probs ends the text: stop there")
def test_key_error(next_probs, words, new):
    text = list(words)
    for _ in range(new):
        text.append(best(next_probs[text[-1]]))
    return text


def write_on(next_probs, words, new):
    if new == 0 or words[-1] not in next_probs:
        return words
    return write_on(next_probs, [*words, best(next_probs[words[-1]])], new - 1)


@right(exercises.surprise)
def test_float32(p):
    if not 0 <= p <= 1:
        raise ValueError
    return -torch.log2(torch.tensor(p)).item()


test_recursion = right(exercises.write_on)(write_on)


def test_references_by_hand():
    expected = {"to": 0.5, "the": 0.25, "a": 0.25}
    assert exercises.relative_frequencies.reference({"to": 2, "the": 1, "a": 1}) == expected
    assert exercises.most_probable.reference({"b": 0.375, "c": 0.25, "a": 0.375}) == "a"
    assert exercises.surprise.reference(1 / 1024) == 10
    assert exercises.write_on.reference({"a": {"b": 1.0}, "b": {"c": 0.5, "a": 0.5}}, ["c", "a"], 3) == list("cabab")
    assert math.copysign(1, exercises.surprise.reference(1.0)) == 1  # not -0.0, which prints as -0.0


@pytest.mark.parametrize("p", [-0.001, 1.001, -math.inf, math.inf, math.nan])
def test_surprise_tells_what_is_no_probability(p):
    with pytest.raises(ValueError, match=f"p = {p} is no probability"):
        exercises.surprise.reference(p)


@right(exercises.writes_right)
def test_random_tables_against_the_solution(write):
    for words in (["x"], ["x", "y"], ["y"] * 200):
        for new in range(3):
            table = {"x": {"y": 0.5, "x": 0.5}, "y": {"z": 1.0}}
            expected = exercises.write_on.reference(table, words, new)
            given = list(words)
            if list(write(table, given, new)) != expected or given != words:
                return False
    return True


test_length_alone = wrong(exercises.writes_right, "keep a copy to compare")(
    lambda write: len(write({"on": {"on": 1.0}}, ["on"] * 100, 3)) == 103
)
test_long_texts_only = wrong(exercises.writes_right, "The last word decides")(
    lambda write: all(
        write({"on": {"on": 1.0}}, words, 3) == ["on"] * 103 and len(words) == 100 for words in [["on"] * 100]
    )
)


@right(exercises.circle_length)
def test_two_visits(next_probs, word):
    places = {}
    while word not in places:
        places[word] = len(places)
        if word not in next_probs:
            return np.int64(0)
        word = best(next_probs[word])
    return np.int64(len(places) - places[word])
