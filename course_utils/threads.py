"""How threads wait for work: asleep, so that the cores are free for whoever shares the machine."""

import os
from collections.abc import MutableMapping

# Between two pieces of work OpenMP's threads turn in circles for a while, ready to go on at once. Alone on a machine
# that is quick; beside other busy processes they burn the very cores that they wait for.
WAITING = {
    "GOMP_SPINCOUNT": "5000",  # of GNU's OpenMP, in turns; 300,000 by default
    "KMP_BLOCKTIME": "1",  # of Intel's and LLVM's, in milliseconds; 200 by default
}


def let_threads_sleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set in an environment how long threads wait awake, unless it says so already.

    Both libraries read it once, when torch is imported: later it has no effect on the process itself.

    Args:
        environment: by default this process's own, which its children inherit.
    """
    for name, value in WAITING.items():
        environment.setdefault(name, value)
