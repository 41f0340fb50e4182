"""A real bug by its symptom: windows that don't overlap score too few tokens, by one for each window but the first."""

from course_utils.exercises.core import Exercise, probes


def scored_windows(n_tokens: int, context_length: int, stride: int) -> list[tuple[int, int, int]]:
    """Return windows in which each token of a text but the first is scored exactly once.

    A window is (begin, end, first_scored): the model reads the tokens begin .. end - 1, and of its predictions those of
    the tokens first_scored .. end - 1 count. It predicts each token that it reads except the first, which has nothing
    before it in the window. Windows begin at 0, stride, 2 stride, and so on; the last one may be shorter, and none
    follows that scores nothing.

    Args:
        n_tokens: tokens of the text; with fewer than two there is no window.
        context_length: the most tokens that the model reads.
        stride: from one window's beginning to the next.

    Raises:
        ValueError: stride isn't in 1 .. context_length - 1: windows that don't overlap leave a token unpredicted.

    Source of the bug: huggingface/transformers, issue 30975 (2024), which reports it for every stride. But where
    windows overlap, the token before the first one scored stands in the same window, so that nothing is lost.
    """
    if not 1 <= stride < context_length:
        raise ValueError(f"stride={stride} must be in 1 .. context_length - 1 = {context_length - 1}")
    windows = []
    begin, first_scored = 0, 1
    while first_scored < n_tokens:
        end = min(begin + context_length, n_tokens)
        windows.append((begin, end, first_scored))
        begin, first_scored = begin + stride, end
    return windows


exercise = Exercise(
    scored_windows,
    minutes=20,
    difficulty=2,
    shown="the scored parts join without a gap and without an overlap, from token 1 to the last.",
    hints=(
        "Write the windows for 7 tokens and a context of 4 on paper, and under each token how often it is scored.",
        "The first window scores from token 1 on. Each later one scores from where the one before it has ended.",
        "Keep two numbers, begin and first_scored. As long as first_scored < n_tokens: end = min(begin + "
        "context_length, n_tokens), append, then begin += stride and first_scored = end.",
    ),
    probes=probes(
        ("the text fits into one window", 5, 8, 4),
        "The model reads tokens 0 to 4, and scores 1 to 4: (0, 5, 1).",
        ("windows that share one token", 7, 4, 3),
        "The second window reads token 3 once more, so that it can predict token 4.",
        ("windows that share half", 10, 6, 3),
        "Tokens 3, 4 and 5 were scored by the first window. The second reads them and scores 6, 7 and 8.",
        ("one token at a time", 6, 4, 1),
        "With stride 1 each window but the first scores a single token, and the third one reaches the end.",
        ("the last window ends with the text", 9, 6, 3),
        "The second window reaches the end. A third one would have nothing to score.",
        ("windows that don't overlap", 8, 4, 4),
        "The second window would begin with token 4, and no window predicts that one: raise ValueError.",
        ("a single token", 1, 4, 2),
        "Nothing stands before it, so there is nothing to score: an empty list.",
    ),
    hidden=probes(
        ("a longer text", 23, 8, 5),
        "Windows begin a stride apart, and each scores from where the last one ended.",
        ("a stride of 0", 9, 4, 0),
        "Windows that never move on never end: raise ValueError.",
    ),
)


def windows(first_scored, begins=lambda n, context, stride: range(0, n - 1, stride), largest=-1, stops=True):
    """What students vary: where windows begin, which token is the first scored, the largest stride, when to stop."""

    def answer(n_tokens, context_length, stride):
        if not 1 <= stride <= context_length + largest:
            raise ValueError
        found, last_end = [], 0
        for begin in begins(n_tokens, context_length, stride):
            end = min(begin + context_length, n_tokens)
            found.append((begin, end, first_scored(begin, last_end, context_length, stride)))
            last_end = end
            if stops and end == n_tokens:
                break
        return found

    return answer


right = lambda begin, last_end, *_: max(1, last_end)
moved_back = lambda found, context: [(max(0, min(begin, end - context)), end, first) for begin, end, first in found]

TOO_MANY = "windows go on to be made after one has reached the end; they have nothing left to score."
exercise.add_mistakes(
    "token 0 is scored, but nothing stands before it. The first window scores from token 1 on.",
    windows(lambda begin, last_end, *_: last_end),
    "each window scores all that it can, so tokens that two windows share are scored twice.",
    windows(lambda begin, *_: begin + 1),
    "first_scored counts from the beginning of the window. Count from that of the text.",
    windows(lambda begin, last_end, *_: max(1, last_end) - begin),
    "this always scores the last `stride` tokens. The first window has nobody before it: it scores from token 1 on.",
    windows(lambda begin, last_end, context, stride: begin + context - stride),
    "a token is missing between two windows: the next one scores from `end` on, for end - 1 was the last one scored.",
    windows(lambda begin, last_end, *_: last_end + 1),
    "the windows don't overlap: each begins where the last one ended, whatever the stride.",
    windows(right, begins=lambda n, context, stride: range(0, n - 1, context)),
    "the text's last tokens are never scored: the last window may be shorter.",
    windows(right, begins=lambda n, context, stride: range(0, max(1, n - context + 1), stride)),
    "the last window was moved back to be full. Let it begin a stride after the one before it.",
    lambda n, context, stride: moved_back(scored_windows(n, context, stride), context),
    "`end` is the number behind the last token, as in range and in slices.",
    lambda *args: [(begin, end - 1, first) for begin, end, first in scored_windows(*args)],
    TOO_MANY,
    windows(right, stops=False),
    TOO_MANY,
    windows(right, begins=lambda n, context, stride: range(0, n, stride), stops=False),
    "this is the bug itself: the second window is to score its own first token, which nothing in it predicts. The "
    "model drops it silently. Refuse such a stride.",
    windows(right, largest=0),
    "the first token of the second window is never scored. Refuse a stride that leaves no overlap.",
    windows(lambda begin, last_end, *_: max(begin + 1, last_end), largest=0),
)
