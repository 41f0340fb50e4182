"""Exercises of notebook 02: pairs and merges, encoding, and bits per byte."""

from course_utils.exercises.tokens.bits_per_byte import exercise as bits_per_byte
from course_utils.exercises.tokens.count_pairs import exercise as count_pairs
from course_utils.exercises.tokens.encode_piece import exercise as encode_piece
from course_utils.exercises.tokens.merge_pair import exercise as merge_pair

__all__ = ["bits_per_byte", "count_pairs", "encode_piece", "merge_pair"]
