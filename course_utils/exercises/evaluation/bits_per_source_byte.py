"""What a tokenizer that forgets has to pay: unknown words are spelled, and bytes are those of the source."""

import math
from statistics import fmean

from course_utils.exercises.core import Exercise, probes


def bits_per_source_byte(source: str, nats: list[float], vocabulary: list[str]) -> float:
    """Return the bits per byte with which a model of words and a speller can write down a text.

    The tokenizer cuts the source at its single spaces, and gives the model <unk> for each word that isn't in the
    vocabulary. From <unk> nobody can restore the word. Each time, it is spelled behind the <unk>: 8 bits for each byte
    of it in UTF-8, and 8 bits for a byte that ends it.

    Args:
        source: the text itself.
        nats: -ln of the probability that the model gave to each word, or to <unk> in its place.
        vocabulary: the words that the model knows, as they are written.
    """
    unknown = [word for word in source.split(" ") if word not in vocabulary]
    spelled = sum(8 * (len(word.encode()) + 1) for word in unknown)
    return (sum(nats) / math.log(2) + spelled) / len(source.encode())


exercise = Exercise(
    bits_per_source_byte,
    minutes=20,
    difficulty=2,
    shown="what the tokenizer has thrown away must be paid for, and the bytes are those that had to be written.",
    hints=(
        "Think of a file from which somebody has to restore the source, byte by byte. What has to stand in it?",
        "The surprises of all words and <unk>s, in bits; then the spelling of each unknown word, in bits too.",
        "(sum(nats) / math.log(2) + sum(8 * (len(word.encode()) + 1) for each unknown word)) / len(source.encode())",
    ),
    probes=probes(
        ("all words known", "the dog", [math.log(2), 3 * math.log(2)], ["a", "dog", "the"]),
        "Four bits for seven bytes, the space included.",
        ("a character of two bytes", "the café", [math.log(2), 2 * math.log(2)], ["café", "the"]),
        "é has two bytes in UTF-8, so this text has nine.",
        ("an unknown word", "the quay", [math.log(2), math.log(2)], ["the"]),
        "One bit for the first word, one for <unk>, and 8 * 5 to spell q, u, a, y and the end.",
        ("an unknown word that isn't ASCII", "the île", [math.log(2), math.log(2)], ["the"]),
        "î has two bytes: 8 * 5 bits to spell the word and its end.",
        ("an unknown word, twice", "quay the quay", [math.log(2)] * 3, ["the"]),
        "The speller remembers nothing: it has to spell the word each time.",
        ("a word with a capital", "The dog", [math.log(2), math.log(2)], ["dog", "the"]),
        "The model doesn't know The, only the; the source has a capital, and somebody has to write it.",
        ("a model that knows nothing", "ox ox", [0.0, 0.0], []),
        "It says <unk>, and is never surprised: its perplexity is 1. Yet all of the text has to be spelled: 48 bits.",
    ),
    hidden=probes(
        ("a sentence", "Über den Fluß in an hour", [3.1, 0.4, 2.2, 1.7, 0.9, 4.0], ["in", "an", "den", "hour"]),
        "All bits, those of the spelling among them, over all bytes of the source.",
    ),
)


def spelling(words):
    return sum(8 * (len(word.encode()) + 1) for word in words)


def cost(
    nats=lambda nats, known: sum(nats) / math.log(2),
    spelled=spelling,
    size=lambda source, seen: len(source.encode()),
    knows=lambda word, vocabulary: word in vocabulary,
):
    """What students vary: the bits of the model, those of the spelling, the bytes, and what counts as known."""

    def answer(source, surprises, vocabulary):
        words = source.split(" ")
        known = [knows(word, vocabulary) for word in words]
        seen = " ".join(word if is_known else "<unk>" for word, is_known in zip(words, known, strict=True))
        unknown = [word for word, is_known in zip(words, known, strict=True) if not is_known]
        return (nats(surprises, known) + spelled(unknown)) / size(source, seen)

    return answer


exercise.add_mistakes(
    "these are nats. Divide by ln 2 for bits.",
    cost(nats=lambda nats, known: sum(nats)),
    "this is the mean of the words' surprises. Add them up, and divide by bytes.",
    cost(nats=lambda nats, known: fmean(nats) / math.log(2)),
    "this is per word. Divide by the bytes of the source.",
    cost(size=lambda source, seen: len(source.split(" "))),
    "these are characters. Count bytes.",
    cost(size=lambda source, seen: len(source)),
    "the spaces are bytes of the source too.",
    cost(size=lambda source, seen: len(source.replace(" ", "").encode())),
    "unknown words are free here: the fewer words a model knew, the better it would look. Have them spelled.",
    cost(spelled=lambda words: 0),
    "the bytes are those of the text that the tokenizer gives back, with <unk> in it, and unknown words are free.",
    cost(spelled=lambda words: 0, size=lambda source, seen: len(seen.encode())),
    "the bytes are those of the text that the tokenizer gives back, with <unk> in it. Count those of the source.",
    cost(size=lambda source, seen: len(seen.encode())),
    "the byte that ends a spelled word is missing: without it, nobody knows where the word ends.",
    cost(spelled=lambda words: sum(8 * len(word.encode()) for word in words)),
    "nats and bits were added, and both divided by ln 2. Only the surprises are in nats.",
    cost(spelled=lambda words: spelling(words) / math.log(2)),
    "these are bytes of spelling, not bits: 8 for each.",
    cost(spelled=lambda words: spelling(words) / 8),
    "the surprise of <unk> is left out. The speller takes over only when the model has said <unk>.",
    cost(nats=lambda nats, known: sum(n for n, is_known in zip(nats, known, strict=True) if is_known) / math.log(2)),
    "the spelling counts characters. Count bytes.",
    cost(spelled=lambda words: sum(8 * (len(word) + 1) for word in words)),
    "each unknown word is spelled once. The speller doesn't remember it: spell it each time.",
    cost(spelled=lambda words: spelling(set(words))),
    "The was taken for the: then the capital is lost. Look words up as they are written.",
    cost(knows=lambda word, vocabulary: word.lower() in vocabulary),
)
