"""ARPA files: what is written comes back, files from elsewhere are read, and bad ones are refused by line."""

import itertools
import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.ngram import NGramLM

BACKOFF = ("interpolated", "kneser-ney", "modified-kneser-ney")
CORPUS = [s.split() for s in ("the cat sat", "the cat ran", "a dog sat", "the dog")]

corpora = st.lists(st.lists(st.sampled_from(["a", "b", "c", "ß", "<unk>", "\\2-grams:"]), max_size=8), min_size=1)
weights = st.one_of(st.none(), st.lists(st.sampled_from([0, 0.3, 0.999, 1]), min_size=4, max_size=4))

# as SRILM writes: <s> with -99, tabs and spaces, back-off weights left out where they are 0, text before \data\
SRILM = """\
made by hand

\\data\\
ngram 1=5
ngram  2=3

\\1-grams:
-1.0 </s>
-99\t<s>\t-0.5
-0.30103\tthe\t-0.25
-0.6  cat\t0.15
-1.2\t<unk>

\\2-grams:
-0.2\t<s> the
-0.1\tthe cat
-0.4\tcat </s>

\\end\\
"""


def written(tmp_path, text):
    path = tmp_path / "model.arpa"
    path.write_bytes(text.encode())
    return path


@settings(max_examples=60)
@given(corpora.filter(any), st.sampled_from(BACKOFF), weights)
def test_a_saved_model_comes_back_the_same(corpus, smoothing, weights):
    model = NGramLM(4, smoothing, weights=weights if smoothing == "interpolated" else None).fit(corpus)
    with tempfile.TemporaryDirectory() as folder:
        model.save_arpa(Path(folder) / "model.arpa")
        loaded = NGramLM.load_arpa(Path(folder) / "model.arpa")
    assert (loaded.order, loaded.smoothing, loaded.n_ngrams) == (4, "arpa", model.n_ngrams)
    assert set(loaded.vocabulary) == set(model.vocabulary)
    for sentence in [*corpus[:5], ["b", "never seen", "a", "a"]]:
        words = ["<s>", *sentence]
        for end in range(len(words)):
            expected = model.next_word_probs(words[:end])
            assert loaded.next_word_probs(words[:end]) == pytest.approx(expected, rel=1e-9, abs=1e-30)


def test_a_loaded_model_does_what_a_fitted_one_does(tmp_path):
    model = NGramLM(3).fit(CORPUS)
    model.save_arpa(tmp_path / "model.arpa")
    loaded = NGramLM.load_arpa(tmp_path / "model.arpa")
    assert loaded.perplexity(CORPUS) == pytest.approx(model.perplexity(CORPUS), rel=1e-9)
    assert loaded.sample(10, seed=0) == model.sample(10, seed=0)
    loaded.save_arpa(tmp_path / "again.arpa")
    assert (tmp_path / "again.arpa").read_bytes() == (tmp_path / "model.arpa").read_bytes()
    with pytest.raises(ValueError, match="read from an ARPA file and can't be fitted: make a new NGramLM"):
        loaded.fit(CORPUS)


def test_a_probability_of_zero_comes_back_as_zero(tmp_path):
    NGramLM(2, "interpolated", weights=[1, 1]).fit(CORPUS).save_arpa(tmp_path / "model.arpa")
    loaded = NGramLM.load_arpa(tmp_path / "model.arpa")
    assert loaded.prob("never seen") == loaded.prob("dog", ["cat"]) == 0


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_of_srilm_is_read(tmp_path, newline):
    model = NGramLM.load_arpa(written(tmp_path, SRILM.replace("\n", newline)))
    assert model.vocabulary == ["the", "cat", "</s>", "<unk>"]
    assert model.prob("the", ["<s>"]) == pytest.approx(10**-0.2)
    assert model.prob("cat", ["<s>"]) == pytest.approx(10 ** (-0.5 - 0.6))
    assert model.prob("the", ["the"]) == pytest.approx(10 ** (-0.25 - 0.30103))
    assert model.prob("the", ["cat"]) == pytest.approx(10 ** (0.15 - 0.30103))  # a weight may exceed 1
    assert model.prob("the", ["dog"]) == pytest.approx(10**-0.30103)  # no weight is a weight of 1
    assert model.prob("dog", ["the"]) == pytest.approx(10 ** (-0.25 - 1.2))
    assert model.prob("<s>", []) == 0


def same_model(ours, theirs):
    """Whether two models give every word the same probability after every context of two known words or one."""
    words = [*ours.vocabulary, "never seen"]
    contexts = [[], *([word] for word in ["<s>", *words]), *map(list, itertools.product(["<s>", *words], words))]
    assert theirs.vocabulary == ours.vocabulary
    for context in contexts:
        assert theirs.next_word_probs(context) == pytest.approx(ours.next_word_probs(context), rel=1e-9, abs=0)
    return True


