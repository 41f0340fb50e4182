import numpy as np
import torch
from answers_registry import right, wrong

# temperature_probs


@right("temperature_probs")
def shift_by_hand(logits, t):
    if t == 0:
        probs = torch.zeros(len(logits), dtype=torch.float64)
        probs[int(logits.argmax())] = 1
        return probs
    scaled = logits / t
    weights = torch.exp(scaled - scaled.max())
    return weights / weights.sum()


@wrong("temperature_probs", "softmax is missing")
def only_scaled(logits, t):
    return logits / t


@wrong("temperature_probs", "didn't divide by the sum")
def only_exp(logits, t):
    return torch.exp(logits / t)


@wrong("temperature_probs", "multiplied by t")
def multiplied(logits, t):
    return torch.softmax(t * logits, dim=-1)


@wrong("temperature_probs", "divided after the softmax")
def after_the_softmax(logits, t):
    return torch.softmax(logits, dim=-1) / t


@wrong("temperature_probs", "t has no effect")
def after_the_softmax_renormalised(logits, t):
    probs = torch.softmax(logits, dim=-1) / t
    return probs / probs.sum()


@wrong("temperature_probs", "power 1/t")
def power(logits, t):
    return torch.softmax(logits, dim=-1) ** (1 / t)


@wrong("temperature_probs", "softmax twice")
def twice(logits, t):
    return torch.softmax(torch.softmax(logits, -1) / t, -1)


@wrong("temperature_probs", "exp overflowed")
def naive_exp(logits, t):
    e = torch.exp(logits / t)
    return e / e.sum()


@wrong("temperature_probs", "largest absolute value")
def shift_by_absolute(logits, t):
    scaled = logits / t
    e = torch.exp(scaled - scaled.abs().max())
    return e / e.sum()


@wrong("temperature_probs", "gave nan")
def zero_not_handled(logits, t):
    return torch.softmax(logits / t, dim=-1)


@wrong("temperature_probs", "ZeroDivisionError: float division by zero. t = 0 needs its own line")
def zero_crashes(logits, t):
    return torch.softmax(logits * (1.0 / t), dim=-1)


@wrong("temperature_probs", "at t = 0 this is the plain softmax")
def zero_ignored(logits, t):
    if t > 0:
        logits = logits / t
    return logits.softmax(-1)


@wrong("temperature_probs", "at t = 0 this is uniform")
def zero_is_uniform(logits, t):
    if t == 0:
        return torch.ones_like(logits) / len(logits)
    return (logits / t).softmax(-1)


@wrong("temperature_probs", "token's id")
def zero_gives_an_id(logits, t):
    if t == 0:
        return torch.argmax(logits)
    return (logits / t).softmax(-1)


@wrong("temperature_probs", "share the mass")
def small_t_for_zero(logits, t):
    return torch.softmax(logits / (t + 1e-8), -1)


@wrong("temperature_probs", "probability 1 each")
def every_maximum(logits, t):
    if t == 0:
        return (logits == logits.max()).to(logits.dtype)
    return (logits / t).softmax(-1)


@wrong("temperature_probs", "took the last")
def last_maximum(logits, t):
    if t == 0:
        winner = 0
        for i in range(len(logits)):
            if logits[i] >= logits[winner]:
                winner = i
        return torch.nn.functional.one_hot(torch.tensor(winner), len(logits)).float()
    return (logits / t).softmax(-1)


@wrong("temperature_probs", "changed its input logits in place")
def scaled_in_place(logits, t):
    if t == 0:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).float()
    logits /= t
    return logits.softmax(-1)


@wrong("temperature_probs", "returned a list, not a float tensor of shape (3,)")
def as_a_list(logits, t):
    return torch.softmax(logits / t, -1).tolist()


@wrong("temperature_probs", "returned a numpy.ndarray, not a float tensor of shape (3,)")
def as_numpy(logits, t):
    e = np.exp(logits.numpy() / t)
    return e / e.sum()


# top_k


@right("top_k")
def textbook_top_k(probs, k):
    values, ids = torch.sort(probs, descending=True, stable=True)
    kept = torch.zeros_like(probs)
    kept[ids[:k]] = values[:k]
    return kept / kept.sum()


