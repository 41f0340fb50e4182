"""Tokenizers: round trips, saved files, and what users do wrong."""

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import decoders, models

from course_utils.tokenization import BPETokenizer, CharTokenizer, PretrainedTokenizer, Tokenizer


@given(st.lists(st.text(min_size=1), min_size=1))
def test_characters_round_trip(texts):
    tokenizer = CharTokenizer.train(texts)
    for text in texts:
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.vocab_size == len(set("".join(texts)))


def test_character_ids_do_not_depend_on_the_order_of_the_texts():
    assert CharTokenizer.train(["ba", "c"]).encode("abc") == CharTokenizer.train(["c", "ab"]).encode("abc") == [0, 1, 2]


def test_a_saved_character_tokenizer_is_the_same(tmp_path):
    tokenizer = CharTokenizer.train(["Grüße\n", "🙂"])
    tokenizer.save(tmp_path / "characters.json")
    assert CharTokenizer.load(tmp_path / "characters.json").encode("🙂ß") == tokenizer.encode("🙂ß")


def test_the_protocol_holds(tmp_path):
    assert isinstance(CharTokenizer.train(["a"]), Tokenizer)
    assert isinstance(PretrainedTokenizer(tokenizers.Tokenizer(models.BPE(vocab={"a": 0}, merges=[]))), Tokenizer)


def with_gaps(byte_level=False):
    """A tokenizer whose vocabulary has no ids 1 to 4."""
    backend = tokenizers.Tokenizer(models.BPE(vocab={"a": 0, "b": 5}, merges=[]))
    backend.decoder = decoders.ByteLevel() if byte_level else decoders.Fuse()
    return PretrainedTokenizer(backend)


@pytest.mark.parametrize("byte_level", [True, False])
def test_ids_may_have_gaps(byte_level):
    tokenizer = with_gaps(byte_level)
    assert tokenizer.vocab_size == 6  # a model needs so many rows
    assert tokenizer.encode("ab") == [0, 5]
    assert tokenizer.token_texts() == ["a", "", "", "", "", "b"]
    assert tokenizer.pieces([5, 3]) == ["b", ""]
    assert tokenizer.decode_bytes([5, 3, 5]) == b"bb"
    with pytest.raises(ValueError, match=r"ids must be in 0 \.\. 5, got 6"):
        tokenizer.decode([6])


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: CharTokenizer.train([]), "no character"),
        (lambda: CharTokenizer.train("abc"), r"pass \[text\]"),
        (lambda: CharTokenizer.train(["", ""]), "no character"),
        (lambda: CharTokenizer.train([b"ab"]), "texts must hold strings, got a bytes"),
        (lambda: CharTokenizer(["a", "a"]), "each once"),
        (lambda: CharTokenizer.train(["ab"]).encode("abz"), "'z'"),
        (lambda: CharTokenizer.train(["ab"]).encode(None), "text must be a string, got a NoneType: None"),
        (lambda: CharTokenizer.train(["ab"]).encode(b"ab"), "text must be a string, got a bytes: b'ab'"),
        (lambda: CharTokenizer.train(["ab"]).encode(["a", "b"]), "text must be a string, got a list"),
        (lambda: BPETokenizer([]).encode(None), "text must be a string, got a NoneType: None"),
        (lambda: BPETokenizer([]).encode(b"ab"), "text must be a string, got a bytes: b'ab'"),
        (lambda: with_gaps().encode(b"ab"), "text must be a string, got a bytes: b'ab'"),
        (lambda: BPETokenizer.train(["abab"], 258.5), r"vocab_size must be a whole number, got 258\.5"),
        (lambda: BPETokenizer.train(["abab"], "300"), "vocab_size must be a whole number, got '300'"),
        (lambda: CharTokenizer.train(["ab"]).decode([2]), "ids must be in 0 .. 1"),
        (lambda: CharTokenizer.train(["ab"]).decode([-1]), "got -1"),
    ],
)
def test_bad_input_is_named(call, word):
    with pytest.raises(ValueError, match=word):
        call()


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b'{"type": "BPE"}', b'{"type": "CharTokenizer", "characters": ["ab"]}', b"\xff\xfe\x00"],
)
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    for kind in (CharTokenizer, PretrainedTokenizer):
        with pytest.raises(ValueError, match=r"tokenizer\.json"):
            kind.load(path)


def test_truncation_and_padding_saved_with_a_tokenizer_are_not_obeyed():
    backend = tokenizers.Tokenizer(models.BPE(vocab={"a": 0, "b": 1}, merges=[]))
    backend.enable_truncation(3)
    backend.enable_padding(length=10)
    assert PretrainedTokenizer(backend).encode("abababab") == [0, 1] * 4


def test_half_a_character_is_named():
    tokenizer = PretrainedTokenizer(tokenizers.Tokenizer(models.BPE(vocab={"a": 0}, merges=[])))
    with pytest.raises(ValueError, match="half of a character"):
        tokenizer.encode("a\ud800")


@pytest.mark.parametrize("id", [0.7, "0", None])
def test_an_id_that_is_no_whole_number_is_refused(id):
    with pytest.raises(ValueError, match="whole numbers"):
        CharTokenizer.train(["ab"]).decode([id])


def test_any_character_can_be_saved(tmp_path):
    CharTokenizer.train(["\ud800a"]).save(tmp_path / "c.json")
    assert CharTokenizer.load(tmp_path / "c.json").encode("a") == [0]
