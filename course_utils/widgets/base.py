"""What every explorer has: knobs over a view that the browser draws, and a kernel that answers the view.

The browser's half lies in the folder browser; `npm run build` makes one bundle of it for each view, in static.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets
from matplotlib.figure import Figure

from course_utils import plots
from course_utils.widgets.knobs import LABELS, Knob

STATIC = Path(__file__).with_name("static")
RUN = "Enter begins a new line; Ctrl+Enter, or leaving the box, runs the text."


def bundle(name: str) -> tuple[str, str]:
    """Read the script and the style sheet of a view."""
    script, style = ((STATIC / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    return script, style


class BrowserView(anywidget.AnyWidget):
    """What the browser draws; a subclass sets `_esm, _css = bundle(name)` and has the traits of its picture.

    Each knob is two traits: `name` and, where its slider stands, `name_stop`. A slider has fewer places than its knob
    has values, and sends 0.9000000000000001.

    Args:
        knobs: the knobs.
        values: name of each knob -> its value.
        traits: of the picture, if the browser needs them before it draws.
    """

    knobs = traitlets.Dict().tag(sync=True)  # name -> what the browser knows of it
    offline = traitlets.Bool(True).tag(sync=True)  # the browser clears it when a kernel answers
    status = traitlets.Unicode("").tag(sync=True)  # what went wrong, in words
    reply = traitlets.Dict().tag(sync=True)  # the request that the kernel has answered

    def __init__(self, knobs: Sequence[Knob], values: dict[str, Any], **traits: object):
        stops = {f"{knob.name}_stop": knob.stop(values[knob.name]) for knob in knobs}
        # Only Python and a hand on a slider change these. An echo could bring back a value that Python has replaced.
        self.add_traits(**{name: traitlets.Any().tag(sync=True, echo_update=False) for name in (*values, *stops)})
        super().__init__(knobs={knob.name: knob.declaration() for knob in knobs}, **values, **stops, **traits)


class Explorer(ipywidgets.VBox):
    """Knobs over a view; a subclass has a trait for each knob, and sets them all before it calls this `__init__`.

    It also says what its kernel does when asked (`answer`), and how it looks on paper (`figure`, `describe`).

    Args:
        view: the class of the view.
        knobs: the knobs, in their order on the page.
        traits: of the view, if the browser needs them before it draws.
    """

    children: tuple[ipywidgets.Widget, ...]

    def __init__(self, view: type[BrowserView], knobs: Sequence[Knob], **traits: object):
        self._knobs = {knob.name: knob for knob in knobs}
        values = {name: getattr(self, name) for name in self._knobs}
        self._view = view(knobs, values, **traits)
        self._sliders = {name: knob.slider(values[name]) for name, knob in self._knobs.items()}
        self._links = [self._link(f"{name}_stop", self._sliders[name], self._knobs[name].place) for name in values]
        super().__init__(children=(*self._sliders.values(), self._view))
        self.add_class("cu-explorer")
        self.observe(self._move_slider, list(values))
        self._view.observe(self._slider_moved, list(values))
        self._view.on_msg(self._heard)

    def answer(self, ask: str, content: dict[str, Any]) -> None:
        """Do what the browser asks for; an error's words are shown there.

        Args:
            ask: what for, the first argument of `kernel.ask` in the browser.
            content: its second argument.
        """

    def figure(self) -> Figure:
        """The same state as a matplotlib figure, for paper."""
        raise NotImplementedError

    def describe(self) -> str:
        """What the figure shows, for a reader who can't see it."""
        raise NotImplementedError

    def close(self) -> None:
        """Close every model in the browser: the sliders', their layouts', styles' and links', the view's and this."""
        if self.comm is None:
            return
        for widget in (*self._links, *self.children, self):
            for part in ("style", "layout"):
                if widget.has_trait(part):
                    getattr(widget, part).close()
            if widget is not self:
                widget.close()
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The live view, and beside it a picture of the same state wherever no widget can run."""
        caption = "The explorer as it stood when this cell was run. Run the cell to drag its sliders."
        picture = plots.figure_html(self.figure(), caption, self.describe())
        return super()._repr_mimebundle_(**kwargs) | {"text/html": picture}

    def _add_text_box(self, name: str, label: str) -> ipywidgets.Textarea:
        """Put a box for a text of the view's above the knobs; it works while a kernel answers."""
        box = ipywidgets.Textarea(
            value=getattr(self._view, name),
            description=f"{label} (Ctrl+Enter runs it)",
            placeholder=RUN,
            rows=2,
            continuous_update=False,
            disabled=True,  # until a kernel answers the browser
            layout={"width": "auto", "flex": "1 1 100%"},
            style=LABELS,
        )
        self._links += [self._link(name, box, "value"), self._link("offline", box, "disabled")]
        self.children = (box, *self.children)
        return box

    def _link(self, name: str, widget: ipywidgets.Widget, place: str) -> ipywidgets.Widget:
        """Tie a trait of the view to a widget's, in the browser."""
        return ipywidgets.jslink((self._view, name), (widget, place))

    def _move_slider(self, change: traitlets.Bunch) -> None:
        knob = self._knobs[change.name]
        if knob.tidy(getattr(self._view, knob.name)) == change.new:
            return  # it came from the browser, which may have moved on: don't push it back
        stop = knob.stop(change.new)
        with self._view.hold_sync():  # in one message, and before the slider's: else the slider would set the value
            setattr(self._view, knob.name, change.new)
            setattr(self._view, f"{knob.name}_stop", stop)
        setattr(self._sliders[knob.name], knob.place, stop)

    def _slider_moved(self, change: traitlets.Bunch) -> None:
        setattr(self, change.name, self._knobs[change.name].tidy(change.new))

    def _heard(self, view: BrowserView, content: dict[str, Any], buffers: list[memoryview]) -> None:
        """Answer a message of the browser; what goes wrong is shown there in words."""
        with view.hold_sync():
            view.status = ""
            try:
                if content["ask"] != "hello":
                    self.answer(content["ask"], content)
            except Exception as problem:  # any error of any model belongs on the screen of the one who asked
                view.status = (
                    str(problem) if isinstance(problem, ValueError) else f"{type(problem).__name__}: {problem}"
                )
            view.reply = {"id": content["id"], "ok": not view.status}
