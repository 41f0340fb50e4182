"""Byte-level BPE: equal to the `tokenizers` library in every merge and id, without loss for any text and any bytes."""

import json
from collections import Counter
from itertools import pairwise
from pydoc_data.topics import topics

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from course_utils.tokenization import BPETokenizer, PretrainedTokenizer, Tokenizer, gpt2
from course_utils.tokenization.merges import learn_merges, replace_pair

# characters of a Unicode younger than the library's are cut elsewhere, and unassigned ones may be such
any_text = st.text(st.characters(exclude_categories=("Cs", "Cn")))
repetitive = st.text("aab c's1.\nüü🙂", max_size=60)  # few characters: runs, ties, all kinds of pieces
marked = st.lists(st.one_of(repetitive, st.sampled_from(["<|end|>", "<|end|>x", "<|", "|>"]))).map("".join)
SPECIAL = ("<|end|>", "<|end|>x")  # one begins like the other

PROSE = "".join(topics[name] for name in sorted(topics))[:133_000]


def peer(texts, vocab_size, special_tokens=()):
    """The same tokenizer, trained by the library."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(special_tokens),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def merges_of(library_tokenizer):
    merges = json.loads(library_tokenizer.to_str())["model"]["merges"]
    return [(gpt2.read(left), gpt2.read(right)) for left, right in merges]


@pytest.fixture(scope="module")
def prose():
    """A tokenizer that has learned from real prose, and the library's twin of it."""
    return BPETokenizer.train([PROSE], 1_000, SPECIAL), peer([PROSE], 1_000, SPECIAL)


# learning


def test_a_worked_example():
    # «in» occurs 9 + 6 + 4 = 19 times, «th» 9 + 3 = 12; then «th» + «in» 9 times, «r» + «in» 6 times
    words = {b"thin": 9, b"rin": 6, b"in": 4, b"the": 3}
    assert learn_merges(words, 4) == [(b"i", b"n"), (b"t", b"h"), (b"th", b"in"), (b"r", b"in")]


def test_of_equal_counts_the_smallest_pair_wins():
    assert learn_merges({b"cd": 1, b"ab": 1, b"ac": 1}, 3) == [(b"a", b"b"), (b"a", b"c"), (b"c", b"d")]
    # a space is written Ġ and comes after the letters; b"\xad" is the very last byte
    assert learn_merges({b" a": 1, b"a ": 1, b"\xada": 1}, 3) == [(b"a", b" "), (b" ", b"a"), (b"\xad", b"a")]
    # merges come after all bytes
    assert learn_merges({b"xy": 5, b"xyz": 1, b"\xadz": 1}, 3)[1:] == [(b"\xad", b"z"), (b"xy", b"z")]


def test_a_run_counts_each_neighbour_and_merges_from_the_left():
    assert learn_merges({b"aaa": 1, b"bc": 1}, 9) == [(b"a", b"a"), (b"b", b"c"), (b"aa", b"a")]
    assert replace_pair([7, 7, 7, 7, 7], (7, 7), 9) == [9, 9, 7]


def learn_by_recounting(pieces, n_merges):
    """The textbook's loop: count all pairs again after each merge."""
    order = {bytes([byte]): i for i, byte in enumerate(gpt2.ORDER)}
    words = {tuple(bytes([byte]) for byte in piece): count for piece, count in pieces.items()}
    merges = []
    while len(merges) < n_merges:
        pairs = Counter()
        for word, count in words.items():
            for pair in pairwise(word):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], order[pair[0]], order[pair[1]]))
        order[b"".join(best)] = len(order)
        merges.append(best)
        words = {tuple(replace_pair(word, best, b"".join(best))): count for word, count in words.items()}
    return merges


@given(st.dictionaries(st.text("aabc ", min_size=1, max_size=12).map(str.encode), st.integers(1, 4), max_size=8))
def test_the_index_of_pairs_changes_nothing(pieces):
    assert learn_merges(pieces, 30) == learn_by_recounting(pieces, 30)


