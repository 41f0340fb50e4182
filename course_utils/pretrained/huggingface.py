"""Hugging Face's Llama, to and from the course's DecoderLM: the same weights under other names."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.files import save_tensors, write_json
from course_utils.pretrained.llama_config import config_from, config_to
from course_utils.pretrained.weights import WEIGHTS, read_weights
from course_utils.tokenization import PretrainedTokenizer
from course_utils.transformer import DecoderLM, TransformerConfig
from course_utils.transformer.rotary import frequencies

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
FREQUENCIES = ("rotary_emb.inv_freq", "rotary_emb.original_inv_freq")


def from_huggingface(hf_model: Any) -> DecoderLM:
    """Return the course's model in eval mode; it shares its weights' memory with the transformers Llama.

    Args:
        hf_model: a `transformers.LlamaForCausalLM`, or any model of the same architecture.

    Raises:
        ValueError: the model's architecture is not Llama's (biases, other head sizes, scaled rotary positions), or its
            config contradicts itself or the weights.
    """
    tensors = {**dict(hf_model.named_buffers()), **hf_model.state_dict()}  # with the rotary frequencies
    return _build(config_from(hf_model.config.to_dict()), {name: tensor.detach() for name, tensor in tensors.items()})


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
        ValueError: the model is quantised, or has adapters beside its matrices.
    """
    if not isinstance(tokenizer, PretrainedTokenizer):
        raise TypeError(f"tokenizer must be a PretrainedTokenizer, which transformers can read, got {type(tokenizer)}")
    directory = Path(directory)
    names, held = _names(model.config), model.state_dict()
    if strange := sorted(held.keys() ^ names.keys()):
        raise ValueError(
            f"transformers' Llama has plain matrices only, and {strange[0]} is "
            + ("none: merge adapters and remove them first" if strange[0] in held else "missing: load it unquantised")
        )
    weights = {names[ours]: weight for ours, weight in held.items()}
    (directory / "config.json").unlink(missing_ok=True)  # the sign of a whole folder goes first and comes back last
    save_tensors(directory / WEIGHTS, weights)
    tokenizer.save(directory / "tokenizer.json")
    write_json(directory / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    write_json(directory / "config.json", config_to(model))


def read_directory(directory: str | Path) -> tuple[DecoderLM, PretrainedTokenizer]:
    """Return the model and the tokenizer of a folder in Hugging Face's form, without importing transformers.

    Args:
        directory: holds config.json, tokenizer.json, and model.safetensors or an index with the files that it names.

    Raises:
        FileNotFoundError: a file is missing, named.
        ValueError: a file is damaged, or the model is not a Llama.
    """
    directory = Path(directory)
    for needed in ("config.json", "tokenizer.json"):
        if not (directory / needed).is_file():
            raise FileNotFoundError(f"{directory} has no {needed}: is this a model folder in Hugging Face's form?")
    try:
        config = config_from(json.loads((directory / "config.json").read_bytes()))
    except (KeyError, TypeError, AttributeError, ZeroDivisionError, ValueError) as error:
        raise ValueError(f"{directory / 'config.json'} is damaged or no config of a Llama: {error!r}") from error
    return _build(config, read_weights(directory)), PretrainedTokenizer.load(directory / "tokenizer.json")


def _build(config: TransformerConfig, weights: dict[str, Tensor]) -> DecoderLM:
    weights = _without_frequencies(weights, config)
    head, embedding = MODEL_NAMES["head.weight"], MODEL_NAMES["embedding.weight"]
    if config.tie_embeddings and head in weights:  # as transformers does: the weights know better than the flag
        weights.setdefault(embedding, weights[head])
        if _equal(weights[head], weights[embedding]):
            del weights[head]
        else:
            config = dataclasses.replace(config, tie_embeddings=False)
    names = _names(config)
    missing = [theirs for theirs in names.values() if theirs not in weights]
    extra = sorted(weights.keys() - names.values())
    if missing or extra:
        raise ValueError(f"not the weights of a Llama of this shape: missing {missing[:3]}, unexpected {extra[:3]}")
    return DecoderLM.from_weights(config, {ours: weights[theirs] for ours, theirs in names.items()})


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and torch.equal(a, b)


def _without_frequencies(weights: dict[str, Tensor], config: TransformerConfig) -> dict[str, Tensor]:
    """Leave out the frequencies of the rotary positions, which old checkpoints store, if the config says the same."""
    expected = frequencies(config.head_dim, config.rope_theta)  # (head / 2,)
    kept = {}
    for name, weight in weights.items():
        if not name.endswith(FREQUENCIES):
            kept[name] = weight
            continue
        kind = torch.finfo(weight.dtype)  # stored in 16 bits, they are rounded
        if weight.shape != expected.shape or not weight.float().cpu().allclose(
            expected, rtol=8 * kind.eps, atol=kind.smallest_normal
        ):
            raise ValueError(
                f"{name} contradicts the config, whose rope_theta={config.rope_theta:g} gives other frequencies: "
                "scaled rotary positions are not known here"
            )
    return kept


def _names(config: TransformerConfig) -> dict[str, str]:
    names = {
        ours: theirs for ours, theirs in MODEL_NAMES.items() if not (ours == "head.weight" and config.tie_embeddings)
    }
    for layer in range(config.n_layers):
        for ours, theirs in LAYER_NAMES.items():
            names[f"layers.{layer}.{ours}"] = f"model.layers.{layer}.{theirs}"
    return names
