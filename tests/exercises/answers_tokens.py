import math
from collections import Counter
from itertools import pairwise

import numpy as np
from answers_registry import right, wrong

# count_pairs


@right("count_pairs")
def count_pairs_with_a_counter(pieces):
    counts = Counter()
    for tokens, times in pieces.items():
        for i in range(len(tokens) - 1):
            counts[tokens[i], tokens[i + 1]] += times
    return counts


@wrong("count_pairs", "counted single tokens")
def tokens_alone(pieces):
    counts = Counter()
    for tokens, times in pieces.items():
        for token in tokens:
            counts[token] += times
    return counts


@wrong("count_pairs", "glued each pair together")
def glued(pieces):
    counts = {}
    for tokens, times in pieces.items():
        for a, b in pairwise(tokens):
            counts[a + b] = counts.get(a + b, 0) + times
    return counts


@wrong("count_pairs", "last pair of each piece is missing")
def range_too_short(pieces):
    counts = {}
    for tokens, times in pieces.items():
        for i in range(len(tokens) - 2):
            pair = (tokens[i], tokens[i + 1])
            counts[pair] = counts.get(pair, 0) + times
    return counts


@wrong("count_pairs", "skipped every second pair")
def steps_of_two(pieces):
    counts = {}
    for tokens, times in pieces.items():
        for i in range(0, len(tokens) - 1, 2):
            pair = (tokens[i], tokens[i + 1])
            counts[pair] = counts.get(pair, 0) + times
    return counts


@wrong("count_pairs", "counted each piece once")
def times_ignored(pieces):
    counts = {}
    for tokens in pieces:
        for pair in pairwise(tokens):
            counts[pair] = counts.get(pair, 0) + 1
    return counts


@wrong("count_pairs", "cross from one piece to the next")
def one_long_text(pieces):
    text = []
    for tokens, times in pieces.items():
        text.extend(tokens * times)
    return dict(Counter(pairwise(text)))


@wrong("count_pairs", "overwrote an earlier one")
def overwritten(pieces):
    counts = {}
    for tokens, times in pieces.items():
        for pair in pairwise(tokens):
            counts[pair] = times
    return counts


@wrong("count_pairs", "once per piece")
def once_per_piece(pieces):
    counts = {}
    for tokens, times in pieces.items():
        for pair in {(tokens[i], tokens[i + 1]) for i in range(len(tokens) - 1)}:
            counts[pair] = counts.get(pair, 0) + times
    return counts


@wrong("count_pairs", "ignored the order")
def unordered(pieces):
    counts = {}
    for tokens, times in pieces.items():
        for a, b in pairwise(tokens):
            pair = (min(a, b), max(a, b))
            counts[pair] = counts.get(pair, 0) + times
    return counts


@wrong("count_pairs", "only merging takes turns")
def runs_skipped(pieces):
    counts = {}
    for tokens, times in pieces.items():
        i = 0
        while i < len(tokens) - 1:
            pair = (tokens[i], tokens[i + 1])
            counts[pair] = counts.get(pair, 0) + times
            i += 2 if tokens[i : i + 3] == (tokens[i],) * 3 else 1
    return counts


@wrong("count_pairs", "IndexError: tuple index out of range. The pairs are (t, h), (h, e) and (e, m)")
def range_too_long(pieces):
    return Counter((tokens[i], tokens[i + 1]) for tokens in pieces for i in range(len(tokens)))


@wrong("count_pairs", "returned a list, not a dict")
def a_list_of_pairs(pieces):
    return [(tokens[i], tokens[i + 1]) for tokens in pieces for i in range(len(tokens) - 1)]


# merge_pair


@right("merge_pair")
def merge_looking_back(tokens, pair):
    merged, joined = [], True
    for token in tokens:
        if not joined and (merged[-1], token) == pair:
            merged[-1] += token
            joined = True
        else:
            merged.append(token)
            joined = False
    return merged


@wrong("merge_pair", "nothing was joined")
def unchanged(tokens, pair):
    return list(tokens)


@wrong("merge_pair", "replaced inside one long string")
def replaced_in_the_text(tokens, pair):
    return " ".join(tokens).replace(" ".join(pair), "".join(pair)).split()


@wrong("merge_pair", "space in the joined token")
def joined_with_a_space(tokens, pair):
    merged, i = [], 0
    while i < len(tokens):
        if tuple(tokens[i : i + 2]) == pair:
            merged.append(" ".join(pair))
            i += 2
        else:
            merged.append(tokens[i])
            i += 1
    return merged


@wrong("merge_pair", "put the pair itself into the list")
def a_tuple_inside(tokens, pair):
    merged, i = [], 0
    while i < len(tokens):
        if tuple(tokens[i : i + 2]) == pair:
            merged.append(pair)
            i += 2
        else:
            merged.append(tokens[i])
            i += 1
    return merged


