"""Scaling laws: how the loss falls with the size of the model, the text and the compute."""

from course_utils.scaling.counting import non_embedding_params, training_flops
from course_utils.scaling.frontier import PF_DAY, Frontier
from course_utils.scaling.game import PredictionGame
from course_utils.scaling.laws import (
    Chinchilla,
    PowerLaw,
    bootstrap_chinchilla,
    fit_chinchilla,
    fit_power_law,
    interval,
)
from course_utils.scaling.published import CHINCHILLA, CHINCHILLA_REFITTED, KAPLAN, KAPLAN_FRONTIER

__all__ = [
    "CHINCHILLA",
    "CHINCHILLA_REFITTED",
    "KAPLAN",
    "KAPLAN_FRONTIER",
    "PF_DAY",
    "Chinchilla",
    "Frontier",
    "PowerLaw",
    "PredictionGame",
    "bootstrap_chinchilla",
    "fit_chinchilla",
    "fit_power_law",
    "interval",
    "non_embedding_params",
    "training_flops",
]
