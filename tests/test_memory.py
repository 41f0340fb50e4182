"""Budgets: shapes beside published checkpoints, and the cache beside one that is really there."""

import dataclasses
import functools
import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_configs import configs
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint

from course_utils import device, memory
from course_utils.evaluation import next_token_loss
from course_utils.memory.activations import MATRICES
from course_utils.transformer import DecoderLM, KVCache, TransformerConfig, attention, causal_mask

# Weights in the published checkpoints, as their model cards and GGUF files (general.parameter_count) give them.
PUBLISHED = {
    "llama-2-7b": 6_738_415_616,
    "llama-2-13b": 13_015_864_320,
    "llama-2-70b": 68_976_648_192,
    "llama-3-8b": 8_030_261_248,
    "mistral-7b": 7_241_732_096,
    "smollm2-135m": 134_515_008,
    "smollm2-360m": 361_821_120,
    "smollm2-1.7b": 1_711_376_384,
    "gpt-2": 124_439_808,
    "gpt-2-medium": 354_823_168,
    "gpt-2-large": 774_030_080,
    "gpt-2-xl": 1_557_611_200,
    "multilingual-e5-large": 559_890_432,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_named_models_have_as_many_weights_as_their_checkpoints(name):
    assert memory.shape_of(name).n_parameters == PUBLISHED[name]


def test_gpt_3_has_the_175_billion_of_its_paper():
    shape = memory.shape_of("gpt-3")
    assert round(shape.n_parameters / 1e9) == 175
    assert shape.parameters["attention"] + shape.parameters["feed-forward"] == pytest.approx(12 * 96 * 12288**2, 1e-3)


def test_every_name_has_a_source():
    assert all(shape.source for shape in memory.NAMED.values())
    assert set(PUBLISHED) | {"gpt-3"} == set(memory.NAMED)


@given(configs)
def test_a_config_has_as_many_weights_as_its_model(config):
    with torch.device("meta"):
        model = DecoderLM(config)
    assert memory.shape_of(config).n_parameters == sum(weight.numel() for weight in model.parameters())
    assert memory.shape_of(config).n_parameters == config.n_parameters


@given(configs, st.integers(1, 32), st.integers(1, 4), st.sampled_from([torch.float32, torch.bfloat16, torch.int8]))
def test_the_caches_bytes_are_those_of_a_cache(config, length, batch, dtype):
    cache = KVCache(config, batch, length, dtype=dtype)
    assert memory.kv_cache_bytes(config, length, batch, dtype) == cache.nbytes


def saved_bytes(model, ids):
    """Bytes of all storages that autograd keeps of a loss, but for the weights."""
    weights = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    kept = {}  # where a storage is -> a tensor in it, which holds the place

    def keep(tensor):
        place = tensor.untyped_storage().data_ptr()
        if place not in weights:
            kept.setdefault(place, tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        next_token_loss(model(ids[:, :-1]), ids[:, 1:])
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@pytest.mark.parametrize(
    ("shape", "batch", "length"),
    [
        ((100, 32, 2, 4, 2, 88, 64), 3, 16),
        ((768, 128, 4, 4, 4, 352, 128), 2, 128),
        ((500, 96, 3, 6, 2, 256, 128), 2, 100),
        ((65, 64, 1, 2, 1, 176, 64), 16, 64),
        ((4096, 64, 2, 4, 2, 176, 64), 2, 32),
    ],
)
def test_activations_are_those_that_autograd_keeps(shape, batch, length):
    config = TransformerConfig(*shape)
    ids = torch.randint(0, config.vocab_size, (batch, length + 1))
    measured = saved_bytes(DecoderLM(config), ids)
    assert memory.activation_bytes(config, batch, length) == pytest.approx(measured, rel=0.01)


def test_llama_2_needs_half_a_mebibyte_per_token_and_not_half_of_that():
    assert memory.kv_cache_bytes("llama-2-7b", 1) == 524_288


def test_a_window_bounds_the_cache():
    whole = memory.kv_cache_bytes("mistral-7b", 4096)
    assert memory.kv_cache_bytes("mistral-7b", 32_768) == whole == 4096 * memory.kv_cache_bytes("mistral-7b", 1)


@pytest.mark.parametrize("typo", ["llama-2-7B", "llama2-7b", "LLaMA-2 7B"])
def test_an_unknown_model_is_met_with_the_nearest_names(typo):
    with pytest.raises(ValueError, match=r"did you mean llama-2-7b"):
        memory.shape_of(typo)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("llama-2-7b", 0), "context_length must be at least 1"),
        (("llama-2-7b", 8, -1), "batch_size must be at least 1"),
        (("llama-2-7b", 2.5), "context_length must be a whole number"),
    ],
)
def test_sizes_that_cannot_be_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        memory.kv_cache_bytes(*arguments)


