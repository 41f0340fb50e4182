"""What training compute buys by a scaling law, in numbers and in words; browser/compute/rules.js does the same."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from course_utils import memory
from course_utils.scaling import (
    CHINCHILLA,
    CHINCHILLA_REFITTED,
    KAPLAN_FRONTIER,
    PF_DAY,
    Chinchilla,
    Frontier,
    training_flops,
)

Law = Chinchilla | Frontier

CARD_FLOPS = 989e12  # per second: NVIDIA's data sheet of the H100 SXM, bf16 without sparsity
SHARE = 0.4  # of it that a training reaches, assumed as in notebook 15
UNITS = {"day": 86_400, "hour": 3600, "minute": 60, "second": 1}  # in seconds


@dataclass(frozen=True)
class About:
    """What is known of a published law beside its formula.

    Args:
        unit: what its losses are measured in, a sentence.
        n_params, n_tokens: the smallest and the largest of the runs that it was fitted to.
        breaks: FLOPs beyond which its own authors don't trust it.
    """

    unit: str
    n_params: tuple[float, float]
    n_tokens: tuple[float, float]
    breaks: float = math.inf


LAWS: dict[str, Law] = {
    "Chinchilla (2022)": CHINCHILLA,
    "Chinchilla, refitted (2024)": CHINCHILLA_REFITTED,
    "Kaplan et al. (2020)": KAPLAN_FRONTIER,
}
_MASSIVE_TEXT = About("nats per token of MassiveText, cut by its own tokenizer", (70e6, 16e9), (5e9, 500e9))
ABOUT: dict[Law, About] = {
    CHINCHILLA: _MASSIVE_TEXT,  # Hoffmann et al. (2022), abstract; text and tokenizer as Gopher's
    CHINCHILLA_REFITTED: _MASSIVE_TEXT,  # Besiroglu et al. (2024): the same runs
    # Kaplan et al. (2020), sections 2 and 3; section 6.3, equation 6.8, on where the law must break.
    KAPLAN_FRONTIER: About(
        "nats per token of WebText2, cut by GPT-2’s tokenizer; N is without embeddings",
        (768, 1.5e9),
        (22e6, 23e9),
        1e4 * PF_DAY,
    ),
}
OWN_UNIT = "nats per token of the runs that the law was fitted to"

# Parameters and tokens of published models.
MODELS: dict[str, tuple[float, float]] = {
    "GPT-3": (memory.NAMED["gpt-3"].n_parameters, 300e9),  # Brown et al. (2020), table 2.1
    "Chinchilla": (70e9, 1.4e12),  # Hoffmann et al. (2022), table 1
    "Llama 2": (memory.NAMED["llama-2-7b"].n_parameters, 2e12),  # Touvron et al. (2023b), table 1
    "Llama 3": (memory.NAMED["llama-3-8b"].n_parameters, 15e12),  # Meta (2024), model card: more than 15 T
    "SmolLM2": (memory.NAMED["smollm2-135m"].n_parameters, 2e12),  # Allal et al. (2025), model card of the 135M
}


@dataclass(frozen=True)
class Plan:
    """A model that spends the whole compute.

    Args:
        n_params: its parameters, N.
        n_tokens: the tokens that it reads, D.
        loss: what the law predicts for it, in nats per token.
    """

    n_params: float
    n_tokens: float
    loss: float


def plan(law: Law, flops: float, relative_size: float = 1.0) -> Plan:
    """Return the model of a size, relative to the best one, that reads as many tokens as the compute allows.

    Args:
        law: what predicts its loss.
        flops: the compute, C = 6 N D.
        relative_size: 1 is the best size.
    """
    n_params, n_tokens = law.compute_optimal(flops)
    n_params, n_tokens = n_params * relative_size, n_tokens / relative_size
    return Plan(n_params, n_tokens, law(n_params, n_tokens))


def relative_size(law: Law, n_params: float, n_tokens: float) -> float:
    """Return N over the best N of the compute 6 N D."""
    best, _ = law.compute_optimal(training_flops(n_params, n_tokens))
    return n_params / best


def models_within(least: float, most: float) -> dict[str, tuple[float, float]]:
    """Return the published models whose compute lies between two ends, in FLOPs."""
    return {name: sizes for name, sizes in MODELS.items() if least <= training_flops(*sizes) <= most}


def words(flops: float, chosen: Plan, best: Plan) -> str:
    """Say what the compute is, which model spends it, and how far its loss is from the lowest."""
    seconds = flops / (CARD_FLOPS * SHARE)
    unit = next((unit for unit, length in UNITS.items() if seconds >= length), "second")
    time = counted(seconds / UNITS[unit], unit)
    spent = f"{scientific(flops)} FLOPs are {counted(flops / PF_DAY, 'PF-day')}, or {time} of one H100 at "
    spent += f"{amount(100 * SHARE)} % of its {amount(CARD_FLOPS / 1e12)} TFLOP/s. "
    trained = f"They train a model of {size(chosen.n_params)} parameters on {size(chosen.n_tokens)} tokens, "
    trained += f"{amount(chosen.n_tokens / chosen.n_params)} per parameter. "
    return f"{spent}{trained}Its predicted loss is {three(chosen.loss)} nats, {_gap(chosen, best)}."


def remarks(law: Law, flops: float, chosen: Plan) -> str:
    """Say what the losses are measured in, and where the law is asked for more than its runs show."""
    about = ABOUT.get(law)
    said = f"Losses are {about.unit if about else OWN_UNIT}. Don’t compare them across laws."
    if about is None:
        return said
    (n_least, n_most), (d_least, d_most) = about.n_params, about.n_tokens
    if not (n_least <= chosen.n_params <= n_most and d_least <= chosen.n_tokens <= d_most):
        said += f" The law’s runs had {size(n_least)} to {size(n_most)} parameters and {size(d_least)} to "
        said += f"{size(d_most)} tokens: this is beyond them."
    if flops > about.breaks:
        said += f" Its authors expected it to break at about {amount(about.breaks / PF_DAY)} PF-days."
    return said


def curve(law: Law, flops: float, least: float, most: float, n: int = 121) -> tuple[list[float], list[float]]:
    """Return parameters and predicted losses of models that spend the same compute, evenly spaced in log N.

    Args:
        law: what predicts the losses.
        flops: the compute.
        least, most: the smallest and the largest relative size.
        n: how many models.
    """
    steps = [least * (most / least) ** (i / (n - 1)) for i in range(n)]
    plans = [plan(law, flops, step) for step in steps]
    return [one.n_params for one in plans], [one.loss for one in plans]


# How numbers are written, as JavaScript's toPrecision, toExponential and toFixed round them


def scientific(x: float) -> str:
    """Write a number with two digits and its power of ten: 5.9e23, 1e24."""
    return f"{_rounded(x, 2):.1e}".replace("e+", "e").replace(".0e", "e")


def amount(x: float) -> str:
    """Write a number with at most three digits that count: 6,810 or 0.15; a very large or small one as 1.2e-8."""
    if not 1e-3 <= x < 1e12:
        return scientific(x)
    text = f"{_rounded(x, 3):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def size(n: float) -> str:
    """Write a number of parameters or tokens: 135 M, 70 B, 1.4 T."""
    for unit, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if n >= unit:
            return f"{amount(n / unit)} {letter}"
    return amount(n)


def counted(x: float, unit: str) -> str:
    """Write a number with its unit: 1 day, 2 days."""
    return f"{amount(x)} {unit}{'s' * (amount(x) != '1')}"


def three(x: float) -> str:
    """Write a loss, with three decimals."""
    return f"{math.floor(1000 * x + 0.5) / 1000:.3f}"


def _rounded(x: float, digits: int) -> Decimal:
    return Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(x)


def _gap(chosen: Plan, best: Plan) -> str:
    """The distance of the two losses as they are written, so that the reader's subtraction gives the same."""
    if chosen.n_params == best.n_params:
        return "the lowest that this compute buys"
    gap = math.floor(1000 * chosen.loss + 0.5) - math.floor(1000 * best.loss + 0.5)
    return f"{gap / 1000:.3f} above the lowest" if gap else "less than 0.001 above the lowest"


def declared(laws: Mapping[str, Law]) -> list[dict]:
    """Return what the browser's rules start from: the laws with their constants, as plain numbers."""
    told = []
    for name, law in laws.items():
        about = ABOUT.get(law)
        constants = vars(law) if isinstance(law, Chinchilla) else vars(law) | {"best_loss": vars(law.best_loss)}
        known = (
            {fact: value for fact, value in vars(about).items() if value != math.inf} if about else {"unit": OWN_UNIT}
        )
        told.append({"name": name, "constants": constants, "about": known})  # JSON has no infinity
    return told
