import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from verdicts import right, wrong

from course_utils.exercises import ngram as exercises
from course_utils.exercises.ngram.bigram_probs import pairs
from course_utils.ngram import NGramLM
from course_utils.ngram.counting import continuation_counts, count_ngrams
from course_utils.ngram.vocabulary import Vocabulary

sentences = st.lists(st.lists(st.sampled_from("abcd"), max_size=6), min_size=1, max_size=6).filter(any)


@right(exercises.bigram_probs)
def test_numpy_numbers_in_a_defaultdict(sentences):
    probs, contexts = defaultdict(dict), Counter(context for context, _ in pairs(sentences))
    for (context, word), count in Counter(pairs(sentences)).items():
        probs[context][word] = np.float64(count) / contexts[context]
    return probs


@right(exercises.add_k_probs)
def test_a_mixture(counts, vocabulary, k):
    total, v = sum(counts.values()), len(vocabulary)
    kept = total / (total + k * v)
    return {word: kept * counts.get(word, 0) / (total or 1) + (1 - kept) / v for word in vocabulary}


@right(exercises.corpus_perplexity)
def test_two_to_the_mean_with_numpy(sentence_probs):
    if not any(sentence_probs):
        raise ValueError("no token")
    with np.errstate(divide="ignore"):
        return 2 ** -np.log2(np.concatenate(sentence_probs)).mean()


@right(exercises.continuation_probs)
def test_sets_of_words_before(sentences):
    before = {word: {left for left, other in pairs(sentences) if other == word} for _, word in pairs(sentences)}
    return {word: len(lefts) / sum(map(len, before.values())) for word, lefts in before.items()}


test_clipped_from_below = wrong(exercises.corpus_perplexity, "One probability of 0 is enough")(
    lambda sentence_probs: math.exp(-np.log(np.maximum(np.concatenate(sentence_probs), 1e-12)).mean())
)


@right(exercises.continue_text)
def test_cumulative_sums_with_numpy(probs, order, prompt, points):
    words = list(prompt)
    for point in points:
        row = probs[tuple(["<s>", *words][-(order - 1) :]) if order > 1 else ()]
        word = [*row][int(np.searchsorted(np.cumsum([*row.values()]), point, side="right"))]
        if word == "</s>":
            return words
        words += [word]
    return words


test_twice_the_bernoulli_spread = right(exercises.counting_error)(
    lambda p, count: np.sqrt(np.var([0, 1]) * 4 * p * (1 - p) / count)
)


@right(exercises.depends_on_batches)
def test_two_cuts_are_enough(perplexity):
    a, b, c = [0.1], [0.2, 3.0, 0.7], [2.5, 0.3]
    return abs(perplexity([[a, b], [c]]) - perplexity([[a], [b, c]])) > 1e-6


test_only_the_first_batch_is_seen = wrong(exercises.depends_on_batches, "you found no function faulty")(
    lambda perplexity: perplexity([[[0.1], [2.0]]]) != perplexity([[[0.1], [2.0]]])
)


@right(exercises.discounted_prob)
def test_drop_words_until_something_was_seen(counts, word, context, discount):
    while context and not any(counts.get(context, {}).values()):
        context = context[1:]
    row, total = counts[context], sum(counts[context].values())
    if not context:
        return row[word] / total
    lower = exercises.discounted_prob.reference(counts, word, context[1:], discount)
    return max(row.get(word, 0) - discount, 0) / total + discount * len(row) / total * lower


@right(exercises.backoff_log10)
def test_a_loop_over_shorter_ngrams(table, words):
    total = 0.0
    while tuple(words) not in table:
        if len(words) == 1:
            return total + table[("<unk>",)][0]
        total += table.get(tuple(words[:-1]), (0, 0))[1]
        words = words[1:]
    return total + table[tuple(words)][0]


def test_the_laws_hold_when_they_are_measured():
    """The tolerances are about five standard errors of the mean."""
    generator = np.random.default_rng(0)
    shares = generator.binomial(100, 0.3, size=100_000) / 100
    measured = np.sqrt(np.mean((shares - 0.3) ** 2))
    assert measured == pytest.approx(exercises.counting_error.reference(0.3, 100), rel=0.012)
    shares = generator.multinomial(400, [1 / 6] * 6, size=20_000) / 400
    below = np.log(6) + np.sum(shares * np.log(shares), axis=1)
    assert below.mean() == pytest.approx(exercises.memorised_nats.reference(6, 400), rel=0.025)


def test_the_package_answers_as_its_own_arpa_table(tmp_path):
    text = [["a", "b", "a"], ["b", "c"], ["a", "b", "c", "a"]]
    model = NGramLM(3).fit(text)
    model.save_arpa(tmp_path / "model.arpa")
    rows = [line.split("\t") for line in (tmp_path / "model.arpa").read_text().split("\n") if "\t" in line]
    table = {tuple(words.split()): (float(p), float(weight[0]) if weight else 0.0) for p, words, *weight in rows}
    for context in (["a", "b"], ["c", "c"], ["<s>"], ["b", "x"]):
        for word in model.vocabulary:
            log10 = exercises.backoff_log10.reference(table, [*context, word])
            assert 10**log10 == pytest.approx(model.prob(word, context), rel=1e-6)


@given(sentences, sentences, st.sampled_from([0.01, 0.5, 1, 3]))
def test_references_are_the_packages_models(sentences, others, k):
    mle, interpolated = NGramLM(2, "mle").fit(sentences), NGramLM(3, "interpolated").fit(sentences)
    for context, row in exercises.bigram_probs.reference(sentences).items():
        assert row == pytest.approx({word: p for word, p in mle.next_word_probs([context]).items() if p > 0})
    probs = [(2 ** interpolated.log2_probs(sentence)).tolist() for sentence in others]
    assert exercises.corpus_perplexity.reference(probs) == pytest.approx(interpolated.perplexity(others))
    counts, add_k = Counter(word for _, word in pairs(sentences)), NGramLM(1, "add-k", k=k).fit(sentences)
    assert exercises.add_k_probs.reference(counts, add_k.vocabulary, k) == pytest.approx(add_k.next_word_probs())
    vocabulary, text = Vocabulary.learn(sentences)
    ends = continuation_counts(count_ngrams(text, len(vocabulary), 2))[0]
    shares = {word: n / ends.sum() for word, n in zip(vocabulary.words, ends, strict=True) if n and word != "<s>"}
    assert exercises.continuation_probs.reference(sentences) == pytest.approx(shares)
