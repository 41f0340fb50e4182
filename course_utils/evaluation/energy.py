"""Energy of a run and the CO2 it stands for: from its operations, from power and time, or from the machine's counters.

A figure that no meter has read is an estimate, and says what it assumes.
"""

import importlib
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from course_utils.checks import number

JOULES_PER_KWH = 3_600_000
NOT_READ = ("CPU(Cpu Load)", "W)", "[generic])")  # how codecarbon describes a processor whose power it makes up


@dataclass(frozen=True)
class Energy:
    """Energy of a run.

    Args:
        kwh: kilowatt-hours.
        estimated_kwh: those among them that no meter has read.
        basis: what the figure stands on, in words.
    """

    kwh: float
    estimated_kwh: float
    basis: str

    @property
    def is_estimate(self) -> bool:
        """Whether a part of it was assumed, not read."""
        return self.estimated_kwh > 0

    def grams_of_co2(self, grams_per_kwh: float) -> float:
        """Return grams of CO2: kilowatt-hours times the grid's carbon intensity.

        Args:
            grams_per_kwh: g CO2 per kWh where and when it ran. There is no default, since it differs tenfold and more
                between grids: Ember's Yearly Electricity Data has that of each country.

        Raises:
            ValueError: it is no finite number of at least 0.

        Source: Strubell, Ganesh and McCallum (2019), "Energy and Policy Considerations for Deep Learning in NLP",
        section 2.
        """
        return self.kwh * amount("grams_per_kwh", grams_per_kwh)

    def __str__(self) -> str:
        return f"{self.kwh:.3g} kWh, {'estimated' if self.is_estimate else 'read'}: {self.basis}"


def energy_from_flops(flops: float, joules_per_flop: float) -> Energy:
    """Return the energy of so many floating-point operations.

    Args:
        flops: operations of the run, such as 6 N D of a training.
        joules_per_flop: watts divided by the operations per second that are really reached: 700 W and 40 % of
            989e12 per second make 1.8e-12. With the data sheet's peak it is a lower bound that no run reaches.

    Raises:
        ValueError: one of them is no finite number of at least 0.

    Source: Patterson et al. (2021), "Carbon Emissions and Large Neural Network Training", section 2, with time written
    as operations per operations per second.
    """
    joules = amount("flops", flops) * amount("joules_per_flop", joules_per_flop)
    kwh = joules / JOULES_PER_KWH
    return Energy(kwh, kwh, f"{flops:.3g} operations at an assumed {joules_per_flop:.3g} J each")


def energy_from_power(watts: float, seconds: float) -> Energy:
    """Return the energy of a power that is drawn for some time.

    Args:
        watts: of everything that is counted: all processors, memory, and cooling if that shall count.
        seconds: how long.

    Raises:
        ValueError: one of them is no finite number of at least 0.

    Source: Patterson et al. (2021), "Carbon Emissions and Large Neural Network Training", section 2.
    """
    kwh = amount("watts", watts) * amount("seconds", seconds) / JOULES_PER_KWH
    return Energy(kwh, kwh, f"{seconds:.3g} s at an assumed {watts:.3g} W")


def metered_energy(run: Callable[[], object]) -> Energy:
    """Call a function and return the energy that the whole machine took meanwhile, by codecarbon, without a network.

    What codecarbon can read it reads: Intel's and AMD's counters of the processor (on Linux as root only), Apple's, and
    NVIDIA's cards. A virtual machine shows none: there it guesses a processor's watts from its name and load, which may
    be wrong by a factor of ten, and memory's watts it always guesses. `basis` names each guess with its watts.

    A run should take some ten seconds at least: power is looked at every second.

    Args:
        run: takes no arguments; what it returns is dropped.

    Raises:
        ModuleNotFoundError: codecarbon isn't installed.

    Source: Courty et al., "CodeCarbon" (its documentation, "Methodology").
    """
    try:
        codecarbon = importlib.import_module("codecarbon")
    except ImportError as error:
        raise ModuleNotFoundError(
            f"metered_energy needs codecarbon ({error}): run pip install codecarbon==3.3.2, or use energy_from_power"
        ) from None
    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)  # it speaks before it heeds its own log_level
    tracker = codecarbon.OfflineEmissionsTracker(
        country_iso_code="USA",  # it asks for one; its CO2 isn't used
        measure_power_secs=1,
        output_methods=[],  # no file
        allow_multiple_runs=True,
        log_level="critical",
    )
    tracker.start()
    try:
        run()
    finally:
        tracker.stop()
    return energy_of_parts(tracker.final_emissions_data, list(map(str, tracker._hardware)))


def energy_of_parts(found: Any, hardware: list[str]) -> Energy:
    """Return the energy that codecarbon found, each part of the machine named with what it stands on.

    Args:
        found: codecarbon's `EmissionsData`.
        hardware: how codecarbon describes the parts that it follows.
    """
    processors = [part for part in hardware if part.startswith(("CPU", "AppleSiliconChip"))]
    guessed = not processors or any(part.startswith("CPU") and part.endswith(NOT_READ) for part in processors)
    basis = [
        f"processor “{found.cpu_model}” " + (f"guessed at {found.cpu_power:.1f} W" if guessed else "read"),
        f"memory guessed at {found.ram_power:.1f} W",
    ]
    if found.gpu_energy:
        basis.append(f"graphics cards “{found.gpu_model}” read")
    return Energy(found.energy_consumed, found.ram_energy + (found.cpu_energy if guessed else 0.0), ", ".join(basis))


def amount(name: str, value: float) -> float:
    """Return a finite number of at least 0 as a float; raise ValueError for another."""
    result = number(name, value)
    if not 0 <= result < math.inf:
        raise ValueError(f"{name} must be a finite number of at least 0, got {value}")
    return result
