"""n-gram models: plain-dictionary references, laws on random corpora, nltk, wrong use."""

import itertools
import math
import warnings
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.lm import MLE, KneserNeyInterpolated, Lidstone
from nltk.lm.preprocessing import padded_everygram_pipeline

from course_utils.ngram import NGramLM
from course_utils.ngram.sampling import draw_sentence

DATA = Path(__file__).parent / "data" / "ngram"
SMOOTHINGS = ("mle", "add-k", "interpolated", "kneser-ney", "modified-kneser-ney")
SAM = [s.split() for s in ("I am Sam", "Sam I am", "I do not like green eggs and ham")]

sentences = st.lists(st.lists(st.sampled_from("abc"), max_size=8), min_size=1, max_size=6)
corpora = sentences.filter(any)
# "d" is a word no corpus holds; "<unk>" is one a user may put in
contexts = st.lists(st.sampled_from(["a", "b", "c", "d", "<unk>"]), max_size=6).flatmap(
    lambda words: st.sampled_from([words, ["<s>", *words]])
)
models = st.builds(
    NGramLM,
    st.integers(1, 5),
    st.sampled_from(SMOOTHINGS),
    k=st.floats(0.01, 3),
    discount=st.one_of(st.none(), st.floats(0.05, 0.95)),
)


def zipf_sentences(n, n_words, seed, length=8):
    generator = np.random.default_rng(seed)
    ids = np.minimum(generator.zipf(1.4, size=(n, length)), n_words)
    lengths = generator.integers(1, length + 1, size=n)
    return [[f"w{id}" for id in row[:end].tolist()] for row, end in zip(ids, lengths, strict=True)]


def counted(corpus, n):
    """Count n-grams the plain way."""
    padded = [["<s>", *sentence, "</s>"] for sentence in corpus]
    return Counter(tuple(words[i : i + n]) for words in padded for i in range(len(words) - n + 1))


# ---- the laws of probability, on random corpora


@settings(max_examples=100)
@given(corpora, models, contexts)
def test_probabilities_are_a_distribution_most_probable_first(corpus, model, context):
    model.fit(corpus)
    probs = model.next_word_probs(context)
    assert set(probs) == set(model.vocabulary) == {*itertools.chain(*corpus), "</s>", "<unk>"}
    assert len(model.vocabulary) == len(probs)
    values = list(probs.values())
    assert values == sorted(values, reverse=True)
    assert all(p == model.prob(word, context) for word, p in probs.items())
    if model.smoothing == "mle" and sum(values) == 0:  # 0/0 has no value
        used = ([*context][-(model.order - 1) :]) if model.order > 1 else []
        assert used
        assert not any(gram[:-1] == tuple(used) for gram in counted(corpus, len(used) + 1))
    else:
        assert sum(values) == pytest.approx(1, abs=1e-12)


@settings(max_examples=80)
@given(corpora, models, sentences)
def test_every_way_of_asking_gives_the_same_number(corpus, model, test):
    model.fit(corpus)
    test = [["d" if word == "c" and len(sentence) > 4 else word for word in sentence] for sentence in test]
    nats = []
    for sentence in test:
        words = ["<s>", *sentence, "</s>"]
        expected = [model.prob(words[i], words[:i]) for i in range(1, len(words))]
        np.testing.assert_allclose(2.0 ** model.log2_probs(sentence), expected, rtol=1e-12, atol=0)
        nats += [-math.log(p) if p else math.inf for p in expected]
    if math.inf not in nats:  # weighted by tokens: one mean over all, not a mean of sentences
        assert model.perplexity(test) == pytest.approx(math.exp(sum(nats) / len(nats)))


@settings(max_examples=60)
@given(corpora, models, sentences)
def test_the_distributions_after_every_beginning_are_those_asked_one_by_one(corpus, model, test):
    model.fit(corpus)
    for sentence in test:
        beginnings = [["<s>", *sentence[:t]] for t in range(len(sentence) + 1)]
        expected = [[model.next_word_probs(words)[word] for word in model.vocabulary] for words in beginnings]
        np.testing.assert_allclose(model.next_word_probs_after_each(sentence), expected, rtol=1e-12, atol=0)


