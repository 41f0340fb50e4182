"""Figures of the course: one palette, one style, and captions that also reach a reader who can't see the picture.

Nothing here computes a result: numbers come in, a matplotlib figure goes out.
"""

from course_utils.plots.attention import attention_map
from course_utils.plots.cache_step import cache_step
from course_utils.plots.iso_compute import iso_compute
from course_utils.plots.labels import visible
from course_utils.plots.memory_bars import memory_bars
from course_utils.plots.next_token import axis_ceiling, next_token_bars
from course_utils.plots.next_word import next_word_bars
from course_utils.plots.rank_cut import rank_cut
from course_utils.plots.showing import figure_html, png, show
from course_utils.plots.style import GREY, PALETTE, STYLE
from course_utils.plots.tokens import token_strip

__all__ = [
    "GREY",
    "PALETTE",
    "STYLE",
    "attention_map",
    "axis_ceiling",
    "cache_step",
    "figure_html",
    "iso_compute",
    "memory_bars",
    "next_token_bars",
    "next_word_bars",
    "png",
    "rank_cut",
    "show",
    "token_strip",
    "visible",
]
