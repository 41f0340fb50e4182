"""The loop of finetuning: moves what may move, and stops at what is no number."""

import pytest
import torch
from torch import nn

from course_utils.evaluation import next_token_loss
from course_utils.finetuning import finetune, next_token_batch_loss


def line(seed=0):
    torch.manual_seed(seed)
    return nn.Linear(3, 1)


def square(model, batch):
    x, y = batch
    return (model(x) - y).square().mean()


def batches(seed=0):
    generator = torch.Generator().manual_seed(seed)
    truth = torch.tensor([[1.0], [-2.0], [0.5]])

    def draw():
        x = torch.randn(16, 3, generator=generator)
        return x, x @ truth + 0.25

    return draw


def test_a_known_line_is_found():
    model = line()
    run = finetune(model, batches(), steps=300, learning_rate=0.05, loss=square)
    torch.testing.assert_close(model.weight.detach(), torch.tensor([[1.0, -2.0, 0.5]]), atol=0.01, rtol=0)
    torch.testing.assert_close(model.bias.detach(), torch.tensor([0.25]), atol=0.01, rtol=0)
    assert len(run.losses) == 300
    assert run.losses[-1] < 1e-3 < run.losses[0]
    assert run.trainable == 4
    assert run.seconds > 0
    assert not model.training


def test_only_what_requires_a_gradient_moves():
    model = line()
    model.weight.requires_grad_(False)
    before = model.weight.clone()
    run = finetune(model, batches(), steps=5, learning_rate=0.1, loss=square)
    assert torch.equal(model.weight, before)
    assert run.trainable == 1


def test_the_same_batches_give_the_same_weights():
    first, second = line(), line()
    finetune(first, batches(), steps=7, learning_rate=0.1, loss=square)
    finetune(second, batches(), steps=7, learning_rate=0.1, loss=square)
    assert torch.equal(first.weight, second.weight)


def test_weight_decay_is_for_matrices_only():
    model = line()
    with torch.no_grad():
        model.bias.fill_(1.0)
    flat = lambda model, batch: 0.0 * (model.weight.sum() + model.bias.sum())
    norm = model.weight.norm().item()
    finetune(model, lambda: None, steps=10, learning_rate=0.1, loss=flat, weight_decay=0.5)
    assert model.weight.norm() < 0.9 * norm
    assert model.bias.item() == 1.0


def test_the_learning_rate_rises_and_falls_to_nearly_zero():
    model, seen = line(), []
    before = model.bias.item()

    def slope(model, batch):  # a constant gradient: AdamW moves by the learning rate itself
        seen.append(model.bias.item())
        return model.bias.sum() + 0.0 * model.weight.sum()

    finetune(model, lambda: None, steps=9, learning_rate=0.1, loss=slope, warmup=0.5)
    moved = [a - b for a, b in zip(seen, [*seen[1:], model.bias.item()], strict=True)]
    assert moved == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1, 0.08, 0.06, 0.04, 0.02], rel=1e-3)
    assert seen[0] == before


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_before_it_reaches_the_weights(broken):
    model, calls = line(), []

    def loss(model, batch):
        calls.append(model.weight.clone())
        return square(model, batch) * (broken if len(calls) == 3 else 1.0)

    with pytest.raises(FloatingPointError, match="at step 3: try a lower learning rate"):
        finetune(model, batches(), steps=5, learning_rate=0.1, loss=loss)
    assert torch.equal(model.weight, calls[-1])


def test_after_a_broken_run_another_begins_afresh():
    model = line()
    with pytest.raises(FloatingPointError):
        finetune(model, batches(), steps=1, learning_rate=0.1, loss=lambda m, batch: square(m, batch) * float("nan"))
    assert not model.training
    square(model, batches(1)()).backward()  # and what somebody else has left is no part of the first step
    other = line()
    finetune(model, batches(), steps=3, learning_rate=0.1, loss=square)
    finetune(other, batches(), steps=3, learning_rate=0.1, loss=square)
    assert torch.equal(model.weight, other.weight)
    assert model.weight.grad is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": 0}, "steps"),
        ({"learning_rate": 0.0}, "learning_rate must be a positive number, got 0.0"),
        ({"learning_rate": float("inf")}, "learning_rate"),
        ({"warmup": 1.0}, "warmup"),
        ({"clip_norm": -1.0}, "clip_norm must be a positive number, got -1.0"),
        ({"clip_norm": float("nan")}, "clip_norm"),
        ({"weight_decay": float("nan")}, "weight_decay must not be negative, got nan"),
    ],
)
def test_settings_out_of_range_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        finetune(line(), batches(), **({"steps": 1, "learning_rate": 0.1, "loss": square} | settings))


def test_a_frozen_model_has_nothing_to_train():
    with pytest.raises(ValueError, match="no parameter that requires a gradient"):
        finetune(line().requires_grad_(False), batches(), steps=1, learning_rate=0.1, loss=square)


def test_the_default_loss_is_the_next_tokens():
    logits, targets = torch.randn(2, 3, 5), torch.tensor([[1, 2, -100], [-100, 4, 0]])
    model = lambda inputs: logits
    assert next_token_batch_loss(model, (targets, targets)) == next_token_loss(logits, targets)
