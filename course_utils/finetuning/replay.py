"""Replay: a little of the old text among the new, so that the model doesn't forget it."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.evaluation import IGNORE_INDEX

Draw = Callable[[], tuple[Tensor, Tensor]]


def with_replay(draw_new: Draw, draw_old: Draw, share: float, seed: int) -> Draw:
    """Return a function that draws batches in which each row is of the old text with probability `share`.

    A batch has as many rows as before, so what is replayed takes the place of new text. Rows of unlike lengths are
    padded on the right, which is not counted.

    Args:
        draw_new, draw_old: return inputs and targets, (B, T) each, of as many rows.
        share: of the rows, 0 .. 1.
        seed: same seed, same places.

    Raises:
        ValueError: a share out of range; when a batch is drawn, two batches of unlike numbers of rows.

    Source: Ibrahim et al. (2024), "Simple and Scalable Strategies to Continually Pre-train Large Language Models".
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be in 0 .. 1, got {share}: it is the part of the rows that are of the old text")
    generator = torch.Generator().manual_seed(seed)

    def draw() -> tuple[Tensor, Tensor]:
        new, old = draw_new(), draw_old()
        if len(new[0]) != len(old[0]):
            raise ValueError(f"draw_new gives {len(new[0])} rows and draw_old {len(old[0])}: let both give as many")
        is_old = (torch.rand(len(new[0]), 1, generator=generator) < share).to(new[0].device)  # (B, 1)
        longest = max(new[0].shape[1], old[0].shape[1])

        def mixed(of_old: Tensor, of_new: Tensor, padding: int) -> Tensor:
            def widen(x: Tensor) -> Tensor:
                return F.pad(x, (0, longest - x.shape[1]), value=padding)  # (B, T)

            return torch.where(is_old, widen(of_old), widen(of_new))  # (B, T)

        return mixed(old[0], new[0], 0), mixed(old[1], new[1], IGNORE_INDEX)

    return draw
