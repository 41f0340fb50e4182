"""The classifier head: reads the last real token, whatever stands beside it, and moves what may move."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_weights import randomised
from torch import nn

from course_utils.finetuning import Classifier, accuracy, classification_loss, finetune, padded
from course_utils.transformer import DecoderLM, TransformerConfig

CONFIG = TransformerConfig(vocab_size=50, d_model=24, n_layers=2, n_heads=6, n_kv_heads=2, d_ff=40, context_length=32)
rows_of_ids = st.lists(st.lists(st.integers(0, 49), min_size=1, max_size=32), min_size=1, max_size=6)


def classifier(n_classes=3, **arguments):
    torch.manual_seed(0)
    result = Classifier(randomised(DecoderLM(CONFIG)).double(), n_classes, **arguments)
    nn.init.normal_(result.head.weight)  # at 0.02 all classes would look alike
    return result


@settings(max_examples=30)
@given(rows_of_ids, st.integers(0, 49))
def test_a_text_in_a_padded_batch_is_the_text_alone(rows, padding):
    model = classifier()
    ids, lengths = padded(rows)
    ids = torch.where(torch.arange(ids.shape[1]) < lengths[:, None], ids, padding)
    together = model(ids, lengths)
    alone = torch.cat([model(*padded([row])) for row in rows])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_it_is_the_head_on_what_the_output_layer_reads_at_the_last_token():
    model = classifier()
    ids = torch.tensor([[3, 14, 15, 9]])
    expected = model.body.hidden_states(ids)[:, 2].float() @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model(ids, torch.tensor([3])), expected)


def test_every_token_counts_and_none_after_the_last():
    model, lengths = classifier(), torch.tensor([4])
    ids = torch.tensor([[3, 14, 15, 9, 2]])
    before = model(ids, lengths)
    for place in range(5):
        other = ids.clone()
        other[0, place] = 40
        assert torch.equal(model(other, lengths), before) == (place == 4)


def first_token_is_even(seed=0):
    generator = torch.Generator().manual_seed(seed)

    def draw():
        ids = torch.randint(50, (16, 6), generator=generator)
        return ids, torch.randint(1, 7, (16,), generator=generator), ids[:, 0] % 2

    return draw


def test_head_only_leaves_the_body_bit_for_bit():
    model = classifier(head_only=True)
    before = {name: weight.clone() for name, weight in model.body.state_dict().items()}
    run = finetune(model, first_token_is_even(), steps=5, learning_rate=0.1, loss=classification_loss)
    assert all(torch.equal(weight, before[name]) for name, weight in model.body.state_dict().items())
    assert run.trainable == 24 * 3 + 3


def test_all_of_it_moves_and_learns():
    model = classifier(2, head_only=False).float()
    ids, lengths, classes = first_token_is_even()()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    run = finetune(model, lambda: (ids, lengths, classes), steps=40, learning_rate=1e-2, loss=classification_loss)
    assert run.trainable == sum(weight.numel() for weight in before.values())
    assert not any(torch.equal(weight, before[name]) for name, weight in model.named_parameters())
    rows = [row[:length].tolist() for row, length in zip(ids, lengths, strict=True)]
    assert accuracy(model, rows, classes.tolist()) == 1.0


def test_what_is_frozen_already_stays_frozen():
    torch.manual_seed(0)
    body = DecoderLM(CONFIG).requires_grad_(False)
    body.final_norm.weight.requires_grad_(True)
    model = Classifier(body, 2, head_only=False)
    assert sum(weight.numel() for weight in model.parameters() if weight.requires_grad) == 24 + 24 * 2 + 2


def test_the_same_seed_gives_the_same_head():
    body = DecoderLM(CONFIG)
    one, two, other = (Classifier(body, 3, seed=seed).head.weight for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_the_loss_of_an_undecided_head_is_ln_c():
    model = classifier(5)
    nn.init.zeros_(model.head.weight)
    batch = (*padded([[1, 2], [3]]), torch.tensor([0, 4]))
    assert classification_loss(model, batch).item() == pytest.approx(torch.tensor(5.0).log().item())


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_accuracy_puts_each_answer_beside_its_own_text(batch_size):
    class LastToken(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.eye(4))

        def forward(self, ids, lengths):
            return self.weight[ids[torch.arange(len(ids)), lengths - 1]]

    rows = [[1, 1, 2], [3], [0, 1], [2, 2, 2, 0], [1]]
    assert accuracy(LastToken(), rows, [2, 3, 1, 0, 1], batch_size) == 1.0
    assert accuracy(LastToken(), rows, [2, 3, 1, 1, 2], batch_size) == 0.6


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Classifier(DecoderLM(CONFIG), 1), "n_classes must be at least 2, got 1"),
        (lambda: padded([[1], []]), "row 1 of 2 is empty"),
        (lambda: padded([]), "got none"),
        (lambda: classifier()(torch.tensor([[1, 2]]), torch.tensor([3])), r"lengths must be 1 whole numbers in 1 .. 2"),
        (lambda: classifier()(torch.tensor([[1, 2]]), torch.tensor([0])), r"got \[0\]"),
        (lambda: classifier()(torch.tensor([[1, 2]]), torch.tensor([1, 1])), "lengths"),
        (lambda: accuracy(classifier(), [[1]], [0, 1]), "a class for each text"),
        (lambda: accuracy(classifier(), [], []), "a text at least"),
        (lambda: accuracy(classifier(), [[1], [2], []], [0, 1, 0]), r"the rows \[2\] are empty"),
        (lambda: accuracy(classifier(), [[1]], [0], batch_size=-1), "batch_size must be at least 1, got -1"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
