"""Exercises of notebook 09: other right answers, wrong ones that no mistake covers, and the laws they rest on."""

import math
import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import LlamaConfig, LlamaForSequenceClassification
from verdicts import right, wrong

from course_utils.evaluation import next_token_loss
from course_utils.exercises import finetuning as exercises

# targets


@right(exercises.response_targets)
def test_targets_token_by_token(ids, prompt_lengths, lengths):
    return torch.tensor(
        [
            [row[t].item() if prompt <= t < length else -100 for t in range(1, len(row))]
            for row, prompt, length in zip(ids, prompt_lengths, lengths, strict=True)
        ]
    )


@right(exercises.response_targets)
def test_targets_rolled_and_masked(ids, prompt_lengths, lengths):
    targets = ids.roll(-1, dims=1)[:, :-1]
    place = torch.arange(targets.shape[1]).expand_as(targets)
    targets[place < torch.tensor(prompt_lengths).unsqueeze(1) - 1] = -100
    targets[place > torch.tensor(lengths).unsqueeze(1) - 2] = -100
    return targets


@wrong(exercises.response_targets, "changed its input ids in place")
def test_targets_written_into_the_ids(ids, prompt_lengths, lengths):
    for row, prompt, length in zip(ids, prompt_lengths, lengths, strict=True):
        row[:prompt] = row[length:] = -100
    return ids[:, 1:]


test_targets_as_long_as_the_ids = wrong(exercises.response_targets, "tensor of shape (1, 5), not an int tensor")(
    lambda *args: F.pad(exercises.response_targets.reference(*args), (0, 1), value=-100)
)


def test_the_loss_of_the_targets_is_that_of_the_response():
    torch.manual_seed(0)
    ids, logits = torch.randint(7, (1, 9)), torch.randn(1, 9, 7)
    targets = exercises.response_targets.reference(ids, [4], [7])
    surprises = [-logits[0, t - 1].log_softmax(-1)[ids[0, t]] for t in (4, 5, 6)]
    torch.testing.assert_close(next_token_loss(logits[:, :-1], targets), torch.stack(surprises).mean())


# the classifier


@right(exercises.class_logits)
def test_classes_text_by_text(states, mask, head):
    return torch.stack([vectors[real][-1] @ head for vectors, real in zip(states, mask, strict=True)])


@right(exercises.class_logits)
def test_classes_by_einsum(states, mask, head):
    last = mask.shape[1] - 1 - mask.flip(1).int().argmax(1)
    chosen = states.gather(1, last[:, None, None].expand(-1, 1, states.shape[2]))
    return torch.einsum("bod,dc->bc", chosen, head)


@wrong(exercises.class_logits, "not a float tensor of shape (2, 2)")
def test_classes_of_every_pair(states, mask, head):
    return states[:, mask.sum(1) - 1].squeeze(1) @ head


def test_class_logits_are_those_of_transformers():
    config = LlamaConfig(
        vocab_size=11,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        num_labels=3,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    model = LlamaForSequenceClassification(config).eval()
    ids = torch.tensor([[5, 6, 7, 0], [0, 0, 8, 9]])
    with torch.inference_mode():
        states = model.model(ids, attention_mask=(ids != 0).int()).last_hidden_state
        logits = model(ids, attention_mask=(ids != 0).int()).logits
    torch.testing.assert_close(exercises.class_logits.reference(states, ids != 0, model.score.weight.T), logits)


# padding


@right(exercises.padded_loss)
def test_loss_by_ignored_targets(logits, ids, mask):
    targets = ids.masked_fill(~mask, -100)[:, 1:].masked_fill(~mask[:, :-1], -100)
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), targets.flatten())


@right(exercises.padded_loss)
def test_loss_token_by_token(logits, ids, mask):
    surprises = [
        logits[b, t - 1].logsumexp(-1) - logits[b, t - 1, ids[b, t]]
        for b in range(len(ids))
        for t in range(1, ids.shape[1])
        if mask[b, t - 1] and mask[b, t]
    ]
    return sum(surprises) / len(surprises)


