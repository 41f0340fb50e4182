"""LoRA: an update of low rank beside frozen weights, and into them."""

import hashlib
import math

import peft
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from random_weights import randomised

from course_utils import decoding, evaluation, memory, pretrained
from course_utils.evaluation import next_token_loss
from course_utils.finetuning import finetune
from course_utils.finetuning.lora import (
    add_lora,
    lora_layers,
    lora_parameter_count,
    lora_parameters,
    merge_lora,
    remove_lora,
    save_adapter,
    unmerge_lora,
    use_adapter,
)
from course_utils.pretrained.llama_config import config_to
from course_utils.transformer import DecoderLM, TransformerConfig, quantize
from course_utils.transformer.quantized import STACKS, has_fbgemm

ALL = ("q", "k", "v", "o", "gate", "up", "down")
CONFIG = TransformerConfig(vocab_size=64, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=96, context_length=32)
IDS = torch.randint(64, (2, 9), generator=torch.Generator().manual_seed(0))


def plain(config=CONFIG):
    torch.manual_seed(0)
    return randomised(DecoderLM(config))


def learned(model, name="default", seed=0):
    """Give B of an adapter numbers, as a training does."""
    generator = torch.Generator().manual_seed(seed)
    for layer in lora_layers(model).values():
        if name in layer.adapters:
            layer.adapters[name].b.data.normal_(std=0.3, generator=generator)
    return model


def draw():
    return IDS[:, :-1], IDS[:, 1:]


def bits(model):
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def same_bits(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_h_is_x_w_plus_the_scaled_x_a_b():
    model = learned(add_lora(plain(), rank=4, alpha=6, targets=("k",)))
    layer = model.layers[1].attention.k
    pair = layer.adapters["default"]
    assert pair.a.shape == (32, 4)
    assert pair.b.shape == (4, 16)
    x = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(1))
    expected = x @ layer.base.weight.T + 6 / 4 * (x @ pair.a @ pair.b)
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer(x[0, 0]), expected[0, 0])


@settings(max_examples=15)
@given(
    heads=st.sampled_from([(1, 1), (4, 2), (6, 2), (3, 3)]),
    head_dim=st.sampled_from([2, 4, 8]),
    d_ff=st.integers(1, 50),
    n_layers=st.integers(1, 3),
    rank=st.integers(1, 60),
    alpha=st.floats(0.01, 64),
    targets=st.lists(st.sampled_from(ALL), min_size=1, unique=True),
)
def test_laws_of_any_shape(heads, head_dim, d_ff, n_layers, rank, alpha, targets):
    config = TransformerConfig(64, heads[0] * head_dim, n_layers, *heads, d_ff=d_ff, context_length=16)
    model = plain(config)
    before, weights = model(IDS), bits(model)

    assert add_lora(model, rank, alpha, targets) is model
    assert torch.equal(model(IDS), before)  # untrained, it changes no bit of the answer
    assert len(lora_layers(model)) == n_layers * len(targets)
    counted = sum(matrix.numel() for matrix in lora_parameters(model))
    assert counted == lora_parameter_count(config, rank, targets)
    assert counted == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert counted + config.n_parameters == sum(p.numel() for p in model.parameters())

    beside = learned(model)(IDS)
    assert not torch.equal(beside, before)
    for _ in range(3):
        merge_lora(model)
        torch.testing.assert_close(model(IDS), beside, atol=1e-3, rtol=1e-3)
    for _ in range(2):
        unmerge_lora(model)
        assert torch.equal(model(IDS), beside)
    use_adapter(model, None)
    assert torch.equal(model(IDS), before)
    remove_lora(model)
    assert same_bits(bits(model), weights)


