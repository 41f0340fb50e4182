"""Exercise of notebook 02: encoding a piece with merges that are known."""

from itertools import pairwise

from course_utils.exercises.core import Exercise, Mistake, Probe
from course_utils.tokenization.merges import replace_pair

Merges = list[tuple[str, str]]


def encode_piece(piece: str, merges: Merges) -> list[str]:
    """Cut a piece into tokens: letters first, then each merge in the order in which it was learned.

    Source: Sennrich, Haddow and Birch (2016), "Neural Machine Translation of Rare Words with Subword Units", section
    3.2.
    """
    tokens = list(piece)
    for pair in merges:
        tokens = replace_pair(tokens, pair, "".join(pair))
    return tokens


def _longest_first(piece: str, merges: Merges) -> list[str]:
    known = {"".join(pair) for pair in merges}
    tokens, i = [], 0
    while i < len(piece):
        end = next((j for j in range(len(piece), i, -1) if piece[i:j] in known), i + 1)
        tokens.append(piece[i:end])
        i = end
    return tokens


def _leftmost_first(piece: str, merges: Merges) -> list[str]:
    tokens = list(piece)
    while places := [i for i, pair in enumerate(pairwise(tokens)) if pair in merges]:
        i = places[0]
        tokens[i : i + 2] = ["".join(tokens[i : i + 2])]
    return tokens


def _until_one_is_missing(piece: str, merges: Merges) -> list[str]:
    tokens = list(piece)
    for pair in merges:
        if pair not in pairwise(tokens):
            break
        tokens = replace_pair(tokens, pair, "".join(pair))
    return tokens


def _once_each(piece: str, merges: Merges) -> list[str]:
    tokens = list(piece)
    for pair in merges:
        places = [i for i, neighbours in enumerate(pairwise(tokens)) if neighbours == pair]
        if places:
            tokens[places[0] : places[0] + 2] = ["".join(pair)]
    return tokens


def _from_the_right(piece: str, merges: Merges) -> list[str]:
    return [token[::-1] for token in encode_piece.reference(piece[::-1], [(b[::-1], a[::-1]) for a, b in merges])][::-1]


encode_piece = Exercise(
    encode_piece,
    shown="the merges of training, replayed in the order learned.",
    hints=(
        "Encoding does again what training did: begin with single letters, then merge. In which order?",
        "Go through `merges` from the first to the last. Each is applied everywhere it fits before the next one comes.",
        "tokens = list(piece); for pair in merges: tokens = merge_pair(tokens, pair), with your answer to exercise 2.",
    ),
    probes=(
        Probe("one merge", ("the", [("t", "h")]), "Begin with t, h, e; then (t, h) becomes th."),
        Probe("two merges", ("that", [("t", "h"), ("a", "t")]), "Apply the second merge too."),
        Probe(
            "a merge of a merge", ("the", [("t", "h"), ("th", "e")]), "th from the first merge joins e in the second."
        ),
        Probe(
            "a merge that doesn't fit is passed over",
            ("hat", [("t", "h"), ("a", "t")]),
            "(t, h) isn't in this piece; the next merge still counts.",
        ),
        Probe("a merge in several places", ("that bath", [("t", "h"), ("a", "th")]), "Apply a merge everywhere."),
        Probe(
            "the merge learned first wins",
            ("abc", [("b", "c"), ("a", "b"), ("a", "bc")]),
            "(b, c) was learned first, so b is taken when (a, b) comes, though a stands further left.",
        ),
        Probe(
            "the longest token need not win",
            ("abcd", [("b", "c"), ("a", "b"), ("ab", "c"), ("bc", "d")]),
            "abc is a token, but the first merge, (b, c), leaves no b for it.",
        ),
        Probe("a run", ("aaaaa", [("a", "a"), ("aa", "a")]), "From the left: aa aa a, then aa a becomes aaa."),
        Probe("no merges", ("hm", []), "Without merges every letter is a token."),
        Probe("an empty piece", ("", [("t", "h")]), "No letters, no tokens: an empty list."),
    ),
    mistakes=(
        Mistake(lambda p, m: list(p), "these are the letters. Now apply the merges."),
        Mistake(
            lambda p, m: encode_piece.reference(p, m[:1]), "you applied only the first merge. Go through all of them."
        ),
        Mistake(
            lambda p, m: encode_piece.reference(p, m[::-1]),
            "you went through the merges backwards. Begin with the one learned first.",
        ),
        Mistake(_until_one_is_missing, "you stopped at a merge that isn't in this piece. Pass over it and go on."),
        Mistake(_once_each, "you applied each merge once. Apply it everywhere before the next one comes."),
        Mistake(
            lambda p, m: [p],
            "this is the whole piece as one token. Begin with single letters, list(piece), and join only by merges.",
        ),
        Mistake(
            _longest_first,
            "you took the longest known token from the left. That is another method (as in WordPiece): BPE replays "
            "its merges in the order learned.",
        ),
        Mistake(
            _leftmost_first,
            "you merged the leftmost pair that is in the list. The order is that of the list, not that of the text.",
        ),
        Mistake(_from_the_right, "you began at the right end. In a run it matters: a a a becomes aa a, not a aa."),
    ),
    package=(replace_pair,),
)
