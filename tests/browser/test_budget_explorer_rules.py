"""The rules in browser/budget/rules.js against course_utils.memory, to the last byte: no kernel, no widget manager."""

import itertools
import math
import re

import pytest
import torch
from test_sampling_explorer import served
from test_sampling_explorer_rules import MODULES

from course_utils import memory
from course_utils.widgets import BudgetExplorer
from course_utils.widgets.budget_explorer import CARDS, RANK, WEIGHT_BITS, facts

pytestmark = pytest.mark.browser

LOAD = """async (facts) => {
    const { answering, training, verdict, gigabytes } = await import("/budget/rules.js");
    window.answers = (model, all) => all.map((knobs) => {
        const shape = facts.models[model];
        const items = knobs.task === "answer" ? answering(shape, knobs)
            : training(shape, facts.recipes[knobs.recipe], facts, knobs);
        const total = items.reduce((sum, { bytes }) => sum + bytes, 0);
        return { items: items.map(({ name, bytes, formula }) => [name, bytes, formula, gigabytes(bytes)]), total,
            verdict: verdict(total, knobs.card).words };
    });
}"""
LENGTHS, BATCHES, DEVICES = (1, 3000, 8192, 131_072), (1, 3, 16, 256), (1, 2, 7, 1024)


@pytest.fixture(scope="module")
def rules(lasting_page):
    with served(MODULES, "http") as base:
        lasting_page.goto(base)
        lasting_page.evaluate(LOAD, facts())
        yield lasting_page


def settings():
    cards = itertools.cycle((*CARDS, 0.5, 141))
    for length, batch in itertools.product(LENGTHS, BATCHES):
        shared = {"context_length": length, "batch_size": batch}
        for bits in WEIGHT_BITS:
            yield {"task": "answer", **shared, "weight_bits": bits, "card": next(cards)}
        for recipe, devices, checkpointed in itertools.product(memory.RECIPES, DEVICES, (False, True)):
            more = {"recipe": recipe, "n_devices": devices, "checkpointed": checkpointed, "card": next(cards)}
            yield {"task": "train", **shared, **more}


def by_python(model, knobs):
    length, batch = knobs["context_length"], knobs["batch_size"]
    if knobs["task"] == "answer":
        bits = knobs["weight_bits"]
        dtype = torch.float32 if bits == 32 else torch.float16
        return memory.inference_memory(model, dtype, length, batch, weight_bits=bits)
    how = {name: knobs[name] for name in ("recipe", "n_devices", "checkpointed")}
    return memory.training_memory(model, batch, length, **how, rank=RANK)


@pytest.mark.parametrize("model", memory.NAMED)
def test_the_browser_gives_the_bytes_of_the_package(rules, model):
    asked = list(settings())
    assert len(asked) == 16 * (4 + 10 * 4 * 2)
    for knobs, answer in zip(asked, rules.evaluate("(asked) => answers(...asked)", [model, asked]), strict=True):
        expected = by_python(model, knobs)
        assert {name: size for name, size, *_ in answer["items"]} == expected.items, knobs
        assert answer["total"] == expected.total < 2**53
        printed = dict(line.rsplit(maxsplit=2)[:2] for line in str(expected).splitlines())
        assert {name: text for name, _, _, text in answer["items"]}.items() <= printed.items()
        for name, size, formula, _ in answer["items"]:
            rounded = name == "weights" and knobs.get("recipe") == "qlora"  # 4.127 bits of 4.126953125
            assert by_formula(formula) == (pytest.approx(size, rel=1e-4) if rounded else size), formula


def by_formula(words):
    """The value of a formula as a reader would work it out: its numbers and signs, without the words."""
    bare = re.sub(r"(?<=\d),(?=\d{3})", "", words)
    bare = re.sub(r"\((\d+) [a-z ]+ ÷ (\d+) devices, rounded up\)", r"(-(-\1 // \2))", bare)
    bare = re.sub(r"[^\d.+*/()-]", "", bare.replace("×", "*").replace("÷", "/"))
    return math.ceil(eval(bare))


@pytest.mark.parametrize("model", ["llama-2-7b", "multilingual-e5-large", "gpt-3"])
def test_the_browser_says_of_a_card_what_python_says(rules, model):
    explorer = BudgetExplorer(model)
    asked = [knobs for i, knobs in enumerate(settings()) if i % 7 == 0]
    for knobs, answer in zip(asked, rules.evaluate("(asked) => answers(...asked)", [model, asked]), strict=True):
        for name, value in knobs.items():
            setattr(explorer, name, value)
        assert (answer["total"], answer["verdict"]) == (explorer.budget.total, explorer.verdict)


def test_close_calls_are_told_apart(rules):
    """A card to the byte: 1 kB more or less than what is needed, and amounts that one decimal would round to 0."""
    explorer = BudgetExplorer("gpt-2", context_length=1)
    total = explorer.budget.total
    for card in (math.ceil(total / 1e3) / 1e6, math.floor(total / 1e3) / 1e6, total / 1e9 + 0.04, total / 1e9 - 0.04):
        explorer.card = card
        knobs = {"task": "answer", "context_length": 1, "batch_size": 1, "weight_bits": 16, "card": explorer.card}
        (answer,) = rules.evaluate("(asked) => answers(...asked)", ["gpt-2", [knobs]])
        assert answer["verdict"] == explorer.verdict
        assert ("0.04" if abs(card - total / 1e9) > 0.01 else "less than 0.01") in answer["verdict"]


def test_the_formula_of_a_cache_has_all_its_factors(rules):
    knobs = {"task": "answer", "context_length": 4096, "batch_size": 1, "weight_bits": 16, "card": 24}
    (answer,) = rules.evaluate("(asked) => answers(...asked)", ["llama-2-7b", [knobs]])
    formula = "2 × 32 layers × 32 KV heads × 128 × 4,096 tokens × 1 text × 2 bytes"
    assert ["KV cache", 2_147_483_648, formula, "2.15"] in answer["items"]
