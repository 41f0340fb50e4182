"""Weights of a Llama, whose output layer may be its embedding once more."""

from course_utils.exercises.core import Exercise, probes


def model_parameters(
    vocab_size: int, d_model: int, n_layers: int, n_heads: int, n_kv_heads: int, d_ff: int, tied: bool
) -> int:
    """Return the number of different weights.

    Args:
        vocab_size: V.
        d_model: width, d.
        n_layers: L.
        n_heads, n_kv_heads: query heads, and heads for keys and values, each d / n_heads wide.
        d_ff: inner width of the three feed-forward matrices.
        tied: the output layer is the embedding matrix.

    A norm has d weights; there are two in each layer and one behind the last.
    """
    kept = n_kv_heads * (d_model // n_heads)
    layer = 2 * d_model**2 + 2 * d_model * kept + 3 * d_model * d_ff + 2 * d_model
    return (1 if tied else 2) * vocab_size * d_model + n_layers * layer + d_model


SMOLLM2 = (49_152, 576, 30, 9, 3, 1536)

exercise = Exercise(
    model_parameters,
    minutes=20,
    difficulty=2,
    shown="a matrix that two layers share is stored, trained and counted once.",
    hints=(
        "Go through the model as a token does: embedding, then in each layer q, k, v, o, three feed-forward matrices "
        "and two norms, then a norm and the output layer.",
        "q and o are d x d. k and v have n_kv_heads * (d / n_heads) rows.",
        "In a tied model the output layer is the embedding: count V * d once.",
    ),
    probes=probes(
        ("no layers, tied", 10, 4, 0, 2, 2, 8, True),
        "Embedding and final norm: 40 + 4.",
        ("no layers, untied", 10, 4, 0, 2, 2, 8, False),
        "The output layer has its own 40 weights now: 84.",
        ("one layer", 10, 8, 1, 4, 4, 10, True),
        "q, k, v, o: 4 * 64; gate, up, down: 3 * 80; two norms: 16.",
        ("one key head for two query heads", 10, 8, 1, 4, 2, 10, True),
        "k and v have half as many rows as q.",
        ("SmolLM2-135M", *SMOLLM2, True),
        "134,515,008, as its card says.",
    ),
    hidden=probes(
        ("Llama-3 8B", 128_256, 4096, 32, 32, 8, 14_336, False),
        "Its output layer is a matrix of its own, and its keys have 8 heads.",
    ),
)


def count(vocab, d, layers, heads, kept, inner, matrices, matrix_of_output, attention=None, norms=2, final=1):
    width = kept * (d // heads)
    attention = 2 * d * d + 2 * d * width if attention is None else attention
    layer = attention + matrices * d * inner + norms * d
    return vocab * d + matrix_of_output * vocab * d + layers * layer + final * d


exercise.add_mistakes(
    "a tied output layer is counted once more, though it is the embedding.",
    lambda v, d, n, h, k, f, tied: count(v, d, n, h, k, f, 3, 1),
    "the output layer of an untied model is missing.",
    lambda v, d, n, h, k, f, tied: count(v, d, n, h, k, f, 3, 0),
    "keys and values are counted as wide as queries.",
    lambda v, d, n, h, k, f, tied: count(v, d, n, h, h, f, 3, not tied),
    "the feed-forward part has three matrices here: gate, up and down.",
    lambda v, d, n, h, k, f, tied: count(v, d, n, h, k, f, 2, not tied),
    "the norms in the layers are missing, two of d weights in each.",
    lambda v, d, n, h, k, f, tied: count(v, d, n, h, k, f, 3, not tied, norms=0),
    "the norm behind the last layer is missing.",
    lambda v, d, n, h, k, f, tied: count(v, d, n, h, k, f, 3, not tied, final=0),
    "keys and values are missing.",
    lambda v, d, n, h, k, f, tied: count(v, d, n, h, k, f, 3, not tied, attention=2 * d * d),
    "this takes n_kv_heads for the number of query heads that share a key head. It is the number of key heads.",
    lambda v, d, n, h, k, f, tied: count(v, d, n, h, h // k, f, 3, not tied),
    "attention has four matrices: the output one, o, is missing.",
    lambda v, d, n, h, k, f, tied: count(v, d, n, h, k, f, 3, not tied, attention=d * d + 2 * d * k * (d // h)),
)
