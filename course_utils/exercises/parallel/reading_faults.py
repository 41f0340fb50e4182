"""Does every row of the data have its reader? The test that a training on several processes lacked."""

from collections import Counter
from itertools import chain

from course_utils.exercises.core import Exercise, probes


def reading_faults(shards: list[list[int]], n_rows: int) -> tuple[list[int], list[int]]:
    """Return the rows that nobody read in an epoch, and those that were read more than once.

    PyTorch's DistributedSampler repeats rows until all processes have equally many. So many repeats are no fault.

    Args:
        shards: of each process, the rows that it read.
        n_rows: how many there are, 0 to n_rows - 1.

    Returns:
        Two sorted lists; the second is empty if there are no more repeats than the sampler needs.

    Raises:
        ValueError: shards is empty.

    Source of the bug: NVlabs/LongLive, thread 71 (2026).
    """
    if not shards:
        raise ValueError("shards is empty: without a process nobody reads")
    read = Counter(chain.from_iterable(shards))
    never = [row for row in range(n_rows) if row not in read]
    repeats = sum(read.values()) - len(read)
    repeated = sorted(row for row in read if read[row] > 1)
    return never, repeated if repeats > -n_rows % len(shards) else []


exercise = Exercise(
    reading_faults,
    minutes=20,
    difficulty=2,
    shown="this test fails for samplers with different seeds, and passes for those with one seed, padded or not.",
    hints=(
        "Together the processes should read each row once. Put all that was read into one list and count.",
        "collections.Counter counts. A row of range(n_rows) that isn't in it was never read; repeats are all readings "
        "less the different rows.",
        "read = Counter of all shards together; never = rows of range(n_rows) not in read; repeats = "
        "sum(read.values()) - len(read). Return the rows with a count above 1 only if repeats > -n_rows % len(shards).",
    ),
    probes=probes(
        ("each row once", [[0, 2], [3, 1]], 4),
        "No fault, whatever the order: two empty lists.",
        ("both processes read the same", [[0, 2, 4], [0, 2, 4]], 6),
        "Rows 1, 3 and 5 were never read, the others twice.",
        ("seeds that differ", [[5, 0, 1], [1, 4, 0]], 6),
        "Rows 2 and 3 were never read, rows 0 and 1 twice.",
        ("filled up", [[0, 1, 2], [3, 4, 0]], 5),
        "5 rows can't be dealt out to 2 processes. One repeat is padding, no fault: the second list is empty.",
        ("filled up, and more", [[0, 1, 2], [2, 4, 0]], 5),
        "Two repeats where one would be padding: row 3 was never read, and rows 0 and 2 are to be reported.",
        ("a process that repeats itself", [[3, 3], [0, 1]], 4),
        "Row 2 was never read, row 3 twice, although by one process.",
        ("nobody reads", [], 4),
        "Without a process there is nothing to test: raise ValueError and say so.",
    ),
    hidden=probes(
        ("three processes", [[6, 1, 2], [2, 1, 0], [2, 5, 5]], 7),
        "Count over all processes together; a row may be read three times.",
    ),
)


def count(shards):
    return Counter(chain.from_iterable(shards))


def answer(shards, n_rows, padding=True, times=2, never=None):
    if not shards:
        raise ValueError("shards")
    read, missing = count(shards), sorted(set(range(n_rows)) - set(chain(*shards)))
    repeated = sorted(row for row in read if read[row] >= times)
    too_many = sum(read.values()) - len(read) > (-n_rows % len(shards) if padding else 0)
    return missing if never is None else never(missing), repeated if too_many else []


exercise.add_mistakes(
    "you report the padding as a fault. `-n_rows % n_processes` repeats are there so that all have equally many.",
    lambda shards, n_rows: answer(shards, n_rows, padding=False),
    "you exchanged the two lists: first the rows that nobody read.",
    lambda shards, n_rows: answer(shards, n_rows)[::-1],
    "you report only what two processes share. A process can also repeat itself.",
    lambda shards, n_rows: answer([[*dict.fromkeys(shard)] for shard in shards], n_rows),
    "you never report a repeat. Count how often each row was read.",
    lambda shards, n_rows: (answer(shards, n_rows)[0], []),
    "you look only for repeats. What hurts more is a row that nobody reads.",
    lambda shards, n_rows: ([], answer(shards, n_rows)[1]),
    "you forgive up to as many repeats as there are processes. Padding needs `-n_rows % n_processes`, often none.",
    lambda shards, n_rows: (
        answer(shards, n_rows)[0],
        answer(shards, n_rows)[1] if sum(count(shards).values()) - len(count(shards)) > len(shards) else [],
    ),
    "you start counting at row 1. Rows are 0 to n_rows - 1.",
    lambda shards, n_rows: (sorted(set(range(1, n_rows + 1)) - set(chain(*shards))), answer(shards, n_rows)[1]),
    "you forgive every repeat if the rows don't divide evenly. Only `-n_rows % n_processes` of them are padding.",
    lambda shards, n_rows: (
        answer(shards, n_rows)[0],
        [] if shards and n_rows % len(shards) else answer(shards, n_rows)[1],
    ),
)
