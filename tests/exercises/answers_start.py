import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import torch
from answers_registry import right, wrong

# relative_frequencies


@right("relative_frequencies")
def with_a_loop(counts):
    if len(counts) == 0:
        raise ValueError("no words")
    total = 0
    for count in counts.values():
        total += count
    probs = defaultdict(float)
    for word in sorted(counts):
        probs[word] = count_share(counts[word], total)
    return probs


def count_share(count, total):
    return count / total


@right("relative_frequencies")
def a_counter(counts):
    if not counts:
        raise ValueError
    return Counter({w: c / sum(counts.values()) for w, c in counts.items()})


@wrong("relative_frequencies", "the counts themselves")
def unchanged(counts):
    return dict(counts)


@wrong("relative_frequencies", "number of different words")
def over_types(counts):
    return {w: c / len(counts) for w, c in counts.items()}


@wrong("relative_frequencies", "largest count")
def over_max(counts):
    biggest = max(counts.values())
    return {w: c / biggest for w, c in counts.items()}


@wrong("relative_frequencies", "upside down")
def inverted(counts):
    total = sum(counts.values())
    return {w: total / c for w, c in counts.items()}


@wrong("relative_frequencies", "//")
def floor_division(counts):
    total = sum(counts.values())
    return {w: c // total for w, c in counts.items()}


@wrong("relative_frequencies", "percentages")
def percent(counts):
    total = sum(counts.values())
    return {w: c / total * 100 for w, c in counts.items()}


@wrong("relative_frequencies", "softmax")
def softmax(counts):
    probs = torch.tensor(list(counts.values())).float().softmax(0).tolist()
    return dict(zip(counts, probs, strict=True))


@wrong("relative_frequencies", "added one")
def laplace(counts):
    total = sum(c + 1 for c in counts.values())
    return {w: (c + 1) / total for w, c in counts.items()}


@wrong("relative_frequencies", "Return a dict")
def a_list(counts):
    total = sum(counts.values())
    return [c / total for c in counts.values()]


@wrong("relative_frequencies", "you rounded")
def rounded(counts):
    total = sum(counts.values())
    return {w: round(c / total, 2) for w, c in counts.items()}


@wrong("relative_frequencies", "Return the quotient as it is")
def cut_after_one_digit(counts):
    total = sum(counts.values())
    return {w: math.floor(1000 * c / total) / 1000 for w, c in counts.items()}


@wrong("relative_frequencies", "case of the words")
def lower(counts):
    total = sum(counts.values())
    probs = defaultdict(float)
    for word, count in counts.items():
        probs[word.lower()] += count / total
    return dict(probs)


@wrong("relative_frequencies", "dropped the word with count 0")
def without_zeros(counts):
    if not counts:
        raise ValueError("no words")
    total = sum(counts.values())
    return {w: c / total for w, c in counts.items() if c > 0}


@wrong("relative_frequencies", "empty dict for no counts")
def no_error(counts):
    total = sum(counts.values())
    return {w: c / total for w, c in counts.items()}


@wrong("relative_frequencies", "ZeroDivisionError")
def crash_on_empty(counts):
    factor = 1 / sum(counts.values())
    return {w: c * factor for w, c in counts.items()}


@wrong("relative_frequencies", "raise ValueError and say so")
def returns_the_error(counts):
    if not counts:
        return ValueError("no words")
    return {w: c / sum(counts.values()) for w, c in counts.items()}


@wrong("relative_frequencies", "changed its input counts in place")
def in_place(counts):
    if not counts:
        raise ValueError("no words")
    total = sum(counts.values())
    for word in counts:
        counts[word] /= total
    return counts


# most_probable


@right("most_probable")
def best_so_far(probs):
    best = None
    for word in sorted(probs):
        if best is None or probs[word] > probs[best]:
            best = word
    if best is None:
        raise ValueError("no words")
    return best


@right("most_probable")
def one_sort(probs):
    if len(probs) == 0:
        raise ValueError("no words")
    return sorted(probs, key=lambda word: (-probs[word], word))[0]


@right("most_probable")
def max_of_the_sorted(probs):
    return max(sorted(probs), key=probs.get)  # max of nothing is a ValueError already


@wrong("most_probable", "alphabetically last. Compare")
def max_of_the_words(probs):
    return max(probs)


@wrong("most_probable", "alphabetically first of all words")
def sorted_words(probs):
    return sorted(probs)[0]


@wrong("most_probable", "highest probability itself")
def the_probability(probs):
    return sorted(probs.values())[-1]


@wrong("most_probable", "position of the word")
def the_position(probs):
    return int(np.argmax(list(probs.values())))


@wrong("most_probable", "least probable")
def minimum(probs):
    return min(probs, key=lambda word: probs[word])


@wrong("most_probable", "sorted() begins with the smallest")
def sorted_ascending(probs):
    return sorted(probs.items(), key=lambda item: item[1])[0][0]


@wrong("most_probable", "first word of the dict")
def returns_in_the_loop(probs):
    best = -1
    for word, prob in probs.items():
        if prob > best:
            return word
    raise ValueError


@wrong("most_probable", "compare with the best so far")
def record_not_moved(probs):
    best, winner = 0, None
    for word, prob in probs.items():
        if prob > best:
            winner = word
    return winner


@wrong("most_probable", "compare with the best so far")
def compared_with_the_neighbour(probs):
    words = list(probs)
    winner = words[0]
    for before, word in itertools.pairwise(words):
        if probs[word] > probs[before]:
            winner = word
    return winner


@wrong("most_probable", "list of winners")
def list_of_winners(probs):
    best = max(probs.values())
    return [word for word in probs if probs[word] == best]


@wrong("most_probable", "all the words, best first")
def whole_ranking(probs):
    return sorted(probs, key=lambda word: (-probs[word], word))


@wrong("most_probable", "word with its probability")
def the_pair(probs):
    return Counter(probs).most_common(1)[0]


@wrong("most_probable", "compares pairs by their word")
def max_of_the_pairs(probs):
    return max(probs.items())


@wrong("most_probable", "returned a set, not a str")
def a_set(probs):
    return {word for word in probs if probs[word] == max(probs.values())}


@wrong("most_probable", "look at every word, the first as well")
def skips_the_first(probs):
    if not probs:
        raise ValueError
    return max(sorted(probs)[1:], key=probs.get)


@wrong("most_probable", "two close probabilities for equal")
def almost_equal_is_a_tie(probs):
    best = max(probs.values())
    return min(word for word in probs if probs[word] > best - 0.1)


@wrong("most_probable", "not rounded")
def close_is_a_tie(probs):
    rounded = {word: round(prob, 2) for word, prob in probs.items()}
    return min(word for word in probs if rounded[word] == max(rounded.values()))


@wrong("most_probable", "the dict holds first")
def insertion_order(probs):
    return Counter(probs).most_common(1)[0][0]


@wrong("most_probable", "the dict holds last")
def greater_or_equal(probs):
    best = -1
    for word, prob in probs.items():
        if prob >= best:
            best, winner = prob, word
    return winner


@wrong("most_probable", "you took the alphabetically last word")
def reversed_with_the_words(probs):
    return sorted(((prob, word) for word, prob in probs.items()), reverse=True)[0][1]


@wrong("most_probable", "returned several words")
def all_winners_on_a_tie(probs):
    winners = [word for word, prob in probs.items() if prob == max(probs.values())]
    return winners[0] if len(winners) == 1 else winners


@wrong("most_probable", "None for an empty dict")
def none_for_nothing(probs):
    best, winner = 0, None
    for word in sorted(probs):
        if probs[word] > best:
            best, winner = probs[word], word
    return winner


@wrong("most_probable", "empty text for an empty dict")
def empty_text_for_nothing(probs):
    if not probs:
        return ""
    return min(probs, key=lambda word: (-probs[word], word))


@wrong("most_probable", "IndexError: list index out of range. An empty dict has no most probable word")
def index_error_for_nothing(probs):
    return sorted(probs, key=lambda word: (-probs[word], word))[0]


@wrong("most_probable", "changed its input probs in place")
def takes_words_out(probs):
    if not probs:
        raise ValueError("no words")
    best, winner = -1, ""
    while probs:
        word = min(probs)
        prob = probs.pop(word)
        if prob > best:
            best, winner = prob, word
    return winner


# surprise


@right("surprise")
def with_an_ordinary_minus(p):
    if p < 0 or p > 1:
        raise ValueError(p)
    if p == 0:
        return float("inf")
    return -math.log2(p)  # -0.0 for p = 1 is as good as 0.0


@right("surprise")
def log_of_the_inverse(p):
    if not 0 <= p <= 1:
        raise ValueError("no probability")
    return math.log2(1 / p) if p > 0 else math.inf


@right("surprise")
def change_of_base(p):
    if not 0 <= p <= 1:
        raise ValueError("no probability")
    with np.errstate(divide="ignore"):
        return -np.log(p) / np.log(2)


@wrong("surprise", "the minus is missing: log2")
def without_minus(p):
    return math.log2(p)


@wrong("surprise", "gives nats")
def nats(p):
    return -np.log(p)


@wrong("surprise", "two slips: math.log")
def nats_without_minus(p):
    return math.log(p)


@wrong("surprise", "divisions by ten. Bits count halvings")
def base_ten(p):
    return -math.log(p, 10)


@wrong("surprise", "two slips: log10")
def base_ten_without_minus(p):
    return math.log10(p)


@wrong("surprise", "every other word")
def complement(p):
    return 1 - p


@wrong("surprise", "take log2 of 1 / p")
def inverse(p):
    return 1 / p


@wrong("surprise", "that the word does not come")
def log_of_the_complement(p):
    return -math.log2(1 - p)


@wrong("surprise", "share of the entropy")
def weighted(p):
    return p * math.log2(1 / p)


@wrong("surprise", "rounded to whole bits")
def whole_bits(p):
    return math.ceil(-math.log2(p))


@wrong("surprise", "cut the part after the point")
def cut_bits(p):
    return -math.log2(p) // 1


@wrong("surprise", "Round only what you print")
def two_digits(p):
    return round(-math.log2(p), 2)


@wrong("surprise", "Return the value of -log2(p) as it is")
def one_digit(p):
    return round(-math.log2(p), 1)


@wrong("surprise", "returned a float tensor of shape (), not a float")
def a_tensor(p):
    return -torch.log2(torch.tensor(p))


@wrong("surprise", "0 bits, not 1")
def certain_is_one(p):
    return 1 if p == 1 else -math.log2(p)


@wrong("surprise", "p = 0 that surprises without bound")
def ends_swapped(p):
    if p == 1:
        return math.inf
    return -math.log2(p)


@wrong("surprise", "p = 1 is allowed")
def certain_is_refused(p):
    if not 0 < p < 1:
        raise ValueError("no probability")
    return -math.log2(p)


@wrong("surprise", "add or cut nothing")
def small_constant(p):
    return -math.log2(p + 1e-12)


@wrong("surprise", "add or cut nothing")
def clipped(p):
    return -math.log2(max(p, 1e-9))


@wrong("surprise", "log2(0) doesn't exist: return math.inf")
def crash_on_zero(p):
    return -math.log2(p)


@wrong("surprise", "ZeroDivisionError: ")
def crash_on_one_over_zero(p):
    return math.log2(1 / p)


@wrong("surprise", "as if it were certain")
def zero_for_zero(p):
    return -math.log2(p) if p > 0 else 0


@wrong("surprise", "surprise is never negative")
def minus_infinity(p):
    if p == 0:
        return -math.inf
    return -math.log2(p)


@wrong("surprise", "None for p = 0")
def none_for_zero(p):
    if p != 0:
        return -math.log2(p)


@wrong("surprise", "gave a negative surprise")
def range_not_checked(p):
    return math.inf if p <= 0 else -math.log2(p)


@wrong("surprise", "surprise of a certain word")
def never_below_zero_bits(p):
    return max(0.0, -math.log2(p)) if p > 0 else math.inf


@wrong("surprise", "AssertionError. No probability is above 1: raise ValueError")
def asserts(p):
    assert 0 <= p <= 1
    return -math.log2(p) if p else math.inf


@wrong("surprise", "a p below 0 is not an impossible word")
def one_end_checked(p):
    if p > 1:
        raise ValueError("no probability")
    if p <= 0:
        return math.inf
    return -math.log2(p)


@wrong("surprise", "No probability is below 0: raise ValueError")
def nan_below_zero(p):
    if p > 1:
        raise ValueError("no probability")
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.log2(p)
