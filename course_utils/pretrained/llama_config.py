"""config.json of Hugging Face's Llama, to and from the course's TransformerConfig."""

import math
from typing import Any

from course_utils.transformer import DecoderLM, TransformerConfig

# What transformers lets a Llama's config say about its arithmetic -> the one value that DecoderLM has. A key that is
# missing or null means that value, too; only the type of the model must be there.
PLAIN = {
    "model_type": "llama",
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "is_causal": True,
    "partial_rotary_factor": 1,
    "quantization_config": None,
}
ROPE = {"rope_type": "default", "type": "default", "partial_rotary_factor": 1}  # the same for the rotary positions


def config_from(theirs: dict) -> TransformerConfig:
    """Return the shape that a config of transformers says.

    Args:
        theirs: what config.json holds, in today's form or in an older one (`rope_theta`, `rope_scaling`).

    Raises:
        ValueError: it is not a plain Llama's, or two of its keys contradict each other; the message names them.
    """
    rope, theta = _rotary_positions(theirs)
    wrong = {key: theirs[key] for key, plain in PLAIN.items() if theirs.get(key) not in (None, plain)}
    wrong |= {key: value for key, value in rope.items() if value not in (None, ROPE.get(key))}
    if theirs.get("model_type") is None:
        wrong["model_type"] = None
    if wrong:
        raise ValueError(f"the course's DecoderLM can't hold this model: {wrong}; it knows plain Llama models")
    width, heads = theirs["hidden_size"], theirs["num_attention_heads"]
    if theirs.get("head_dim") not in (None, width / heads):
        raise ValueError(
            f"head_dim={theirs['head_dim']} contradicts hidden_size / num_attention_heads = {width} / {heads}: the "
            "heads of the course's DecoderLM share its width"
        )
    kv_heads = theirs.get("num_key_value_heads")
    return TransformerConfig(
        vocab_size=theirs["vocab_size"],
        d_model=width,
        n_layers=theirs["num_hidden_layers"],
        n_heads=heads,
        n_kv_heads=heads if kv_heads is None else kv_heads,
        d_ff=theirs["intermediate_size"],
        context_length=theirs["max_position_embeddings"],
        rope_theta=theta,
        norm_eps=theirs["rms_norm_eps"],
        tie_embeddings=bool(theirs.get("tie_word_embeddings")),
    )


def _rotary_positions(theirs: dict) -> tuple[dict, float]:
    """Return what the config says about rotary positions, without their base, and the base."""
    said = {name: theirs[name] for name in ("rope_parameters", "rope_scaling") if theirs.get(name)}
    rope, *others = list(said.values()) or [dict[str, Any]()]
    if others and others[0] != rope:
        raise ValueError(f"its config's rope_parameters and rope_scaling contradict each other: {said}")
    thetas = {"rope_theta": theirs.get("rope_theta"), f"{next(iter(said), '')}.rope_theta": rope.get("rope_theta")}
    thetas = {name: theta for name, theta in thetas.items() if theta is not None}
    if len({float(theta) for theta in thetas.values()}) > 1:
        raise ValueError(f"the bases of its rotary positions contradict each other: {thetas}")
    theta = float(next(iter(thetas.values()), 10_000.0))
    if not 0 < theta < math.inf:
        raise ValueError(f"rope_theta must be above 0, got {theta}")
    return {key: value for key, value in rope.items() if key != "rope_theta"}, theta


def config_to(model: DecoderLM) -> dict:
    """Return the config.json from which transformers builds this model."""
    config = model.config
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab_size,
        "hidden_size": config.d_model,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads,
        "head_dim": config.head_dim,
        "intermediate_size": config.d_ff,
        "max_position_embeddings": config.context_length,
        "rope_theta": config.rope_theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "rms_norm_eps": config.norm_eps,
        "tie_word_embeddings": config.tie_embeddings,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": None,
        "eos_token_id": None,
        "dtype": str(model.embedding.weight.dtype).removeprefix("torch."),
    }
