"""How fast the course's BPE is beside the `tokenizers` library, in one run, on the prose that every CPython carries.

Only printed: `pytest -m benchmark -s tests/benchmarks`.
"""

from pydoc_data.topics import topics

import numpy as np
import pytest
import tokenizers
from timing import best_of_each
from tokenizers import models, pre_tokenizers, trainers

from course_utils.tokenization import BPETokenizer

pytestmark = pytest.mark.benchmark
PROSE = "".join(topics[name] for name in sorted(topics))
MEGABYTE = (PROSE + PROSE.swapcase() + PROSE.upper())[:1_000_000]  # one copy twice would be learned as fast as once


def report(what, seconds):
    ours, theirs = seconds["ours"], seconds["theirs"]
    print(f"\n{what}: ours {ours:.3f} s, tokenizers {theirs:.3f} s, ratio {ours / theirs:.2f}")


def peer(text, vocab_size):
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


@pytest.mark.parametrize(("n_characters", "vocab_size"), [(133_000, 500), (1_000_000, 4_096)])
def test_training(n_characters, vocab_size):
    text = MEGABYTE[:n_characters]
    seconds = best_of_each(ours=lambda: BPETokenizer.train([text], vocab_size), theirs=lambda: peer(text, vocab_size))
    report(f"training, {n_characters:,} characters to {vocab_size:,} types", seconds)


def test_training_on_one_piece():
    """Chinese has no spaces: 30,000 characters of it are one piece, whatever is learned in it."""
    text = "".join(chr(0x4E00 + int(i)) for i in np.random.default_rng(0).zipf(1.2, 60_000) if i < 20_000)[:30_000]
    seconds = best_of_each(ours=lambda: BPETokenizer.train([text], 1_256), theirs=lambda: peer(text, 1_256))
    report(f"training, one piece of {len(text):,} Chinese characters to 1,256 types", seconds)


def test_texts_of_a_vocabulary(smollm2):
    tokenizer = smollm2[1]
    seconds = best_of_each(
        ours=tokenizer.token_texts,
        theirs=lambda: [tokenizer.backend.decode([id]) for id in range(tokenizer.vocab_size)],
    )
    report(f"the texts of {tokenizer.vocab_size:,} ids", seconds)


@pytest.mark.parametrize("kind", ["prose", "one piece"])
def test_encoding(kind):
    theirs = peer(MEGABYTE, 4_096)
    merges = BPETokenizer.train([MEGABYTE], 4_096).merges
    text = MEGABYTE if kind == "prose" else "".join(filter(str.isalpha, MEGABYTE))  # no space, no place to cut
    seconds = best_of_each(  # a new tokenizer each time: nothing is cached
        ours=lambda: BPETokenizer(merges).encode(text), theirs=lambda: theirs.encode(text)
    )
    report(f"encoding {len(text):,} characters of {kind}", seconds)
