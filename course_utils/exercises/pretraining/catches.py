"""A test for gradient accumulation: the loss of a step must not depend on how its batch was cut."""

from collections.abc import Callable

import torch

from course_utils.exercises.core import Exercise, probes

StepLoss = Callable[[list[list[float]]], float]


def catches(step_loss: StepLoss) -> bool:
    """Return whether a loss over micro-batches is faulty: another number than the mean over all counted tokens.

    Args:
        step_loss: takes micro-batches, each a list of the surprises of its counted tokens, and returns the loss.
    """
    for parts in ([[1.0, 2.0, 4.0]], [[1.0], [2.0, 4.0, 8.0]], [[1.0, 2.0], [3.0, 8.0]], [[1.0, 2.0], [], [6.0]]):
        surprises = [surprise for part in parts for surprise in part]
        try:
            loss = step_loss(parts)
        except ZeroDivisionError:
            return True
        if abs(loss - sum(surprises) / len(surprises)) > 1e-4:
            return True
    return False


# what is put to the test


def mean_of_all_tokens(parts):
    surprises = [surprise for part in parts for surprise in part]
    return sum(surprises) / len(surprises)


def weighted_mean(parts):
    n_tokens = sum(map(len, parts))
    return sum(sum(part) / len(part) * (len(part) / n_tokens) for part in parts if part)


def mean_in_float32(parts):
    return torch.tensor([surprise for part in parts for surprise in part]).mean().item()


def mean_of_means(parts):
    return sum(sum(part) / max(1, len(part)) for part in parts) / len(parts)


def sum_of_means(parts):
    return sum(sum(part) / max(1, len(part)) for part in parts)


def sum_of_all_tokens(parts):
    return sum(map(sum, parts))


def last_part_only(parts):
    return sum(parts[-1]) / max(1, len(parts[-1]))


def crashes_on_padding(parts):
    n_tokens = sum(map(len, parts))
    return sum(sum(part) / len(part) * len(part) / n_tokens for part in parts)


def running_mean(parts):
    mean, seen = 0.0, 0
    for part in filter(None, parts):
        seen += len(part)
        mean += (sum(part) / len(part) - mean) * len(part) / seen
    return mean


def by_first_part(parts):
    return sum(map(sum, parts)) / (len(parts[0]) * len(parts))


exercise = Exercise(
    catches,
    minutes=20,
    difficulty=2,
    shown="your test knows both faults of 2024, and lets every sound way of counting pass.",
    hints=(
        "What should step_loss give, however the tokens are cut? Compute that yourself, and compare.",
        "Equal micro-batches hide the fault: a mean of means is right there. Which cut brings it out?",
        "Try [[1.0], [2.0, 4.0, 8.0]], where the mean is 3.75, one part alone, two equal parts, and an empty part (all "
        "padding). Compare with a small tolerance, and take a ZeroDivisionError for a fault.",
    ),
    probes=probes(
        ("a sum", sum_of_all_tokens),
        "This one never divides: even one part alone shows it.",
        ("a sound one", mean_of_all_tokens),
        "All surprises added up, divided by their number: nothing to catch, return False.",
        ("the fault of October 2024", mean_of_means),
        "A mean of means: beside a part of three tokens, a token alone in its part weighs three times as much.",
        ("the fault of December 2024", sum_of_means),
        "The means are added up: the loss is as many times too large as there are parts.",
        ("another sound one", weighted_mean),
        "Each mean is weighed by its share of the tokens, which is right: return False.",
        ("a sound one in float32", mean_in_float32),
        "Rounding isn't a fault: compare with a tolerance.",
        ("the last part alone", last_part_only),
        "This one forgets all parts but the last.",
        ("a part that is all padding", crashes_on_padding),
        "An empty part makes it divide by 0. That is a fault too: return True.",
    ),
    hidden=probes(
        ("the first part's size for all", by_first_part),
        "Cut the batch unequally, and compare with the mean over all tokens.",
        ("a mean that is kept up to date", running_mean),
        "It gives the mean over all tokens, and that alone counts: return False.",
    ),
)

UNEQUAL, EQUAL = [[1.0], [2.0, 4.0, 8.0]], [[1.0, 2.0], [3.0, 8.0]]
expected = mean_of_all_tokens


def differs(step_loss, *batches, tolerance=1e-4):
    """Whether the loss of one of these batches is wrong; a crash is passed on."""
    return any(abs(step_loss(parts) - expected(parts)) > tolerance for parts in batches)


exercise.add_mistakes(
    "a loss that never divides passes your test. Either your answers are the wrong way round, for True means faulty, "
    "or you compare two ways of cutting with each other, where one fault hides in both.",
    lambda step_loss: not catches(step_loss),
    "a loss that never divides passes your test. Either your answers are the wrong way round, for True means faulty, "
    "or you compare two ways of cutting with each other, where one fault hides in both.",
    lambda step_loss: abs(step_loss(EQUAL) - step_loss([[1.0, 3.0], [2.0, 8.0]])) > 1e-4,
    "your test calls a sound function faulty: the right number is the mean over all counted tokens.",
    lambda step_loss: abs(step_loss(UNEQUAL) - mean_of_means(UNEQUAL)) > 1e-4,
    "your test calls a sound function faulty: the right number is the mean over all counted tokens.",
    lambda step_loss: abs(step_loss(UNEQUAL) - sum_of_means(UNEQUAL)) > 1e-4,
    "your test lets the mean of means pass. Equal parts, equal surprises and a single part all hide it: cut the batch "
    "unequally.",
    lambda step_loss: differs(step_loss, EQUAL),
    "your test lets the mean of means pass. Equal parts, equal surprises and a single part all hide it: cut the batch "
    "unequally.",
    lambda step_loss: differs(step_loss, [[2.0], [2.0, 2.0, 2.0]]),
    "your test lets the mean of means pass. Equal parts, equal surprises and a single part all hide it: cut the batch "
    "unequally.",
    lambda step_loss: differs(step_loss, [[1.0, 2.0, 4.0]]),
    "your test compares exactly. Rounding isn't a fault: allow a small difference.",
    lambda step_loss: differs(step_loss, [[0.1], [0.2, 0.7]], UNEQUAL, EQUAL, tolerance=0.0),
    "your test doesn't try a part that is all padding, where the function divides by 0.",
    lambda step_loss: differs(step_loss, UNEQUAL, EQUAL),
)