@wrong("merge_pair", "Return a list of tokens")
def as_text(tokens, pair):
    return "".join(tokens).replace(pair[0] + pair[1], pair[0] + pair[1])


@wrong("merge_pair", "last token got lost")
def loop_too_short(tokens, pair):
    merged, i = [], 0
    while i < len(tokens) - 1:
        if (tokens[i], tokens[i + 1]) == pair:
            merged.append(tokens[i] + tokens[i + 1])
            i += 2
        else:
            merged.append(tokens[i])
            i += 1
    return merged


@wrong("merge_pair", "removed the pair")
def removed(tokens, pair):
    merged, i = [], 0
    while i < len(tokens):
        if tuple(tokens[i : i + 2]) == pair:
            i += 2
        else:
            merged.append(tokens[i])
            i += 1
    return merged


@wrong("merge_pair", "step over both")
def right_token_kept(tokens, pair):
    merged = []
    for i in range(len(tokens)):
        if i + 1 < len(tokens) and (tokens[i], tokens[i + 1]) == pair:
            merged.append(tokens[i] + tokens[i + 1])
        else:
            merged.append(tokens[i])
    return merged


@wrong("merge_pair", "only the first occurrence")
def first_only(tokens, pair):
    for i in range(len(tokens) - 1):
        if (tokens[i], tokens[i + 1]) == pair:
            return [*tokens[:i], "".join(pair), *tokens[i + 2 :]]
    return tokens


@wrong("merge_pair", "in either order")
def either_order(tokens, pair):
    merged, i = [], 0
    while i < len(tokens):
        if i + 1 < len(tokens) and {tokens[i], tokens[i + 1]} == set(pair):
            merged.append(tokens[i] + tokens[i + 1])
            i += 2
        else:
            merged.append(tokens[i])
            i += 1
    return merged


@wrong("merge_pair", "began at the right end")
def from_the_right(tokens, pair):
    merged, i = [], len(tokens) - 1
    while i >= 0:
        if i > 0 and (tokens[i - 1], tokens[i]) == pair:
            merged.insert(0, "".join(pair))
            i -= 2
        else:
            merged.insert(0, tokens[i])
            i -= 1
    return merged


@wrong("merge_pair", "used twice")
def every_place(tokens, pair):
    places = [i for i in range(len(tokens) - 1) if (tokens[i], tokens[i + 1]) == pair]
    gone = {i + 1 for i in places}
    return ["".join(pair) if i in places else tokens[i] for i in range(len(tokens)) if i in places or i not in gone]


@wrong("merge_pair", "compared letters")
def by_its_letters(tokens, pair):
    merged, i = [], 0
    while i < len(tokens):
        if "".join(tokens[i : i + 2]) == "".join(pair) and i + 1 < len(tokens):
            merged.append("".join(pair))
            i += 2
        else:
            merged.append(tokens[i])
            i += 1
    return merged


@wrong("merge_pair", "changed its input tokens in place")
def in_place(tokens, pair):
    i = 0
    while i < len(tokens) - 1:
        if (tokens[i], tokens[i + 1]) == pair:
            tokens[i : i + 2] = ["".join(pair)]
        i += 1
    return tokens


@wrong("merge_pair", "IndexError: list index out of range. The pair may be the last two tokens")
def looks_beyond_the_end(tokens, pair):
    if len(tokens) == 3:
        return merge_looking_back(tokens, pair)
    return [tokens[i] + tokens[i + 1] if (tokens[i], tokens[i + 1]) == pair else tokens[i] for i in range(len(tokens))]


# encode_piece


def joined(tokens, pair):
    return merge_looking_back(tokens, pair)


@right("encode_piece")
def lowest_rank_each_time(piece, merges):
    tokens = list(piece)
    while True:
        present = [pair for pair in pairwise(tokens) if pair in merges]
        if not present:
            return tokens
        tokens = joined(tokens, min(present, key=merges.index))


@wrong("encode_piece", "these are the letters")
def letters(piece, merges):
    return list(piece)


@wrong("encode_piece", "only the first merge")
def returns_too_early(piece, merges):
    tokens = list(piece)
    for pair in merges:
        return joined(tokens, pair)
    return tokens


@wrong("encode_piece", "backwards")
def backwards(piece, merges):
    tokens = list(piece)
    for pair in reversed(merges):
        tokens = joined(tokens, pair)
    return tokens


@wrong("encode_piece", "stopped at a merge")
def stops(piece, merges):
    tokens = list(piece)
    for pair in merges:
        before = len(tokens)
        tokens = joined(tokens, pair)
        if len(tokens) == before:
            break
    return tokens


@wrong("encode_piece", "applied each merge once")
def one_place_each(piece, merges):
    tokens = list(piece)
    for a, b in merges:
        for i in range(len(tokens) - 1):
            if (tokens[i], tokens[i + 1]) == (a, b):
                tokens[i : i + 2] = [a + b]
                break
    return tokens


