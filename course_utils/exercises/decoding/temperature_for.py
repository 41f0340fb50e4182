"""An experiment: at which temperature does a model choose among so many tokens?"""

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes
from course_utils.exercises.decoding.effective_choices import effective_choices


def temperature_for(logits: Tensor, choices: float) -> float:
    """Return at which of the temperatures .01, .02, ..., 5.00 the effective choices come closest to `choices`."""
    temperatures = [step / 100 for step in range(1, 501)]
    return min(temperatures, key=lambda t: abs(effective_choices((logits / t).softmax(dim=-1)) - choices))


EIGHT = torch.arange(8.0)

exercise = Exercise(
    temperature_for,
    minutes=15,
    difficulty=2,
    shown="the number of choices grows with the temperature, from 1 to V, so that one temperature fits.",
    hints=(
        "Run it for one temperature first: how many choices are there at t = 1, how many at t = 2?",
        "A loop over 500 temperatures takes milliseconds. Keep the one whose choices are nearest to those asked for.",
        "min(temperatures, key=lambda t: abs(effective_choices((logits / t).softmax(dim=-1)) - choices))",
    ),
    probes=probes(
        ("two choices", EIGHT, 2.0),
        "At t = 1 these logits give 2.8 choices, and lower temperatures give fewer.",
        ("more choices", EIGHT, 5.2),
        "At t = 2 these logits give 5.0 choices, so that 5.2 need a little more.",
        ("nearly all are alike", EIGHT, 7.0),
        "As t grows, all 8 become equally likely. Look as far as 5.",
        ("a nearly certain model", tensor([0.0, 6.0, 1.0, 2.0]), 1.5),
        "Divide the logits by each t, then count the choices as 2 ** entropy.",
    ),
    hidden=probes(("five other logits", tensor([3.0, -1.0, 0.5, 2.0, 2.5]), 3.3), "Try every hundredth from .01 to 5."),
    package=(effective_choices,),
)

entropy = lambda probs: float(torch.special.entr(probs).sum())  # in nats


def nearest(measure, logits, wanted, steps=range(1, 501), scale=100):
    """What a student does: try all temperatures."""
    return min((step / scale for step in steps), key=lambda t: abs(measure((logits / t).softmax(-1)) - wanted))


exercise.add_mistakes(
    "you compared the entropy in bits with a number of choices. Raise 2 to its power.",
    lambda logits, choices: nearest(lambda probs: entropy(probs) / 0.693147, logits, choices),
    "you compared the entropy in nats with a number of choices. Raise e to its power.",
    lambda logits, choices: nearest(entropy, logits, choices),
    "you raised 2 to a number of nats. It is 2 to the power of bits, or e to the power of nats.",
    lambda logits, choices: nearest(lambda probs: 2 ** entropy(probs), logits, choices),
    "this is a number of choices. Return the temperature that leads to it.",
    lambda logits, choices: effective_choices((logits / temperature_for(logits, choices)).softmax(-1)),
    "you stopped at t = 1. A flatter distribution than the model's own needs a higher temperature.",
    lambda logits, choices: nearest(effective_choices, logits, choices, steps=range(1, 101)),
    "you tried tenths. Go in hundredths.",
    lambda logits, choices: nearest(effective_choices, logits, choices, steps=range(1, 51), scale=10),
    "this is the inverse: you multiplied by the temperature. Divide the logits.",
    lambda logits, choices: min(
        (step / 100 for step in range(1, 501)),
        key=lambda t: abs(effective_choices((logits * t).softmax(-1)) - choices),
    ),
    "you stopped at t = 2. Look as far as 5.",
    lambda logits, choices: nearest(effective_choices, logits, choices, steps=range(1, 301)),
)
