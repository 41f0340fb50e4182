"""LoRA: an update of low rank beside frozen weights, and into them."""

import torch
from random_weights import randomised

from course_utils.finetuning import finetune
from course_utils.finetuning.lora import (
    add_lora,
    lora_layers,
    lora_parameter_count,
    lora_parameters,
    merge_lora,
    remove_lora,
    unmerge_lora,
    use_adapter,
)
from course_utils.transformer import DecoderLM, TransformerConfig

ALL = ("q", "k", "v", "o", "gate", "up", "down")
CONFIG = TransformerConfig(vocab_size=64, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=96, context_length=32)
IDS = torch.randint(64, (2, 9), generator=torch.Generator().manual_seed(0))


def plain():
    torch.manual_seed(0)
    return randomised(DecoderLM(CONFIG))


def trained(model, name="default", seed=0):
    """Give B of an adapter numbers, as a training does."""
    generator = torch.Generator().manual_seed(seed)
    for layer in lora_layers(model).values():
        if name in layer.adapters:
            layer.adapters[name].b.data.normal_(std=0.3, generator=generator)
    return model


def draw():
    return IDS[:, :-1], IDS[:, 1:]


def test_an_untrained_adapter_changes_no_bit_of_the_answer():
    model = plain()
    before = model(IDS)
    assert add_lora(model, rank=4, alpha=8, targets=ALL) is model
    assert torch.equal(model(IDS), before)


def test_h_is_x_w_plus_the_scaled_x_a_b():
    model = trained(add_lora(plain(), rank=4, alpha=6, targets=("o",)))
    layer = model.layers[1].attention.o
    pair = layer.adapters["default"]
    assert pair.a.shape == (32, 4)
    assert pair.b.shape == (4, 32)
    x = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(1))
    expected = x @ layer.base.weight.T + 6 / 4 * (x @ pair.a @ pair.b)
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer(x[0, 0]), expected[0, 0])


def test_only_a_and_b_learn_and_the_base_keeps_its_bits():
    model = plain()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    add_lora(model, rank=2, alpha=4)
    run = finetune(model, draw, steps=5, learning_rate=0.01)
    assert run.losses[-1] < run.losses[0]
    assert run.trainable == sum(p.numel() for p in lora_parameters(model)) == lora_parameter_count(CONFIG, 2)
    assert {name for name, p in model.named_parameters() if p.requires_grad} == {
        f"layers.{layer}.attention.{target}.adapters.default.{matrix}"
        for layer in (0, 1)
        for target in ("q", "v")
        for matrix in ("a", "b")
    }
    assert all(parameter.abs().max() > 0 for parameter in lora_parameters(model))  # B has left zero
    use_adapter(model, None)
    remove_lora(model)
    assert {name: torch.equal(weight, before[name]) for name, weight in model.state_dict().items()} == dict.fromkeys(
        before, True
    )


def test_merged_answers_as_unmerged_and_three_times_is_once():
    model = trained(add_lora(plain(), rank=4, alpha=8, targets=ALL))
    plain_bits = {name: layer.base.weight.clone() for name, layer in lora_layers(model).items()}
    beside = model(IDS)
    merge_lora(model)
    once = model(IDS)
    torch.testing.assert_close(once, beside, atol=1e-4, rtol=1e-4)
    merge_lora(model)
    merge_lora(model)
    assert torch.equal(model(IDS), once)
    unmerge_lora(model)
    unmerge_lora(model)
    assert torch.equal(model(IDS), beside)
    for name, layer in lora_layers(model).items():
        assert torch.equal(layer.base.weight, plain_bits[name])


def test_llama_2_7b_with_rank_8_on_q_and_v_has_four_million():
    assert lora_parameter_count("llama-2-7b", 8) == 4_194_304
