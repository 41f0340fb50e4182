"""The transformer: equality with torch's and transformers' own, and the laws that every decoder obeys."""

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from random_weights import randomised
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from course_utils import device, pretrained
from course_utils.transformer import (
    DecoderLM,
    KVCache,
    TransformerConfig,
    attention,
    attention_maps,
    attention_weights,
    can_cache,
    causal_mask,
    context_length_of,
)
from course_utils.transformer.norm import rms_norm
from course_utils.transformer.rotary import rotate, rotation


def random_ids(*shape, seed=0):
    return torch.randint(50, shape, generator=torch.Generator().manual_seed(seed))


# ---- the parts


def test_attention_equals_torchs_fused_kernel():
    q, k, v = torch.randn(3, 2, 4, 7, 8, generator=torch.Generator().manual_seed(0)).unbind(0)
    ours = attention(q, k, v, causal_mask(7))
    torch.testing.assert_close(ours, F.scaled_dot_product_attention(q, k, v, is_causal=True))
    torch.testing.assert_close(attention(q, k, v), F.scaled_dot_product_attention(q, k, v))


def test_attention_weights_are_distributions_over_the_past():
    q, k = torch.randn(2, 1, 2, 5, 4, generator=torch.Generator().manual_seed(0)).unbind(0)
    weights = attention_weights(q, k, causal_mask(5))
    torch.testing.assert_close(weights.sum(-1), torch.ones(1, 2, 5))
    assert weights.triu(1).abs().max() == 0


def test_causal_mask_with_a_past():
    assert causal_mask(2, past=1).tolist() == [[True, True, False], [True, True, True]]


def test_rms_norm_equals_torch():
    x = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))
    weight = torch.linspace(0.5, 2, 8)
    torch.testing.assert_close(rms_norm(x, weight, 1e-5), F.rms_norm(x, (8,), weight, 1e-5))
    assert torch.isfinite(rms_norm(torch.zeros(1, 8), weight, 1e-5)).all()


def test_rotation_makes_a_product_depend_on_the_distance_only():
    q, k = torch.randn(2, 1, 1, 1, 16, generator=torch.Generator().manual_seed(0)).double().unbind(0)

    def score(at_q, at_k):
        turned = [rotate(x, *rotation(torch.tensor([at]), 16, 10_000.0)) for x, at in ((q, at_q), (k, at_k))]
        return (turned[0] * turned[1]).sum().item()

    assert score(5, 2) == pytest.approx(score(105, 102), abs=1e-4)
    assert score(0, 0) == pytest.approx((q * k).sum().item(), abs=1e-6)
    assert abs(score(5, 2) - score(5, 3)) > 1e-3


@pytest.mark.parametrize(("head_dim", "theta"), [(64, 100_000.0), (64, 10_000.0), (128, 500_000.0), (6, 12_345.6)])
def test_rotation_is_transformers_own_to_the_last_bit(head_dim, theta):
    rope = {"rope_type": "default", "rope_theta": theta}
    config = LlamaConfig(hidden_size=head_dim, num_attention_heads=1, rope_parameters=rope)
    positions = torch.arange(4096)
    theirs = LlamaRotaryEmbedding(config)(torch.zeros(1), positions[None])  # (1, T, head) each: both halves the same
    for ours, expected in zip(rotation(positions, head_dim, theta), theirs, strict=True):
        assert torch.equal(torch.cat([ours, ours], dim=-1), expected)


# ---- the whole model