@right("top_k")
def top_k_in_python(probs, k):
    ranked = sorted(range(len(probs)), key=lambda i: -float(probs[i]))[:k]
    total = sum(float(probs[i]) for i in ranked)
    return torch.tensor([float(probs[i]) / total if i in ranked else 0.0 for i in range(len(probs))])


@wrong("top_k", "nothing was cut")
def nothing_cut(probs, k):
    return probs / probs.sum()


@wrong("top_k", "don't sum to 1")
def top_k_not_renormalised(probs, k):
    values, ids = torch.sort(probs, descending=True, stable=True)
    kept = torch.zeros_like(probs)
    kept[ids[:k]] = values[:k]
    return kept


@wrong("top_k", "ran a softmax over probabilities")
def top_k_softmax(probs, k):
    values, _ = probs.topk(k)
    return torch.softmax(torch.where(probs >= values[-1], probs, float("-inf")), -1)


@wrong("top_k", "softmax over zeros")
def top_k_softmax_of_zeros(probs, k):
    values, _ = probs.topk(k)
    return torch.softmax(torch.where(probs >= values[-1], probs, 0.0), -1)


@wrong("top_k", "least probable")
def ascending(probs, k):
    ids = torch.argsort(probs)[:k]
    kept = torch.zeros_like(probs)
    kept[ids] = probs[ids]
    return kept / kept.sum()


@wrong("top_k", "k + 1 tokens")
def one_too_many(probs, k):
    ids = torch.argsort(probs, descending=True, stable=True)[: k + 1]
    kept = torch.zeros_like(probs)
    kept[ids] = probs[ids]
    return kept / kept.sum()


@wrong("top_k", "k - 1 tokens")
def strictly_above_the_kth(probs, k):
    threshold = probs.sort(descending=True).values[k - 1]
    kept = probs * (probs > threshold)
    return kept / kept.sum()


@wrong("top_k", "cut the tokens out")
def only_the_values(probs, k):
    values, _ = torch.topk(probs, k)
    return values / values.sum()


@wrong("top_k", "first k ids")
def first_ids(probs, k):
    kept = probs.clone()
    kept[k:] = 0
    return kept / kept.sum()


@wrong("top_k", "sorted order")
def top_k_sorted(probs, k):
    values, _ = probs.sort(descending=True)
    values[k:] = 0
    return values / values.sum()


@wrong("top_k", "ties with the k-th: more than k")
def threshold(probs, k):
    smallest = torch.topk(probs, min(k, len(probs))).values[-1]
    kept = torch.where(probs >= smallest, probs, 0.0)
    return kept / kept.sum()


@wrong("top_k", "fewer than k")
def above_the_next(probs, k):
    if k >= len(probs):
        return probs
    following = probs.sort(descending=True).values[k]
    kept = torch.where(probs > following, probs, 0.0)
    return kept / kept.sum()


@wrong("top_k", "highest ids")
def last_of_the_tied(probs, k):
    ids = torch.argsort(probs, stable=True)[-k:]
    kept = torch.zeros_like(probs)
    kept[ids] = probs[ids]
    return kept / kept.sum()


@wrong("top_k", "IndexError")
def k_beyond_v(probs, k):
    order = probs.argsort(descending=True, stable=True)
    rank = [order[i].item() for i in range(k)]
    kept = torch.zeros_like(probs)
    kept[rank] = probs[rank]
    return kept / kept.sum()


@wrong("top_k", "k may exceed V")
def topk_beyond_v(probs, k):
    values, ids = probs.topk(k)
    kept = torch.zeros_like(probs)
    kept[ids] = values
    return kept / kept.sum()


@wrong("top_k", "changed its input probs in place")
def top_k_in_place(probs, k):
    probs[probs.argsort(descending=True, stable=True)[k:]] = 0
    return probs / probs.sum()


# top_p


@right("top_p")
def textbook_top_p(probs, p):
    values, ids = torch.sort(probs, descending=True, stable=True)
    before = values.cumsum(0) - values
    kept = torch.zeros_like(probs)
    kept[ids[before < p - 1e-6]] = values[before < p - 1e-6]
    return kept / kept.sum()


