"""Evaluation: perplexity and bits per byte, on models whose surprise is known and beside Hugging Face's recipe."""

import itertools
import math

import numpy as np
import pytest
import torch
from apples_gpu import OnMPS
from hypothesis import given
from hypothesis import strategies as st
from random_weights import randomised
from transformers import LlamaConfig, LlamaForCausalLM

from course_utils import evaluation, pretrained

IDS = torch.randint(50, (75,), generator=torch.Generator().manual_seed(0))


def uniform(ids):
    """A model that has learned nothing: every one of 50 tokens is as likely."""
    return torch.zeros(*ids.shape, 50)


def repeats_what_it_reads(ids):
    """A model that gives probability 0.9 to the token it has just read, and shares the rest among 49."""
    probs = torch.full((*ids.shape, 50), 0.1 / 49)
    return probs.scatter(-1, ids[..., None], 0.9).log()


@given(st.integers(2, 70), st.integers(1, 20), st.integers(1, 20))
def test_a_model_that_guesses_has_the_perplexity_of_its_vocabulary(n, context_length, stride):
    stride = min(stride, context_length)
    assert evaluation.perplexity(uniform, IDS[:n], context_length, stride) == pytest.approx(50)
    bits = evaluation.bits_per_byte(uniform, IDS[:n], 7, context_length, stride)
    assert bits == pytest.approx((n - 1) * math.log2(50) / 7)


@given(st.lists(st.integers(0, 2), min_size=2, max_size=60), st.integers(1, 9))
def test_every_token_weighs_the_same_whatever_the_window(ids, context_length):
    same = sum(a == b for a, b in itertools.pairwise(ids))
    nats = -same * math.log(0.9) - (len(ids) - 1 - same) * math.log(0.1 / 49)
    expected = math.exp(nats / (len(ids) - 1))
    assert evaluation.perplexity(repeats_what_it_reads, ids, context_length) == pytest.approx(expected, rel=1e-5)