@settings(max_examples=60)
@given(corpora, models, sentences)
def test_seen_context_lengths_are_found_by_looking_for_each_ending(corpus, model, test):
    model.fit(corpus)
    seen = {n: {gram[:-1] for gram in counted(corpus, n)} for n in range(2, model.order + 1)}
    for sentence in test:
        beginnings = [["<s>", *sentence[:t]] for t in range(len(sentence) + 1)]
        lengths = [[n - 1 for n, grams in seen.items() if tuple(words[1 - n :]) in grams] for words in beginnings]
        assert model.seen_context_lengths(sentence).tolist() == [max(found, default=0) for found in lengths]


def test_perplexity_weighs_tokens_not_sentences():
    model = NGramLM(2, "add-k").fit(SAM)
    short, long = [["Sam"]], [["I", "do", "not", "like", "green", "eggs", "and", "ham"]]
    log_short, log_long = (math.log(model.perplexity(test)) for test in (short, long))
    assert math.log(model.perplexity(short + long)) == pytest.approx((2 * log_short + 9 * log_long) / 11)


def test_skip_unknown_leaves_out_the_unknown_words_and_nothing_else():
    model = NGramLM(2).fit(SAM)
    test = ["Sam", "jumps", "am"]
    bits = model.log2_probs(test)  # Sam, <unk>, am after <unk>, </s>
    assert model.perplexity([test]) == pytest.approx(2 ** -bits.mean())
    assert model.perplexity([test], skip_unknown=True) == pytest.approx(2 ** -bits[[0, 2, 3]].mean())
    for flag in (0, 1, np.True_):
        assert model.perplexity([test], skip_unknown=flag) == model.perplexity([test], skip_unknown=bool(flag))


# ---- the counts


@settings(max_examples=40)
@given(corpora, st.integers(1, 5))
def test_maximum_likelihood_is_a_ratio_of_counts(corpus, order):
    model = NGramLM(order, "mle").fit(corpus)
    for n in range(1, order + 1):
        grams = counted(corpus, n)
        if n == 1:
            del grams[("<s>",)]
        totals = Counter()
        for gram, count in grams.items():
            totals[gram[:-1]] += count
        for gram, count in grams.items():
            assert model.prob(gram[-1], gram[:-1]) == count / totals[gram[:-1]]


@settings(max_examples=40)
@given(corpora)
def test_n_ngrams_are_the_distinct_ones(corpus):
    model = NGramLM(4).fit(corpus)
    unigrams = {*itertools.chain(*corpus), "<s>", "</s>", "<unk>"}
    assert model.n_ngrams == [len(unigrams), *(len(counted(corpus, n)) for n in (2, 3, 4))]


def test_the_textbook_example():
    """Jurafsky and Martin, section 3.1: I am Sam."""
    model = NGramLM(2, "mle").fit(SAM)
    expected = {("I", "<s>"): 2 / 3, ("Sam", "<s>"): 1 / 3, ("am", "I"): 2 / 3, ("</s>", "Sam"): 1 / 2}
    expected |= {("Sam", "am"): 1 / 2, ("do", "I"): 1 / 3}
    for (word, context), p in expected.items():
        assert model.prob(word, [context]) == pytest.approx(p)


def test_ngrams_do_not_cross_sentences():
    model = NGramLM(2, "mle").fit([["a"], ["b"]])
    assert model.prob("b", ["a"]) == 0
    assert model.prob("</s>", ["a"]) == 1


def test_a_user_may_map_rare_words_to_unk():
    model = NGramLM(2, "mle").fit([["a", "<unk>"], ["a", "b"]])
    assert model.prob("<unk>", ["a"]) == model.prob("never seen", ["a"]) == 0.5


def test_equally_probable_words_stay_in_one_order():
    words = [f"w{i}" for i in range(40)]
    assert list(NGramLM(2, "add-k").fit([words]).next_word_probs(["unseen"])) == ["<unk>", "</s>", *words]


def test_vocabulary_is_in_the_order_of_first_occurrence():
    assert NGramLM(1, "mle").fit([["b", "a"], ["b", "c"]]).vocabulary == ["b", "a", "c", "</s>", "<unk>"]


def test_sentences_may_come_from_a_generator():
    assert NGramLM(2, "mle").fit(tuple(s) for s in SAM).prob("am", iter(["I"])) == pytest.approx(2 / 3)


