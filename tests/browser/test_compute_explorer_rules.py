"""The rules in browser/compute/rules.js against scaling and compute_rules: no kernel, no widget manager."""

import itertools
import random

import pytest
from test_sampling_explorer import served
from test_sampling_explorer_rules import MODULES

from course_utils.scaling import Chinchilla
from course_utils.widgets import compute_rules
from course_utils.widgets.compute_explorer import LEAST_FLOPS, MOST_FLOPS

pytestmark = pytest.mark.browser

LAWS = compute_rules.LAWS | {"ours": Chinchilla(E=0.6, A=60.0, B=2000.0, alpha=0.5, beta=0.6)}
FLOPS = [LEAST_FLOPS, 3.3e11, 1e17, 4.2e19, 8.64e19, 5.88e23, 8.65e23, 1e24, 1e27, MOST_FLOPS]
RATIOS = [1e-6, 1 / 30, 0.2853, 0.7, 1.0, 1.0001, 2.0, 7.131, 30, 1e6]
CARD = {"card_flops": compute_rules.CARD_FLOPS, "share": compute_rules.SHARE}
LOAD = """async () => {
    const rules = await import("/compute/rules.js");
    window.answers = (law, card, asked) => asked.map(([flops, ratio]) => {
        const [best, chosen] = [rules.plan(law, flops), rules.plan(law, flops, ratio)];
        return { best, chosen, words: rules.words(flops, chosen, best, card),
            remarks: rules.remarks(law, flops, chosen),
            ratio: rules.relativeSize(law, chosen.n_params, chosen.n_tokens) };
    });
    window.curve = (...asked) => rules.curve(...asked);
    window.written = (numbers) => numbers.map((x) =>
        [rules.amount(x), rules.size(x), rules.scientific(x), rules.counted(x, "day")]);
    window.losses = (numbers) => numbers.map(rules.three);
}"""


@pytest.fixture(scope="module")
def rules(lasting_page):
    with served(MODULES, "http") as base:
        lasting_page.goto(base)
        lasting_page.evaluate(LOAD)
        yield lasting_page


def close(plan):
    return pytest.approx(vars(plan), rel=1e-9)  # another library's powers may end in another digit


@pytest.mark.parametrize("name", LAWS)
def test_the_browser_finds_and_says_what_python_does(rules, name):
    law, (declared,) = LAWS[name], compute_rules.declared({name: LAWS[name]})
    asked = list(itertools.product(FLOPS, RATIOS))
    answers = rules.evaluate("(asked) => answers(...asked)", [declared, CARD, asked])
    for (flops, ratio), answer in zip(asked, answers, strict=True):
        best, chosen = compute_rules.plan(law, flops), compute_rules.plan(law, flops, ratio)
        assert answer["best"] == close(best), (flops, ratio)
        assert answer["chosen"] == close(chosen), (flops, ratio)
        assert answer["ratio"] == pytest.approx(ratio)
        assert answer["words"] == compute_rules.words(flops, chosen, best)
        assert answer["remarks"] == compute_rules.remarks(law, flops, chosen)
        assert chosen.loss >= best.loss


@pytest.mark.parametrize("name", LAWS)
def test_the_curve_is_the_same(rules, name):
    (declared,) = compute_rules.declared({name: LAWS[name]})
    found = rules.evaluate("(asked) => curve(...asked)", [declared, 5.88e23, 0.02, 40])
    sizes, losses = compute_rules.curve(LAWS[name], 5.88e23, 0.02, 40)
    assert [plan["n_params"] for plan in found] == pytest.approx(sizes, rel=1e-9)
    assert [plan["loss"] for plan in found] == pytest.approx(losses, rel=1e-9)


def test_numbers_are_written_alike(rules):
    draw = random.Random(0)
    numbers = [10 ** draw.uniform(-9, 17) for _ in range(2000)]
    numbers += [0.001, 0.00099999, 1, 1.125, 1.0625, 12.25, 99.95, 999.5, 1000.5, 1125, 999_499, 999_500, 1e6, 1e12]
    numbers += [2.0005, 1.9995, 0.0625, 1.125e9, 999.5e9, 1.2345e15, 9.995e11, 1.05e-8]
    written = [
        [compute_rules.amount(x), compute_rules.size(x), compute_rules.scientific(x), compute_rules.counted(x, "day")]
        for x in numbers
    ]
    assert rules.evaluate("(numbers) => written(numbers)", numbers) == written
    losses = [*(i / 1600 for i in range(20_000)), 1.9995, 2.0005]  # ties among them
    assert rules.evaluate("(losses) => window.losses(losses)", losses) == [compute_rules.three(x) for x in losses]
