"""Byte pair encoding, the learning: join the commonest pair of neighbours, and again.

Source: Gage (1994), "A New Algorithm for Data Compression"; Sennrich, Haddow and Birch (2016), "Neural Machine
Translation of Rare Words with Subword Units", algorithm 1. The order of the work, with the places of each pair kept
in an index: Zouhar et al. (2023), "A Formal Perspective on Byte-Pair Encoding".
"""

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

from course_utils.tokenization.gpt2 import ORDER

Token = TypeVar("Token")
Pair = tuple[int, int]
GAP = -1  # no token: between two pieces, and where a merged token's right part stood


def learn_merges(pieces: Mapping[bytes, int], n_merges: int) -> list[tuple[bytes, bytes]]:
    """Learn merges: each joins the pair of neighbouring tokens that occurs most often.

    Of equally frequent pairs the smallest wins, compared by the id of the left token, then by that of the right one.
    The bytes have the lowest ids, in the order of `gpt2.ORDER`; then come the merges in the order learned. This is the
    rule of the `tokenizers` library. In a run such as `aaa` the pair `aa` counts twice, but is merged once, from the
    left.

    Args:
        pieces: how often each piece occurs; pairs don't cross from one piece to the next.
        n_merges: how many to learn.

    Returns:
        The pairs in the order learned; fewer than n_merges if every piece has become one token before.
    """
    tokens = [bytes([byte]) for byte in ORDER]  # id -> bytes
    numbers = {token[0]: id for id, token in enumerate(tokens)}
    ids, weights = [GAP], [0]  # all pieces in one row, a gap on both sides of each; how often the piece occurs
    for piece, count in pieces.items():
        ids += [*map(numbers.__getitem__, piece), GAP]
        weights += [count] * (len(piece) + 1)
    before, after = list(range(-1, len(ids) - 1)), list(range(1, len(ids) + 1))  # a merged token has its left's place

    totals: defaultdict[Pair, int] = defaultdict(int)
    places: defaultdict[Pair, list[int]] = defaultdict(list)  # where a pair begins, or once began, from left to right
    for i, pair in enumerate(pairwise(ids)):
        if GAP not in pair:
            totals[pair] += weights[i]
            places[pair].append(i)

    queue = [(-total, pair) for pair, total in totals.items()]  # the most frequent first, then the smallest
    heapq.heapify(queue)
    merges: list[tuple[bytes, bytes]] = []
    while queue and len(merges) < n_merges:
        total, pair = heapq.heappop(queue)
        if -total != totals[pair]:  # other merges took some of its places since it was queued
            if totals[pair] > 0:
                heapq.heappush(queue, (-totals[pair], pair))
            continue
        left, right = pair
        merges.append((tokens[left], tokens[right]))
        new = len(tokens)
        tokens.append(b"".join(merges[-1]))
        made = set()
        for i in places.pop(pair):
            j = after[i]
            if ids[i] != left or ids[j] != right:  # no longer there
                continue
            ids[i], ids[j], after[i] = new, GAP, after[j]
            before[after[i]] = i
            weight, h, k = weights[i], before[i], after[i]
            totals[pair] -= weight
            if ids[h] != GAP:
                totals[ids[h], left] -= weight
                new_pair = ids[h], new
                totals[new_pair] += weight
                places[new_pair].append(h)
                made.add(new_pair)
            if ids[k] != GAP:
                totals[right, ids[k]] -= weight
                new_pair = new, ids[k]
                totals[new_pair] += weight
                places[new_pair].append(i)
                made.add(new_pair)
        for new_pair in made:
            if totals[new_pair]:
                heapq.heappush(queue, (-totals[new_pair], new_pair))
    return merges


def replace_pair(tokens: Sequence[Token], pair: tuple[Token, Token], new: Token) -> list[Token]:
    """Replace each occurrence of a pair by one new token, from left to right.

    Args:
        tokens: of one piece: ids, strings or bytes.
        pair: two neighbours.
        new: what takes their place.
    """
    left, right = pair
    replaced = []
    i = 0
    while i < len(tokens):
        if tokens[i] == left and i + 1 < len(tokens) and tokens[i + 1] == right:
            replaced.append(new)
            i += 2
        else:
            replaced.append(tokens[i])
            i += 1
    return replaced
