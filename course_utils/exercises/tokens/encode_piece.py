"""Encoding a piece with merges that are known."""

from functools import reduce
from itertools import pairwise, takewhile

from course_utils.exercises.core import Exercise, probes
from course_utils.tokenization.merges import replace_pair


def encode_piece(piece: str, merges: list[tuple[str, str]]) -> list[str]:
    """Cut a piece into tokens: letters first, then each merge in the order in which it was learned.

    Source: Sennrich, Haddow and Birch (2016), "Neural Machine Translation of Rare Words with Subword Units", section
    3.2.
    """
    tokens = list(piece)
    for pair in merges:
        tokens = replace_pair(tokens, pair, "".join(pair))
    return tokens


exercise = Exercise(
    encode_piece,
    minutes=15,
    difficulty=2,
    shown="the merges of training, replayed in the order learned.",
    hints=(
        "Encoding does again what training did: begin with single letters, then merge. In which order?",
        "Go through `merges` from the first to the last. Each is applied everywhere it fits before the next one comes.",
        "tokens = list(piece); for pair in merges: walk through tokens with an index; where tokens[i] and "
        "tokens[i + 1] are the pair, append the joined token and step by 2, else append tokens[i] and step by 1.",
    ),
    probes=probes(
        ("one merge", "the", [("t", "h")]),
        "Begin with t, h, e; then (t, h) becomes th.",
        ("two merges", "that", [("t", "h"), ("a", "t")]),
        "Apply the second merge too.",
        ("a merge of a merge", "the", [("t", "h"), ("th", "e")]),
        "th from the first merge joins e in the second.",
        ("a merge that doesn't fit is passed over", "hat", [("t", "h"), ("a", "t")]),
        "(t, h) isn't in this piece; the next merge still counts.",
        ("a merge in several places", "bathmath", [("t", "h"), ("a", "th")]),
        "(t, h) stands at two places, and so does (a, th) after it: b ath m ath.",
        ("the merge learned first wins", "abc", [("b", "c"), ("a", "b"), ("a", "bc")]),
        "(b, c) was learned first, so b is taken when (a, b) comes, though a stands further left.",
        ("the longest token need not win", "abcd", [("b", "c"), ("a", "b"), ("ab", "c"), ("bc", "d")]),
        "abc is a token, but the first merge, (b, c), leaves no b for it.",
        ("a run", "aaaaa", [("a", "a"), ("aa", "a")]),
        "From the left: aa aa a, then aa a becomes aaa.",
        ("no merges", "hm", []),
        "Without merges every letter is a token.",
        ("an empty piece", "", [("t", "h")]),
        "No letters, no tokens: an empty list.",
    ),
    hidden=probes(
        ("a longer piece", "anathema", [("a", "n"), ("t", "h"), ("n", "a"), ("an", "a"), ("h", "e"), ("th", "e")]),
        "Begin with letters and apply every merge, in the order of the list.",
    ),
    package=(replace_pair,),
)


def first_only(tokens, pair):
    end = next((i + 2 for i, neighbours in enumerate(pairwise(tokens)) if neighbours == pair), 0)
    return replace_pair(tokens[:end], pair, "".join(pair)) + tokens[end:]


def from_the_right(tokens, pair):
    return replace_pair(tokens[::-1], pair[::-1], "".join(pair))[::-1]


def without_the_end(tokens, pair):
    merged = replace_pair(tokens, pair, "".join(pair))
    return merged if tuple(tokens[-2:]) == pair else merged[:-1]


def in_one_string(tokens, pair):
    return " ".join(tokens).replace(" ".join(pair), "".join(pair)).split()


def longest_first(piece, merges):
    known = {*piece, *map("".join, merges)}
    tokens = []
    while piece:
        tokens.append(max(filter(piece.startswith, known), key=len))
        piece = piece.removeprefix(tokens[-1])
    return tokens


def leftmost_first(piece, merges):
    tokens = list(piece)
    while found := [pair for pair in pairwise(tokens) if pair in merges]:
        tokens = first_only(tokens, found[0])
    return tokens


exercise.add_mistakes(
    "these are the letters. Now apply the merges.",
    lambda piece, merges: list(piece),
    "you applied only the first merge. Go through all of them.",
    lambda piece, merges: encode_piece(piece, merges[:1]),
    "you went through the merges backwards. Begin with the one learned first.",
    lambda piece, merges: encode_piece(piece, merges[::-1]),
    "you stopped at a merge that isn't in this piece. Pass over it and go on.",
    lambda piece, merges: encode_piece(piece, [*takewhile(lambda pair: "".join(pair) in piece, merges)]),
    "you applied each merge once. Apply it everywhere before the next one comes.",
    lambda piece, merges: reduce(first_only, merges, list(piece)),
    "this is the whole piece as one token. Begin with single letters, list(piece), and join only by merges.",
    lambda piece, merges: [piece],
    "you took the longest known token from the left. That is another method (as in WordPiece): BPE replays "
    "its merges in the order learned.",
    longest_first,
    "you merged the leftmost pair that is in the list. The order is that of the list, not that of the text: this is "
    "the fault that fastllm had.",
    leftmost_first,
    "you lost the last token. The walk over neighbours ends before it: if it joins nothing, append it too.",
    lambda piece, merges: reduce(without_the_end, merges, list(piece)),
    "you began at the right end. In a run it matters: a a a becomes aa a, not a aa.",
    lambda piece, merges: reduce(from_the_right, merges, list(piece)),
    "you replaced inside one long string, so the beginning of a token counted as a token. Compare whole tokens.",
    lambda piece, merges: reduce(in_one_string, merges, list(piece)),
)
