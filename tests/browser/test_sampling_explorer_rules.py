"""The rules in browser/sampling/rules.js against decoding/knobs.py: no kernel, no widget manager."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from test_sampling_explorer import served

from course_utils import decoding, widgets
from course_utils.widgets import SamplingExplorer
from course_utils.widgets.knobs import Range, Stops

pytestmark = pytest.mark.browser

MODULES = Path(widgets.__file__).with_name("browser")
LOAD = """async () => {
    const parts = ["/sampling/rules.js", "/sampling/draws.js", "/base/draws.js"];
    window.rules = Object.assign({}, ...await Promise.all(parts.map((part) => import(part))));
    window.rules.noise = (seed, n, id) => rules.gumbel(rules.mix(rules.stream(seed, n) + id));
    window.knobs = await import("/base/knobs.js");
}"""
KEPT = """({logits, cases}) => {
    const numbers = (x) => x === "-inf" ? -Infinity : x;
    const sorted = rules.prepare(Float32Array.from(logits, numbers));
    return cases.map(([t, k, p]) => {
        const dist = rules.distribution(sorted, t, k, p);
        const everyone = Array.from(logits, (_, id) => id);
        return {
            kept: Array.from(dist.ids.subarray(0, dist.kept)),
            probs: Array.from(rules.massOf(dist, everyone).masses),
            held: dist.held, bits: dist.bits, before: sorted.before.bits, steps: dist.steps,
        };
    });
}"""


@pytest.fixture(scope="module")
def rules(lasting_page):
    with served(MODULES, "http") as base:
        lasting_page.goto(base)
        lasting_page.evaluate(LOAD)
        yield lasting_page


def rows():
    rng = np.random.default_rng(0)
    yield "random", rng.normal(size=400) * 4
    yield "many ties", np.round(rng.normal(size=400) * 2)
    yield "all equal", np.zeros(30)
    yield "one token", np.array([3.0])
    yield "mostly impossible", np.where(rng.random(200) < 0.9, -math.inf, rng.integers(0, 3, 200))
    yield "ties made by rounding", np.float32(1.95) + rng.permutation(300) * 2.0**-23  # division by 1.9 merges them
    yield "near the largest float32", np.array([3e38, 2.9e38, -3e38, 3e38, 0.0])


@pytest.mark.parametrize(("name", "logits"), list(rows()), ids=[name for name, _ in rows()])
def test_the_browser_keeps_what_decoding_keeps(rules, name, logits):
    v = len(logits)
    cases = [
        (t, k, p)
        for t in (0, 0.000001, 0.05, 0.7, 1, 1.1, 1.9, 2)
        for k in sorted({1, min(8, v), max(1, v // 2), v})
        for p in (0.000001, 0.1, 1 / 3, 0.5, 0.9, 0.95, 1)
    ]
    sent = ["-inf" if x == -math.inf else float(np.float32(x)) for x in logits]
    python = SamplingExplorer([""] * v, logits)
    for (t, k, p), answer in zip(cases, rules.evaluate(KEPT, {"logits": sent, "cases": cases}), strict=True):
        python.temperature, python.top_k, python.top_p = t, k, p
        assert answer["kept"] == python.kept, (name, t, k, p)
        heated = decoding.apply_temperature(python_row(python), t)
        steps = heated, decoding.top_k_filter(heated, k), python._filtered()
        assert answer["steps"] == [int((step > -math.inf).sum()) for step in steps]
        filtered = python._filtered().double()
        probs = filtered.softmax(-1).numpy()
        assert answer["probs"] == pytest.approx(probs.tolist(), abs=1e-12)
        assert answer["bits"] == pytest.approx(entropy_bits(probs), abs=1e-9)
        tempered = decoding.apply_temperature(python_row(python), t).double().softmax(-1)
        assert answer["held"] == pytest.approx(float(tempered[python.kept].sum()), abs=1e-12)
        assert answer["before"] == pytest.approx(
            entropy_bits(python_row(python).double().softmax(-1).numpy()), abs=1e-9
        )


def python_row(explorer):
    return torch.from_numpy(explorer.logits)


def entropy_bits(probs):
    positive = probs[probs > 0]
    return float(-(positive * np.log2(positive)).sum())


@pytest.mark.parametrize("k", range(1, 31))
def test_thirty_equal_tokens_with_p_of_k_thirtieths_keep_k(rules, k):
    (answer,) = rules.evaluate(KEPT, {"logits": [0.5] * 30, "cases": [(1, 30, k / 30)]})
    assert answer["kept"] == list(range(k))


DRAWS = """([logits, knobs, seed, n]) => {
    const numbers = (x) => x === "-inf" ? -Infinity : x;
    const dist = rules.distribution(rules.prepare(Float32Array.from(logits, numbers)), ...knobs);
    return Array.from({length: n}, (_, i) => rules.pick(dist, seed, i).id);
}"""


def test_draws_follow_the_distribution_and_the_seed(rules):
    """The statistic exceeds its bound once in 1,000 seeds (3 degrees of freedom); the seed is fixed."""
    logits, knobs, n = [1, 3, 2, 0, 2], [1, 4, 1], 20_000
    drawn = rules.evaluate(DRAWS, [logits, knobs, 0, n])
    probs = SamplingExplorer([""] * 5, logits, top_k=4)._filtered().softmax(-1).numpy()
    counts = np.bincount(drawn, minlength=5)
    assert counts[3] == 0  # cut
    likely = probs > 0
    chi2 = ((counts - n * probs)[likely] ** 2 / (n * probs)[likely]).sum()
    assert chi2 < 16.27
    assert rules.evaluate(DRAWS, [logits, knobs, 0, 50]) == drawn[:50]
    assert rules.evaluate(DRAWS, [logits, knobs, 1, 50]) != drawn[:50]


COUNTS = """([logits, cases, seed, n]) => {
    const numbers = (x) => x === "-inf" ? -Infinity : x;
    const sorted = rules.prepare(Float32Array.from(logits, numbers));
    const draws = new rules.Draws(sorted, seed, n);
    const byId = (counts) => [...counts].sort(([a], [b]) => a - b);
    return cases.map((knobs) => {
        const dist = rules.distribution(sorted, ...knobs);
        const one = new Map();
        for (let i = 0; i < n; i++) {
            const { id } = rules.pick(dist, seed, i);
            one.set(id, (one.get(id) ?? 0) + 1);
        }
        return [byId(draws.count(dist)), byId(one)];
    });
}"""


@pytest.mark.parametrize(("name", "logits"), list(rows()), ids=[name for name, _ in rows()])
def test_many_draws_are_the_same_draws_one_by_one(rules, name, logits):
    """Whatever the knobs were before: what an earlier count has remembered holds for the next."""
    v = len(logits)
    sent = ["-inf" if x == -math.inf else float(np.float32(x)) for x in logits]
    cases = [
        (t, k, p) for k in (1, max(1, v // 3), v, max(1, v // 2)) for t in (1, 1.9, 0.3, 0, 2) for p in (1, 0.5, 0.9)
    ]
    for knobs, (counted, one_by_one) in zip(cases, rules.evaluate(COUNTS, [sent, cases, 5, 60]), strict=True):
        assert counted == one_by_one, knobs
        assert sum(n for _, n in counted) == 60


def test_many_draws_through_ties_that_division_makes(rules):
    """A cut within such a tie keeps the lower ids, not the larger logits."""
    logits = (np.float32(1.95) + np.random.default_rng(1).permutation(300) * 2.0**-23).astype(np.float32)
    cases = [(1.9, k, 1) for k in range(1, 300, 7)]
    kept = [set(SamplingExplorer([""] * 300, logits, temperature=t, top_k=k).kept) for t, k, _ in cases]
    first = np.argsort(-logits, kind="stable")
    assert any(these != set(first[: len(these)].tolist()) for these in kept)  # the row has such ties
    for counted, one_by_one in rules.evaluate(COUNTS, [logits.tolist(), cases, 0, 200]):
        assert counted == one_by_one


def test_a_token_that_survives_a_cut_is_drawn_again_with_the_same_seed(rules):
    logits = np.random.default_rng(0).normal(size=60).astype(np.float32).tolist()
    everyone = rules.evaluate(DRAWS, [logits, [1, 60, 1], 7, 400])
    for knobs in ([1, 8, 1], [1, 60, 0.5], [1, 20, 0.7]):
        kept = SamplingExplorer([""] * 60, logits, top_k=knobs[1], top_p=knobs[2]).kept
        again = rules.evaluate(DRAWS, [logits, knobs, 7, 400])
        survivors = [(one, other) for one, other in zip(everyone, again, strict=True) if one in kept]
        assert len(survivors) > 50
        assert all(one == other for one, other in survivors)


def test_the_noise_is_gumbels_and_each_id_and_draw_has_its_own(rules):
    """-ln(-ln u) with u even over (0, 1): each twentieth gets 1,000 of 20,000, with a standard deviation of 31."""
    noise = np.array(rules.evaluate("Array.from({length: 20000}, (_, i) => rules.noise(4294967295, i % 7, i))"))
    u = np.exp(-np.exp(-noise))
    assert np.abs(np.histogram(u, 20, (0, 1))[0] - 1000).max() < 150
    for lag in (1, 7):
        assert abs(np.corrcoef(u[:-lag], u[lag:])[0, 1]) < 0.03
    neighbours = rules.evaluate(
        "[0, 1, 2].map((s) => [0, 1, 2].map((n) => [0, 1, 2].map((i) => rules.noise(s, n, i))))"
    )
    assert len(set(np.ravel(neighbours))) == 27


def test_a_token_of_probability_0_is_never_drawn(rules):
    drawn = rules.evaluate(DRAWS, [["-inf", 0, "-inf", 0, -2000], [1, 5, 1], 3, 300])
    assert set(drawn) == {1, 3}  # the weight of the last one rounds to 0


@pytest.mark.parametrize(
    ("knob", "values"),
    [
        (Stops("k", "k", (*range(1, 21), 25, 30, 40, 50, 75, 100, 200), [""] * 27), [*range(1, 130), 150, 151, 49152]),
        (Stops("kind", "kind", ["mle", "add-k", "kneser-ney"], [""] * 3), ["add-k", "kneser-ney", "mle"]),
        (Range("p", "p", min=0.01, max=1, step=0.01), [1e-6, 0.009, 0.01, 0.372, 0.30000000000000004, 1, 2]),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_a_slider_stands_at_the_same_place_in_both_languages(rules, knob, values):
    answer = rules.evaluate("([knob, all]) => all.map((x) => knobs.placeOf(knob, x))", [knob.declaration(), values])
    assert answer == [knob.stop(value) for value in values]
