from collections import Counter
from functools import reduce
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from verdicts import right, wrong

from course_utils.exercises import tokens as exercises
from course_utils.exercises.tokens.merge_pair import merge_pair
from course_utils.tokenization.merges import learn_merges

test_counters = right(exercises.count_pairs)(
    lambda pieces: sum((Counter([*pairwise(tokens)] * times) for tokens, times in pieces.items()), Counter())
)


@right(exercises.merge_pair)
def test_looking_back(tokens, pair):
    merged, joined = [], True
    for token in tokens:
        joined = not joined and (merged[-1], token) == pair
        merged = [*merged[:-1], "".join(pair)] if joined else [*merged, token]
    return merged


@right(exercises.encode_piece)
def test_earliest_merge_each_time(piece, merges):
    tokens = list(piece)
    while present := [pair for pair in pairwise(tokens) if pair in merges]:
        tokens = merge_pair(tokens, min(present, key=merges.index))
    return tokens


@right(exercises.bits_per_byte)
def test_bits_with_numpy(perplexity, n_tokens, n_bytes):
    if n_bytes == 0:
        raise ValueError("no text")
    return np.log2(perplexity) * n_tokens / n_bytes


@wrong(exercises.encode_piece, "leaves no b for it")
def test_in_one_string(piece, merges):
    return reduce(lambda text, pair: text.replace("|".join(pair), "".join(pair)), merges, "|".join(piece)).split("|")


@given(st.dictionaries(st.text("abc", min_size=1, max_size=12), st.integers(1, 9), min_size=1))
def test_counting_and_merging_learn_the_packages_merges_and_encoding_replays_them(counts):
    pieces, merges, known = {tuple(piece): times for piece, times in counts.items()}, [], list("abc")
    while len(merges) < 8 and (found := exercises.count_pairs.reference(pieces)):
        merges.append(min(found, key=lambda pair: (-found[pair], *map(known.index, pair))))
        known.append("".join(merges[-1]))
        pieces = {tuple(merge_pair(list(piece), merges[-1])): times for piece, times in pieces.items()}
    expected = learn_merges({piece.encode(): times for piece, times in counts.items()}, 8)
    assert [tuple(token.encode() for token in pair) for pair in merges] == expected
    assert [exercises.encode_piece.reference(piece, merges) for piece in counts] == list(map(list, pieces))
