"""Answers to exercises as tests: `test_a_loop = right(exercises.top_k)(lambda probs, k: ...)`, or as decorators.

Only for what no mistake in the exercise's file covers: other ways to be right, and plausible answers that are wrong.
"""


def right(exercise):
    """Make a test of another right answer."""

    def test_of(answer):
        def test():
            message = exercise.check(answer).message
            assert message.startswith("right: "), message

        return test

    return test_of


def wrong(exercise, phrase):
    """Make a test of a wrong answer whose author must be told `phrase` in the first line."""

    def test_of(answer):
        def test():
            first_line = exercise.check(answer).message.splitlines()[0]
            assert first_line.startswith("wrong: "), first_line
            assert phrase in first_line

        return test

    return test_of
