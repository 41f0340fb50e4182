"""The budget of a run: how much of it is over, and whether one more step fits."""

import math
from collections import deque

from course_utils.training.config import TrainingConfig

RECENT = 20  # steps whose slowest says how long the next may take
MARGIN = 1.2  # safety factor: a shared machine may slow down


class Budget:
    """Steps or seconds to spend.

    Args:
        config: names the budget.
        tokens_per_step: of all processes together; turns a budget of tokens into one of steps.

    Attributes:
        start_up: of the seconds, those that went into compiling the model. The schedule of the learning rate is over
            the others.
    """

    def __init__(self, config: TrainingConfig, tokens_per_step: int):
        self.seconds = math.inf if config.seconds is None else config.seconds
        self.steps = config.steps if config.tokens is None else math.ceil(config.tokens / tokens_per_step)
        self.start_up = 0.0
        self._recent: deque[float] = deque(maxlen=RECENT)

    def took(self, seconds: float) -> None:
        """Remember how long a step took."""
        self._recent.append(seconds)

    def allows(self, step: int, elapsed: float) -> bool:
        """Say whether one more step fits after `step` steps in `elapsed` seconds.

        A step that would end after the limit isn't started; how long it will take is judged by the slowest recent
        one. As long as nothing is known about that, a step is allowed, and so is the first one in any case.
        """
        if self.steps is not None:
            return step < self.steps
        if not self._recent:
            return step == 0 or elapsed < self.seconds
        return elapsed + MARGIN * max(self._recent) <= self.seconds

    def progress(self, step: int, began: float, now: float) -> float:
        """Return how much of the budget is over in the middle of a step, 0 .. 1, whatever the clock says.

        The middle, so that neither the first step of a warm-up nor the last one of a decay to 0 is wasted.

        Args:
            step: number of steps before this one.
            began: seconds when it began.
            now: seconds when its gradient is there, which is nearly its end.
        """
        if self.steps is not None:
            return (step + 0.5) / self.steps
        if self.seconds <= self.start_up:  # nothing is left but the one step that is always allowed
            return 0.5
        first, last = (min(max(time, self.start_up), self.seconds) for time in (began, now))
        return (0.5 * (first + last) - self.start_up) / (self.seconds - self.start_up)