@pytest.mark.parametrize("targets", [("q", "v"), ALL])
def test_only_a_and_b_learn_and_the_base_keeps_its_bits(targets):
    model = plain()
    before = bits(model)
    add_lora(model, rank=2, alpha=4, targets=targets)
    run = finetune(model, draw, steps=5, learning_rate=0.01)
    assert run.losses[-1] < run.losses[0]
    assert run.trainable == lora_parameter_count(CONFIG, 2, targets)
    assert {name for name, p in model.named_parameters() if p.requires_grad} == {
        f"{layer}.adapters.default.{matrix}" for layer in lora_layers(model) for matrix in "ab"
    }
    assert all(parameter.abs().max() > 0 for parameter in lora_parameters(model))  # B has left zero
    remove_lora(model)
    assert same_bits(bits(model), before)


def test_the_gradients_are_pefts(tmp_path):
    model = learned(add_lora(plain(), rank=3, alpha=5, targets=ALL))
    save_adapter(model, tmp_path)
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig.from_dict(config_to(model)))
    pretrained.from_huggingface(theirs).load_state_dict(plain().state_dict())  # shares their memory
    theirs = peft.PeftModel.from_pretrained(theirs, tmp_path, is_trainable=True)
    inputs, targets = draw()
    next_token_loss(model(inputs), targets).backward()
    next_token_loss(theirs(inputs).logits, targets).backward()
    expected = dict(theirs.named_parameters())
    for place, layer in lora_layers(model).items():
        _, number, part, target = place.split(".")
        module = f"{'self_attn' if part == 'attention' else 'mlp'}.{target}_proj"
        for matrix, name in ((layer.adapters["default"].a, "lora_A"), (layer.adapters["default"].b, "lora_B")):
            full = f"base_model.model.model.layers.{number}.{module}.{name}.default.weight"
            torch.testing.assert_close(matrix.grad.T, expected[full].grad, atol=1e-5, rtol=1e-4)


def test_a_is_drawn_as_pefts_and_by_its_seed_alone():
    pairs = []
    for noise in (1, 2):
        model = plain()
        torch.manual_seed(noise)
        state = torch.get_rng_state()
        pairs.append(lora_parameters(add_lora(model, rank=64, alpha=8, seed=3)))
        assert torch.equal(torch.get_rng_state(), state)
    assert all(map(torch.equal, *pairs))
    a = pairs[0][0].detach()
    digest = hashlib.sha256(a.numpy().tobytes()).hexdigest()
    assert digest.startswith("badfeecaa74a2056")  # on every processor
    theirs = peft.tuners.lora.Linear(torch.nn.Linear(32, 8), "default", config=peft.LoraConfig(r=64), r=64)
    theirs = theirs.lora_A["default"].weight.detach()
    for matrix in (a, theirs):
        assert 0.95 / math.sqrt(32) < matrix.abs().max() <= 1 / math.sqrt(32)
        assert matrix.std().item() == pytest.approx(1 / math.sqrt(3 * 32), rel=0.05)
    other = lora_parameters(add_lora(plain(), rank=64, alpha=8, seed=4))
    assert not torch.equal(other[0], a)


def test_adapters_of_one_base_are_swapped_and_only_the_active_one_learns():
    model = plain()
    base = model(IDS)
    learned(add_lora(model, 2, 4, name="town"), "town")
    town = model(IDS)
    learned(add_lora(model, 3, 3, ("v", "down"), name="sea", seed=1), "sea", seed=1)
    sea = model(IDS)
    assert (sea - town).abs().max() > 0.1
    held = bits(model)
    run = finetune(model, draw, steps=2, learning_rate=0.01)
    assert run.trainable == lora_parameter_count(CONFIG, 3, ("v", "down"))
    moved = {name for name, weight in bits(model).items() if not torch.equal(weight, held[name])}
    assert moved == {
        f"layers.{layer}.{module}.adapters.sea.{matrix}"
        for layer in (0, 1)
        for module in ("attention.v", "feed_forward.down")
        for matrix in "ab"
    }
    use_adapter(model, "town")
    assert torch.equal(model(IDS), town)
    assert len(lora_parameters(model)) == 2 * 2 * 2
    use_adapter(model, None)
    assert torch.equal(model(IDS), base)
    assert lora_parameters(model) == []
    use_adapter(model, "sea")
    assert not torch.equal(model(IDS), base)


