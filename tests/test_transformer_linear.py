"""Products of few vectors and many, with matrices of every size and dtype: always those of `F.linear`."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from course_utils.transformer import linear
from course_utils.transformer.linear import BANDS, FEW, LARGE, PIECE, Linear, product

D_IN = 64
ENOUGH = LARGE // D_IN  # rows that make a matrix a large one


def numbers(*shape, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)


@pytest.fixture(params=[False, True], autouse=True)
def amd(request, monkeypatch):
    monkeypatch.setattr(linear, "processor_is_from_amd", lambda: request.param)
    return request.param


class Calls(TorchDispatchMode):
    """What torch is asked for, by name, and whether oneDNN may answer."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.seen.append((function.__name__.split(".")[0], torch._C._get_mkldnn_enabled()))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("d_out", [1, 7, PIECE // 64, PIECE // 64 + 1, 3 * PIECE // 64 + 5])
def test_a_weight_of_any_size_is_widened_for_its_product(d_out):
    layer = Linear(64, d_out).to(torch.bfloat16)
    x = torch.randn(2, 3, 64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(x), F.linear(x, layer.weight.float()), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("d_out", [1, ENOUGH - 1, ENOUGH, ENOUGH + 1, 5 * ENOUGH])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (2, 2), (FEW,), (FEW + 1,), (3, 4), (0,), (2, 0)])
def test_a_product_is_the_plain_one_for_any_number_of_vectors(shape, d_out, dtype):
    x, weight = numbers(*shape, D_IN, dtype=dtype), numbers(d_out, D_IN, dtype=dtype)
    result, expected = product(x, weight), F.linear(x.double(), weight.double()).to(dtype)
    assert result.shape == expected.shape
    assert result.dtype == dtype
    tolerance = {torch.float32: 1e-5, torch.bfloat16: 0.02, torch.float64: 1e-12}[dtype]
    torch.testing.assert_close(result, expected, atol=8 * tolerance, rtol=tolerance)  # numbers of size 8


@pytest.mark.parametrize("vectors", [1, FEW, FEW + 1])
def test_few_vectors_meet_a_large_matrix_in_bands_where_that_is_faster(amd, vectors):
    with Calls() as calls:
        product(numbers(vectors, D_IN), numbers(ENOUGH, D_IN))
    names = [name for name, _ in calls.seen]
    assert ("bmm" in names) == (amd and vectors <= FEW)
    assert ("mm" in names) == (not amd or vectors > FEW)


@pytest.mark.parametrize("vectors", [1, 2])
def test_a_single_vector_in_bfloat16_is_no_work_for_onednn(vectors):
    before = torch._C._get_mkldnn_enabled()
    with Calls() as calls:
        product(numbers(vectors, D_IN, dtype=torch.bfloat16), numbers(ENOUGH, D_IN, dtype=torch.bfloat16))
    assert dict(calls.seen)["mm"] == (before and vectors > 1)
    with pytest.raises(RuntimeError):
        product(numbers(D_IN + 1, dtype=torch.bfloat16), numbers(ENOUGH, D_IN, dtype=torch.bfloat16))
    assert torch._C._get_mkldnn_enabled() == before


@pytest.mark.parametrize(("dtype", "narrowed"), [(torch.float32, True), (torch.float64, False)])
@pytest.mark.parametrize("vectors", [1, 2])
def test_a_single_wide_vector_is_rounded_for_a_large_matrix_in_bfloat16(vectors, dtype, narrowed):
    x, weight = numbers(vectors, D_IN, dtype=dtype), numbers(ENOUGH, D_IN, dtype=torch.bfloat16)
    exact = F.linear(x.double(), weight.double())
    of_rounded = F.linear(x.to(torch.bfloat16).double(), weight.double())
    result = product(x, weight)
    assert result.dtype == dtype
    if vectors == 1 and narrowed:
        torch.testing.assert_close(result, of_rounded.to(torch.bfloat16).to(dtype), atol=0.01, rtol=0.01)
        assert (result - exact).abs().max() > 1e-3
    else:
        torch.testing.assert_close(result, exact.to(dtype), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("vectors", [1, FEW, FEW + 1])
def test_its_gradients_are_the_plain_products(vectors):
    def gradients(multiply):
        x, weight = numbers(vectors, D_IN).requires_grad_(), numbers(ENOUGH, D_IN).requires_grad_()
        return torch.autograd.grad(multiply(x, weight).square().sum(), (x, weight))

    for ours, plain in zip(gradients(product), gradients(F.linear), strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-4 * plain.abs().max().item())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_matrix_that_lies_transposed_or_inside_another_is_multiplied_as_well(dtype):
    x, wide = numbers(1, D_IN, dtype=dtype), numbers(2 * ENOUGH, 2 * D_IN, dtype=dtype)
    transposed = wide[:ENOUGH, :D_IN].T.contiguous().T
    for weight in (wide[::2, D_IN:], wide[BANDS : BANDS + ENOUGH, :D_IN], transposed):
        torch.testing.assert_close(product(x, weight), F.linear(x, weight), rtol=0.02, atol=0.2)