# ---- Kneser-Ney, against its definition in dictionaries


def plain_kneser_ney(corpus, order, discounts):
    """Return p(word, context) as Chen and Goodman (1998) define it, by recursion; contexts of full length only."""
    raw = {n: counted(corpus, n) for n in range(1, order + 1)}
    del raw[1][("<s>",)]
    counts = {order: raw[order]}
    for n in range(1, order):
        left = Counter(gram[1:] for gram in counted(corpus, n + 1))
        counts[n] = {gram: raw[n][gram] if gram[0] == "<s>" else left[gram] for gram in raw[n]}
    followers = defaultdict(list)
    for n, table in counts.items():
        for gram, count in table.items():
            followers[n, gram[:-1]].append(count)
    vocabulary = {*itertools.chain(*corpus), "</s>", "<unk>"}

    def discount(n, count):
        return discounts[n - 1][min(count, 3) - 1] if count else 0.0

    def p(word, context):
        n = len(context) + 1
        lower = p(word, context[1:]) if context else 1 / len(vocabulary)
        seen = followers[n, context]
        if not seen:
            return lower
        count = counts[n].get((*context, word), 0)
        own = count - discount(n, count)
        return (own + sum(discount(n, c) for c in seen) * lower) / sum(seen)

    return p


@settings(max_examples=60)
@given(corpora, st.integers(1, 4), st.sampled_from(["kneser-ney", "modified-kneser-ney"]), st.sampled_from([0.6, None]))
def test_kneser_ney_is_its_definition(corpus, order, smoothing, discount):
    model = NGramLM(order, smoothing, discount=discount).fit(corpus)
    triples = [d if isinstance(d, tuple) else (d, d, d) for d in model.discounts]
    plain = plain_kneser_ney(corpus, order, triples)
    for context in itertools.product("abcd", repeat=order - 1):
        starts = [context] if order == 1 else [context, ("<s>", *context[1:])]
        for context in starts:
            probs = model.next_word_probs(context)
            for word in ("a", "</s>", "<unk>"):
                if word in probs:
                    assert probs[word] == pytest.approx(plain(word, context), rel=1e-9)


def test_discounts_are_estimated_from_the_counts_of_counts():
    corpus = zipf_sentences(300, 60, seed=1)
    counts = list(counted(corpus, 2).values())
    n1, n2, n3, n4 = (counts.count(c) for c in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2)
    assert NGramLM(2, "kneser-ney", discount=None).fit(corpus).discounts[1] == pytest.approx(y)
    expected = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    assert NGramLM(2, "modified-kneser-ney").fit(corpus).discounts[1] == pytest.approx(expected)


def test_lower_orders_estimate_their_discounts_from_left_neighbours():
    corpus = zipf_sentences(300, 60, seed=2)
    left = Counter(gram[1:] for gram in counted(corpus, 2))
    n1, n2 = (list(left.values()).count(c) for c in (1, 2))
    assert NGramLM(2, "kneser-ney", discount=None).fit(corpus).discounts[0] == pytest.approx(n1 / (n1 + 2 * n2))


@pytest.mark.filterwarnings("error")
def test_discounts_that_cannot_be_estimated_have_a_fallback():
    assert NGramLM(2).fit([["a", "b"]]).discounts == [(0.5, 1, 1.5)] * 2
    assert NGramLM(1).fit([["a", "a", "b"]]).discounts == [(0.5, 1, 1.5)]  # nothing occurs three times
    assert NGramLM(2, "kneser-ney", discount=None).fit([["a", "b"]]).discounts == [0.75] * 2
    assert NGramLM(2, "kneser-ney", discount=0.4).fit([["a", "b"]]).discounts == [0.4] * 2
    assert NGramLM(2, "mle").fit([["a", "b"]]).discounts is None


def test_a_word_seen_after_one_word_only_is_no_likely_stranger():
    """Kneser and Ney's own example: Francisco is frequent, and follows San only."""
    corpus = [["San", "Francisco"]] * 20 + [[word, "glasses"] for word in ("my", "his", "her", "new", "old")]
    model = NGramLM(2, "kneser-ney").fit(corpus)
    assert model.prob("glasses", ["reading"]) > model.prob("Francisco", ["reading"])
    model = NGramLM(2, "interpolated").fit(corpus)
    assert model.prob("glasses", ["reading"]) < model.prob("Francisco", ["reading"])


