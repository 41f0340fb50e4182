"""Speculative decoding: the very text of `generate`, whatever is guessed, from fewer passes."""

import collections

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_weights import randomised

from course_utils import decoding
from course_utils.transformer import DecoderLM, TransformerConfig

CONFIG = TransformerConfig(vocab_size=12, d_model=16, n_layers=2, n_heads=2, n_kv_heads=1, d_ff=24, context_length=40)
torch.manual_seed(0)
MODEL = randomised(DecoderLM(CONFIG))
PROMPT = torch.tensor([[3, 1, 4, 1, 5]])


def knowing(answer):
    """A draft that knows the answer."""
    return lambda text, most: answer[len(text) : len(text) + most]


drafts = st.sampled_from(
    [
        decoding.NGramDraft(3),
        decoding.NGramDraft(2, [[1, 2, 3, 4] * 5]),
        lambda text, most: [],
        lambda text, most: [0] * most,
        lambda text, most: list(range(20))[: most % 12],
    ]
)


@settings(max_examples=60)
@given(drafts, st.integers(0, 100), st.integers(1, 6), st.integers(0, 20), st.sampled_from([0, 0.7, 1.5]))
def test_the_text_is_that_of_generate_whatever_is_guessed(draft, seed, ahead, new, temperature):
    knobs = {"temperature": temperature, "top_k": 8, "top_p": 0.95, "seed": seed}
    expected = decoding.generate(MODEL, PROMPT, new, **knobs)
    result = decoding.speculate(MODEL, PROMPT, new, draft, ahead=ahead, **knobs)
    assert torch.equal(result.ids, expected)
    assert result.passes + result.accepted <= max(new, result.passes)
    assert result.accepted <= result.guessed


@given(st.integers(0, 50), st.integers(1, 5))
def test_right_guesses_are_all_accepted_and_save_passes(seed, ahead):
    answer = decoding.generate(MODEL, PROMPT, 20, seed=seed)[0].tolist()
    result = decoding.speculate(MODEL, PROMPT, 20, knowing(answer), ahead=ahead, seed=seed)
    assert result.ids[0].tolist() == answer
    assert result.accepted == result.guessed
    assert result.passes == 1 + -(-19 // (ahead + 1))


def test_a_stop_id_ends_the_text_inside_a_guess():
    answer = decoding.generate(MODEL, PROMPT, 20, seed=1)[0].tolist()
    stop = answer[9]
    result = decoding.speculate(MODEL, PROMPT, 20, knowing(answer), ahead=6, seed=1, stop_ids=stop)
    assert result.ids[0].tolist() == answer[: answer.index(stop, 5) + 1]
    assert torch.equal(result.ids, decoding.generate(MODEL, PROMPT, 20, seed=1, stop_ids=stop))


@pytest.mark.slow
def test_the_third_token_follows_the_models_own_distribution():
    """20,000 texts by a draft that is right at times; right code fails one time in a million."""
    with torch.no_grad():
        paths = torch.cartesian_prod(torch.arange(12), torch.arange(12))  # (144, 2)
        texts = torch.cat([PROMPT.expand(144, -1), paths], dim=1)  # (144, 7)
        probs = (MODEL(texts).double() / 2).softmax(-1)  # flatter, so that all tokens come
        of_path = probs[:, 4].gather(1, paths[:, :1])[:, 0] * probs[:, 5].gather(1, paths[:, 1:])[:, 0]  # (144,)
        expected = (of_path[:, None] * probs[:, 6]).sum(0)  # (12,)
    draft = decoding.NGramDraft(3, [[3, 1, 4, 1, 5, 9, 2, 6]], least_share=0)  # guesses whenever it can
    counts = collections.Counter()
    accepted = 0
    for seed in range(20_000):
        result = decoding.speculate(MODEL, PROMPT, 3, draft, ahead=2, temperature=2.0, seed=seed)
        counts[int(result.ids[0, 7])] += 1
        accepted += result.accepted
    assert accepted > 500
    observed = torch.tensor([counts[token] for token in range(12)])
    chi_square = ((observed - 20_000 * expected) ** 2 / (20_000 * expected)).sum()  # with 11 degrees of freedom
    assert torch.special.gammaincc(torch.tensor(11 / 2), chi_square / 2) > 1e-6


def test_an_ngram_draft_goes_on_as_the_text_did():
    draft = decoding.NGramDraft(3)
    assert draft([1, 2, 3, 4, 1, 2], 3) == [3, 4, 1]
    assert draft([1, 2, 3, 4, 1, 2, 5], 2) == []  # 5 is new
    assert draft([7], 2) == []
    assert decoding.NGramDraft(3, [[7, 8, 9]])([7], 2) == [8, 9]
    assert decoding.NGramDraft(2, [[7, 8], [7, 9], [7, 9]], least_share=0.6)([7], 1) == [9]


def test_nothing_is_guessed_where_no_token_followed_often_enough():
    draft = decoding.NGramDraft(3, [[1, 2, 3], [1, 2, 3], [1, 2, 4], [3, 5]], least_share=0.7)
    assert draft([1, 2], 2) == []
    assert decoding.NGramDraft(3, [[1, 2, 3], [1, 2, 3], [1, 2, 4], [3, 5]], least_share=0.6)([1, 2], 2) == [3, 5]


def test_a_longer_context_is_asked_first():
    assert decoding.NGramDraft(3, [[1, 2, 3], [5, 2, 4], [6, 2, 4]])([1, 2], 1) == [3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": PROMPT.repeat(2, 1)}, "one prompt"),
        ({"ahead": 0}, "ahead must be at least 1"),
        ({"max_new_tokens": 36}, "exceed the model's context"),
        ({"temperature": -1}, "temperature"),
        ({"model": lambda ids: MODEL(ids)}, "keeps no cache"),
    ],
)
def test_what_cannot_be_speculated_on_is_said(change, message):
    arguments = {"model": MODEL, "ids": PROMPT, "max_new_tokens": 4, "draft": decoding.NGramDraft()} | change
    with pytest.raises(ValueError, match=message):
        decoding.speculate(**arguments)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"order": 1}, "order must be at least 2"), ({"least_share": 70}, r"least_share must be in 0 \.\. 1, got 70")],
)
def test_a_draft_that_cannot_guess_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        decoding.NGramDraft(**settings)
