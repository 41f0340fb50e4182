"""Every model of the course on one text, and what they give together."""

from course_utils.ladder.counted import CountedLM
from course_utils.ladder.folder import load_counted, load_learned, load_mixture
from course_utils.ladder.learned import LocalDecoderLM
from course_utils.ladder.mixture import Mixture

__all__ = ["CountedLM", "LocalDecoderLM", "Mixture", "load_counted", "load_learned", "load_mixture"]
