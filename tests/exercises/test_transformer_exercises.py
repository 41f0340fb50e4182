import math

import torch
import torch.nn.functional as F
from verdicts import right, wrong

from course_utils.exercises import transformer as exercises
from course_utils.transformer import DecoderLM
from course_utils.transformer.attention import causal_mask

test_torchs_norm = right(exercises.rms_norm)(lambda x, weight, eps: F.rms_norm(x, weight.shape, weight, eps))
test_a_comparison = right(exercises.causal_mask)(lambda n: torch.arange(n)[None, :] <= torch.arange(n)[:, None])
test_the_fused_kernel = right(exercises.attention)(F.scaled_dot_product_attention)


@right(exercises.attention)
def test_a_large_negative_number(q, k, v, mask):
    scores = torch.einsum("bhqd,bhkd->bhqk", q, k) * q.size(-1) ** -0.5
    return torch.where(mask, scores, -1e9).softmax(-1).matmul(v)


@right(exercises.count_parameters)
def test_build_and_count(config):
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in DecoderLM(config).parameters())


test_first_text_for_all = wrong(exercises.attention, "Only the last two dimensions, tokens and head")(
    lambda q, k, v, mask: F.scaled_dot_product_attention(q[:1], k[:1], v[:1], mask).expand_as(v)
)
test_a_window_of_five = wrong(exercises.causal_mask, "as large as the argument length says")(
    lambda length: causal_mask(length) & causal_mask(length).triu(-4)
)
test_two_dimensions_taken_for_granted = wrong(exercises.rms_norm, "over the last dimension, however long it is")(
    lambda x, weight, eps: weight * x / (x.pow(2).sum(-1, keepdim=True) / 2 + eps).sqrt()
)
test_right_when_small = wrong(exercises.count_parameters, "The real model has 134,515,008")(
    lambda config: exercises.count_parameters.reference(config) - (config.vocab_size > 1000)
)


def test_references_by_hand():
    x = torch.tensor([[[3.0, 4.0]]])
    torch.testing.assert_close(exercises.rms_norm.reference(x, torch.ones(2), 0.0), x / math.sqrt(12.5))
    assert exercises.causal_mask.reference(2).tolist() == [[True, False], [True, True]]
    smollm2 = exercises.count_parameters.probes[-1].args[0]
    assert exercises.count_parameters.reference(smollm2) == 134_515_008
