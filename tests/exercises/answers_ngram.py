import math
from collections import Counter, defaultdict
from itertools import chain, pairwise

import numpy as np
from answers_registry import right, wrong


def pairs(sentence):
    marked = ["<s>", *sentence, "</s>"]
    return [(marked[i], marked[i + 1]) for i in range(len(marked) - 1)]


def divided(counts):
    return {context: {w: n / sum(row.values()) for w, n in row.items()} for context, row in counts.items()}


def rows(all_pairs):
    counts = defaultdict(Counter)
    for context, word in all_pairs:
        counts[context][word] += 1
    return counts


# bigram_probs


@right("bigram_probs")
def pair_count_over_context_count(sentences):
    both, context = Counter(), Counter()
    for sentence in sentences:
        both.update(pairs(sentence))
        context.update(first for first, _ in pairs(sentence))
    probs = {}
    for (first, second), n in both.items():
        probs.setdefault(first, {})[second] = n / context[first]
    return probs


@right("bigram_probs")
def with_numpy_numbers(sentences):
    counts = rows(pair for sentence in sentences for pair in pairs(sentence))
    return {c: {w: np.float64(n) / sum(row.values()) for w, n in row.items()} for c, row in counts.items()}


@wrong("bigram_probs", "number of all pairs")
def joint_probability(sentences):
    counts = rows(pair for sentence in sentences for pair in pairs(sentence))
    n_pairs = sum(len(sentence) + 1 for sentence in sentences)
    return {c: {w: n / n_pairs for w, n in row.items()} for c, row in counts.items()}


@wrong("bigram_probs", "these are counts")
def only_counted(sentences):
    return rows(pair for sentence in sentences for pair in pairs(sentence))


@wrong("bigram_probs", "both markers are missing")
def no_markers(sentences):
    return divided(rows(pair for sentence in sentences for pair in pairs(sentence)[1:-1]))


@wrong("bigram_probs", "<s> is missing")
def no_start(sentences):
    return divided(rows(pair for sentence in sentences for pair in pairs(sentence)[1:]))


@wrong("bigram_probs", "</s> is missing")
def no_end(sentences):
    return divided(rows(pair for sentence in sentences for pair in pairs(sentence)[:-1]))


@wrong("bigram_probs", "your keys are pairs")
def flat_dict(sentences):
    both, context = Counter(), Counter()
    for sentence in sentences:
        both.update(pairs(sentence))
        context.update(first for first, _ in pairs(sentence))
    return {pair: n / context[pair[0]] for pair, n in both.items()}


@wrong("bigram_probs", "crosses from one sentence into the next")
def one_marked_stream(sentences):
    stream = [word for sentence in sentences for word in ("<s>", *sentence, "</s>")]
    return divided(rows(pairwise(stream)))


@wrong("bigram_probs", "glued the sentences together")
def one_long_text(sentences):
    return divided(rows(pairs([word for sentence in sentences for word in sentence])))


@wrong("bigram_probs", "divided by the number of sentences")
def over_sentences(sentences):
    counts = rows(pair for sentence in sentences for pair in pairs(sentence))
    return {c: {w: n / len(sentences) for w, n in row.items()} for c, row in counts.items()}


@wrong("bigram_probs", "number of different words")
def over_different_words(sentences):
    counts = rows(pair for sentence in sentences for pair in pairs(sentence))
    return {c: {w: n / len(row) for w, n in row.items()} for c, row in counts.items()}


@wrong("bigram_probs", "each pair counts once")
def repeats_forgotten(sentences):
    return divided(rows({pair for sentence in sentences for pair in pairs(sentence)}))


@wrong("bigram_probs", "count of the second word")
def wrong_way_round(sentences):
    both = Counter(pair for sentence in sentences for pair in pairs(sentence))
    second = Counter()
    for (_, word), n in both.items():
        second[word] += n
    probs = defaultdict(dict)
    for (context, word), n in both.items():
        probs[context][word] = n / second[word]
    return probs


@wrong("bigram_probs", "don't overlap")
def disjoint_pairs(sentences):
    return divided(rows(pair for sentence in sentences for pair in pairs(sentence)[::2]))


@wrong("bigram_probs", "you rounded")
def rounded(sentences):
    probs = pair_count_over_context_count(sentences)
    return {c: {w: float(f"{p:.2f}") for w, p in row.items()} for c, row in probs.items()}


@wrong("bigram_probs", "left out the empty sentence")
def empty_skipped(sentences):
    return divided(rows(pair for sentence in sentences if len(sentence) > 0 for pair in pairs(sentence)))


@wrong("bigram_probs", "changed its input sentences in place")
def markers_put_into_the_input(sentences):
    for sentence in sentences:
        sentence.insert(0, "<s>")
        sentence.append("</s>")
    return divided(rows(pair for s in sentences for pair in pairwise(s)))


