import math
import random

import numpy as np
from verdicts import right, wrong

from course_utils.exercises import evaluation as exercises


@right(exercises.combined_perplexity)
def test_a_product_of_powers(perplexities, token_counts):
    total = sum(token_counts)
    if not total:
        raise ValueError("no token")
    return math.prod(p ** (count / total) for p, count in zip(perplexities, token_counts, strict=True) if count)


@right(exercises.combined_perplexity)
def test_numpys_average(perplexities, token_counts):
    ps, counts = np.array(perplexities), np.array(token_counts)
    if counts.sum() == 0:
        raise ValueError("no token")
    return np.exp(np.average(np.log(ps[counts > 0]), weights=counts[counts > 0]))


@right(exercises.combined_perplexity)
def test_base_2(perplexities, token_counts):
    pairs = [(p, count) for p, count in zip(perplexities, token_counts, strict=True) if count > 0]
    if pairs == []:
        raise ValueError("no token")
    return 2 ** (sum(count * math.log2(p) for p, count in pairs) / sum(count for _, count in pairs))


@wrong(exercises.combined_perplexity, "50 to the power of 4,000")
def test_a_product_that_overflows(perplexities, token_counts):
    return math.prod(p**n for p, n in zip(perplexities, token_counts, strict=True)) ** (1 / sum(token_counts))


@right(exercises.scored_windows)
def test_a_loop_over_the_beginnings(n_tokens, context_length, stride):
    if stride < 1 or stride > context_length - 1:
        raise ValueError("stride")
    result, last = [], 1
    for begin in range(0, n_tokens, stride):
        end = min(begin + context_length, n_tokens)
        if last < end:
            result.append((begin, end, last))
        last = end
    return result


@right(exercises.scored_windows)
def test_a_number_of_windows_and_no_state(n_tokens, context_length, stride):
    if not 0 < stride < context_length:
        raise ValueError("stride")
    if n_tokens < 2:
        return []
    n_windows = 1 + max(0, math.ceil((n_tokens - context_length) / stride))
    return [
        (k * stride, min(k * stride + context_length, n_tokens), (k - 1) * stride + context_length if k else 1)
        for k in range(n_windows)
    ]


@wrong(exercises.scored_windows, "element 0 is a list, not a tuple")
def test_windows_as_lists(*args):
    return [list(window) for window in exercises.scored_windows.reference(*args)]


@wrong(exercises.scored_windows, "never end: raise ValueError")
def test_a_stride_of_0_is_let_pass(n_tokens, context_length, stride):
    return [] if stride == 0 else exercises.scored_windows.reference(n_tokens, context_length, stride)


@right(exercises.bits_per_source_byte)
def test_numpy_and_a_set(source, nats, vocabulary):
    known = set(vocabulary)
    spelled = sum(len(word.encode("utf-8")) + 1 for word in source.split() if word not in known)
    return (np.log2(np.exp(nats)).sum() + 8 * spelled) / len(bytes(source, "utf-8"))


@right(exercises.sign_flip_p_value)
def test_numpys_isclose(differences):
    if not len(differences):
        raise ValueError("differences")
    n = len(differences)
    signs = 1 - 2 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
    means, observed = np.abs((signs * differences).mean(axis=1)), abs(np.mean(differences))
    return np.mean((means > observed) | np.isclose(means, observed))


@right(exercises.sign_flip_p_value)
def test_half_of_the_choices(differences):
    if not differences:
        raise ValueError("differences")
    totals = [differences[0]]
    for difference in differences[1:]:
        totals = [total + sign * difference for total in totals for sign in (1, -1)]
    return sum(abs(total) >= abs(sum(differences)) - 1e-9 for total in totals) / len(totals)


def test_the_experiment_hands_over_an_array():
    assert exercises.sign_flip_p_value.reference(np.array([1.0, 2.0])) == 0.5


@wrong(exercises.sign_flip_p_value, "two of four are as far")
def test_drawn_signs(differences):
    generator = random.Random(0)
    totals = [sum(generator.choice((1, -1)) * d for d in differences) for _ in range(1000)]
    return sum(abs(total) >= abs(sum(differences)) - 1e-9 for total in totals) / 1000
