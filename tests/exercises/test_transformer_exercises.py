"""The parameter count of notebook 03's exercise against the models themselves."""

import pytest

from course_utils.exercises import transformer as exercises
from course_utils.transformer import DecoderLM, TransformerConfig


@pytest.mark.parametrize("tied", [True, False])
def test_count_parameters_is_what_the_model_has(tied):
    config = TransformerConfig(
        vocab_size=11, d_model=24, n_layers=2, n_heads=6, n_kv_heads=2, d_ff=10, context_length=8, tie_embeddings=tied
    )
    assert exercises.count_parameters.reference(config) == sum(p.numel() for p in DecoderLM(config).parameters())


def test_smollm2_has_134_515_008_parameters():
    config = next(probe for probe in exercises.count_parameters.probes if probe.tests == "SmolLM2-135M").args[0]
    assert exercises.count_parameters.reference(config) == 134_515_008
