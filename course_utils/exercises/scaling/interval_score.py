"""The score of a prediction that is an interval: narrow is good, unless the outcome lies outside."""

from course_utils.exercises.core import Exercise, probes
from course_utils.scaling.game import interval_score

exercise = Exercise(
    interval_score,
    minutes=10,
    difficulty=1,
    shown="to be narrow pays and to be wrong costs, so it is best to say what one believes.",
    hints=(
        "There are three cases: the outcome is below, inside or above. What does each cost?",
        "max(low - outcome, outcome - high, 0) is the distance to the interval in all three.",
        "high - low + 2 / (1 - level) * distance, after the two checks that raise ValueError.",
    ),
    probes=probes(
        ("inside", 2.0, 2.5, 0.5, 2.1),
        "A hit costs the width, 0.5.",
        ("above", 2.0, 2.5, 0.5, 2.8),
        "The width, and four times the distance of 0.3: 1.7.",
        ("below", 2.0, 2.5, 0.5, 1.875),
        "The width, and four times the distance of 0.125: 1.",
        ("surer, and wrong", 2.0, 2.5, 0.9, 2.8),
        "At 90 % a miss costs twenty times its distance: 6.5.",
        ("at the end", 2.0, 2.5, 0.9, 2.5),
        "The end belongs to the interval.",
        ("a point", 2.25, 2.25, 0.5, 2.5),
        "Width 0, and four times the distance.",
        ("ends swapped", 2.5, 2.0, 0.9, 2.25),
        "Its width would be below 0, and the score the best of all: raise ValueError.",
        ("a level in percent", 2.0, 2.5, 90.0, 2.75),
        "2 / (1 - 90) is below 0, and a miss would be rewarded: raise ValueError.",
    ),
    hidden=probes(
        ("another miss", 1.37, 1.61, 0.8, 1.22),
        "The width, and 2 / (1 - level) times the distance to the nearer end.",
        ("sure of everything", 1.37, 1.61, 1.0, 1.22),
        "A level of 1 would divide by 0: raise ValueError.",
    ),
)


def score(width=1.0, factor=lambda level: 2 / (1 - level), distance=lambda low, high, outcome: None):
    """What students vary: the weight of the width, what a miss costs, and how far it is."""

    def answer(low, high, level, outcome):
        if low > high or not 0 < level < 1:
            raise ValueError
        miss = distance(low, high, outcome)
        miss = max(low - outcome, outcome - high, 0.0) if miss is None else miss
        return width * (high - low) + factor(level) * miss

    return answer


exercise.add_mistakes(
    "this is 1 for a hit and 0 for a miss, and the widest interval would always win.",
    lambda low, high, level, outcome: float(low <= outcome <= high),
    "this is 0 for a hit, whatever the width: the widest interval would always win.",
    score(width=0.0),
    "this is the width alone: a miss must cost something.",
    score(factor=lambda level: 0.0),
    "the sign is wrong: a low score is a good one here.",
    lambda *args: -interval_score(*args),
    "a miss costs 1 / (1 - level) of its distance here, half of what it should.",
    score(factor=lambda level: 1 / (1 - level)),
    "a miss costs 2 / level of its distance here. The surer a prediction was, the more a miss must cost: "
    "2 / (1 - level).",
    score(factor=lambda level: 2 / level),
    "a miss costs its distance here, however sure the prediction was. Multiply by 2 / (1 - level).",
    score(factor=lambda level: 1.0),
    "every miss costs the same here. Multiply by its distance.",
    score(distance=lambda low, high, outcome: float(not low <= outcome <= high)),
    "the distance is squared here.",
    score(distance=lambda low, high, outcome: max(low - outcome, outcome - high, 0.0) ** 2),
    "the distance is that to the middle. Take that to the nearer end.",
    score(distance=lambda low, high, outcome: abs(outcome - (low + high) / 2) * (not low <= outcome <= high)),
    "an outcome below the interval costs nothing here.",
    score(distance=lambda low, high, outcome: max(outcome - high, 0.0)),
    "a miss doesn't pay for its width here. The width always counts.",
    lambda low, high, level, outcome: (
        high - low if low <= outcome <= high else 2 / (1 - level) * max(low - outcome, outcome - high)
    ),
)
