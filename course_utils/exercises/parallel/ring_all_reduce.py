"""An all-reduce in a ring, round by round."""

from course_utils.exercises.core import Exercise, probes


def ring_all_reduce(vectors: list[list[float]]) -> list[list[list[float]]]:
    """Return what each process of a ring holds at the start and after each round of an all-reduce.

    In round t, from 0 on, each process sends one part to its right neighbour: process i the part i - t. In the first
    G - 1 rounds the neighbour adds it to its own, a reduce-scatter; in the other G - 1 it keeps it as it is, an
    all-gather.

    Args:
        vectors: of each of the G processes, one number for each of G parts.

    Raises:
        ValueError: vectors aren't as long as there are processes.

    Source: Patarasuk and Yuan (2009), "Bandwidth Optimal All-Reduce Algorithms for Clusters of Workstations".
    """
    n = len(vectors)
    if any(len(vector) != n for vector in vectors):
        raise ValueError(f"vectors must have one part for each of the {n} processes")
    states = [[list(vector) for vector in vectors]]
    for step in range(2 * (n - 1)):
        before, after = states[-1], [list(parts) for parts in states[-1]]
        for process in range(n):
            part, right = (process - step) % n, (process + 1) % n
            adds = before[right][part] if step < n - 1 else 0
            after[right][part] = before[process][part] + adds
        states.append(after)
    return states


TWO, THREE = [[1, 2], [10, 20]], [[1, 2, 3], [10, 20, 30], [100, 200, 300]]

exercise = Exercise(
    ring_all_reduce,
    minutes=25,
    difficulty=3,
    shown="G - 1 rounds that add and G - 1 rounds that copy: everybody has the sum.",
    hints=(
        "The first half is section 4's loop. In its last round process i got part i + 1 complete. Which part must it "
        "send first in the second half?",
        "The rule for the part never changes: in round t process i sends part (i - t) % G, also for t from G - 1 on.",
        "Loop over range(2 * (G - 1)), copy the last state, and let the right neighbour hold message + own while "
        "step < G - 1, and the message alone after that.",
    ),
    probes=probes(
        ("two processes", TWO),
        "One round adds, one copies. Process 0 sends part 0 first, process 1 sends part 1.",
        ("three processes of ones", [[1, 1, 1]] * 3),
        "Each number says how many processes are in it: after two rounds each process has one 3.",
        ("three processes", THREE),
        "Two rounds add, two copy; in round t process i sends part i - t.",
        ("one process", [[7]]),
        "Alone there is nothing to send: only the start.",
        ("a part too few", [[1, 2], [3]]),
        "Every vector needs one part for each process: raise ValueError and say so.",
    ),
    hidden=probes(
        ("five processes", [[process + part for part in range(5)] for process in range(5)]),
        "The rule is the same for any number of processes.",
    ),
)


def ring(vectors, rounds=None, left=False, shift=0, adds_always=False, shares=False, way=1):
    n = len(vectors)
    if any(len(vector) != n for vector in vectors):
        raise ValueError("vectors")
    states = [[list(vector) for vector in vectors]]
    for step in range(2 * (n - 1) if rounds is None else rounds(n)):
        after = states[-1] if shares else [list(parts) for parts in states[-1]]
        before = states[-1]
        for process in range(n):
            part = (process - way * step + shift * (step >= n - 1)) % n
            to = (process - 1 if left else process + 1) % n
            own = before[to][part] if step < n - 1 or adds_always else 0
            after[to][part] = before[process][part] + own
        states.append(after)
    return states


exercise.add_mistakes(
    "this is the reduce-scatter alone. G - 1 more rounds pass the complete parts on.",
    lambda vectors: ring(vectors, rounds=lambda n: n - 1),
    "you add in the second half too. A complete part is kept as it is: it replaces what was there.",
    lambda vectors: ring(vectors, adds_always=True),
    "all your states are one list, changed again and again. Copy the state before each round.",
    lambda vectors: ring(vectors, shares=True),
    "you send to the left. The neighbour of process i is (i + 1) % G.",
    lambda vectors: ring(vectors, left=True),
    "the second half sends a part that isn't complete. Each process begins with the one that it has just completed.",
    lambda vectors: ring(vectors, shift=-1),
    "in round t you send part i + t, another one than has just come in. Pass on what you have just made: part i - t.",
    lambda vectors: ring(vectors, way=-1),
    "the start is missing: the first of the 2 G - 1 states is what they hold before any round.",
    lambda vectors: ring(vectors)[1:],
    "this is the last state alone. Return all 2 G - 1 of them.",
    lambda vectors: ring(vectors)[-1],
    "one round too many.",
    lambda vectors: ring(vectors, rounds=lambda n: 2 * (n - 1) + 1),
)
