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
