import math

import torch
import torch.nn.functional as F
from answers_registry import right, wrong

from course_utils.transformer import DecoderLM

# rms_norm


@right("rms_norm")
def torchs_own(x, weight, eps):
    return F.rms_norm(x, (x.shape[-1],), weight, eps)


@right("rms_norm")
def rms_in_a_loop(x, weight, eps):
    y = torch.empty_like(x)
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            y[b, t] = weight * x[b, t] / math.sqrt(float((x[b, t] ** 2).mean()) + eps)
    return y


@wrong("rms_norm", "this is LayerNorm")
def layer_norm(x, weight, eps):
    return F.layer_norm(x, (x.shape[-1],), weight, None, eps)


@wrong("rms_norm", "standard deviation")
def over_std(x, weight, eps):
    return weight * x / (x.std(dim=-1, keepdim=True) ** 2 + eps).sqrt()


@wrong("rms_norm", "you summed the squares")
def unit_length(x, weight, eps):
    return weight * F.normalize(x, dim=-1)


@wrong("rms_norm", "the root is missing")
def no_root(x, weight, eps):
    return weight * x / (x.pow(2).mean(-1, keepdim=True) + eps)


@wrong("rms_norm", "you multiplied by the root mean square")
def multiplied_by_rms(x, weight, eps):
    return weight * x * torch.sqrt((x**2).mean(-1, keepdim=True) + eps)


@wrong("rms_norm", "not of its square")
def no_square(x, weight, eps):
    return weight * x / x.mean(-1, keepdim=True)


@wrong("rms_norm", "over the wrong dimension")
def over_tokens(x, weight, eps):
    return weight * x * torch.rsqrt(x.pow(2).mean(1, keepdim=True) + eps)


@wrong("rms_norm", "one mean for all tokens. ")
def over_everything(x, weight, eps):
    return weight * x * torch.rsqrt(x.pow(2).mean() + eps)


@wrong("rms_norm", "one mean for all tokens of a text")
def over_each_text(x, weight, eps):
    return weight * x * torch.rsqrt(x.pow(2).mean((1, 2), keepdim=True) + eps)


@wrong("rms_norm", "keepdim=True is missing")
def no_keepdim(x, weight, eps):
    return weight * x / torch.sqrt(x.pow(2).mean(-1) + eps)


@wrong("rms_norm", "the weight has no effect")
def no_weight(x, weight, eps):
    return x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + eps)


@wrong("rms_norm", "not as 1 + weight")
def gemma(x, weight, eps):
    return F.rms_norm(x, (2,), 1 + weight, eps)


@wrong("rms_norm", "scaled before the norm")
def weight_first(x, weight, eps):
    return F.rms_norm(x * weight, (2,), None, eps)


@wrong("rms_norm", "eps is missing")
def no_eps(x, weight, eps):
    return weight * x / x.pow(2).mean(-1, keepdim=True).sqrt()


@wrong("rms_norm", "eps is outside the root")
def eps_outside(x, weight, eps):
    return weight * x / (x.pow(2).mean(-1, keepdim=True).sqrt() + eps)


@wrong("rms_norm", "isn't a lower limit")
def eps_as_a_limit(x, weight, eps):
    return weight * x / torch.clamp(x.pow(2).mean(-1, keepdim=True).sqrt(), min=eps)


@wrong("rms_norm", "argument eps has no effect")
def own_eps(x, weight, eps):
    return weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)


@wrong("rms_norm", "changed its input x in place")
def norm_in_place(x, weight, eps):
    x *= torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)
    return x * weight


@wrong("rms_norm", "returned a float tensor of shape (2,), not a float tensor of shape (1, 1, 2)")
def shape_lost(x, weight, eps):
    return (weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)).squeeze()


# causal_mask


@right("causal_mask")
def by_comparison(length):
    steps = torch.arange(length)
    return steps[None, :] <= steps[:, None]


@wrong("causal_mask", "upside down")
def upper(length):
    return torch.triu(torch.ones(length, length)) == 1


@wrong("causal_mask", "inverted: True means")
def hidden_is_true(length):
    return torch.triu(torch.ones(length, length), diagonal=1).bool()


@wrong("causal_mask", "the diagonal is False")
def strictly_before(length):
    steps = torch.arange(length)
    return steps[None, :] < steps[:, None]


@wrong("causal_mask", "also sees the next one")
def one_ahead(length):
    return torch.tril(torch.ones(length, length), diagonal=1).bool()


