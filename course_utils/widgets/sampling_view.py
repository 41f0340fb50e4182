"""The browser's half of the sampling explorer, as Python sees it: the traits of the view, and its sliders.

The folder browser holds what runs in the browser, one idea a file; they are joined in this order.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import anywidget
import ipywidgets
import traitlets

FOLDER = Path(__file__).with_name("browser")
SCRIPTS = ("rules.js", "state.js", "picture.js", "view.js")
KNOBS = ("temperature", "top_k", "top_p")
LEAST_TOP_P = 0.01  # the slider's lower end; Python may go below
TOP_K_STOPS = (*range(1, 21), 25, 30, 40, 50, 75, 100, 200, 500, 1000, 2000, 5000, 10000, 20000)


class SamplingView(anywidget.AnyWidget):
    """What the browser draws; state.js says who sets which trait."""

    _esm = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    _css = (FOLDER / "style.css").read_text(encoding="utf-8")

    logits = traitlets.Bytes().tag(sync=True)  # V float32, little-endian
    shown = traitlets.List(traitlets.Dict()).tag(sync=True)  # id, text, label of the tokens with a bar
    names = traitlets.Dict().tag(sync=True)  # id -> text, label of the tokens drawn

    # Only Python and a hand on a slider change these three. An echo could bring back a value that Python has replaced.
    temperature = traitlets.Float(1.0).tag(sync=True, echo_update=False)
    top_k = traitlets.Int(1).tag(sync=True, echo_update=False)
    top_p = traitlets.Float(1.0).tag(sync=True, echo_update=False)
    # Where the sliders stand: they have fewer places than the values, and come back as 0.9000000000000001.
    temperature_stop = traitlets.Float(1.0).tag(sync=True, echo_update=False)
    top_k_stop = traitlets.Int(0).tag(sync=True, echo_update=False)
    top_p_stop = traitlets.Float(1.0).tag(sync=True, echo_update=False)
    top_k_stops = traitlets.List(traitlets.Int()).tag(sync=True)

    seed = traitlets.Int(0).tag(sync=True, echo_update=False)
    drawn = traitlets.List(traitlets.Int()).tag(sync=True, echo_update=False)

    has_model = traitlets.Bool(False).tag(sync=True)
    offline = traitlets.Bool(True).tag(sync=True)  # the browser clears it when a kernel answers
    prompt = traitlets.Unicode("").tag(sync=True)  # what the box says
    prompt_shown = traitlets.Unicode("").tag(sync=True)  # what the distribution on show continues
    walked = traitlets.Int(0).tag(sync=True)  # drawn tokens that the distribution on show has read
    status = traitlets.Unicode("").tag(sync=True)  # what went wrong, in words
    reply = traitlets.Dict().tag(sync=True)  # the request that the kernel has answered


def sliders(view: SamplingView) -> dict[str, ipywidgets.Widget]:
    """Standard sliders, linked to the view in the browser."""
    look = {"layout": {"width": "100%", "max_width": "760px"}, "style": {"description_width": "110px"}}
    stops = [f"{stop:,}" for stop in view.top_k_stops]
    stops[-1] = f"all ({stops[-1]})"
    sliders = {
        "temperature": ipywidgets.FloatSlider(
            value=view.temperature_stop, min=0, max=2, step=0.05, description="temperature", **look
        ),
        "top_k": ipywidgets.SelectionSlider(options=stops, index=view.top_k_stop, description="top-k", **look),
        "top_p": ipywidgets.FloatSlider(
            value=view.top_p_stop, min=LEAST_TOP_P, max=1, step=0.01, description="top-p", **look
        ),
    }
    for name, slider in sliders.items():
        ipywidgets.jslink((view, f"{name}_stop"), (slider, place(name)))
    return sliders


def place(name: str) -> str:
    """The trait of a slider that says where it stands."""
    return "index" if name == "top_k" else "value"


def stop_of(name: str, value: float, top_k_stops: Sequence[int]) -> float:
    """Where the slider of a knob stands for a value; the browser does the same."""
    if name == "top_k":
        return nearest(top_k_stops, value)
    return max(LEAST_TOP_P, value) if name == "top_p" else value


def tidy(value: float) -> float:
    """Round to 6 decimals, as the browser does: a slider sends 1.0999999999999999."""
    return math.floor(value * 1e6 + 0.5) / 1e6


def nearest(stops: Sequence[int], k: int) -> int:
    """Index of the stop nearest to k, the lower of two."""
    return min(range(len(stops)), key=lambda i: abs(stops[i] - k))