@given(st.lists(repetitive, min_size=1).filter(any), st.integers(258, 320))
def test_merges_are_those_of_the_library(texts, vocab_size):
    ours, theirs = BPETokenizer.train(texts, vocab_size, SPECIAL), peer(texts, vocab_size, SPECIAL)
    assert ours.merges == merges_of(theirs)
    assert ours.vocab_size == theirs.get_vocab_size() <= vocab_size


def test_merges_of_real_prose_are_those_of_the_library(prose):
    ours, theirs = prose
    assert ours.vocab_size == 1_000
    assert ours.merges == merges_of(theirs)


def test_learning_stops_when_every_piece_is_one_token():
    text = "to be or not to be"
    tokenizer = BPETokenizer.train([text], 10_000)
    assert len(tokenizer.encode(text)) == len(gpt2.split(text)) == 6
    assert tokenizer.vocab_size == peer([text], 10_000).get_vocab_size() < 300


def test_the_order_of_the_texts_and_where_they_are_cut_between_words_change_nothing():
    texts = ["low lower", " lowest", " new newer"]
    merges = BPETokenizer.train(texts, 270).merges
    assert BPETokenizer.train(reversed(texts), 270).merges == merges
    assert BPETokenizer.train(iter(["".join(texts)]), 270).merges == merges


# ids


@given(any_text)
def test_any_text_has_the_ids_of_the_library(prose, text):
    ours, theirs = prose
    assert ours.encode(text) == theirs.encode(text).ids


@given(marked)
def test_a_special_token_in_a_text_is_one_id(prose, text):
    ours, theirs = prose
    ids = ours.encode(text)
    assert ids == theirs.encode(text).ids
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False) == text


def test_the_longest_special_token_wins(prose):
    assert prose[0].encode("<|end|>x<|end|>") == [prose[0].token_id("<|end|>x"), prose[0].token_id("<|end|>")] == [1, 0]


def test_ids_are_special_tokens_then_bytes_then_merges():
    tokenizer = BPETokenizer([(b"a", b"b"), (b"ab", b" ")], ["<|end|>"])
    tokens = [tokenizer.token_bytes(id) for id in range(tokenizer.vocab_size)]
    assert tokens[:3] == [b"<|end|>", b"!", b'"']
    assert sorted(tokens[1:257]) == [bytes([byte]) for byte in range(256)]
    assert tokens[257:] == [b"ab", b"ab "]
    assert tokenizer.special_tokens == ["<|end|>"]


@given(st.lists(st.sampled_from(list("aab ")), min_size=1, max_size=40).map("".join))
def test_encoding_applies_the_merges_in_the_order_learned(piece):
    tokenizer = BPETokenizer.train(["aab aaab abab aaaa b"], 270)
    expected = []
    for part in gpt2.split(piece):
        tokens = [bytes([byte]) for byte in part.encode()]
        for pair in tokenizer.merges:
            tokens = replace_pair(tokens, pair, b"".join(pair))
        expected += tokens
    assert [tokenizer.token_bytes(id) for id in tokenizer.encode(piece)] == expected


def test_a_long_piece_without_a_break_is_merged_like_any_other(prose):
    ours, theirs = prose
    text = "thereisnospaceinhere" * 1_000
    assert ours.encode(text) == theirs.encode(text).ids


def test_ids_do_not_depend_on_what_was_encoded_before(prose, monkeypatch):
    monkeypatch.setattr("course_utils.tokenization.bpe.CACHE_BYTES", 500)
    tokenizer = BPETokenizer(prose[0].merges, SPECIAL)
    for text in ("one two three four five", "the one and the other", PROSE[:2_000]):
        assert tokenizer.encode(text) == prose[0].encode(text) == tokenizer.encode(text)


# round trips


@given(any_text)
def test_any_text_comes_back(prose, text):
    ids = prose[0].encode(text)
    assert prose[0].decode(ids) == text
    assert prose[0].decode_bytes(ids) == text.encode()