@wrong("bigram_probs", "IndexError: list index out of range. An empty sentence has one pair")
def first_word_by_index(sentences):
    all_pairs = []
    for sentence in sentences:
        all_pairs.append(("<s>", sentence[0]))
        all_pairs += pairs(sentence)[1:]
    return divided(rows(all_pairs))


# add_k_probs


@right("add_k_probs")
def counts_filled_up_first(counts, vocabulary, k):
    added = {word: k for word in vocabulary}
    for word, n in counts.items():
        added[word] += n
    return {word: n / sum(added.values()) for word, n in added.items()}


@right("add_k_probs")
def as_a_mixture(counts, vocabulary, k):
    total, v = sum(counts.values()), len(vocabulary)
    keep = total / (total + k * v)
    return {w: keep * (counts.get(w, 0) / total if total else 0) + (1 - keep) / v for w in vocabulary}


@wrong("add_k_probs", "nothing was added")
def plain_mle(counts, vocabulary, k):
    return {word: counts.get(word, 0) / sum(counts.values()) for word in vocabulary}


@wrong("add_k_probs", "above but not below the line")
def total_forgotten(counts, vocabulary, k):
    return {word: (counts.get(word, 0) + k) / sum(counts.values()) for word in vocabulary}


@wrong("add_k_probs", "below but nothing above")
def count_forgotten(counts, vocabulary, k):
    return {word: counts.get(word, 0) / (sum(counts.values()) + k * len(vocabulary)) for word in vocabulary}


@wrong("add_k_probs", "the total grew by k.")
def total_plus_k(counts, vocabulary, k):
    return {word: (counts.get(word, 0) + k) / (sum(counts.values()) + k) for word in vocabulary}


@wrong("add_k_probs", "number of words that were seen")
def v_is_what_was_seen(counts, vocabulary, k):
    return {word: (counts.get(word, 0) + k) / (sum(counts.values()) + k * len(counts)) for word in vocabulary}


@wrong("add_k_probs", "these are counts")
def not_normalised(counts, vocabulary, k):
    return {word: counts.get(word, 0) + k for word in vocabulary}


@wrong("add_k_probs", "words without a count are missing")
def only_the_seen(counts, vocabulary, k):
    total = sum(counts.values()) + k * len(vocabulary)
    return {word: (n + k) / total for word, n in counts.items()}


@wrong("add_k_probs", "unseen words still have 0")
def zero_stays_zero(counts, vocabulary, k):
    total = sum(counts.values()) + k * len(vocabulary)
    return {word: (counts[word] + k) / total if counts.get(word) else 0 for word in vocabulary}


@wrong("add_k_probs", "unseen words only. It is added to every count, or the sum")
def unseen_get_k(counts, vocabulary, k):
    total = sum(counts.values()) + k * len(vocabulary)
    return {word: counts.get(word, k) / total for word in vocabulary}


@wrong("add_k_probs", "unseen words only. It is added to every count.")
def unseen_get_k_renormalised(counts, vocabulary, k):
    added = {word: counts.get(word, k) for word in vocabulary}
    return {word: n / sum(added.values()) for word, n in added.items()}


@wrong("add_k_probs", "shared one k among all")
def one_k_for_all(counts, vocabulary, k):
    total = sum(counts.values()) + k
    return {word: (counts.get(word, 0) + k / len(vocabulary)) / total for word in vocabulary}


@wrong("add_k_probs", "added 1 whatever k is")
def laplace(counts, vocabulary, k):
    return {word: (counts.get(word, 0) + 1) / (sum(counts.values()) + len(vocabulary)) for word in vocabulary}


@wrong("add_k_probs", "the total grew by V")
def total_plus_v(counts, vocabulary, k):
    return {word: (counts.get(word, 0) + k) / (sum(counts.values()) + len(vocabulary)) for word in vocabulary}


@wrong("add_k_probs", "you gave every word 0")
def nothing_after_an_unseen_context(counts, vocabulary, k):
    if not counts:
        return {word: 0 for word in vocabulary}
    return counts_filled_up_first(counts, vocabulary, k)


@wrong("add_k_probs", "you returned nothing")
def empty_after_an_unseen_context(counts, vocabulary, k):
    return counts_filled_up_first(counts, vocabulary, k) if counts else {}


@wrong("add_k_probs", "took k = 0 for 1")
def zero_is_false(counts, vocabulary, k):
    return counts_filled_up_first(counts, vocabulary, k or 1)


@wrong("add_k_probs", "KeyError: 'dog'. Add k to each count")
def no_get(counts, vocabulary, k):
    total = sum(counts.values()) + k * len(vocabulary)
    return {word: (counts[word] + k) / total for word in vocabulary}


