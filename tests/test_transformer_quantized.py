"""Quantised models: nearly the same answers from fewer bits."""

import dataclasses

import gguf
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_weights import randomised

from course_utils import decoding, evaluation, pretrained
from course_utils.pretrained.loading import packaged_file
from course_utils.transformer import DecoderLM, TransformerConfig, quantize, quantized
from course_utils.transformer import linear as linear_module
from course_utils.transformer.quantized import STACKS, eight_bits, four_bits, quantized_layers

needs_fbgemm = pytest.mark.skipif(not quantized.has_fbgemm(), reason="torch has no FBGEMM for this processor")
KINDS = [pytest.param("float16", marks=needs_fbgemm), "int8", "int4"]
CONFIG = TransformerConfig(vocab_size=64, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=96, context_length=32)
IDS = torch.randint(64, (2, 9), generator=torch.Generator().manual_seed(0))


def model(**changes):
    torch.manual_seed(0)
    return randomised(DecoderLM(dataclasses.replace(CONFIG, **changes)))


def with_a_large_embedding():
    large = model()
    large.embedding.weight.data[0, 0] = 70_000
    return large


def test_a_layer_that_has_been_replaced_is_asked_itself():
    narrow, changed = quantize(model(), "int8"), quantize(model(), "int8")
    inner = changed.layers[0].attention.k
    changed.layers[0].attention.k = torch.nn.Sequential(inner, torch.nn.Identity())
    with torch.no_grad():
        torch.testing.assert_close(changed(IDS), narrow(IDS))
        changed.layers[0].attention.k = torch.nn.Sequential(inner, torch.nn.Linear(16, 16))
        assert (changed(IDS) - narrow(IDS)).abs().max() > 0.1


matrices = st.integers(0, 2**31).map(
    lambda seed: torch.randn(16, 64, generator=torch.Generator().manual_seed(seed)) * 10 ** (seed % 7 - 3)
)


@given(matrices)
def test_rounded_weights_are_off_by_half_a_step(weight):
    numbers, scales = eight_bits(weight)
    steps = (weight - numbers.float() * scales.float()).abs() / scales.float()
    assert steps.max() <= 0.5 + 127 * 2**-8  # the largest number of a row, where its scale was rounded down
    numbers, scales, offsets = four_bits(weight)
    groups = weight.unflatten(1, (-1, 32))
    assert ((groups - (numbers * scales + offsets)).abs() <= 0.5001 * scales).all()
    assert numbers.amin(-1).max() == 0
    assert numbers.amax(-1).min() == 15


def test_rows_of_equal_weights_stay_what_they_are():
    for constant in (0.0, 0.5, -3.0):
        numbers, scales, offsets = four_bits(torch.full((16, 32), constant))
        assert ((numbers * scales + offsets) == constant).all()
    numbers, scales = eight_bits(torch.zeros(16, 32))
    assert (numbers * scales == 0).all()


def test_the_packaged_files_whole_numbers_come_back():
    reader = gguf.GGUFReader(packaged_file())
    for tensor in [tensor for tensor in reader.tensors if tensor.tensor_type.name == "Q4_1"][::50]:
        weight = torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type).copy())
        blocks = torch.from_numpy(tensor.data.copy()).reshape(-1, 20)  # a scale, an offset, 16 bytes of two numbers
        low, high = blocks[:, 4:] & 15, blocks[:, 4:] >> 4
        numbers, scales, offsets = four_bits(weight)
        assert torch.equal(numbers.reshape(-1, 32), torch.cat([low, high], dim=1))
        assert torch.equal((numbers * scales + offsets).half().flatten(1).float(), weight.half().float())


def rounded_matrix(weight, kind):
    if kind == "float16":
        return weight.half().float()
    if kind == "int8":
        numbers, scales = eight_bits(weight)
        return numbers.float() * scales.float()
    numbers, scales, offsets = four_bits(weight)
    return (numbers * scales + offsets).flatten(1)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_a_product_is_that_of_the_rounded_matrix(kind):
    weights = [torch.randn(rows, 96, generator=torch.Generator().manual_seed(rows)) for rows in (32, 16, 64)]
    x = torch.randn(2, 3, 96, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16).float()
    layers = quantized_layers(weights, kind)
    for layer, weight, together in zip(layers, weights, linear_module.products(x, layers), strict=True):
        rounded = rounded_matrix(weight, kind)
        assert torch.equal(layer(x), together)
        expected = x @ rounded.T
        assert (together - expected).abs().max() < 0.01 * expected.abs().max()


