"""Fairness probes: a bias that is there is found at its exact size, one that isn't is not, and pairs are minimal."""

import json
import math
import random
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course_utils import evaluation
from course_utils.corpora.tinyworld import TinyWorld
from course_utils.corpora.tinyworld.grammar import Grammar, Option
from course_utils.evaluation import (
    FairnessProbe,
    fairness_probes,
    permutation_test,
    run_probe,
    sentence_log_likelihoods,
)
from course_utils.files import shipped
from course_utils.ngram import NGramLM
from course_utils.tokenization import BPETokenizer, CharTokenizer
from course_utils.transformer import DecoderLM, TransformerConfig

WORDS = {"women": ["Mia", "Anna", "Lily", "Zoe"], "men": ["Tom", "Ben", "Max", "Sam"]}
JOBS = {
    "women": ["baker", "judge", "tailor", "gardener", "painter", "teacher"],
    "men": ["cook", "clerk", "farmer", "singer", "barber", "printer"],
}
PROBE = FairnessProbe("jobs", ["{group} is a {attribute}"], WORDS, JOBS)
LEVEL = 0.05


def grammar(odds):
    """A grammar where a job is `odds` times likelier for the group that the probe gives it to; 1 is no bias."""

    def person():
        return [Option(1 / rank, name, {"sex": sex}) for sex in WORDS for rank, name in enumerate(WORDS[sex], start=1)]

    def job(sex):
        return [
            Option((odds if sex == whose else 1) / rank, f" is a {name}")
            for whose in JOBS
            for rank, name in enumerate(JOBS[whose], start=1)
        ]

    return Grammar({"sentence": (1, [person, job])})


def exact(odds):
    scorer = grammar(odds)
    return lambda sentences: [scorer.prefix_log2_prob(sentence) * math.log(2) for sentence in sentences]


def counted(odds, seed, n=400):
    """What an n-gram model that has read n sentences of the grammar says."""
    rng, source = random.Random(seed), grammar(odds)
    model = NGramLM(4, "add-k", k=0.1).fit([source.sample(rng)[0].split() for _ in range(n)])
    return lambda sentences: [model.log2_probs(sentence.split()).sum() * math.log(2) for sentence in sentences]


def likely_numbers(n, chance):
    """The least and the most successes of n that each have a chance of 1 in 1000 or more to be left on their side."""
    mass = [math.comb(n, k) * chance**k * (1 - chance) ** (n - k) for k in range(n + 1)]
    sums = np.cumsum(mass)
    return int(np.searchsorted(sums, 0.001)), int(np.searchsorted(sums, 0.999))


@pytest.mark.parametrize("odds", [0.5, 1, 3])
def test_the_effect_is_the_logarithm_of_the_odds_ratio(odds):
    result = run_probe(PROBE, exact(odds), seed=0)
    assert result.effect == pytest.approx(
        2 * math.log(odds), abs=1e-12
    )  # odds for the one group, 1 / odds for the other
    assert result.p_value == pytest.approx(1 if odds == 1 else 2 / math.comb(12, 6))  # the labels, or all the other way


def test_a_model_that_has_read_a_biased_text_is_found():
    found = [run_probe(PROBE, counted(odds=2, seed=seed), seed) for seed in range(20)]
    assert all(result.effect > 0 for result in found)
    assert sum(result.p_value <= LEVEL for result in found) >= 18


def test_models_that_have_read_an_unbiased_text_raise_as_many_false_alarms_as_the_level_says():
    n = 200
    alarms = sum(run_probe(PROBE, counted(odds=1, seed=seed), seed).p_value <= LEVEL for seed in range(n))
    least, most = likely_numbers(n, LEVEL)
    assert least <= alarms <= most


def test_so_do_labels_that_are_shuffled_on_a_biased_model():
    n, rng, model = 200, random.Random(0), counted(odds=3, seed=0)
    associations = run_probe(PROBE, model, seed=0).associations
    alarms = 0
    for _ in range(n):
        jobs = rng.sample(list(associations), 12)
        shuffled = FairnessProbe("shuffled", PROBE.templates, WORDS, {"women": jobs[:6], "men": jobs[6:]})
        alarms += run_probe(shuffled, model, seed=0).p_value <= LEVEL
    assert alarms <= likely_numbers(n, LEVEL)[1]


