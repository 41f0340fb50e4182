"""Products of many vectors by oneDNN: those of `F.linear`, with its gradients, and only where nobody notices."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from course_utils.transformer import onednn
from course_utils.transformer.linear import product

D_IN, D_OUT = 64, 128
MANY = onednn.ENOUGH // (D_IN * D_OUT)  # vectors

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this build of torch has no oneDNN")


def numbers(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def called(monkeypatch, x, weight):
    """Return whether `product` asks oneDNN, on a processor where that is quicker."""
    asked = []

    def heard(x, weight):
        asked.append(x.shape)
        return F.linear(x, weight)

    monkeypatch.setattr(onednn, "is_quicker", lambda: True)
    monkeypatch.setattr(onednn, "product", heard)
    product(x, weight)
    return bool(asked)


@pytest.mark.parametrize("shape", [(MANY,), (2, MANY), (2, 3, 50), (1,), (131,)])
@pytest.mark.parametrize("transposed", [False, True])
def test_it_is_the_plain_product_with_its_gradients(shape, transposed):
    def results(multiply):
        x = numbers(*shape, D_IN).requires_grad_()
        weight = numbers(D_IN, D_OUT, seed=1).T if transposed else numbers(D_OUT, D_IN, seed=1)
        h = multiply(x, weight.requires_grad_())
        return h.detach(), *torch.autograd.grad(h.square().sum(), (x, weight))

    for ours, plain in zip(results(onednn.product), results(F.linear), strict=True):
        assert ours.shape == plain.shape
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-4 * (1 + plain.abs().sum().item() / 1e5))


@pytest.mark.parametrize("wanted", [(True, False), (False, True)])
def test_only_the_gradients_that_are_wanted_are_made(wanted):
    tensors = numbers(MANY, D_IN), numbers(D_OUT, D_IN)
    for tensor, moves in zip(tensors, wanted, strict=True):
        tensor.requires_grad_(moves)
    onednn.product(*tensors).sum().backward()
    assert tuple(tensor.grad is not None for tensor in tensors) == wanted


@pytest.mark.parametrize("wanted", [(True, False), (False, True), (True, True)])
def test_what_is_kept_for_the_gradients_is_what_the_plain_product_keeps(wanted):
    def kept(multiply):
        tensors = numbers(MANY + 3, D_IN), numbers(D_OUT, D_IN)
        for tensor, moves in zip(tensors, wanted, strict=True):
            tensor.requires_grad_(moves)
        found = {}
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: found.setdefault(tensor.untyped_storage().data_ptr(), tensor), lambda tensor: tensor
        ):
            result = multiply(*tensors)
        assert result.untyped_storage().nbytes() == 4 * result.numel()
        return sorted(tensor.untyped_storage().nbytes() for tensor in found.values())

    assert kept(onednn.product) == kept(F.linear)


def test_its_gradients_have_gradients():
    x, weight = numbers(5, 3), numbers(4, 3, seed=1)
    found = []
    for multiply in (onednn.product, F.linear):
        one, other = x.clone().requires_grad_(), weight.clone().requires_grad_()
        (first,) = torch.autograd.grad(multiply(one, other).pow(3).sum(), one, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), (one, other)))
    for ours, plain in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-2)


def test_batches_of_any_length_come_in_few_sizes(monkeypatch):
    sizes, multiply = set(), onednn._multiply

    def recorded(rows, weight):
        sizes.add((*rows.shape, len(weight)))
        return multiply(rows, weight)

    monkeypatch.setattr(onednn, "_multiply", recorded)
    weight = numbers(D_OUT, D_IN).requires_grad_()
    for vectors in range(256, 513):
        onednn.product(numbers(vectors, D_IN).requires_grad_(), weight).sum().backward()
    assert len(sizes) == 3 * (onednn.SIZES + 1)  # the product, and each of its gradients


def test_many_vectors_go_to_onednn_where_it_is_quicker_and_few_never(monkeypatch):
    weight = numbers(D_OUT, D_IN)
    assert called(monkeypatch, numbers(MANY, D_IN), weight)
    assert not called(monkeypatch, numbers(MANY - 1, D_IN), weight)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_dtypes_stay_with_torch(monkeypatch, dtype):
    assert not called(monkeypatch, numbers(MANY, D_IN).to(dtype), numbers(D_OUT, D_IN).to(dtype))


def test_autocast_still_decides_the_dtype(monkeypatch):
    monkeypatch.setattr(onednn, "is_quicker", lambda: True)
    with torch.autocast("cpu", torch.bfloat16):
        assert product(numbers(MANY, D_IN), numbers(D_OUT, D_IN)).dtype == torch.bfloat16


def test_a_counter_of_flops_sees_every_product(monkeypatch):
    monkeypatch.setattr(onednn, "is_quicker", lambda: True)
    with FlopCounterMode(display=False) as counter:
        product(numbers(MANY, D_IN), numbers(D_OUT, D_IN))
    assert counter.get_total_flops() == 2 * MANY * D_IN * D_OUT


def test_functions_of_functions_work_as_ever(monkeypatch):
    monkeypatch.setattr(onednn, "is_quicker", lambda: True)
    x, weight = numbers(MANY, D_IN), numbers(D_OUT, D_IN)
    slope = torch.func.grad(lambda weight: product(x, weight).sum())(weight)
    torch.testing.assert_close(slope, x.sum(0).expand(D_OUT, D_IN), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("amd", "seconds", "quicker"), [(True, 2.2, True), (True, 1.15, False), (False, 2.2, False)])
def test_it_is_chosen_on_amd_alone_and_by_what_is_measured(monkeypatch, amd, seconds, quicker):
    monkeypatch.setattr(onednn, "processor_is_from_amd", lambda: amd)
    monkeypatch.setattr(onednn, "_seconds", lambda multiply, matrix: seconds if multiply is F.linear else 1.0)
    threads = torch.get_num_threads()
    assert onednn.is_quicker.__wrapped__() == quicker
    assert torch.get_num_threads() == threads
