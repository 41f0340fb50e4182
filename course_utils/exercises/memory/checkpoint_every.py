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
    shown="where a layer keeps much more than it reads, every layer is a checkpoint; "
    "else each √(L · read / layer)-th, about.",
    hints=(
        "Write the bytes as a function of k, and print them for the first check.",
        "ceil(L / k) * read + k * layer. math.ceil rounds up: ten layers in groups of three make four groups.",
        "min(range(1, n_layers + 1), key=...) takes the first of several best ones.",
    ),
    probes=probes(
        ("a layer keeps about what it reads", 12, 1.0, 0.99),
        "0.99 * 12 / k + k is least at k = 3, near the root of 12.",
        ("a layer keeps nearly three times what it reads", 32, 3.0, 1.1),
        "Eight groups of 4: 8.8 + 12 = 20.8.",
        ("LLaMA-2 7B in float32", 32, 22.0, 1.0),
        "A layer keeps 22 times what it reads: 32 / k + 22 k is least at k = 1.",
        ("a layer that keeps little", 16, 1.0, 4.0),
        "Here what is read weighs most: k = 8.",
        ("groups that don't come out even", 11, 1.0, 1.5),
        "The last group is shorter, and its input is kept too: ceil(11 / 4) = 3 inputs, 4.5, and 4. Best at k = 4.",
        ("reading is dear", 4, 1.0, 9.0),
        "One group of all four layers keeps a single input: k may be L itself.",
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
    "the last, shorter group needs its input too: round L / k up.",
    lambda layers, layer, read: min(range(1, layers + 1), key=lambda k: layers / k * read + k * layer),
    "the last, shorter group needs its input too: round L / k up.",
    lambda layers, layer, read: min(range(1, layers + 1), key=lambda k: layers // k * read + k * layer),
    "this is a checkpoint at every layer, whatever a layer keeps and reads.",
    lambda layers, layer, read: 1,
    "this counts from 0: in range(L) the first k is 0, so every k is one too small.",
    lambda layers, layer, read: checkpoint_every(layers, layer, read) - 1,
    "k = L itself is left out: range(1, L) ends before it.",
    lambda layers, layer, read: min(range(1, layers), key=lambda k: math.ceil(layers / k) * read + k * layer),
    "k needn't divide L: the last group may be shorter.",
    lambda layers, layer, read: min(
        (k for k in range(1, layers + 1) if layers % k == 0), key=lambda k: layers // k * read + k * layer
    ),
    "of several best k the smallest counts.",
    lambda layers, layer, read: max(range(1, layers + 1), key=lambda k: (-math.ceil(layers / k) * read - k * layer, k)),
    "this is the number of groups, not the layers in each.",
    lambda layers, layer, read: math.ceil(layers / checkpoint_every(layers, layer, read)),
    "these are the bytes. Return k.",
    lambda layers, layer, read: min(math.ceil(layers / k) * read + k * layer for k in range(1, layers + 1)),
    "this needs the most memory.",
    lambda layers, layer, read: max(range(1, layers + 1), key=lambda k: math.ceil(layers / k) * read + k * layer),
)
