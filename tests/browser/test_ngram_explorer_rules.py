"""The rules in browser/ngram/rules.js against NGramLM: no kernel, no widget manager."""

import base64
import itertools

import numpy as np
import pytest
from test_sampling_explorer import served
from test_sampling_explorer_rules import MODULES

from course_utils.ngram import NGramLM
from course_utils.ngram.model import SMOOTHINGS
from course_utils.widgets import NGramExplorer

pytestmark = pytest.mark.browser

LOAD = """async (counts) => {
    const rules = await import("/ngram/rules.js");
    const bytes = Uint8Array.from(atob(counts), (c) => c.charCodeAt(0));
    const padded = new Uint8Array(bytes.length + 1); // the page may get it at any offset of its buffer
    padded.set(bytes, 1);
    const tables = rules.unpack(new DataView(padded.buffer, 1));
    window.answers = (smoothing, parameters, contexts) => contexts.map((context) =>
        rules.contributions(tables, smoothing, parameters, context).map((share) => Array.from(share)));
}"""
SETTINGS = {
    "mle": {},
    "add-k": {"k": 0.3},
    "interpolated": {"weights": [0.9, 0.5, 0.7, 0.2]},
    "kneser-ney": {"discount": 0.6},
    "modified-kneser-ney": {},
}


def sentences(seed=0, n=400):
    """Random walks over 12 words: some pairs are frequent, many never seen; the first sentence is empty."""
    rng = np.random.default_rng(seed)
    follows = rng.dirichlet(np.full(12, 0.3), size=12)
    walks = [[]]
    for _ in range(n):
        walk = [int(rng.integers(12))]
        while rng.random() < 0.8:
            walk.append(int(rng.choice(12, p=follows[walk[-1]])))
        walks.append([f"w{i}" for i in walk])
    return walks


def contexts(vocabulary):
    """Seen and unseen ones, short and long, the ends of a sentence in odd places."""
    words = ["<s>", "</s>", "<unk>", *vocabulary[:5]]
    yield from itertools.chain.from_iterable(itertools.product(words, repeat=n) for n in range(3))
    rng = np.random.default_rng(1)
    yield from (("<s>", *rng.choice(vocabulary, size=n)) for n in (1, 2, 3, 5) for _ in range(25))
    yield from (sentence[:4] for sentence in sentences()[:60])


@pytest.fixture(scope="module")
def explorers():
    return {name: NGramExplorer(sentences(), max_order=4, **settings) for name, settings in SETTINGS.items()}


@pytest.fixture(scope="module")
def rules(lasting_page):
    with served(MODULES, "http") as base:
        lasting_page.goto(base)
        yield lasting_page


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_the_browser_gives_the_probabilities_of_the_package(rules, explorers, smoothing, order):
    explorer, settings = explorers[smoothing], SETTINGS[smoothing]
    weights = settings.get("weights")
    model = NGramLM(order, smoothing, **settings | ({"weights": weights[:order]} if weights else {})).fit(sentences())
    words = explorer._view.words
    asked = [list(map(str, context)) for context in contexts(model.vocabulary[:-2])]
    ids = [[words.index(word) for word in context] for context in asked]
    rules.evaluate(LOAD, base64.b64encode(explorer._view.counts).decode())
    parameters = explorer._view.parameters[smoothing][order - 1]
    answers = rules.evaluate("(asked) => answers(...asked)", [smoothing, parameters, ids])
    for context, shares in zip(asked, np.array(answers), strict=True):  # (1 + order, V)
        expected = model.next_word_probs(context)
        assert (shares >= 0).all()
        assert shares.sum(axis=0) == pytest.approx([expected.get(w, 0) for w in words], abs=1e-12), context
    explorer.order, explorer.smoothing = order, smoothing
    for context, shares in list(zip(asked, answers, strict=True))[::7]:
        if context[:1] == ["<s>"] and not {"<s>", "</s>"} & set(context[1:]):
            explorer.written = context[1:]
            assert np.array(shares) == pytest.approx(explorer.contributions, abs=1e-12)