@pytest.mark.parametrize(
    ("heads", "message"),
    [((8, 3), "n_heads=8 must be a multiple of n_kv_heads=3"), ((7, 7), "d_model=64 must be a multiple of n_heads=7")],
)
def test_head_counts_that_cannot_be_are_named(heads, message):
    with pytest.raises(ValueError, match=message):
        memory.ModelShape(100, 64, 2, *heads, 128, 32)


def test_seven_billion_parameters_need_the_lectures_84_gigabytes():
    tiny = memory.ModelShape(1, 1, 1, 1, 1, 1, 1)
    seven = memory.ModelShape(1, 1, 1, 1, 1, 1, 1, others=7_000_000_000 - tiny.n_parameters)
    budget = memory.training_memory(seven, batch_size=1)
    assert dict(budget.items) == {"weights": 14e9, "gradients": 14e9, "optimizer states": 56e9}
    assert budget.total == 84e9
    assert not budget.fits(80 * 10**9)


@pytest.mark.parametrize(("recipe", "gigabytes"), [("mixed", 112), ("mixed, gradients in float32", 126)])
def test_the_published_calculators_differ_by_their_recipe(recipe, gigabytes):
    budget = memory.training_memory("llama-2-7b", 1, recipe=recipe)
    states = budget.total - budget.items["activations"]
    assert states / memory.shape_of("llama-2-7b").n_parameters * 7 == gigabytes


def test_weights_gradients_and_states_are_those_of_a_real_step():
    config = TransformerConfig(65, 32, 2, 4, 2, 88, 64)
    model = DecoderLM(config)
    optimizer = torch.optim.AdamW(model.parameters())
    next_token_loss(model(torch.zeros(1, 8, dtype=torch.int64)), torch.zeros(1, 8, dtype=torch.int64)).backward()
    optimizer.step()
    states = [state[name] for state in optimizer.state.values() for name in ("exp_avg", "exp_avg_sq")]
    measured = {
        "weights": sum(weight.nbytes for weight in model.parameters()),
        "gradients": sum(weight.grad.nbytes for weight in model.parameters()),
        "optimizer states": sum(state.nbytes for state in states),
    }
    budget = memory.training_memory(config, 1, 8, recipe="float32")
    assert {name: budget.items[name] for name in measured} == measured
    assert budget.items["activations"] == memory.activation_bytes(config, 1, 8)


@given(configs, st.integers(1, 64))
def test_more_is_sharded_from_stage_to_stage_and_on_one_device_nothing_is_saved(config, devices):
    totals = [
        memory.training_memory(config, 1, recipe=recipe, n_devices=devices).total
        for recipe in ("mixed", "zero-1", "zero-2", "zero-3")
    ]
    assert totals == sorted(totals, reverse=True)
    if devices == 1:
        assert len(set(totals)) == 1
    states = totals[-1] - memory.activation_bytes(config, 1, config.context_length, torch.bfloat16)
    assert 0 <= states * devices - 16 * config.n_parameters < 16 * devices


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"recipe": "fp8"}, "unknown recipe 'fp8': choose one of lecture, float32"),
        ({"n_devices": 0}, "n_devices must be at least 1"),
        ({"batch_size": 0, "recipe": "mixed"}, "batch_size must be at least 1"),
        ({"context_length": -1}, "context_length must be at least 1"),
    ],
)
def test_a_training_that_cannot_be_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        memory.training_memory("llama-2-7b", **{"batch_size": 1} | settings)


