"""Device, dtype, seeds; and that importing the package stays silent and light."""

import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from course_utils import device


def test_one_seed_fixes_all_three_generators():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002 - the global generators are the point

    device.seed_everything(7)
    first = draw()
    device.seed_everything(7)
    assert draw() == first
    device.seed_everything(8)
    assert not set(draw()) & set(first)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_not_all_generators_take_is_refused(seed):
    with pytest.raises(ValueError, match="seed"):
        device.seed_everything(seed)


@pytest.mark.parametrize(
    ("cuda", "mps", "picked"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_cuda_comes_before_mps_before_the_cpu(monkeypatch, cuda, mps, picked):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device.pick_device() == torch.device(picked)


@pytest.mark.parametrize(
    ("place", "native", "dtype"),
    [
        ("cuda", True, torch.bfloat16),
        ("cuda:1", True, torch.bfloat16),
        (torch.device("cuda"), True, torch.bfloat16),
        ("cuda", False, torch.float32),  # bfloat16 would be emulated
        ("mps", True, torch.float32),
        ("cpu", True, torch.float32),
    ],
)
def test_bfloat16_only_where_cuda_computes_in_it_natively(monkeypatch, place, native, dtype):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: native or including_emulation)
    assert device.pick_dtype(place) == dtype


def test_importing_prints_nothing_and_leaves_the_heavy_libraries_alone():
    code = (
        "import sys; from course_utils import decoding, device, evaluation, ngram, pretrained;"
        "from course_utils import tokenization, training, transformer;"
        "assert not {'transformers', 'datasets', 'matplotlib', 'ipywidgets'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_device_without_float64_is_widened_on_the_cpu():
    class Apple:
        """What `widened` needs of a tensor on Apple's MPS."""

        device = torch.device("mps")

        def cpu(self):
            return torch.ones(2)

        def double(self):
            raise TypeError("Cannot convert a MPS Tensor to float64")

    assert device.widened(Apple()).dtype == torch.float64
    assert device.widened(torch.ones(2)).dtype == torch.float64
