"""The size of a model: the formulas beside what is really there, weight by weight and product by product."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_configs import configs
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import GPT2Config, GPT2LMHeadModel

from course_utils import memory, training
from course_utils.ladder import LocalDecoderLM
from course_utils.transformer import DecoderLM, TransformerConfig, quantize

TIED, UNTIED = (TransformerConfig(50, 24, 3, 6, 2, 40, 16, tie_embeddings=tied) for tied in (True, False))


@given(configs, st.integers(1, 32))
def test_what_is_counted_is_the_formula_but_for_the_norms(config, length):
    with torch.device("meta"):
        model = DecoderLM(config)
    counted, formula = memory.counted_size(model, length), memory.formula_size(config, length)
    norms = (2 * config.n_layers + 1) * config.d_model
    assert counted.flops_per_token == formula.flops_per_token - 2 * norms
    assert counted.n_parameters == formula.n_parameters == config.n_parameters
    assert counted.n_non_embedding_parameters == formula.n_non_embedding_parameters
    assert counted.n_bytes == formula.n_bytes == 4 * config.n_parameters


def test_the_window_on_the_meta_device_has_the_products_of_a_real_one():
    """torch's counter doesn't know the fused kernel of a CPU, so attention's products are added by hand here."""
    model = DecoderLM(TIED).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 16, dtype=torch.int64))
    attention = 4 * TIED.n_layers * TIED.d_model * 16  # of one token
    assert memory.counted_size(model).flops_per_token == counter.get_total_flops() / 16 + attention


@pytest.mark.parametrize("config", [TIED, UNTIED])
def test_what_is_not_embedding_is_what_is_in_the_layers_and_the_last_norm(config):
    model = DecoderLM(config)
    inside = sum(weight.numel() for part in (model.layers, model.final_norm) for weight in part.parameters())
    assert memory.counted_size(model).n_non_embedding_parameters == inside


def test_the_gpt_of_another_library_has_its_formula():
    with torch.device("meta"):
        theirs = GPT2LMHeadModel(GPT2Config(attn_implementation="eager"))
    beside = sum(
        weight.numel() for name, weight in theirs.named_parameters() if "wte" not in name and "wpe" not in name
    )
    size = memory.formula_size("gpt-2")
    assert size.n_non_embedding_parameters == beside
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        theirs(torch.zeros(1, 1024, dtype=torch.int64, device="meta"))
    assert counter.get_total_flops() / 1024 == pytest.approx(size.flops_per_token, rel=0.002)  # biases and norms


def test_gpt_3_takes_the_operations_of_its_paper():
    """Brown et al. (2020), table D.1: 3.14e23 for 300 billion tokens, 6 N each without attention."""
    size = memory.formula_size("gpt-3", 2048)
    attention = 4 * 96 * 12288 * 2048
    assert 3 * (size.flops_per_token - attention) * 300e9 == pytest.approx(3.14e23, rel=0.01)


def test_an_encoder_without_an_output_layer_multiplies_by_no_vocabulary():
    shape = memory.shape_of("multilingual-e5-large")
    size = memory.formula_size(shape, 100)
    multiplied = shape.n_parameters - 250_002 * 1024 - 514 * 1024
    assert size.flops_per_token == 2 * multiplied + 4 * 24 * 1024 * 100
    assert size.n_non_embedding_parameters == multiplied


def test_training_takes_three_times_as_much():
    assert training.flops_per_token(UNTIED, 10) == 3 * memory.forward_flops_per_token(UNTIED, 10)


def test_embeddings_of_pairs_are_embeddings():
    size, plain = memory.counted_size(LocalDecoderLM(TIED)), memory.formula_size(TIED)
    assert size.n_parameters - size.n_non_embedding_parameters == (50 + 50**2) * 24
    assert size.n_non_embedding_parameters == plain.n_non_embedding_parameters + 2 * 3 * 4 * 24  # its convolutions


def test_the_model_stays_as_it_was_and_narrow_weights_have_fewer_bytes():
    model = DecoderLM(TIED).to(torch.bfloat16)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    assert memory.counted_size(model).n_bytes == 2 * TIED.n_parameters
    assert memory.formula_size(TIED, dtype=torch.bfloat16).n_bytes == 2 * TIED.n_parameters
    assert all(weight.device.type == "cpu" and weight.equal(before[name]) for name, weight in model.named_parameters())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: memory.formula_size("gpt-5"), "^unknown model 'gpt-5'"),
        (lambda: memory.formula_size(TIED, 0), "^context_length must be at least 1"),
        (lambda: memory.forward_flops_per_token(TIED, 2.0), "^context_length must be a whole number"),
        (lambda: memory.counted_size(DecoderLM(TIED), 0), "^context_length must be at least 1"),
        (lambda: memory.counted_size(DecoderLM(TIED), 17), "^context_length must be at most 16"),
        (lambda: memory.counted_size(nn.Linear(3, 3)), "^context_length must be given"),
        (lambda: memory.counted_size(quantize(DecoderLM(TIED).eval(), "int8")), "^model is quantised"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
