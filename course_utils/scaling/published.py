"""Scaling laws as their authors published them. Losses are in nats per token of their texts and tokenizers."""

from course_utils.scaling.frontier import Frontier
from course_utils.scaling.laws import Chinchilla, PowerLaw

# Kaplan et al. (2020), "Scaling Laws for Neural Language Models", equations 1.1 to 1.3:
# L(x) = (x_c / x)^alpha.
# N is without embeddings; C is in PF-days, of 1e15 x 86,400 operations, of the compute-optimal training.
KAPLAN = {
    "parameters": PowerLaw(0.0, 8.8e13**0.076, 0.076),
    "tokens": PowerLaw(0.0, 5.4e13**0.095, 0.095),
    "PF-days": PowerLaw(0.0, 3.1e8**0.050, 0.050),
}
# The same paper's use of compute: section 6.1 and table 6, N = 1.3e9 C^0.73; the exponents of table 3.
KAPLAN_FRONTIER = Frontier(KAPLAN["PF-days"], coefficient=1.3e9, exponent=0.73, alpha_N=0.077, alpha_S=0.76)
# Hoffmann et al. (2022), "Training Compute-Optimal Large Language Models", appendix D.3.
CHINCHILLA = Chinchilla(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28)
# Besiroglu et al. (2024), "Chinchilla Scaling: A Replication Attempt", section 3: the same runs, fitted again.
CHINCHILLA_REFITTED = Chinchilla(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
