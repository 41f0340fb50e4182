"""A knob: a value that Python sets, and a hand on the slider that stands nearest to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import ipywidgets

from course_utils.widgets.traits import tidy

ROW = {"width": "auto", "flex": "1 1 230px"}  # as many side by side as the page has room for
LABELS = {"description_width": "auto"}


@dataclass(frozen=True)
class Range:
    """A knob between two numbers.

    Args:
        name: the explorer's trait.
        label: how the slider is called on the page.
        min, max: the slider's ends; Python may set values beyond them.
        step: from one place of the slider to the next; Python may set values between them.
        format: how the number stands beside the slider, in d3's notation.
    """

    name: str
    label: str
    min: float
    max: float
    step: float
    format: str = ".2f"
    place: ClassVar[str] = "value"  # the slider's trait that says where it stands

    def tidy(self, value: float) -> float:
        """The value that the browser means by the one it sends."""
        return tidy(value)

    def stop(self, value: float) -> float:
        """Where the slider stands for a value; browser/base/knobs.js does the same."""
        return min(self.max, max(self.min, tidy(value)))

    def declaration(self) -> dict:
        """What the browser knows of the knob."""
        return {"label": self.label, "min": self.min, "max": self.max}

    def slider(self, value: float) -> ipywidgets.Widget:
        """A standard slider that stands where the value wants it."""
        return ipywidgets.FloatSlider(
            value=self.stop(value),
            min=self.min,
            max=self.max,
            step=self.step,
            readout_format=self.format,
            description=self.label,
            layout=ROW,
            style=LABELS,
        )


@dataclass(frozen=True)
class Whole:
    """A knob of whole numbers between two ends.

    Args:
        name: the explorer's trait.
        label: how the slider is called on the page.
        min, max: the slider's ends; Python may set values beyond them.
    """

    name: str
    label: str
    min: int
    max: int
    place: ClassVar[str] = "value"

    def tidy(self, value: float) -> int:
        """The value that the browser means by the one it sends."""
        return round(value)

    def stop(self, value: int) -> int:
        """Where the slider stands for a value; browser/base/knobs.js does the same."""
        return min(self.max, max(self.min, value))

    def declaration(self) -> dict:
        """What the browser knows of the knob."""
        return {"label": self.label, "min": self.min, "max": self.max}

    def slider(self, value: int) -> ipywidgets.Widget:
        """A standard slider that stands where the value wants it."""
        return ipywidgets.IntSlider(
            value=self.stop(value), min=self.min, max=self.max, description=self.label, layout=ROW, style=LABELS
        )


@dataclass(frozen=True)
class Stops:
    """A knob with a list of stops.

    Args:
        name: the explorer's trait.
        label: how the slider is called on the page.
        stops: numbers in ascending order, between which Python may set others; or words, which are all there are.
        texts: what the slider says at each stop.
        kind: the widget, anything that chooses from `options` by `index`: ipywidgets.ToggleButtons suits a few words,
            ipywidgets.Dropdown many.
    """

    name: str
    label: str
    stops: Sequence[float] | Sequence[str]
    texts: Sequence[str]
    kind: type[ipywidgets.Widget] = ipywidgets.SelectionSlider
    place: ClassVar[str] = "index"

    def tidy(self, value: float | str) -> float | str:
        """The value that the browser means by the one it sends: the same."""
        return value

    def stop(self, value: float | str) -> int:
        """Index of the stop nearest to a value, the lower of two; browser/base/knobs.js does the same."""
        if isinstance(value, str):
            return self.stops.index(value)
        return min(range(len(self.stops)), key=lambda i: abs(float(self.stops[i]) - value))

    def declaration(self) -> dict:
        """What the browser knows of the knob."""
        return {"label": self.label, "stops": list(self.stops)}

    def slider(self, value: float | str) -> ipywidgets.Widget:
        """A standard slider that stands where the value wants it."""
        return self.kind(options=self.texts, index=self.stop(value), description=self.label, layout=ROW, style=LABELS)


@dataclass(frozen=True)
class Switch:
    """A knob that is on or off.

    Args:
        name: the explorer's trait.
        label: how the box is called on the page.
    """

    name: str
    label: str
    place: ClassVar[str] = "value"

    def tidy(self, value: bool) -> bool:
        """The value that the browser means by the one it sends: the same."""
        return value

    def stop(self, value: bool) -> bool:
        """Whether the box is ticked; browser/base/knobs.js does the same."""
        return value

    def declaration(self) -> dict:
        """What the browser knows of the knob."""
        return {"label": self.label}

    def slider(self, value: bool) -> ipywidgets.Widget:
        """A standard box to tick."""
        return ipywidgets.Checkbox(value=value, description=self.label, indent=False, layout=ROW, style=LABELS)


Knob = Range | Whole | Stops | Switch