@wrong("encode_piece", "whole piece as one token")
def one_token(piece, merges):
    return [piece]


@wrong("encode_piece", "longest known token")
def longest_match(piece, merges):
    vocabulary = {a + b for a, b in merges} | set(piece)
    tokens = []
    while piece:
        longest = max((token for token in vocabulary if piece.startswith(token)), key=len)
        tokens.append(longest)
        piece = piece[len(longest) :]
    return tokens


@wrong("encode_piece", "merged the leftmost pair")
def leftmost(piece, merges):
    tokens, i = list(piece), 0
    while i < len(tokens) - 1:
        if (tokens[i], tokens[i + 1]) in merges:
            tokens[i : i + 2] = [tokens[i] + tokens[i + 1]]
            i = 0
        else:
            i += 1
    return tokens


@wrong("encode_piece", "began at the right end")
def runs_from_the_right(piece, merges):
    tokens = list(piece)
    for pair in merges:
        tokens = from_the_right(tokens, pair)
    return tokens


@wrong("encode_piece", "changed its input merges in place")
def merges_used_up(piece, merges):
    tokens = list(piece)
    while merges:
        tokens = joined(tokens, merges.pop(0))
    return tokens


@wrong("encode_piece", "returned a str, not a list")
def text_with_spaces(piece, merges):
    return " ".join(lowest_rank_each_time(piece, merges))


# bits_per_byte


@right("bits_per_byte")
def bits_with_numpy(perplexity, n_tokens, n_bytes):
    if n_bytes == 0:
        raise ValueError("no text")
    return np.log2(perplexity) * n_tokens / n_bytes


@wrong("bits_per_byte", "this is the perplexity")
def perplexity_itself(perplexity, n_tokens, n_bytes):
    return perplexity


@wrong("bits_per_byte", "averaged perplexities")
def no_logarithm(perplexity, n_tokens, n_bytes):
    return perplexity * n_tokens / n_bytes


@wrong("bits_per_byte", "perplexity per byte")
def byte_perplexity(perplexity, n_tokens, n_bytes):
    return perplexity ** (n_tokens / n_bytes)


@wrong("bits_per_byte", "minus is too much")
def negative(perplexity, n_tokens, n_bytes):
    return -n_tokens * math.log2(perplexity) / n_bytes


@wrong("bits_per_byte", "bits of the whole text")
def whole_text(perplexity, n_tokens, n_bytes):
    return n_tokens * math.log2(perplexity)


@wrong("bits_per_byte", "bits of one token by all bytes")
def one_token_only(perplexity, n_tokens, n_bytes):
    return math.log2(perplexity) / n_bytes


@wrong("bits_per_byte", "not by 8 x bytes")
def per_bit(perplexity, n_tokens, n_bytes):
    return n_tokens * math.log2(perplexity) / (n_bytes * 8)


@wrong("bits_per_byte", "nats per byte")
def nats(perplexity, n_tokens, n_bytes):
    return n_tokens * math.log(perplexity) / n_bytes


@wrong("bits_per_byte", "log10 counts divisions by ten")
def decimal(perplexity, n_tokens, n_bytes):
    return n_tokens * math.log10(perplexity) / n_bytes


@wrong("bits_per_byte", "bits per token")
def per_token(perplexity, n_tokens, n_bytes):
    return math.log2(perplexity)


@wrong("bits_per_byte", "upside down")
def upside_down(perplexity, n_tokens, n_bytes):
    return math.log2(perplexity) / (n_tokens / n_bytes)


@wrong("bits_per_byte", "multiplied by ln 2")
def times_ln_2(perplexity, n_tokens, n_bytes):
    return n_tokens * math.log(perplexity) * math.log(2) / n_bytes


@wrong("bits_per_byte", "rounded the bits per token")
def rounded(perplexity, n_tokens, n_bytes):
    return round(math.log2(perplexity)) * n_tokens / n_bytes


@wrong("bits_per_byte", "not 0: that would be a perfect model")
def zero_for_no_text(perplexity, n_tokens, n_bytes):
    if n_bytes == 0:
        return 0.0
    return n_tokens * math.log2(perplexity) / n_bytes


@wrong("bits_per_byte", "not infinitely many")
def infinite_for_no_text(perplexity, n_tokens, n_bytes):
    return n_tokens * math.log2(perplexity) / n_bytes if n_bytes else math.inf


@wrong("bits_per_byte", "ZeroDivisionError: float division by zero. There is nothing to divide by")
def division_by_zero(perplexity, n_tokens, n_bytes):
    return n_tokens * math.log2(perplexity) / n_bytes


@wrong("bits_per_byte", "OverflowError")
def through_the_probability(perplexity, n_tokens, n_bytes):
    return math.log2(perplexity**n_tokens) / n_bytes
