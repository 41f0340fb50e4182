"""Exercises of notebook 09: what is scored, what a classifier reads, what is forgotten, and what is preferred."""

from course_utils.exercises.finetuning.class_logits import exercise as class_logits
from course_utils.exercises.finetuning.padded_loss import exercise as padded_loss
from course_utils.exercises.finetuning.preference_loss import exercise as preference_loss
from course_utils.exercises.finetuning.replay_share import exercise as replay_share
from course_utils.exercises.finetuning.response_targets import exercise as response_targets

__all__ = ["class_logits", "padded_loss", "preference_loss", "replay_share", "response_targets"]
