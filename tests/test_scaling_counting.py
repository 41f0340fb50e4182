"""What a scaling law counts: parameters without embeddings, and FLOPs."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils import scaling
from course_utils.transformer import DecoderLM, TransformerConfig


def test_gpt_3_has_174_billion():
    assert scaling.non_embedding_params(96, 12_288) == 12 * 96 * 12_288**2 == 173_946_175_488


@given(st.integers(1, 100), st.integers(1, 10_000))
def test_the_usual_widths_give_twelve_n_d_squared(n, d):
    assert scaling.non_embedding_params(n, d) == scaling.non_embedding_params(n, d, d, 4 * d) == 12 * n * d * d


@pytest.mark.parametrize("tied", [True, False])
def test_a_config_is_counted_as_its_model(tied):
    config = TransformerConfig(100, 32, 3, 4, 2, 88, 16, tie_embeddings=tied)
    with torch.device("meta"):
        model = DecoderLM(config)
    outside = {"embedding.weight", "head.weight"}
    counted = sum(weight.numel() for name, weight in model.named_parameters() if name not in outside)
    assert scaling.non_embedding_params_of(config) == counted


def test_flops_of_gpt_3():
    assert scaling.training_flops(175e9, 300e9) == pytest.approx(3.15e23)


@pytest.mark.parametrize("arguments", [(0, 8), (1, 0), (1, 8, 0), (1, 8, 8, 0), (1.5, 8)])
def test_a_shape_that_cannot_be_is_refused(arguments):
    with pytest.raises(ValueError, match="must be"):
        scaling.non_embedding_params(*arguments)
