"""Training BPE: count, choose, merge, and again."""

from collections import Counter
from itertools import pairwise

from course_utils.exercises.core import Exercise, probes
from course_utils.exercises.tokens.encode_piece import first_only, from_the_right, in_one_string
from course_utils.tokenization.merges import replace_pair


def train_bpe(pieces: dict[str, int], n_merges: int) -> list[tuple[str, str]]:
    """Learn merges from pieces and how often each occurs; of equally frequent pairs the alphabetically first wins.

    Source: Sennrich, Haddow and Birch (2016), "Neural Machine Translation of Rare Words with Subword Units", section
    3.2.
    """
    tokens = {piece: list(piece) for piece in pieces}
    merges: list[tuple[str, str]] = []
    while len(merges) < n_merges:
        counts: Counter[tuple[str, str]] = Counter()
        for piece, times in pieces.items():
            for pair in pairwise(tokens[piece]):
                counts[pair] += times
        if not counts:  # every piece is one token
            break
        merges.append(min(counts, key=lambda pair: (-counts[pair], pair)))
        tokens = {piece: replace_pair(tokens[piece], merges[-1], "".join(merges[-1])) for piece in pieces}
    return merges


exercise = Exercise(
    train_bpe,
    minutes=20,
    difficulty=2,
    shown="counted with their weights, merged everywhere, counted again.",
    hints=(
        "Section 3 keeps the text as a list of pieces. Here each different piece stands once, with its number: what "
        "does it add to the count of each of its pairs?",
        "Keep the tokens of each piece, {piece: list(piece)}. In each round count all pairs, choose one, and replace "
        "it in every piece before you count again. What if no pair is left?",
        "counts[pair] += times for each pair of pairwise(tokens[piece]); if not counts: break; the winner is "
        "min(counts, key=lambda pair: (-counts[pair], pair)).",
    ),
    probes=probes(
        ("one merge", {"the": 3, "hen": 2}, 1),
        "(h, e) occurs 5 times, (t, h) only 3 times.",
        ("a piece that occurs often", {"ox": 5, "hat": 1, "ham": 1, "has": 1}, 1),
        "(o, x) occurs 5 times, because its piece does; (h, a) only 3 times.",
        ("the second merge uses the first", {"tho": 4, "the": 3}, 2),
        "First (t, h), 7 times. Then th is one token, and (th, o) occurs 4 times.",
        ("pieces stay apart", {"xa": 3, "by": 2}, 3),
        "No pair crosses from one piece to the next: after two merges nothing is left.",
        ("a pair twice in one piece", {"nana": 2, "ox": 3}, 3),
        "(n, a) occurs 4 times, twice in each nana; then (o, x), 3 times; then (na, na), twice.",
        ("a tie", {"my": 2, "ab": 2, "zo": 2}, 3),
        "Of equally frequent pairs the alphabetically first wins: (a, b).",
        ("a run", {"aaa": 2, "aab": 1}, 3),
        "(a, a) occurs 5 times; from the left, aaa becomes aa a.",
        ("tokens, not letters", {"abc": 2, "bc": 9, "ab": 5}, 3),
        "After (b, c) the letters a b of abc are no pair of tokens: (a, b) leaves a bc as it is, and (a, bc) is next.",
        ("pairs that occur once", {"no": 1}, 4),
        "One pair is left, once: it is still the commonest. After it there is none.",
        ("no merge asked for", {"the": 2}, 0),
        "n_merges is 0: return an empty list.",
    ),
    hidden=probes(
        ("more pieces", {"thin": 4, "thief": 3, "think": 2, "ink": 5, "anneal": 3, "oooo": 2, "in": 1}, 9),
        "Count with the weights, break ties by the alphabet, merge everywhere, count again.",
    ),
    package=(replace_pair,),
)

weighted = lambda counted: Counter({pair: counted.count(pair) for pair in counted})
alphabetical = lambda counts: min(counts, key=lambda pair: (-counts[pair], pair))


def pairs_of(tokens, pieces):
    return [pair for piece, times in pieces.items() for pair in times * [*pairwise(tokens[piece])]]


replaced = lambda tokens, pair: replace_pair(tokens, pair, "".join(pair))


def learner(pairs=pairs_of, choose=alphabetical, join=replaced, least=1):
    def train(pieces, n_merges):
        tokens: dict[str, list[str]] = {piece: list(piece) for piece in pieces}
        merges: list[tuple[str, str]] = []
        while len(merges) < n_merges and (counts := weighted(pairs(tokens, pieces))):
            if max(counts.values()) < least:
                break
            merges.append(choose(counts))
            tokens = {piece: join(tokens[piece], merges[-1]) for piece in pieces}
        return merges

    return train


def all_at_once(pieces, n_merges):
    counts = weighted(pairs_of({piece: list(piece) for piece in pieces}, pieces))
    return sorted(counts, key=lambda pair: (-counts[pair], pair))[:n_merges]


exercise.add_mistakes(
    "you counted each piece once. A piece that occurs 5 times adds 5 to each of its pairs.",
    learner(lambda tokens, pieces: pairs_of(tokens, dict.fromkeys(pieces, 1))),
    "of equally frequent pairs you took the one met first. Here the alphabetically first wins.",
    learner(choose=lambda counts: max(counts, key=counts.get)),
    "of equally frequent pairs you took the alphabetically last. Give min the key (-count, pair).",
    learner(choose=lambda counts: max(counts, key=lambda pair: (counts[pair], pair))),
    "you took the rarest pair. The commonest is merged.",
    learner(choose=lambda counts: min(counts, key=lambda pair: (counts[pair], pair))),
    "you took the commonest pairs of letters in one go. Count again after each merge: the pairs have changed.",
    all_at_once,
    "you found the same pair again and again: replace it in every piece before you count again.",
    lambda pieces, n_merges: n_merges * train_bpe(pieces, 1),
    "these are the new tokens. Return the pairs: encoding needs to know both parts.",
    lambda pieces, n_merges: ["".join(pair) for pair in train_bpe(pieces, n_merges)],
    "you merged only the first occurrence in each piece. Go on to its end.",
    learner(join=first_only),
    "you counted pairs that cross from one piece to the next. Take the pairs of each piece alone.",
    learner(lambda tokens, pieces: [*pairwise(t for piece in pieces for t in pieces[piece] * tokens[piece])]),
    "you counted a pair once per piece. In banana the pair (n, a) occurs twice.",
    learner(lambda tokens, pieces: [p for piece in pieces for p in pieces[piece] * [*{*pairwise(tokens[piece])}]]),
    "you began at the right end of a run. a a a becomes aa a, not a aa.",
    learner(join=from_the_right),
    "you replaced inside one long string, so the end of a token counted as a token. Compare whole tokens.",
    learner(join=lambda tokens, pair: in_one_string(tokens, pair)),
    "you stopped when the commonest pair occurs only once. Go on as long as a pair is left.",
    learner(least=2),
    "this is one merge too many: stop when there are n_merges.",
    lambda pieces, n_merges: train_bpe(pieces, n_merges + 1),
)
