"""How long a notebook's cell may take: longer on a slower or busier machine, for being slow is no failure.

    python tools/pace.py

prints how many times as long as on the reference machine a piece of work takes just now.
"""

import subprocess
import sys
from pathlib import Path
from time import perf_counter

CELL_SECONDS = 120  # on the reference machine, where the longest, a live training, takes 40
REFERENCE_SECONDS = 0.175  # of `work` on two quiet cores of an EPYC processor with AVX2
ROUNDS = 5  # the slowest counts: a busy machine is busy at times


def cell_seconds(environment):
    """Return the time limit of a cell in an environment for processes: whole seconds, at least CELL_SECONDS."""
    command = [sys.executable, Path(__file__).resolve()]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return round(CELL_SECONDS * max(1.0, float(answer.stdout)))


def slowdown():
    """Return the seconds of the slowest round over those of the reference machine."""
    import torch

    matrix = torch.ones(768, 768) / 768
    slowest = 0.0
    for _ in range(ROUNDS):
        start = perf_counter()
        work(matrix)
        slowest = max(slowest, perf_counter() - start)
    return slowest / REFERENCE_SECONDS


def work(matrix):
    """Products, as a model computes them, and a loop of Python, as much of each as takes about as long."""
    for _ in range(12):
        matrix = matrix @ matrix
    return sum(number & 1 for number in range(2_000_000))


if __name__ == "__main__":
    print(f"{slowdown():.2f}")