@given(st.one_of(st.binary(), st.lists(st.sampled_from([b"\xc3", b"\xbc", b" ", b"a", b"\xff"])).map(b"".join)))
def test_any_bytes_come_back(prose, data):
    byte_ids = {prose[0].token_bytes(id)[0]: id for id in range(len(SPECIAL), len(SPECIAL) + 256)}
    assert prose[0].decode_bytes([byte_ids[byte] for byte in data]) == data


@given(st.lists(st.integers(0, 999)))
def test_any_ids_have_a_text_and_it_is_the_librarys(prose, ids):
    ours, theirs = prose
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)


def test_bytes_that_are_no_whole_character_are_marked(prose):
    assert len(prose[0].encode("ü")) == 2
    assert prose[0].decode(prose[0].encode("ü")[:1]) == "\ufffd"


# files


def test_a_saved_tokenizer_is_the_same_everywhere(prose, tmp_path):
    path = tmp_path / "tokenizer.json"
    ours = prose[0]
    ours.save(path)
    text = PROSE[50_000:60_000] + "Grüße, 世界 🙂\n\n  <|end|>  it's 2024"
    loaded = BPETokenizer.load(path)
    assert (loaded.merges, loaded.special_tokens) == (ours.merges, ours.special_tokens)
    library = tokenizers.Tokenizer.from_file(str(path))
    hub = PreTrainedTokenizerFast(tokenizer_file=str(path))
    ids = ours.encode(text)
    assert loaded.encode(text) == library.encode(text).ids == hub(text)["input_ids"] == ids
    assert PretrainedTokenizer.load(path).decode(ids) == hub.decode(ids) == loaded.decode(ids) == text
    assert hub.convert_tokens_to_ids("<|end|>") == loaded.token_id("<|end|>") == 0


def test_the_file_is_what_the_library_writes(prose, tmp_path):
    ours, theirs = prose
    ours.save(tmp_path / "ours.json")
    theirs.save(str(tmp_path / "theirs.json"))
    assert json.loads((tmp_path / "ours.json").read_text("utf-8")) == json.loads(theirs.to_str())
    assert BPETokenizer.load(tmp_path / "theirs.json").merges == ours.merges


def test_keys_that_change_nothing_may_be_missing_or_too_many(prose, tmp_path):
    """As another version of the library may write them."""
    document = json.loads(prose[1].to_str())
    for part in (document["model"], document["pre_tokenizer"], document["decoder"], document["added_tokens"][0]):
        part["of_another_version"] = None
    del document["model"]["ignore_merges"], document["pre_tokenizer"]["use_regex"], document["post_processor"]
    document["model"]["merges"] = [" ".join(pair) for pair in document["model"]["merges"]]  # as before version 0.20
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert tokenizers.Tokenizer.from_file(str(path)).to_str() == prose[1].to_str()
    loaded = BPETokenizer.load(path)
    assert (loaded.merges, loaded.special_tokens) == (prose[0].merges, prose[0].special_tokens)


def change(*keys, value):
    def change_it(document):
        *path, last = keys
        for key in path:
            document = document[key]
        document[last] = value

    return change_it