# ---- interpolation and its weights


@settings(max_examples=40)
@given(corpora, st.lists(st.floats(0, 1), min_size=3, max_size=3), contexts)
def test_interpolation_is_its_definition(corpus, weights, context):
    model = NGramLM(3, "interpolated", weights=weights).fit(corpus)
    mle = NGramLM(3, "mle").fit(corpus)
    p = dict.fromkeys(model.vocabulary, 1 / len(model.vocabulary))
    for length, weight in enumerate(weights):
        if length > len(context):
            break
        own = mle.next_word_probs(context[len(context) - length :])
        if sum(own.values()):
            p = {word: weight * own[word] + (1 - weight) * p[word] for word in p}
    assert model.next_word_probs(context) == pytest.approx(p)


def test_the_limits_of_interpolation_are_its_parts():
    mle, unigram = NGramLM(2, "mle").fit(SAM), NGramLM(1, "mle").fit(SAM)
    assert NGramLM(2, "interpolated", weights=[1, 1]).fit(SAM).next_word_probs(["I"]) == mle.next_word_probs(["I"])
    lower = NGramLM(2, "interpolated", weights=[1, 0]).fit(SAM).next_word_probs(["I"])
    assert lower == unigram.next_word_probs()
    uniform = NGramLM(2, "interpolated", weights=[0, 0]).fit(SAM).next_word_probs(["I"])
    assert set(uniform.values()) == {1 / 12}


@settings(max_examples=40)
@given(corpora, sentences, st.integers(1, 4))
def test_learned_weights_never_raise_the_held_out_perplexity(corpus, held_out, order):
    default = NGramLM(order, "interpolated").fit(corpus)
    learned = NGramLM(order, "interpolated").fit(corpus, held_out=held_out)
    assert default.weights == [0.5] * order
    assert all(0 <= weight <= 1 for weight in learned.weights)
    assert learned.perplexity(held_out) <= default.perplexity(held_out) * (1 + 1e-9)


def test_no_weights_nearby_are_better_than_the_learned_ones():
    stories = [line.split() for line in (DATA / "sentences.txt").read_text().splitlines()]
    corpus, held_out = stories[:300], stories[300:]
    learned = NGramLM(3, "interpolated").fit(corpus, held_out)
    best = learned.perplexity(held_out)
    assert best < 0.97 * NGramLM(3, "interpolated").fit(corpus).perplexity(held_out)
    for order, step in itertools.product(range(3), (-0.02, 0.02)):
        weights = list(learned.weights)
        weights[order] += step
        nearby = NGramLM(3, "interpolated", weights=weights).fit(corpus)
        assert best < nearby.perplexity(held_out)


# ---- contexts


@settings(max_examples=40)
@given(corpora, models, contexts)
def test_a_long_context_is_cut_to_its_last_words(corpus, model, context):
    model.fit(corpus)
    kept = context[len(context) - min(len(context), model.order - 1) :]
    assert model.next_word_probs(context) == model.next_word_probs(kept)


@settings(max_examples=40)
@given(corpora, st.sampled_from(SMOOTHINGS), contexts)
def test_an_unseen_context(corpus, smoothing, context):
    model = NGramLM(4, smoothing).fit(corpus)
    probs = model.next_word_probs([*context[-2:], "d"])  # "d", and so <unk>, is in no corpus
    if smoothing == "mle":
        assert set(probs.values()) == {0}
    elif smoothing == "add-k":
        assert list(probs.values()) == pytest.approx([1 / len(probs)] * len(probs))
    else:
        assert probs == model.next_word_probs([])


def test_a_short_context_is_looked_up_at_its_own_length():
    corpus = [["a", "b", "c"], ["a", "b", "d"], ["b", "c"]]
    model = NGramLM(3, "mle").fit(corpus)
    assert model.prob("c", ["b"]) == 2 / 3
    assert model.prob("c", ["a", "b"]) == 1 / 2
    assert model.prob("b") == 3 / 11


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_the_start_of_a_sentence_is_a_context_and_never_a_word(smoothing):
    model = NGramLM(3, smoothing).fit(SAM)
    assert model.prob("I", ["<s>"]) > model.prob("I", [])
    assert model.prob("<s>", []) == model.prob("<s>", ["<s>"]) == model.prob("<s>", ["I", "am"]) == 0
    assert "<s>" not in model.vocabulary
    assert "<s>" not in {*itertools.chain(*model.sample(20, seed=0))}


