"""Hugging Face's Llama, to and from the course's DecoderLM: the same weights under other names."""

import json
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from course_utils.files import atomic_path, write_atomically
from course_utils.tokenization import PretrainedTokenizer
from course_utils.transformer import DecoderLM, TransformerConfig

# our name -> transformers' name
MODEL_NAMES = {
    "embedding.weight": "model.embed_tokens.weight",
    "final_norm.weight": "model.norm.weight",
    "head.weight": "lm_head.weight",
}
LAYER_NAMES = {
    "attention_norm.weight": "input_layernorm.weight",
    "attention.q.weight": "self_attn.q_proj.weight",
    "attention.k.weight": "self_attn.k_proj.weight",
    "attention.v.weight": "self_attn.v_proj.weight",
    "attention.o.weight": "self_attn.o_proj.weight",
    "feed_forward_norm.weight": "post_attention_layernorm.weight",
    "feed_forward.gate.weight": "mlp.gate_proj.weight",
    "feed_forward.up.weight": "mlp.up_proj.weight",
    "feed_forward.down.weight": "mlp.down_proj.weight",
}


def from_huggingface(hf_model) -> DecoderLM:
    """Return the course's model in eval mode; it shares its weights' memory with the transformers Llama.

    Args:
        hf_model: a `transformers.LlamaForCausalLM`, or any model of the same architecture.

    Raises:
        ValueError: the model's architecture is not Llama's (biases, other head sizes, scaled rotary positions).
    """
    weights = {name: weight.detach() for name, weight in hf_model.state_dict().items()}
    return _build(_config_from(hf_model.config.to_dict()), weights)


def to_huggingface(model: DecoderLM, tokenizer: PretrainedTokenizer, directory: str | Path) -> None:
    """Write a folder that `transformers.AutoModelForCausalLM` and `AutoTokenizer` load.

    Each file is written atomically; config.json is removed first and written last: a folder that has it is whole.

    Args:
        model: the weights to write, in their own dtype.
        tokenizer: its tokenizer.
        directory: where to write; made if missing.

    Raises:
        OSError: the folder can't be written, or the disk is full.
        TypeError: the tokenizer is of a kind that transformers can't read.
    """
    if not isinstance(tokenizer, PretrainedTokenizer):
        raise TypeError(f"tokenizer must be a PretrainedTokenizer, which transformers can read, got {type(tokenizer)}")
    directory = Path(directory)
    names = _names(model.config)
    weights = {names[ours]: weight.detach().contiguous() for ours, weight in model.state_dict().items()}
    (directory / "config.json").unlink(missing_ok=True)  # the sign of a whole folder goes first and comes back last
    with atomic_path(directory / "model.safetensors") as temporary:
        try:
            safetensors.torch.save_file(weights, temporary, metadata={"format": "pt"})
        except SafetensorError as error:  # a full disk, in that library's words
            raise OSError(f"can't write {directory / 'model.safetensors'}: {error}") from error
    tokenizer.save(directory / "tokenizer.json")
    _write_json(directory / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    _write_json(directory / "config.json", _config_to(model))


def read_directory(directory: str | Path) -> tuple[DecoderLM, PretrainedTokenizer]:
    """Return the model and the tokenizer of a folder in Hugging Face's form, without importing transformers.

    Args:
        directory: holds config.json, tokenizer.json and safetensors files.

    Raises:
        FileNotFoundError: a file is missing, named.
        ValueError: a file is damaged, or the model is not a Llama.
    """
    directory = Path(directory)
    for needed in ("config.json", "tokenizer.json"):
        if not (directory / needed).is_file():
            raise FileNotFoundError(f"{directory} has no {needed}: is this a model folder in Hugging Face's form?")
    files = sorted(directory.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"{directory} has no .safetensors file (pickled weights are never loaded)")
    try:
        config = _config_from(json.loads((directory / "config.json").read_bytes()))
    except (KeyError, TypeError, AttributeError, ZeroDivisionError, ValueError) as error:
        raise ValueError(f"{directory / 'config.json'} is damaged or no config of a Llama: {error!r}") from error
    weights: dict[str, Tensor] = {}
    for file in files:
        try:
            weights |= safetensors.torch.load_file(file)
        except SafetensorError as error:
            raise ValueError(f"{file} is damaged or cut short: {error}") from error
    return _build(config, weights), PretrainedTokenizer.load(directory / "tokenizer.json")


def _build(config: TransformerConfig, weights: dict[str, Tensor]) -> DecoderLM:
    names = _names(config)
    missing = [theirs for theirs in names.values() if theirs not in weights]
    extra = sorted(weights.keys() - names.values() - {"lm_head.weight"})  # a tied head may be stored as well
    if missing or extra:
        raise ValueError(f"not the weights of a Llama of this shape: missing {missing[:3]}, unexpected {extra[:3]}")
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
        model = DecoderLM(config)
    try:
        model.load_state_dict({ours: weights[theirs] for ours, theirs in names.items()}, assign=True)
    except RuntimeError as error:
        raise ValueError(f"the weights don't have the shape that the config says: {error}") from error
    return model.eval()


def _names(config: TransformerConfig) -> dict[str, str]:
    names = {
        ours: theirs for ours, theirs in MODEL_NAMES.items() if not (ours == "head.weight" and config.tie_embeddings)
    }
    for layer in range(config.n_layers):
        for ours, theirs in LAYER_NAMES.items():
            names[f"layers.{layer}.{ours}"] = f"model.layers.{layer}.{theirs}"
    return names


def _config_from(theirs: dict) -> TransformerConfig:
    rope = theirs.get("rope_parameters") or theirs.get("rope_scaling") or {}
    refused = {
        "model_type": theirs.get("model_type") != "llama",
        "rope_type": rope.get("rope_type", rope.get("type", "default")) != "default",
        "hidden_act": theirs.get("hidden_act", "silu") != "silu",
        "attention_bias": bool(theirs.get("attention_bias")),
        "mlp_bias": bool(theirs.get("mlp_bias")),
        "head_dim": (theirs.get("head_dim") or theirs["hidden_size"] // theirs["num_attention_heads"])
        != theirs["hidden_size"] // theirs["num_attention_heads"],
    }
    if any(refused.values()):
        wrong = {name: theirs.get(name, rope.get(name)) for name, bad in refused.items() if bad}
        raise ValueError(f"the course's DecoderLM can't hold this model: {wrong}; it knows plain Llama models")
    return TransformerConfig(
        vocab_size=theirs["vocab_size"],
        d_model=theirs["hidden_size"],
        n_layers=theirs["num_hidden_layers"],
        n_heads=theirs["num_attention_heads"],
        n_kv_heads=theirs.get("num_key_value_heads") or theirs["num_attention_heads"],
        d_ff=theirs["intermediate_size"],
        context_length=theirs["max_position_embeddings"],
        rope_theta=float(rope.get("rope_theta") or theirs.get("rope_theta") or 10_000.0),
        norm_eps=theirs["rms_norm_eps"],
        tie_embeddings=bool(theirs.get("tie_word_embeddings")),
    )


def _config_to(model: DecoderLM) -> dict:
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


def _write_json(path: Path, document: dict) -> None:
    write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())
