"""The rules in browser/cache/rules.js against cache_rules, and how the stepper walks: no kernel, no widget manager."""

import dataclasses
import itertools

import pytest
from test_base import START
from test_sampling_explorer import served
from test_sampling_explorer_rules import MODULES

from course_utils.widgets import cache_rules
from course_utils.widgets.cache_stepper import LEAST, MOST

pytestmark = pytest.mark.browser

LOAD = """async () => {
    const rules = await import("/cache/rules.js");
    window.answers = (all) => all.map(({ labels, ...knobs }) => ({
        now: rules.counts(knobs), all: rules.totals(knobs), states: rules.states(knobs, labels.length),
        words: rules.words(knobs, labels),
    }));
}"""
LETTERS = "abcdefghijkl"
KNOBS = {
    "step": {"label": "step", "min": 0, "max": 6},
    "prompt_length": {"label": "prompt length", "min": 1, "max": 6},
    "cached": {"label": "KV cache"},
}
VALUES = {
    **{"step": 2, "prompt_length": 3, "cached": True, "labels": list(LETTERS[:7]), "last_step": 4},
    **{"step_stop": 2, "prompt_length_stop": 3, "cached_stop": True},
}
PACE = 1600  # milliseconds of a step


@pytest.fixture(scope="module")
def rules(lasting_page):
    with served(MODULES, "http") as base:
        lasting_page.goto(base)
        lasting_page.evaluate(LOAD)
        yield lasting_page


def settings():
    for n_tokens in range(LEAST, MOST + 1):
        for prompt_length in range(1, n_tokens):
            for step, cached in itertools.product(range(n_tokens - prompt_length + 1), (True, False)):
                knobs = {"step": step, "prompt_length": prompt_length, "cached": cached}
                yield {**knobs, "labels": list(LETTERS[:n_tokens])}


def test_the_browser_counts_draws_and_says_what_python_does(rules):
    asked = list(settings())
    assert len(asked) == 2 * sum((n - prompt + 1) for n in range(2, 13) for prompt in range(1, n))
    for setting, answer in zip(asked, rules.evaluate("(asked) => answers(asked)", asked), strict=True):
        labels = setting["labels"]
        knobs = {name: value for name, value in setting.items() if name != "labels"}
        assert answer == {
            "now": dataclasses.asdict(cache_rules.counts(**knobs)),
            "all": dataclasses.asdict(cache_rules.totals(**knobs)),
            "states": cache_rules.states(**knobs, n_tokens=len(labels)),
            "words": cache_rules.words(**knobs, tokens=labels),
        }


@pytest.fixture
def started(page):
    with served(MODULES, "http") as base:
        page.goto(base)
        page.clock.install()
        page.evaluate(START, ["/cache/explorer.js", KNOBS, VALUES])
        yield page


def stands(page):
    names = ["step", "step_stop", "last_step"]
    return page.evaluate("names => [...names.map((name) => explorer.get(name)), explorer.playing]", names)


def test_a_longer_prompt_keeps_the_step_in_range(started):
    started.evaluate("model.set('prompt_length_stop', 6)")
    assert stands(started) == [1, 1, 1, False]
    started.evaluate("model.set('prompt_length_stop', 1)")
    assert stands(started) == [1, 1, 6, False]


def test_back_and_next_stay_between_the_ends(started):
    started.evaluate("for (let i = 0; i < 9; i++) explorer.go(1)")
    assert stands(started) == [4, 4, 4, False]
    started.evaluate("for (let i = 0; i < 9; i++) explorer.go(-1)")
    assert stands(started) == [0, 0, 4, False]


def test_play_walks_to_the_end_and_from_there_begins_anew(started):
    started.evaluate("explorer.play()")
    assert stands(started) == [2, 2, 4, True]
    started.clock.run_for(PACE)
    assert stands(started) == [3, 3, 4, True]
    started.clock.run_for(PACE)
    assert stands(started) == [4, 4, 4, False]
    started.clock.run_for(5 * PACE)
    assert stands(started) == [4, 4, 4, False]
    started.evaluate("explorer.play()")
    assert stands(started) == [0, 0, 4, True]


@pytest.mark.parametrize(
    ("hand", "step"),
    [
        ("explorer.pause()", 2),
        ("explorer.go(1)", 3),
        ("explorer.go(-1)", 1),
        ("model.set('step_stop', 0)", 0),
        ("model.set('prompt_length_stop', 6)", 1),
        ("explorer.close()", 2),
    ],
)
def test_a_hand_ends_the_walk(started, hand, step):
    started.evaluate("explorer.play()")
    started.evaluate(hand)
    started.clock.run_for(3 * PACE)
    assert started.evaluate("explorer.get('step')") == step
    assert not started.evaluate("explorer.playing")


def test_the_walk_may_be_seen_without_a_cache(started):
    started.evaluate("explorer.play(); model.set('cached_stop', false)")
    started.clock.run_for(PACE)
    assert stands(started) == [3, 3, 4, True]
    assert started.evaluate("explorer.state.words").startswith("Step 3 reads all 6 tokens")
