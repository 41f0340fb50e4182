"""The budget of a run: how much of it is over, and whether one more step fits."""

import math
from collections import deque

from course_utils.training.config import TrainingConfig

RECENT = 20  # steps whose slowest says how long the next may take
MARGIN = 1.2  # a machine that others use as well is slower at times


class Budget:
    """Steps or seconds to spend.

    Args:
        config: names the budget.
        tokens_per_step: of all processes together; turns a budget of tokens into one of steps.

    A first step that compiles the model takes its time out of the seconds, but says nothing of how long the next may
    take, and the schedule of the learning rate begins after it.
    """

    def __init__(self, config: TrainingConfig, tokens_per_step: int):
        self.seconds = config.seconds
        self.steps = config.steps if config.tokens is None else math.ceil(config.tokens / tokens_per_step)
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._compiles_next = config.compile
        self._start_up = 0.0

    def took(self, seconds: float) -> None:
        """Remember how long a step took."""
        if self._compiles_next:
            self._compiles_next, self._start_up = False, seconds
        else:
            self._recent.append(seconds)

    def allows(self, step: int, elapsed: float) -> bool:
        """Say whether one more step fits after `step` steps in `elapsed` seconds.

        A step that would end after the limit isn't started; how long it will take is judged by the slowest recent
        one. As long as nothing is known about that, a step is allowed.
        """
        if self.steps is not None:
            return step < self.steps
        if not self._recent:
            return elapsed < self.seconds
        return elapsed + MARGIN * max(self._recent) <= self.seconds

    def progress(self, step: int, elapsed: float) -> float:
        """Return how much of the budget is over in the middle of the next step, 0 .. 1.

        The middle, so that neither the first step of a warm-up nor the last one of a decay to 0 is wasted.
        """
        if self.steps is not None:
            return (step + 0.5) / self.steps
        middle = elapsed - self._start_up + 0.5 * (self._recent[-1] if self._recent else 0.0)
        return min(max(middle, 0.0) / (self.seconds - self._start_up), 1.0)
