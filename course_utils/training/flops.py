"""How much of the machine a training uses: floating-point operations needed, against those it can do."""

import time

import torch

from course_utils.device import compute_dtype
from course_utils.transformer import TransformerConfig

MATRIX_SIZE = {"cpu": 2048, "cuda": 8192, "mps": 4096}  # large enough that a product runs at full speed
ROUNDS = 5


def flops_per_token(config: TransformerConfig, context_length: int) -> int:
    """Return the floating-point operations of one token's forward and backward pass.

    6 N + 12 L d T: each of the N weights is multiplied and added once forward and twice backward, 2 operations each
    time; attention's two products, q k^T and weights v, take 2 d T operations each, in L layers, three times. That
    half of the scores is masked is not subtracted, as is the custom. N counts the output matrix, and leaves out an
    embedding that is only looked up.

    Args:
        config: the model's shape: L = n_layers, d = d_model.
        context_length: tokens per window, T.

    Source: Chowdhery et al. (2022), "PaLM: Scaling Language Modeling with Pathways", appendix B.
    """
    d, kv = config.d_model, config.n_kv_heads * config.head_dim
    attention = 2 * d * d + 2 * d * kv  # q and o; k and v
    feed_forward = 3 * d * config.d_ff  # gate, up, down
    norms = 2 * d
    weights = config.n_layers * (attention + feed_forward + norms) + d + config.vocab_size * d
    return 6 * weights + 12 * config.n_layers * d * context_length


def matmul_peak(device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> float:
    """Return the operations per second of a large square matrix product: the best of several, here and now.

    Model FLOPs utilisation (MFU) is tokens per second times `flops_per_token`, divided by this.

    Args:
        device, dtype: where and in what to multiply; float32 in place of a dtype that the device only emulates.
    """
    device = torch.device(device)
    n = MATRIX_SIZE.get(device.type, 2048)
    a, b = (torch.randn(2, n, n, device=device) / n).to(compute_dtype(dtype, device)).unbind(0)
    synchronise = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}.get(device.type, lambda: None)
    best = float("inf")
    for _ in range(1 + ROUNDS):  # the first also warms up
        synchronise()
        start = time.perf_counter()
        a @ b
        synchronise()
        best = min(best, time.perf_counter() - start)
    return 2 * n**3 / best
