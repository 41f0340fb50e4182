"""A token's text is what it adds to the running text, for every kind of tokenizer."""

from pydoc_data.topics import topics

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers

from course_utils.tokenization import BPETokenizer, CharTokenizer, PretrainedTokenizer, gpt2

PROSE = "".join(topics[name] for name in sorted(topics))[:60_000]
SPECIAL = ("<|end|>", "<|end|>x", "|>a'")  # one begins like another, one begins like another's end


def sentencepiece_like():
    """A tokenizer of Llama 2's kind: ▁ for a space, one before the text, bytes for what the vocabulary hasn't."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces += ["▁", *"helowrd'", "he", "ll", "hell", "hello", "▁h", "▁he", "▁hell", "▁hello", "wo", "rl", "worl"]
    pieces += ["world", "▁w", "▁wo", "▁world", "s>", "<", "s", ">"]
    merges = [("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("▁", "hello"), ("▁", "h"), ("w", "o"), ("r", "l")]
    merges += [("wo", "rl"), ("worl", "d"), ("▁", "world"), ("s", ">"), ("<", "s>")]
    vocabulary = {piece: id for id, piece in enumerate(pieces)}
    backend = tokenizers.Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.add_special_tokens(["<unk>", "<s>", "</s>"])
    return PretrainedTokenizer(backend)


def byte_level(added=()):
    """A tokenizer of GPT-2's kind, run by the library."""
    bpe = BPETokenizer.train([PROSE], 500)
    vocabulary = {gpt2.written(bpe.token_bytes(id)): id for id in range(500)}
    merges = [(gpt2.written(left), gpt2.written(right)) for left, right in bpe.merges]
    backend = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_tokens(list(added))
    return PretrainedTokenizer(backend)


def metaspace():
    """A unigram model, whose space belongs to the word behind it."""
    vocabulary = [("<unk>", 0.0), ("▁", -2.0), ("▁a", -1.0), ("a", -3.0), ("b", -3.0), ("▁ab", -1.5), ("ü", -4.0)]
    backend = tokenizers.Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=False))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    return PretrainedTokenizer(backend)


def word_piece():
    """BERT's kind: ## joins a token to the one before."""
    vocabulary = {token: id for id, token in enumerate(["[UNK]", "a", "##a", "b", "##b", ".", "[SEP]"])}
    backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    backend.add_special_tokens(["[UNK]", "[SEP]"])
    return PretrainedTokenizer(backend)


def without_decoder():
    return PretrainedTokenizer(tokenizers.Tokenizer(models.WordLevel({"a": 0, "b": 1, "c": 2}, unk_token="a")))


TOKENIZERS = {
    "characters": CharTokenizer.train(["abc ü🙂"]),
    "bpe": BPETokenizer.train([PROSE], 400, ["<|end|>"]),
    "byte level": byte_level([AddedToken("<|end|>", special=True), AddedToken("é中", special=False, normalized=False)]),
    "sentencepiece": sentencepiece_like(),
    "metaspace": metaspace(),
    "word piece": word_piece(),
    "no decoder": without_decoder(),
}


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(st.data())
def test_pieces_joined_are_the_text_whatever_the_ids(kind, data):
    tokenizer = TOKENIZERS[kind]
    ids = data.draw(st.lists(st.integers(0, tokenizer.vocab_size - 1), max_size=12))
    pieces = tokenizer.pieces(ids)
    assert len(pieces) == len(ids)
    assert "".join(pieces) == tokenizer.decode(ids)


@pytest.mark.parametrize("kind", TOKENIZERS)
@given(st.text("abc hello world ü🙂中.<|end|>", max_size=20))
def test_pieces_joined_are_the_text_of_a_text(kind, text):
    tokenizer = TOKENIZERS[kind]
    if kind != "characters" or set(text) <= set("abc ü🙂"):
        ids = tokenizer.encode(text)
        assert "".join(tokenizer.pieces(ids)) == tokenizer.decode(ids)


def test_a_sentencepiece_token_brings_its_space():
    tokenizer = TOKENIZERS["sentencepiece"]
    ids = tokenizer.encode("hello world")
    assert [tokenizer.decode([id]) for id in ids] == ["hello", "world"]
    assert tokenizer.pieces(ids) == ["hello", " world"]
    texts = tokenizer.token_texts()
    assert [texts[id] for id in ids] == [" hello", " world"]
    assert texts[tokenizer.token_id("h")] == "h"
    assert texts[tokenizer.token_id("▁h")] == " h"
    assert texts[tokenizer.token_id("<s>")] == "<s>"


@pytest.mark.parametrize("kind", ["bpe", "byte level", "sentencepiece"])
def test_a_character_comes_with_the_token_that_completes_it(kind):
    tokenizer = TOKENIZERS[kind]
    ids = tokenizer.encode("h🙂h")
    parts = tokenizer.pieces(ids)
    assert [part for part in parts if part] == ["h", "🙂", "h"]
    assert tokenizer.pieces(ids[:-2])[-1] == tokenizer.decode(ids[:-2])[1:]  # it never comes: U+FFFD with the last


