"""Exercise of notebook 01: the continuation probability of Kneser and Ney."""

from collections import Counter
from itertools import chain, pairwise

from course_utils.exercises.core import Exercise, Mistake, Probe

Sentences = list[list[str]]
Probs = dict[str, float]


def continuation_probs(sentences: list[list[str]]) -> dict[str, float]:
    """Return for each word, `</s>` included, the share of the different bigrams that end in it.

    Each sentence is read as `<s>` words `</s>`.

    Source: Kneser and Ney (1995), "Improved backing-off for m-gram language modeling".
    """
    bigrams = {pair for sentence in sentences for pair in pairwise(["<s>", *sentence, "</s>"])}
    distinct_left = Counter(word for _, word in bigrams)
    return {word: count / len(bigrams) for word, count in distinct_left.items()}


def _pairs(sentences: Sentences, start=("<s>",), end=("</s>",)) -> list[tuple[str, str]]:
    return [pair for sentence in sentences for pair in pairwise([*start, *sentence, *end])]


def _shares(words) -> Probs:
    counts = Counter(words)
    return {word: n / counts.total() for word, n in counts.items()}


def _seconds(pairs) -> Counter:
    return Counter(word for _, word in pairs)


def _over(counts: Counter, total: float) -> Probs:
    return {word: n / total for word, n in counts.items()}


def _words_only(sentences: Sentences) -> Probs:
    return _shares(chain.from_iterable(sentences))


continuation_probs = Exercise(
    continuation_probs,
    shown="different words before it, over all different bigrams: how many contexts a word completes.",
    hints=(
        "It doesn't matter how often a pair came, only which pairs there are. Which Python type forgets repeats?",
        'A set of pairs: {pair for s in sentences for pair in pairwise(["<s>", *s, "</s>"])}.',
        "Counter(word for _, word in bigrams) counts the pairs that end in each word. Divide by len(bigrams).",
    ),
    probes=(
        Probe(
            "one word after two others",
            ([["red", "kite"], ["blue", "kite"], ["red", "kite"]],),
            "Five different pairs: <s> red, red kite, kite </s>, <s> blue, blue kite. Two end in kite.",
        ),
        Probe(
            "frequent, but always after the same word",
            ([["may", "I"], ["may", "I"], ["may", "I"], ["may", "he"]],),
            "I came three times but always after may: it completes one context, as he does.",
        ),
        Probe(
            "the beginning counts as a word before",
            ([["cats", "eat"], ["cats", "sleep"], ["old", "cats"]],),
            "cats comes after <s> and after old: two different words before it.",
        ),
        Probe(
            "many words before the end",
            ([["go"], ["stop"], ["wait"]],),
            "</s> is predicted like a word: go, stop and wait came before it.",
        ),
        Probe("an empty sentence", ([[]],), "An empty sentence has one pair, <s> </s>."),
    ),
    mistakes=(
        Mistake(
            lambda s: _shares(word for _, word in _pairs(s)),
            "you counted how often each word came. Count the different words before it.",
        ),
        Mistake(_words_only, "these are relative frequencies of the words. Count the different words before each."),
        Mistake(
            lambda s: _shares(word for word, _ in set(_pairs(s))),
            "you counted the different words after each word. Count those before it.",
        ),
        Mistake(
            lambda s: dict(_seconds(set(_pairs(s)))),
            "these are numbers of words. Divide by the number of different bigrams.",
        ),
        Mistake(
            lambda s: _shares(word for _, word in set(_pairs(s, start=()))),
            "<s> is missing: the beginning counts as a word before.",
        ),
        Mistake(
            lambda s: _shares(word for _, word in set(_pairs(s, end=()))),
            "</s> is missing: the end is predicted like a word.",
        ),
        Mistake(
            lambda s: _shares(word for _, word in set(_pairs(s, start=(), end=()))),
            "both markers are missing. <s> counts as a word before, and </s> is predicted like a word.",
        ),
        Mistake(
            lambda s: _over(_seconds(set(_pairs(s))), len(_seconds(_pairs(s)))),
            "you divided by the number of different words. Divide by the number of different bigrams.",
        ),
        Mistake(
            lambda s: {"<s>": 0.0, **_over(_seconds(set(_pairs(s))), len(set(_pairs(s))))},
            "<s> is never predicted: leave it out.",
        ),
        Mistake(
            lambda s: dict.fromkeys(_seconds(_pairs(s)), 1 / len(_seconds(_pairs(s)))),
            "all words got the same. Count, for each word, the different words before it.",
        ),
        Mistake(
            lambda s: _shares(word for _, word in set(_pairs([list(chain.from_iterable(s))]))),
            "you glued the sentences together: no pair crosses from one into the next.",
        ),
        Mistake(
            lambda s: _over(_seconds(set(_pairs(s))), len(_pairs(s))),
            "you divided by all bigrams, repeats included. Divide by the number of different ones.",
        ),
        Mistake(
            lambda s: _over(_seconds(set(_pairs([x for x in s if x]))), len(set(_pairs([x for x in s if x]))) or 1),
            "you left out the empty sentence. It has one pair, <s> </s>.",
        ),
    ),
)
