"""One palette and one style: colours for every kind of colour vision, sizes for a projector."""

from typing import Any

from matplotlib.rcsetup import cycler
from matplotlib.typing import RcKeyType

# Okabe and Ito (2008), "Color Universal Design": eight colours that stay apart for every kind of colour vision.
PALETTE = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
}
GREY = "#8C8C8C"  # what is cut, or stands back

# Sizes for a projector. In a notebook: plt.rcParams.update(plots.STYLE).
STYLE: dict[RcKeyType, Any] = {
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelsize": 16,
    "axes.prop_cycle": cycler(
        color=[PALETTE[name] for name in ("blue", "vermillion", "green", "orange", "purple", "sky", "black")]
    ),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 17,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "figure.figsize": (11, 4.8),
    "font.family": "DejaVu Sans",
    "font.size": 15,
    "grid.alpha": 0.3,
    "legend.fontsize": 15,
    "legend.frameon": False,
    "lines.linewidth": 2.5,
    "lines.markersize": 7,
    "savefig.facecolor": "white",
    "xtick.labelsize": 15,
    "ytick.labelsize": 15,
}
