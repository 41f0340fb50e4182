"""Asking a back-off model that is stored as a table, as ARPA files hold it."""

from course_utils.exercises.core import Exercise, probes

Table = dict[tuple[str, ...], tuple[float, float]]


def backoff_log10(table: Table, words: list[str]) -> float:
    """Return log10 P(last word | the words before it) of a model stored as n-gram -> (log10 P, log10 weight).

    An n-gram that isn't listed has the weight of its context, if that is listed, and the log-probability of the n-gram
    without its first word. A single word that isn't listed counts as `<unk>`.

    Source: Katz (1987), "Estimation of Probabilities from Sparse Data", and the ARPA format.
    """
    ngram = tuple(words)
    if ngram in table:
        return table[ngram][0]
    if len(ngram) == 1:
        return table[("<unk>",)][0]
    weight = table[ngram[:-1]][1] if ngram[:-1] in table else 0.0
    return weight + backoff_log10(table, words[1:])


TABLE = {
    ("<unk>",): (-2.0, 0.0),
    ("the",): (-0.5, -0.3),
    ("red",): (-1.2, -0.2),
    ("kite",): (-1.0, -0.4),
    ("the", "red"): (-0.7, -0.25),
    ("red", "kite"): (-0.1, -0.15),
    ("the", "red", "kite"): (-0.05, 0.0),
}

exercise = Exercise(
    backoff_log10,
    minutes=20,
    difficulty=2,
    shown="listed: its own number. Not listed: the weight of the context, plus the shorter n-gram's number.",
    hints=(
        "Look the whole n-gram up first. Only if it isn't there does anything else happen.",
        "If it isn't there, add the weight of its context, all words but the last, to the answer for words[1:].",
        "A context that isn't listed hands over everything: weight 1, whose logarithm is 0. At one word, use <unk>.",
    ),
    probes=probes(
        ("a listed word", TABLE, ["kite"]),
        "The n-gram is listed: its first number is the answer.",
        ("a listed trigram", TABLE, ["the", "red", "kite"]),
        "The n-gram is listed: no back-off, and no weight.",
        ("one step back", TABLE, ["red", "the"]),
        "red the isn't listed: the weight of red, plus log10 P(the).",
        ("two steps back", TABLE, ["the", "red", "the"]),
        "The weight of the red, plus the weight of red, plus log10 P(the).",
        ("a context that isn't listed", TABLE, ["kite", "the", "red"]),
        "kite the isn't listed, so its weight is 1, in logarithms 0; the answer is that of the red.",
        ("an unknown word", TABLE, ["the", "blue"]),
        "blue isn't listed at all: it counts as <unk>, after the weight of the.",
        ("an unknown word in the context", TABLE, ["blue", "kite"]),
        "blue isn't listed as a context: weight 0, and the answer of kite.",
    ),
    hidden=probes(
        ("a longer history", TABLE, ["the", "kite", "red", "kite", "blue"]),
        "Go on dropping the first word until an n-gram is listed, adding the weight of each context that is.",
    ),
)


def shorter(weight_of, unknown=lambda table: table[("<unk>",)][0], rest=lambda words: words[1:]):
    """What a student varies: the weight of a step back, what an unknown word gets, which words stay."""

    def look_up(table, words):
        ngram = tuple(words)
        if ngram in table:
            return table[ngram][0]
        return unknown(table) if len(ngram) == 1 else weight_of(table, ngram) + look_up(table, rest(words))

    return look_up


weight = lambda table, ngram: table.get(ngram, (0.0, 0.0))[1]

exercise.add_mistakes(
    "the weight of the context is missing: without it the probabilities sum to more than 1.",
    shorter(lambda *_: 0.0),
    "you took the weight of the shorter n-gram. The weight belongs to the context, all words but the last.",
    shorter(lambda table, ngram: weight(table, ngram[1:])),
    "you multiplied. In logarithms a product is a sum: add the weight.",
    lambda table, words: (
        table[tuple(words)][0]
        if tuple(words) in table
        else table[("<unk>",)][0]
        if len(words) == 1
        else weight(table, tuple(words[:-1])) * backoff_log10(table, words[1:])
    ),
    "this is a probability. Return its log10, as the table does.",
    lambda table, words: 10 ** backoff_log10(table, words),
    "you added the weight though the n-gram is listed. A listed n-gram needs no back-off.",
    lambda table, words: weight(table, tuple(words[:-1])) + backoff_log10(table, words),
    "you went straight to the single word. Drop one word at a time: the order between may be listed.",
    lambda table, words: (
        table[tuple(words)][0]
        if tuple(words) in table
        else weight(table, tuple(words[:-1])) + backoff_log10(table, words[-1:])
    ),
    "you subtracted the weight. Its logarithm is below 0 already: add it.",
    shorter(lambda table, ngram: -weight(table, ngram[:-1])),
    "an unknown word got probability 0. It counts as <unk>.",
    shorter(lambda table, ngram: weight(table, ngram[:-1]), unknown=lambda table: -float("inf")),
)
