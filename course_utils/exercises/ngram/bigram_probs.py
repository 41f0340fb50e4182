"""Bigram probabilities by counting."""

from collections import Counter, defaultdict
from itertools import chain, pairwise

from course_utils.exercises.core import Exercise, probes


def bigram_probs(sentences: list[list[str]]) -> dict[str, dict[str, float]]:
    """Return P(word | context) of each bigram seen, context -> word -> relative frequency.

    Each sentence is read as `<s>` words `</s>`; the probabilities after a context sum to 1.

    Source: Jurafsky and Martin, "Speech and Language Processing", section 3.1.
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for sentence in sentences:
        for context, word in pairwise(["<s>", *sentence, "</s>"]):
            counts[context][word] += 1
    return {
        context: {word: count / following.total() for word, count in following.items()}
        for context, following in counts.items()
    }


exercise = Exercise(
    bigram_probs,
    minutes=15,
    difficulty=2,
    shown="count of the pair over count of the context, with <s> before and </s> after each sentence.",
    hints=(
        'Put the markers on first: ["<s>", *sentence, "</s>"]. Then every word, and the end too, has a word before it.',
        "itertools.pairwise gives the neighbours. Count them in a defaultdict(Counter): counts[context][word] += 1.",
        "Divide each row by its own sum: {word: n / row.total() for word, n in row.items()}.",
    ),
    probes=probes(
        ("the two markers", [["cats", "sleep"]]),
        "A sentence of two words has three pairs: <s> cats, cats sleep, sleep </s>.",
        ("two words after one context", [["cats", "sleep"], ["cats", "eat"], ["cats", "sleep"]]),
        "Divide the count of the pair by the count of its context: sleep came after cats 2 times of 3.",
        ("a word that follows itself", [["very", "very", "big"], ["very", "old"]]),
        "The pairs overlap: <s> very, very very, very big. Divide each row by its sum.",
        ("one word after two contexts", [["cats", "eat"], ["dogs", "eat"], ["dogs", "sleep"]]),
        "Divide by the count of the context, the first word of the pair.",
        ("an empty sentence", [[], ["stop"]]),
        "An empty sentence has one pair: <s> </s>.",
    ),
    hidden=probes(
        ("pairs that repeat", [["so", "it", "goes", "so", "it", "went"], [], ["it", "goes"], ["so", "so"]]),
        "Count every pair of every sentence, then divide each row by its own sum.",
    ),
)

pairs = lambda sentences, start=("<s>",), end=("</s>",): [p for s in sentences for p in pairwise([*start, *s, *end])]
shares = lambda pairs: table(pairs, lambda context, _: sum(context == first for first, _ in pairs))


def table(pairs, total):
    """What a student does last: the count of each pair over total(context, word), a row for each context."""
    rows: defaultdict = defaultdict(dict)
    for (context, word), count in Counter(pairs).items():
        rows[context][word] = count / total(context, word)
    return rows


exercise.add_mistakes(
    "you divided by the number of all pairs. Divide by the count of the context.",
    lambda sentences: table(pairs(sentences), lambda *_: len(pairs(sentences))),
    "these are counts. Divide each row by its sum.",
    lambda sentences: table(pairs(sentences), lambda *_: 1),
    "both markers are missing. Without <s> nothing begins, without </s> nothing ends.",
    lambda sentences: shares(pairs(sentences, start=(), end=())),
    "<s> is missing: the first word of a sentence has a probability too.",
    lambda sentences: shares(pairs(sentences, start=())),
    "</s> is missing: without it the model can't say where a sentence ends.",
    lambda sentences: shares(pairs(sentences, end=())),
    "your keys are pairs. Return one dict per context: context -> word -> probability.",
    lambda sentences: {pair: shares(pairs(sentences))[pair[0]][pair[1]] for pair in pairs(sentences)},
    "your pairs don't overlap. Each word is the end of one pair and begins the next.",
    lambda sentences: shares([pair for sentence in sentences for pair in pairs([sentence])[::2]]),
    "a pair crosses from one sentence into the next: </s> <s> is no bigram. Go one by one.",
    lambda sentences: shares([*pairwise(word for sentence in sentences for word in ("<s>", *sentence, "</s>"))]),
    "you glued the sentences together: the last word of one is followed by </s>, not by the next sentence.",
    lambda sentences: shares(pairs([chain.from_iterable(sentences)])),
    "you divided by the number of sentences. Divide by the count of the context.",
    lambda sentences: table(pairs(sentences), lambda *_: len(sentences)),
    "you divided by the number of different words. Divide by the sum of their counts.",
    lambda sentences: table(pairs(sentences), lambda context, _: len(bigram_probs(sentences)[context])),
    "each pair counts once in your answer. Count it as often as it occurs.",
    lambda sentences: shares(set(pairs(sentences))),
    "you divided by the count of the second word. Divide by the first: the context.",
    lambda sentences: table(pairs(sentences), lambda _, word: [end for _, end in pairs(sentences)].count(word)),
    "you rounded. Round only what you print.",
    lambda sentences: {c: {w: round(p, 2) for w, p in row.items()} for c, row in bigram_probs(sentences).items()},
    "you rounded. Round only what you print.",
    lambda sentences: {c: {w: round(p, 3) for w, p in row.items()} for c, row in bigram_probs(sentences).items()},
    "you left out the empty sentence. It has one pair, <s> </s>.",
    lambda sentences: shares(pairs(filter(None, sentences))),
)