def test_a_file_of_srilm_is_saved_again_as_the_same_model(tmp_path):
    model = NGramLM.load_arpa(written(tmp_path, SRILM))
    model.save_arpa(tmp_path / "again.arpa")
    assert same_model(model, NGramLM.load_arpa(tmp_path / "again.arpa"))
    assert "\tcat\t0.15\n" in (tmp_path / "again.arpa").read_text()


@st.composite
def arpa_files(draw):
    """The text of an ARPA file of any tool: any probabilities, and weights on both sides of 1."""
    words = ["<s>", "</s>", *draw(st.sets(st.sampled_from(["<unk>", "a", "b", "ß"])))]
    bigrams = draw(st.lists(st.tuples(*[st.sampled_from(words)] * 2), max_size=6, unique=True))
    trigrams = [(*bigram, draw(st.sampled_from(words))) for bigram in bigrams if draw(st.booleans())]
    logs, weights = st.floats(-98, 0), st.one_of(st.just(""), st.floats(-98, 98))
    lines = ["\\data\\", f"ngram 1={len(words)}", f"ngram 2={len(bigrams)}", f"ngram 3={len(trigrams)}"]
    for n, ngrams in enumerate(([(word,) for word in words], bigrams, trigrams), start=1):
        lines += ["", f"\\{n}-grams:"]
        lines += [f"{draw(logs)}\t{' '.join(ngram)}\t{draw(weights) if n < 3 else ''}" for ngram in ngrams]
    return "\n".join([*lines, "", "\\end\\", ""])


@settings(max_examples=80)
@given(arpa_files())
def test_a_loaded_model_is_saved_again_as_the_same_model(text):
    with tempfile.TemporaryDirectory() as folder:
        model = NGramLM.load_arpa(written(Path(folder), text))
        model.save_arpa(Path(folder) / "again.arpa")
        assert same_model(model, NGramLM.load_arpa(Path(folder) / "again.arpa"))


@pytest.mark.parametrize("marker", ["<unk>", "<UNK>"])
def test_an_unknown_word_may_be_written_in_capitals(tmp_path, marker):
    text = SRILM.replace("-1.2\t<unk>", f"-0.7\t{marker}").replace("-0.1\tthe cat", f"-0.1\tthe {marker}")
    model = NGramLM.load_arpa(written(tmp_path, text))
    assert model.vocabulary == ["the", "cat", "</s>", "<unk>"]
    assert model.prob("dog") == pytest.approx(0.1995, abs=5e-5)
    assert model.prob("dog", ["the"]) == model.prob("<UNK>", ["the"]) == pytest.approx(10**-0.1)
    assert model.perplexity([["dog"]]) < math.inf
    model.save_arpa(tmp_path / "again.arpa")
    assert same_model(model, NGramLM.load_arpa(tmp_path / "again.arpa"))


def test_both_spellings_of_the_unknown_word_are_one_word_too_many(tmp_path):
    text = SRILM.replace("-1.2\t<unk>", "-1.2\t<unk>\n-0.7\t<UNK>").replace("1=5", "1=6")
    with pytest.raises(ValueError, match="line 13: expected each n-gram once, but this one is on line 12 too"):
        NGramLM.load_arpa(written(tmp_path, text))


def test_a_word_that_readers_take_for_the_unknown_one_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"'<UNK>' can't be written .*: write it as '<unk>' in the training text"):
        NGramLM(2).fit([["a", "<UNK>"]]).save_arpa(tmp_path / "model.arpa")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("markers", "message"),
    [
        (("<S>", "</S>"), "expected <s> and </s> among the 1-grams, found none, but </S> and <S>: write it in small"),
        (("<s>", "</S>"), "expected </s> among the 1-grams, found none, but </S>: write it in small letters"),
        (("begin", "</s>"), "expected <s> among the 1-grams, found none$"),
    ],
)
def test_without_the_markers_of_a_sentence_a_file_is_refused(tmp_path, markers, message):
    text = SRILM.replace("<s>", markers[0]).replace("</s>", markers[1])
    with pytest.raises(ValueError, match=r"model\.arpa: " + message):
        NGramLM.load_arpa(written(tmp_path, text))


def test_without_unk_an_unknown_word_has_probability_0(tmp_path):
    path = written(tmp_path, SRILM.replace("-1.2\t<unk>\n", "").replace("1=5", "1=4"))
    model = NGramLM.load_arpa(path)
    assert model.prob("dog", ["the"]) == 0
    with pytest.warns(UserWarning, match="'<unk>' has probability 0 after .*skip_unknown=True"):
        assert model.perplexity([["dog"]]) == math.inf