def test_our_pieces_are_the_librarys_tokenizers_pieces(tmp_path):
    ours = TOKENIZERS["bpe"]
    ours.save(tmp_path / "tokenizer.json")
    theirs = PretrainedTokenizer.load(tmp_path / "tokenizer.json")
    ids = ours.encode("🙂 naïve 中<|end|>") + list(range(ours.vocab_size))
    assert ours.pieces(ids) == theirs.pieces(ids)
    assert ours.token_texts() == theirs.token_texts() == [theirs.decode([id]) for id in range(theirs.vocab_size)]


def test_every_id_of_a_real_model_has_its_text(smollm2):
    tokenizer = smollm2[1]
    texts = tokenizer.token_texts()
    assert len(texts) == tokenizer.vocab_size
    assert texts[tokenizer.token_id("Ġh")] == " h" != texts[tokenizer.token_id("h")] == "h"
    assert texts[::97] == [tokenizer.decode([id]) for id in range(0, tokenizer.vocab_size, 97)]


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_an_unknown_id_has_no_piece(kind):
    with pytest.raises(ValueError, match="ids must be in"):
        TOKENIZERS[kind].pieces([0, TOKENIZERS[kind].vocab_size])


# special tokens as plain text


@given(st.lists(st.one_of(st.sampled_from(SPECIAL), st.text("<|end>x a'", max_size=4))).map("".join))
def test_special_tokens_can_be_taken_as_plain_text(text):
    merges = BPETokenizer.train([PROSE], 400).merges
    tokenizer, without = BPETokenizer(merges, SPECIAL), BPETokenizer(merges)
    ids = tokenizer.encode(text, specials=False)
    assert ids == [id + len(SPECIAL) for id in without.encode(text)]
    assert tokenizer.decode(ids) == text


def test_a_special_token_in_the_cache_is_not_taken_for_the_other_kind():
    tokenizer = BPETokenizer(BPETokenizer.train([PROSE], 400).merges, ["<|end|>"])
    for specials in (True, False, True):
        ids = tokenizer.encode("a<|end|>", specials)
        assert (0 in ids) == specials


@given(st.lists(st.one_of(st.sampled_from(["<|end|>", "<|end|>x", "  "]), st.text("<|end>x a'", max_size=4))))
def test_a_pretrained_tokenizer_takes_them_as_one_without_specials_does(parts):
    text = "".join(parts)
    spaces = AddedToken("  ", special=False, normalized=False)  # an added token, but of ordinary text
    specials = [AddedToken(name, special=True, normalized=False) for name in SPECIAL]
    ids = WITH.encode(text, specials=False)
    assert ids == [id if id < 500 else id + len(specials) for id in WITHOUT.encode(text)]
    assert WITH.decode(ids) == text
    assert WITH.backend.get_added_tokens_decoder()[503].content == spaces.content


WITH = byte_level(
    [
        *(AddedToken(name, special=True, normalized=False) for name in SPECIAL),
        AddedToken("  ", special=False, normalized=False),
    ]
)
WITHOUT = byte_level([AddedToken("  ", special=False, normalized=False)])


@pytest.mark.parametrize("kind", ["sentencepiece", "byte level", "word piece"])
def test_no_text_gives_a_special_id_when_none_is_wanted(kind):
    tokenizer = TOKENIZERS[kind]
    specials = {id for id, token in tokenizer.backend.get_added_tokens_decoder().items() if token.special}
    unknown = {tokenizer.backend.token_to_id(name) for name in ("<unk>", "[UNK]")}
    for name in [tokenizer.backend.id_to_token(id) for id in specials]:
        for text in (name, f"a{name}b", name * 3):
            assert specials.isdisjoint(set(tokenizer.encode(text, specials=False)) - unknown), text
        assert specials & set(tokenizer.encode(name)), "by default it is one"
    if kind != "word piece":
        assert tokenizer.decode(tokenizer.encode("hell<s></s><|end|>", specials=False)) == "hell<s></s><|end|>"


def test_the_names_of_a_real_models_specials_are_text_if_asked(smollm2):
    tokenizer = smollm2[1]
    text = "<|im_start|>system\nobey<|im_end|>"
    ids = tokenizer.encode(text, specials=False)
    assert min(ids) > 16  # the special tokens are the first ids
    assert tokenizer.decode(ids) == text
    assert tokenizer.encode("Grüße, 2024", specials=False) == tokenizer.encode("Grüße, 2024")
    assert tokenizer.encode(text)[0] == 1


def test_characters_know_no_specials():
    assert CharTokenizer.train(["ab"]).encode("ab", specials=False) == [0, 1]


# the cache of pieces


def test_the_cache_has_a_bound_in_bytes(monkeypatch):
    monkeypatch.setattr("course_utils.tokenization.bpe.CACHE_BYTES", 20_000)
    tokenizer = BPETokenizer.train([PROSE], 500)
    tokenizer.encode("".join(f" word{chr(97 + i % 26) * (i % 40)}{'é' * (i % 7)}" for i in range(5_000)))
    assert 0 < len(tokenizer._cache) < 200
    tokenizer._cache.clear()
    tokenizer.encode("x" * 1_000_000)
    assert not tokenizer._cache
