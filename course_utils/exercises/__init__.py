"""Exercises with a check, hints and a solution: a package per topic, a file per exercise, named after it.

In a notebook: `from course_utils.exercises import decoding as exercises`, then `exercises.top_p.check(top_p)`.

A file holds a plain reference, the probes, each an input with its title and the sentence for who fails there, and each
typical wrong answer after the whole sentence that its author must be told; steps they share stand above the list:

    def doubled(tokens: list[int]) -> list[int]:
        \"""Return tokens twice, one copy after the other.\"""
        return tokens + tokens

    exercise = Exercise(
        doubled,
        minutes=2,
        difficulty=1,
        shown="a list times two is the list twice.",
        hints=("What does + do with two lists?", "It joins them.", "tokens + tokens"),
        probes=probes(
            ("two tokens", [3, 4]),
            "Join tokens with itself.",
            ("none", []),
            "Return [].",
        ),
        hidden=probes(("three tokens", [7, 7, 5]), "Don't rely on how long the list is."),
    )

    exercise.add_mistakes(
        "each number is doubled. Repeat the list, not its values.",
        lambda tokens: [2 * token for token in tokens],
        "the copies are interleaved. Put one after the other.",
        lambda tokens: [token for token in tokens for _ in range(2)],
    )

The topic's `__init__.py` offers it under its name; a notebook has a heading that begins with "### Exercise", the line
"*About 2 minutes, difficulty 1 of 3.*" under it, a stub, and a cell that checks it. Then the tests find it by
themselves, want three hints and five mistakes, and try each mistake: it must be wrong and meet its own sentence.
Crashes, answers of a wrong kind and inputs changed in place need no mistake: the check tells them for every exercise.
"""
