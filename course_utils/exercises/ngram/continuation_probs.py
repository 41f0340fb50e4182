"""The continuation probability of Kneser and Ney: how many contexts a word completes."""

from collections import Counter
from itertools import chain, pairwise

from course_utils.exercises.core import Exercise, probes
from course_utils.exercises.ngram.bigram_probs import pairs


def continuation_probs(sentences: list[list[str]]) -> dict[str, float]:
    """Return for each word, `</s>` included, the share of the different bigrams that end in it.

    Each sentence is read as `<s>` words `</s>`.

    Source: Kneser and Ney (1995), "Improved backing-off for m-gram language modeling".
    """
    bigrams = {pair for sentence in sentences for pair in pairwise(["<s>", *sentence, "</s>"])}
    distinct_left = Counter(word for _, word in bigrams)
    return {word: count / len(bigrams) for word, count in distinct_left.items()}


exercise = Exercise(
    continuation_probs,
    minutes=15,
    difficulty=2,
    shown="different words before it, over all different bigrams: how many contexts a word completes.",
    hints=(
        "It doesn't matter how often a pair came, only which pairs there are. Which Python type forgets repeats?",
        'A set of pairs: {pair for s in sentences for pair in pairwise(["<s>", *s, "</s>"])}.',
        "Counter(word for _, word in bigrams) counts the pairs that end in each word. Divide by len(bigrams).",
    ),
    probes=probes(
        ("one word after two others", [["red", "kite"], ["blue", "kite"], ["red", "kite"]]),
        "Five different pairs: <s> red, red kite, kite </s>, <s> blue, blue kite. Two end in kite.",
        ("frequent, but always after the same word", [["may", "I"], ["may", "I"], ["may", "I"], ["may", "he"]]),
        "I came three times but always after may: it completes one context, as he does.",
        ("the beginning counts as a word before", [["cats", "eat"], ["cats", "sleep"], ["old", "cats"]]),
        "cats comes after <s> and after old: two different words before it.",
        ("many words before the end", [["go"], ["stop"], ["wait"]]),
        "</s> is predicted like a word: go, stop and wait came before it.",
        ("an empty sentence", [[]]),
        "An empty sentence has one pair, <s> </s>.",
    ),
    hidden=probes(
        ("a word after itself", [["so", "so", "it", "goes"], [], ["it", "so", "so"], ["goes", "it"]]),
        "Count, for each word, the different words before it, <s> and the word itself included.",
    ),
)

ends = lambda pairs: Counter(word for _, word in pairs)
over = lambda counts, total: {word: count / total for word, count in counts.items()}
shares = lambda pairs: over(ends(pairs), len(pairs))

exercise.add_mistakes(
    "you counted how often each word came. Count the different words before it.",
    lambda sentences: shares(pairs(sentences)),
    "these are relative frequencies of the words. Count the different words before each.",
    lambda sentences: shares(pairs(sentences, end=())),
    "you counted the different words after each word. Count those before it.",
    lambda sentences: shares({(word, context) for context, word in pairs(sentences)}),
    "these are numbers of words. Divide by the number of different bigrams.",
    lambda sentences: ends(set(pairs(sentences))),
    "<s> is missing: the beginning counts as a word before.",
    lambda sentences: shares(set(pairs(sentences, start=()))),
    "</s> is missing: the end is predicted like a word.",
    lambda sentences: shares(set(pairs(sentences, end=()))),
    "both markers are missing. <s> counts as a word before, and </s> is predicted like a word.",
    lambda sentences: shares(set(pairs(sentences, start=(), end=()))),
    "you divided by the number of different words. Divide by the number of different bigrams.",
    lambda sentences: over(ends(set(pairs(sentences))), len(ends(pairs(sentences)))),
    "<s> is never predicted: leave it out.",
    lambda sentences: {"<s>": 0.0, **continuation_probs(sentences)},
    "all words got the same. Count, for each word, the different words before it.",
    lambda sentences: dict.fromkeys(ends(pairs(sentences)), 1 / len(ends(pairs(sentences)))),
    "you glued the sentences together: no pair crosses from one into the next.",
    lambda sentences: shares(set(pairs([chain.from_iterable(sentences)]))),
    "you divided by all bigrams, repeats included. Divide by the number of different ones.",
    lambda sentences: over(ends(set(pairs(sentences))), len(pairs(sentences))),
    "you rounded. Round only what you print.",
    lambda sentences: {word: round(p, 3) for word, p in continuation_probs(sentences).items()},
    "you left out the empty sentence. It has one pair, <s> </s>.",
    lambda sentences: shares(set(pairs(filter(None, sentences)))),
)
