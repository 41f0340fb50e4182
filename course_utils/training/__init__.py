"""Training: the next-token loss, optimizers, schedule, a trainer with checkpoints; on one process or many."""

from course_utils.evaluation import next_token_loss
from course_utils.speed import matmul_peak
from course_utils.training.config import TrainingConfig
from course_utils.training.documents import SEPARATOR, document_row
from course_utils.training.flops import flops_per_token
from course_utils.training.history import History
from course_utils.training.optimizers import make_optimizers, parameter_groups
from course_utils.training.schedule import learning_rate_factor
from course_utils.training.streaming import StreamedWindows
from course_utils.training.trainer import Trainer
from course_utils.training.windows import RandomWindows, random_windows

__all__ = [
    "SEPARATOR",
    "History",
    "RandomWindows",
    "StreamedWindows",
    "Trainer",
    "TrainingConfig",
    "document_row",
    "flops_per_token",
    "learning_rate_factor",
    "make_optimizers",
    "matmul_peak",
    "next_token_loss",
    "parameter_groups",
    "random_windows",
]
