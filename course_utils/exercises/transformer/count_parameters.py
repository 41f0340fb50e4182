"""Where the parameters of a decoder are."""

from dataclasses import replace

from course_utils.exercises.core import Exercise, probes
from course_utils.transformer.config import TransformerConfig


def count_parameters(config: TransformerConfig) -> int:
    """Count the parameters of a `DecoderLM` without building it."""
    d, head = config.d_model, config.d_model // config.n_heads
    attention = 2 * d * d + 2 * d * config.n_kv_heads * head  # q and o, k and v
    feed_forward = 3 * d * config.d_ff  # gate, up, down
    norms = 2 * d
    embeddings = config.vocab_size * d * (1 if config.tie_embeddings else 2)
    return embeddings + config.n_layers * (attention + feed_forward + norms) + d  # the final norm


SMALL = TransformerConfig(vocab_size=10, d_model=12, n_layers=3, n_heads=3, n_kv_heads=3, d_ff=20, context_length=16)
UNTIED = replace(SMALL, tie_embeddings=False)
SMOLLM2 = TransformerConfig(
    vocab_size=49152, d_model=576, n_layers=30, n_heads=9, n_kv_heads=3, d_ff=1536, context_length=2048
)

exercise = Exercise(
    count_parameters,
    minutes=20,
    difficulty=2,
    shown="embeddings, q k v o, three feed-forward matrices, two norms a layer and a last one.",
    hints=(
        "Three places: the embeddings, the layers (all alike), the final norm. Start with one layer.",
        "A layer has q and o (d x d), k and v (d x n_kv_heads * head size), gate, up, down (d x d_ff), two norms (d).",
        "The embeddings are vocab_size x d, once if tied, else twice. The final norm has d. SmolLM2: 134,515,008.",
    ),
    probes=probes(
        ("tied embeddings, all heads with their own keys", SMALL),
        "Embeddings 120; three layers, each 4 * 144 in attention, 3 * 240 feed-forward, 24 norms; final norm 12.",
        ("untied embeddings", UNTIED),
        "Without tying, the output layer is a second matrix of vocab_size x d_model.",
        ("grouped queries", replace(SMALL, d_model=16, n_heads=4, n_kv_heads=2)),
        "k and v have n_kv_heads heads of size d_model // n_heads: each is 16 x 8. q and o stay 16 x 16.",
        ("SmolLM2-135M", SMOLLM2),
        "The real model has 134,515,008 parameters.",
    ),
    hidden=probes(
        ("untied, queries grouped", replace(UNTIED, vocab_size=17, d_model=24, n_layers=2, n_heads=6, n_kv_heads=2)),
        "Compute every part from the numbers of config.",
    ),
)

matrix = lambda config, width: config.n_layers * config.d_model * width  # one of d_model x width, in all layers
kv_width = lambda config: config.n_kv_heads * config.head_dim
biases = lambda config: config.n_layers * (3 * config.d_model + 2 * kv_width(config) + 2 * config.d_ff)
grouped = lambda config: matrix(config, config.d_model - kv_width(config))  # what q loses if its heads are grouped

exercise.add_mistakes(
    "you counted two embedding matrices. Tied means that the output uses the same.",
    lambda config: count_parameters(replace(config, tie_embeddings=False)),
    "the embeddings are missing: vocab_size x d_model.",
    lambda config: count_parameters(config) - config.vocab_size * config.d_model,
    "this is one layer. Multiply by n_layers.",
    lambda config: count_parameters(replace(config, n_layers=1)),
    "SwiGLU has three matrices, gate, up and down; you counted two.",
    lambda config: count_parameters(config) - matrix(config, config.d_ff),
    "SwiGLU has three matrices, gate, up and down; you counted one.",
    lambda config: count_parameters(config) - 2 * matrix(config, config.d_ff),
    "one of the attention's four matrices q, k, v, o is missing.",
    lambda config: count_parameters(config) - matrix(config, config.d_model),
    "the norms are missing: two a layer and a final one, d_model each.",
    lambda config: count_parameters(config) - (2 * config.n_layers + 1) * config.d_model,
    "the norms in the layers are missing: two each, of d_model.",
    lambda config: count_parameters(config) - 2 * config.n_layers * config.d_model,
    "a layer has two norms: before attention and before the feed-forward network.",
    lambda config: count_parameters(config) - config.n_layers * config.d_model,
    "the final norm is missing: d_model more.",
    lambda config: count_parameters(config) - config.d_model,
    "these are LayerNorms with a bias. RMSNorm has d_model weights only.",
    lambda config: count_parameters(config) + (2 * config.n_layers + 1) * config.d_model,
    "you counted position embeddings. Rotary positions have no parameters.",
    lambda config: count_parameters(config) + config.context_length * config.d_model,
    "you counted biases. No linear layer has one.",
    lambda config: count_parameters(config) + biases(config),
    "you multiplied d x d by the number of heads. All heads together are d_model wide.",
    lambda config: count_parameters(config) + 4 * (config.n_heads - 1) * matrix(config, config.d_model),
    "untied: the output layer has its own vocab_size x d_model.",
    lambda config: count_parameters(replace(config, tie_embeddings=True)),
    "k and v are full size. With grouped queries they have n_kv_heads heads, not n_heads.",
    lambda config: count_parameters(replace(config, n_kv_heads=config.n_heads)),
    "k and v need n_kv_heads times the head size, d_model // n_heads.",
    lambda config: count_parameters(config) - 2 * matrix(config, config.n_kv_heads * (config.head_dim - 1)),
    "q has all n_heads heads. Only k and v are grouped.",
    lambda config: count_parameters(config) - grouped(config),
    "q and o have all n_heads heads. Only k and v are grouped.",
    lambda config: count_parameters(config) - 2 * grouped(config),
    "k and v have n_kv_heads heads each; you counted one.",
    lambda config: count_parameters(replace(config, n_kv_heads=1)),
)
