"""Tokenization: from text to token ids and back."""

from course_utils.tokenization.bpe import BPETokenizer
from course_utils.tokenization.characters import CharTokenizer
from course_utils.tokenization.pretrained import PretrainedTokenizer
from course_utils.tokenization.protocol import Tokenizer

__all__ = ["BPETokenizer", "CharTokenizer", "PretrainedTokenizer", "Tokenizer"]