def test_the_grammar_of_the_course_has_no_bias():
    places = {"women": ["park", "school", "market", "library"], "men": ["beach", "river", "bakery", "station"]}
    probe = FairnessProbe("places", ["One day {group} met Ruth at the {attribute}. "], WORDS, places)
    world = TinyWorld(0)
    result = run_probe(probe, lambda sentences: [world.prefix_log2_prob(sentence) for sentence in sentences], seed=0)
    assert result.effect == pytest.approx(0, abs=1e-12)
    assert result.p_value == 1
    assert min(result.associations.values()) > 0.1  # the names' own frequencies, which have cancelled


def test_other_words_for_the_groups_turn_the_sign():
    model = counted(odds=2, seed=0)
    there = run_probe(PROBE, model, seed=0)
    swapped = {"women": WORDS["men"], "men": WORDS["women"]}
    back = run_probe(FairnessProbe("swapped", PROBE.templates, swapped, JOBS), model, seed=0)
    assert back.effect == pytest.approx(-there.effect)
    assert back.p_value == there.p_value
    assert back.associations == pytest.approx({job: -value for job, value in there.associations.items()})


def test_the_order_of_the_groups_does_not_matter():
    there = run_probe(PROBE, counted(odds=2, seed=0), seed=0)
    turned = FairnessProbe("turned", PROBE.templates, dict(reversed(WORDS.items())), JOBS)
    assert run_probe(turned, counted(odds=2, seed=0), seed=0)[:2] == pytest.approx(there[:2])


def test_what_belongs_to_a_word_alone_cancels():
    plain = counted(odds=2, seed=0)

    def louder(sentences):
        women = [5.0 * any(name in sentence for name in WORDS["women"]) for sentence in sentences]
        jobs = [-3.0 * ("baker" in sentence) for sentence in sentences]
        return [sum(terms) for terms in zip(plain(sentences), women, jobs, strict=True)]

    there, here = run_probe(PROBE, plain, seed=0), run_probe(PROBE, louder, seed=0)
    assert here[:2] == pytest.approx(there[:2])
    assert here.associations == pytest.approx({job: value + 5 for job, value in there.associations.items()})


def test_the_slots_may_stand_in_either_order():
    def turn(sentence):
        _, job, *_, name = sentence.split()
        return f"{name} is a {job}"

    model = exact(odds=3)
    turned = FairnessProbe("turned", ["the {attribute} was called {group}"], WORDS, JOBS)
    assert run_probe(
        turned, lambda sentences: model([turn(text) for text in sentences]), seed=0
    ).effect == pytest.approx(2 * math.log(3))


# the permutation test


@pytest.mark.parametrize("sizes", [(3, 3), (2, 5), (1, 4)])
def test_it_looks_at_every_way_of_dealing_the_labels(sizes):
    values = np.random.default_rng(1).normal(size=sum(sizes)) + np.arange(sum(sizes)) / 3
    first, second = values[: sizes[0]], values[sizes[0] :]
    observed = first.mean() - second.mean()
    as_far = 0
    for chosen in combinations(range(len(values)), sizes[0]):
        rest = np.delete(values, chosen)
        as_far += abs(values[list(chosen)].mean() - rest.mean()) >= abs(observed) - 1e-12
    expected = as_far / math.comb(len(values), sizes[0])
    assert permutation_test(first, second, seed=0) == (
        pytest.approx(observed),
        pytest.approx(expected),
        math.comb(*[sum(sizes), sizes[0]]),
    )


def test_relabellings_that_are_drawn_come_near_and_never_to_zero():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=8), rng.normal(size=8)
    exactly, drawn = (permutation_test(first, second, seed=0, n_relabellings=n) for n in (20_000, 4000))
    assert (exactly.n_relabellings, drawn.n_relabellings) == (12_870, 4000)
    assert drawn.p_value == pytest.approx(exactly.p_value, abs=4 * math.sqrt(0.25 / 4000))
    assert drawn == permutation_test(first, second, seed=0, n_relabellings=4000)
    assert drawn.p_value != permutation_test(first, second, seed=1, n_relabellings=4000).p_value
    far = permutation_test([1e6 + i for i in range(30)], list(range(30)), seed=0, n_relabellings=99)
    assert far.p_value == 1 / 100


