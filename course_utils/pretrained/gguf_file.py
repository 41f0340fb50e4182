"""Read a Llama model and its tokenizer from a GGUF file, the format of llama.cpp."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor

from course_utils.tokenization import PretrainedTokenizer
from course_utils.transformer import DecoderLM, TransformerConfig

CONTROL_TOKEN = 3  # the token type that GGUF gives to special tokens

# our name in a layer -> GGUF's name in a block
LAYER_NAMES = {
    "attention_norm.weight": "attn_norm.weight",
    "attention.q.weight": "attn_q.weight",
    "attention.k.weight": "attn_k.weight",
    "attention.v.weight": "attn_v.weight",
    "attention.o.weight": "attn_output.weight",
    "feed_forward_norm.weight": "ffn_norm.weight",
    "feed_forward.gate.weight": "ffn_gate.weight",
    "feed_forward.up.weight": "ffn_up.weight",
    "feed_forward.down.weight": "ffn_down.weight",
}

READ = {  # the keys on the model's shape; all of its tokenizer's, and what only describes the file, begin otherwise
    "llama.block_count",
    "llama.context_length",
    "llama.embedding_length",
    "llama.feed_forward_length",
    "llama.attention.head_count",
    "llama.attention.head_count_kv",
    "llama.attention.layer_norm_rms_epsilon",
    "llama.rope.freq_base",
    "llama.tensor_data_layout",  # where the file came from; the order of the rows is always llama.cpp's
}


def read_gguf(path: str | Path) -> tuple[DecoderLM, PretrainedTokenizer]:
    """Return the model (float32, dequantised) and the tokenizer that a GGUF file holds.

    Args:
        path: a GGUF file of architecture `llama` whose tokenizer is byte-level BPE split as `smollm` does.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no GGUF, is cut short or damaged, or holds another kind of model: a tensor or a key that
            would change its results and isn't understood is named.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no GGUF file at {path}")
    try:
        return _read(gguf.GGUFReader(path))
    except _UnknownModel as error:
        raise ValueError(f"{path} holds what the course's DecoderLM can't: {error}") from error
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a whole GGUF file (cut short or damaged?) of a Llama: {error}") from error


class _UnknownModel(ValueError):
    """The file is whole, but its model is of another kind."""


def _read(reader: gguf.GGUFReader) -> tuple[DecoderLM, PretrainedTokenizer]:
    tensors = {tensor.name: tensor for tensor in reader.tensors}

    def value(name: str, default: Any = None) -> Any:
        if name in reader.fields:
            return reader.fields[name].contents()
        if default is None:
            raise ValueError(f"{name!r} is missing in its metadata")
        return default

    if value("general.architecture") != "llama":
        raise _UnknownModel(f"it is a {value('general.architecture')!r} model; this reader knows 'llama'")
    n_heads = value("llama.attention.head_count")
    config = TransformerConfig(
        vocab_size=len(value("tokenizer.ggml.tokens")),
        d_model=value("llama.embedding_length"),
        n_layers=value("llama.block_count"),
        n_heads=n_heads,
        n_kv_heads=value("llama.attention.head_count_kv", default=n_heads),
        d_ff=value("llama.feed_forward_length"),
        context_length=value("llama.context_length"),
        rope_theta=float(value("llama.rope.freq_base", default=10_000.0)),
        norm_eps=float(f"{value('llama.attention.layer_norm_rms_epsilon'):.6g}"),  # stored in float32
        tie_embeddings="output.weight" not in tensors,
    )
    _refuse_unknown_keys(reader.fields, config)
    return DecoderLM.from_weights(config, _weights(tensors, config)), _tokenizer(value)


def _refuse_unknown_keys(fields: dict, config: TransformerConfig) -> None:
    """Raise an error for a key on the model's arithmetic that isn't read, unless it says what DecoderLM does anyhow."""
    plain = {
        "llama.vocab_size": (config.vocab_size,),
        "llama.rope.dimension_count": (config.head_dim,),
        "llama.attention.key_length": (config.head_dim,),
        "llama.attention.value_length": (config.head_dim,),
        "llama.attention.causal": (True,),
        "llama.rope.scaling.type": ("none", ""),
        "llama.rope.scaling.factor": (1, 0),  # 0 means that it is not set
        "llama.rope.scale_linear": (1, 0),
        "llama.rope.scaling.attn_factor": (1, 0),
        "llama.rope.scaling.original_context_length": (0, config.context_length),
        "llama.rope.scaling.finetuned": (False, True),  # where the scaling came from
        "llama.expert_count": (0,),
        "llama.expert_used_count": (0,),
        "split.count": (0, 1),  # of files that together hold the model
    }
    for name in fields.keys() - READ:
        if name.startswith(("llama.", "split.count")) and (value := fields[name].contents()) not in plain.get(name, ()):
            raise _UnknownModel(f"it says {name} = {value!r:.60}")


def _weights(tensors: dict, config: TransformerConfig) -> dict[str, Tensor]:
    names = {"embedding.weight": "token_embd.weight", "final_norm.weight": "output_norm.weight"}
    if not config.tie_embeddings:
        names["head.weight"] = "output.weight"
    for layer in range(config.n_layers):
        for ours, theirs in LAYER_NAMES.items():
            names[f"layers.{layer}.{ours}"] = f"blk.{layer}.{theirs}"
    missing = sorted(set(names.values()) - tensors.keys())
    if missing:
        raise ValueError(f"{len(missing)} tensors are missing, the first is {missing[0]!r}")
    if unknown := sorted(tensors.keys() - names.values()):
        raise _UnknownModel(f"it has {len(unknown)} tensors that a plain Llama hasn't, the first is {unknown[0]!r}")
    weights = {}
    for ours, theirs in names.items():
        stored = tensors[theirs]
        weight = torch.from_numpy(gguf.dequantize(stored.data, stored.tensor_type).copy())  # [out, in] or [d]
        if ours.endswith(("attention.q.weight", "attention.k.weight")):
            weight = _halves_from_pairs(weight, config.head_dim)
        weights[ours] = weight
    return weights


def _halves_from_pairs(weight: Tensor, head_dim: int) -> Tensor:
    """Undo llama.cpp's row order, which puts the two numbers that rotary positions pair next to each other."""
    pairs = weight.unflatten(0, (-1, head_dim // 2, 2))  # (heads, head / 2, 2, in)
    return pairs.transpose(1, 2).flatten(0, 2).contiguous()  # (heads * head, in), first halves before second


def _tokenizer(value: Callable[[str], Any]) -> PretrainedTokenizer:
    kind = (value("tokenizer.ggml.model"), value("tokenizer.ggml.pre"))
    if kind != ("gpt2", "smollm"):
        raise _UnknownModel(f"its tokenizer is {kind}; this reader knows ('gpt2', 'smollm')")
    tokens = value("tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in value("tokenizer.ggml.merges")]
    known = set(tokens)
    if strange := [merge for merge in merges if len(merge) != 2 or not {*merge, "".join(merge)} <= known]:
        raise ValueError(f"the merge {strange[0]} of its tokenizer makes no token")
    backend = Tokenizer(models.BPE(vocab={token: id for id, token in enumerate(tokens)}, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    backend.decoder = decoders.ByteLevel()
    types = value("tokenizer.ggml.token_type")
    backend.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False)
            for token, kind in zip(tokens, types, strict=True)
            if kind == CONTROL_TOKEN
        ]
    )
    return PretrainedTokenizer(backend)
