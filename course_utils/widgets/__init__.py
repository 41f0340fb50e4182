"""Interactive views: they compute in the browser and only show; Python's own packages give the same answers."""

from course_utils.widgets.budget_explorer import BudgetExplorer
from course_utils.widgets.cache_stepper import CacheStepper
from course_utils.widgets.compute_explorer import ComputeExplorer
from course_utils.widgets.ngram_explorer import NGramExplorer
from course_utils.widgets.rank_explorer import RankExplorer
from course_utils.widgets.sampling_explorer import SamplingExplorer

__all__ = ["BudgetExplorer", "CacheStepper", "ComputeExplorer", "NGramExplorer", "RankExplorer", "SamplingExplorer"]
