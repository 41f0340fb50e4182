"""What several test files share: the real model, once per run, and a tiny one."""

import hypothesis
import pytest
import torch
from random_weights import randomised

from course_utils import pretrained
from course_utils.transformer import DecoderLM, TransformerConfig

hypothesis.settings.register_profile("course", deadline=None, database=None)  # no test asserts on time
hypothesis.settings.load_profile("course")


@pytest.fixture(scope="session")
def smollm2():
    """The packaged SmolLM2 in float32 on the CPU, and its tokenizer."""
    return pretrained.load(device="cpu")


@pytest.fixture
def tiny_config():
    return TransformerConfig(vocab_size=50, d_model=24, n_layers=2, n_heads=6, n_kv_heads=2, d_ff=40, context_length=32)


@pytest.fixture
def tiny_model(tiny_config):
    torch.manual_seed(0)
    return randomised(DecoderLM(tiny_config))
