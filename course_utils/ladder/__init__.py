"""Every model of the course on one text, and what they give together."""

from course_utils.ladder.counted import CountedLM
from course_utils.ladder.mixture import Mixture

__all__ = ["CountedLM", "Mixture"]
