"""Traits that take NumPy's numbers as Python's own, and the rounding that Python and the browser share."""

import math
from typing import Any

import numpy as np
import traitlets


def tidy(value: float) -> float:
    """Round to 6 decimals, as the browser does: a slider sends 1.0999999999999999."""
    return math.floor(value * 1e6 + 0.5) / 1e6


class Float(traitlets.Float[float, float]):
    """np.float32(0.5) is 0.5."""

    def validate(self, obj: Any, value: Any) -> float:
        return super().validate(obj, _pythons_own(value))


class Int(traitlets.Int[int, int]):
    """np.int64(8) is 8."""

    def validate(self, obj: Any, value: Any) -> int:
        return super().validate(obj, _pythons_own(value))


class Seed(Int):
    """0 to 2**32 - 1, as the browser draws with."""

    def validate(self, obj: Any, value: Any) -> int:
        seed = super().validate(obj, value)
        if not 0 <= seed < 2**32:
            raise traitlets.TraitError(f"{self.name} must be from 0 to {2**32 - 1}, got {seed}")
        return seed


class Anything(traitlets.Any):
    """A trait that leaves None too to the validator, which says what is missing."""

    allow_none = False


def _pythons_own(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
