"""The rules in browser/rank/rules.js against rank_rules, on every rank: no kernel, no widget manager."""

import numpy as np
import pytest
from test_base import START
from test_sampling_explorer import served
from test_sampling_explorer_rules import MODULES

from course_utils.widgets import rank_rules
from course_utils.widgets.rank_rules import Losses, Spectrum

pytestmark = pytest.mark.browser

LOAD = """async () => {
    const rules = await import("/rank/rules.js");
    window.percent = rules.percent;
    window.answers = ({ losses, ...spectrum }, most) => Array.from({ length: most + 1 }, (_, rank) => {
        const kept = Math.min(rank, spectrum.update.length);
        return {
            share: rules.shareKept(spectrum.update, kept), error: rules.relativeError(spectrum.update, kept),
            words: rules.words(spectrum, rank), withLosses: rules.words(spectrum, rank, losses),
        };
    });
    window.needed = (values, shares) => shares.map((share) => rules.rankFor(values, share));
}"""
SHARES = [1e-9, 0.25, 0.5, 0.9, 0.99, 1]


@pytest.fixture(scope="module")
def rules(lasting_page):
    with served(MODULES, "http") as base:
        lasting_page.goto(base)
        lasting_page.evaluate(LOAD)
        yield lasting_page


def spectrum_of(kind):
    rng = np.random.default_rng(0)
    d_out, d_in = {"low rank": (192, 576), "random": (300, 128), "one value": (1, 2000)}[kind]
    full = min(d_out, d_in)
    values = np.sort(np.abs(rng.normal(size=full)))[::-1]
    if kind == "low rank":
        values[5:] *= 1e-3 * np.geomspace(1, 1e-6, full - 5)
    return Spectrum((d_out, d_in), values, np.ones(full))


@pytest.mark.parametrize("kind", ["low rank", "random", "one value"])
def test_the_browser_finds_and_says_what_python_does_at_every_rank(rules, kind):
    spectrum = spectrum_of(kind)
    most = spectrum.full_rank + 2  # another matrix may have a higher rank
    losses = Losses(3.14159, 1.0625, {0: 3.14159, 1: 2.0625, spectrum.full_rank + 1: 1.0})
    sent = {"shape": list(spectrum.shape), "update": spectrum.update.tolist()}
    sent["losses"] = vars(losses) | {"at_rank": list(losses.at_rank.items())}
    found = rules.evaluate("([sent, most]) => answers(sent, most)", [sent, most])
    assert len(found) == most + 1
    for rank, answer in enumerate(found):
        kept = min(rank, spectrum.full_rank)
        assert answer == {
            "share": rank_rules.share_kept(spectrum.update, kept),
            "error": rank_rules.relative_error(spectrum.update, kept),
            "words": rank_rules.words(spectrum, rank),
            "withLosses": rank_rules.words(spectrum, rank, losses),
        }, rank
    needed = rules.evaluate("([values, shares]) => needed(values, shares)", [sent["update"], SHARES])
    assert needed == [rank_rules.rank_for(spectrum.update, share) for share in SHARES]


def test_a_share_is_written_alike(rules):
    shares = [0, 1, *(i / 1600 for i in range(3300)), 1e-9, 0.0009999, 0.9990001, 1 - 1e-12, 1234.5]  # ties among them
    found = rules.evaluate("(shares) => shares.map(percent)", shares)
    assert found == [rank_rules.percent(share) for share in shares]


def test_the_buffer_is_read_at_any_offset_and_each_matrix_finds_its_own(page):
    numbers = np.array([4, 2, 1, 3, 3, 2, 5, 6], "<f8")
    knobs = {"matrix": {"label": "matrix", "stops": ["2", "1"]}, "rank": {"label": "rank r", "stops": [0, 1, 3]}}
    values = {"matrix": "1", "matrix_stop": 1, "rank": 3, "rank_stop": 2, "losses": {}}
    with served(MODULES, "http") as base:
        page.goto(base)
        values |= {"shapes": [["2", 3, 4], ["1", 1, 7]], "singular_values": None}
        page.evaluate(
            START.replace("window.explorer = new", BUFFER + "window.explorer = new"),
            [
                "/rank/explorer.js",
                knobs,
                values | {"bytes": list(numbers.tobytes())},
            ],
        )
        assert page.evaluate("explorer.state.spectrum") == {"shape": [1, 7], "update": [5], "control": [6]}
        assert page.evaluate("[explorer.state.kept, explorer.largest]") == [1, 3]
        page.evaluate("model.set('matrix_stop', 0)")
        assert page.evaluate("explorer.state.spectrum") == {"shape": [3, 4], "update": [4, 2, 1], "control": [3, 3, 2]}


BUFFER = """
    const shifted = new Uint8Array([0, 0, 0, ...state.bytes]);
    state.singular_values = new DataView(shifted.buffer, 3);
"""
