"""tinyworld: short stories, questions, summaries and reviews whose probabilities are known exactly.

The texts are drawn from a grammar of explicit choices (`grammar`), so each has an exact probability and the corpus an
exact entropy: the floor under every perplexity. Who holds what, and where, persists from the first line to the last.
"""

from course_utils.corpora.tinyworld.grammar import Grammar, Option
from course_utils.corpora.tinyworld.labelled import instructions, preferences, reviews
from course_utils.corpora.tinyworld.questions import Question, question
from course_utils.corpora.tinyworld.world import DOMAINS, TinyWorld

__all__ = [
    "DOMAINS",
    "Grammar",
    "Option",
    "Question",
    "TinyWorld",
    "instructions",
    "preferences",
    "question",
    "reviews",
]
