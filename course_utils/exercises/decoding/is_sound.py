"""A test of top-p that would have caught a real bug: the token that crosses p was dropped."""

from collections.abc import Callable

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes
from course_utils.exercises.decoding.top_k import keep, ranked

NINE = tensor([0.09, 0.5, 0.41])


def is_sound(top_p: Callable[[Tensor, float], Tensor]) -> bool:
    """Say whether top_p(probs (V,), p) keeps the smallest set of mass p, each token at its id, renormalised."""
    cases = (  # probabilities, p, and what must come out
        (NINE, 0.9, [0, 50 / 91, 41 / 91]),  # the token that crosses p stays, and nothing after it
        (NINE, 0.4, [0.0, 1, 0]),  # the first alone is enough
        (tensor([0.5, 0.25, 0.25]), 0.5, [1.0, 0, 0]),  # a mass of exactly p is enough
        (NINE, 1.0, NINE.tolist()),  # nothing is cut
    )
    return all(torch.allclose(top_p(probs, p), tensor(right), atol=1e-6) for probs, p, right in cases)


needed = lambda probs, p: int((probs[ranked(probs)].cumsum(0) < p - 1e-6).sum()) + 1  # how many tokens reach p


def version_a(probs, p):
    return keep(probs, ranked(probs)[: needed(probs, p)])


def version_b(probs, p):  # the thread's
    below = int((probs[ranked(probs)].cumsum(0) <= p + 1e-6).sum())
    return keep(probs, ranked(probs)[: max(1, below)])


def version_c(probs, p):
    order = probs.double().argsort(stable=True)  # the least probable first, as in transformers
    drop = probs.double()[order].cumsum(0) <= 1 - p + 1e-6
    drop[-1] = False
    return keep(probs, order[~drop])


def version_d(probs, p):
    return keep(probs, ranked(probs)[: needed(probs, p) + 1])


def version_e(probs, p):
    return keep(probs[ranked(probs)], torch.arange(needed(probs, p)))


def version_f(probs, p):
    return keep(probs, ranked(probs)[: 1 if p == 1 else needed(probs, p)])


def version_g(probs, p):
    return probs * (keep(probs, ranked(probs)[: needed(probs, p)]) > 0)


def version_h(probs, p):
    return probs


exercise = Exercise(
    is_sound,
    minutes=20,
    difficulty=3,
    shown="your test lets every right version pass and catches each of the broken ones.",
    hints=(
        "Call top_p on a few probabilities whose answer you can work out in your head. What must come out?",
        "The thread's own example, .5 .41 .09 with p = .9, must keep two tokens. Don't put the largest first.",
        "Compare whole answers, rounding allowed: torch.allclose(top_p(probs, p), right). Try p = 1 too.",
    ),
    probes=probes(
        ("a right version", version_a),
        "This version is right: which of your cases asks for something else?",
        ("a version that cuts nothing", version_h),
        "This version returns what it is given: try p = .9 on three tokens.",
        ("the version of the thread", version_b),
        "This version drops the token that crosses p: try .5 .41 .09 with p = .9.",
        ("a right version in another way", version_c),
        "This version is right too. Compare with rounding, and ask for nothing that top-p doesn't promise.",
        ("a version that keeps one token too many", version_d),
        "This version keeps one token more than needed: compare the whole answer.",
        ("a version that returns the sorted tokens", version_e),
        "This version forgets the ids: try probabilities that aren't sorted.",
        ("a version that is wrong at p = 1", version_f),
        "At p = 1 this version keeps one token. Nothing may be cut.",
    ),
    hidden=probes(
        ("another broken version", version_g),
        "Compare the whole answer, which sums to 1.",
        ("another right version", lambda probs, p: version_a(probs.double(), p).float()),
        "Ask for nothing that top-p doesn't promise.",
    ),
)

kept = lambda top_p: int((top_p(NINE, 0.9) > 0).sum())  # how many of three tokens stay
SORTED = tensor([0.5, 0.41, 0.09])
close = lambda got, right: torch.allclose(got, tensor(right), atol=1e-6)

exercise.add_mistakes(
    "your test says no to a right version. True means right: is it turned round, or does one of its cases fail?",
    lambda top_p: not is_sound(top_p),
    "your test says no to a right version. True means right: is it turned round, or does one of its cases fail?",
    lambda top_p: False,
    "your test lets a version pass that cuts nothing. Ask which tokens stay at p = .9.",
    lambda top_p: True,
    "your test lets a version pass that cuts nothing. Ask which tokens stay at p = .9.",  # p = 1 alone shows nothing
    lambda top_p: close(top_p(NINE, 1.0), NINE.tolist()),
    "in your case the first token reaches p alone, and nothing is there to be dropped. Try .5 .41 .09 with p = .9.",
    lambda top_p: close(top_p(NINE, 0.4), [0.0, 1, 0]),
    "your test misses an answer in sorted order. Put the largest elsewhere, and compare each probability at its id.",
    lambda top_p: kept(top_p) == 2,
    "your test misses an answer in sorted order. Put the largest elsewhere, and compare each probability at its id.",
    lambda top_p: close(top_p(SORTED, 0.9), [50 / 91, 41 / 91, 0]),
    "your test catches the thread's bug and no mistake at the end: try p = 1.",
    lambda top_p: close(top_p(NINE, 0.9), [0, 50 / 91, 41 / 91]),
)
