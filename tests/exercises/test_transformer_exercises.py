import math

import numpy as np
import torch
import torch.nn.functional as F
from verdicts import right, wrong

from course_utils.exercises import transformer as exercises
from course_utils.transformer import DecoderLM, KVCache, TransformerConfig
from course_utils.transformer.attention import causal_mask


@right(exercises.attention_with_past)
def test_the_fused_kernel_with_a_mask(q, k, v):
    mask = causal_mask(q.shape[2], k.shape[2] - q.shape[2])
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)


@right(exercises.attention_with_past)
def test_groups_as_a_dimension_and_a_large_negative_number(q, k, v):
    B, _, T, head = q.shape
    grouped = q.reshape(B, k.shape[1], -1, T, head)
    scores = torch.einsum("bngtd,bnsd->bngts", grouped, k) * head**-0.5
    places = torch.arange(k.shape[2])
    scores = torch.where(places <= places[-T:, None], scores, -1e9)
    return torch.einsum("bngts,bnsd->bngtd", scores.softmax(-1), v).reshape(q.shape)


@right(exercises.block)
def test_linear_and_torchs_norm(x, weights, eps):
    norm = lambda x, name: F.rms_norm(x, x.shape[1:], weights[name], eps)
    linear = lambda x, name: F.linear(x, weights[name])
    h = norm(x, "attention_norm")
    mixed = F.scaled_dot_product_attention(linear(h, "q"), linear(h, "k"), linear(h, "v"), is_causal=True)
    x = x + linear(mixed, "o")
    h = norm(x, "feed_forward_norm")
    return x + linear(F.silu(linear(h, "gate")) * linear(h, "up"), "down")


@right(exercises.count_parameters)
def test_build_and_count(config):
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in DecoderLM(config).parameters())


test_variance_and_root = right(exercises.score_std)(
    lambda d_k, sigma_q, sigma_k, mean_k: (d_k * sigma_q**2 * (sigma_k**2 + mean_k**2)) ** 0.5
)
test_a_list_of_rows = right(exercises.to_half_split)(
    lambda weight, n: torch.cat([torch.cat([head[::2], head[1::2]]) for head in weight.chunk(n)])
)


@right(exercises.settled_after)
def test_a_loop_from_the_last_layer_down(logits):
    answers = []
    for column in np.argmax(logits.numpy(), axis=-1).T:
        after = len(column) - 1
        while after > 0 and column[after - 1] == column[-1]:
            after -= 1
        answers.append(after)
    return answers


test_one_past_the_last_disagreement = right(exercises.settled_after)(
    lambda logits: [
        max((i + 1 for i, row in enumerate(logits) if row[t].argmax() != logits[-1, t].argmax()), default=0)
        for t in range(logits.shape[1])
    ]
)

test_a_loop_over_heads = right(exercises.head_contributions)(
    lambda x, w_o, n: torch.stack([a @ b.T for a, b in zip(x.chunk(n, -1), w_o.chunk(n, -1), strict=True)])
)
test_torchs_entropy = right(exercises.lens_entropy)(
    lambda stream, gain, table, eps: (
        torch.distributions.Categorical(logits=F.rms_norm(stream, gain.shape, gain, eps) @ table.T).entropy().tolist()
    )
)
test_right_when_small = wrong(exercises.count_parameters, "The real model has 134,515,008")(
    lambda config: exercises.count_parameters.reference(config) - (config.vocab_size > 1000)
)


@right(exercises.repetition_gain)
def test_cross_entropy(model, ids):
    n, twice = ids.shape[1], ids.repeat(1, 2)
    loss = F.cross_entropy(model(twice).mT[..., :-1], twice[:, 1:], reduction="none")
    return float(loss[:, : n - 1].mean() - loss[:, n:].mean())


def test_references_by_hand():
    x = torch.tensor([[[3.0, 4.0]]])
    torch.testing.assert_close(
        exercises.lens_entropy.reference(x[0], torch.zeros(2), torch.eye(2), 0.0), [math.log(2)], check_dtype=False
    )
    smollm2 = exercises.count_parameters.probes[-1].args[0]
    assert exercises.count_parameters.reference(smollm2) == 134_515_008


def test_the_law_of_the_spread_is_what_one_measures():
    torch.manual_seed(0)
    q, k = 0.5 * torch.randn(200_000, 16), 3 * torch.randn(200_000, 16) + 4
    assert math.isclose((q * k).sum(-1).std().item(), exercises.score_std.reference(16, 0.5, 3.0, 4.0), rel_tol=0.01)


def test_the_package_attends_to_a_cache_as_the_exercise_does():
    config = TransformerConfig(7, 24, 1, 6, 2, 8, 16)
    attention = DecoderLM(config).layers[0].attention
    cos_sin = torch.ones(1, 5, 2), torch.zeros(1, 5, 2)
    q, k, v = attention.queries_keys_values(torch.randn(1, 5, 24), *cos_sin)
    cache = KVCache(config, 1, 5)
    cache.append(0, k[:, :, :3], v[:, :, :3])
    cache.advance(3, None)
    k, v = cache.append(0, k[:, :, 3:], v[:, :, 3:])
    new = exercises.attention_with_past.reference(q[:, :, 3:], k, v)
    torch.testing.assert_close(new, exercises.attention_with_past.reference(q, k, v)[:, :, 3:])


def test_reordered_weights_turn_as_the_neighbours_did():
    weight, angles = torch.arange(12.0).sin().reshape(6, 2), torch.tensor([1.0, 0.5, 0.2])
    x = torch.tensor([0.3, -2.0])
    pairs = torch.view_as_complex((weight @ x).reshape(3, 2)) * torch.polar(torch.ones(3), angles)
    first, second = (exercises.to_half_split.reference(weight, 1) @ x).chunk(2)
    half_split = torch.complex(first, second) * torch.polar(torch.ones(3), angles)
    torch.testing.assert_close(half_split, pairs)