# ---- a probability of zero


def test_a_perplexity_beyond_a_float_is_infinite_without_a_word():
    model = NGramLM(1, "add-k", k=1e-320).fit([["a"]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.perplexity([["never seen"] * 300]) == math.inf


def test_infinite_perplexity_is_said_with_its_cause():
    model = NGramLM(3, "mle").fit(SAM)
    with pytest.warns(UserWarning, match=r"'Sam' has probability 0 after \['<s>', 'I'\].*modified-kneser-ney"):
        assert model.perplexity([["I", "am"], ["I", "Sam", "I"]]) == math.inf
    with pytest.warns(UserWarning, match=r"'<unk>' has probability 0 after .*skip_unknown=True"):
        assert model.perplexity([["jumps"]]) == math.inf


@pytest.mark.filterwarnings("error")
def test_a_zero_in_one_sentence_is_minus_infinity_without_a_warning():
    bits = NGramLM(2, "mle").fit(SAM).log2_probs(["I", "Sam"])
    assert bits.tolist() == [pytest.approx(math.log2(2 / 3)), -math.inf, -1]


@pytest.mark.filterwarnings("error")
def test_a_zero_that_is_skipped_does_no_harm():
    model = NGramLM(1, "mle").fit(SAM)
    assert model.perplexity([["jumps"]], skip_unknown=True) == pytest.approx(1 / model.prob("</s>"))


# ---- samples


def test_same_seed_same_sample():
    model = NGramLM(3).fit(zipf_sentences(50, 20, seed=0))
    assert model.sample(5, seed=1) == model.sample(5, seed=1) != model.sample(5, seed=2)
    assert model.sample(0, seed=1) == []


def test_samples_follow_the_distribution():
    model = NGramLM(2, "kneser-ney").fit([list("ab"), list("ba"), list("aab")])
    firsts = Counter(sentence[0] if sentence else "</s>" for sentence in model.sample(20_000, seed=0, max_words=1))
    after_a = Counter(
        following
        for sentence in model.sample(3000, seed=0)
        for word, following in itertools.pairwise([*sentence, "</s>"])
        if word == "a"
    )
    for seen, context in ((firsts, ["<s>"]), (after_a, ["a"])):
        total = seen.total()
        for word, p in model.next_word_probs(context).items():
            assert abs(seen[word] - total * p) <= 5 * math.sqrt(total * p * (1 - p))  # chance of a false alarm < 1e-5


def test_a_draw_that_rounds_up_to_1_is_still_a_word():
    model = NGramLM(2, "mle").fit([["a"], ["b"]])
    vocabulary, tables = model._fitted()
    assert draw_sentence(tables, SimpleNamespace(random=lambda: 1.0), max_words=1) == vocabulary.ids("b")


def test_a_sample_ends_at_the_end_of_a_sentence_or_at_max_words():
    model = NGramLM(2, "mle").fit([["a", "b", "c"]])
    assert model.sample(2, seed=0) == [["a", "b", "c"]] * 2
    assert model.sample(1, seed=0, max_words=2) == [["a", "b"]]
    assert model.sample(1, seed=0, max_words=0) == [[]]


@settings(max_examples=40)
@given(corpora, st.integers(1, 4))
def test_maximum_likelihood_samples_only_what_it_saw(corpus, order):
    model = NGramLM(order, "mle").fit(corpus)
    for sentence in model.sample(5, seed=0, max_words=20):
        seen = counted(corpus, order)
        assert order == 1 or all(gram in seen for gram in counted([sentence], order) if gram[-1] != "</s>")


# ---- equal to nltk


@pytest.fixture(scope="module")
def corpus_and_test():
    return zipf_sentences(300, 40, seed=5), zipf_sentences(40, 60, seed=6)


def fit_nltk(model, corpus):
    model.fit(*padded_everygram_pipeline(model.order, corpus))
    return model


@pytest.mark.parametrize("order", [1, 2, 3])
def test_counts_and_add_k_equal_nltk(corpus_and_test, order):
    corpus, test = corpus_and_test
    mle = NGramLM(order, "mle").fit(corpus)
    add_k = NGramLM(order, "add-k", k=0.3).fit(corpus)
    their_mle, their_add_k = fit_nltk(MLE(order), corpus), fit_nltk(Lidstone(0.3, order), corpus)
    for sentence in test:
        words = ["<s>"] * (order - 1) + sentence + ["</s>"] * (order > 1)  # nltk pads with n - 1 of <s>; 1-grams not
        for i in range(order - 1, len(words)):
            word, context = words[i], words[i - order + 1 : i]
            ours = [word for n, word in enumerate(context) if word != "<s>" or n == context.count("<s>") - 1]
            if order > 1:
                assert mle.prob(word, ours) == pytest.approx(their_mle.score(word, context))
                seen, k = their_add_k.context_counts(tuple(their_add_k.vocab.lookup(context))), 0.3
                # nltk counts <s> among the words that can follow: its V is one more than ours
                theirs = their_add_k.score(word, context) * (seen.N() + k * len(their_add_k.vocab))
                assert len(their_add_k.vocab) == len(add_k.vocabulary) + 1
                assert add_k.prob(word, ours) == pytest.approx(theirs / (seen.N() + k * len(add_k.vocabulary)))
    if order == 1:  # nltk's unigrams have no </s>: the proportions among words are the same
        for word, other in itertools.pairwise(mle.vocabulary[:-2]):
            ratio = their_mle.score(word) / their_mle.score(other)
            assert mle.prob(word) / mle.prob(other) == pytest.approx(ratio)


def test_kneser_ney_equals_nltk_above_the_unigrams(corpus_and_test):
    """nltk neither discounts unigrams nor mixes them with the uniform distribution, so that <unk> gets 0.

    From order 3 on it also gives n-grams that begin with <s> continuation counts, where KenLM's are plain.
    """
    corpus, _ = corpus_and_test
    ours = NGramLM(2, "kneser-ney", discount=0.75).fit(corpus)
    theirs = fit_nltk(KneserNeyInterpolated(2, discount=0.75), corpus)
    for word, context in itertools.product(ours.vocabulary[:20], ["<s>", *ours.vocabulary[:20]]):
        reserved = ours.prob("<unk>", [context]) / ours.prob(
            "<unk>"
        )  # <unk> was never seen: this is the back-off weight
        difference = reserved * (theirs.score(word) - ours.prob(word))
        assert ours.prob(word, [context]) + difference == pytest.approx(theirs.score(word, [context]))


# ---- wrong use


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": 0}, "order must be at least 1, got 0"),
        ({"order": 2.0}, "order must be a whole number, got 2.0"),
        ({"order": "3"}, "order must be a whole number, got '3'"),
        ({"smoothing": "laplace"}, "smoothing must be one of 'mle', .*, got 'laplace'"),
        ({"k": 0}, 'k must be a number > 0, got 0; to add nothing, use smoothing="mle"'),
        ({"k": math.nan}, "k must be a number > 0, got nan"),
        ({"k": math.inf}, "k must be a number > 0, got inf"),
        ({"discount": 0}, "discount must be between 0 and 1, both excluded, got 0"),
        ({"discount": 1.0}, "discount must be between 0 and 1, both excluded, got 1.0"),
        ({"discount": "0.5"}, "discount must be between 0 and 1"),
        ({"weights": [0.5, 0.5]}, r"weights must be 3 numbers, one for each order, got \[0.5, 0.5\]"),
        ({"weights": 0.5}, r"weights must be 3 numbers, one for each order, got \[0.5\]"),
        ({"weights": [0.5, 0.5, 1.5]}, r"weights must be in \[0, 1\], got \[0.5, 0.5, 1.5\]"),
        ({"weights": [0.5, 0.5, math.nan]}, r"weights must be in \[0, 1\]"),
    ],
)
def test_settings_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        NGramLM(**{"order": 3, **arguments})


