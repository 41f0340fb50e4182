"""How fast n-gram models are beside nltk's and KenLM's, in one run.

Only printed: `pytest -m benchmark -s tests/benchmarks`.
"""

import os
import shutil
import subprocess

import numpy as np
import pytest
from nltk.lm import MLE
from nltk.lm.preprocessing import padded_everygram_pipeline
from timing import best_of_each

from course_utils.ngram import NGramLM

pytestmark = pytest.mark.benchmark
N_WORDS = 240_000
LMPLZ = os.environ.get("LMPLZ") or shutil.which("lmplz")


def report(what, seconds, peer):
    ours, theirs = seconds["ours"], seconds["theirs"]
    print(f"\n{what}: ours {ours:.3f} s, {peer} {theirs:.3f} s, {theirs / ours:.1f} times as fast as {peer}")


@pytest.fixture(scope="module")
def sentences():
    """Sentences of 20 words with the frequencies of natural text: the word of rank r comes as often as 1/r."""
    generator = np.random.default_rng(0)
    ranks = np.minimum(np.exp(generator.uniform(0, np.log(30_000), N_WORDS)), 30_000).astype(int)
    return [[f"word{rank}" for rank in row] for row in ranks.reshape(-1, 20).tolist()]


def test_counting_trigrams(sentences):
    def nltk_fit():
        MLE(3).fit(*padded_everygram_pipeline(3, sentences))

    seconds = best_of_each(ours=lambda: NGramLM(3, "mle").fit(sentences), theirs=nltk_fit)
    report(f"fit a trigram MLE on {N_WORDS:,} words", seconds, "nltk")


def test_scoring(sentences, tmp_path):
    kenlm = pytest.importorskip("kenlm", reason="pip install kenlm compiles it")
    model = NGramLM(3).fit(sentences[: len(sentences) // 2])
    model.save_arpa(tmp_path / "model.arpa")
    config = kenlm.Config()
    config.show_progress = False
    peer = kenlm.Model(str(tmp_path / "model.arpa"), config)
    test = sentences[len(sentences) // 2 :]
    lines = [" ".join(sentence) for sentence in test]
    seconds = best_of_each(ours=lambda: model.perplexity(test), theirs=lambda: [peer.score(line) for line in lines])
    report(f"score {N_WORDS // 2:,} words", seconds, "KenLM")


@pytest.mark.skipif(not LMPLZ, reason="needs KenLM's lmplz on PATH or in $LMPLZ: tests/data/ngram/README.md builds it")
def test_estimating_and_writing(sentences, tmp_path):
    text = "".join(" ".join(sentence) + "\n" for sentence in sentences).encode()
    command = [LMPLZ, "-o", "5", "-S", "500M", "--discount_fallback", "-T", tmp_path, "--arpa", tmp_path / "theirs"]
    seconds = best_of_each(
        ours=lambda: NGramLM(5).fit(sentences).save_arpa(tmp_path / "ours"),
        theirs=lambda: subprocess.run(command, input=text, check=True, capture_output=True),
    )
    report(f"fit a modified Kneser-Ney 5-gram on {N_WORDS:,} words and write its ARPA file", seconds, "lmplz")


def test_a_megabyte():
    """No peer: seconds for one megabyte, which should be a few."""
    generator = np.random.default_rng(0)
    words = [f"{rank:x}" for rank in np.exp(generator.uniform(0, np.log(30_000), 300_000)).astype(int).tolist()]
    text = " ".join(words)[:1_000_000]
    sentences = [text.split()]
    characters = [list(text)]
    seconds = best_of_each(words=lambda: NGramLM(5).fit(sentences), characters=lambda: NGramLM(8).fit(characters))
    print(f"\nfit one megabyte: words to order 5 {seconds['words']:.2f} s, characters to order 8 ", end="")
    print(f"{seconds['characters']:.2f} s")
