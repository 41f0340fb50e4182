"""The JSON format of the `tokenizers` library, as far as a byte-level BPE tokenizer needs it."""

from collections.abc import Sequence

from course_utils.tokenization import gpt2

Merges = list[tuple[bytes, bytes]]

_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}


def write(special_tokens: Sequence[str], tokens: Sequence[bytes], merges: Merges) -> dict:
    """Return the document of a tokenizer that splits as GPT-2 does, with every key that `tokenizers` 0.23 writes.

    Args:
        special_tokens: S strings, with the ids from 0 on.
        tokens: the bytes of each id, special tokens included.
        merges: pairs of tokens, in the order learned.
    """
    names = [*special_tokens, *map(gpt2.written, tokens[len(special_tokens) :])]
    options = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": id, "content": token, **options} for id, token in enumerate(special_tokens)],
        "normalizer": None,
        "pre_tokenizer": _BYTE_LEVEL,
        "post_processor": None,
        "decoder": {**_BYTE_LEVEL, "add_prefix_space": True},  # a decoder adds nothing: this is the library's default
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {name: id for id, name in enumerate(names)},
            "merges": [[gpt2.written(left), gpt2.written(right)] for left, right in merges],
        },
    }


def read(document: dict) -> tuple[Merges, list[str]]:
    """Return the merges and the special tokens of a document; `write` says whether anything else in it differs.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: the document is of another form.
    """
    merges = [(gpt2.read(left), gpt2.read(right)) for left, right in document["model"]["merges"]]
    return merges, [token["content"] for token in document["added_tokens"]]