def test_numbers_that_are_all_the_same_show_nothing():
    assert permutation_test([0.1] * 5, [0.1] * 7, seed=0).p_value == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [1.0], 0), r"first must be a row of one finite number or more, got \[\]"),
        (([1.0], [math.nan], 0), r"second must be .* got \[nan\]"),
        (([1.0], ["a"], 0), r"second must be a row of numbers, got \['a'\]"),
        (([1.0], [[2.0]], 0), r"second must be a row of one finite"),
        (([1.0], [2.0], -1), "seed must be at least 0, got -1"),
        (([1.0], [2.0], 0, 0), "n_relabellings must be at least 1, got 0"),
    ],
)
def test_a_permutation_test_of_what_is_no_number_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        permutation_test(*arguments)


# sentences


def test_a_sentence_is_scored_whole_and_alone():
    tokenizer = CharTokenizer.train(["\nabcd"])
    torch.manual_seed(0)
    table = torch.randn(5, 5)  # a bigram model
    log_probs = table.log_softmax(dim=-1)

    def expected(text):
        ids = tokenizer.encode("\n" + text)
        return sum(log_probs[a, b].item() for a, b in pairwise(ids))

    texts = ["abcd", "a", "dcba", "bb", "abcd"]
    for start in "\n", "ab\n":  # of what stands before, nothing is scored
        found = sentence_log_likelihoods(lambda ids: table[ids], tokenizer, texts, start=start)
        assert found == pytest.approx([expected(text) for text in texts], rel=1e-6)


def test_the_name_of_a_special_token_in_a_sentence_is_plain_text():
    tokenizer = BPETokenizer.train(["a"], 257, ["<|endoftext|>"])
    table = torch.zeros(257, 257)
    found = sentence_log_likelihoods(lambda ids: table[ids], tokenizer, ["<|endoftext|>"])
    assert found == pytest.approx([-13 * math.log(257)])  # bytes


def test_many_sentences_are_scored_in_batches(tiny_model, monkeypatch):
    tokenizer = CharTokenizer.train(["\nabcd"])
    rng = random.Random(0)
    texts = ["".join(rng.choices("abcd", k=rng.randint(1, 8))) for _ in range(30)]
    at_once = sentence_log_likelihoods(tiny_model, tokenizer, texts, start="\n")
    for limit in "TOKENS_IN_CACHE", "TOKENS_AT_ONCE":
        monkeypatch.setattr(evaluation.sentences, limit, 1)
    for model in tiny_model, lambda ids: tiny_model(ids):  # the second has no cache
        assert sentence_log_likelihoods(model, tokenizer, texts, start="\n") == pytest.approx(at_once, rel=1e-5)
    perplexities = [evaluation.total_nats(tiny_model, tokenizer.encode("\n" + text), 32)[0] for text in texts]
    assert at_once == pytest.approx([-nats for nats in perplexities], rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab", min_size=1, max_size=8), min_size=1, max_size=20), st.sampled_from(["\n", "ab\n"]))
@example(["abca", "abcb", "abd", "abca"], "\n")
def test_a_beginning_that_is_read_once_for_all_changes_no_score(texts, start):
    torch.manual_seed(0)
    model, tokenizer = DecoderLM(TransformerConfig(5, 16, 2, 2, 2, 32, 16)).eval(), CharTokenizer.train(["\nabcd"])
    one_by_one = sentence_log_likelihoods(lambda ids: model(ids), tokenizer, texts, start=start)  # it has no cache
    assert sentence_log_likelihoods(model, tokenizer, texts, start=start) == pytest.approx(one_by_one, rel=1e-5)


def test_a_beginning_that_sentences_share_is_read_once(tiny_model, monkeypatch):
    read, next_token_logits = [], tiny_model.next_token_logits

    def counting(ids, **keywords):
        read.append(ids.numel())
        return next_token_logits(ids, **keywords)

    monkeypatch.setattr(tiny_model, "next_token_logits", counting)
    tokenizer = CharTokenizer.train(["\nabcd"])
    sentence_log_likelihoods(tiny_model, tokenizer, ["abca", "abcb", "abd", "abca", "c"], start="\n")
    assert read == [1, 1, 1, 1]  # the start, a, ab and abc: the last token of a sentence is never read
    sentence_log_likelihoods(tiny_model, tokenizer, ["abc", "bcd", "cda"], start="\n")
    assert len(read) == 4  # what shares next to nothing is read whole, all tokens at once


@pytest.mark.parametrize(
    ("texts", "start", "message"),
    [
        ("ab", "\n", "sentences must be a list of texts, got the text 'ab'"),
        (["a", ""], "\n", "sentences must hold a token each, got '': remove it"),
        (["a"], "", "start must hold a token, got ''"),
        (["a" * 33], "\n", "context_length=33 is more than the model's 32"),
    ],
)
def test_what_can_not_be_scored_is_refused(tiny_model, texts, start, message):
    with pytest.raises(ValueError, match=message):
        sentence_log_likelihoods(tiny_model, CharTokenizer.train(["\nab"]), texts, start=start)


# probes that are none


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"templates": []}, r"templates of 'jobs' must be a list of at least one text, got \[\]"),
        ({"templates": [None]}, "template None of 'jobs' must be a text"),
        ({"templates": "{group} is {attribute}"}, "templates of 'jobs' must be a list"),
        (
            {"templates": ["{group} is a judge"]},
            r"template '.* judge' .* slot \{attribute\} once, it holds it 0 times: write",
        ),
        ({"templates": ["{group} is {attribute}, {group}!"]}, r"template .* slot \{group\} once, it holds it 2 times"),
        ({"words": {"women": ["Mia"]}}, r"words of 'jobs' must name two groups, got \['women'\]"),
        ({"words": WORDS | {"men": ["Tom"]}}, "must be pairs, got 4 for 'women' and 1 for 'men': give"),
        ({"words": WORDS | {"men": []}}, r"words of 'jobs' must list texts for the group 'men', got \[\]: add some"),
        ({"words": WORDS | {"men": "Tom!"}}, "must list texts for the group 'men', got 'Tom!'"),
        (
            {"attributes": JOBS | {"men": [" "]}},
            r"attributes of 'jobs' must list texts for the group 'men', got \[' '\]",
        ),
        ({"attributes": JOBS | {"boys": ["cook"]}}, r"unknown group 'boys': use one of \['women', 'men'\]"),
        ({"attributes": {"women": ["baker"]}}, "attributes of 'jobs' must list texts for the group 'men', got None"),
        ({"attributes": JOBS | {"men": ["judge"]}}, r"must differ, got \['judge'\] more than once: keep one"),
        (
            {"words": {"women": ["Mia"], "men": ["Mia"]}},
            "'Mia' and 'Mia' in .* differ in one place only, they differ in nothing",
        ),
        (
            {"words": {"women": ["I be at work and he be late"], "men": ["I am at work and he am late"]}},
            "must differ in one place only, they differ in 'be' and 'am'; 'be' and 'am': .* change all but one",
        ),
    ],
)
def test_a_probe_whose_pairs_are_not_minimal_is_refused(change, message):
    whole = {"name": "jobs", "templates": PROBE.templates, "words": WORDS, "attributes": JOBS}
    with pytest.raises(ValueError, match=message):
        FairnessProbe(**(whole | change))


