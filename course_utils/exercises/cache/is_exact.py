"""A test that finds the bugs of real caches: whatever the pieces, a reader must give what reading at once gives."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.exercises.cache import _readers as readers
from course_utils.exercises.cache._readers import Joining, whole
from course_utils.exercises.core import Exercise, probes


def is_exact(new_reader: Callable[[], Joining], whole: Callable[[Tensor], Tensor]) -> bool:
    """Say whether a reader with a cache gives what reading without one gives, rounding allowed.

    Args:
        new_reader: makes a reader. Its read(x) takes the next vectors of a text, (T, d) with an even d, and returns as
            many outputs (T, d). A text may have 32 vectors in all; reset() begins another one.
        whole: takes all vectors of a text at once, and returns all outputs, without a cache.

    Sources of the bugs: beside each reader, in `_readers.py`.
    """
    reader = new_reader()
    for text in torch.randn(2, 32, 8, generator=torch.Generator().manual_seed(0)):
        reader.reset()
        pieces = text.split([5, 1, 1, 6, 3, 16])  # a prompt, single tokens, and more pieces of several
        outputs = torch.cat([reader.read(piece) for piece in pieces])
        if not torch.allclose(outputs, whole(text), atol=1e-5):
            return False
    return True


exercise = Exercise(
    is_exact,
    minutes=25,
    difficulty=3,
    shown="your test lets every right cache pass, and finds eleven bugs.",
    hints=(
        "Read a random text piece by piece, torch.cat the outputs, and compare them with whole(text).",
        "Which pieces? A prompt, then single tokens, then several at once, in other lengths: text.split([5, 1, 6]).",
        "Take 32 vectors, for a buffer may have to grow, and a second text after reset(). Compare every output: "
        "torch.allclose(outputs, whole(text), atol=1e-5).",
    ),
    probes=probes(
        ("a reader that looks at empty slots", readers.WithEmptySlots, whole),
        "Each output of this reader is wrong, already in a text's first piece: it looks at empty slots of its buffer.",
        ("a right reader that reads all again each time", readers.Rereading, whole),
        "This reader is exact. It saves no time, but that isn't what you test here: return True.",
        ("a right reader", readers.Joining, whole),
        "This reader is right: return True. Allow a difference of 1e-5, for sums in another order round differently.",
        ("a reader that begins each piece at position 0", readers.FromZero, whole),
        "The user sees a text that loses its thread after the prompt: each piece begins at position 0 again.",
        ("a reader whose cache is never active", readers.NeverActive, whole),
        "Each piece is read as if nothing came before: the second one is wrong from its first token on.",
        ("a reader that never stores the first token", readers.WithoutTheFirst, whole),
        "The prompt is right, and everything after it slightly wrong: the first key and value aren't in the cache.",
        ("a reader whose mask is in the wrong corner", readers.UpperLeft, whole),
        "The user sees that a long prompt read in two pieces is forgotten. Single tokens are right: read several.",
        ("a reader that counts along the wrong axis", readers.WrongAxis, whole),
        "It advances by d positions, not by T, which is right for pieces of d tokens: take others.",
        ("a reader that counts the prompt twice", readers.CountedTwice, whole),
        "From the third piece on its positions are too large: the length of the piece before is added.",
        ("a reader without a mask after a past", readers.Unmasked, whole),
        "After a past, the tokens of one piece see each other's future. The last one of a piece has none: compare all.",
        ("a reader that doesn't forget", readers.Unforgetting, whole),
        "The first answer is right, the second knows the first user's text: read another text after reset().",
        ("a right reader with a buffer", readers.Buffered, whole),
        "This reader is right: its buffer has room for 32 tokens from the beginning.",
        ("a reader that grows wrongly", readers.Scrambled, whole),
        "The user sees nonsense, but only in long texts: this buffer has room for 16 tokens, and is scrambled when it "
        "grows. Read 32.",
        ("a right reader that grows", readers.Growing, whole),
        "This reader is right: its buffer begins small, and grows.",
    ),
    hidden=probes(
        ("a reader that keeps bfloat16", readers.Rounded, whole),
        "It rounds keys and values to bfloat16, an error of some thousandths: your tolerance is too wide.",
        ("a right reader that computes in float64", readers.InDouble, whole),
        "Rounding in another way isn't a bug: allow differences of about 1e-5.",
    ),
)


def reading(*splits, atol=1e-5, last=False, forget=False, fill=None):
    """Return a test that reads texts in pieces of these lengths; forget: each with a reader of its own."""

    def answer(new_reader, whole):
        reader = new_reader()
        for number, lengths in enumerate(splits):
            text = torch.randn(sum(lengths), 8, generator=torch.Generator().manual_seed(number))
            text = text if fill is None else torch.full_like(text, fill)
            reader = new_reader() if forget else reader
            reader.reset()
            got, right = torch.cat([reader.read(piece) for piece in text.split(lengths)]), whole(text)
            got, right = (got[-1], right[-1]) if last else (got, right)
            if not (torch.equal(got, right) if atol is None else torch.allclose(got, right, atol=atol, rtol=atol)):
                return False
        return True

    return answer


PIECES = [5, 1, 1, 6, 3, 16]

exercise.add_mistakes(
    "your test passes a reader that looks at empty slots of its buffer. True means exact: are your answers the wrong "
    "way round? Or do you compare only shapes, or only which number is largest? Compare all numbers.",
    lambda new_reader, whole: True,
    "your test passes a reader that looks at empty slots of its buffer. True means exact: are your answers the wrong "
    "way round? Or do you compare only shapes, or only which number is largest? Compare all numbers.",
    lambda new_reader, whole: not is_exact(new_reader, whole),
    "your test says no to a right reader. Give whole() the whole text, compare all outputs with all of its rows, and "
    "call reset() before another text.",
    lambda new_reader, whole: False,
    "your test is too strict: sums in another order round differently. Instead of == or torch.equal, or torch.allclose "
    "with its own atol of 1e-8, use torch.allclose(a, b, atol=1e-5).",
    reading(PIECES, PIECES, atol=None),
    "nothing depends on positions in your test. Either it reads the text in one piece, which uses no cache, or looks "
    "at the first output only, or all its vectors are alike. Read a random text in pieces.",
    reading([32], [32]),
    "nothing depends on positions in your test. Either it reads the text in one piece, which uses no cache, or looks "
    "at the first output only, or all its vectors are alike. Read a random text in pieces.",
    reading(PIECES, PIECES, fill=1.0),
    "after the prompt your test reads single tokens only. A prompt may come in several pieces: read several at once.",
    reading([5, *[1] * 27], [32]),
    "after the prompt your test reads single tokens only. A prompt may come in several pieces: read several at once.",
    reading([1] * 32, [1] * 32),
    "all your pieces are as long as your vectors, and nothing shows which of the two is counted. Take other lengths.",
    reading([8] * 4, [8] * 4),
    "two pieces aren't enough, and neither are equal ones: this reader goes wrong from the third on, if their lengths "
    "differ.",
    reading([12, 20], [20, 12]),
    "two pieces aren't enough, and neither are equal ones: this reader goes wrong from the third on, if their lengths "
    "differ.",
    reading([6] * 5, [6] * 5),
    "your test looks at the last output only. There this reader is right: compare all outputs.",
    reading(PIECES, PIECES, last=True),
    "your test reads one text, or makes a new reader for each. The second text of the same reader shows this bug: call "
    "reset() in between.",
    reading(PIECES),
    "your test reads one text, or makes a new reader for each. The second text of the same reader shows this bug: call "
    "reset() in between.",
    reading(PIECES, PIECES, forget=True),
    "your texts are too short: a buffer that has to grow shows its bug only then. Read all of the 32 tokens allowed.",
    reading([5, 1, 1, 6], [4, 2, 1]),
    "your tolerance is too wide: rounding keys and values to bfloat16 passes. In float32 about 1e-5 is enough.",
    reading(PIECES, PIECES, atol=2e-2),
)
