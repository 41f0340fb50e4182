"""Exercises of notebook 02: pairs and merges, encoding, and bits per byte."""

from course_utils.exercises.tokens.bits import bits_per_byte
from course_utils.exercises.tokens.encoding import encode_piece
from course_utils.exercises.tokens.pairs import count_pairs, merge_pair

__all__ = ["bits_per_byte", "count_pairs", "encode_piece", "merge_pair"]