BAD_SENTENCES = [
    ("a b c", r"must be a list of sentences, each a list of words, got the string 'a b c'.*\[text.split\(\)\]"),
    (
        ["a b c"],
        r"\[0\] must be a list of words, got the string 'a b c': pass text.split\(\) for words or list\(text\)",
    ),
    (["a", "b"], r"\[0\] must be a list of words, got the string 'a'.*one sentence alone goes in a list"),
    ([["a"], "b c"], r"\[1\] must be a list of words, got the string 'b c'"),
    ([["a"], ["<s>", "b"]], r"\[1\] holds the marker '<s>', which the model adds itself: remove it"),
    ([["a", "</s>"]], r"\[0\] holds the marker '</s>', which the model adds itself: remove it"),
    ([["a", 3]], r"\[0\] must hold words as strings, got 3"),
    ([[["a"]]], r"\[0\] must hold words as strings, got \['a'\]"),
    ([3], r"\[0\] must be a list of words, got 3"),
    (3, "must be a list of sentences, each a list of words, got 3"),
    ([], "must hold at least one sentence, got none"),
]


@pytest.mark.parametrize(("bad", "message"), BAD_SENTENCES)
def test_what_is_not_a_list_of_sentences_is_refused_everywhere(bad, message):
    model = NGramLM(2, "interpolated").fit(SAM)
    with pytest.raises(ValueError, match="sentences" + (" " if message[0] == "m" else "") + message):
        NGramLM(2).fit(bad)
    with pytest.raises(ValueError, match=message):
        model.perplexity(bad)
    with pytest.raises(ValueError, match="held_out.*" + message):
        NGramLM(2, "interpolated").fit(SAM, held_out=bad)


