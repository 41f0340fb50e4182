"""How large a transformer a race trains: the largest of which this machine takes enough steps in the seconds given.

The batch doesn't grow with it. A batch of 32 reads 1.2 to 1.4 times as many tokens in the same time as one of 16, and
yet the loss on the last tenth of Tiny Shakespeare's training part (nats per character) was no better
than by what seeds differ, and worse where a text is read over and over:

    width, seconds       64, 5    64, 20 (three seeds)   96, 40    128, 93    192, 280
    batch of 8           1.838    1.575 (one seed)       -         1.444      -
    batch of 16          1.761    1.552                  1.480     1.428      1.413
    batch of 32          1.766    1.545                  1.479     1.440      1.445

A larger shape pays once it takes enough steps in the same seconds. The same loss with a batch of 16 on an EPYC
processor with AVX2; in brackets the steps that were taken; two numbers are two seeds:

    seconds   width 64             width 96             width 128            width 192
    50        1.521, 1.536 (1,500) 1.511, 1.505 (1,140) -                    -
    60        -                    1.498 (1,370)        1.500 (910)          -
    92        -                    1.475, 1.467 (2,000) 1.467, 1.473 (1,400) -
    170       -                    -                    1.434 (2,620)        1.458 (1,270)

The fastest step promises more steps than a race takes: on that machine some seven tenths of them were taken, so that
2,000 promised are 1,400 here.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import torch

from course_utils.device import pick_device
from course_utils.ladder.learned import LocalDecoderLM
from course_utils.ladder.settings import RaceSettings
from course_utils.training import Trainer

SHAPES = (  # from small to large
    {"d_model": 64, "n_layers": 2, "n_heads": 4, "d_ff": 176},
    {"d_model": 96, "n_layers": 2, "n_heads": 4, "d_ff": 256},
    {"d_model": 128, "n_layers": 2, "n_heads": 4, "d_ff": 352},
    {"d_model": 192, "n_layers": 2, "n_heads": 6, "d_ff": 512},
)
# As many as the fastest step promises: by then 96 is ahead of 64, and 128 even with 96; of 192 it is a guess:
# the 1,270 steps with which it was behind 128 are some 1,800 promised.
STEPS = {96: 1500, 128: 2000, 192: 3000}
TRIAL = 5  # steps, the fastest of which counts: the first ones also warm up


def fitted_size(
    settings: RaceSettings, vocab_size: int, clock: Callable[[], float] = time.perf_counter
) -> RaceSettings:
    """Return settings with the largest shape whose `STEPS` fit into their seconds; else the smallest.

    A few steps of each shape are taken on random tokens, from the smallest on, which takes a second or two. A busy
    machine may get a smaller shape than the same machine when it is quiet: a race's settings are part of its result.

    Args:
        settings: of the race.
        vocab_size: V.
        clock: tells the seconds.
    """
    chosen = replace(settings, **SHAPES[0])
    for shape in SHAPES[1:]:
        larger = replace(settings, **shape)
        if STEPS[larger.d_model] * seconds_per_step(larger, vocab_size, clock) > settings.seconds:
            break
        chosen = larger
    return chosen


def seconds_per_step(settings: RaceSettings, vocab_size: int, clock: Callable[[], float]) -> float:
    """Return how long the fastest of a few training steps takes."""
    ids = torch.randint(0, vocab_size, (4 * settings.context_length,))  # (N,)
    model = LocalDecoderLM(settings.shape(vocab_size)).to(pick_device())
    history = Trainer(model, ids, None, settings.training(steps=TRIAL, progress=False), clock=clock).run()
    ends = [0.0, *(step.seconds for step in history.steps)]
    return min(end - start for start, end in pairwise(ends))
