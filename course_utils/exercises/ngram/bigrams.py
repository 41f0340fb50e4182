"""Exercise of notebook 01: bigram probabilities by counting."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import chain, pairwise

from course_utils.exercises.core import Exercise, Mistake, Probe

Sentences = list[list[str]]
Probs = dict[str, dict[str, float]]


def bigram_probs(sentences: list[list[str]]) -> dict[str, dict[str, float]]:
    """Return P(word | context) of each bigram seen, context -> word -> relative frequency.

    Each sentence is read as `<s>` words `</s>`; the probabilities after a context sum to 1.

    Source: Jurafsky and Martin, "Speech and Language Processing", section 3.1.
    """
    counts = defaultdict(Counter)
    for sentence in sentences:
        for context, word in pairwise(["<s>", *sentence, "</s>"]):
            counts[context][word] += 1
    return {
        context: {word: count / following.total() for word, count in following.items()}
        for context, following in counts.items()
    }


def _counts(sentences: Sentences, start=("<s>",), end=("</s>",)) -> dict[str, Counter]:
    return _counts_of_pairs(pair for s in sentences for pair in pairwise([*start, *s, *end]))


def _counts_of_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, Counter]:
    counts = defaultdict(Counter)
    for context, word in pairs:
        counts[context][word] += 1
    return counts


def _shares(counts: dict[str, Counter]) -> Probs:
    return {context: {w: n / row.total() for w, n in row.items()} for context, row in counts.items()}


def _joint(sentences: Sentences) -> Probs:
    counts = _counts(sentences)
    total = sum(row.total() for row in counts.values())
    return {context: {w: n / total for w, n in row.items()} for context, row in counts.items()}


def _given_the_second(sentences: Sentences) -> Probs:
    counts = _counts(sentences)
    seen = sum(counts.values(), Counter())
    return {context: {w: n / seen[w] for w, n in row.items()} for context, row in counts.items()}


def _keyed_by_pairs(sentences: Sentences) -> dict[tuple[str, str], float]:
    return {(c, w): p for c, row in _shares(_counts(sentences)).items() for w, p in row.items()}


def _one_stream(sentences: Sentences) -> Probs:
    return _shares(_counts_of_pairs(pairwise(chain.from_iterable(["<s>", *s, "</s>"] for s in sentences))))


def _one_long_sentence(sentences: Sentences) -> Probs:
    return _shares(_counts([list(chain.from_iterable(sentences))]))


def _over_distinct(sentences: Sentences) -> Probs:
    return {context: {w: n / len(row) for w, n in row.items()} for context, row in _counts(sentences).items()}


def _over_sentences(sentences: Sentences) -> Probs:
    return {c: {w: n / len(sentences) for w, n in row.items()} for c, row in _counts(sentences).items()}


def _distinct_pairs(sentences: Sentences) -> Probs:
    return {context: dict.fromkeys(row, 1 / len(row)) for context, row in _counts(sentences).items()}


def _pairs_side_by_side(sentences: Sentences) -> Probs:
    marked = (["<s>", *s, "</s>"] for s in sentences)
    return _shares(_counts_of_pairs(pair for s in marked for pair in zip(s[::2], s[1::2], strict=False)))


bigram_probs = Exercise(
    bigram_probs,
    shown="count of the pair over count of the context, with <s> before and </s> after each sentence.",
    hints=(
        'Put the markers on first: ["<s>", *sentence, "</s>"]. Then every word, and the end too, has a word before it.',
        "itertools.pairwise gives the neighbours. Count them in a defaultdict(Counter): counts[context][word] += 1.",
        "Divide each row by its own sum: {word: n / row.total() for word, n in row.items()}.",
    ),
    probes=(
        Probe(
            "the two markers",
            ([["cats", "sleep"]],),
            "A sentence of two words has three pairs: <s> cats, cats sleep, sleep </s>.",
        ),
        Probe(
            "two words after one context",
            ([["cats", "sleep"], ["cats", "eat"], ["cats", "sleep"]],),
            "Divide the count of the pair by the count of its context: sleep came after cats 2 times of 3.",
        ),
        Probe(
            "a word that follows itself",
            ([["very", "very", "big"], ["very", "old"]],),
            "The pairs overlap: <s> very, very very, very big. Divide each row by its sum.",
        ),
        Probe(
            "one word after two contexts",
            ([["cats", "eat"], ["dogs", "eat"], ["dogs", "sleep"]],),
            "Divide by the count of the context, the first word of the pair.",
        ),
        Probe("an empty sentence", ([[], ["stop"]],), "An empty sentence has one pair: <s> </s>."),
    ),
    mistakes=(
        Mistake(_joint, "you divided by the number of all pairs. Divide by the count of the context."),
        Mistake(
            lambda s: {c: dict(row) for c, row in _counts(s).items()},
            "these are counts. Divide each row by its sum.",
        ),
        Mistake(
            lambda s: _shares(_counts(s, start=(), end=())),
            "both markers are missing. Without <s> nothing begins, without </s> nothing ends.",
        ),
        Mistake(
            lambda s: _shares(_counts(s, start=())),
            "<s> is missing: the first word of a sentence has a probability too.",
        ),
        Mistake(
            lambda s: _shares(_counts(s, end=())),
            "</s> is missing: without it the model can't say where a sentence ends.",
        ),
        Mistake(_keyed_by_pairs, "your keys are pairs. Return one dict per context: context -> word -> probability."),
        Mistake(_pairs_side_by_side, "your pairs don't overlap. Each word is the end of one pair and begins the next."),
        Mistake(_one_stream, "a pair crosses from one sentence into the next: </s> <s> is no bigram. Go one by one."),
        Mistake(
            _one_long_sentence,
            "you glued the sentences together: the last word of one is followed by </s>, not by the next sentence.",
        ),
        Mistake(_over_sentences, "you divided by the number of sentences. Divide by the count of the context."),
        Mistake(_over_distinct, "you divided by the number of different words. Divide by the sum of their counts."),
        Mistake(_distinct_pairs, "each pair counts once in your answer. Count it as often as it occurs."),
        Mistake(_given_the_second, "you divided by the count of the second word. Divide by the first: the context."),
        Mistake(
            lambda s: {c: {w: round(p, 2) for w, p in row.items()} for c, row in _shares(_counts(s)).items()},
            "you rounded. Round only what you print.",
        ),
        Mistake(
            lambda s: _shares(_counts([sentence for sentence in s if sentence])),
            "you left out the empty sentence. It has one pair, <s> </s>.",
        ),
    ),
)