@pytest.mark.parametrize("tied", [True, False])
def test_logits_equal_transformers_llama(tied):
    torch.manual_seed(0)
    theirs = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=50,
            hidden_size=24,
            intermediate_size=40,
            num_hidden_layers=2,
            num_attention_heads=6,
            num_key_value_heads=2,
            max_position_embeddings=32,
            tie_word_embeddings=tied,
            rms_norm_eps=1e-6,
            rope_parameters={"rope_type": "default", "rope_theta": 5000.0},
        )
    )
    randomised(theirs)
    ours = pretrained.from_huggingface(theirs)
    assert ours.config.rope_theta == 5000.0
    ids = random_ids(3, 20)
    with torch.no_grad():
        torch.testing.assert_close(ours(ids), theirs(ids).logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(("vocab_size", "d_model"), [(65, 128), (500, 512), (65, 768)])
def test_an_untrained_model_is_as_good_as_guessing(vocab_size, d_model, tied):
    torch.manual_seed(0)
    model = DecoderLM(TransformerConfig(vocab_size, d_model, 2, 4, 2, d_model, 64, tie_embeddings=tied))
    ids = torch.randint(vocab_size, (8, 65))
    with torch.no_grad():
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    assert loss.item() == pytest.approx(math.log(vocab_size), rel=0.03)


def test_a_future_token_never_changes_an_earlier_logit(tiny_model):
    ids = random_ids(1, 12)
    changed = ids.clone()
    changed[0, 8] = (changed[0, 8] + 1) % 50
    before, after = tiny_model(ids), tiny_model(changed)
    torch.testing.assert_close(before[:, :8], after[:, :8])
    assert (before[:, 8:] - after[:, 8:]).abs().amax(-1).min() > 1e-4


def test_rows_of_a_batch_do_not_mix(tiny_model):
    ids = random_ids(3, 9)
    shuffle = torch.tensor([2, 0, 1])
    torch.testing.assert_close(tiny_model(ids[shuffle]), tiny_model(ids)[shuffle])


@pytest.mark.parametrize("pieces", [[1] * 12, [5, 7], [4, 1, 1, 6], [12]])
def test_the_cache_gives_the_logits_of_one_pass(tiny_model, pieces):
    ids = random_ids(2, 12)
    cache = tiny_model.new_cache(2, 12)
    with torch.no_grad():
        parts = [tiny_model(piece, cache=cache) for piece in ids.split(pieces, dim=1)]
        torch.testing.assert_close(torch.cat(parts, 1), tiny_model(ids), atol=1e-5, rtol=1e-5)
    assert cache.length == 12


@pytest.mark.parametrize("pieces", [[9], [4, 5], [7, 1, 1]])
def test_left_padding_changes_no_real_logit(tiny_model, pieces):
    text = random_ids(1, 6)
    ids = torch.cat([torch.full((1, 3), 7), text], 1)
    ids, mask = torch.cat([ids, random_ids(1, 9, seed=1)]), torch.ones(2, 9, dtype=torch.bool)
    mask[0, :3] = False
    cache = tiny_model.new_cache(2, 9)
    with torch.no_grad():
        parts = zip(ids.split(pieces, 1), mask.split(pieces, 1), strict=True)
        logits = torch.cat([tiny_model(piece, cache=cache, mask=part) for piece, part in parts], 1)
        torch.testing.assert_close(logits[:1, 3:], tiny_model(text), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(logits[1:], tiny_model(ids[1:]), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(logits, tiny_model(ids, mask=mask), atol=1e-5, rtol=1e-5)
    assert torch.isfinite(logits).all()


def who_looks_at_whom(model, ids, **arguments):
    """What the attention of the last layer is told: a mask or None, and whether no one looks ahead."""
    told = []
    hook = model.layers[-1].attention.register_forward_pre_hook(lambda module, arguments: told.append(arguments[2:4]))
    with torch.no_grad():
        model(ids, **arguments)
    hook.remove()
    return told[0]


def test_every_token_sees_something_even_padding_so_that_no_kernel_makes_nan_of_it(tiny_model):
    real = torch.tensor([[False, False, True, True]])
    mask, is_causal = who_looks_at_whom(tiny_model, random_ids(1, 4), mask=real)
    assert mask[0, 0].int().tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]
    assert not is_causal


def test_the_kernel_gets_a_mask_only_where_it_needs_one(tiny_model):
    cache = tiny_model.new_cache(1, 9)
    assert who_looks_at_whom(tiny_model, random_ids(1, 4)) == (None, True)
    assert who_looks_at_whom(tiny_model, random_ids(1, 4), cache=cache) == (None, True)
    assert who_looks_at_whom(tiny_model, random_ids(1, 1), cache=cache) == (None, False)
    mask, is_causal = who_looks_at_whom(tiny_model, random_ids(1, 2), cache=cache)
    assert torch.equal(mask[0, 0], causal_mask(2, past=5))
    assert not is_causal


def test_the_cache_remembers_the_padding_of_earlier_pieces(tiny_model):
    text = random_ids(1, 6)
    ids = torch.cat([torch.full((1, 3), 7), text], 1)
    cache = tiny_model.new_cache(1, 9)
    with torch.no_grad():
        tiny_model(ids[:, :5], cache=cache, mask=torch.tensor([[False] * 3 + [True] * 2]))
        torch.testing.assert_close(tiny_model(ids[:, 5:], cache=cache), tiny_model(text)[:, 2:], atol=1e-5, rtol=1e-5)


# ---- one layer, as an encoder or a decoder would use it


@pytest.fixture
def layer(tiny_model):
    """One attention layer, with what it reads: x (B, T, d), cosine and sine."""
    x = torch.randn(2, 7, 24, generator=torch.Generator().manual_seed(0))
    return tiny_model.layers[0].attention, x, rotation(torch.arange(7), 4, 10_000.0)


def test_no_one_looks_ahead_by_a_flag_or_by_a_mask(layer):
    attend, x, cos_sin = layer
    by_mask = attend(x, cos_sin, causal_mask(7), False, None)
    torch.testing.assert_close(attend(x, cos_sin, None, True, None), by_mask)


def test_without_a_mask_all_look_at_all_as_an_encoder_wants(layer):
    attend, x, cos_sin = layer
    everyone = attend(x, cos_sin, None, False, None)
    torch.testing.assert_close(everyone, attend(x, cos_sin, torch.ones(7, 7, dtype=torch.bool), False, None))
    changed = x.clone()
    changed[:, -1] += 1
    assert (attend(changed, cos_sin, None, False, None) - everyone)[:, 0].abs().max() > 1e-3  # the first sees the last
    causal = attend(x, cos_sin, None, True, None)
    torch.testing.assert_close(attend(changed, cos_sin, None, True, None)[:, :-1], causal[:, :-1])


def test_an_encoders_padding_is_seen_by_no_one(layer):
    attend, x, cos_sin = layer
    real = torch.tensor([[True] * 7, [True] * 5 + [False] * 2])
    masked = attend(x, cos_sin, real[:, None, None, :], False, None)
    alone = attend(x[1:, :5], tuple(part[:, :5] for part in cos_sin), None, False, None)
    torch.testing.assert_close(masked[1:, :5], alone)
    torch.testing.assert_close(masked[:1], attend(x[:1], cos_sin, None, False, None))


# ---- the last position only


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("pieces", [None, [9], [4, 5], [1] * 9])
@pytest.mark.parametrize("padded", [False, True])
def test_next_token_logits_are_those_of_the_last_position(tiny_config, tied, pieces, padded):
    model = randomised(DecoderLM(dataclasses.replace(tiny_config, tie_embeddings=tied)))
    ids, mask = random_ids(2, 9), torch.arange(9) >= torch.tensor([[3], [0]])
    cache = None if pieces is None else model.new_cache(2, 9)
    with torch.no_grad():
        for piece, part in zip(ids.split(pieces or [9], 1), mask.split(pieces or [9], 1), strict=True):
            logits = model.next_token_logits(piece, cache=cache, mask=part if padded else None)
        expected = model(ids, mask=mask if padded else None)[:, -1]
    assert logits.shape == (2, 50)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)


def test_the_output_layer_reads_one_position_where_one_is_asked_for(tiny_config):
    model, read = DecoderLM(dataclasses.replace(tiny_config, tie_embeddings=False)), []
    model.head.register_forward_pre_hook(lambda module, arguments: read.append(arguments[0].shape))
    model(random_ids(2, 9))
    model.next_token_logits(random_ids(2, 9))
    assert read == [(2, 9, 24), (2, 24)]


def test_what_counts_as_a_language_model(tiny_model):
    assert can_cache(tiny_model)
    assert can_cache(torch.compile(tiny_model, backend="eager"))
    assert not can_cache(lambda ids: ids)
    assert context_length_of(tiny_model) == 32
    assert context_length_of(lambda ids: ids) is None
    assert context_length_of(torch.nn.Linear(2, 2)) is None


def test_a_reset_cache_is_as_new(tiny_model):
    cache = tiny_model.new_cache(1, 8)
    with torch.no_grad():
        tiny_model(random_ids(1, 8, seed=3), cache=cache, mask=torch.tensor([[False] * 4 + [True] * 4]))
        cache.reset()
        torch.testing.assert_close(tiny_model(random_ids(1, 5), cache=cache), tiny_model(random_ids(1, 5)))


def test_cache_bytes_are_the_formula(tiny_config):
    cache = KVCache(tiny_config, batch_size=3, max_length=16, dtype=torch.bfloat16)
    assert cache.nbytes == 2 * 2 * 2 * 4 * 16 * 3 * 2  # K and V, layers, KV heads, head, length, batch, bytes


def test_attention_maps_reproduce_the_layers_output(tiny_model):
    ids = random_ids(1, 6)
    maps = attention_maps(tiny_model, ids)
    assert [m.shape for m in maps] == [(1, 6, 6, 6)] * 2
    block = tiny_model.layers[0]
    cos, sin = rotation(torch.arange(6), tiny_model.config.head_dim, tiny_model.config.rope_theta)
    x = block.attention_norm(tiny_model.embedding(ids))
    v = block.attention.queries_keys_values(x, cos, sin)[2].repeat_interleave(3, dim=1)
    mixed = block.attention.o((maps[0] @ v).transpose(1, 2).flatten(2))
    torch.testing.assert_close(mixed, block.attention(x, (cos, sin), None, True, None))
    assert not tiny_model.layers[0].attention._forward_pre_hooks


def test_the_context_counts_real_tokens_only(tiny_model):
    with pytest.raises(ValueError, match="context_length=32"):
        tiny_model(random_ids(1, 33))
    mask = torch.ones(1, 33, dtype=torch.bool)
    mask[0, 0] = False
    assert tiny_model(random_ids(1, 33), mask=mask).shape == (1, 33, 50)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"ids": torch.zeros(1, 0, dtype=torch.long)}, "at least one token"),
        ({"ids": torch.zeros(4, dtype=torch.long)}, r"\(B, T\)"),
        ({"ids": torch.tensor([[50]])}, "another model's tokenizer"),
        ({"ids": torch.tensor([[-1]])}, "ids must be in"),
        ({"ids": torch.tensor([[1, 2]]), "mask": torch.tensor([[True]])}, "mask"),
        ({"ids": torch.tensor([[1]]), "mask": torch.tensor([[1]])}, "mask must be bool"),
        ({"ids": [1, 2]}, r"^ids must be a tensor, got a list, \[1, 2\]: make one by torch\.tensor"),
        ({"ids": torch.tensor([[1]]), "mask": [[True]]}, "^mask must be a tensor, got a list"),
    ],
)
def test_bad_input_is_named(tiny_model, arguments, word):
    with pytest.raises(ValueError, match=word):
        tiny_model(**arguments)


