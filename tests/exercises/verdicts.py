"""Make tests of answers: `test_a_loop = right(exercises.top_k)(lambda probs, k: ...)`, or as decorators.

Only for what no mistake in the exercise's file covers: other ways to be right, and plausible answers that are wrong.
"""


def right(exercise):
    """Make a test that the answer is right."""
    return told(exercise, "right: ")


def wrong(exercise, phrase):
    """Make a test that the answer is wrong, and its author told `phrase` in the first line."""
    return told(exercise, "wrong: ", phrase)


def told(exercise, beginning, phrase=""):
    def test_of(answer):
        def test():
            first_line = exercise.check(answer).message.splitlines()[0]
            assert first_line.startswith(beginning), first_line
            assert phrase in first_line, first_line

        return test

    return test_of
