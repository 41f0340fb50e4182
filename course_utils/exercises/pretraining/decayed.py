"""Weight decay: which parameters it may pull towards zero, whatever they are called."""

import math

from course_utils.exercises.core import Exercise, probes

Parameter = tuple[str, str, tuple[int, ...]]


def decayed(parameters: list[Parameter]) -> list[str]:
    """Return the names of the parameters that weight decay applies to: the matrices, and no vector.

    Args:
        parameters: of each its name, the class of the module that it belongs to, and its shape.
    """
    return [name for name, _, shape in parameters if len(shape) >= 2]


ATTENTION = ("layers.0.attention.q.weight", "Linear", (64, 64))
NORM = ("layers.0.norm1.weight", "LayerNorm", (64,))
LLAMA_NORM = ("model.layers.0.input_layernorm.weight", "LlamaRMSNorm", (64,))
SHORT_NORM = ("blocks.0.ln_1.weight", "RMS", (64,))
BIAS = ("layers.0.mlp.up.bias", "Linear", (192,))
GAIN = ("layers.0.scale", "ScaledResidual", (64,))
NORMALISER = ("layers.0.normaliser.weight", "Linear", (64, 64))
EMBEDDING = ("embed.weight", "Embedding", (768, 64))
CONVOLUTION = ("layers.0.convolution.weight", "Conv1d", (64, 1, 4))

exercise = Exercise(
    decayed,
    minutes=15,
    difficulty=2,
    shown="what decides is what a parameter is, a matrix or a vector, not what somebody called it.",
    hints=(
        "In the real fault the names of classes decided. Every model may have a norm class of its own.",
        "What do all gains of norms and all biases have in common, and no matrix has?",
        "[name for name, kind, shape in parameters if len(shape) >= 2]",
    ),
    probes=probes(
        ("a matrix and a norm", [ATTENTION, NORM]),
        "The matrix is decayed; the gain of the norm isn't, for at 0 its layer would be switched off.",
        ("the norm of the real fault", [ATTENTION, LLAMA_NORM]),
        "LlamaRMSNorm is no LayerNorm by class, and its gain must be left alone all the same.",
        ("a norm by a short name", [SHORT_NORM, ATTENTION]),
        "Neither the class nor the name says norm here. Ask for the shape.",
        ("a bias", [ATTENTION, BIAS]),
        "A bias is a vector: it moves an output, and pulling it to 0 has no use.",
        ("a gain of its own", [ATTENTION, GAIN]),
        "A vector that multiplies a residual stream: no norm, no bias, and not to be decayed either.",
        ("a matrix with norm in its name", [NORMALISER, NORM]),
        "It is a matrix: decay it. Names mislead both ways.",
        ("an embedding", [EMBEDDING, NORM]),
        "In this course an embedding is a matrix like the others, and decayed.",
        ("more than two dimensions", [CONVOLUTION]),
        "A convolution has three, and is decayed: at least two.",
        ("nothing to decay", [NORM, BIAS]),
        "No matrix, so no name: [].",
    ),
    hidden=probes(
        (
            "a model with everything in it",
            [NORMALISER, SHORT_NORM, ATTENTION, ("b", "Linear", (64,)), EMBEDDING, ("gain", "T5Norm", (64,)), GAIN],
        ),
        "Go by the shape alone, and keep the order.",
    ),
)

names = lambda keep: lambda parameters: [name for name, kind, shape in parameters if keep(name, kind, shape)]

exercise.add_mistakes(
    "everything is decayed, the gains of the norms too.",
    names(lambda name, kind, shape: True),
    "this is the real fault: only LayerNorm was left out, and every other norm was decayed.",
    names(lambda name, kind, shape: kind != "LayerNorm"),
    "this goes by names, of the class or of the parameter: it misses a norm that is called otherwise.",
    names(lambda name, kind, shape: "Norm" not in kind),
    "this goes by names, of the class or of the parameter: it misses a norm that is called otherwise.",
    names(lambda name, kind, shape: "norm" not in name and not name.endswith("bias")),
    "you return what is not decayed. Return the others.",
    names(lambda name, kind, shape: len(shape) < 2),
    "the bias is decayed. It is a vector, however long: go by the number of dimensions.",
    names(lambda name, kind, shape: kind == "Linear"),
    "biases of a Linear are left out, but so are matrices of other modules. Go by the shape.",
    names(lambda name, kind, shape: kind == "Linear" and len(shape) == 2),
    "the bias is decayed. It is a vector, however long: go by the number of dimensions.",
    names(lambda name, kind, shape: math.prod(shape) > 64),
    "biases of a Linear are left out, but so are matrices of other modules. Go by the shape.",
    names(lambda name, kind, shape: len(shape) >= 2 and kind != "Embedding"),
    "the names are in another order. Keep the order of the parameters.",
    lambda parameters: sorted(decayed(parameters)),
    "exactly two dimensions are asked for: a convolution has three. At least two.",
    names(lambda name, kind, shape: len(shape) == 2),
    "you return whole entries. Return the names.",
    lambda parameters: [parameter for parameter in parameters if len(parameter[2]) >= 2],
)
