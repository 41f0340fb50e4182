"""WordPiece's way to cut a word: the longest token that fits, from left to right."""

from itertools import combinations, pairwise

from course_utils.exercises.core import Exercise, probes


def wordpiece(word: str, vocabulary: list[str]) -> list[str]:
    """Cut a word into tokens as BERT does: always the longest that fits; ["[UNK]"] if at one place none does.

    A token that continues a word is written with ## before it.

    Source: Schuster and Nakajima (2012), "Japanese and Korean voice search"; as in Devlin et al. (2019), "BERT".
    """
    tokens: list[str] = []
    start = 0
    while start < len(word):
        mark = "##" if start else ""
        ends = range(len(word), start, -1)  # the longest first
        end = next((end for end in ends if mark + word[start:end] in vocabulary), None)
        if end is None:
            return ["[UNK]"]
        tokens.append(mark + word[start:end])
        start = end
    return tokens


exercise = Exercise(
    wordpiece,
    minutes=15,
    difficulty=2,
    shown="the longest token that fits, from the left, and the whole word unknown where none does.",
    hints=(
        "Stand at the beginning of the word. Which of the beginnings that are tokens is the longest? Take it, and "
        "stand where it ends.",
        "At start the candidates are word[start:end] for end from len(word) down to start + 1; if start isn't 0, look "
        'for "##" + word[start:end].',
        'If no end fits, return ["[UNK]"] at once, whatever was found before; else append the token and go on with '
        "start = end.",
    ),
    probes=probes(
        ("a word that is a token", "hat", ["hat", "h", "##a", "##t"]),
        "hat itself is in the vocabulary.",
        ("a beginning and an end", "hats", ["ha", "##ts", "t", "s"]),
        "ha, and then ##ts: what continues a word has ## before it.",
        ("the longest beginning wins", "token", ["t", "to", "tok", "##k", "##e", "##en", "##n"]),
        "tok is longer than to and t; after it ##en is longer than ##e.",
        ("a continuation that only begins words", "anthem", ["an", "them", "##t", "##hem"]),
        "them isn't marked with ##, so it can't continue a word: an ##t ##hem.",
        ("a token that only continues words", "she", ["##she", "s", "##he"]),
        "##she can't begin a word: s ##he.",
        ("nothing fits at the end", "cats", ["cat", "c", "##at"]),
        "No token continues with s: the whole word is [UNK].",
        ("there is no way back", "undo", ["un", "und", "##do"]),
        "und is longer than un, and after it nothing fits. WordPiece doesn't go back: [UNK].",
        ("capitals count", "Hat", ["hat", "##at"]),
        "H isn't h: lower-casing is another step, before this one.",
        ("no letters", "", ["a", "##b"]),
        "An empty word has no tokens: return an empty list.",
    ),
    hidden=probes(
        ("a long word", "banana", ["b", "ban", "##a", "##an", "##na", "##ana", "##n"]),
        "Take the longest token that fits at each place, marked ## except at the beginning.",
        ("a letter in the middle that no token has", "naïve", ["na", "##ve", "##v", "n"]),
        "Nothing fits at ï: the whole word is [UNK].",
    ),
)


def cut(word, vocabulary, ends=lambda word, start: range(len(word), start, -1), mark="##", unknown=lambda found: None):
    tokens: list[str] = []
    start = 0
    while start < len(word):
        here = mark if start else ""
        end = next((end for end in ends(word, start) if here + word[start:end] in vocabulary), None)
        if end is None:
            return ["[UNK]"] if unknown(tokens) is None else unknown(tokens)
        tokens.append(here + word[start:end])
        start = end
    return tokens


def best_of_all(word, vocabulary, choose=min):
    places = [places for n in range(len(word)) for places in combinations(range(1, len(word)), n)]
    cuts = [[("##" if i else "") + word[i:j] for i, j in pairwise((0, *middle, len(word)))] for middle in places]
    known = [tokens for tokens in cuts if all(token in vocabulary for token in tokens)]
    return choose(known, key=len) if known else ["[UNK]"] if word else []


def lower_cased(word, vocabulary):
    return wordpiece(word.lower(), vocabulary)


exercise.add_mistakes(
    "a word is more than known or unknown. If the whole isn't a token, take its longest beginning that is one.",
    lambda word, vocabulary: [word] if word in vocabulary else ["[UNK]"] if word else [],
    "you looked for the rest of the word without ##. What continues a word is another token than what begins one.",
    lambda word, vocabulary: cut(word, vocabulary, mark=""),
    "the ## is missing in your answer. It belongs to the token, so that decoding knows where words begin.",
    lambda word, vocabulary: [token.removeprefix("##") for token in wordpiece(word, vocabulary)],
    "you took the shortest token that fits. Try the whole rest of the word first, then one letter less.",
    lambda word, vocabulary: cut(word, vocabulary, ends=lambda word, start: range(start + 1, len(word) + 1)),
    "you kept the tokens found before the place where nothing fits. One such place makes the whole word [UNK].",
    lambda word, vocabulary: cut(word, vocabulary, unknown=lambda found: [*found, "[UNK]"]),
    "you returned an empty list where nothing fits. The model has to see that something was there: [UNK].",
    lambda word, vocabulary: cut(word, vocabulary, unknown=lambda found: []),
    'you returned a string. Return a list of one token: ["[UNK]"].',
    lambda word, vocabulary: cut(word, vocabulary, unknown=lambda found: "[UNK]"),
    "you tried other cuts when the longest token led nowhere. WordPiece never goes back.",
    best_of_all,
    "you lower-cased the word. That is done before, by some models; here H isn't h.",
    lower_cased,
    "you let tokens with ## begin a word. At the beginning look for the letters alone.",
    lambda word, vocabulary: wordpiece(word, [*vocabulary, *(t.removeprefix("##") for t in vocabulary)]),
    "an empty word isn't unknown: it has no tokens. Return an empty list.",
    lambda word, vocabulary: wordpiece(word, vocabulary) if word else ["[UNK]"],
)