@pytest.mark.parametrize(
    ("change_it", "reason"),
    [
        (change("pre_tokenizer", "add_prefix_space", value=True), "it has another pre_tokenizer"),
        (change("pre_tokenizer", value={"type": "Whitespace"}), "it has another pre_tokenizer"),
        (change("pre_tokenizer", value=None), "it has another pre_tokenizer"),
        (change("normalizer", value={"type": "Lowercase"}), "it has another normalizer"),
        (
            change(
                "truncation", value={"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
            ),
            "it has another truncation",
        ),
        (change("model", "type", value="WordPiece"), ""),
        (change("model", value={"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}), "its WordLevel model"),
        (change("model", "dropout", value=0.1), "it has another model"),
        (change("model", "ignore_merges", value=True), "it has another model"),
        (change("model", "merges", value=["a b"]), ""),
        (change("model", "merges", value=[["ab", "c"]]), ""),
        (change("model", "merges", value=[["中", "c"]]), ""),
        (change("model", "vocab", "!", value=700), ""),
        (change("added_tokens", value=[]), ""),
        (change("added_tokens", 0, "lstrip", value=True), "it has another added_tokens"),
        (change("model", value=None), ""),
    ],
)
def test_another_kind_of_tokenizer_is_refused_with_the_class_that_reads_it(prose, tmp_path, change_it, reason):
    path = tmp_path / "tokenizer.json"
    prose[0].save(path)
    document = json.loads(path.read_text("utf-8"))
    change_it(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match=rf"tokenizer\.json .*{reason}.*PretrainedTokenizer\.load"):
        BPETokenizer.load(path)


def test_the_tokenizer_of_a_published_model_is_refused(smollm2, tmp_path):
    smollm2[1].save(tmp_path / "smollm2.json")
    with pytest.raises(ValueError, match=r"PretrainedTokenizer\.load"):
        BPETokenizer.load(tmp_path / "smollm2.json")


# wrong use


def test_the_protocol_holds(prose):
    assert isinstance(prose[0], Tokenizer)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: BPETokenizer.train(["a"], 255), "at least 256, for 256 bytes and 0 special tokens, got 255"),
        (lambda: BPETokenizer.train(["a"], 257, SPECIAL), "at least 258, for 256 bytes and 2 special"),
        (lambda: BPETokenizer.train([], 300), "no character"),
        (lambda: BPETokenizer.train(["", ""], 300), "no character"),
        (lambda: BPETokenizer.train("abc", 300), r"pass \[text\]"),
        (lambda: BPETokenizer.train([b"ab"], 300), "strings, got a bytes"),
        (lambda: BPETokenizer.train([{"text": "ab"}], 300), "got a dict: {'text': 'ab'}"),
        (lambda: BPETokenizer.train(["ab", "\ud800"], 300), "half of a character"),
        (lambda: BPETokenizer.train(["ab"], 300, ["<|a|>", "<|a|>"]), "different and not empty"),
        (lambda: BPETokenizer.train(["ab"], 300, [""]), "different and not empty"),
        (lambda: BPETokenizer.train(["ab"], 300, "<|a|>"), r"pass \['<\|a\|>'\]"),
        (lambda: BPETokenizer.train(["ab"], 300, ["<|\udc80|>"]), "half of a character"),
        (lambda: BPETokenizer.train(["ab"], 300, ["user"]), r"got 'user': write it as <\|...\|>"),
        (lambda: BPETokenizer.train(["ab"], 300, ["Ġuser"]), "ordinary text"),  # « user» in a file
        (lambda: BPETokenizer.train(["ab"], 300, ["Ã©"]), "ordinary text"),  # «é» in a file
        (lambda: BPETokenizer.train(["ab"], 300, ["é"]), "ordinary text"),  # the byte 0xE9 in a file
        (lambda: BPETokenizer([(b"a", b"bc")]), "unknown token"),
        (lambda: BPETokenizer([(b"a", b"b"), (b"a", b"b")]), "there already"),
        (lambda: BPETokenizer([(b"a", b"")]), "unknown token"),
        (lambda: BPETokenizer([(b"", b"a")]), "unknown token"),
        (lambda: BPETokenizer([]).encode("a\ud800"), "half of a character"),
        (lambda: BPETokenizer([]).decode([256]), "ids must be in 0 .. 255, got 256"),
        (lambda: BPETokenizer([]).decode([-1]), "got -1"),
        (lambda: BPETokenizer([]).decode_bytes([0.5]), "whole numbers"),
        (lambda: BPETokenizer([]).token_bytes(300), "ids must be in"),
        (lambda: BPETokenizer([], SPECIAL).token_id("<|x|>"), "not among the special tokens"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
