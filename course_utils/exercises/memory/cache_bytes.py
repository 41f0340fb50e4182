"""Bytes of a KV cache, of which calculators forget one factor or another."""

from course_utils.exercises.core import Exercise, probes


def cache_bytes(
    n_layers: int, d_model: int, n_heads: int, n_kv_heads: int, tokens: int, texts: int, bytes_each: int
) -> int:
    """Return the bytes of all keys and values.

    Args:
        n_layers: L.
        d_model: width, d.
        n_heads: query heads; each has d / n_heads numbers.
        n_kv_heads: heads for keys and values, as wide as a query head.
        tokens: held of each text.
        texts: in the batch, B.
        bytes_each: bytes of a number.
    """
    return 2 * n_layers * n_kv_heads * (d_model // n_heads) * tokens * texts * bytes_each


exercise = Exercise(
    cache_bytes,
    minutes=10,
    difficulty=1,
    shown="the cache grows with layers, key/value heads, tokens and texts, and with nothing else.",
    hints=(
        "What does a single layer store for a single token? How many vectors, and how long are they?",
        "A key and a value, each with n_kv_heads heads of d_model / n_heads numbers.",
        "Multiply: 2, layers, n_kv_heads, d_model // n_heads, tokens, texts, bytes of a number.",
    ),
    probes=probes(
        ("one head, three layers, five tokens", 3, 8, 1, 1, 5, 1, 1),
        "In each layer a key of 8 numbers and a value of 8 for each token: 240 bytes.",
        ("LLaMA-2 7B, one token", 32, 4096, 32, 32, 1, 1, 2),
        "524,288 bytes, half a mebibyte.",
        ("three query heads to a key head", 30, 576, 9, 3, 1, 1, 2),
        "SmolLM2 keeps 3 heads of 64 numbers, not 9: 23,040.",
        ("four query heads to a key head", 32, 4096, 32, 8, 1, 1, 2),
        "Llama-3 8B keeps 8 heads of 128 numbers, so a quarter of LLaMA-2's: 131,072.",
        ("a whole text", 30, 576, 9, 3, 2048, 1, 4),
        "Each of the 2,048 tokens has its keys and values in all 30 layers: 94,371,840 bytes.",
        ("a batch", 2, 12, 3, 3, 5, 4, 2),
        "Each of the four texts has a cache of its own.",
    ),
    hidden=probes(
        ("two key heads of six", 3, 48, 6, 2, 7, 2, 2),
        "Two vectors for each token and layer, each n_kv_heads * (d_model / n_heads) long.",
    ),
)

exercise.add_mistakes(
    "this counts keys or values, not both: a factor 2 is missing.",
    lambda layers, d, heads, kept, tokens, texts, each: layers * kept * (d // heads) * tokens * texts * each,
    "this takes the width of the model, as if every query head had keys and values of its own.",
    lambda layers, d, heads, kept, tokens, texts, each: 2 * layers * d * tokens * texts * each,
    "this takes n_kv_heads for the number of query heads that share a key head. It is the number of key heads.",
    lambda layers, d, heads, kept, tokens, texts, each: (
        2 * layers * (heads // kept) * (d // heads) * tokens * texts * each
    ),
    "this multiplies the width by the number of heads: a head has d_model / n_heads numbers, not d_model.",
    lambda layers, d, heads, kept, tokens, texts, each: 2 * layers * kept * d * tokens * texts * each,
    "the layers are missing: each has its own keys and values.",
    lambda layers, d, heads, kept, tokens, texts, each: 2 * kept * (d // heads) * tokens * texts * each,
    "the texts of the batch are missing.",
    lambda layers, d, heads, kept, tokens, texts, each: 2 * layers * kept * (d // heads) * tokens * each,
    "the tokens are missing: this is the cache of one.",
    lambda layers, d, heads, kept, tokens, texts, each: 2 * layers * kept * (d // heads) * texts * each,
    "the cache grows with the tokens, not with their square: each token has one key and one value.",
    lambda layers, d, heads, kept, tokens, texts, each: 2 * layers * kept * (d // heads) * tokens**2 * texts * each,
    "these are numbers, not bytes.",
    lambda layers, d, heads, kept, tokens, texts, each: 2 * layers * kept * (d // heads) * tokens * texts,
)