def test_numbers_that_do_not_fit_the_sentences_are_refused():
    with pytest.raises(ValueError, match=r"log_likelihoods must give 96 numbers, one a sentence, got \(3,\)"):
        run_probe(PROBE, lambda sentences: [0.0] * 3, seed=0)
    with pytest.raises(
        ValueError, match="must be finite, got -inf for 'Mia is a baker': use a model that gives no text"
    ):
        run_probe(PROBE, lambda sentences: [-math.inf] * len(sentences), seed=0)


# what the course ships


def test_the_probes_of_the_course_are_pairs_that_differ_in_their_slot_only():
    assert list(fairness_probes()) == ["gender-occupation", "origin-trait", "dialect-trait"]
    for probe in fairness_probes().values():
        first, second = probe.attributes.values()
        assert len(first) == len(second) == 8
        for one, other in probe.minimal_pairs(first[0]):
            assert one != other
            assert "{" not in one + other
            assert one.count(first[0]) == other.count(first[0]) == 1


def test_the_card_names_every_column():
    folder = shipped("data/fairness")
    card = (folder / "README.md").read_text(encoding="utf-8")
    for line in (folder / "probes.jsonl").read_text(encoding="utf-8").splitlines():
        assert all(f"`{column}`" in card for column in json.loads(line))


def test_a_real_model_is_scored(smollm2):
    model, tokenizer = smollm2
    probe = fairness_probes()["gender-occupation"]
    few = FairnessProbe(
        "few",
        probe.templates[:1],
        {group: words[:1] for group, words in probe.words.items()},
        {group: attributes[:4] for group, attributes in probe.attributes.items()},
    )
    result = run_probe(few, lambda sentences: sentence_log_likelihoods(model, tokenizer, sentences), seed=0)
    assert result.effect > 1
    assert result.p_value <= LEVEL
