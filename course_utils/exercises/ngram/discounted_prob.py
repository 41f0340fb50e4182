"""Absolute discounting that survives a context it has never seen."""

from collections.abc import Callable

from course_utils.exercises.core import Exercise, probes

Counts = dict[tuple[str, ...], dict[str, int]]


def discounted_prob(counts: Counts, word: str, context: tuple[str, ...], discount: float) -> float:
    """Return P(word | context): the discounted share, and what was freed times P(word | shorter context).

    The context () holds the counts of single words, which are not discounted. A context without counts says nothing:
    the shorter one answers alone.

    Source: Ney, Essen and Kneser (1994), "On Structuring Probabilistic Dependences in Stochastic Language Modelling";
    nltk issue 2332.
    """
    row = counts.get(context, {})
    total = sum(row.values())
    if not context:
        return row.get(word, 0) / total
    lower = discounted_prob(counts, word, context[1:], discount)
    if total == 0:
        return lower
    return max(row.get(word, 0) - discount, 0) / total + discount * len(row) / total * lower


COUNTS = {
    (): {"go": 4, "stop": 3, "now": 2, "</s>": 1},
    ("go",): {"now": 2, "stop": 1, "go": 1},
    ("stop",): {"now": 2},
    ("now",): {"stop": 1, "</s>": 3},
    ("now", "go"): {"stop": 2, "now": 1},
    ("never", "go"): {},
}

exercise = Exercise(
    discounted_prob,
    minutes=20,
    difficulty=2,
    shown="a context that was never seen takes nothing and hands over everything: the shorter context answers.",
    hints=(
        "On which inputs does the faulty version crash? Print c(h) there.",
        "Where c(h) is 0 nothing was seen, so nothing can be kept. How much of the probability is then handed over?",
        "All of it: if the total is 0, return the answer for context[1:]. The other lines stay.",
    ),
    probes=probes(
        ("single words", COUNTS, "stop", (), 0.5),
        "Without a context: the count over the sum of the counts.",
        ("a word seen after the context", COUNTS, "now", ("go",), 0.5),
        "(2 - 0.5) / 4 kept, and 0.5 * 3 / 4 of P(now) = 0.2.",
        ("a word not seen after the context", COUNTS, "</s>", ("go",), 0.5),
        "Nothing kept, and 0.5 * 3 / 4 of P(</s>) = 0.1.",
        ("two words of context", COUNTS, "stop", ("now", "go"), 0.5),
        "What was freed goes to P(stop | go), which is smoothed itself.",
        ("a context never seen", COUNTS, "stop", ("never",), 0.5),
        "c(never) = 0: there is nothing to keep, so everything is handed over, to P(stop).",
        ("never seen, but its end was", COUNTS, "now", ("stop", "go"), 0.5),
        "stop go was never seen, go was: hand over to P(now | go), one word less, not to the single words.",
        ("listed, but empty", COUNTS, "now", ("never", "go"), 0.5),
        "A context whose counts are all 0 is as good as never seen: ask for the sum, not for the key.",
        ("nothing of it seen", COUNTS, "go", ("never", "ever"), 0.5),
        "Neither context was seen: hand over twice.",
    ),
    hidden=probes(
        ("another discount", COUNTS, "go", ("stop", "now", "go"), 0.75),
        "Drop the first word of the context as long as its counts sum to 0; then discount as before.",
    ),
)


def variant(unseen: Callable, below: Callable = lambda context: context[1:]):
    """What a student varies: the answer for an unseen context, given the lower answer, and which context is below."""

    def prob(counts, word, context, discount):
        row = counts.get(context, {})
        total = sum(row.values())
        if not context:
            return row.get(word, 0) / total
        lower = prob(counts, word, below(context), discount)
        if total == 0:
            return unseen(lower, counts)
        return max(row.get(word, 0) - discount, 0) / total + discount * len(row) / total * lower

    return prob


exercise.add_mistakes(
    "an unseen context gave 0 to every word: the probabilities after it sum to 0. Ask the shorter context.",
    variant(lambda lower, counts: 0.0),
    "an unseen context made all words equally likely. The shorter context knows better.",
    variant(lambda lower, counts: 1 / len(counts[()])),
    "only a part was handed over: after an unseen context nothing is kept, so hand over all of it.",
    variant(lambda lower, counts: 0.5 * lower),
    "you went straight to the single words. Drop one word at a time, from the left.",
    variant(lambda lower, counts: lower, below=lambda context: ()),
    "you dropped the nearest word. Drop the farthest, the first of the context.",
    variant(lambda lower, counts: lower, below=lambda context: context[:-1]),
    "you discounted the single words too. Without a context it is the count over the sum of the counts.",
    lambda counts, word, context, discount: (
        max(counts[()].get(word, 0) - discount, 0) / sum(counts[()].values())
        if not context
        else discounted_prob(counts, word, context, discount)
    ),
    "what was freed is missing: words not seen after the context have probability 0.",
    lambda counts, word, context, discount: (
        discounted_prob(counts, word, context, discount)
        if not context or not counts.get(context)
        else max(counts[context].get(word, 0) - discount, 0) / sum(counts[context].values())
    ),
    "a negative share: a count below the discount keeps nothing. Use max(count - discount, 0).",
    lambda counts, word, context, discount: (
        discounted_prob(counts, word, context, discount)
        if not context or not counts.get(context)
        else (
            counts[context].get(word, 0)
            - discount
            + discount * len(counts[context]) * discounted_prob(counts, word, context[1:], discount)
        )
        / sum(counts[context].values())
    ),
)