def test_a_merged_model_without_its_adapters_saves_and_loads_as_any_other():
    model = learned(add_lora(plain(), rank=4, alpha=8, targets=ALL))
    merge_lora(model)
    answer = model(IDS)
    remove_lora(model)
    assert model.state_dict().keys() == plain().state_dict().keys()
    again = DecoderLM.from_weights(CONFIG, model.state_dict())
    assert torch.equal(again(IDS), answer)
    with pytest.raises(ValueError, match="no parameter that requires a gradient"):
        finetune(model, draw, steps=1, learning_rate=0.01)
    model.requires_grad_()
    assert finetune(model, draw, steps=1, learning_rate=0.01).trainable == CONFIG.n_parameters


def test_a_model_with_adapters_or_few_bits_is_not_exported(tmp_path, smollm2):
    _, tokenizer = smollm2
    with pytest.raises(ValueError, match="merge adapters and remove them first"):
        pretrained.to_huggingface(add_lora(plain(), 2, 4), tokenizer, tmp_path / "adapted")
    with pytest.raises(ValueError, match="is missing: load it unquantised"):
        pretrained.to_huggingface(quantize(plain(), "int8"), tokenizer, tmp_path / "narrow")
    assert not list(tmp_path.iterdir())


def test_generation_and_scoring_take_an_adapted_model():
    model = learned(add_lora(plain(), rank=4, alpha=8, targets=ALL))
    cached, whole = (decoding.generate(model, IDS, 6, temperature=0, use_cache=use) for use in (True, False))
    assert torch.equal(cached, whole)
    ids = IDS.flatten()
    beside = evaluation.perplexity(model, ids, 9, 9)
    merge_lora(model)
    assert evaluation.perplexity(model, ids, 9, 9) == pytest.approx(beside, rel=1e-3)


def test_a_narrow_model_keeps_wide_adapters(bfloat16_native):
    exact = learned(add_lora(plain(), rank=4, alpha=8, targets=ALL))(IDS)
    narrow = learned(add_lora(plain().bfloat16(), rank=4, alpha=8, targets=ALL))
    assert {matrix.dtype for matrix in lora_parameters(narrow)} == {torch.float32}
    answer = narrow(IDS)
    assert answer.dtype == (torch.bfloat16 if bfloat16_native else torch.float32)
    assert (answer.float() - exact).abs().max() < 0.1 * exact.abs().max()
    run = finetune(narrow, draw, steps=5, learning_rate=0.01)
    assert run.losses[-1] < run.losses[0]
    merge_lora(narrow)
    assert narrow.layers[0].attention.q.base.weight.dtype == torch.bfloat16


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("float16", marks=pytest.mark.skipif(not has_fbgemm(), reason="torch has no FBGEMM here")),
        "int8",
        "int4",
    ],
)
def test_adapters_learn_beside_quantised_weights_by_four_products_a_layer(kind, monkeypatch):
    model = quantize(plain(), kind)
    before = model(IDS)
    add_lora(model, rank=4, alpha=8, targets=ALL)
    made, real = [], STACKS[kind].forward
    monkeypatch.setattr(STACKS[kind], "forward", lambda self, x: made.append(x.shape) or real(self, x))
    assert torch.equal(model(IDS), before)
    assert len(made) == 2 * 4 + (kind != "int4")  # beside four bits the output layer has eight
    run = finetune(model, draw, steps=10, learning_rate=0.02)
    assert run.losses[-1] < 0.9 * run.losses[0]
    answer = model(IDS)
    with pytest.raises(ValueError, match="load the model without quantization"):
        merge_lora(model)
    assert torch.equal(model(IDS), answer)
    use_adapter(model, None)
    assert torch.equal(model(IDS), before)
    remove_lora(model)
    assert torch.equal(model(IDS), before)


def test_the_count_of_published_models():
    assert lora_parameter_count("llama-2-7b", 8) == 4_194_304
    assert lora_parameter_count(memory.NAMED["llama-2-7b"], 8, ("q", "v")) == 4_194_304
    with pytest.raises(ValueError, match="targets must be some of q k v o up down"):
        lora_parameter_count("gpt-2", 8, ("gate",))