def test_a_full_cache_says_so_and_keeps_what_it_holds(tiny_model):
    cache = tiny_model.new_cache(1, 4)
    tiny_model(random_ids(1, 3), cache=cache)
    with pytest.raises(ValueError, match="max_length=4"):
        tiny_model(random_ids(1, 2), cache=cache)
    assert cache.length == 3
    with pytest.raises(ValueError, match="batch_size=1"):
        tiny_model(random_ids(2, 1), cache=cache)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"n_layers": 0}, "n_layers"),
        ({"n_heads": 5}, "n_heads"),
        ({"n_kv_heads": 4}, "n_kv_heads"),
        ({"d_model": 18}, "even"),
        ({"d_model": 24.0}, r"^d_model must be a whole number, got 24\.0$"),
        ({"n_layers": 2.5}, r"^n_layers must be a whole number, got 2\.5$"),
        ({"vocab_size": "50"}, "^vocab_size must be a whole number, got '50'$"),
        ({"rope_theta": 0}, "^rope_theta must be a finite number above 0, got 0"),
        ({"rope_theta": -1e4}, "^rope_theta must be a finite number above 0, got -10000.0"),
        ({"rope_theta": math.inf}, "^rope_theta"),
        ({"rope_theta": "1e4"}, "^rope_theta must be a number"),
        ({"norm_eps": -1e-5}, "^norm_eps must be a finite number >= 0, got -1e-05"),
        ({"norm_eps": math.nan}, "^norm_eps"),
    ],
)
def test_an_impossible_shape_is_named(change, word):
    shape = {
        "vocab_size": 9,
        "d_model": 24,
        "n_layers": 1,
        "n_heads": 6,
        "n_kv_heads": 2,
        "d_ff": 8,
        "context_length": 4,
    }
    with pytest.raises(ValueError, match=word):
        TransformerConfig(**(shape | change))


