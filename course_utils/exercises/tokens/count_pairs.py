"""Counting pairs of neighbouring tokens: the first step of learning BPE."""

from collections import Counter
from itertools import chain, groupby, pairwise

from course_utils.exercises.core import Exercise, probes


def count_pairs(pieces: dict[tuple[str, ...], int]) -> dict[tuple[str, str], int]:
    """Count each pair of neighbouring tokens in pieces, as often as the piece occurs; overlapping pairs count."""
    counts: dict[tuple[str, str], int] = {}
    for tokens, times in pieces.items():
        for pair in pairwise(tokens):
            counts[pair] = counts.get(pair, 0) + times
    return counts


exercise = Exercise(
    count_pairs,
    minutes=10,
    difficulty=2,
    shown="every pair of neighbours, counted as often as its piece occurs.",
    hints=(
        "A piece of n tokens has n - 1 pairs of neighbours. How often does each pair of it occur in the text?",
        "pairwise(tokens) gives the pairs of one piece. A piece that occurs 3 times adds 3 to each of them.",
        "Two loops: for tokens, times in pieces.items(), and in it for pair in pairwise(tokens); then "
        "counts[pair] = counts.get(pair, 0) + times.",
    ),
    probes=probes(
        ("one piece", {("t", "h", "e", "m"): 1}),
        "The pairs are (t, h), (h, e) and (e, m), once each.",
        ("a piece that occurs 3 times", {("t", "h", "e"): 3}),
        "Each pair of it occurs 3 times as well.",
        ("a pair in two pieces", {("t", "h", "e"): 2, ("t", "h", "i", "n"): 1}),
        "(t, h) is in both: its counts add up. No pair crosses from one piece to the next.",
        ("a pair twice in one piece", {tuple("banana"): 1}),
        "(a, n) and (n, a) occur twice each.",
        ("the order of a pair matters", {("n", "o"): 1, ("o", "n"): 1}),
        "(n, o) and (o, n) are two pairs.",
        ("a run", {("a", "a", "a"): 1}),
        "Every neighbour counts: (a, a) occurs at 0 and at 1, so twice.",
        ("tokens longer than a letter", {("ab", "c"): 1, ("a", "bc"): 1}),
        "Compare tokens, not letters: (ab, c) and (a, bc) are two pairs.",
        ("a piece of one token", {("the",): 5}),
        "One token has no neighbour: there is no pair.",
        ("no pieces", {}),
        "Without pieces there are no pairs: return an empty dict.",
    ),
    hidden=probes(
        ("a longer run in two pieces", {("oo", "o", "o", "o", "h"): 4, ("h", "o", "o"): 2, ("o",): 9}),
        "Count every pair of neighbours of every piece, as often as the piece occurs.",
    ),
)

pairs = lambda pieces: [(pair, times) for tokens, times in pieces.items() for pair in pairwise(tokens)]
added_up = lambda found: sum((Counter({thing: times}) for thing, times in found), Counter())  # done last

exercise.add_mistakes(
    "you counted single tokens. Count pairs of neighbours.",
    lambda pieces: added_up((token, times) for tokens, times in pieces.items() for token in tokens),
    "you glued each pair together. Keep it a tuple of two tokens: merging needs to know both.",
    lambda pieces: added_up(("".join(pair), times) for pair, times in pairs(pieces)),
    "the last pair of each piece is missing: n tokens have n - 1 pairs.",
    lambda pieces: added_up((pair, times) for tokens, times in pieces.items() for pair in pairwise(tokens[:-1])),
    "you skipped every second pair. Pairs overlap: each token but the last begins one.",
    lambda pieces: added_up((pair, times) for tokens, times in pieces.items() for pair in [*pairwise(tokens)][::2]),
    "you counted each piece once. A piece that occurs 3 times adds 3 to each of its pairs.",
    lambda pieces: Counter(pair for pair, _ in pairs(pieces)),
    "you counted pairs that cross from one piece to the next. Take the pairs of each piece alone.",
    lambda pieces: Counter(pairwise(chain.from_iterable(tokens * times for tokens, times in pieces.items()))),
    "a later count overwrote an earlier one. Add to what is there: counts.get(pair, 0) + times.",
    lambda pieces: dict(pairs(pieces)),
    "you counted a pair once per piece. In b a n a n a the pair (a, n) occurs twice.",
    lambda pieces: added_up((pair, times) for tokens, times in pieces.items() for pair in set(pairwise(tokens))),
    "you ignored the order inside a pair. (n, o) and (o, n) make different tokens.",
    lambda pieces: added_up((tuple(sorted(pair)), times) for pair, times in pairs(pieces)),
    "in a run you didn't count the pair that overlaps the one before. Count every pair of neighbours; only "
    "merging takes turns.",
    lambda pieces: added_up((pair, times) for tokens, times in pieces.items() for pair, _ in groupby(pairwise(tokens))),
)
