"""Make tests of answers: `test_a_loop = right(exercises.top_k)(lambda probs, k: ...)`, or as decorators.

Only for what no mistake in the exercise's file covers: other ways to be right, and plausible answers that are wrong.
"""


def first_line(result):
    return result.message.splitlines()[0]


def right(exercise):
    """Make a test that the answer is right."""
    return told(exercise, "right: ")


def wrong(exercise, phrase):
    """Make a test that the answer is wrong, and its author told `phrase` in the first line."""
    return told(exercise, "wrong: ", phrase)


def told(exercise, beginning, phrase=""):
    def test_of(answer):
        def test():
            line = first_line(exercise.check(answer))
            assert line.startswith(beginning)
            assert phrase in line

        return test

    return test_of
