"""A byte-level BPE tokenizer as the `tokenizers` library has it, which writes and reads the file."""

import json
from collections.abc import Sequence

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from course_utils.tokenization import gpt2

Merges = list[tuple[bytes, bytes]]


def to_library(special_tokens: Sequence[str], tokens: Sequence[bytes], merges: Merges) -> Tokenizer:
    """Return the library's tokenizer that splits as GPT-2 does and gives the same ids.

    Args:
        special_tokens: S strings, with the ids from 0 on.
        tokens: the bytes of each id, special tokens included.
        merges: pairs of tokens, in the order learned.
    """
    names = [*special_tokens, *map(gpt2.written, tokens[len(special_tokens) :])]
    vocabulary = {name: id for id, name in enumerate(names)}
    backend = Tokenizer(models.BPE(vocabulary, [(gpt2.written(left), gpt2.written(right)) for left, right in merges]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(token, normalized=False) for token in special_tokens])
    return backend


def from_library(backend: Tokenizer) -> tuple[Merges, list[str]]:
    """Return the merges and the special tokens of a library's tokenizer; `differences` tells what else it holds.

    Raises:
        ValueError: it is no byte-level BPE tokenizer.
    """
    document = json.loads(backend.to_str())
    try:
        merges = [(gpt2.read(left), gpt2.read(right)) for left, right in document["model"]["merges"]]
    except KeyError:  # a model without merges, or merges of characters that stand for no byte
        raise ValueError(f"its {document['model']['type']} model is no byte-level BPE") from None
    return merges, [token["content"] for token in document["added_tokens"]]


def differences(one: Tokenizer, other: Tokenizer) -> list[str]:
    """Return the names of the parts, such as normalizer or model, in which two tokenizers of the library differ."""
    parts, other_parts = json.loads(one.to_str()), json.loads(other.to_str())
    return [name for name, part in parts.items() if part != other_parts[name]]