@wrong("add_k_probs", "changed its input counts in place")
def counts_in_place(counts, vocabulary, k):
    for word in vocabulary:
        counts[word] = counts.get(word, 0) + k
    return {word: n / sum(counts.values()) for word, n in counts.items()}


@wrong("add_k_probs", "returned a list, not a dict")
def list_of_probs(counts, vocabulary, k):
    return list(counts_filled_up_first(counts, vocabulary, k).values())


# corpus_perplexity


def pooled(sentence_probs):
    return np.array([p for sentence in sentence_probs for p in sentence])


@right("corpus_perplexity")
def two_to_the_cross_entropy(sentence_probs):
    total = tokens = 0
    for sentence in sentence_probs:
        for p in sentence:
            if p == 0:
                return float("inf")
            total -= math.log2(p)
            tokens += 1
    if tokens == 0:
        raise ValueError("no token")
    return 2 ** (total / tokens)


@right("corpus_perplexity")
def with_numpy(sentence_probs):
    if not any(sentence_probs):
        raise ValueError("no token")
    with np.errstate(divide="ignore"):
        return np.exp(-np.log(pooled(sentence_probs)).mean())


@wrong("corpus_perplexity", "cross-entropy in bits")
def bits_per_token(sentence_probs):
    return -np.log2(pooled(sentence_probs)).mean()


@wrong("corpus_perplexity", "cross-entropy in nats")
def nats_per_token(sentence_probs):
    return -np.log(pooled(sentence_probs)).mean()


@wrong("corpus_perplexity", "exp of bits")
def e_to_the_bits(sentence_probs):
    return math.exp(-np.log2(pooled(sentence_probs)).mean())


@wrong("corpus_perplexity", "2 to the power of nats")
def two_to_the_nats(sentence_probs):
    return 2 ** -np.log(pooled(sentence_probs)).mean()


@wrong("corpus_perplexity", "the minus is missing")
def no_minus(sentence_probs):
    return math.exp(np.log(pooled(sentence_probs)).mean())


@wrong("corpus_perplexity", "N-th root is missing")
def inverse_product(sentence_probs):
    return 1 / np.prod(pooled(sentence_probs))


@wrong("corpus_perplexity", "divided by the words without </s>")
def n_without_the_ends(sentence_probs):
    words = sum(len(sentence) - 1 for sentence in sentence_probs)
    return math.exp(-np.log(pooled(sentence_probs)).sum() / words)


@wrong("corpus_perplexity", "left out the last token of each sentence")
def ends_dropped(sentence_probs):
    kept = [p for sentence in sentence_probs for p in sentence[:-1]]
    return math.exp(-sum(math.log(p) for p in kept) / len(kept))


# the first probe can't tell these two from a right answer, the second can
@wrong("corpus_perplexity", "averaged 1 / p")
def mean_of_inverses(sentence_probs):
    return (1 / pooled(sentence_probs)).mean()


@wrong("corpus_perplexity", "averaged the probabilities")
def inverse_of_the_mean(sentence_probs):
    return 1 / pooled(sentence_probs).mean()


@wrong("corpus_perplexity", "mean of the sentences' perplexities")
def mean_perplexity(sentence_probs):
    return np.mean([np.prod(sentence) ** (-1 / len(sentence)) for sentence in sentence_probs])


@wrong("corpus_perplexity", "each sentence weighs the same")
def mean_of_means(sentence_probs):
    return math.exp(-np.mean([np.log(sentence).mean() for sentence in sentence_probs]))


@wrong("corpus_perplexity", "divided by the number of sentences")
def per_sentence(sentence_probs):
    return math.exp(-np.log(pooled(sentence_probs)).sum() / len(sentence_probs))


@wrong("corpus_perplexity", "fell to 0 in a float")
def nth_root_of_the_product(sentence_probs):
    probs = pooled(sentence_probs)
    with np.errstate(divide="ignore"):
        return np.prod(probs) ** (-1 / len(probs))


@wrong("corpus_perplexity", "ZeroDivisionError: float division by zero. 0.1 to the power of 400 is 0")
def nth_root_in_python(sentence_probs):
    probs = [p for sentence in sentence_probs for p in sentence]
    return (1 / math.prod(probs)) ** (1 / len(probs))


@wrong("corpus_perplexity", "left out the token with probability 0")
def zeros_skipped(sentence_probs):
    return two_to_the_cross_entropy([[p for p in sentence if p > 0] for sentence in sentence_probs])


@wrong("corpus_perplexity", "left out the sentence with probability 0")
def impossible_sentences_skipped(sentence_probs):
    return two_to_the_cross_entropy([sentence for sentence in sentence_probs if 0 not in sentence])


@wrong("corpus_perplexity", "One probability of 0 is enough")
def clipped_from_below(sentence_probs):
    return math.exp(-np.log(np.maximum(pooled(sentence_probs), 1e-12)).mean())


