"""An experiment: bits per byte for vocabularies of several sizes."""

import math

from course_utils.exercises.core import Exercise, probes
from course_utils.ngram import NGramLM
from course_utils.tokenization import BPETokenizer


def score_vocabularies(train: list[str], validation: list[str], sizes: list[int], order: int) -> dict[int, float]:
    """Return the bits per byte of `validation` for each vocabulary size, both parts learned from `train`.

    The tokenizer is a BPETokenizer, the model an NGramLM of this order, with its default smoothing. The end of each
    text is scored too.
    """
    n_bytes = sum(len(text.encode()) for text in validation)
    bits = {}
    for size in sizes:
        tokenizer = BPETokenizer.train(train, vocab_size=size)
        learned, scored = (
            [[str(id) for id in tokenizer.encode(text)] for text in part] for part in (train, validation)
        )
        model = NGramLM(order).fit(learned)
        n_tokens = sum(len(ids) + 1 for ids in scored)
        bits[size] = n_tokens * math.log2(model.perplexity(scored)) / n_bytes
    return bits


exercise = Exercise(
    score_vocabularies,
    minutes=25,
    difficulty=3,
    shown="for each size a tokenizer, a model, and the bits of unseen text per byte.",
    hints=(
        "Section 9 has all the parts: train a tokenizer, make each text a list of strings of ids, fit an NGramLM, ask "
        "for its perplexity. Which text is each of them for?",
        "NGramLM(order).fit(ids of train).perplexity(ids of validation) is per token, and the end of each text counts "
        "as one. For bits per byte: times the tokens, over the UTF-8 bytes of validation.",
        "n_tokens = sum(len(ids) + 1 for ids in scored); n_tokens * math.log2(perplexity) / n_bytes, for each size.",
        "What we found: from 256 to 700 types a bigram model falls from 3.04 bits to .83, order 6 "
        "from .78 to .59. More types are a longer view in disguise, so they help most whoever looks back "
        "least; and from 512 to 700 types order 6 gains only 2 %.",
    ),
    probes=probes(
        ("one size, unigrams", ["a b a b a", "b a a b"], ["a a b"], [258], 1),
        "Encode both parts, fit on the ids of train, and score validation: tokens x log2(perplexity) / bytes.",
        ("two sizes", ["the hat, the cat", "the cat sat"], ["the hat sat", "a cat"], [256, 262], 2),
        "Each size has its own tokenizer and its own model: train both again.",
        ("characters of two bytes", ["über öl, über", "öl über öl"], ["über öl"], [256, 260], 2),
        "Count bytes: ü is two.",
        ("texts of different lengths", ["no no no no no", "no", "so so"], ["no", "no so no so"], [256, 258], 2),
        "Add up the bits of all texts, and divide once by all bytes.",
        ("no size", ["a b"], ["b"], [], 2),
        "No sizes, no results: return an empty dict.",
    ),
    hidden=probes(
        (
            "three sizes, order 3",
            ["she sells sea shells", "sea shells she sells"],
            ["she sees sea"],
            [256, 260, 270],
            3,
        ),
        "For each size: train the tokenizer and the model on train, score validation, divide all bits by all bytes.",
    ),
)


def run(train, validation, sizes, order, measure, read=None, count=None, score=None, ends=1):
    bits = {}
    for size in sizes:
        tokenizer = BPETokenizer.train(read or train, vocab_size=size)
        learned, scored = (
            [[str(i) for i in tokenizer.encode(t)] for t in part] for part in (count or train, score or validation)
        )
        n_tokens = sum(len(ids) + ends for ids in scored)
        n_bytes = sum(len(text.encode()) for text in score or validation)
        bits[size] = measure(NGramLM(order).fit(learned).perplexity(scored), n_tokens, n_bytes)
    return bits


def per_text(train, validation, sizes, order):
    each = [score_vocabularies(train, [text], sizes, order) for text in validation]
    return {size: sum(bits[size] for bits in each) / len(each) for size in sizes}


right = lambda perplexity, n_tokens, n_bytes: n_tokens * math.log2(perplexity) / n_bytes
n_characters = lambda texts: sum(map(len, texts))
n_all_bytes = lambda texts: sum(len(text.encode()) for text in texts)

exercise.add_mistakes(
    "these are perplexities. Over longer tokens they are higher whatever the model: share the bits by bytes.",
    lambda train, validation, sizes, order: run(
        train, validation, sizes, order, lambda perplexity, n_tokens, n_bytes: perplexity
    ),
    "these are bits per token. A longer token holds more text: times n_tokens, over the bytes.",
    lambda train, validation, sizes, order: run(
        train, validation, sizes, order, lambda perplexity, n_tokens, n_bytes: math.log2(perplexity)
    ),
    "these are nats per byte. Take math.log2.",
    lambda train, validation, sizes, order: run(
        train, validation, sizes, order, lambda perplexity, n_tokens, n_bytes: n_tokens * math.log(perplexity) / n_bytes
    ),
    "these are the bits of the whole text. Divide by its bytes.",
    lambda train, validation, sizes, order: run(
        train, validation, sizes, order, lambda perplexity, n_tokens, n_bytes: n_tokens * math.log2(perplexity)
    ),
    "you scored the text that the model was fitted on. There the largest vocabulary looks best: score validation.",
    lambda train, _, sizes, order: run(train, _, sizes, order, right, score=train),
    "your tokenizer has read the validation text. Train it on train alone.",
    lambda train, validation, sizes, order: run(train, validation, sizes, order, right, read=[*train, *validation]),
    "your model was fitted on the validation text. Fit it on train.",
    lambda train, validation, sizes, order: run(train, validation, sizes, order, right, count=validation),
    "the end of each text is missing from your number of tokens: perplexity is the mean with it.",
    lambda train, validation, sizes, order: run(train, validation, sizes, order, right, ends=0),
    "you divided by characters. An ü is one character and two bytes.",
    lambda train, validation, *others: {
        size: bits * n_all_bytes(validation) / n_characters(validation)
        for size, bits in score_vocabularies(train, validation, *others).items()
    },
    "you divided by the bytes of train. The bits are those of validation.",
    lambda train, validation, *others: {
        size: bits * n_all_bytes(validation) / n_all_bytes(train)
        for size, bits in score_vocabularies(train, validation, *others).items()
    },
    "you averaged over texts, so that a short text weighs as much as a long one. Add up all bits, then divide.",
    per_text,
    "your n-gram model has the same order every time. Give it the argument: NGramLM(order).",
    lambda train, validation, sizes, order: score_vocabularies(train, validation, sizes, 2),
    "you used the first tokenizer for every size. Train one for each.",
    lambda train, validation, sizes, order: {
        size: score_vocabularies(train, validation, sizes[:1], order)[sizes[0]] for size in sizes
    },
)