def twice(model):
    add_lora(model, 2, 4)
    add_lora(model, 2, 4)


def merged_then(then):
    def do(model):
        learned(add_lora(add_lora(model, 2, 4, name="sea"), 2, 4, name="town"), "town")
        merge_lora(model)
        use_adapter(model, "town")  # it is the one already
        then(model)

    return do


@pytest.mark.parametrize(
    ("do", "message"),
    [
        (lambda model: add_lora(model, 0, 4), "rank must be at least 1, got 0"),
        (lambda model: add_lora(model, 2.0, 4), "rank must be a whole number, got 2.0"),
        (lambda model: add_lora(model, 2, 0), "alpha must be a finite number above 0, got 0"),
        (lambda model: add_lora(model, 2, -1), "alpha must be"),
        (lambda model: add_lora(model, 2, math.nan), "alpha must be .* got nan"),
        (lambda model: add_lora(model, 2, math.inf), "alpha must be"),
        (lambda model: add_lora(model, 2, "4"), "alpha must be a number"),
        (lambda model: add_lora(model, 2, 4, ("q", "w")), "targets must be some of q k v o gate up down.* got 'w'"),
        (lambda model: add_lora(model, 2, 4, "qv"), r"such as \('q', 'v'\); got 'qv'"),
        (lambda model: add_lora(model, 2, 4, ()), "targets must name at least one"),
        (lambda model: add_lora(model, 2, 4, name=""), "name must be text .* got ''"),
        (lambda model: add_lora(model, 2, 4, name="a.b"), "without a dot.* got 'a.b'"),
        (lambda model: add_lora(model, 2, 4, name="keys"), "got 'keys'"),
        (lambda model: add_lora(model, 2, 4, name="training"), "got 'training'"),
        (lambda model: add_lora(torch.nn.Sequential(model), 2, 4), "got a Sequential: give the decoder inside"),
        (twice, "has an adapter 'default' already: choose another name"),
        (lambda model: use_adapter(model, "town"), "no adapter: call add_lora or load_adapter first"),
        (merge_lora, "no adapter: call add_lora"),
        (lambda model: use_adapter(add_lora(model, 2, 4), "town"), "no adapter 'town'; it has default"),
        (lambda model: (add_lora(model, 2, 4), use_adapter(model, None), merge_lora(model)), "call use_adapter"),
        (merged_then(lambda model: use_adapter(model, "sea")), "'town' is merged into the weights: call unmerge_lora"),
        (merged_then(lambda model: use_adapter(model, None)), "'town' is merged into the weights: call unmerge_lora"),
        (merged_then(lambda model: add_lora(model, 2, 4)), "'town' is merged into the weights: call unmerge_lora"),
        (merged_then(lambda model: model.state_dict()), "counted twice .* unmerge_lora before saving, or remove_lora"),
        (
            merged_then(lambda model: finetune(model, None, steps=1, learning_rate=1.0)),
            "nothing to train; .* call unmerge_lora where one is merged",
        ),
        (lambda model: quantize(add_lora(model, 2, 4), "int8"), "has adapters: quantise it first"),
        (lambda model: lora_parameter_count(model.config, 0), "rank must be at least 1"),
    ],
)
def test_what_cannot_be_done_is_said(do, message):
    with pytest.raises(ValueError, match=message):
        do(plain())


def test_a_refused_adapter_leaves_the_model_as_it_was():
    model = plain()
    for changes in ({"rank": 0}, {"alpha": 0}, {"targets": ("q", "w")}, {"name": "a.b"}):
        with pytest.raises(ValueError, match="must be"):
            add_lora(model, **{"rank": 2, "alpha": 4} | changes)
    assert not lora_layers(model)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_unmerging_follows_the_model_into_another_dtype():
    model = learned(add_lora(plain(), 2, 4))
    expected = plain().double().layers[0].attention.q.weight
    merge_lora(model)
    model.double()
    unmerge_lora(model)
    assert torch.equal(model.layers[0].attention.q.base.weight, expected)
