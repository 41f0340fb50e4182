"""What a scaling law counts: parameters without embeddings, and FLOPs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import memory, scaling
from course_utils.transformer import TransformerConfig


def test_gpt_3_has_174_billion():
    assert scaling.non_embedding_params(96, 12_288) == 12 * 96 * 12_288**2 == 173_946_175_488


@given(st.integers(1, 100), st.integers(1, 10_000))
def test_the_usual_widths_give_twelve_n_d_squared(n, d):
    assert scaling.non_embedding_params(n, d) == scaling.non_embedding_params(n, d, d, 4 * d) == 12 * n * d * d


def test_for_a_plain_shape_it_is_the_exact_count_but_for_the_norms():
    config = TransformerConfig(100, 32, 3, 4, 4, 2 * 32, 16)  # three matrices of 64 columns: as many as two of 96
    exact = memory.formula_size(config).n_non_embedding_parameters
    assert exact - (2 * 3 + 1) * 32 == scaling.non_embedding_params(3, 32, d_ff=96)


def test_flops_of_gpt_3():
    assert scaling.training_flops(175e9, 300e9) == pytest.approx(3.15e23)


@pytest.mark.parametrize("arguments", [(0, 8), (1, 0), (1, 8, 0), (1, 8, 8, 0), (1.5, 8)])
def test_a_shape_that_cannot_be_is_refused(arguments):
    with pytest.raises(ValueError, match="must be"):
        scaling.non_embedding_params(*arguments)
