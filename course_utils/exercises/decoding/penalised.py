"""A repetition penalty, and the bug that rewarded repetition."""

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def penalised(logits: Tensor, seen: list[int], penalty: float) -> Tensor:
    """Return logits (V,) in which every token of the text so far has become less probable: penalty > 1.

    Positive logits of the ids in `seen` are divided by the penalty, negative ones multiplied by it.

    Source: Keskar, McCann, Varshney, Xiong and Socher (2019), "CTRL: A Conditional Transformer Language Model for
    Controllable Generation", section 4.1, which divides every logit.
    """
    ids = sorted(set(seen))  # however often a token has come, it is penalised once
    lower = torch.where(logits > 0, logits / penalty, logits * penalty)  # (V,)
    result = logits.clone()
    result[ids] = lower[ids]
    return result


exercise = Exercise(
    penalised,
    minutes=15,
    difficulty=2,
    shown="whatever its sign, the logit of a token that was seen moves down, once, and no other moves.",
    hints=(
        "A softmax looks at which logit is larger. Which way does -2 move when it is divided by 2?",
        "A positive logit falls when it is divided, a negative one when it is multiplied: torch.where chooses.",
        "lower = torch.where(logits > 0, logits / penalty, logits * penalty); copy the logits, then put lower[ids] in.",
    ),
    probes=probes(
        ("a positive logit falls", tensor([4.0, 2.0, 1.0]), [0], 2.0),
        "Token 0 was seen: 4 / 2 is 2.",
        ("a negative logit falls", tensor([-2.0, -3.0, 1.0]), [0], 2.0),
        "-2 / 2 is -1, and token 0 would become more probable. Multiply: -4.",
        ("only what was seen", tensor([4.0, -4.0, 2.0, -2.0]), [1, 2], 2.0),
        "Tokens 0 and 3 were not seen: leave them.",
        ("a token that came three times", tensor([8.0, 2.0, 1.0]), [0, 1, 0, 0], 2.0),
        "A token is penalised once, however often it came: 8 / 2 is 4.",
        ("an empty text", tensor([1.0, -1.0]), [], 2.0),
        "Nothing was seen, so nothing changes.",
        ("penalty = 1 changes nothing", tensor([1.0, -1.0]), [0, 1], 1.0),
        "Dividing and multiplying by 1 changes nothing.",
    ),
    hidden=probes(
        ("six tokens", tensor([0.5, -0.5, 0.0, 3.0, -7.0, 1.5]), [4, 3, 4, 2, 1], 1.3),
        "Divide the positive, multiply the negative logits of what was seen.",
    ),
)


def put(logits, ids, lower):
    """What a student does last: a copy of the logits, in which those of the ids are replaced."""
    result = logits.clone()
    result[ids] = lower[ids]
    return result


right = lambda logits, penalty: torch.where(logits > 0, logits / penalty, logits * penalty)


def one_by_one(logits, seen, penalty):
    result = logits.clone()
    for id in seen:
        result[id] = result[id] / penalty if result[id] > 0 else result[id] * penalty
    return result


exercise.add_mistakes(
    "nothing changed. The logits of the ids in seen must fall.",
    lambda logits, seen, penalty: logits.clone(),
    "this is the bug of the thread: dividing a negative logit makes its token more probable. Multiply it.",
    lambda logits, seen, penalty: put(logits, seen, logits / penalty),
    "you multiplied a positive logit, which makes its token more probable. Divide it, and multiply the negative ones.",
    lambda logits, seen, penalty: put(logits, seen, logits * penalty),
    "you subtracted the penalty. That lowers a logit too, but here it is divided or multiplied.",
    lambda logits, seen, penalty: put(logits, seen, logits - penalty),
    "every token was penalised. Only those in seen are.",
    lambda logits, seen, penalty: right(logits, penalty),
    "you penalised the tokens that were not seen.",
    lambda logits, seen, penalty: put(right(logits, penalty), seen, logits),
    "you returned the logits of the seen tokens only. Return all V.",
    lambda logits, seen, penalty: right(logits, penalty)[sorted(set(seen))],
    "these are probabilities. Return logits: the softmax comes later.",
    lambda logits, seen, penalty: put(logits, seen, right(logits, penalty)).softmax(-1),
    "what was seen is now impossible. The penalty makes it less probable, no more.",
    lambda logits, seen, penalty: put(logits, seen, torch.full_like(logits, -torch.inf)),
    "a token that came several times was penalised several times. Once is enough: set(seen).",
    one_by_one,
    "you penalised the last token only. All that were seen are.",
    lambda logits, seen, penalty: put(logits, seen[-1:], right(logits, penalty)),
)
