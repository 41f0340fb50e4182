"""Exercises of notebook 02: the two steps of learning BPE, counting pairs and merging one."""

from collections.abc import Iterator
from itertools import pairwise

from course_utils.exercises.core import Exercise, Mistake, Probe
from course_utils.tokenization.merges import replace_pair

Pieces = dict[tuple[str, ...], int]
Pair = tuple[str, str]


def count_pairs(pieces: Pieces) -> dict[Pair, int]:
    """Count each pair of neighbouring tokens in pieces, as often as the piece occurs; overlapping pairs count."""
    counts = {}
    for tokens, times in pieces.items():
        for pair in pairwise(tokens):
            counts[pair] = counts.get(pair, 0) + times
    return counts


def merge_pair(tokens: list[str], pair: Pair) -> list[str]:
    """Return the tokens with each occurrence of the pair joined to one, from left to right."""
    return replace_pair(tokens, pair, "".join(pair))


def _summed(found: Iterator[tuple[Pair, int]]) -> dict[Pair, int]:
    counts = {}
    for pair, times in found:
        counts[pair] = counts.get(pair, 0) + times
    return counts


def _across_pieces(pieces: Pieces) -> dict[Pair, int]:
    text = [token for tokens, times in pieces.items() for _ in range(times) for token in tokens]
    return _summed((pair, 1) for pair in pairwise(text))


def _runs_without_overlap(pieces: Pieces) -> dict[Pair, int]:
    counts = {}
    for tokens, times in pieces.items():
        last = None
        for pair in pairwise(tokens):
            if pair == last == (pair[0], pair[0]):
                last = None
                continue
            counts[pair] = counts.get(pair, 0) + times
            last = pair
    return counts


count_pairs = Exercise(
    count_pairs,
    shown="every pair of neighbours, counted as often as its piece occurs.",
    hints=(
        "A piece of n tokens has n - 1 pairs of neighbours. How often does each pair of it occur in the text?",
        "pairwise(tokens) gives the pairs of one piece. A piece that occurs 3 times adds 3 to each of them.",
        "Two loops: for tokens, times in pieces.items(), and in it for pair in pairwise(tokens); then "
        "counts[pair] = counts.get(pair, 0) + times.",
    ),
    probes=(
        Probe("one piece", ({("t", "h", "e", "m"): 1},), "The pairs are (t, h), (h, e) and (e, m), once each."),
        Probe("a piece that occurs 3 times", ({("t", "h", "e"): 3},), "Each pair of it occurs 3 times as well."),
        Probe(
            "a pair in two pieces",
            ({("t", "h", "e"): 2, ("t", "h", "i", "n"): 1},),
            "(t, h) is in both: its counts add up. No pair crosses from one piece to the next.",
        ),
        Probe(
            "a pair twice in one piece",
            ({("b", "a", "n", "a", "n", "a"): 1},),
            "(a, n) and (n, a) occur twice each.",
        ),
        Probe("the order of a pair matters", ({("n", "o"): 1, ("o", "n"): 1},), "(n, o) and (o, n) are two pairs."),
        Probe("a run", ({("a", "a", "a"): 1},), "Every neighbour counts: (a, a) occurs at 0 and at 1, so twice."),
        Probe(
            "tokens longer than a letter",
            ({("ab", "c"): 1, ("a", "bc"): 1},),
            "Compare tokens, not letters: (ab, c) and (a, bc) are two pairs.",
        ),
        Probe("a piece of one token", ({("the",): 5},), "One token has no neighbour: there is no pair."),
        Probe("no pieces", ({},), "Without pieces there are no pairs: return an empty dict."),
    ),
    mistakes=(
        Mistake(
            lambda p: _summed((token, times) for tokens, times in p.items() for token in tokens),
            "you counted single tokens. Count pairs of neighbours.",
        ),
        Mistake(
            lambda p: _summed(("".join(pair), times) for tokens, times in p.items() for pair in pairwise(tokens)),
            "you glued each pair together. Keep it a tuple of two tokens: merging needs to know both.",
        ),
        Mistake(
            lambda p: _summed((pair, times) for tokens, times in p.items() for pair in pairwise(tokens[:-1])),
            "the last pair of each piece is missing: n tokens have n - 1 pairs.",
        ),
        Mistake(
            lambda p: _summed((pair, times) for tokens, times in p.items() for pair in list(pairwise(tokens))[::2]),
            "you skipped every second pair. Pairs overlap: each token but the last begins one.",
        ),
        Mistake(
            lambda p: _summed((pair, 1) for tokens in p for pair in pairwise(tokens)),
            "you counted each piece once. A piece that occurs 3 times adds 3 to each of its pairs.",
        ),
        Mistake(
            _across_pieces,
            "you counted pairs that cross from one piece to the next. Take the pairs of each piece alone.",
        ),
        Mistake(
            lambda p: {pair: times for tokens, times in p.items() for pair in pairwise(tokens)},
            "a later count overwrote an earlier one. Add to what is there: counts.get(pair, 0) + times.",
        ),
        Mistake(
            lambda p: _summed((pair, times) for tokens, times in p.items() for pair in set(pairwise(tokens))),
            "you counted a pair once per piece. In b a n a n a the pair (a, n) occurs twice.",
        ),
        Mistake(
            lambda p: _summed((tuple(sorted(pair)), times) for tokens, times in p.items() for pair in pairwise(tokens)),
            "you ignored the order inside a pair. (n, o) and (o, n) make different tokens.",
        ),
        Mistake(
            _runs_without_overlap,
            "in a run you didn't count the pair that overlaps the one before. Count every pair of neighbours; only "
            "merging takes turns.",
        ),
    ),
)


