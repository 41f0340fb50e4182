"""How often does rounding change a draw? A dart at the cumulative sum beside the package's noise, on the real model."""

import pytest
import torch

from course_utils import decoding

pytestmark = pytest.mark.benchmark

DRAWS = 100_000
AT_ONCE = 64
TEXTS = (
    "I love watching movies.",
    "The capital of France is",
    "User: I love watching movies\nFriend:",
    "Once upon a time there was a small house by the sea, and in it lived",
    "def fibonacci(n):\n    ",
    " The",
    "In 1859 Charles Darwin published",
    "Q: What is the capital of France?\nA: Paris\nQ: Who wrote Hamlet?\nA:",
)


@torch.no_grad()
def test_flips(smollm2):
    """Takes some minutes: a row of 49,152 noise values a draw, twice."""
    model, tokenizer = smollm2
    logits = torch.cat([model(torch.tensor([tokenizer.encode(text)]))[0] for text in TEXTS])  # (N, V)
    generator = torch.Generator().manual_seed(1)
    eps = torch.finfo(torch.float32).eps
    moved = logits * (1 + (2 * torch.rand(logits.shape, generator=generator) - 1) * eps)  # up to one rounding each
    flips = {"dart": 0, "noise": 0}
    left = DRAWS
    while left > 0:
        for one, other in zip(logits.softmax(-1), moved.softmax(-1), strict=True):
            n = min(AT_ONCE, left)
            darts = torch.rand(n, 1, generator=generator, dtype=torch.float64)
            flips["dart"] += int((thrown(one, darts) != thrown(other, darts)).sum())
            seed = int(torch.randint(2**31, (), generator=generator))
            first, second = (
                decoding.sample(probs.expand(n, -1), torch.Generator().manual_seed(seed)) for probs in (one, other)
            )
            flips["noise"] += int((first != second).sum())
            left -= n
    assert flips["noise"] <= 3
    assert flips["dart"] >= 20
    print(f"\nof {DRAWS:,} draws, rounding changes {flips['dart']} darts and {flips['noise']} draws by noise")


def thrown(probs, darts):
    """Return the token whose stretch of the cumulative sum each dart (n, 1) hits."""
    ends = probs.double().cumsum(dim=-1)  # (V,)
    return torch.searchsorted(ends, darts * ends[-1], right=True)  # (n, 1)
