"""How benchmarks take times: calls in turn, so that what else the machine does hits all of them."""

import time
from collections.abc import Callable

ROUNDS = 3


def best_of_each(**calls: Callable) -> dict[str, float]:
    """Run the calls in turn, ROUNDS times after a warm-up; return the least seconds of each."""
    seconds = {name: [] for name in calls}
    for _ in range(ROUNDS + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return {name: min(times[1:]) for name, times in seconds.items()}
