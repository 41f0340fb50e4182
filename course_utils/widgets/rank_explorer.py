"""The rank explorer: the singular values of a finetuned layer's update, and what is left of it at a rank.

Python holds the truth (`rank_rules`), the browser follows the same rules (browser/rank/rules.js): nothing needs a
kernel. The singular values travel to the page once, as one binary buffer.
"""

import math
from collections.abc import Mapping

import ipywidgets
import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from course_utils import plots
from course_utils.checks import no_tensor, number, whole_number
from course_utils.widgets import rank_rules
from course_utils.widgets.base import BrowserView, Explorer, bundle
from course_utils.widgets.knobs import Stops
from course_utils.widgets.rank_rules import Losses, Spectrum
from course_utils.widgets.traits import Int


class RankView(BrowserView):
    """What the browser draws."""

    _esm, _css = bundle("rank")

    shapes: traitlets.List = traitlets.List().tag(sync=True)  # of each matrix: name, d_out, d_in
    singular_values = traitlets.Bytes().tag(sync=True)  # float64, little-endian; of each matrix update, then control
    losses = traitlets.Dict().tag(sync=True)  # base, finetuned, and at_rank: pairs of rank and loss; or empty


class RankExplorer(Explorer):
    """The singular values of an update and of a random one, cut at a rank: what is kept, what it costs, what it loses.

    Traits, which a reader's hand changes too:
        matrix: one of the names of spectra.
        rank: 0 to the largest full rank; a matrix of a lower one is then kept whole.

    Args:
        spectra: name of each matrix -> its `Spectrum`.
        losses: rank -> the loss, in nats per token, of the model with its updates cut down to that rank; None leaves
            the losses out. Each of these ranks gets a place of the slider.
        base_loss, finetuned_loss: the same without the updates, and with the whole ones; they belong to losses.
        matrix: where the explorer stands at first; None is the first.
        rank: the same; None is 8, or the largest full rank if less.

    Raises:
        ValueError: spectra or a loss is something else.
        traitlets.TraitError: a trait is set to something else; it keeps its value.
    """

    matrix = traitlets.Unicode()
    rank = Int()

    def __init__(
        self,
        spectra: Mapping[str, Spectrum],
        *,
        losses: Mapping[int, float] | None = None,
        base_loss: float | None = None,
        finetuned_loss: float | None = None,
        matrix: str | None = None,
        rank: int | None = None,
    ):
        self._spectra = _checked(spectra)
        self._losses = _checked_losses(losses, base_loss, finetuned_loss, self.largest_rank)
        self.matrix = next(iter(spectra)) if matrix is None else matrix
        self.rank = min(8, self.largest_rank) if rank is None else rank
        names, stops = list(spectra), self._stops()
        super().__init__(
            RankView,
            [
                Stops("matrix", "matrix", names, names, kind=ipywidgets.Dropdown),
                Stops("rank", "rank r", stops, [f"{stop:,}" for stop in stops]),
            ],
            shapes=[[name, *spectrum.shape] for name, spectrum in spectra.items()],
            singular_values=np.concatenate([[*one.update, *one.control] for one in spectra.values()])
            .astype("<f8")
            .tobytes(),
            losses=vars(self._losses) | {"at_rank": sorted(self._losses.at_rank.items())} if self._losses else {},
        )
        self.add_class("cu-rank")
        if len(names) == 1:
            self._sliders["matrix"].layout.display = "none"  # there is nothing to choose

    @classmethod
    def from_matrices(
        cls,
        updates: Mapping[str, Tensor],
        seed: int = 0,
        *,
        matrix: str | None = None,
        rank: int | None = None,
        losses: Mapping[int, float] | None = None,
        base_loss: float | None = None,
        finetuned_loss: float | None = None,
    ) -> "RankExplorer":
        """Compute the singular values of updates in float64, and of a Gaussian matrix of each one's shape and size.

        Args:
            updates: name -> what finetuning has added to a weight, (d_out, d_in).
            seed: of the Gaussian matrices.
            matrix, rank, losses, base_loss, finetuned_loss: as for the class.

        Raises:
            ValueError: updates hold anything but finite matrices that aren't all 0; seed is no whole number of at least
                0; or an argument of the class is refused.
        """
        if not isinstance(updates, Mapping):
            raise ValueError(f"updates must map names to matrices, got a {type(updates).__name__}: give a dict")
        generator = torch.Generator().manual_seed(whole_number("seed", seed, least=0))
        spectra = {name: _spectrum(f"updates[{name!r}]", update, generator) for name, update in updates.items()}
        return cls(spectra, matrix=matrix, rank=rank, losses=losses, base_loss=base_loss, finetuned_loss=finetuned_loss)

    @property
    def spectrum(self) -> Spectrum:
        """What the picture shows."""
        return self._spectra[self.matrix]

    @property
    def largest_rank(self) -> int:
        """The full rank of the largest matrix, where the slider ends."""
        return max(spectrum.full_rank for spectrum in self._spectra.values())

    def figure(self) -> Figure:
        """The same state as a matplotlib figure, for paper."""
        losses = self._losses
        return plots.rank_cut(
            self.spectrum.update,
            self.spectrum.control,
            self.rank,
            losses.at_rank if losses else {},
            {"base model": losses.base, "finetuned model": losses.finetuned} if losses else {},
            self._state(),
        )

    def describe(self) -> str:
        """What the figure shows, for a reader who can't see it."""
        update, control = self.spectrum.update, self.spectrum.control
        rank = min(self.rank, self.spectrum.full_rank)
        others = rank_rules.percent(rank_rules.share_kept(control, rank))
        return (
            f"Singular values of the finetuned update and of a random one of the same size, {self._state()}: the "
            f"largest are {update[0]:.3g} and {control[0]:.3g}. "
            f"{rank_rules.words(self.spectrum, self.rank, self._losses)} Of the random update the same rank keeps "
            f"{others}. To keep {100 * rank_rules.MOST_OF_IT:.0f} % the finetuned update needs rank "
            f"{rank_rules.rank_for(update):,}, the random one {rank_rules.rank_for(control):,}."
        )

    def __repr__(self) -> str:
        return f"RankExplorer({self._state()})"

    def _state(self) -> str:
        d_out, d_in = self.spectrum.shape
        return f"matrix {self.matrix}, {d_in:,} x {d_out:,}, cut at rank {self.rank:,}"

    def _stops(self) -> list[int]:
        """Powers of 2 and what lies half-way, each full rank, and each rank whose loss is known."""
        largest = self.largest_rank
        powers = [2**i for i in range(largest.bit_length())]
        steps = {0, *powers, *(3 * power // 2 for power in powers[1:])}
        known = self._losses.at_rank if self._losses else ()
        ends = {spectrum.full_rank for spectrum in self._spectra.values()}
        return sorted({step for step in steps if step <= largest} | ends | set(known))

    # Values that may be set

    @traitlets.validate("matrix")
    def _valid_matrix(self, proposal: traitlets.Bunch) -> str:
        if proposal.value not in self._spectra:
            raise traitlets.TraitError(f"matrix must be one of {', '.join(self._spectra)}, got {proposal.value!r}")
        return proposal.value

    @traitlets.validate("rank")
    def _valid_rank(self, proposal: traitlets.Bunch) -> int:
        if not 0 <= proposal.value <= self.largest_rank:
            raise traitlets.TraitError(
                f"rank must be from 0 to {self.largest_rank}, got {proposal.value}: there are no more singular values"
            )
        return proposal.value


def _checked(spectra: Mapping[str, Spectrum]) -> dict[str, Spectrum]:
    if not isinstance(spectra, Mapping) or not spectra:
        raise ValueError(f"spectra must map at least one name to a Spectrum, got {spectra!r}: give a dict")
    for name, spectrum in spectra.items():
        if not isinstance(name, str) or not name:
            raise ValueError(f"spectra must have names, got {name!r}: call each matrix by a string")
        if not isinstance(spectrum, Spectrum):
            raise ValueError(
                f"spectra[{name!r}] must be a Spectrum, got a {type(spectrum).__name__}: make one, or use from_matrices"
            )
    return dict(spectra)


def _checked_losses(
    losses: Mapping[int, float] | None, base: float | None, finetuned: float | None, largest: int
) -> Losses | None:
    if losses is None and base is None and finetuned is None:
        return None
    if losses is None or base is None or finetuned is None:
        raise ValueError(
            f"losses, base_loss and finetuned_loss belong together, got {losses!r}, {base!r} and {finetuned!r}: give "
            "all three or none"
        )
    if not isinstance(losses, Mapping) or not losses:
        raise ValueError(f"losses must map at least one rank to its loss, got {losses!r}: give a dict")
    at_rank = {}
    for rank, loss in losses.items():
        known = whole_number("a rank in losses", rank, least=0, most=largest)
        at_rank[known] = _checked_loss(f"losses[{rank!r}]", loss)
    return Losses(_checked_loss("base_loss", base), _checked_loss("finetuned_loss", finetuned), at_rank)


def _checked_loss(name: str, loss: float) -> float:
    checked = number(name, loss)
    if not math.isfinite(checked):
        raise ValueError(f"{name} must be finite, got {loss}: leave out a rank at which there is no loss")
    return checked


def _spectrum(name: str, update: Tensor, generator: torch.Generator) -> Spectrum:
    if not isinstance(update, Tensor):
        raise no_tensor(name, update)
    if update.ndim != 2 or 0 in update.shape:
        raise ValueError(f"{name} must be a matrix (d_out, d_in), got the shape {tuple(update.shape)}")
    delta = update.detach().cpu().double()
    if not delta.isfinite().all():
        raise ValueError(f"{name} must hold finite numbers, got NaN or infinity: look for where training diverged")
    if not delta.any():
        raise ValueError(f"{name} is all 0, so there is nothing to keep: leave out what was not trained")
    noise = torch.randn(delta.shape, generator=generator, dtype=torch.float64)
    d_out, d_in = delta.shape
    control = noise * (delta.norm() / noise.norm())
    return Spectrum((d_out, d_in), *(torch.linalg.svdvals(matrix).numpy() for matrix in (delta, control)))
