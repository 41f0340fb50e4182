"""What all views share in the browser, with a model that only remembers: no kernel, no widget manager."""

from pathlib import Path

import pytest
from test_sampling_explorer import served

from course_utils import widgets

pytestmark = pytest.mark.browser

MODULES = Path(widgets.__file__).with_name("browser")
START = """async ([module, knobs, values]) => {
    const [Explorer] = Object.values(await import(module));
    const listeners = {};
    const state = {knobs, status: "", offline: true, ...values};
    window.sent = [];
    window.model = {
        get: (name) => state[name],
        set(name, value) {
            if (state[name] === value) return;
            state[name] = value;
            for (const listener of listeners[`change:${name}`] ?? []) listener();
        },
        on: (event, listener) => (listeners[event] ??= []).push(listener),
        save_changes() {},
        send: (message) => sent.push(message),
    };
    window.explorer = new Explorer(model, []);
}"""
KNOBS = {
    "size": {"label": "size", "min": 0.1, "max": 2},
    "order": {"label": "order", "stops": [1, 2, 3, 10]},
    "smoothing": {"label": "smoothing", "stops": ["mle", "add-k", "kneser-ney"]},
    "shared": {"label": "shared"},
}
VALUES = {
    **{"size": 1, "order": 2, "smoothing": "mle", "shared": False},
    **{"size_stop": 1, "order_stop": 1, "smoothing_stop": 0, "shared_stop": False},
}


@pytest.fixture
def started(page):
    with served(MODULES, "http") as base:
        page.goto(base)
        page.clock.install()
        page.evaluate(START, ["/base/explorer.js", KNOBS, VALUES])
        yield page


def values(page, *names):
    return page.evaluate("names => names.map((name) => explorer.knob(name))", names)


def test_a_slider_moved_by_hand_sets_its_knob(started):
    started.evaluate("model.set('size_stop', 0.30000000000000004)")
    started.evaluate("model.set('order_stop', 3)")
    started.evaluate("model.set('smoothing_stop', 2)")
    started.evaluate("model.set('shared_stop', true)")
    assert values(started, *KNOBS) == [0.3, 10, "kneser-ney", True]
    started.evaluate("model.set('shared', false)")
    assert started.evaluate("model.get('shared_stop')") is False


def test_a_value_between_two_places_of_a_slider_stays(started):
    started.evaluate("model.set('size', 0.05)")
    started.evaluate("model.set('order', 5)")
    assert values(started, "size", "order") == [0.05, 5]
    assert started.evaluate("[model.get('size_stop'), model.get('order_stop')]") == [0.1, 2]


def test_what_comes_after_an_answer_waits_for_it(started):
    started.evaluate("explorer.kernel.ask('walk', {drawn: [1]}, () => { window.done = true; })")
    hello, walk = started.evaluate("sent")
    assert (hello["ask"], walk["ask"], walk["drawn"]) == ("hello", "walk", [1])
    started.evaluate("id => model.set('reply', {id, ok: true})", hello["id"])
    assert started.evaluate("[explorer.kernel.answers, model.get('offline'), window.done]") == [True, False, None]
    started.evaluate("id => model.set('reply', {id, ok: true})", walk["id"])
    assert started.evaluate("[window.done, explorer.kernel.waiting]") == [True, None]


def test_nothing_comes_after_an_error(started):
    started.evaluate("explorer.kernel.ask('walk', {}, () => { window.done = true; })")
    started.evaluate("model.set('reply', {id: sent[1].id, ok: false})")
    assert started.evaluate("[window.done, explorer.kernel.waiting]") == [None, None]


def test_silence_is_reported_and_a_late_answer_takes_it_back(started):
    started.evaluate("explorer.kernel.ask('walk')")
    started.clock.fast_forward("00:09")
    assert started.evaluate("explorer.kernel.problem") == ""
    started.clock.fast_forward("00:02")
    assert "has not answered" in started.evaluate("explorer.kernel.problem")
    assert started.evaluate("explorer.kernel.waiting") is None
    started.evaluate("model.set('reply', {id: sent[1].id, ok: true})")
    assert started.evaluate("explorer.kernel.problem") == ""


def test_a_newer_question_takes_the_place_of_an_older_one(started):
    started.evaluate("explorer.kernel.ask('judge', {}, () => { window.old = true; })")
    started.clock.fast_forward("00:09")
    started.evaluate("explorer.kernel.ask('judge', {}, () => { window.new = true; })")
    started.clock.fast_forward("00:02")  # the older one would be given up by now
    assert started.evaluate("explorer.kernel.problem") == ""
    for question in (1, 2):
        started.evaluate("i => model.set('reply', {id: sent[i].id, ok: true})", question)
    assert started.evaluate("[window.old, window.new]") == [None, True]


def test_a_page_says_that_it_has_no_kernel_after_a_while(started):
    assert started.evaluate("explorer.kernel.settled") is False
    started.clock.fast_forward("00:02")
    assert started.evaluate("[explorer.kernel.settled, explorer.kernel.answers]") == [True, False]


def test_the_running_text_is_pythons_as_far_as_python_has_told(started):
    shown = [{"id": i, "text": text, "label": text} for i, text in enumerate("abc")]
    values = {"shown": shown, "names": {}, "running": {"ids": [0, 2], "pieces": ["", "é"]}, "drawn": [0, 2, 1]}
    started.evaluate(START, ["/sampling/explorer.js", {}, values])
    assert started.evaluate("explorer.pieces") == ["", "é", "b"]
    started.evaluate("model.set('drawn', [1])")  # drawn anew: what Python told is about another text
    assert started.evaluate("explorer.pieces") == ["b"]


def test_controls_say_their_name_and_value(started):
    started.evaluate("""async () => {
        const { nameControls } = await import("/base/knobs.js");
        const slider = (label) => `<div class="widget-slider"><label class="widget-label">${label}</label>
            <div class="noUi-handle" role="slider" tabindex="0"></div></div>`;
        document.body.innerHTML = slider("size") + slider("order") + slider("of somebody else") +
            `<div class="widget-toggle-buttons"><label class="widget-label">smoothing</label>
            <button>mle</button><button>add-k</button><button>kneser-ney</button></div>`;
        for (const [name, value] of [["size", 0.3], ["order", 1234], ["smoothing", "add-k"]]) model.set(name, value);
        nameControls(document.body, explorer);
    }""")
    sliders = started.get_by_role("slider")
    assert sliders.evaluate_all("all => all.map((one) => [one.ariaLabel, one.ariaValueText])") == [
        ["size", "0.3"],
        ["order", "1,234"],
        [None, None],
    ]
    assert started.get_by_role("button", pressed=True).all_inner_texts() == ["add-k"]
