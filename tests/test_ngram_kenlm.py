"""n-gram models beside KenLM: its estimates (lmplz), and its reading of our files."""

import math
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from course_utils.ngram import NGramLM

DATA = Path(__file__).parent / "data" / "ngram"
LINES = (DATA / "sentences.txt").read_text(encoding="utf-8").splitlines()
SENTENCES = {"words": [line.split() for line in LINES], "characters": [list(line.replace(" ", "▁")) for line in LINES]}
ORDERS = {"words": 3, "characters": 5}
LMPLZ = os.environ.get("LMPLZ") or shutil.which("lmplz")
SINGLE_PRECISION = 1e-6  # KenLM computes and writes float32


def assert_same_model(ours, theirs):
    """Compare every probability and back-off weight, n-gram by n-gram."""
    assert theirs.vocabulary == ours.vocabulary
    assert theirs.n_ngrams == ours.n_ngrams
    (_, our_tables), (_, their_tables) = ours._fitted(), theirs._fitted()
    for n in range(ours.order):
        np.testing.assert_array_equal(their_tables.keys[n], our_tables.keys[n])
        np.testing.assert_allclose(their_tables.probs[n], our_tables.probs[n], rtol=SINGLE_PRECISION)
    for weights, expected in zip(their_tables.backoffs, our_tables.backoffs, strict=True):
        np.testing.assert_allclose(weights, expected, rtol=SINGLE_PRECISION)


@pytest.mark.parametrize("unit", SENTENCES)
def test_modified_kneser_ney_equals_the_reference_files(unit):
    assert_same_model(NGramLM(ORDERS[unit]).fit(SENTENCES[unit]), NGramLM.load_arpa(DATA / f"{unit}.arpa"))


@pytest.mark.skipif(not LMPLZ, reason="needs KenLM's lmplz on PATH or in $LMPLZ: tests/data/ngram/README.md builds it")
@pytest.mark.parametrize("unit", SENTENCES)
@pytest.mark.parametrize("order", [1, 2, 4])
def test_modified_kneser_ney_equals_lmplz(unit, order, tmp_path):
    text = "".join(" ".join(sentence) + "\n" for sentence in SENTENCES[unit])
    command = [LMPLZ, "-o", str(order), "-S", "100M", "--discount_fallback", "-T", tmp_path, "--arpa", tmp_path / "m"]
    subprocess.run(command, input=text.encode(), check=True, capture_output=True)
    assert_same_model(NGramLM(order).fit(SENTENCES[unit]), NGramLM.load_arpa(tmp_path / "m"))


@pytest.mark.skipif(not LMPLZ, reason="needs KenLM's lmplz on PATH or in $LMPLZ: tests/data/ngram/README.md builds it")
def test_fallback_discounts_equal_lmplz(tmp_path):
    command = [LMPLZ, "-o", "3", "-S", "100M", "--discount_fallback", "-T", tmp_path, "--arpa", tmp_path / "m"]
    subprocess.run(command, input=b"a b c\na b\nc a b\n", check=True, capture_output=True)
    ours = NGramLM(3).fit([s.split() for s in ("a b c", "a b", "c a b")])
    assert (0.5, 1, 1.5) in ours.discounts
    assert_same_model(ours, NGramLM.load_arpa(tmp_path / "m"))


def with_kenlm(path):
    """A file as KenLM's own model."""
    kenlm = pytest.importorskip("kenlm", reason="pip install kenlm compiles it")
    config = kenlm.Config()
    config.show_progress = False
    return kenlm.Model(str(path), config)


MARKED = """\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-1.0\t</s>
-99\t<s>\t-0.5
-0.3\tthe\t-0.25
-0.6\tcat\t0.15
-0.7\t<UNK>

\\2-grams:
-0.2\t<s> the
-0.1\tthe <UNK>
-0.4\tcat </s>

\\end\\
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("<UNK>", "<unk>"),
        ("-0.7\t<UNK>", "-0.7\t<unk>"),
        ("-0.1\tthe <UNK>", "-0.1\tthe the"),
        ("<UNK>", "<Unk>"),
        ("<s>", "<S>"),
        ("</s>", "</S>"),
    ],
)
def test_kenlm_takes_the_same_words_for_markers(tmp_path, old, new):
    """The same probabilities where KenLM reads the file, read or saved again; an error where it refuses the file."""
    path, again = tmp_path / "model.arpa", tmp_path / "again.arpa"
    path.write_text(MARKED.replace(old, new) if old else MARKED)
    try:
        theirs = with_kenlm(path)
    except OSError as error:  # its text, with a file and a byte before the cause
        refused = str(error).partition("threw")[2]
    else:
        refused = ""
    if refused:
        with pytest.raises(ValueError, match="1-grams"):
            NGramLM.load_arpa(path)
        assert re.search("is missing|was not seen in the unigrams", refused)
        return
    ours = NGramLM.load_arpa(path)
    ours.save_arpa(again)
    for sentence in ("the dog", "cat dog cat", "cat the cat"):
        expected = [10 ** score[0] for score in theirs.full_scores(sentence)]
        assert 2 ** ours.log2_probs(sentence.split()) == pytest.approx(expected, rel=1e-5, abs=1e-50)
        assert [10 ** score[0] for score in with_kenlm(again).full_scores(sentence)] == pytest.approx(
            expected, rel=1e-5, abs=1e-50
        )


@pytest.mark.parametrize("unit", SENTENCES)
@pytest.mark.parametrize("smoothing", ["interpolated", "kneser-ney", "modified-kneser-ney"])
def test_kenlm_reads_our_files(unit, smoothing, tmp_path):
    ours = NGramLM(ORDERS[unit], smoothing).fit(SENTENCES[unit][:300])
    ours.save_arpa(tmp_path / "model.arpa")
    theirs = with_kenlm(tmp_path / "model.arpa")
    assert theirs.order == ours.order
    test = [*SENTENCES[unit][300:], ["the", "xylophone", "was", "é", "stolen"]]
    log10, log10_known, tokens, known = 0.0, 0.0, 0, 0
    for sentence in test:
        scores = list(theirs.full_scores(" ".join(sentence)))  # (log10 p, length of the n-gram, unknown?)
        np.testing.assert_allclose(ours.log2_probs(sentence) * math.log10(2), [s[0] for s in scores], atol=1e-5)
        assert theirs.perplexity(" ".join(sentence)) == pytest.approx(ours.perplexity([sentence]), rel=1e-5)
        log10, tokens = log10 + sum(s[0] for s in scores), tokens + len(scores)
        log10_known, known = log10_known + sum(s[0] for s in scores if not s[2]), known + sum(not s[2] for s in scores)
    assert known < tokens
    assert ours.perplexity(test) == pytest.approx(10 ** (-log10 / tokens), rel=1e-5)
    assert ours.perplexity(test, skip_unknown=True) == pytest.approx(10 ** (-log10_known / known), rel=1e-5)