def test_a_shape_in_numpys_numbers_is_kept_in_pythons(tiny_config):
    config = dataclasses.replace(tiny_config, d_model=np.int64(48))
    assert (type(config.d_model), type(config.head_dim), config.head_dim) == (int, int, 8)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("change", [{}, {"n_layers": 5}, {"n_kv_heads": 6}, {"d_ff": 33}, {"vocab_size": 7}])
def test_parameters_are_counted_without_building_the_model(tiny_config, change, tied):
    config = dataclasses.replace(tiny_config, **change, tie_embeddings=tied)
    model = DecoderLM(config)
    assert config.n_parameters == sum(weight.numel() for weight in model.parameters())
    looked_up = 0 if tied else model.embedding.weight.numel()
    assert config.n_active_parameters == config.n_parameters - looked_up


def test_smollm2_has_as_many_parameters_as_published():
    config = TransformerConfig(
        vocab_size=49152, d_model=576, n_layers=30, n_heads=9, n_kv_heads=3, d_ff=1536, context_length=8192
    )
    assert config.n_parameters == config.n_active_parameters == 134_515_008


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_from_weights_is_the_same_model_in_the_same_memory(tiny_config, tied):
    model = randomised(DecoderLM(dataclasses.replace(tiny_config, tie_embeddings=tied)))
    before = torch.get_rng_state()
    again = DecoderLM.from_weights(model.config, model.state_dict())
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(again(random_ids(2, 9)), model(random_ids(2, 9)))
    assert not again.training
    for ours, theirs in zip(again.parameters(), model.parameters(), strict=True):
        assert ours.data_ptr() == theirs.data_ptr()
        assert ours.requires_grad


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"final_norm.weight": None}, r"missing \['final_norm\.weight'\]"),
        ({"head.weight": torch.zeros(50, 24)}, r"unexpected \['head\.weight'\]"),
        ({"embedding.weight": torch.zeros(49, 24)}, r"shape that the config says: embedding\.weight is \(49, 24\)"),
        ({"final_norm.weight": torch.ones(24, dtype=torch.int8)}, r"final_norm\.weight holds torch\.int8"),
    ],
)
def test_weights_of_another_model_are_refused(tiny_model, change, word):
    weights = {name: weight for name, weight in {**tiny_model.state_dict(), **change}.items() if weight is not None}
    with pytest.raises(ValueError, match=word):
        DecoderLM.from_weights(tiny_model.config, weights)


