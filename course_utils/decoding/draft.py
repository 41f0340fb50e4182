"""A cheap guess of how a text goes on, for speculative decoding."""

from collections import Counter
from collections.abc import Sequence

from course_utils.checks import number, whole_number


class NGramDraft:
    """Guesses that a text goes on as its last tokens most often did before, in this text and others.

    Args:
        order: n; the last n - 1 tokens are looked up first, then fewer, down to one.
        texts: token ids of what has been read before.
        least_share: where no token followed in at least this share of the cases, nothing is guessed.

    Raises:
        ValueError: order is less than 2, or least_share out of 0 .. 1.

    Source: Saxena (2023), "Prompt Lookup Decoding", for looking in the text itself.
    """

    def __init__(self, order: int = 4, texts: Sequence[Sequence[int]] = (), least_share: float = 0.7):
        self.order, self.least_share = whole_number("order", order, least=2), number("least_share", least_share)
        if not 0 <= self.least_share <= 1:
            raise ValueError(f"least_share must be in 0 .. 1, got {least_share}")
        self.following: dict[tuple[int, ...], Counter[int]] = {}
        self.read: list[int] = []  # of the present text
        for text in texts:
            self._count(list(text), 1)

    def _count(self, text: list[int], first: int) -> None:
        """Count each token from place `first` on behind the contexts before it."""
        for place in range(first, len(text)):
            for length in range(1, min(self.order - 1, place) + 1):
                context = tuple(text[place - length : place])
                self.following.setdefault(context, Counter())[text[place]] += 1

    def __call__(self, text: Sequence[int], most: int) -> list[int]:
        """Return at most so many tokens that may follow a text; what is new in it is counted first."""
        text = list(text)
        known = len(self.read) if text[: len(self.read)] == self.read else 0
        self._count(text, max(1, known))
        self.read = list(text)
        guess: list[int] = []
        while len(guess) < most:
            recent = (text + guess)[-(self.order - 1) :]
            contexts = (tuple(recent[start:]) for start in range(len(recent)))
            counts = next((self.following[context] for context in contexts if context in self.following), None)
            if counts is None:
                break
            (token, count), *_ = counts.most_common(1)
            if count < self.least_share * counts.total():
                break
            guess.append(token)
        return guess
