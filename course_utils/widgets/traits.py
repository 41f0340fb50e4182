"""Traits that take NumPy's numbers as Python's own, and the rounding that Python and the browser share."""

import math

import numpy as np
import traitlets


def tidy(value: float) -> float:
    """Round to 6 decimals, as the browser does: a slider sends 1.0999999999999999."""
    return math.floor(value * 1e6 + 0.5) / 1e6


class _NumPyToo:
    def validate(self, obj, value):
        return super().validate(obj, value.item() if isinstance(value, np.generic) else value)


class Float(_NumPyToo, traitlets.Float):
    """np.float32(0.5) is 0.5."""


class Int(_NumPyToo, traitlets.Int):
    """np.int64(8) is 8."""


class Anything(traitlets.Any):
    """A trait that leaves None too to the validator, which says what is missing."""

    allow_none = False