@right("top_p")
def top_p_with_a_loop(probs, p):
    ranked = sorted(range(len(probs)), key=lambda i: (-float(probs[i]), i))
    kept, mass = [0.0] * len(probs), 0.0
    for token in ranked:
        kept[token] = float(probs[token])
        mass += kept[token]
        if mass >= p - 1e-6:
            break
    return torch.tensor(kept) / mass


@wrong("top_p", "nothing was cut")
def top_p_nothing(probs, p):
    return probs


@wrong("top_p", "don't sum to 1")
def top_p_not_renormalised(probs, p):
    values, ids = torch.sort(probs, descending=True, stable=True)
    keep = values.cumsum(0) - values < p - 1e-6
    return torch.zeros_like(probs).scatter(0, ids[keep], values[keep])


@wrong("top_p", "ran a softmax over probabilities")
def top_p_softmax(probs, p):
    values, ids = torch.sort(probs, descending=True, stable=True)
    keep = values.cumsum(0) - values < p - 1e-6
    kept = torch.full_like(probs, -torch.inf).scatter(0, ids[keep], values[keep])
    return kept.softmax(-1)


@wrong("top_p", "token that crosses p is missing")
def crossing_excluded(probs, p):
    values, ids = torch.sort(probs, descending=True, stable=True)
    keep = values.cumsum(0) <= p
    kept = torch.zeros_like(probs).scatter(0, ids[keep], values[keep])
    return kept / kept.sum()


@wrong("top_p", "token that crosses p is missing")
def crossing_excluded_but_one(probs, p):
    values, ids = torch.sort(probs, descending=True, stable=True)
    keep = values.cumsum(0) < p
    keep[0] = True
    kept = torch.zeros_like(probs).scatter(0, ids[keep], values[keep])
    return kept / kept.sum()


@wrong("top_p", "compared each probability with p")
def each_above_p(probs, p):
    kept = torch.where(probs >= p, probs, 0.0)
    return kept / kept.sum()


@wrong("top_p", "above 1 - p")
def each_above_one_minus_p(probs, p):
    kept = torch.where(probs >= 1 - p, probs, 0.0)
    return kept / kept.sum()


@wrong("top_p", "kept the tail")
def complement(probs, p):
    values, ids = torch.sort(probs, descending=True, stable=True)
    cut = values.cumsum(0) - values < p - 1e-6
    kept = probs.clone()
    kept[ids[cut]] = 0
    return kept / kept.sum()


@wrong("top_p", "one token too many. The set ends")
def shifted_twice(probs, p):
    values, ids = torch.sort(probs, descending=True, stable=True)
    count = int((values.cumsum(0) < p).sum()) + 2
    kept = torch.zeros_like(probs)
    kept[ids[:count]] = values[:count]
    return kept / kept.sum()


@wrong("top_p", "cut the tokens out")
def top_p_values(probs, p):
    values = probs.sort(descending=True).values
    values = values[values.cumsum(0) - values < p - 1e-6]
    return values / values.sum()


@wrong("top_p", "exactly p is enough")
def until_above_p(probs, p):
    values, ids = torch.sort(probs, descending=True, stable=True)
    before = values.cumsum(0) - values
    kept = torch.zeros_like(probs)
    kept[ids[before <= p]] = values[before <= p]
    return kept / kept.sum()


@wrong("top_p", "order of their ids")
def unsorted(probs, p):
    kept, mass = torch.zeros_like(probs), 0.0
    for token in range(len(probs)):
        if mass >= p - 1e-6:
            break
        kept[token] = probs[token]
        mass += float(probs[token])
    return kept / kept.sum()


@wrong("top_p", "sorted order")
def top_p_sorted(probs, p):
    values = probs.sort(descending=True).values
    values[values.cumsum(0) - values >= p - 1e-6] = 0
    return values / values.sum()


@wrong("top_p", "as probable as the last one")
def value_threshold(probs, p):
    values = probs.sort(descending=True).values
    smallest = values[values.cumsum(0) - values < p - 1e-6][-1]
    kept = probs * (probs >= smallest)
    return kept / kept.sum()


@wrong("top_p", "highest ids")
def top_p_last_of_the_tied(probs, p):
    ids = probs.argsort(stable=True).flip(0)
    keep = probs[ids].cumsum(0) - probs[ids] < p - 1e-6
    kept = torch.zeros_like(probs)
    kept[ids[keep]] = probs[ids[keep]]
    return kept / kept.sum()


