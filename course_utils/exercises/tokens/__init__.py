"""Exercises of notebook 02: training BPE, encoding, WordPiece, choosing a vocabulary, and a miscounted score."""

from course_utils.exercises.tokens.corrected_score import exercise as corrected_score
from course_utils.exercises.tokens.encode_piece import exercise as encode_piece
from course_utils.exercises.tokens.score_vocabularies import exercise as score_vocabularies
from course_utils.exercises.tokens.train_bpe import exercise as train_bpe
from course_utils.exercises.tokens.wordpiece import exercise as wordpiece

__all__ = ["corrected_score", "encode_piece", "score_vocabularies", "train_bpe", "wordpiece"]
