"""GGUF files made here: what a plain Llama may leave out, and everything that must not be dropped without a word."""

import gguf
import numpy as np
import pytest
import torch

from course_utils.pretrained.gguf_file import LAYER_NAMES, read_gguf


def pairs_from_halves(weight, head_dim):
    """llama.cpp's order of the rows of queries and keys."""
    return weight.unflatten(0, (-1, 2, head_dim // 2)).transpose(1, 2).flatten(0, 2)


def write(path, model, left_out=(), keys=None, tensors=None):
    """Write a model as llama.cpp's converter does.

    Args:
        left_out: keys of the metadata that are not written.
        keys: more of them, each a number, a string or a truth value.
        tensors: more tensors, by name.
    """
    config = model.config
    metadata = {
        "llama.block_count": config.n_layers,
        "llama.context_length": config.context_length,
        "llama.embedding_length": config.d_model,
        "llama.feed_forward_length": config.d_ff,
        "llama.attention.head_count": config.n_heads,
        "llama.attention.head_count_kv": config.n_kv_heads,
        "llama.attention.layer_norm_rms_epsilon": config.norm_eps,
        "llama.rope.freq_base": config.rope_theta,
        "llama.rope.dimension_count": config.head_dim,
        "llama.vocab_size": config.vocab_size,
        **(keys or {}),
    }
    writer = gguf.GGUFWriter(path, "llama")
    for name, value in metadata.items():
        if name not in left_out:
            kinds = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32, str: writer.add_string}
            kinds[type(value)](name, value)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(["<|end|>", *(chr(ord("!") + i) for i in range(config.vocab_size - 2)), '!"'])
    writer.add_token_types([3] + [1] * (config.vocab_size - 1))
    writer.add_token_merges(['! "'])
    weights = {"token_embd.weight": model.embedding.weight, "output_norm.weight": model.final_norm.weight}
    for layer, block in enumerate(model.layers):
        for ours, theirs in LAYER_NAMES.items():
            weight = block.get_parameter(ours)
            if ours.endswith(("q.weight", "k.weight")):
                weight = pairs_from_halves(weight, config.head_dim)
            weights[f"blk.{layer}.{theirs}"] = weight
    if model.head is not None:
        weights["output.weight"] = model.head.weight
    for name, weight in {**weights, **(tensors or {})}.items():
        writer.add_tensor(name, np.ascontiguousarray(torch.as_tensor(weight).detach().numpy(), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_small_file_gives_the_model_back(tiny_model, tmp_path):
    model, tokenizer = read_gguf(write(tmp_path / "tiny.gguf", tiny_model))
    ids = torch.arange(20)[None]
    assert model.config == tiny_model.config
    assert torch.equal(model(ids), tiny_model(ids))
    assert tokenizer.encode("<|end|>!") == [0, 1]


def test_what_may_be_left_out_has_its_default(tiny_model, tmp_path):
    path = write(tmp_path / "tiny.gguf", tiny_model, left_out=["llama.rope.freq_base", "llama.vocab_size"])
    assert read_gguf(path)[0].config.rope_theta == 10_000
    shape = {**vars(tiny_model.config), "n_kv_heads": tiny_model.config.n_heads}
    many = type(tiny_model)(type(tiny_model.config)(**shape))
    path = write(tmp_path / "many.gguf", many, left_out=["llama.attention.head_count_kv"])
    assert torch.equal(read_gguf(path)[0](torch.arange(9)[None]), many(torch.arange(9)[None]))


@pytest.mark.parametrize("missing", ["llama.block_count", "llama.attention.layer_norm_rms_epsilon"])
def test_what_must_not_be_left_out_is_named(missing, tiny_model, tmp_path):
    with pytest.raises(ValueError, match=missing):
        read_gguf(write(tmp_path / "tiny.gguf", tiny_model, left_out=[missing]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("llama.rope.scaling.type", "none"),
        ("llama.rope.scaling.factor", 1.0),
        ("llama.rope.scale_linear", 1.0),
        ("llama.rope.scaling.finetuned", False),
        ("llama.expert_count", 0),
        ("llama.attention.key_length", 4),
        ("llama.attention.causal", True),
        ("llama.tensor_data_layout", "Meta AI original pth"),
        ("general.name", "any"),
    ],
)
def test_what_says_the_usual_is_no_obstacle(name, value, tiny_model, tmp_path):
    model, _ = read_gguf(write(tmp_path / "tiny.gguf", tiny_model, keys={name: value}))
    assert torch.equal(model(torch.arange(9)[None]), tiny_model(torch.arange(9)[None]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("llama.rope.scaling.type", "linear"),
        ("llama.rope.scaling.factor", 4.0),
        ("llama.rope.scale_linear", 4.0),
        ("llama.rope.scaling.attn_factor", 0.5),
        ("llama.rope.scaling.yarn_beta_fast", 16.0),
        ("llama.rope.dimension_count", 2),
        ("llama.rope.freq_base_swa", 5000.0),
        ("llama.attention.key_length", 8),
        ("llama.attention.sliding_window", 4),
        ("llama.attention.causal", False),
        ("llama.attention.scale", 0.1),
        ("llama.expert_count", 8),
        ("llama.logit_scale", 2.0),
        ("llama.embedding_scale", 12.0),
        ("llama.residual_scale", 0.2),
        ("llama.final_logit_softcapping", 30.0),
        ("llama.vocab_size", 49),
        ("llama.a_key_of_tomorrow", "x"),
        ("split.count", 2),
    ],
)
def test_a_key_that_would_change_the_result_is_refused(name, value, tiny_model, tmp_path):
    with pytest.raises(ValueError, match=rf"tiny\.gguf holds what .* {name} = "):
        read_gguf(write(tmp_path / "tiny.gguf", tiny_model, keys={name: value}))


@pytest.mark.parametrize(
    "name",
    [
        "rope_freqs.weight",
        "blk.0.attn_q.bias",
        "blk.1.ffn_down.bias",
        "blk.0.attn_q_norm.weight",
        "blk.0.attn_output.scale",
        "blk.2.attn_q.weight",
        "output.bias",
        "cls.weight",
    ],
)
def test_a_tensor_that_a_plain_llama_has_not_is_refused(name, tiny_model, tmp_path):
    with pytest.raises(ValueError, match=rf"tiny\.gguf holds what .*'{name}'"):
        read_gguf(write(tmp_path / "tiny.gguf", tiny_model, tensors={name: torch.ones(4)}))


def test_a_head_of_its_own_is_read(tiny_model, tmp_path):
    head = torch.randn(50, 24, generator=torch.Generator().manual_seed(0))
    model, _ = read_gguf(write(tmp_path / "tiny.gguf", tiny_model, tensors={"output.weight": head}))
    assert torch.equal(model.head.weight, head)
