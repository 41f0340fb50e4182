"""Finetuning: what pretraining made, taught something more. Four ways, which differ in what moves and in the loss."""

from course_utils.finetuning.classifier import Classifier, accuracy, classification_loss, padded
from course_utils.finetuning.loop import Run, finetune, next_token_batch_loss
from course_utils.finetuning.preferences import dpo_loss, response_log_probs
from course_utils.finetuning.replay import with_replay

__all__ = [
    "Classifier",
    "Run",
    "accuracy",
    "classification_loss",
    "dpo_loss",
    "finetune",
    "next_token_batch_loss",
    "padded",
    "response_log_probs",
    "with_replay",
]