def test_a_corpus_without_a_word_is_refused():
    with pytest.raises(ValueError, match="sentences hold no word to count"):
        NGramLM(2).fit([[], []])


def test_a_context_and_a_word_must_be_words():
    model = NGramLM(2).fit(SAM)
    with pytest.raises(
        ValueError, match=r"context must be a list of words, got the string 'I am': pass text.split\(\)"
    ):
        model.prob("Sam", "I am")
    with pytest.raises(ValueError, match="context must hold words as strings, got 7"):
        model.next_word_probs([7])
    with pytest.raises(ValueError, match=r"word must be a string, got \['I'\]"):
        model.prob(["I"])
    with pytest.raises(ValueError, match="sentence must be a list of words, got the string 'I am'"):
        model.log2_probs("I am")


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.prob("a", []),
        lambda model: model.next_word_probs([]),
        lambda model: model.log2_probs(["a"]),
        lambda model: model.perplexity([["a"]]),
        lambda model: model.sample(1, seed=0),
        lambda model: model.save_arpa("never.arpa"),
        lambda model: model.vocabulary,
        lambda model: model.n_ngrams,
        lambda model: model.discounts,
        lambda model: model.weights,
    ],
)
def test_a_model_must_be_fitted_first(use):
    with pytest.raises(ValueError, match=r"not fitted yet: call fit\(sentences\) first, or NGramLM.load_arpa\(path\)"):
        use(NGramLM(2))


def test_held_out_text_needs_weights_to_learn():
    with pytest.raises(ValueError, match='held_out is for smoothing="interpolated" only'):
        NGramLM(2, "mle").fit(SAM, held_out=SAM)
    with pytest.raises(ValueError, match="weights are given and held_out would learn them: pass one of the two"):
        NGramLM(2, "interpolated", weights=[0.5, 0.5]).fit(SAM, held_out=SAM)


@pytest.mark.parametrize("wrong", [{"n": -1}, {"n": 1.5}, {"seed": -1}, {"seed": None}, {"max_words": -1}])
def test_sample_wants_whole_numbers(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be "):
        NGramLM(2).fit(SAM).sample(**{"n": 1, "seed": 0, **wrong})


def test_rows_of_a_dataset_are_no_sentences():
    with pytest.raises(ValueError, match=r"sentences\[0\] must be a list of words, got a row .* its text as words"):
        NGramLM(2).fit([{"text": "a b", "log2_prob": -1.0}])


def test_changing_the_weights_that_were_shown_does_not_change_the_model():
    model = NGramLM(2, "interpolated").fit([["a", "b"]])
    model.weights[0] = 5
    assert model.weights == [0.5, 0.5]
