"""What the rest of the course may ask of a language model: token ids in, logits out."""

from typing import Any, Protocol, TypeGuard

from torch import Tensor


class LanguageModel(Protocol):
    """Whatever answers token ids with the logits of the next token; a plain function will do.

    `context_length_of` says how many tokens it reads at once. One that is to continue prompts of different lengths in
    one batch also takes the keyword `mask`, (B, T) bool, True = a real token; they are padded on the left.
    """

    def __call__(self, ids: Tensor, /, *args: Any, **keywords: Any) -> Tensor:
        """Map token ids (B, T) to logits (B, T, V): position t holds those of the token that follows ids[:, t]."""
        ...


class CachedLanguageModel(LanguageModel, Protocol):
    """A language model that can be read to piece by piece: what it has read is kept in a cache."""

    def new_cache(self, batch_size: int, max_length: int) -> Any:
        """Return an empty cache for so many texts of at most so many tokens.

        Its `length` is what it holds of each. `decoding` also calls `reorder(rows)`: row i goes on from row rows[i],
        for as many rows as are named.
        """
        ...

    def next_token_logits(self, ids: Tensor, cache: Any = None, mask: Tensor | None = None) -> Tensor:
        """Map token ids (B, T), with a cache those that it doesn't hold yet, to the logits (B, V) after the last."""
        ...


def context_length_of(model: LanguageModel) -> int | None:
    """Return how many tokens a model can read at once, its config's context_length; None if it doesn't say."""
    return getattr(getattr(model, "config", None), "context_length", None)


def can_cache(model: LanguageModel) -> TypeGuard[CachedLanguageModel]:
    """Say whether a model is a `CachedLanguageModel`."""
    return hasattr(model, "new_cache") and hasattr(model, "next_token_logits")
