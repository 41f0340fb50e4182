"""Merging a pair of tokens: the second step of learning BPE."""

from functools import reduce
from itertools import pairwise

from course_utils.exercises.core import Exercise, probes
from course_utils.tokenization.merges import replace_pair


def merge_pair(tokens: list[str], pair: tuple[str, str]) -> list[str]:
    """Return the tokens with each occurrence of the pair joined to one, from left to right."""
    return replace_pair(tokens, pair, "".join(pair))


exercise = Exercise(
    merge_pair,
    minutes=15,
    difficulty=2,
    shown="each occurrence joined, from left to right, and all else as it was.",
    hints=(
        "Walk through the tokens with an index. At each place there are two cases: the pair stands here, or not.",
        "If tokens[i] and tokens[i + 1] are the pair, append the joined token and step by 2; else append tokens[i] and "
        "step by 1.",
        "while i < len(tokens): if tuple(tokens[i : i + 2]) == pair: ...; the slice is short at the end, so no index "
        "is out of range.",
    ),
    probes=probes(
        ("one occurrence", ["t", "h", "e"], ("t", "h")),
        "t and h become th; e stays.",
        ("at the end", ["p", "a", "t", "h"], ("t", "h")),
        "The pair may be the last two tokens.",
        ("twice", ["t", "h", "a", "t", "h", "e"], ("t", "h")),
        "Join every occurrence.",
        ("no occurrence", ["h", "t", "t"], ("t", "h")),
        "h before t is another pair: nothing changes.",
        ("a run of three", ["a", "a", "a"], ("a", "a")),
        "From the left: a a, then a lone a is left.",
        ("a run of four", ["a", "a", "a", "a"], ("a", "a")),
        "After joining two tokens go on behind them.",
        ("longer tokens", ["t", "hi", "th", "i", "s"], ("th", "i")),
        "Compare tokens, not letters: t hi spells thi as well, but it isn't the pair (th, i).",
        ("a token that ends like the pair", ["ab", "c"], ("b", "c")),
        "Compare whole tokens: ab ends in b, but it isn't the token b.",
        ("no tokens", [], ("t", "h")),
        "Nothing to join: return an empty list.",
    ),
    hidden=probes(
        ("a run between other tokens", ["oh", "o", "o", "o", "o", "o", "h", "o", "o"], ("o", "o")),
        "Join from left to right, wherever the pair stands, and keep all other tokens.",
    ),
    package=(replace_pair,),
)

places = lambda tokens, pair: [i for i, neighbours in enumerate(pairwise(tokens)) if neighbours == pair]
from_the_right = lambda tokens, pair: replace_pair(tokens[::-1], pair[::-1], "".join(pair))[::-1]


def first_only(tokens, pair):
    end = next((i + 2 for i in places(tokens, pair)), 0)
    return merge_pair(tokens[:end], pair) + tokens[end:]


def used_twice(tokens, pair):
    starts = places(tokens, pair)
    return [token + pair[1] * (i in starts) for i, token in enumerate(tokens) if i in starts or i - 1 not in starts]


exercise.add_mistakes(
    "nothing was joined. Replace the two neighbours by one token. (A list never equals a tuple: compare "
    "tuple(tokens[i : i + 2]).)",
    lambda tokens, pair: tokens,
    "you replaced inside one long string, so the end of one token counted as a token. Compare whole tokens.",
    lambda tokens, pair: " ".join(tokens).replace(" ".join(pair), "".join(pair)).split(),
    "there is a space in the joined token. Its letters follow each other: left + right.",
    lambda tokens, pair: replace_pair(tokens, pair, " ".join(pair)),
    'you put the pair itself into the list. Join it to one string: "".join(pair).',
    lambda tokens, pair: replace_pair(tokens, pair, pair),
    "this is the text again. Return a list of tokens.",
    lambda tokens, pair: "".join(tokens),
    "the last token got lost. It can't begin a pair, but it stays.",
    lambda tokens, pair: merge_pair(tokens, pair)[:-1],
    "you removed the pair. Put the joined token in its place.",
    lambda tokens, pair: [token for token in replace_pair(tokens, pair, "") if token],
    "the right token of the pair is still there. After joining, step over both.",
    lambda tokens, pair: [token + pair[1] * (i in places(tokens, pair)) for i, token in enumerate(tokens)],
    "you joined only the first occurrence. Go on to the end.",
    first_only,
    "you joined the pair in either order. (h, t) is another pair than (t, h).",
    lambda tokens, pair: merge_pair(merge_pair(tokens, pair), pair[::-1]),
    "you began at the right end. In a run it matters: a a a becomes aa a, not a aa.",
    from_the_right,
    "a token was used twice. After joining two tokens step over both: a a a has one joined pair.",
    used_twice,
    "you compared letters. Two tokens that spell the same as the pair, cut elsewhere, aren't the pair.",
    lambda tokens, pair: reduce(merge_pair, [p for p in pairwise(tokens) if "".join(p) == "".join(pair)], tokens),
)
