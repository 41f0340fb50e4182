"""Answers as students write them, each with the phrase that the check must tell its author."""

WRONG = {}  # name of the exercise -> [(function, phrase)]
RIGHT = {}  # name of the exercise -> [function]


def wrong(name, phrase):
    """Register a wrong answer to the exercise `name`, to be met with `phrase`."""

    def register(function):
        WRONG.setdefault(name, []).append((function, phrase))
        return function

    return register


def right(name):
    """Register another way to write a right answer."""

    def register(function):
        RIGHT.setdefault(name, []).append(function)
        return function

    return register
