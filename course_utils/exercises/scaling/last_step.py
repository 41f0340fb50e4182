"""A real bug by its symptom: a fit that stops early if its losses are averaged, and not if they are added."""

from course_utils.exercises.core import Exercise, probes


def last_step(objective: list[float], tolerance: float) -> int:
    """Return the step at which a search should stop.

    That is the first one that lowers the objective by no more than `tolerance` times what it was before that step; if
    there is none, the last step there is.

    Args:
        objective: its value before the first step and after each; at least 0, and never rising.
        tolerance: a share of the objective.

    Sources of the bug: Besiroglu et al. (2024), "Chinchilla Scaling: A Replication Attempt", and marin-community/marin,
    pull request 749 (2025); the rule with the 1 in it is that of L-BFGS-B in SciPy (`ftol`).
    """
    for step in range(1, len(objective)):
        if objective[step - 1] - objective[step] <= tolerance * objective[step - 1]:
            return step
    return len(objective) - 1


SUMS = [80.0, 40.0, 20.0, 10.0, 9.95, 5.0, 4.98, 4.972, 4.942, 3.0]

exercise = Exercise(
    last_step,
    minutes=15,
    difficulty=2,
    shown="a share of the objective has no unit: it stops the sum and the mean of the same losses at the same step.",
    hints=(
        "Run the faulty rule by hand on 80, 40, 20, 10, 9.95 with a tolerance of 0.012, then on a thousandth of each.",
        "What does max(before, after, 1) become if all values are far below 1, and what is the rule then?",
        "for step in range(1, len(objective)): return step if objective[step - 1] - objective[step] <= tolerance * "
        "objective[step - 1]. A product needs no division, which a perfect fit would make one by 0.",
    ),
    probes=probes(
        ("a sum of losses", SUMS, 0.01),
        "Step 4 lowers 10 by 0.05, half a percent: stop there.",
        ("the same losses, averaged over 1000 runs", [value / 1000 for value in SUMS], 0.01),
        "Each value is a thousandth of the one above. The search is the same, so it must stop at the same step.",
        ("it never settles", [64.0, 16.0, 4.0, 1.0, 0.25], 0.1),
        "Every step takes three quarters of what is left, the last one too: return 4.",
        ("a step that is just small enough", [64.0, 32.0, 24.0, 18.9, 18.8], 0.25),
        "From 32 to 24 it falls by a quarter of 32, which is no more than the tolerance: stop at step 2.",
        ("a perfect fit", [4.0, 1.0, 0.0, 0.0], 0.01),
        "From 1 to 0 all is gained; from 0 to 0 nothing. Mind the division by 0.",
        ("no step at all", [3.0], 0.01),
        "There is only the value before the first step: return 0.",
    ),
    hidden=probes(
        ("very small losses", [3e-9, 2e-9, 1.5e-9, 1.2e-9, 1.15e-9, 1.149e-9, 1.1489e-9], 0.002),
        "Only shares of the objective count, however small it is.",
        ("very large losses", [5e12, 4e12, 3.9e12, 3.1e12], 0.03),
        "Only shares of the objective count, however large it is.",
    ),
)


def stopping(small, found=lambda step: step):
    """What students vary: whether a step is small, small(before, after, tolerance, values so far); what is returned."""

    def answer(objective, tolerance):
        for step in range(1, len(objective)):
            if small(objective[step - 1], objective[step], tolerance, objective[: step + 1]):
                return found(step)
        return found(len(objective) - 1)

    return answer


right = lambda before, after, tolerance, _: before - after <= tolerance * before


def last_small_step(objective, tolerance):
    small = [k for k in range(1, len(objective)) if right(objective[k - 1], objective[k], tolerance, None)]
    return small[-1] if small else len(objective) - 1


FAR_BACK = "the gain is compared with where the search began. Compare it with the objective just before the step."
exercise.add_mistakes(
    "this is the bug itself: below 1 the 1 is the largest of the three, and the tolerance is no share any more, but an "
    "amount.",
    stopping(lambda before, after, tolerance, _: before - after <= tolerance * max(before, after, 1)),
    "the tolerance is taken for an amount. A thousandth of the objective would then need a thousandth of it.",
    stopping(lambda before, after, tolerance, _: before - after <= tolerance),
    "this stops once the objective itself is small. Compare what a step gains with what there was before it.",
    stopping(lambda before, after, tolerance, _: after <= tolerance),
    "a gain of just `tolerance` counts as small too: <=, not <.",
    stopping(lambda before, after, tolerance, _: before - after < tolerance * before),
    "the gain is compared with the objective after the step. Compare it with that before.",
    stopping(lambda before, after, tolerance, _: before - after <= tolerance * after),
    FAR_BACK,
    stopping(lambda before, after, tolerance, values: before - after <= tolerance * values[0]),
    FAR_BACK,
    stopping(lambda before, after, tolerance, values: before - after <= tolerance * (values[0] - after)),
    "this is the step before. Return the first one that gains too little.",
    stopping(right, found=lambda step: max(0, step - 1)),
    "this counts the value before the first step as a step. It is step 0.",
    stopping(right, found=lambda step: step + 1),
    "this is the last small step. Stop at the first.",
    last_small_step,
    "this is the objective at the step. Return the number of the step.",
    lambda objective, tolerance: objective[last_step(objective, tolerance)],
)