@pytest.mark.parametrize("piece", [2**20, 1000])
@pytest.mark.parametrize("rows", [1, 300])
@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_that_of_the_rounded_matrix(kind, rows, piece, monkeypatch):
    monkeypatch.setattr("course_utils.transformer.quantized.PIECE", piece)
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(d_out, 96, generator=generator) for d_out in (32, 16)]
    layers = quantized_layers(weights, kind)
    x = torch.randn(2, rows, 96, generator=generator, requires_grad=True)
    gradients = [torch.randn(2, rows, d_out, generator=generator) for d_out in (32, 16)]
    torch.autograd.backward(linear_module.products(x, layers), gradients)
    expected = sum(each @ rounded_matrix(weight, kind) for each, weight in zip(gradients, weights, strict=True))
    off = (x.grad - expected).abs().max() / expected.abs().max()
    assert off < (0.01 if kind == "int4" else 1e-5)  # four bits are widened by way of bfloat16
    with torch.no_grad():
        assert not layers[0](x).requires_grad


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_quantized_model_answers_with_a_cache_as_without_by_four_products_a_layer(kind, tied, monkeypatch):
    made = []
    for stack in STACKS.values():
        real = stack.forward
        monkeypatch.setattr(stack, "forward", lambda self, x, real=real: made.append(x.shape) or real(self, x))
    narrow = quantize(model(tie_embeddings=tied), kind)
    with torch.no_grad():
        whole = narrow(IDS)
        assert len(made) == 2 * 4 + 1
        cache = narrow.new_cache(2, 9)
        pieces = torch.cat([narrow(part, cache=cache) for part in IDS.split(2, dim=1)], dim=1)
    # for whole numbers a product's input is rounded to bfloat16
    assert (pieces - whole).abs().max() < (1e-5 if kind == "float16" else 0.02) * whole.abs().max()
    assert sum(parameter.numel() for parameter in narrow.parameters()) == 64 * 32 + 5 * 32  # embedding and norms
    assert decoding.generate(narrow, IDS, 4, seed=0).shape == (2, 13)


@pytest.mark.parametrize("kind", KINDS)
def test_fewer_bits_cost_the_real_model_little_of_its_perplexity(smollm2, kind):
    exact, tokenizer = smollm2
    narrow, _ = pretrained.load(quantization=kind)
    text = "The mill stands by the river. In spring the water is high, and the wheel turns day and night. " * 2
    text += "Who owns it nobody knows: the miller pays his rent to a lawyer in the town, and asks no questions."
    ids = torch.tensor(tokenizer.encode(text))
    perplexities = [evaluation.perplexity(each, ids, 128, 128) for each in (exact, narrow)]
    assert perplexities[1] == pytest.approx(perplexities[0], rel=1e-3 if kind == "float16" else 0.02)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (model, "fp8", "quantization must be one of float16, int8, int4 or None, got 'fp8'"),
        (lambda: quantize(model(), "int8"), "int4", "quantised already"),
        (lambda: model().to("meta"), "int8", "works on the CPU, the model is on meta"),
        (lambda: model(d_model=16), "int4", "32 x 16 can't be kept in four bits: .* use 'int8'"),
        (lambda: model(d_ff=40), "int4", "80 x 32|32 x 40"),
        pytest.param(with_a_large_embedding, "float16", "can't be kept in float16", marks=needs_fbgemm),
    ],
)
def test_what_cannot_be_quantized_is_said(make, kind, message):
    whole = make()
    names = {name: type(module) for name, module in whole.named_modules()}
    with pytest.raises(ValueError, match=message):
        quantize(whole, kind)
    assert {name: type(module) for name, module in whole.named_modules()} == names  # not half of it


@torch.no_grad()
@needs_fbgemm
def test_a_product_in_float16_rounds_nothing_but_the_matrix():
    weight = torch.randn(32, 96, generator=torch.Generator().manual_seed(1))
    x = torch.randn(5, 96, generator=torch.Generator().manual_seed(0))
    (layer,) = quantized_layers([weight], "float16")
    torch.testing.assert_close(layer(x), x @ weight.half().float().T)
    assert layer(x.to(torch.bfloat16)).dtype == torch.bfloat16
    assert (layer(x) - x @ weight.T).abs().max() > 1e-5  # it is rounded


def test_a_processor_without_a_product_for_float16_is_told_so(monkeypatch):
    monkeypatch.setattr(quantized, "has_fbgemm", lambda: False)
    with pytest.raises(ValueError, match="needs FBGEMM, as on x86 processors with AVX2: use 'int8'"):
        quantize(model(), "float16")


@needs_fbgemm
def test_a_weight_beyond_float16_is_refused_rather_than_cut():
    with pytest.raises(ValueError, match="a weight of 70000 can't be kept in float16, which ends at 65,504"):
        quantized_layers([torch.full((16, 32), 70_000.0)], "float16")
    with pytest.raises(ValueError, match="a weight of nan"):
        quantized_layers([torch.full((16, 32), torch.nan)], "float16")
    assert quantized_layers([torch.full((16, 32), 65_504.0)], "float16")


def test_loading_refuses_an_unknown_quantization():
    with pytest.raises(ValueError, match="quantization must be one of float16, int8, int4 or None, got 'q4'"):
        pretrained.load("tinyworld", device="cpu", quantization="q4")