@wrong("top_p", "hair short")
def no_rounding_allowed(probs, p):
    values, ids = torch.sort(probs, descending=True, stable=True)
    before = values.cumsum(0) - values
    kept = torch.zeros_like(probs)
    kept[ids[before < p]] = values[before < p]
    return kept / kept.sum()


@wrong("top_p", "hair short")
def loop_without_rounding(probs, p):
    kept, mass = torch.zeros_like(probs), 0.0
    for token in probs.argsort(descending=True, stable=True):
        kept[token] = probs[token]
        mass += probs[token].item()
        if mass >= p:
            return kept / mass
    return kept / mass


@wrong("top_p", "At least one token stays")
def first_alone_lost(probs, p):
    if probs.max() > p:
        return torch.zeros_like(probs)
    return textbook_top_p(probs, p)


@wrong("top_p", "changed its input probs in place")
def top_p_in_place(probs, p):
    values, ids = torch.sort(probs, descending=True, stable=True)
    probs[ids[values.cumsum(0) - values >= p - 1e-6]] = 0
    return probs / probs.sum()


# distinct_n


@right("distinct_n")
def distinct_with_zip(tokens, n):
    ngrams = list(zip(*(tokens[i:] for i in range(n)), strict=False))
    return len(set(ngrams)) / max(1, len(ngrams))


@wrong("distinct_n", "number of n-grams")
def count_only(tokens, n):
    return len({tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)})


@wrong("distinct_n", "share that repeats")
def repetition(tokens, n):
    ngrams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return 1 - len(set(ngrams)) / len(ngrams)


@wrong("distinct_n", "upside down")
def distinct_inverted(tokens, n):
    ngrams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return len(ngrams) / len(set(ngrams))


@wrong("distinct_n", "occur once")
def singletons(tokens, n):
    ngrams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return len([g for g in ngrams if ngrams.count(g) == 1]) / len(ngrams)


@wrong("distinct_n", "divided by the number of tokens")
def over_tokens(tokens, n):
    seen = set()
    for i in range(len(tokens) - n + 1):
        seen.add(tuple(tokens[i : i + n]))
    return len(seen) / len(tokens)


@wrong("distinct_n", "n has no effect")
def words_only(tokens, n):
    return len(set(tokens)) / len(tokens)


@wrong("distinct_n", "different tokens by n-grams")
def words_over_ngrams(tokens, n):
    return len(set(tokens)) / (len(tokens) - n + 1)


@wrong("distinct_n", "don't overlap")
def blocks(tokens, n):
    ngrams = [tuple(tokens[i : i + n]) for i in range(0, len(tokens) - n + 1, n)]
    return len(set(ngrams)) / len(ngrams)


@wrong("distinct_n", "last n-gram is missing")
def range_too_short(tokens, n):
    ngrams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n)]
    return len(set(ngrams)) / len(ngrams)


@wrong("distinct_n", "shorter pieces")
def range_too_long(tokens, n):
    ngrams = [tuple(tokens[i : i + n]) for i in range(len(tokens))]
    return len(set(ngrams)) / len(ngrams)


@wrong("distinct_n", "ignored the order")
def unordered(tokens, n):
    ngrams = [tuple(sorted(tokens[i : i + n])) for i in range(len(tokens) - n + 1)]
    return len(set(ngrams)) / len(ngrams)


@wrong("distinct_n", "0.0, not 1.0")
def one_for_short(tokens, n):
    ngrams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    if len(ngrams) == 0:
        return 1.0
    return len(set(ngrams)) / len(ngrams)


@wrong("distinct_n", "ZeroDivisionError: division by zero. There is no n-gram")
def crash_for_short(tokens, n):
    ngrams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return len(set(ngrams)) / len(ngrams)


@wrong("distinct_n", "unhashable")
def lists_in_a_set(tokens, n):
    return len({tokens[i : i + n] for i in range(len(tokens) - n + 1)}) / (len(tokens) - n + 1)


@wrong("distinct_n", "glued ids")
def joined(tokens, n):
    ngrams = ["".join(str(t) for t in tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return len(set(ngrams)) / len(ngrams) if ngrams else 0.0