@wrong("causal_mask", "everyone looks everywhere")
def all_true(length):
    return torch.full((length, length), True)


@wrong("causal_mask", "not only at itself")
def only_itself(length):
    return torch.eye(length).bool()


@wrong("causal_mask", "these are numbers")
def ones_and_zeros(length):
    return torch.tril(torch.ones(length, length))


@wrong("causal_mask", "added to scores")
def additive(length):
    return torch.triu(torch.full((length, length), float("-inf")), diagonal=1)


@wrong("causal_mask", "two dimensions too many")
def ready_to_broadcast(length):
    return torch.tril(torch.ones(1, 1, length, length)).bool()


@wrong("causal_mask", "always 3")
def fixed_size(length):
    return torch.tensor([[True, False, False], [True, True, False], [True, True, True]])


@wrong("causal_mask", "only the two before it")
def window(length):
    steps = torch.arange(length)
    distance = steps[:, None] - steps[None, :]
    return (distance >= 0) & (distance <= 2)


@wrong("causal_mask", "returned a list, not a bool tensor of shape (3, 3)")
def nested_lists(length):
    return [[j <= i for j in range(length)] for i in range(length)]


# attention


@right("attention")
def fused(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


@right("attention")
def with_a_large_negative_number(q, k, v, mask):
    scores = torch.einsum("bhqd,bhkd->bhqk", q, k) * q.size(-1) ** -0.5
    return torch.where(mask, scores, -1e9).softmax(-1).matmul(v)


@wrong("attention", "the softmax is missing")
def linear(q, k, v, mask):
    return q @ k.mT / math.sqrt(q.size(-1)) @ v


@wrong("attention", "these are the weights")
def weights_only(q, k, v, mask):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    return torch.softmax(scores.masked_fill(~mask, -torch.inf), -1)


@wrong("attention", "over all scores at once")
def one_softmax(q, k, v, mask):
    scores = q @ k.mT / math.sqrt(q.size(-1))
    e = scores.masked_fill(~mask, -torch.inf).exp()
    return e / e.sum((-1, -2), keepdim=True) @ v


@wrong("attention", "after the softmax. Divide the scores")
def scaled_too_late(q, k, v, mask):
    scores = (q @ k.mT).masked_fill(~mask, -torch.inf)
    return scores.softmax(-1) / math.sqrt(q.size(-1)) @ v


@wrong("attention", "over the queries")
def wrong_softmax_dimension(q, k, v, mask):
    scores = (q @ k.mT / math.sqrt(q.size(-1))).masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-2) @ v


@wrong("attention", "swapped")
def keys_ask(q, k, v, mask):
    scores = (k @ q.mT / math.sqrt(q.size(-1))).masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-1) @ v


@wrong("attention", "over the texts of the batch")
def softmax_over_the_batch(q, k, v, mask):
    return torch.softmax(q @ k.mT / math.sqrt(q.size(-1)), 0) @ v


@wrong("attention", "1 / sqrt(head) is missing")
def unscaled(q, k, v, mask):
    return (q @ k.mT).masked_fill(~mask, -torch.inf).softmax(-1) @ v


@wrong("attention", "divided by the head size")
def over_head_size(q, k, v, mask):
    return (q @ k.mT / q.shape[-1]).masked_fill(~mask, -torch.inf).softmax(-1) @ v


@wrong("attention", "multiplied by sqrt(head)")
def times_root(q, k, v, mask):
    return (q @ k.mT * q.shape[-1] ** 0.5).masked_fill(~mask, -torch.inf).softmax(-1) @ v


@wrong("attention", "root of the number of tokens")
def root_of_length(q, k, v, mask):
    return (q @ k.mT / math.sqrt(q.shape[2])).masked_fill(~mask, -torch.inf).softmax(-1) @ v


@wrong("attention", "the mask has no effect")
def unmasked(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v)


@wrong("attention", "the mask has no effect")
def mask_forgotten_result(q, k, v, mask):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(-1) @ v


