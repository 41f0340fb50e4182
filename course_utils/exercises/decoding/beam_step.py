"""One step of beam search: of all beams continued by all tokens, the most probable go on."""

from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def beam_step(totals: Tensor, log_probs: Tensor, num_beams: int) -> list[list[int]]:
    """Return the num_beams best pairs [beam, next token], the best first; of equals the earlier beam, the lower id.

    `totals` (n,) are the log-probabilities of the beams so far, `log_probs` (n, V) those of their next tokens.
    """
    candidates = totals[:, None] + log_probs  # (n, V)
    best = candidates.flatten().argsort(descending=True, stable=True)[:num_beams]  # (num_beams,)
    return [list(divmod(index, log_probs.shape[1])) for index in best.tolist()]


TWO = tensor([0.6, 0.4]).log()
NEXT = tensor([[0.4, 0.3, 0.3], [0.05, 0.9, 0.05]]).log()

exercise = Exercise(
    beam_step,
    minutes=20,
    difficulty=3,
    shown="all candidates of all beams compete, and each survivor says which beam it continues.",
    hints=(
        "With n beams and V tokens there are n * V candidates. What is the log-probability of each?",
        "totals[:, None] + log_probs is (n, V). Flatten it, sort it (stable=True), take the first num_beams.",
        "A place in the flattened candidates is beam * V + token: divmod(place, V) takes it apart.",
    ),
    probes=probes(
        ("one beam, two go on", tensor([0.0]), tensor([[0.2, 0.5, 0.3]]).log(), 2),
        "The best two tokens of beam 0 are 1 and 2: [[0, 1], [0, 2]].",
        ("the less probable beam wins", TWO, NEXT, 1),
        ".4 * .9 is more than .6 * .4: beam 1 goes on with token 1.",
        ("a beam dies out", tensor([0.9, 0.1]).log(), NEXT, 2),
        ".9 * .4 and .9 * .3 are both more than .1 * .9: nothing goes on from beam 1.",
        ("two of six candidates", TWO, NEXT, 2),
        "The best are .4 * .9 = .36 and .6 * .4 = .24.",
        ("three of six", tensor([0.3, 0.7]).log(), tensor([[0.1, 0.4, 0.5], [0.05, 0.2, 0.75]]).log(), 3),
        ".7 * .75 = .525, .3 * .5 = .15 and .7 * .2 = .14 go on: log-probabilities are added, each counted once.",
        ("long texts, of probability e^-200", tensor([-200.0, -200.5]), NEXT, 2),
        "In float32 e^-200 is 0. Stay with logarithms: -200 + ln .4 = -200.92 and -200.5 + ln .9 = -200.61.",
        ("a tie", tensor([0.0, 0.0]), tensor([[0.25, 0.25, 0.5], [0.25, 0.5, 0.25]]).log(), 4),
        "Of equal candidates the earlier beam goes first, then the lower id.",
    ),
    hidden=probes(
        (
            "three beams of five tokens",
            tensor([-1.0, -1.5, -1.75]),
            -tensor([[3.0, 2, 4, 1, 5], [2, 1.25, 4, 3, 1], [2, 4, 0.125, 3, 1]]),
            3,
        ),
        "Add, flatten, sort, and take the place apart.",
    ),
)


def best(candidates, num_beams, columns=None):
    """What a student does last: the best places of the candidates, taken apart."""
    order = candidates.flatten().argsort(descending=True, stable=True)[:num_beams]
    return [list(divmod(place, columns or candidates.shape[1])) for place in order.tolist()]


each_best = lambda log_probs: [[beam, int(row.argmax())] for beam, row in enumerate(log_probs)]

exercise.add_mistakes(
    "each pair is turned round: [beam, token].",
    lambda totals, log_probs, n: [pair[::-1] for pair in best(totals[:, None] + log_probs, n)],
    "these are places in the flattened candidates. divmod(place, V) gives the beam and the token.",
    lambda totals, log_probs, n: (
        (totals[:, None] + log_probs).flatten().argsort(descending=True, stable=True)[:n].tolist()
    ),
    "you took the least probable candidates. Sort in descending order.",
    lambda totals, log_probs, n: best(-(totals[:, None] + log_probs), n),
    "each beam kept its own best token. All candidates of all beams compete with each other.",
    lambda totals, log_probs, n: each_best(log_probs) if len(totals) > 1 else best(log_probs, n),
    "what the beams have so far has no effect. Add totals[:, None] to their log-probabilities.",
    lambda totals, log_probs, n: best(log_probs, n),
    "only the most probable beam was continued. All of them are.",
    lambda totals, log_probs, n: [
        [int(totals.argmax()), token] for _, token in best(log_probs[totals.argmax()][None], n)
    ],
    "log-probabilities are added, not multiplied: the product of two negative numbers is positive.",
    lambda totals, log_probs, n: best(totals[:, None] * log_probs, n) if len(totals) > 1 else best(log_probs, n),
    "you added probabilities. Multiply them, that is, add their logarithms.",
    lambda totals, log_probs, n: best(totals.exp()[:, None] + log_probs.exp(), n),
    "you counted the next token twice. Both logarithms are added once.",
    lambda totals, log_probs, n: best(totals[:, None] + 2 * log_probs, n),
    "in float32 the probability of a long text is 0. Add logarithms instead of multiplying probabilities.",
    lambda totals, log_probs, n: best(totals.exp()[:, None] * log_probs.exp(), n),
    "you divided the place by the number of beams. The rows have V places each.",
    lambda totals, log_probs, n: best(
        totals[:, None] + log_probs, n, columns=max(len(totals), 2) if len(totals) > 1 else 3
    ),
    "the survivors are in the order of the beams. The best comes first.",
    lambda totals, log_probs, n: sorted(best(totals[:, None] + log_probs, n)),
    "a beam was continued only once. Several survivors may come from one beam, and none from another.",
    lambda totals, log_probs, n: (
        sorted(each_best(log_probs), key=lambda pair: -float(totals[pair[0]] + log_probs[*pair]))[:n]
        if len(totals) > 1
        else best(log_probs, n)
    ),
    "of equal candidates the earlier beam and the lower id go first: sort with stable=True.",
    lambda totals, log_probs, n: [
        [len(totals) - 1 - beam, log_probs.shape[1] - 1 - token]
        for beam, token in best((totals[:, None] + log_probs).flip(0, 1), n)
    ],
)