def test_bfloat16_stays_close_to_float32(tiny_model, bfloat16_native):
    ids = random_ids(2, 10)
    with torch.no_grad():
        wide = tiny_model(ids).softmax(-1)
        narrow = tiny_model.to(torch.bfloat16)(ids)
    assert narrow.dtype == (torch.bfloat16 if bfloat16_native else torch.float32)
    assert (wide - narrow.float().softmax(-1)).abs().max() < 0.1


NARROW = [(torch.bfloat16, {}), (torch.float16, {}), (torch.bfloat16, {"tie_embeddings": False})]


@pytest.mark.parametrize(("dtype", "change"), NARROW)
def test_weights_that_can_only_be_emulated_are_kept_and_computed_with_in_float32(
    tiny_config, monkeypatch, dtype, change
):
    monkeypatch.setattr(device, "_native", dict.fromkeys(device.NARROW, False))
    model = randomised(DecoderLM(dataclasses.replace(tiny_config, **change))).to(dtype)
    wide = copy.deepcopy(model).float()
    names = {name: weight.shape for name, weight in wide.state_dict().items()}
    ids = random_ids(2, 10)
    mask = torch.arange(10) >= torch.tensor([[0], [3]])
    for logits, expected in (
        (model(ids), wide(ids)),
        (model(ids, mask=mask), wide(ids, mask=mask)),
        (model(ids, cache=model.new_cache(2, 12)), wide(ids, cache=wide.new_cache(2, 12))),
    ):
        assert logits.dtype == torch.float32
        assert torch.equal(logits, expected)
    assert {weight.dtype for weight in model.state_dict().values()} == {dtype}
    assert {name: weight.shape for name, weight in model.state_dict().items()} == names


