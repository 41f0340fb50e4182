"""Look inside: the attention weights of every layer and head for one batch of texts."""

import torch
from torch import Tensor

from course_utils.transformer.attention import Attention, attention_weights, causal_mask
from course_utils.transformer.decoder import DecoderLM


@torch.no_grad()
def attention_maps(model: DecoderLM, ids: Tensor) -> list[Tensor]:
    """Run the model and return how much each token looked at each earlier one.

    Args:
        model: a decoder.
        ids: token ids (B, T) without padding.

    Returns:
        One tensor (B, n_h, T, T) per layer; row t sums to 1 over the columns 0 .. t.
    """
    maps: list[Tensor] = []

    def record(module: Attention, arguments: tuple) -> None:
        x, cos_sin, mask, is_causal, _ = arguments
        q, k, _ = module.queries_keys_values(x, *cos_sin)
        k = k.repeat_interleave(q.shape[1] // k.shape[1], dim=1)  # [K1, K1, K2, K2], (B, n_h, T, d_k)
        maps.append(attention_weights(q, k, causal_mask(x.shape[1], device=x.device) if is_causal else mask))

    layers = [module for module in model.modules() if isinstance(module, Attention)]
    hooks = [layer.register_forward_pre_hook(record) for layer in layers]
    try:
        model(ids)
    finally:
        for hook in hooks:
            hook.remove()
    return maps
