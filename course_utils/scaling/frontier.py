"""A scaling law of the compute alone: what its best use reaches, and what a model of another size loses."""

import math
from dataclasses import dataclass

from course_utils.scaling.counting import FLOPS_PER_PARAMETER_AND_TOKEN, training_flops
from course_utils.scaling.laws import PowerLaw

PF_DAY = 1e15 * 86_400  # FLOPs: 1e15 per second, for a day
HALVINGS = 60  # of the interval of a logarithm: less than the last digit of a float64 is left


@dataclass(frozen=True)
class Frontier:
    """The best model of each compute C_min: its loss L(C), its size N(C), and how much worse another size uses C.

    C_min is the compute of a training with batches well below the critical size, so that C_min = 6 N D.

    Attributes:
        best_loss: L(C), C in PF-days.
        coefficient, exponent: N(C) = coefficient * C^exponent, without embeddings, C in PF-days.
        alpha_N, alpha_S: exponents of L(N, S) = (N_c / N)^alpha_N + (S_c / S)^alpha_S, of N parameters and S steps.

    Source: Kaplan et al. (2020), "Scaling Laws for Neural Language Models", equation 1.3 (L), section 6.1 and table 6
    (N), equation 5.6 and table 3 (the exponents).
    """

    best_loss: PowerLaw
    coefficient: float
    exponent: float
    alpha_N: float
    alpha_S: float

    def compute_optimal(self, flops: float) -> tuple[float, float]:
        """Return parameters N and tokens D with the lowest loss that 6 N D = flops can buy.

        Raises:
            ValueError: flops isn't above 0.
        """
        if not 0 < flops < math.inf:
            raise ValueError(f"flops must be a finite number above 0, got {flops}")
        n_params = self._best_size(flops / PF_DAY)
        return n_params, flops / FLOPS_PER_PARAMETER_AND_TOKEN / n_params

    def overhead(self, ratio: float) -> float:
        """Return how many times the best model's compute one of another size needs for the same loss.

        Args:
            ratio: its size over the best model's.

        Returns:
            1 at ratio 1, more elsewhere; infinity for a model so small that it never reaches that loss.

        Raises:
            ValueError: ratio isn't above 0.

        Source: Kaplan et al. (2020), appendix B.4, equation B.16.
        """
        if not 0 < ratio < math.inf:
            raise ValueError(f"ratio must be a finite number above 0, got {ratio}")
        steps = 1 + self.alpha_S / self.alpha_N * (1 - ratio**-self.alpha_N)
        return float(ratio * steps ** (-1 / self.alpha_S)) if steps > 0 else math.inf

    def __call__(self, n_params: float, n_tokens: float) -> float:
        """Return the predicted loss of a model of n_params that has read n_tokens, in nats per token.

        It is the best loss of the compute that, times the overhead of this size, makes 6 N D.

        Raises:
            ValueError: n_params or n_tokens isn't above 0.
        """
        for name, value in (("n_params", n_params), ("n_tokens", n_tokens)):
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be a finite number above 0, got {value}")
        spent = training_flops(n_params, n_tokens) / PF_DAY

        def needed(best: float) -> float:
            return best * self.overhead(n_params / self._best_size(best))

        low = high = spent  # no overhead is below 1
        while needed(low) > spent:
            low /= 10
        for _ in range(HALVINGS):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if needed(middle) > spent else (middle, high)
        return self.best_loss(high)

    def _best_size(self, pf_days: float) -> float:
        return self.coefficient * pf_days**self.exponent
