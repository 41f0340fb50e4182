"""Read a Llama model and its tokenizer from a GGUF file, the format of llama.cpp."""

from pathlib import Path

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


def read_gguf(path: str | Path) -> tuple[DecoderLM, PretrainedTokenizer]:
    """Return the model (float32, dequantised) and the tokenizer that a GGUF file holds.

    Args:
        path: a GGUF file of architecture `llama` whose tokenizer is byte-level BPE split as `smollm` does.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no GGUF, is cut short or damaged, or holds another kind of model.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no GGUF file at {path}")
    try:
        return _read(gguf.GGUFReader(path))
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a whole GGUF file (cut short or damaged?) of a Llama: {error}") from error


def _read(reader: gguf.GGUFReader) -> tuple[DecoderLM, PretrainedTokenizer]:
    tensors = {tensor.name: tensor for tensor in reader.tensors}

    def value(name: str):
        if name not in reader.fields:
            raise ValueError(f"{name!r} is missing in its metadata")
        return reader.fields[name].contents()

    if value("general.architecture") != "llama":
        raise ValueError(f"it holds a {value('general.architecture')!r} model; this reader knows 'llama'")
    config = TransformerConfig(
        vocab_size=len(value("tokenizer.ggml.tokens")),
        d_model=value("llama.embedding_length"),
        n_layers=value("llama.block_count"),
        n_heads=value("llama.attention.head_count"),
        n_kv_heads=value("llama.attention.head_count_kv"),
        d_ff=value("llama.feed_forward_length"),
        context_length=value("llama.context_length"),
        rope_theta=float(value("llama.rope.freq_base")),
        norm_eps=float(f"{value('llama.attention.layer_norm_rms_epsilon'):.6g}"),  # stored in float32
        tie_embeddings="output.weight" not in tensors,
    )
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
        model = DecoderLM(config)
    model.load_state_dict(_weights(tensors, config), assign=True)
    return model.eval(), _tokenizer(value)


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


def _tokenizer(value) -> PretrainedTokenizer:
    kind = (value("tokenizer.ggml.model"), value("tokenizer.ggml.pre"))
    if kind != ("gpt2", "smollm"):
        raise ValueError(f"the file's tokenizer is {kind}; this reader knows ('gpt2', 'smollm')")
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
