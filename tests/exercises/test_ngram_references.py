"""The references of notebook 01's exercises against the package, on random sentences."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.exercises import ngram as exercises
from course_utils.ngram import NGramLM
from course_utils.ngram.counting import continuation_counts, count_ngrams
from course_utils.ngram.vocabulary import Vocabulary

sentences = st.lists(st.lists(st.sampled_from("abcd"), max_size=6), min_size=1, max_size=6).filter(any)


@given(sentences)
def test_bigram_probs_are_the_models_mle(sentences):
    lm = NGramLM(2, "mle").fit(sentences)
    for context, row in exercises.bigram_probs.reference(sentences).items():
        expected = {word: p for word, p in lm.next_word_probs([context]).items() if p > 0}
        assert row == pytest.approx(expected)


@given(sentences, st.sampled_from([0.01, 0.5, 1, 3]))
def test_add_k_probs_are_the_models_add_k(sentences, k):
    lm = NGramLM(1, "add-k", k=k).fit(sentences)
    counts = {word: sum(sentence.count(word) for sentence in sentences) for word in "abcd"}
    counts["</s>"] = len(sentences)
    assert exercises.add_k_probs.reference(counts, lm.vocabulary, k) == pytest.approx(lm.next_word_probs())


@given(sentences, sentences)
def test_corpus_perplexity_is_the_models_perplexity(train, test):
    lm = NGramLM(3, "interpolated").fit(train)
    probs = [(2 ** lm.log2_probs(sentence)).tolist() for sentence in test]
    assert exercises.corpus_perplexity.reference(probs) == pytest.approx(lm.perplexity(test))


def test_corpus_perplexity_of_a_zero_and_of_nothing():
    assert exercises.corpus_perplexity.reference([[0.5], [0.0]]) == math.inf
    with pytest.raises(ValueError, match="sentence_probs holds no token"):
        exercises.corpus_perplexity.reference([[]])


@given(sentences)
def test_continuation_probs_are_the_packages_continuation_counts(sentences):
    vocabulary, text = Vocabulary.learn(sentences)
    unigrams = continuation_counts(count_ngrams(text, len(vocabulary), 2))[0]
    shares = {
        word: n / unigrams.sum() for word, n in zip(vocabulary.words, unigrams, strict=True) if n and word != "<s>"
    }
    assert exercises.continuation_probs.reference(sentences) == pytest.approx(shares)