@pytest.fixture(scope="module")
def llama():
    torch.manual_seed(0)
    shape = {"hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 6}
    return randomised(LlamaForCausalLM(LlamaConfig(vocab_size=50, max_position_embeddings=32, **shape)))


def hugging_faces_recipe(model, ids, max_length, stride):
    """The loop of the transformers documentation: labels of -100 where an earlier window has counted."""
    nats, tokens, scored_to = 0.0, 0, 0
    for begin in range(0, len(ids), stride):
        end = min(begin + max_length, len(ids))
        labels = ids[begin:end].clone()[None]
        labels[:, : -(end - scored_to)] = -100
        counted = int((labels[:, 1:] != -100).sum())
        nats += model(ids[None, begin:end], labels=labels).loss.item() * counted
        tokens, scored_to = tokens + counted, end
        if end == len(ids):
            return math.exp(nats / tokens)
    raise AssertionError


@pytest.mark.parametrize("stride", [1, 4, 11])
def test_strided_perplexity_is_hugging_faces(llama, stride):
    with torch.no_grad():
        theirs = hugging_faces_recipe(llama, IDS, 13, stride)  # a window of 13 tokens: 12 to read, 12 to predict
    ours = evaluation.perplexity(pretrained.from_huggingface(llama), IDS, context_length=12, stride=stride)
    assert ours == pytest.approx(theirs, rel=1e-5)


@given(st.lists(st.integers(2, 60), min_size=1, max_size=9), st.integers(1, 20), st.integers(1, 20))
def test_texts_that_have_nothing_to_do_with_each_other_are_scored_apart(lengths, context_length, stride):
    stride = min(stride, context_length)
    rows = [IDS[: n // 2 + 2].roll(n)[: n // 2 + 2] for n in lengths]
    alone = [evaluation.bits_per_byte(attends_to_all, row, 1, context_length, stride) for row in rows]
    together = evaluation.bits_per_byte(attends_to_all, rows, 1, context_length, stride)
    assert together == pytest.approx(sum(alone), rel=1e-5)
    tokens = sum(len(row) - 1 for row in rows)
    assert evaluation.perplexity(attends_to_all, rows, context_length, stride) == pytest.approx(
        2 ** (sum(alone) / tokens), rel=1e-5
    )


def attends_to_all(ids):
    """A causal model whose answer depends on every token of the row so far, padding to the right excluded."""
    so_far = torch.nn.functional.one_hot(ids, 50).cumsum(dim=1)  # (B, T, V)
    return so_far.float()


@pytest.mark.parametrize("nats", [709.0, 710.0, 950.0, 1e6])
def test_a_perplexity_that_no_float_holds_is_infinite(nats):
    def surely_wrong(ids):
        return torch.stack([torch.full(ids.shape, nats), torch.zeros(ids.shape)], dim=-1)

    ids = [1] * 9
    assert evaluation.perplexity(surely_wrong, ids, 4) == (math.inf if nats > 709.5 else pytest.approx(math.exp(nats)))
    assert evaluation.bits_per_byte(surely_wrong, ids, 8, 4) == pytest.approx(nats / math.log(2))


def test_a_document_longer_than_the_context_is_cut_and_not_lost(llama):
    model = pretrained.from_huggingface(llama)
    apart = [evaluation.bits_per_byte(model, row, 1, 12) for row in (IDS, IDS[:9])]
    assert evaluation.bits_per_byte(model, [IDS, IDS[:9]], 1, 12) == pytest.approx(sum(apart), rel=1e-5)


def test_more_context_changes_the_number_and_the_model_stays_as_it_was(llama):
    model = pretrained.from_huggingface(llama).train()
    numbers = {evaluation.perplexity(model, IDS, 12, stride) for stride in (12, 6, 1)}
    assert len(numbers) == 3
    assert model.training


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda model: evaluation.perplexity(model, [], 8), "at least two tokens"),
        (lambda model: evaluation.perplexity(model, [3], 8), "at least two tokens"),
        (lambda model: evaluation.perplexity(model, IDS[None], 8), r"\(1, 75\)"),
        (lambda model: evaluation.perplexity(model, [IDS, [3]], 8), r"ids\[1\] must hold at least two tokens"),
        (lambda model: evaluation.perplexity(model, [IDS, IDS], 8, 9), "stride"),
        (lambda model: evaluation.perplexity(model, IDS, 33), "more than the model's 32"),
        (lambda model: evaluation.perplexity(model, IDS, 0), "context_length"),
        (lambda model: evaluation.perplexity(model, IDS, 8, 9), "stride"),
        (lambda model: evaluation.bits_per_byte(model, IDS, 0, 8), "n_bytes"),
        (
            lambda model: evaluation.perplexity(model, "a text", 8),
            "^ids must be token ids, got the text 'a text': encode",
        ),
        (lambda model: evaluation.perplexity(model, ["a text", "two"], 8), r"^ids\[0\] must be token ids"),
        (
            lambda model: evaluation.perplexity(model, IDS.view(3, 25), 8),
            r"list\(ids\) makes each row a text of its own",
        ),
        (lambda model: evaluation.perplexity(model, IDS.view(3, 25).numpy(), 8), r"list\(ids\) makes each row a text"),
        (lambda model: evaluation.perplexity(model, [[1, 2], 3], 8), r"^ids\[1\] must hold at least two tokens"),
        (lambda model: evaluation.perplexity(model, None, 8), "^ids must be one row of whole numbers"),
        (lambda model: evaluation.perplexity(model, IDS, 8.0), "^context_length must be a whole number"),
        (
            lambda model: evaluation.perplexity(model, IDS, 8, 0),
            "got 0: windows less than one token apart never move on",
        ),
        (lambda model: evaluation.perplexity(model, IDS, 8, 2.0), "^stride must be a whole number"),
    ],
)
def test_bad_input_is_named(llama, call, word):
    with pytest.raises(ValueError, match=word):
        call(pretrained.from_huggingface(llama))


def test_a_device_without_float64_is_scored_on():
    assert evaluation.perplexity(lambda ids: uniform(ids).as_subclass(OnMPS), IDS, 9) == pytest.approx(50)


@pytest.mark.parametrize(
    "as_row", [list, torch.Tensor.tolist, torch.Tensor.numpy, lambda ids: ids.numpy().astype(np.int16)]
)
def test_one_text_may_be_a_list_of_single_tokens_or_an_array(as_row):
    """A list of tensors without a dimension is one text, not many of one token."""
    assert evaluation.perplexity(attends_to_all, as_row(IDS), 9) == evaluation.perplexity(attends_to_all, IDS, 9)


@pytest.mark.parametrize("training", [True, False])
def test_each_part_of_a_model_is_in_its_own_mode_afterwards(training):
    class Dropped(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.off, self.on = torch.nn.Dropout(), torch.nn.Dropout()

        def forward(self, ids):
            assert not any(module.training for module in self.modules())
            return uniform(ids)

    model = Dropped().train(training)
    model.off.eval()
    model.on.train()
    evaluation.perplexity(model, IDS, 9)
    assert (model.training, model.off.training, model.on.training) == (training, False, True)
    with pytest.raises(ValueError, match="targets"):
        evaluation.perplexity(model, IDS + 50, 9)
    assert (model.training, model.off.training, model.on.training) == (training, False, True)