def test_a_budget_prints_its_items_and_their_sum():
    lines = str(memory.training_memory("llama-2-7b", 1)).splitlines()
    assert [line.split()[0] for line in lines] == ["weights", "gradients", "optimizer", "total"]
    assert lines[-1].split()[1:] == ["80.86", "GB"]


def adapted_model(config, names, rank):
    """A model whose weights are frozen but for adapters of rank r beside the named matrices."""
    model = DecoderLM(config).requires_grad_(False)
    for path, module in model.named_modules():
        if path.rpartition(".")[2] in names:
            module.a = torch.nn.Parameter(torch.randn(rank, module.in_features))
            module.b = torch.nn.Parameter(torch.randn(module.out_features, rank))
            module.register_forward_hook(lambda m, args, out: out + args[0] @ m.a.T @ m.b.T)
    return model


@pytest.mark.parametrize("names", [("q", "v"), ("q", "k", "v", "o"), ("gate", "up", "down"), MATRICES])
def test_adapters_need_fewer_activations_as_autograd_has_it(names):
    config = TransformerConfig(300, 96, 8, 6, 2, 256, 128)
    model = adapted_model(config, names, 4)
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    assert memory.adapter_parameters(config, names, 4) == trained
    measured = saved_bytes(model, torch.randint(0, 300, (2, 65)))
    predicted = memory.activation_bytes(config, 2, 64, adapted=names, rank=4)
    assert predicted == pytest.approx(measured, rel=0.1)  # the first layer needs less: nothing before it is trained


@pytest.mark.parametrize(("batch", "length"), [(1, 32), (2, 100), (4, 64)])
def test_attention_written_out_keeps_a_weight_for_each_pair(monkeypatch, batch, length):
    def plain(q, k, v, attn_mask=None, is_causal=False, enable_gqa=False):
        k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], dim=1) for x in (k, v))
        return attention(q, k, v, causal_mask(q.shape[2]))

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", plain)
    config = TransformerConfig(300, 96, 4, 6, 2, 256, 128)
    measured = saved_bytes(DecoderLM(config), torch.randint(0, 300, (batch, length + 1)))
    assert memory.activation_bytes(config, batch, length, fused=False) == pytest.approx(measured, rel=0.02)


def test_checkpointing_keeps_what_each_layer_reads_and_one_layer_more():
    config = TransformerConfig(300, 96, 6, 6, 2, 256, 128)
    model, ids = DecoderLM(config), torch.randint(0, 300, (2, 65))
    one_more = saved_bytes(DecoderLM(dataclasses.replace(config, n_layers=2)), ids) - saved_bytes(
        DecoderLM(dataclasses.replace(config, n_layers=1)), ids
    )
    for block in model.layers:
        block.forward = functools.partial(checkpoint, block.forward, use_reentrant=False)
    predicted = memory.activation_bytes(config, 2, 64, checkpointed=True)
    assert predicted == pytest.approx(saved_bytes(model, ids) + one_more, rel=0.02)


def test_adapters_of_llama_2_are_those_of_the_papers_formula():
    assert memory.adapter_parameters("llama-2-7b", ("q", "v"), 8) == 32 * 2 * 8 * 2 * 4096
    lora, qlora = (memory.training_memory("llama-2-7b", 1, 512, recipe) for recipe in ("lora", "qlora"))
    assert lora.items["optimizer states"] == 8 * 4_194_304
    assert lora.items["weights"] == 2 * 6_738_415_616
    layers = 6_738_415_616 - 2 * 32_000 * 4096 - 65 * 4096
    assert qlora.items["weights"] == pytest.approx(layers * 0.515869 + 2 * (6_738_415_616 - layers), rel=1e-5)
    assert list(lora.items) == ["weights", "adapters", "gradients", "optimizer states", "activations"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"adapted": ("query",)}, "adapted holds 'query': choose among q, k, v"),
        ({"rank": 0}, "rank must be at least 1"),
    ],
)
def test_adapters_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        memory.adapter_parameters("llama-2-7b", **settings)


