"""What several test files share: the real model, once per run, and a tiny one."""

import hypothesis
import pytest
import torch
from random_weights import randomised

from course_utils import device, pretrained
from course_utils.transformer import DecoderLM, TransformerConfig

hypothesis.settings.register_profile("course", deadline=None, database=None)  # no test asserts on time
hypothesis.settings.load_profile("course")


@pytest.fixture(scope="session")
def smollm2():
    """The packaged SmolLM2 in float32 on the CPU, and its tokenizer."""
    return pretrained.load(device="cpu")


@pytest.fixture(params=[True, False], ids=["native", "emulated"])
def bfloat16_native(request, monkeypatch):
    """Whether the processor multiplies in bfloat16, as far as the course is told: once it does, once it doesn't."""
    monkeypatch.setitem(device._native, torch.bfloat16, request.param)
    return request.param


@pytest.fixture
def tiny_config():
    return TransformerConfig(vocab_size=50, d_model=24, n_layers=2, n_heads=6, n_kv_heads=2, d_ff=40, context_length=32)


@pytest.fixture
def tiny_model(tiny_config):
    torch.manual_seed(0)
    return randomised(DecoderLM(tiny_config))