@wrong("attention", "the mask is upside down")
def mask_inverted(q, k, v, mask):
    return (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(mask, -torch.inf).softmax(-1) @ v


@wrong("attention", "a score of 0 isn't hidden")
def filled_with_zero(q, k, v, mask):
    return (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, 0).softmax(-1) @ v


@wrong("attention", "a score of 0 isn't hidden")
def multiplied_by_the_mask(q, k, v, mask):
    return (q @ k.mT / math.sqrt(q.shape[-1]) * mask).softmax(-1) @ v


@wrong("attention", "rows no longer sum to 1")
def masked_after(q, k, v, mask):
    return (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1).masked_fill(~mask, 0) @ v


@wrong("attention", "you added the mask")
def mask_added(q, k, v, mask):
    return (q @ k.mT / math.sqrt(q.shape[-1]) + mask).softmax(-1) @ v


@wrong("attention", "exp overflowed")
def exp_by_hand(q, k, v, mask):
    e = torch.exp(q @ k.mT / math.sqrt(q.shape[-1])) * mask
    return e / e.sum(-1, keepdim=True) @ v


@wrong("attention", "isn't low enough")
def not_low_enough(q, k, v, mask):
    return (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -100.0).softmax(-1) @ v


@wrong("attention", "Only the last two dimensions")
def first_text_for_all(q, k, v, mask):
    return fused(q[:1], k[:1], v[:1], mask).expand_as(v)


@wrong("attention", "changed its input v in place")
def attention_in_place(q, k, v, mask):
    return v.copy_(fused(q, k, v, mask))


# count_parameters


@right("count_parameters")
def build_and_count(config):
    with torch.device("meta"):
        model = DecoderLM(config)
    return sum(p.numel() for p in model.parameters())


def student_count(config, **changes):
    """Count as a student writes it down, with some of the parts replaced."""
    d = config.d_model
    kv_dim = d // config.n_heads * config.n_kv_heads
    parts = {
        "embedding": config.vocab_size * d,
        "head": 0 if config.tie_embeddings else config.vocab_size * d,
        "q": d * d,
        "k": d * kv_dim,
        "v": d * kv_dim,
        "o": d * d,
        "feed_forward": 3 * d * config.d_ff,
        "norms": 2 * d,
        "layers": config.n_layers,
        "final": d,
    } | changes
    layer = sum(parts[name] for name in ("q", "k", "v", "o", "feed_forward", "norms"))
    return parts["embedding"] + parts["head"] + parts["layers"] * layer + parts["final"]


COUNTED = {
    "tied": ("two embedding matrices", lambda c: {"head": c.vocab_size * c.d_model}),
    "no embedding": ("the embeddings are missing", lambda c: {"embedding": 0}),
    "one layer": ("this is one layer", lambda c: {"layers": 1}),
    "two matrices": ("you counted two", lambda c: {"feed_forward": 2 * c.d_model * c.d_ff}),
    "no output": ("four matrices q, k, v, o", lambda c: {"o": 0}),
    "no norms": ("the norms are missing", lambda c: {"norms": 0, "final": 0}),
    "no layer norms": ("norms in the layers are missing", lambda c: {"norms": 0}),
    "one norm": ("a layer has two norms", lambda c: {"norms": c.d_model}),
    "no final norm": ("the final norm is missing", lambda c: {"final": 0}),
    "norm biases": ("LayerNorms with a bias", lambda c: {"norms": 4 * c.d_model, "final": 2 * c.d_model}),
    "positions": ("position embeddings", lambda c: {"final": c.d_model + c.context_length * c.d_model}),
    "untied": ("untied: the output layer", lambda c: {"head": 0}),
    "full k and v": ("full size", lambda c: {"k": c.d_model**2, "v": c.d_model**2}),
    "heads for width": (
        "times the head size",
        lambda c: {"k": c.d_model * c.n_kv_heads, "v": c.d_model * c.n_kv_heads},
    ),
    "grouped q": ("q has all n_heads heads", lambda c: {"q": c.d_model**2 * c.n_kv_heads // c.n_heads}),
    "float": (
        "your function returned a float, not an int",
        lambda c: {"k": c.d_model * c.d_model * c.n_kv_heads / c.n_heads},
    ),
    "biases": (
        "you counted biases",
        lambda c: {
            "norms": 2 * c.d_model + 3 * c.d_model + 2 * (c.d_model // c.n_heads) * c.n_kv_heads + 2 * c.d_ff,
        },
    ),
}
for name, (phrase, changes) in COUNTED.items():

    def answer(config, changes=changes):
        return student_count(config, **changes(config))

    answer.__name__ = name
    wrong("count_parameters", phrase)(answer)


@wrong("count_parameters", "The real model has 134,515,008")
def right_when_small(config):
    return student_count(config) - (config.vocab_size > 1000)