@wrong("corpus_perplexity", "ZeroDivisionError: division by zero. Without tokens there is no mean")
def empty_crashes(sentence_probs):
    probs = [p for sentence in sentence_probs for p in sentence]
    if 0 in probs:
        return math.inf
    return math.exp(-sum(map(math.log, probs)) / len(probs))


@wrong("corpus_perplexity", "Without tokens there is no mean: raise ValueError")
def empty_is_one(sentence_probs):
    return two_to_the_cross_entropy(sentence_probs) if any(sentence_probs) else 1.0


# continuation_probs


@right("continuation_probs")
def sets_of_left_neighbours(sentences):
    before = defaultdict(set)
    for sentence in sentences:
        for left, word in pairs(sentence):
            before[word].add(left)
    total = sum(len(lefts) for lefts in before.values())
    return {word: len(lefts) / total for word, lefts in before.items()}


@right("continuation_probs")
def count_each_new_pair(sentences):
    seen, probs = [], {}
    for sentence in sentences:
        for pair in pairs(sentence):
            if pair not in seen:
                seen.append(pair)
                probs[pair[1]] = probs.get(pair[1], 0) + 1
    for word in probs:
        probs[word] /= len(seen)
    return probs


@wrong("continuation_probs", "how often each word came")
def unigram_with_end(sentences):
    counts = Counter(word for sentence in sentences for word in [*sentence, "</s>"])
    return {word: n / sum(counts.values()) for word, n in counts.items()}


@wrong("continuation_probs", "relative frequencies of the words")
def unigram(sentences):
    counts = Counter(word for sentence in sentences for word in sentence)
    return {word: n / sum(counts.values()) for word, n in counts.items()}


@wrong("continuation_probs", "different words after each word")
def right_neighbours(sentences):
    after = defaultdict(set)
    for sentence in sentences:
        for word, following in pairs(sentence):
            after[word].add(following)
    total = sum(map(len, after.values()))
    return {word: len(words) / total for word, words in after.items()}


def lefts_of(all_pairs):
    return Counter(word for _, word in set(all_pairs))


@wrong("continuation_probs", "numbers of words")
def numbers_of_contexts(sentences):
    return lefts_of(pair for sentence in sentences for pair in pairs(sentence))


@wrong("continuation_probs", "<s> is missing")
def continuation_without_start(sentences):
    counts = lefts_of(pair for sentence in sentences for pair in pairs(sentence)[1:])
    return {word: n / sum(counts.values()) for word, n in counts.items()}


@wrong("continuation_probs", "</s> is missing")
def continuation_without_end(sentences):
    counts = lefts_of(pair for sentence in sentences for pair in pairs(sentence)[:-1])
    return {word: n / sum(counts.values()) for word, n in counts.items()}


@wrong("continuation_probs", "both markers are missing")
def continuation_without_markers(sentences):
    counts = lefts_of(pair for sentence in sentences for pair in pairs(sentence)[1:-1])
    return {word: n / sum(counts.values()) for word, n in counts.items()}


@wrong("continuation_probs", "number of different words")
def continuation_over_the_vocabulary(sentences):
    counts = lefts_of(pair for sentence in sentences for pair in pairs(sentence))
    return {word: n / len(counts) for word, n in counts.items()}


@wrong("continuation_probs", "<s> is never predicted")
def start_predicted(sentences):
    return {**sets_of_left_neighbours(sentences), "<s>": 0.0}


@wrong("continuation_probs", "all words got the same")
def uniform(sentences):
    words = {word for sentence in sentences for word in [*sentence, "</s>"]}
    return {word: 1 / len(words) for word in words}


@wrong("continuation_probs", "glued the sentences together")
def continuation_glued(sentences):
    return sets_of_left_neighbours([list(chain.from_iterable(sentences))])


@wrong("continuation_probs", "divided by all bigrams, repeats included")
def continuation_over_tokens(sentences):
    counts = lefts_of(pair for sentence in sentences for pair in pairs(sentence))
    return {word: n / sum(len(sentence) + 1 for sentence in sentences) for word, n in counts.items()}


@wrong("continuation_probs", "left out the empty sentence")
def continuation_of_words_only(sentences):
    return sets_of_left_neighbours([sentence for sentence in sentences if sentence])


@wrong("continuation_probs", "returned a list, not a dict")
def continuation_as_pairs(sentences):
    return list(sets_of_left_neighbours(sentences).items())


@wrong("continuation_probs", "changed its input sentences in place")
def continuation_in_place(sentences):
    for sentence in sentences:
        sentence.append("</s>")
    counts = lefts_of(pair for sentence in sentences for pair in pairs(sentence)[:-1])
    return {word: n / sum(counts.values()) for word, n in counts.items()}
