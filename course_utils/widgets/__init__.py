"""Interactive views: they compute in the browser and only show; the same answers come from `decoding`."""

from course_utils.widgets.sampling_explorer import SamplingExplorer

__all__ = ["SamplingExplorer"]
