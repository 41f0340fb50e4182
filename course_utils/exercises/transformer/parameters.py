"""Exercise of notebook 03: where the parameters of a decoder are."""

from course_utils.exercises.core import Exercise, Mistake, Probe
from course_utils.transformer.config import TransformerConfig


def count_parameters(config: TransformerConfig) -> int:
    """Count the parameters of a `DecoderLM` without building it."""
    d, head = config.d_model, config.d_model // config.n_heads
    attention = 2 * d * d + 2 * d * config.n_kv_heads * head  # q and o, k and v
    feed_forward = 3 * d * config.d_ff  # gate, up, down
    norms = 2 * d
    embeddings = config.vocab_size * d * (1 if config.tie_embeddings else 2)
    return embeddings + config.n_layers * (attention + feed_forward + norms) + d  # the final norm


def _count(
    c: TransformerConfig, *, tables=None, layers=None, q=1.0, kv=None, o=1.0, matrices=3, norms=2, final=1
) -> int:
    """Count with something changed: embedding tables, width of k and v, matrices of the feed-forward network, ..."""
    tables = (1 if c.tie_embeddings else 2) if tables is None else tables
    layers = c.n_layers if layers is None else layers
    kv = _kv_width(c) if kv is None else kv
    layer = int((q + o) * c.d_model**2) + c.d_model * (2 * kv + matrices * c.d_ff + norms)
    return tables * c.vocab_size * c.d_model + layers * layer + final * c.d_model


def _kv_width(c: TransformerConfig) -> int:
    return c.n_kv_heads * c.d_model // c.n_heads


def _biases(c: TransformerConfig) -> int:
    return c.n_layers * (3 * c.d_model + 2 * _kv_width(c) + 2 * c.d_ff)


SMALL = {
    "vocab_size": 10,
    "d_model": 12,
    "n_layers": 3,
    "n_heads": 3,
    "n_kv_heads": 3,
    "d_ff": 20,
    "context_length": 16,
}
SMOLLM2 = TransformerConfig(
    vocab_size=49152, d_model=576, n_layers=30, n_heads=9, n_kv_heads=3, d_ff=1536, context_length=2048
)

count_parameters = Exercise(
    count_parameters,
    shown="embeddings, q k v o, three feed-forward matrices, two norms a layer and a last one.",
    hints=(
        "Three places: the embeddings, the layers (all alike), the final norm. Start with one layer.",
        "A layer has q and o (d x d), k and v (d x n_kv_heads * head size), gate, up, down (d x d_ff), two norms (d).",
        "The embeddings are vocab_size x d, once if tied, else twice. The final norm has d. SmolLM2: 134,515,008.",
    ),
    probes=(
        Probe(
            "tied embeddings, all heads with their own keys",
            (TransformerConfig(**SMALL),),
            "Embeddings 120; three layers, each 4 * 144 in attention, 3 * 240 feed-forward, 24 norms; final norm 12.",
        ),
        Probe(
            "untied embeddings",
            (TransformerConfig(**SMALL, tie_embeddings=False),),
            "Without tying, the output layer is a second matrix of vocab_size x d_model.",
        ),
        Probe(
            "grouped queries",
            (TransformerConfig(**SMALL | {"d_model": 16, "n_heads": 4, "n_kv_heads": 2}),),
            "k and v have n_kv_heads heads of size d_model // n_heads: each is 16 x 8. q and o stay 16 x 16.",
        ),
        Probe("SmolLM2-135M", (SMOLLM2,), "The real model has 134,515,008 parameters."),
    ),
    mistakes=(
        Mistake(
            lambda c: _count(c, tables=2),
            "you counted two embedding matrices. Tied means that the output uses the same.",
        ),
        Mistake(lambda c: _count(c, tables=0), "the embeddings are missing: vocab_size x d_model."),
        Mistake(lambda c: _count(c, layers=1), "this is one layer. Multiply by n_layers."),
        Mistake(lambda c: _count(c, matrices=2), "SwiGLU has three matrices, gate, up and down; you counted two."),
        Mistake(lambda c: _count(c, matrices=1), "SwiGLU has three matrices, gate, up and down; you counted one."),
        Mistake(lambda c: _count(c, o=0), "one of the attention's four matrices q, k, v, o is missing."),
        Mistake(
            lambda c: _count(c, norms=0, final=0), "the norms are missing: two a layer and a final one, d_model each."
        ),
        Mistake(lambda c: _count(c, norms=0), "the norms in the layers are missing: two each, of d_model."),
        Mistake(
            lambda c: _count(c, norms=1), "a layer has two norms: before attention and before the feed-forward network."
        ),
        Mistake(lambda c: _count(c, final=0), "the final norm is missing: d_model more."),
        Mistake(
            lambda c: _count(c, norms=4, final=2), "these are LayerNorms with a bias. RMSNorm has d_model weights only."
        ),
        Mistake(
            lambda c: _count(c) + c.context_length * c.d_model,
            "you counted position embeddings. Rotary positions have no parameters.",
        ),
        Mistake(
            lambda c: _count(c) + _biases(c),
            "you counted biases. No linear layer has one.",
        ),
        Mistake(
            lambda c: _count(c, q=c.n_heads, kv=c.d_model * c.n_heads, o=c.n_heads),
            "you multiplied d x d by the number of heads. All heads together are d_model wide.",
        ),
        Mistake(lambda c: _count(c, tables=1), "untied: the output layer has its own vocab_size x d_model."),
        Mistake(
            lambda c: _count(c, kv=c.d_model),
            "k and v are full size. With grouped queries they have n_kv_heads heads, not n_heads.",
        ),
        Mistake(
            lambda c: _count(c, kv=c.n_kv_heads),
            "k and v need n_kv_heads times the head size, d_model // n_heads.",
        ),
        Mistake(
            lambda c: _count(c, q=c.n_kv_heads / c.n_heads),
            "q has all n_heads heads. Only k and v are grouped.",
        ),
        Mistake(
            lambda c: _count(c, q=c.n_kv_heads / c.n_heads, o=c.n_kv_heads / c.n_heads),
            "q and o have all n_heads heads. Only k and v are grouped.",
        ),
        Mistake(
            lambda c: _count(c, kv=c.d_model // c.n_heads),
            "k and v have n_kv_heads heads each; you counted one.",
        ),
    ),
)
