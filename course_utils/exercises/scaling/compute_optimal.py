"""How to spend a budget of FLOPs, found by a search; and what to do if the text runs out first."""

import math

from course_utils.exercises.core import Exercise, probes


def compute_optimal(
    flops: float, A: float, B: float, alpha: float, beta: float, most_tokens: float
) -> tuple[float, float]:
    """Return the parameters N and tokens D with the lowest loss that 6 N D = flops can buy, where D <= most_tokens.

    The loss is E + A / N^alpha + B / D^beta; E makes no difference.

    Args:
        flops: the whole budget, to be spent.
        A, B, alpha, beta: of the law, all above 0.
        most_tokens: of text that there is; may be infinite.

    Source: Hoffmann et al. (2022), "Training Compute-Optimal Large Language Models", section 3.3, for the law and the
    budget.
    """

    products = flops / 6  # N D
    low, high = max(1.0, products / most_tokens), products  # N; with the lowest D is most_tokens
    for _ in range(200):
        n_params = math.sqrt(low * high)
        # what a percent more parameters gain, and what a percent fewer tokens lose: the loss has a single valley
        still_falls = alpha * A * n_params**-alpha > beta * B * (products / n_params) ** -beta
        low, high = (n_params, high) if still_falls else (low, n_params)
    return low, products / low


UNLIMITED = math.inf
PUBLISHED = (406.4, 410.7, 0.34, 0.28)
REFITTED = (482.01, 2085.43, 0.3478, 0.3658)

exercise = Exercise(
    compute_optimal,
    minutes=25,
    difficulty=3,
    shown="at the optimum a percent more of N gains as much as a percent less of D loses, and scarce text calls for a "
    "larger model.",
    hints=(
        "Write the loss as a function of N alone, for D is then flops / 6 / N. Draw it over ln N: how many valleys?",
        "In ln N there is one valley. Take two points inside: it isn't beyond the worse one, so the interval shrinks "
        "by a third. A hundred times is plenty. Or follow the slope: a percent more of N gains alpha A / N^alpha and "
        "loses beta B / D^beta.",
        "D <= most_tokens means N >= flops / 6 / most_tokens: begin the search there. If the valley lies below, the "
        "search ends at that bound, with D = most_tokens and a larger N.",
    ),
    probes=probes(
        ("N and D alike", 600.0, 1.0, 1.0, 1.0, 1.0, UNLIMITED),
        "N D = 100, and neither matters more: 10 and 10.",
        ("a parameter is worth more", 600.0, 4.0, 1.0, 1.0, 1.0, UNLIMITED),
        "4 / N + N / 100 is least at N = 20. A search on a grid has to be narrowed down until five digits are right.",
        ("unlike exponents", 6e6, 1.0, 1.0, 0.5, 0.25, UNLIMITED),
        "The loss gains alpha A / N^alpha for a percent of N and beta B / D^beta for one of D: make the two equal.",
        ("Chinchilla's budget, the law as published", 5.76e23, *PUBLISHED, UNLIMITED),
        "The same search, in ln N, over a wider range: about 32 billion parameters and 3 trillion tokens.",
        ("Chinchilla's budget, the law fitted again", 5.76e23, *REFITTED, UNLIMITED),
        "The same search with the constants of Besiroglu et al. (2024): 72 billion, and Chinchilla has 70.",
        ("text runs out", 600.0, 1.0, 1.0, 1.0, 1.0, 5.0),
        "Only 5 tokens: the rest of the budget goes into a model of 20.",
        ("text that is enough", 600.0, 4.0, 1.0, 1.0, 1.0, 8.0),
        "The best D is 5, and there are 8: the limit changes nothing.",
    ),
    hidden=probes(
        ("another law", 1e21, 120.0, 900.0, 0.31, 0.42, UNLIMITED),
        "The N and D with the lowest loss of all with 6 N D = flops.",
        ("another law, scarce text", 1e21, 120.0, 900.0, 0.31, 0.42, 2e9),
        "D is bounded, and the whole budget is spent.",
    ),
)


def best_on_a_grid(n_points):
    def answer(flops, A, B, alpha, beta, most_tokens):
        step = math.log(flops / 6) / n_points
        models = [math.exp(step * number) for number in range(n_points + 1)]
        models = [n for n in models if flops / 6 / n <= most_tokens]
        best = min(models, key=lambda n: A / n**alpha + B / (flops / 6 / n) ** beta)
        return best, flops / 6 / best

    return answer


def at(products=lambda flops: flops / 6, first=lambda A, alpha: alpha * A, power=lambda alpha, beta: beta):
    """What students vary in the formula: N D, what stands before N^-alpha in the condition, the exponent of C."""

    def answer(flops, A, B, alpha, beta, most_tokens):
        ratio = (first(A, alpha) / first(B, beta)) ** (1 / (alpha + beta))
        n = ratio * products(flops) ** (power(alpha, beta) / (alpha + beta))
        n = max(n, products(flops) / most_tokens)
        return n, products(flops) / n

    return answer


def cut(flops, A, B, alpha, beta, most_tokens):
    n, d = compute_optimal(flops, A, B, alpha, beta, UNLIMITED)
    return n, min(d, most_tokens)


def balanced(flops, A, B, alpha, beta, most_tokens):
    n = max(math.sqrt(flops / 6), flops / 6 / most_tokens)
    return n, flops / 6 / n


def twenty_to_one(flops, A, B, alpha, beta, most_tokens):
    n = max(math.sqrt(flops / 120), flops / 6 / most_tokens)
    return n, flops / 6 / n


SWAPPED = "N and D are swapped, or A and B: return N first, and the larger A is, the larger is N."
COARSE = "this is the best of the points you tried. Narrow the search down between its neighbours, until N stays."
exercise.add_mistakes(
    SWAPPED,
    lambda *args: compute_optimal(*args)[::-1],
    "this takes the budget for N D. A training takes 6 FLOPs for each parameter and token.",
    at(products=lambda flops: flops),
    "this counts the forward pass alone, 2 N D. A training takes 6 N D.",
    at(products=lambda flops: flops / 2),
    "N and D are equal, whatever the law says.",
    balanced,
    "this is 20 tokens for each parameter, whatever the law says.",
    twenty_to_one,
    "here A / N^alpha and B / D^beta are equal. Equal must be what a percent more of each gains, alpha A / N^alpha and "
    "beta B / D^beta.",
    at(first=lambda A, alpha: A),
    SWAPPED,
    at(first=lambda A, alpha: 1 / (alpha * A)),
    "the exponents are swapped: N grows with C^(beta / (alpha + beta)).",
    at(power=lambda alpha, beta: alpha),
    COARSE,
    best_on_a_grid(1000),
    COARSE,
    best_on_a_grid(100_000),
    "more text is read than there is: D must be at most most_tokens.",
    lambda flops, A, B, alpha, beta, most_tokens: compute_optimal(flops, A, B, alpha, beta, UNLIMITED),
    "D was cut to what there is, but the FLOPs that this saves aren't spent. Give them to N.",
    cut,
    "all the text is read, although fewer tokens and a larger model would be better.",
    lambda flops, A, B, alpha, beta, most_tokens: (
        (flops / 6 / most_tokens, most_tokens)
        if most_tokens < UNLIMITED
        else compute_optimal(flops, A, B, alpha, beta, most_tokens)
    ),
)
