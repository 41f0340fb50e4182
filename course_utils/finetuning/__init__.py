"""Finetuning: what pretraining made, taught something more. Four ways, which differ in what moves and in the loss."""

from course_utils.finetuning.loop import Run, finetune, next_token_batch_loss

__all__ = ["Run", "finetune", "next_token_batch_loss"]
