"""Packed and quantised models: the same answers by fewer products, and nearly the same from fewer bits."""

import copy
import dataclasses

import gguf
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from random_weights import randomised

from course_utils import decoding, evaluation, pretrained
from course_utils.files import save_tensors
from course_utils.pretrained.loading import packaged_file
from course_utils.pretrained.weights import read_weights
from course_utils.transformer import DecoderLM, TransformerConfig, pack, quantize
from course_utils.transformer import linear as linear_module
from course_utils.transformer.quantized import eight_bits, four_bits, quantized_layers

CONFIG = TransformerConfig(vocab_size=64, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=96, context_length=32)
IDS = torch.randint(64, (2, 9), generator=torch.Generator().manual_seed(0))


def model(**changes):
    torch.manual_seed(0)
    return randomised(DecoderLM(dataclasses.replace(CONFIG, **changes)))


@pytest.fixture
def products_made(monkeypatch):
    """The shapes of all weights that are multiplied by."""
    made, real = [], linear_module.product
    monkeypatch.setattr(linear_module, "product", lambda x, weight: made.append(tuple(weight.shape)) or real(x, weight))
    return made


@torch.no_grad()
def test_a_packed_model_answers_the_same_by_four_products_a_layer(products_made):
    plain, packed = model(), pack(model())
    torch.testing.assert_close(packed(IDS), plain(IDS), rtol=0, atol=1e-5)
    assert len(products_made) == 2 * (4 + 7)
    assert products_made[:4] == [(64, 32), (32, 32), (192, 32), (32, 96)]
    caches = [each.new_cache(2, 12) for each in (packed, plain)]
    for part in IDS.split(4, dim=1):
        ours, theirs = (each(part, cache=cache) for each, cache in zip((packed, plain), caches, strict=True))
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def loss(each):
    return each(IDS).logsumexp(-1).sum()


def test_a_packed_model_is_trained_like_any_other_and_answers_by_its_new_weights():
    plain, packed = model(), pack(model())
    for each in (plain, packed):
        optimizer = torch.optim.SGD(each.parameters(), lr=1e-3)
        loss(each).backward()
        optimizer.step()
    with torch.no_grad():
        torch.testing.assert_close(packed(IDS), plain(IDS), rtol=1e-5, atol=1e-5)
        assert (packed(IDS) - model()(IDS)).abs().max() > 0.1


def test_a_layer_that_has_been_replaced_is_asked_itself():
    class Doubled(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return 2 * self.inner(x)

    plain, packed = model(), pack(model())
    for each in (plain, packed):
        each.layers[0].attention.k = Doubled(each.layers[0].attention.k)
        each.layers[1].feed_forward.gate = Doubled(each.layers[1].feed_forward.gate)
        each.layers[1].attention.v.weight = torch.nn.Parameter(torch.ones(16, 32))
    with torch.no_grad():
        torch.testing.assert_close(packed(IDS), plain(IDS))


@torch.no_grad()
@pytest.mark.parametrize(
    "done", [lambda each: each.double().float(), copy.deepcopy, lambda each: each.to("meta").to_empty(device="cpu")]
)
def test_a_packed_model_can_be_moved_and_copied(done):
    packed = done(pack(model()))
    packed.load_state_dict(model().state_dict())
    torch.testing.assert_close(packed(IDS), model()(IDS))


def test_a_packed_model_can_be_saved(tmp_path):
    packed = pack(model())
    save_tensors(tmp_path / "model.safetensors", packed.state_dict())
    again = DecoderLM.from_weights(CONFIG, read_weights(tmp_path))
    assert torch.equal(again(IDS), model()(IDS))
    assert packed.state_dict().keys() == model().state_dict().keys()


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


@torch.no_grad()
@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_a_product_is_that_of_the_rounded_matrix(kind):
    weights = [torch.randn(rows, 96, generator=torch.Generator().manual_seed(rows)) for rows in (32, 16, 64)]
    x = torch.randn(2, 3, 96, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16).float()
    layers = quantized_layers(weights, kind)
    for layer, weight, together in zip(layers, weights, linear_module.products(x, layers), strict=True):
        if kind == "int8":
            numbers, scales = eight_bits(weight)
            rounded = numbers.float() * scales.float()
        else:
            numbers, scales, offsets = four_bits(weight)
            rounded = (numbers * scales + offsets).flatten(1)
        assert torch.equal(layer(x), together)
        expected = x @ rounded.T
        assert (together - expected).abs().max() < 0.01 * expected.abs().max()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_a_quantized_model_answers_with_a_cache_as_without_and_by_four_products_a_layer(kind, tied, products_made):
    narrow = quantize(model(tie_embeddings=tied), kind)
    with torch.no_grad():
        whole = narrow(IDS)
        cache = narrow.new_cache(2, 9)
        pieces = torch.cat([narrow(part, cache=cache) for part in IDS.split(2, dim=1)], dim=1)
    assert (pieces - whole).abs().max() < 0.02 * whole.abs().max()  # a product's input is rounded to bfloat16
    assert products_made == []
    assert sum(parameter.numel() for parameter in narrow.parameters()) == 64 * 32 + 5 * 32  # embedding and norms
    assert decoding.generate(narrow, IDS, 4, seed=0).shape == (2, 13)


@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_fewer_bits_cost_the_real_model_little_of_its_perplexity(smollm2, kind):
    exact, tokenizer = smollm2
    narrow, _ = pretrained.load(quantization=kind)
    text = "The mill stands by the river. In spring the water is high, and the wheel turns day and night. " * 2
    text += "Who owns it nobody knows: the miller pays his rent to a lawyer in the town, and asks no questions."
    ids = torch.tensor(tokenizer.encode(text))
    perplexities = [evaluation.perplexity(each, ids, 128, 128) for each in (exact, narrow)]
    assert perplexities[1] == pytest.approx(perplexities[0], rel=0.02)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (model, "fp8", "quantization must be one of int8, int4 or None, got 'fp8'"),
        (lambda: model().to("meta"), "int8", "works on the CPU, the model is on meta"),
        (lambda: model(d_model=16), "int4", "32 x 16 can't be kept in four bits: .* use 'int8'"),
        (lambda: model(d_ff=40), "int4", "80 x 32|32 x 40"),
    ],
)
def test_what_cannot_be_quantized_is_said(make, kind, message):
    with pytest.raises(ValueError, match=message):
        quantize(make(), kind)


def test_loading_refuses_an_unknown_quantization():
    with pytest.raises(ValueError, match="quantization must be one of int8, int4 or None, got 'q4'"):
        pretrained.load("tinyworld", device="cpu", quantization="q4")
