import math
from itertools import count, pairwise

import numpy as np
import torch
from verdicts import right, wrong

from course_utils.exercises import scaling as exercises
from course_utils.scaling import Chinchilla, fit_power_law


@right(exercises.power_law_above_floor)
def test_numpys_polyfit(x, loss, floor):
    above = np.array(loss) - floor
    if (above <= 0).any():
        raise ValueError("floor")
    slope, height = np.polyfit(np.log10(x), np.log10(above), 1)
    return 10**height, -slope


@right(exercises.power_law_above_floor)
def test_the_package(x, loss, floor):
    law = fit_power_law(x, loss, floor)
    return law.coefficient, law.exponent


@wrong(exercises.power_law_above_floor, "At x = 1 the loss is the coefficient")
def test_a_line_without_logarithms(x, loss, floor):
    slope, height = np.polyfit(x, np.array(loss) - floor, 1)
    return height, -slope


@wrong(exercises.power_law_above_floor, "a list, not a tuple")
def test_a_list_of_two(x, loss, floor):
    return list(exercises.power_law_above_floor.reference(x, loss, floor))


@right(exercises.swiglu_width)
def test_widths_tried_one_after_the_other(d_model, n_heads, n_kv_heads, multiple):
    head = d_model // n_heads
    attention = 2 * d_model * d_model + 2 * d_model * n_kv_heads * head
    return next(w for w in count(0, multiple) if attention + 3 * d_model * w >= 12 * d_model**2)


@right(exercises.swiglu_width)
def test_floats(d_model, n_heads, n_kv_heads, multiple):
    return multiple * math.ceil((12 - 2 - 2 * n_kv_heads / n_heads) * d_model / 3 / multiple)


@right(exercises.compute_optimal)
def test_a_search_by_thirds(flops, A, B, alpha, beta, most_tokens):
    def loss(log_n):
        return A * math.exp(-alpha * log_n) + B * (flops / 6 / math.exp(log_n)) ** -beta

    low, high = math.log(max(1, flops / 6 / most_tokens)), math.log(flops / 6)
    for _ in range(100):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if loss(a) < loss(b) else (a, high)
    return math.exp(low), flops / 6 / math.exp(low)


@right(exercises.compute_optimal)
def test_a_grid_made_finer(flops, A, B, alpha, beta, most_tokens):
    low, high = np.log(max(1, flops / 6 / most_tokens)), np.log(flops / 6)
    for _ in range(12):
        logs = np.linspace(low, high, 101)
        losses = A * np.exp(-alpha * logs) + B * (flops / 6 / np.exp(logs)) ** -beta
        best = int(losses.argmin())
        low, high = logs[max(0, best - 1)], logs[min(100, best + 1)]
    return np.exp(logs[best]), flops / 6 / np.exp(logs[best])


@right(exercises.compute_optimal)
def test_the_formula(flops, A, B, alpha, beta, most_tokens):
    n, d = Chinchilla(1.69, A, B, alpha, beta).compute_optimal(flops)
    return (n, d) if d <= most_tokens else (flops / 6 / most_tokens, most_tokens)


@wrong(exercises.compute_optimal, "narrowed down until five digits are right")
def test_a_grid_of_whole_numbers_that_is_right_once(flops, A, B, alpha, beta, most_tokens):
    best = min(range(1, 99, 3), key=lambda n: A / n**alpha + B / (flops / 6 / n) ** beta)
    return float(best), flops / 6 / best


@right(exercises.last_step)
def test_a_division_that_minds_zero(objective, tolerance):
    for step, (before, after) in enumerate(pairwise(objective), start=1):
        if before == 0 or (before - after) / before <= tolerance:
            return step
    return len(objective) - 1


@right(exercises.last_step)
def test_scipys_rule_without_the_1(objective, tolerance):
    step = 0
    while step < len(objective) - 1:
        step += 1
        before, after = objective[step - 1], objective[step]
        if before - after <= tolerance * max(abs(before), abs(after)):
            break
    return step


@right(exercises.last_step)
def test_torch(objective, tolerance):
    values = torch.tensor(objective, dtype=torch.float64)
    small = (values[:-1] - values[1:] <= tolerance * values[:-1]).nonzero().flatten()
    return small[0].item() + 1 if len(small) else len(objective) - 1


@wrong(exercises.last_step, "Mind the division by 0")
def test_a_division_by_0(objective, tolerance):
    for step in range(1, len(objective)):
        if (objective[step - 1] - objective[step]) / objective[step - 1] <= tolerance:
            return step
    return len(objective) - 1


@right(exercises.interval_score)
def test_three_cases(low, high, level, outcome):
    if low > high or level <= 0 or level >= 1:
        raise ValueError("low, high or level")
    if outcome < low:
        return high - low + 2 / (1 - level) * (low - outcome)
    return high - low + (2 / (1 - level) * (outcome - high) if outcome > high else 0)


@wrong(exercises.interval_score, "the score the best of all: raise ValueError")
def test_ends_that_are_swapped_silently(low, high, level, outcome):
    return exercises.interval_score.reference(min(low, high), max(low, high), level, outcome)
