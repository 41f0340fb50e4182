"""Shapes of published models, as facts: how many numbers each part has, whatever the family."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from course_utils.checks import whole_number
from course_utils.transformer import TransformerConfig


@dataclass(frozen=True)
class ModelShape:
    """What decides how much memory a model needs.

    Args:
        vocab_size: V.
        d_model: width, d.
        n_layers: number of blocks, L.
        n_heads: query heads.
        n_kv_heads: heads for keys and values.
        d_ff: inner width of the feed-forward part.
        context_length: the most tokens it was made for, T.
        tied: the output layer uses the embedding matrix.
        gated: the feed-forward part has three matrices (gate, up, down), not two.
        biases: every matrix inside the layers has a bias, and every norm has one beside its scale.
        has_head: it predicts tokens; an encoder without an output layer doesn't.
        final_norm: there is a norm behind the last layer.
        positions: rows of a table of learned positions; 0 where there is none.
        others: weights that belong to none of these groups.
        window: the most tokens that a layer looks back, where that is fewer than the context; else None.
        source: where the numbers are from.

    Raises:
        ValueError: a number that can't be a shape, named in the message.
    """

    vocab_size: int
    d_model: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_ff: int
    context_length: int
    tied: bool = True
    gated: bool = True
    biases: bool = False
    has_head: bool = True
    final_norm: bool = True
    positions: int = 0
    others: int = 0
    window: int | None = None
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name in ("vocab_size", "d_model", "n_layers", "n_heads", "n_kv_heads", "d_ff", "context_length"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least=1))
        if self.n_heads % self.n_kv_heads:
            raise ValueError(f"n_heads={self.n_heads} must be a multiple of n_kv_heads={self.n_kv_heads}")
        if self.d_model % self.n_heads:
            raise ValueError(f"d_model={self.d_model} must be a multiple of n_heads={self.n_heads}")

    @property
    def head_dim(self) -> int:
        """Width of a head, d_k."""
        return self.d_model // self.n_heads

    @property
    def parameters(self) -> Mapping[str, int]:
        """Number of weights in each group, in the order in which a token meets them."""
        d, kept = self.d_model, self.n_kv_heads * self.head_dim
        matrices = 3 if self.gated else 2
        per_norm = 2 * d if self.biases else d
        attention = 2 * d * d + 2 * d * kept + self.biases * (2 * d + 2 * kept)  # q and o, k and v
        feed_forward = matrices * d * self.d_ff + self.biases * ((matrices - 1) * self.d_ff + d)
        groups = {
            "embedding": self.vocab_size * d,
            "positions": self.positions * d,
            "attention": self.n_layers * attention,
            "feed-forward": self.n_layers * feed_forward,
            "norms": (2 * self.n_layers + self.final_norm) * per_norm,
            "output": 0 if self.tied or not self.has_head else self.vocab_size * d,
            "others": self.others,
        }
        return MappingProxyType({name: count for name, count in groups.items() if count})

    @property
    def n_parameters(self) -> int:
        """Number of all weights, N."""
        return sum(self.parameters.values())


def llama(
    vocab_size: int,
    d_model: int,
    n_layers: int,
    n_heads: int,
    n_kv_heads: int,
    d_ff: int,
    context_length: int,
    **more: Any,
) -> ModelShape:
    """Return a shape of the Llama family, untied unless said."""
    return ModelShape(
        vocab_size, d_model, n_layers, n_heads, n_kv_heads, d_ff, context_length, **{"tied": False} | more
    )


def gpt(d_model: int, n_layers: int, n_heads: int, context_length: int, source: str) -> ModelShape:
    """Return a shape of the GPT-2 and GPT-3 family."""
    return ModelShape(
        50_257,
        d_model,
        n_layers,
        n_heads,
        n_heads,
        4 * d_model,
        context_length,
        gated=False,
        biases=True,
        positions=context_length,
        source=source,
    )


LLAMA_2 = "Touvron et al. (2023), Llama 2"
GPT_2, GPT_3 = "Radford et al. (2019), GPT-2", "Brown et al. (2020), GPT-3, table 2.1"
SMOLLM2 = "Ben Allal et al. (2025), SmolLM2; its config.json"

NAMED = MappingProxyType(
    {
        "llama-2-7b": llama(32_000, 4096, 32, 32, 32, 11_008, 4096, source=LLAMA_2),
        "llama-2-13b": llama(32_000, 5120, 40, 40, 40, 13_824, 4096, source=LLAMA_2),
        "llama-2-70b": llama(32_000, 8192, 80, 64, 8, 28_672, 4096, source=LLAMA_2),
        "llama-3-8b": llama(128_256, 4096, 32, 32, 8, 14_336, 8192, source="Dubey et al. (2024), Llama 3, table 3"),
        "mistral-7b": llama(
            32_000, 4096, 32, 32, 8, 14_336, 8192, window=4096, source="Jiang et al. (2023), Mistral 7B, table 1"
        ),
        "smollm2-135m": llama(49_152, 576, 30, 9, 3, 1536, 8192, tied=True, source=SMOLLM2),
        "smollm2-360m": llama(49_152, 960, 32, 15, 5, 2560, 8192, tied=True, source=SMOLLM2),
        "smollm2-1.7b": llama(49_152, 2048, 24, 32, 32, 8192, 8192, tied=True, source=SMOLLM2),
        "gpt-2": gpt(768, 12, 12, 1024, GPT_2),
        "gpt-2-medium": gpt(1024, 24, 16, 1024, GPT_2),
        "gpt-2-large": gpt(1280, 36, 20, 1024, GPT_2),
        "gpt-2-xl": gpt(1600, 48, 25, 1024, GPT_2),
        "gpt-3": gpt(12_288, 96, 96, 2048, GPT_3),
        "multilingual-e5-large": ModelShape(
            250_002,
            1024,
            24,
            16,
            16,
            4096,
            512,
            gated=False,
            biases=True,
            has_head=False,
            final_norm=False,
            positions=514,
            others=1024 + 2 * 1024 + 1024 * 1024 + 1024,  # the one token type, the embedding's norm, the pooler
            source="Wang et al. (2024), Multilingual E5; its config.json",
        ),
    }
)


def shape_of(model: TransformerConfig | ModelShape | str) -> ModelShape:
    """Return the shape of a model of the course, of a published one by its name, or the shape itself.

    Raises:
        ValueError: no model of that name; the message offers the nearest names.
    """
    if isinstance(model, ModelShape):
        return model
    if isinstance(model, TransformerConfig):
        return llama(
            model.vocab_size,
            model.d_model,
            model.n_layers,
            model.n_heads,
            model.n_kv_heads,
            model.d_ff,
            model.context_length,
            tied=model.tie_embeddings,
        )
    if model in NAMED:
        return NAMED[model]
    near = difflib.get_close_matches(str(model).lower(), NAMED, n=3, cutoff=0.4) or list(NAMED)
    raise ValueError(f"unknown model {model!r}: did you mean {' or '.join(near)}?")