def test_unigrams_alone_are_a_model(tmp_path):
    model = NGramLM(1, "interpolated", weights=[0.8]).fit(CORPUS)
    model.save_arpa(tmp_path / "model.arpa")
    assert NGramLM.load_arpa(tmp_path / "model.arpa").prob("the") == pytest.approx(0.8 * 3 / 15 + 0.2 / 8)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\data\\", "data", r"line 20: expected \\data\\ somewhere above: this is not an ARPA file, found the end"),
        ("ngram 1=5\nngram  2=3\n", "", r"line 5: expected ngram 1=COUNT, found '\\\\1-grams:'"),
        ("ngram 1=5", "ngram 1=five", "line 4: expected ngram 1=COUNT, found 'ngram 1=five'"),
        ("ngram 1=5\n", "", "line 4: expected ngram 1=COUNT, the orders one by one, found 'ngram  2=3'"),
        ("ngram 1=5", "ngram 1=6", r"line 14: expected 6 1-grams, as the header says, got 5, found '\\\\2-grams:'"),
        ("ngram 1=5", "ngram 1=4", r"line 12: expected 4 1-grams, as the header says, got more"),
        ("2=3", "2=4", "line 19: expected 4 2-grams, as the header says, got 3"),
        ("2=3", "2=2", "line 17: expected 2 2-grams, as the header says, got more, found '-0.4"),
        ("\\1-grams:\n", "", r"line 7: expected \\1-grams: after the counts, found '-1.0 </s>'"),
        ("\\2-grams:", "\\3-grams:", r"line 14: expected \\2-grams: after the 1-grams, found '\\\\3-grams:'"),
        ("-0.1\tthe cat", "x\tthe cat", "line 16: expected a number as log10 probability, found 'x"),
        ("-0.1\tthe cat", "nan\tthe cat", "line 16: expected a number as log10 probability"),
        ("the\t-0.25", "the\t-0,25", "line 10: expected a number as log10 back-off weight"),
        ("the\t-0.25", "the\t400", "line 10: expected a log10 back-off weight of at most 99, found"),
        ("-0.1\tthe cat", "0.1\tthe cat", "line 16: expected a log10 probability of at most 0, found '0.1"),
        ("-0.1\tthe cat", "-0.1\tthe", "line 16: expected a log10 probability, 2 words, found '-0.1"),
        ("-0.1\tthe cat", "-0.1\tthe cat\t-0.1", "line 16: expected a log10 probability, 2 words, found"),
        ("-0.6  cat\t0.15", "-0.6", "line 11: expected a log10 probability, 1 word and perhaps a back-off weight"),
        ("-0.1\tthe cat", "-0.1\tthe dog", "line 16: expected words that are listed among the 1-grams, but 'dog'"),
        ("-0.4\tcat </s>", "-0.4\tthe cat", "line 17: expected each n-gram once, but this one is on line 16 too"),
        ("-0.6  cat", "-0.6  the", "line 11: expected each n-gram once, but this one is on line 10 too"),
        ("\\end\\\n", "", r"line 18: expected \\end\\ after the last n-gram .* found the end of the file"),
    ],
)
def test_a_malformed_file_is_refused_by_line(tmp_path, old, new, message):
    assert SRILM.count(old) == 1
    with pytest.raises(ValueError, match=r"model\.arpa, " + message):
        NGramLM.load_arpa(written(tmp_path, SRILM.replace(old, new)))


def test_an_ngram_without_its_context_is_refused(tmp_path):
    trigram = "\n\\3-grams:\n-0.1 <s> the cat\n-0.2 the the cat\n\n\\end\\\n"
    text = SRILM.replace("2=3\n", "2=3\nngram 3=2\n").replace("\n\\end\\\n", trigram)
    with pytest.raises(ValueError, match="line 22: expected the 2-gram 'the the', the context of this 3-gram, listed"):
        NGramLM.load_arpa(written(tmp_path, text))


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "model.arpa"
    path.write_bytes(SRILM.encode().replace(b"the\t", b"th\xe9\t"))
    with pytest.raises(ValueError, match="line 10: expected text in UTF-8"):
        NGramLM.load_arpa(path)
    with pytest.raises(FileNotFoundError):
        NGramLM.load_arpa(tmp_path / "none.arpa")


@pytest.mark.parametrize("smoothing", ["mle", "add-k"])
def test_what_is_not_a_backoff_model_is_not_written(tmp_path, smoothing):
    with pytest.raises(ValueError, match=f"smoothing='{smoothing}' is not a back-off model.*\"kneser-ney\""):
        NGramLM(2, smoothing).fit(CORPUS).save_arpa(tmp_path / "model.arpa")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", [" ", "New York", "\n", "", "\u2028"])
def test_a_word_with_white_space_is_not_written(tmp_path, word):
    with pytest.raises(ValueError, match=r'white space separates columns: train on words without it, .*"▁"'):
        NGramLM(2).fit([["a", word]]).save_arpa(tmp_path / "model.arpa")
    assert list(tmp_path.iterdir()) == []