def _first_only(tokens: list[str], pair: Pair) -> list[str]:
    for i, neighbours in enumerate(pairwise(tokens)):
        if neighbours == pair:
            return [*tokens[:i], "".join(pair), *tokens[i + 2 :]]
    return tokens


def _from_the_right(tokens: list[str], pair: Pair) -> list[str]:
    return replace_pair(tokens[::-1], pair[::-1], "".join(pair))[::-1]


def _same_letters(tokens: list[str], pair: Pair) -> list[str]:
    merged = []
    for token in tokens:
        if merged and merged[-1] + token == "".join(pair):
            merged[-1] += token
        else:
            merged.append(token)
    return merged


def _without_skipping(tokens: list[str], pair: Pair) -> list[str]:
    """Join at every occurrence, also where the left token was joined already."""
    merged = []
    for i, token in enumerate(tokens):
        if tuple(tokens[i : i + 2]) == pair:
            merged.append("".join(pair))
        elif i == 0 or tuple(tokens[i - 1 : i + 1]) != pair:
            merged.append(token)
    return merged


def _last_lost(tokens: list[str], pair: Pair) -> list[str]:
    merged = merge_pair.reference(tokens, pair)
    ends_in_a_merge = tuple(tokens[-2:]) == pair and merged[-1] == "".join(pair)
    return merged if ends_in_a_merge else merged[:-1]


merge_pair = Exercise(
    merge_pair,
    shown="each occurrence joined, from left to right, and all else as it was.",
    hints=(
        "Walk through the tokens with an index. At each place there are two cases: the pair stands here, or not.",
        "If tokens[i] and tokens[i + 1] are the pair, append the joined token and step by 2; else append tokens[i] and "
        "step by 1.",
        "while i < len(tokens): if tuple(tokens[i : i + 2]) == pair: ...; the slice is short at the end, so no index "
        "is out of range.",
    ),
    probes=(
        Probe("one occurrence", (["t", "h", "e"], ("t", "h")), "t and h become th; e stays."),
        Probe("at the end", (["p", "a", "t", "h"], ("t", "h")), "The pair may be the last two tokens."),
        Probe("twice", (["t", "h", "a", "t", "h", "e"], ("t", "h")), "Join every occurrence."),
        Probe("no occurrence", (["h", "t", "t"], ("t", "h")), "h before t is another pair: nothing changes."),
        Probe("a run of three", (["a", "a", "a"], ("a", "a")), "From the left: a a, then a lone a is left."),
        Probe("a run of four", (["a", "a", "a", "a"], ("a", "a")), "After joining two tokens go on behind them."),
        Probe(
            "longer tokens",
            (["t", "hi", "th", "i", "s"], ("th", "i")),
            "Compare tokens, not letters: t hi spells thi as well, but it isn't the pair (th, i).",
        ),
        Probe(
            "a token that ends like the pair",
            (["ab", "c"], ("b", "c")),
            "Compare whole tokens: ab ends in b, but it isn't the token b.",
        ),
        Probe("no tokens", ([], ("t", "h")), "Nothing to join: return an empty list."),
    ),
    mistakes=(
        Mistake(
            lambda s, p: s,
            "nothing was joined. Replace the two neighbours by one token. (A list never equals a tuple: compare "
            "tuple(tokens[i : i + 2]).)",
        ),
        Mistake(
            lambda s, p: " ".join(s).replace(" ".join(p), "".join(p)).split(),
            "you replaced inside one long string, so the end of one token counted as a token. Compare whole tokens.",
        ),
        Mistake(
            lambda s, p: replace_pair(s, p, " ".join(p)),
            "there is a space in the joined token. Its letters follow each other: left + right.",
        ),
        Mistake(
            lambda s, p: replace_pair(s, p, p),
            'you put the pair itself into the list. Join it to one string: "".join(pair).',
        ),
        Mistake(
            lambda s, p: "".join(s),
            "this is the text again. Return a list of tokens.",
        ),
        Mistake(
            _last_lost,
            "the last token got lost. It can't begin a pair, but it stays.",
        ),
        Mistake(
            lambda s, p: [
                t for i, t in enumerate(s) if p not in (tuple(s[i : i + 2]), tuple(s[max(i - 1, 0) : i + 1]))
            ],
            "you removed the pair. Put the joined token in its place.",
        ),
        Mistake(
            lambda s, p: [x for i, t in enumerate(s) for x in (["".join(p)] if tuple(s[i : i + 2]) == p else [t])],
            "the right token of the pair is still there. After joining, step over both.",
        ),
        Mistake(_first_only, "you joined only the first occurrence. Go on to the end."),
        Mistake(
            lambda s, p: replace_pair(replace_pair(s, p, "".join(p)), p[::-1], "".join(p[::-1])),
            "you joined the pair in either order. (h, t) is another pair than (t, h).",
        ),
        Mistake(_from_the_right, "you began at the right end. In a run it matters: a a a becomes aa a, not a aa."),
        Mistake(
            _without_skipping,
            "a token was used twice. After joining two tokens step over both: a a a has one joined pair.",
        ),
        Mistake(
            _same_letters,
            "you compared letters. Two tokens that spell the same as the pair, cut elsewhere, aren't the pair.",
        ),
    ),
    package=(replace_pair,),
)
