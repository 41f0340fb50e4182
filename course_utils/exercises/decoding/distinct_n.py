"""Distinct-n: how diverse a text is."""

from course_utils.exercises.core import Exercise, probes


def distinct_n(tokens: list[int], n: int) -> float:
    """Return the share of a text's n-grams that are different; 0.0 if it is shorter than n.

    After Li, Galley, Brockett, Gao and Dolan (2016), "A Diversity-Promoting Objective Function for Neural
    Conversation Models", section 5, who divide by the number of tokens.
    """
    ngrams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return len(set(ngrams)) / len(ngrams) if ngrams else 0.0


exercise = Exercise(
    distinct_n,
    minutes=10,
    difficulty=1,
    shown="different n-grams over all n-grams.",
    hints=(
        "List all n-grams first: every run of n tokens, overlaps included. How many are there in a text of length L?",
        "[tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]: tuples can go into a set, lists can't.",
        "len(set(ngrams)) / len(ngrams), and 0.0 when there is no n-gram.",
    ),
    probes=probes(
        ("single tokens", [1, 2, 2, 1, 3], 1),
        "Divide the number of different tokens by the number of tokens.",
        ("pairs", [1, 1, 2, 1, 2, 2], 2),
        "The pairs overlap: 11, 12, 21, 12, 22. Four of five are different.",
        ("triples", [1, 2, 3, 1, 2, 3], 3),
        "The triples overlap: 123, 231, 312, 123. Three of four differ.",
        ("a text as long as n", [4, 5], 2),
        "A text of n tokens has one n-gram.",
        ("a text shorter than n", [7], 2),
        "There is no n-gram: return 0.0.",
        ("an empty text", [], 1),
        "There is no n-gram: return 0.0.",
        ("(1, 11) is not (11, 1)", [1, 11, 1], 2),
        "Compare n-grams as tuples of ids.",
    ),
    hidden=probes(("quadruples", [5, 5, 5, 5, 5, 6], 4), "n may be any number: slice n tokens."),
)

ngrams = lambda tokens, n: [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
share = lambda pieces: len(set(pieces)) / len(pieces)  # what a student does last

exercise.add_mistakes(
    "this is a number of n-grams. Divide by how many there are in all.",
    lambda tokens, n: len(set(ngrams(tokens, n))),
    "this is the share that repeats. Return the share that is different.",
    lambda tokens, n: 1 - share(ngrams(tokens, n)),
    "the fraction is upside down: different n-grams over all n-grams.",
    lambda tokens, n: 1 / share(ngrams(tokens, n)),
    "you counted n-grams that occur once. Count each different n-gram once, however often it occurs.",
    lambda tokens, n: sum(ngrams(tokens, n).count(g) == 1 for g in ngrams(tokens, n)) / len(ngrams(tokens, n)),
    "you divided by the number of tokens. A text of L tokens has L - n + 1 n-grams.",
    lambda tokens, n: len(set(ngrams(tokens, n))) / len(tokens),
    "n has no effect: you counted different tokens, not n-grams.",
    lambda tokens, n: share(tokens),
    "n has no effect: you took pairs. An n-gram has n tokens.",
    lambda tokens, n: share(ngrams(tokens, 2)) if len(tokens) > 1 else 0.0,
    "you divided by L - n. A text of L tokens has L - n + 1 n-grams.",
    lambda tokens, n: len(set(ngrams(tokens, n))) / max(len(tokens) - n, 1),
    "this is a percentage. Return a share between 0 and 1.",
    lambda tokens, n: 100 * share(ngrams(tokens, n)),
    "you divided different tokens by n-grams. Put the n-grams into the set.",
    lambda tokens, n: len(set(tokens)) / (len(tokens) - n + 1),
    "your n-grams don't overlap. Start one at every token: range step 1.",
    lambda tokens, n: share(ngrams(tokens, n)[::n]),
    "the last n-gram is missing: the range ends at len(tokens) - n + 1.",
    lambda tokens, n: share(ngrams(tokens, n)[:-1]),
    "you counted shorter pieces at the end. The range stops at len(tokens) - n + 1.",
    lambda tokens, n: share([tuple(tokens[i : i + n]) for i in range(len(tokens))]),
    "you ignored the order inside an n-gram. (1, 2) and (2, 1) are different.",
    lambda tokens, n: share([tuple(sorted(ngram)) for ngram in ngrams(tokens, n)]),
    "a text without an n-gram gets 0.0, not 1.0.",
    lambda tokens, n: share(ngrams(tokens, n)) if len(tokens) >= n else 1.0,
    "you glued ids together as text: 1, 11 and 11, 1 both become “111”. Use tuples.",
    lambda tokens, n: share(["".join(map(str, ngram)) for ngram in ngrams(tokens, n)]) if len(tokens) >= n else 0.0,
)