@pytest.mark.parametrize("chunks", [(10,), (4, 6), (1,) * 10])
def test_a_cache_holds_what_narrow_weights_are_computed_with(tiny_model, bfloat16_native, chunks):
    model, ids = tiny_model.to(torch.bfloat16), random_ids(2, 10)
    cache = model.new_cache(2, 10)
    assert cache.keys.numbers.dtype == (torch.bfloat16 if bfloat16_native else torch.float32)
    with torch.no_grad():
        pieces = torch.cat([model(chunk, cache=cache) for chunk in ids.split(chunks, dim=1)], dim=1)
        difference = (pieces - model(ids)).abs().max()
    assert difference < (0.5 if bfloat16_native else 1e-4)  # logits reach 5; bfloat16 keeps two to three digits


def test_narrow_weights_get_the_gradients_of_wide_ones(tiny_model, monkeypatch):
    monkeypatch.setitem(device._native, torch.bfloat16, False)
    model = tiny_model.to(torch.bfloat16)
    wide = copy.deepcopy(model).float()
    for each in (model, wide):
        each(random_ids(2, 10)).logsumexp(-1).sum().backward()
    for narrow, expected in zip(model.parameters(), wide.parameters(), strict=True):
        assert narrow.grad.dtype == torch.bfloat16
        # a tied matrix is used twice: two gradients, each rounded, then their sum
        torch.testing.assert_close(narrow.grad.float(), expected.grad, atol=0.02 * expected.grad.abs().max(), rtol=0.02)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_compiled_model_is_one_graph_in_any_dtype_and_traces_no_measurement(tiny_model, monkeypatch, dtype):
    monkeypatch.setattr(device, "_native", {})
    model, ids = tiny_model.to(dtype), random_ids(2, 10)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    logits = compiled(ids)
    torch.testing.assert_close(logits, model(ids))
    assert (torch.bfloat16 in device._native) == (dtype == torch.bfloat16)


def test_a_model_compiled_for_texts_of_any_length_is_one_graph(tiny_model):
    compiled = torch.compile(tiny_model, backend="eager", fullgraph=True, dynamic=True)
    for length in (10, 5, 2):
        torch.testing.assert_close(compiled(random_ids(2, length)), tiny_model(random_ids(2, length)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_model_without_memory_still_says_what_it_would_return(tiny_config, dtype):
    model = DecoderLM(tiny_config).to(dtype).to("meta")
    logits = model(torch.zeros(2, 5, dtype=torch.long, device="meta"))
    assert (logits.shape, logits.dtype) == ((2, 5, 50), dtype)


@pytest.mark.parametrize("size", [{"batch_size": 0, "max_length": 4}, {"batch_size": 1, "max_length": 0}])
def test_a_cache_without_room_is_refused(tiny_model, size):
    with pytest.raises(ValueError, match="at least 1"):
        tiny_model.new_cache(**size)


def test_a_refused_call_leaves_the_cache_as_it_was(tiny_model):
    cache = tiny_model.new_cache(1, 64)
    mask = torch.tensor([[False] * 3 + [True] * 37])
    with pytest.raises(ValueError, match="context_length"):
        tiny_model(random_ids(1, 40), cache=cache, mask=mask)
    with torch.no_grad():
        torch.testing.assert_close(tiny_model(random_ids(1, 10), cache=cache), tiny_model(random_ids(1, 10)))


@pytest.mark.parametrize(
    ("cache", "word"),
    [
        (lambda config: KVCache(config, 1, 8, dtype=torch.bfloat16), "bfloat16"),
        (lambda config: KVCache(dataclasses.replace(config, n_kv_heads=1), 1, 8), "n_kv_heads=1"),
        (lambda config: KVCache(dataclasses.replace(config, n_layers=1), 1, 8), "n_layers=1"),
    ],
)
def test_another_models_cache_is_refused(tiny_model, cache, word):
    with pytest.raises(ValueError, match=word):
        tiny_model(random_ids(1, 2), cache=cache(tiny_model.config))


def test_a_cache_keeps_no_gradients(tiny_model):
    cache = tiny_model.new_cache(1, 8)
    tiny_model(random_ids(1, 3), cache=cache)
    assert not cache.keys.numbers.requires_grad
