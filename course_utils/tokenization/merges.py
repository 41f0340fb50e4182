"""Byte pair encoding, the learning: join the commonest pair of neighbours, and again.

Source: Gage (1994), "A New Algorithm for Data Compression"; Sennrich, Haddow and Birch (2016), "Neural Machine
Translation of Rare Words with Subword Units", algorithm 1.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from course_utils.tokenization.gpt2 import ORDER

Pair = tuple[int, int]


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
    ids = {token[0]: id for id, token in enumerate(tokens)}
    words = [[ids[byte] for byte in piece] for piece in pieces]
    counts = list(pieces.values())

    pair_counts: Counter[Pair] = Counter()
    words_with: dict[Pair, set[int]] = defaultdict(set)  # which words hold a pair, or once held it
    for i, word in enumerate(words):
        for pair in pairwise(word):
            pair_counts[pair] += counts[i]
            words_with[pair].add(i)

    queue = [(-count, pair) for pair, count in pair_counts.items()]  # the most frequent first, then the smallest
    heapq.heapify(queue)
    merges = []
    while queue and len(merges) < n_merges:
        count, pair = heapq.heappop(queue)
        if -count != pair_counts[pair]:  # other merges took some of its places since it was queued
            if pair_counts[pair] > 0:
                heapq.heappush(queue, (-pair_counts[pair], pair))
            continue
        merges.append((tokens[pair[0]], tokens[pair[1]]))
        new = len(tokens)
        tokens.append(b"".join(merges[-1]))
        changed = set()
        for i in words_with.pop(pair):
            word, merged = words[i], replace_pair(words[i], pair, new)
            for old_pair in pairwise(word):
                pair_counts[old_pair] -= counts[i]
            for new_pair in pairwise(merged):
                pair_counts[new_pair] += counts[i]
                if new in new_pair:  # any other was there before: it is in the index and in the queue
                    words_with[new_pair].add(i)
                    changed.add(new_pair)
            words[i] = merged
        for new_pair in changed:
            heapq.heappush(queue, (-pair_counts[new_pair], new_pair))
    return merges


def replace_pair(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    """Replace each occurrence of a pair by one new id, from left to right.

    Args:
        ids: the tokens of one piece.
        pair: the ids of two neighbours.
        new: the id that takes their place.
    """
    left, right = pair
    replaced = []
    i = 0
    while i < len(ids):
        if ids[i] == left and i + 1 < len(ids) and ids[i + 1] == right:
            replaced.append(new)
            i += 2
        else:
            replaced.append(ids[i])
            i += 1
    return replaced