test_loss_as_a_float = wrong(exercises.padded_loss, "returned a float, not a float tensor of shape ()")(
    lambda *args: exercises.padded_loss.reference(*args).item()
)
test_loss_of_unshifted_shapes = wrong(exercises.padded_loss, "your function raised")(
    lambda logits, ids, mask: F.cross_entropy(logits[:, :-1].flatten(0, 1), ids.flatten())
)


def test_padding_makes_no_difference_to_the_loss():
    torch.manual_seed(0)
    logits, ids = torch.randn(2, 6, 5), torch.randint(5, (2, 6))
    mask = torch.arange(6) < torch.tensor([[6], [3]])
    apart = [exercises.padded_loss.reference(logits[:1], ids[:1], mask[:1])]
    apart += [exercises.padded_loss.reference(logits[1:, :3], ids[1:, :3], mask[1:, :3])]
    together = (5 * apart[0] + 2 * apart[1]) / 7
    torch.testing.assert_close(exercises.padded_loss.reference(logits, ids, mask), together)
    torch.testing.assert_close(
        next_token_loss(logits[:, :-1], ids.where(mask, -100)[:, 1:]),  # padded on the right: one condition is enough
        together,
    )


# replay


@right(exercises.replay_share)
def test_replay_by_bisection(old, new, budget):
    def rise(percent):
        share = percent / 100
        mixture = share * np.array(old) + (1 - share) * np.array(new)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(np.array(old) > 0, old * np.log(old / mixture), 0.0).sum()

    low, high = 0, 100
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if rise(middle) <= budget else (middle + 1, high)
    return low


test_replay_as_a_float = wrong(exercises.replay_share, "returned a float, not an int")(
    lambda *args: float(exercises.replay_share.reference(*args))
)
test_replay_that_takes_log_of_zero = wrong(exercises.replay_share, "your function raised")(
    lambda old, new, budget: next(
        s
        for s in range(101)
        if sum(p * math.log(p / (s / 100 * p + (1 - s / 100) * q)) for p, q in zip(old, new, strict=True)) <= budget
    )
)


def test_the_old_loss_rises_by_the_logarithm_of_the_share_at_most():
    draw = random.Random(0)
    for _ in range(50):
        old, new = ([value / sum(row) for value in row] for row in ([draw.random() for _ in range(5)] for _ in "12"))
        for percent in (1, 10, 50, 90):
            enough = exercises.replay_share.reference(old, new, -math.log(percent / 100))
            assert enough <= percent


# preferences


@right(exercises.preference_loss)
def test_preferences_by_softplus(chosen, rejected, reference_chosen, reference_rejected, beta):
    return F.softplus(beta * ((rejected - reference_rejected) - (chosen - reference_chosen))).mean()


@right(exercises.preference_loss)
def test_preferences_pair_by_pair(chosen, rejected, reference_chosen, reference_rejected, beta):
    four = zip(chosen, rejected, reference_chosen, reference_rejected, strict=True)
    return sum(torch.logaddexp(chosen.new_zeros(()), -beta * (c - r - rc + rr)) for c, r, rc, rr in four) / len(chosen)


@right(exercises.preference_loss)
def test_preferences_with_logits_and_labels(chosen, rejected, reference_chosen, reference_rejected, beta):
    logits = beta * (chosen - rejected - (reference_chosen - reference_rejected))
    return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


test_preferences_one_by_one = wrong(exercises.preference_loss, "not a float tensor of shape ()")(
    lambda c, r, rc, rr, beta: -F.logsigmoid(beta * (c - rc - r + rr))
)


@pytest.mark.parametrize("beta", [0.1, 2.0])
def test_the_gradient_of_the_loss_raises_the_chosen_and_lowers_the_rejected(beta):
    chosen, rejected = torch.tensor([-3.0, -8.0], requires_grad=True), torch.tensor([-4.0, -2.0], requires_grad=True)
    exercises.preference_loss.reference(chosen, rejected, chosen.detach(), rejected.detach(), beta).backward()
    torch.testing.assert_close(chosen.grad, torch.full((2,), -beta / 4))  # beta sigmoid(0) over two pairs
    torch.testing.assert_close(rejected.grad, -chosen.grad)
