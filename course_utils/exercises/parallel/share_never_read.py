"""An experiment: how much data do processes miss that shuffle with different seeds?"""

import math

from course_utils.exercises.core import Exercise, probes


def share_never_read(n_processes: int) -> float:
    """Return the share of the rows that no process reads in an epoch, if each shuffles with a seed of its own.

    Each of the G processes reads a G-th of the rows, chosen at random and without regard to the others.

    Args:
        n_processes: G.

    Raises:
        ValueError: no process.
    """
    if n_processes < 1:
        raise ValueError(f"n_processes must be at least 1, got {n_processes}")
    return (1 - 1 / n_processes) ** n_processes


exercise = Exercise(
    share_never_read,
    minutes=20,
    difficulty=2,
    shown="with many processes 1/e of the data, 37 %, is missing in every epoch, and nothing crashes.",
    hints=(
        "Measure first: len(set(range(n)) - set(all rows read)) / n, with n = 100,000 and "
        "DistributedSampler(range(n), G, rank, seed=rank) for each rank.",
        "Look at one row. One process reads a G-th of all rows: with which probability does it miss this one? And all "
        "G of them, which don't know of each other?",
        "(1 - 1 / G) ** G, and ValueError for fewer than 1. For G = 2 it is 1/4, for very many 1/e.",
    ),
    probes=probes(
        ("one process", 1),
        "Alone it reads everything: 0.",
        ("four processes", 4),
        "Each misses a row with probability 3/4. A measurement comes close; return the law itself, not rounded.",
        ("two processes", 2),
        "Each misses half of the rows, whatever the other does: a quarter is missed by both.",
        ("eight processes", 8),
        "Each misses a row with probability 7/8.",
        ("a cluster", 1024),
        "It comes close to 1/e = 0.3679 from below, and doesn't vanish.",
        ("no process", 0),
        "Nobody reads: raise ValueError and say so.",
    ),
    hidden=probes(
        ("another number", 6),
        "The law holds for each number of processes.",
        ("fewer than none", -1),
        "Refuse every number below 1.",
    ),
)

exercise.add_mistakes(
    "this is the share that is read. Subtract it from 1.",
    lambda n_processes: 1 - share_never_read(n_processes),
    "this is what one process misses. All of them must miss a row: multiply the probabilities.",
    lambda n_processes: 1 - 1 / n_processes,
    "a quarter is right for two. Measure it for 4 and 8 too: it grows.",
    lambda n_processes: 0.25 if n_processes > 1 else 0.0,
    "1/e is where it ends with very many processes. With few it is less: find a law for all.",
    lambda n_processes: 1 / math.e if n_processes > 1 else 0.0,
    "the base is right and the exponent isn't: all G processes must miss the row.",
    lambda n_processes: (1 - 1 / n_processes) ** (n_processes - 1) if n_processes > 1 else 0.0,
    "the processes don't share the rows out: each reads any G-th of them. That is why some are read by nobody.",
    lambda n_processes: 0.0,
    "the power is in the wrong place: a process misses a row with probability 1 - 1 / G, and all G must miss it.",
    lambda n_processes: 1 - (1 / n_processes) ** n_processes,
    "these are per cent. Return a share between 0 and 1.",
    lambda n_processes: 100 * share_never_read(n_processes),
    "no process is no training. It should not give a number: raise ValueError.",
    lambda n_processes: share_never_read(max(n_processes, 1)),
)