class PeakBytes(TorchDispatchMode):
    """The most bytes that tensors made inside have held at one time."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self.alive = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        before = {
            tensor.untyped_storage().data_ptr() for tensor in tree_leaves((args, kwargs)) if torch.is_tensor(tensor)
        }
        for tensor in tree_leaves(result):
            if torch.is_tensor(tensor):
                storage = tensor.untyped_storage()
                place = storage.data_ptr()
                if place not in before and place not in self.alive:
                    self.alive.add(place)
                    self.now += storage.nbytes()
                    self.peak = max(self.peak, self.now)
                    weakref.finalize(storage, self.freed, place, storage.nbytes())
        return result

    def freed(self, place, size):
        self.alive.discard(place)
        self.now -= size


@pytest.mark.parametrize(("batch", "length", "piece"), [(1, 128, None), (2, 100, None), (4, 128, 64), (1, 64, 64)])
def test_an_answer_needs_the_memory_that_tensors_take_at_the_widest_point(batch, length, piece):
    config = TransformerConfig(300, 96, 4, 6, 2, 256, 128)
    model, ids = DecoderLM(config).eval(), torch.randint(0, 300, (batch, length))
    cache = model.new_cache(batch, length)
    with torch.no_grad(), PeakBytes() as memory_used:
        for part in ids.split(piece or length, dim=1):
            model.next_token_logits(part, cache=cache)
    budget = memory.inference_memory(config, torch.float32, length, batch, piece_length=piece)
    assert budget.items["weights"] == sum(weight.nbytes for weight in model.parameters())
    assert budget.items["KV cache"] == cache.nbytes
    assert budget.items["activations"] == pytest.approx(memory_used.peak, rel=0.1)


def test_the_lectures_rules_of_thumb_and_where_they_end():
    budget = memory.inference_memory("llama-2-7b", torch.float16, 4096)
    assert budget.items["weights"] == pytest.approx(14e9, rel=0.04)  # 2 GB for each billion
    assert budget.items["KV cache"] == 4096 * 524_288  # half a megabyte per token, not one
    assert budget.total < 16 * 2**30
    embedding = memory.inference_memory("multilingual-e5-large", torch.float16)
    assert embedding.total == pytest.approx(1.1e9, rel=0.1)
    assert "KV cache" not in embedding.items


def test_narrower_weights_are_counted_by_their_bits():
    whole, narrow = (memory.inference_memory("llama-3-8b", weight_bits=bits) for bits in (None, 4.5))
    assert narrow.items["weights"] * 16 == pytest.approx(whole.items["weights"] * 4.5)
    assert narrow.items["KV cache"] == whole.items["KV cache"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"context_length": 0}, "context_length must be at least 1"),
        ({"weight_bits": 0}, "weight_bits must be above 0"),
        ({"weight_bits": "4"}, "weight_bits must be a number"),
        ({"piece_length": 0}, "piece_length must be at least 1"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        memory.inference_memory("llama-2-7b", **settings)


@pytest.mark.parametrize(("batch", "length"), [(1, 32), (2, 100)])
def test_in_sixteen_bits_norms_and_the_loss_keep_float32(monkeypatch, batch, length):
    monkeypatch.setitem(device._native, torch.bfloat16, True)
    config = TransformerConfig(300, 96, 4, 6, 2, 256, 128)
    model = DecoderLM(config).to(torch.bfloat16)
    measured = saved_bytes(model, torch.randint(0, 300, (batch, length + 1)))
    predicted = memory.activation_bytes(config, batch, length, torch.bfloat16, fused=False)  # as on a CPU
    assert predicted == pytest.approx(measured, rel=0.02)
