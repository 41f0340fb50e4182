"""How many layers to put between two checkpoints of activations."""

import math

from course_utils.exercises.core import Exercise, probes


def checkpoint_every(n_layers: int, layer: float, read: float) -> int:
    """Return the k for which keeping only what each k-th layer reads needs the least memory.

    Kept for the backward pass is what the first layer of each group of k reads, ceil(n_layers / k) times, and, while a
    group is computed once more, all of its k layers. Of several best ones the smallest k counts.

    Args:
        n_layers: L.
        layer: bytes that one layer keeps if nothing is dropped.
        read: bytes of what a layer reads.
    """
    return min(range(1, n_layers + 1), key=lambda k: math.ceil(n_layers / k) * read + k * layer)


exercise = Exercise(
    checkpoint_every,
    minutes=20,
    difficulty=2,
    shown="where a layer keeps much more than it reads, every layer is a checkpoint; where not, about each √L-th is.",
    hints=(
        "Write the bytes as a function of k, and print them for the first check.",
        "ceil(L / k) * read + k * layer. math.ceil rounds up: ten layers in groups of three make four groups.",
        "min(range(1, n_layers + 1), key=...) takes the first of several best ones.",
    ),
    probes=probes(
        ("a layer keeps what it reads", 16, 1.0, 1.0),
        "16 / k + k is least at k = 4, the root of 16.",
        ("a layer keeps three times what it reads", 32, 3.0, 1.0),
        "11 groups of 3: 11 + 9 = 20. Groups of 4 need as much, and the smaller k counts.",
        ("LLaMA-2 7B", 32, 22.0, 1.0),
        "A layer keeps 22 times what it reads: 32 / k + 22 k is least at k = 1.",
        ("a layer that keeps little", 16, 1.0, 4.0),
        "Here what is read weighs most: k = 8.",
        ("groups that don't come out even", 10, 1.0, 1.5),
        "The last group is shorter, and its input is kept too: ceil(10 / k) times 1.5, plus k. Best at k = 4.",
        ("a tie", 6, 1.0, 1.0),
        "Groups of two and of three both need 5: the smaller one counts.",
    ),
    hidden=probes(
        ("thirty layers", 30, 3.0, 7.0),
        "ceil(L / k) * read + k * layer, over all k from 1 to L.",
    ),
)

exercise.add_mistakes(
    "this is the root of L. That is right only where a layer keeps as much as it reads.",
    lambda layers, layer, read: round(math.sqrt(layers)),
    "this divides without rounding up: the last, shorter group needs its input too.",
    lambda layers, layer, read: min(range(1, layers + 1), key=lambda k: layers / k * read + k * layer),
    "this rounds L / k down: the input of the last, shorter group is kept too.",
    lambda layers, layer, read: min(range(1, layers + 1), key=lambda k: layers // k * read + k * layer),
    "of several best k the smallest counts.",
    lambda layers, layer, read: max(range(1, layers + 1), key=lambda k: (-math.ceil(layers / k) * read - k * layer, k)),
    "this is the number of groups, not the layers in each.",
    lambda layers, layer, read: math.ceil(layers / checkpoint_every(layers, layer, read)),
    "these are the bytes. Return k.",
    lambda layers, layer, read: min(math.ceil(layers / k) * read + k * layer for k in range(1, layers + 1)),
    "layer and read are swapped.",
    lambda layers, layer, read: checkpoint_every(layers, read, layer),
    "this needs the most memory.",
    lambda layers, layer, read: max(range(1, layers + 1), key=lambda k: math.ceil(layers / k) * read + k * layer),
)
