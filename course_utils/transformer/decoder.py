"""The decoder-only language model: token ids in, logits of the next token out."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from course_utils.checks import no_tensor
from course_utils.device import compute_dtype
from course_utils.transformer.block import Block
from course_utils.transformer.cache import KVCache
from course_utils.transformer.config import TransformerConfig
from course_utils.transformer.linear import Linear, product
from course_utils.transformer.norm import RMSNorm
from course_utils.transformer.rotary import rotation

INITIAL_STD = 0.02


class DecoderLM(nn.Module):
    """A causal transformer language model in Llama's architecture.

    It computes in the dtype of its weights, or in float32 if theirs is one that the device only emulates; but see
    `linear.product` for what a single token meets in bfloat16.

    Source: Touvron et al. (2023), "LLaMA: Open and Efficient Foundation Language Models", section 2.2.
    """

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.layers = nn.ModuleList(Block(config, layer) for layer in range(config.n_layers))
        self.final_norm = RMSNorm(config.d_model, config.norm_eps)
        self.head: nn.Module | None = None if config.tie_embeddings else Linear(config.d_model, config.vocab_size)
        self.initialise()

    def forward(self, ids: Tensor, cache: KVCache | None = None, mask: Tensor | None = None) -> Tensor:
        """Return the logits of the next token after every position.

        Args:
            ids: token ids (B, T); with a cache, only the tokens that it does not hold yet.
            cache: keys and values of the tokens before; the new ones are appended.
            mask: (B, T) bool for these ids, True = a real token; None = all are. Shorter texts are padded on the
                left; positions count real tokens, and no token looks at padding.

        Returns:
            Logits (B, T, V), in the dtype it computes in.

        Raises:
            ValueError: ids or mask of a wrong shape, another model's cache, a cache where gradients are computed, or
                more tokens than the context or the cache can hold. An id outside the vocabulary is checked on the CPU
                only: on a GPU the check would force a synchronisation, and PyTorch raises its own error.
        """
        return self._logits(self.hidden_states(ids, cache, mask))  # (B, T, d) -> (B, T, V)

    def next_token_logits(self, ids: Tensor, cache: KVCache | None = None, mask: Tensor | None = None) -> Tensor:
        """Return the logits (B, V) after the last position only; arguments and errors as `forward`.

        They are `forward(...)[:, -1]`, up to rounding, without the product with the output layer at all positions
        before, which is a fifth of the work in a model of SmolLM2's shape.
        """
        return self._logits(self.hidden_states(ids, cache, mask)[:, -1])  # (B, d) -> (B, V)

    def hidden_states(self, ids: Tensor, cache: KVCache | None = None, mask: Tensor | None = None) -> Tensor:
        """Return what the output layer reads at every position, (B, T, d); arguments and errors as `forward`."""
        self._check(ids, mask)
        weight = self.embedding.weight
        x = self.embedding(ids).to(compute_dtype(weight.dtype, weight.device))  # (B, T, d)
        new = ids.shape[1]
        if cache is not None:
            cache.check(self.config, x)
        positions, attention_mask, is_causal = self._positions_and_mask(mask, new, cache, ids.device)
        cos_sin = rotation(positions, self.config.head_dim, self.config.rope_theta)
        for block in self.layers:
            x = block(x, cos_sin, attention_mask, is_causal, cache)  # (B, T, d)
        if cache is not None:
            cache.advance(new, mask)
        return self.final_norm(x)

    def _logits(self, x: Tensor) -> Tensor:
        return product(x, self.embedding.weight) if self.head is None else self.head(x)  # (..., d) -> (..., V)

    def _positions_and_mask(
        self, mask: Tensor | None, new: int, cache: KVCache | None, device: torch.device
    ) -> tuple[Tensor, Tensor | None, bool]:
        """Return the positions (T,) or (B, T) of the new tokens; mask and is_causal, as `Attention` takes them.

        A row of four tokens, the first two of them padding, has the positions 0 0 0 1 and the mask

            1 0 0 0      padding sees itself,
            0 1 0 0
            0 0 1 0      the first real token no padding,
            0 0 1 1      the second one both real tokens.
        """
        past = 0 if cache is None else cache.length
        real = mask if cache is None else cache.real_with(mask, new)  # (B, S), None = all
        rows = torch.arange(past, past + new, device=device)  # (T,) numbers of the tokens that look
        positions = rows
        if real is not None:  # only real tokens are counted
            before = 0 if cache is None else past - cache.padding  # (B, 1)
            real_rows = real.new_ones(len(real), new) if mask is None else mask  # (B, T)
            positions = (before + real_rows.cumsum(dim=1) - 1).clamp(min=0)  # (B, T)
        self._check_positions(positions, past + new, cache)
        if real is None and past == 0 and (cache is None or new <= cache.max_length):
            return positions, None, True
        if real is None and new == 1:
            return positions, None, False  # a single new token may look at all that there is
        columns = rows if cache is None else cache.columns(new)  # (S,) numbers of the tokens that are looked at
        visible = columns <= rows[:, None]  # (T, S)
        if cache is not None and cache.sliding:
            visible = visible & (columns > rows[:, None] - cache.max_length)
        if real is None:
            return positions, visible[None, None], False  # (1, 1, T, S)
        itself = columns == rows[:, None]  # (T, S) a padded token sees itself: a row without any key would make NaN
        return positions, ((visible & real[:, None, :]) | itself)[:, None], False  # (B, 1, T, S)

    def _check_positions(self, positions: Tensor, length: int, cache: KVCache | None) -> None:
        """Raise ValueError for more real tokens than the context can hold; a sliding cache forgets them in time."""
        room = self.config.context_length
        if length <= room or (cache is not None and cache.sliding):
            return
        if int(positions.max()) >= room:
            raise ValueError(
                f"{int(positions.max()) + 1} tokens exceed context_length={room}: shorten the text or split it"
            )

    def new_cache(
        self, batch_size: int, max_length: int, dtype: torch.dtype | None = None, sliding: bool = False
    ) -> KVCache:
        """Return an empty `KVCache` on this model's device.

        Args:
            batch_size, max_length, sliding: as there.
            dtype: None is the one that the model computes in; torch.int8 takes a quarter of float32's memory.
        """
        weight = self.embedding.weight
        dtype = compute_dtype(weight.dtype, weight.device) if dtype is None else dtype
        return KVCache(self.config, batch_size, max_length, weight.device, dtype, sliding)

    def initialise(self) -> None:
        """Draw new weights from PyTorch's global generator, so that the untrained loss is close to ln V.

        Every matrix is normal with standard deviation 0.02; those that write to the residual stream (o, down) are
        scaled by 1 / sqrt(2 layers), as in Radford et al. (2019). With tied embeddings a token's own logit would
        start near 0.02 d, so the final norm starts at 1 / (0.02 d) where that is below 1; an untied head is drawn
        with standard deviation 1 / d at most.
        """
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=INITIAL_STD)
            elif isinstance(module, RMSNorm):
                nn.init.ones_(module.weight)
        for name, weight in self.named_parameters():
            if name.endswith(("attention.o.weight", "feed_forward.down.weight")):
                nn.init.normal_(weight, std=INITIAL_STD / math.sqrt(2 * self.config.n_layers))
        d = self.config.d_model
        if not isinstance(self.head, Linear):
            nn.init.constant_(self.final_norm.weight, min(1.0, 1 / (INITIAL_STD * d)))
        else:
            nn.init.normal_(self.head.weight, std=min(INITIAL_STD, 1 / d))

    @classmethod
    def from_weights(cls, config: TransformerConfig, weights: Mapping[str, Tensor]) -> "DecoderLM":
        """Return a model in eval mode that has these weights: it shares their memory, and draws no random numbers.

        Args:
            config: the model's shape.
            weights: every tensor of its `state_dict()`, by name; it computes where they are, in their dtype.

        Raises:
            ValueError: a weight is missing, unknown, of another shape than the config says, or no floating-point one.
        """
        with torch.device("meta"):  # a model without memory
            model = cls(config)
        expected = model.state_dict()
        missing, extra = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
        if missing or extra:
            raise ValueError(f"not the weights of a model of this shape: missing {missing[:3]}, unexpected {extra[:3]}")
        for name, weight in weights.items():
            if weight.shape != expected[name].shape:
                raise ValueError(
                    f"the weights don't have the shape that the config says: {name} is {tuple(weight.shape)}, "
                    f"expected {tuple(expected[name].shape)}"
                )
            if not weight.is_floating_point():
                raise ValueError(f"{name} holds {weight.dtype}, no floating-point numbers: is it quantised?")
        model.load_state_dict(weights, assign=True)
        return model.eval()

    def _check(self, ids: Tensor, mask: Tensor | None) -> None:
        if not isinstance(ids, Tensor):
            raise no_tensor("ids", ids)
        if ids.dim() != 2 or 0 in ids.shape:
            raise ValueError(f"ids must be (B, T) with at least one token, got shape {tuple(ids.shape)}")
        if mask is not None and not isinstance(mask, Tensor):
            raise no_tensor("mask", mask)
        if mask is not None and (mask.shape != ids.shape or mask.dtype != torch.bool):
            raise ValueError(
                f"mask must be bool of shape {tuple(ids.shape)} like ids, got {mask.dtype} of {tuple(mask.shape)}"
            )
        on_cpu = ids.device.type == "cpu" and not torch.compiler.is_compiling()  # a GPU would have to be waited for
        if on_cpu and ((ids < 0) | (ids >= self.config.vocab_size)).any():
            raise ValueError(
                f"ids must be in 0 .. {self.config.vocab_size - 1}, got {int(ids.min())} .. {int(ids.max())}: "
                "is this another model's tokenizer?"
            )
