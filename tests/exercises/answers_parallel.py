import math

import numpy as np
import torch
from answers_registry import right, wrong

# average_gradients


@right("average_gradients")
def summed_in_a_loop(gradients, counts):
    total = sum(counts)
    if total == 0 or len(gradients) != len(counts):
        raise ValueError("no token, or lists that don't fit")
    result = torch.zeros_like(gradients[0])
    for gradient, count in zip(gradients, counts, strict=True):
        if count > 0:
            result += gradient * count
    return result / total


@right("average_gradients")
def merged_with_all_tokens_before(gradients, counts):
    if len(gradients) != len(counts):
        raise ValueError("lists that don't fit")
    merged, tokens = None, 0
    for i, count in enumerate(counts):
        if count:
            before = merged if tokens else gradients[i]
            tokens += count
            merged = before + (gradients[i] - before) * (count / tokens)
    if not tokens:
        raise ValueError("no token")
    return merged


@wrong("average_gradients", "added the gradients up")
def only_summed(gradients, counts):
    return sum(gradients)


@wrong("average_gradients", "didn't divide by their sum")
def never_divided(gradients, counts):
    return sum(count * gradient for count, gradient in zip(counts, gradients, strict=True))


@wrong("average_gradients", "divided the weighted sum by the number of processes")
def divided_by_processes(gradients, counts):
    return sum(count * gradient for count, gradient in zip(counts, gradients, strict=True)) / len(counts)


@wrong("average_gradients", "these gradients are means already")
def means_taken_for_sums(gradients, counts):
    return sum(gradients) / sum(counts)


@wrong("average_gradients", "first process's gradient alone")
def first_process(gradients, counts):
    return gradients[0]


@wrong("average_gradients", "last process's gradient alone")
def overwritten_in_a_loop(gradients, counts):
    for gradient in gradients:
        result = gradient.clone()
    return result


@wrong("average_gradients", "largest number of each place")
def largest(gradients, counts):
    return torch.stack(gradients).max(dim=0).values


@wrong("average_gradients", "mean of means")
def mean_of_means(gradients, counts):
    return sum(gradients) / len(gradients)


@wrong("average_gradients", "weights are upside down")
def inverse_weights(gradients, counts):
    weights = torch.tensor([1 / count for count in counts])
    weights = weights / weights.sum()
    return sum(weight * gradient for weight, gradient in zip(weights, gradients, strict=True))


@wrong("average_gradients", "merged one process after the other")
def merged_with_the_last_count(gradients, counts):
    merged, before = gradients[0], counts[0]
    for gradient, count in zip(gradients[1:], counts[1:], strict=True):
        merged = (merged * before + gradient * count) / (before + count)
        before = count
    return merged


@wrong("average_gradients", "weight of one token")
def never_weightless(gradients, counts):
    counts = [count if count else 1 for count in counts]
    return sum(count * gradient for count, gradient in zip(counts, gradients, strict=True)) / sum(counts)


@wrong("average_gradients", "0 times nan is nan")
def times_zero(gradients, counts):
    weights = torch.tensor(counts, dtype=torch.float32) / sum(counts)
    return torch.einsum("n,n...->...", weights, torch.stack(gradients))


@wrong("average_gradients", "turned every nan into 0")
def all_nans_gone(gradients, counts):
    total = sum(counts)
    return sum(count / total * torch.nan_to_num(gradient) for count, gradient in zip(counts, gradients, strict=True))


@wrong("average_gradients", "left out a process because of its nan")
def nan_left_out(gradients, counts):
    kept = [(gradient, count) for gradient, count in zip(gradients, counts, strict=True) if not gradient.isnan().any()]
    total = sum(count for _, count in kept)
    return sum(count / total * gradient for gradient, count in kept)


@wrong("average_gradients", "not a gradient of 0")
def zero_without_tokens(gradients, counts):
    if sum(counts) == 0:
        return torch.zeros_like(gradients[0])
    return summed_in_a_loop(gradients, counts)


@wrong("average_gradients", "not nan: a nan would spoil")
def nan_without_tokens(gradients, counts):
    if len(gradients) != len(counts):
        raise ValueError("lists that don't fit")
    total = torch.tensor(float(sum(counts)))
    result = torch.zeros_like(gradients[0])
    for gradient, count in zip(gradients, counts, strict=True):
        if count:
            result = result + gradient * count
    return result / total


@wrong("average_gradients", "dropped a gradient without a word")
def zip_stops_early(gradients, counts):
    if sum(counts) == 0:
        raise ValueError("no token")
    pairs = [(gradient, count) for gradient, count in zip(gradients, counts, strict=False) if count]
    return sum(count * gradient for gradient, count in pairs) / sum(counts)


@wrong("average_gradients", "ZeroDivisionError: division by zero. There is nothing to average")
def division_by_no_token(gradients, counts):
    total = sum(counts)
    parts = [
        gradient * (count / total) for gradient, count in zip(gradients, counts, strict=True) if count or not total
    ]
    return sum(parts)


@wrong("average_gradients", "changed its input gradients in place")
def in_place(gradients, counts):
    for gradient, count in zip(gradients, counts, strict=True):
        gradient *= count
    return sum(gradients) / sum(counts)


@wrong("average_gradients", "returned a float tensor of shape (4,), not a float tensor of shape (2,)")
def laid_end_to_end(gradients, counts):
    return torch.cat(gradients)


@wrong("average_gradients", "returned a list, not a float tensor of shape (2,)")
def as_a_list(gradients, counts):
    return mean_of_means(gradients, counts).tolist()


# bytes_sent


@right("bytes_sent")
def message_by_message(stage, n_bytes, n_gpus):
    if stage not in range(4) or n_gpus < 1:
        raise ValueError("no such stage, or no GPU")
    message = n_bytes / n_gpus
    total = 0.0
    for _ in range(3 if stage == 3 else 2):
        for _ in range(n_gpus - 1):
            total += message
    return total


@right("bytes_sent")
def in_numpys_numbers(stage, n_bytes, n_gpus):
    if n_gpus <= 0 or stage not in (0, 1, 2, 3):
        raise ValueError("no such stage, or no GPU")
    return np.float64(n_bytes) * (1 - 1 / n_gpus) * (2 + (stage == 3))


@wrong("bytes_sent", "this is one transfer")
def reduce_scatter_only(stage, n_bytes, n_gpus):
    return n_bytes * (n_gpus - 1) / n_gpus


@wrong("bytes_sent", "what many GPUs come close to")
def twice_the_vector(stage, n_bytes, n_gpus):
    return n_bytes + n_bytes


@wrong("bytes_sent", "parameter server")
def to_each_of_the_others(stage, n_bytes, n_gpus):
    return sum(n_bytes for _ in range(n_gpus - 1))


@wrong("bytes_sent", "what all GPUs send together")
def whole_vector_in_each_message(stage, n_bytes, n_gpus):
    return n_bytes * 2 * (n_gpus - 1)


@wrong("bytes_sent", "a single message")
def one_message(stage, n_bytes, n_gpus):
    return n_bytes / n_gpus


@wrong("bytes_sent", "upside down")
def upside_down(stage, n_bytes, n_gpus):
    return 2 * n_bytes * n_gpus / (n_gpus - 1)


@wrong("bytes_sent", "stage 3 isn't DDP")
def always_ddp(stage, n_bytes, n_gpus):
    return 2 * n_bytes * (n_gpus - 1) / n_gpus


@wrong("bytes_sent", "Sharding saves memory, not traffic")
def sharded_traffic(stage, n_bytes, n_gpus):
    transfers = 3 if stage == 3 else 2
    sent = transfers * n_bytes * (n_gpus - 1) / n_gpus
    return sent / n_gpus if stage == 3 else sent


@wrong("bytes_sent", "four transfers in stage 3")
def all_reduce_in_stage_3(stage, n_bytes, n_gpus):
    return (4 if stage == 3 else 2) * n_bytes * (n_gpus - 1) / n_gpus


@wrong("bytes_sent", "not twice the vector")
def three_vectors(stage, n_bytes, n_gpus):
    return 3.0 * n_bytes if stage == 3 else 2 * n_bytes * (n_gpus - 1) / n_gpus


@wrong("bytes_sent", "an all-gather after the reduce-scatter")
def weights_not_gathered(stage, n_bytes, n_gpus):
    transfers = [2, 1, 1, 3][stage]
    return transfers * n_bytes * (n_gpus - 1) / n_gpus


@wrong("bytes_sent", "let stage 1 all-reduce")
def all_reduce_and_all_gather(stage, n_bytes, n_gpus):
    transfers = 2 if stage == 0 else 3
    return transfers * n_bytes * (n_gpus - 1) / n_gpus


@wrong("bytes_sent", "gave stage 2 a third transfer")
def stage_2_as_3(stage, n_bytes, n_gpus):
    transfers = 2 if stage < 2 else 3
    return transfers * n_bytes * (n_gpus - 1) / n_gpus


@wrong("bytes_sent", "stage 2 gathers too")
def stage_2_scatters_only(stage, n_bytes, n_gpus):
    transfers = {0: 2, 1: 2, 2: 1, 3: 3}[stage]
    return transfers * n_bytes * (n_gpus - 1) / n_gpus


@wrong("bytes_sent", "nobody to send to")
def one_gpu_sends(stage, n_bytes, n_gpus):
    steps = n_gpus - 1 or 1
    return (3 if stage == 3 else 2) * steps * n_bytes / n_gpus


@wrong("bytes_sent", "rounded the part down")
def whole_parts(stage, n_bytes, n_gpus):
    part = n_bytes // n_gpus
    return float((3 if stage == 3 else 2) * (n_gpus - 1) * part)


@wrong("bytes_sent", "stage 4 doesn't exist")
def any_stage(stage, n_bytes, n_gpus):
    if n_gpus < 1:
        raise ValueError("no GPU")
    return (3 if stage > 2 else 2) * n_bytes * (n_gpus - 1) / n_gpus


@wrong("bytes_sent", "KeyError: 4. ZeRO has stages 1 to 3")
def looked_up(stage, n_bytes, n_gpus):
    return {0: 2, 1: 2, 2: 2, 3: 3}[stage] * n_bytes * (n_gpus - 1) / n_gpus


@wrong("bytes_sent", "ZeroDivisionError: division by zero. Without a GPU nothing can run")
def divides_by_no_gpu(stage, n_bytes, n_gpus):
    if stage not in range(4):
        raise ValueError("no such stage")
    return (3 if stage == 3 else 2) * n_bytes * (n_gpus - 1) / n_gpus


# fewest_micro_batches


@right("fewest_micro_batches")
def one_more_until_it_fits(n_stages, bubble):
    if n_stages < 1 or bubble <= 0 or bubble >= 1:
        raise ValueError("no pipeline, or no share")
    m = 1
    while (n_stages - 1) / (m + n_stages - 1) > bubble:
        m += 1
    return m


@right("fewest_micro_batches")
def solved_with_slack(n_stages, bubble):
    if n_stages < 1 or not 0 < bubble < 1:
        raise ValueError("no pipeline, or no share")
    return max(1, math.ceil((n_stages - 1) / bubble - (n_stages - 1) - 1e-9))


@wrong("fewest_micro_batches", "compared the idle slots with the working ones")
def idle_against_work(n_stages, bubble):
    m = 1
    while (n_stages - 1) / m > bubble:
        m += 1
    return m


@wrong("fewest_micro_batches", "waits for p - 1 slots, not for p")
def waits_too_long(n_stages, bubble):
    m = 1
    while n_stages / (m + n_stages) > bubble:
        m += 1
    return m


@wrong("fewest_micro_batches", "there are m + p - 1 slots")
def one_slot_too_many(n_stages, bubble):
    m = 1
    while (n_stages - 1) / (m + n_stages) > bubble:
        m += 1
    return m


@wrong("fewest_micro_batches", "It may be idle for it")
def busy_for_that_share(n_stages, bubble):
    m = 1
    while m / (m + n_stages - 1) < bubble:
        m += 1
    return m


@wrong("fewest_micro_batches", "At most, not less than")
def strictly_less(n_stages, bubble):
    m = 1
    while (n_stages - 1) / (m + n_stages - 1) >= bubble:
        m += 1
    return m


@wrong("fewest_micro_batches", "At most, not less than")
def plus_one(n_stages, bubble):
    return int((n_stages - 1) / bubble - (n_stages - 1)) + 1


@wrong("fewest_micro_batches", "exchanged stages and micro-batches")
def exchanged(n_stages, bubble):
    for m in range(1, 1000):
        if (m - 1) / (n_stages + m - 1) <= bubble:
            return m
    return None


@wrong("fewest_micro_batches", "you rounded down")
def cut_off(n_stages, bubble):
    return int((n_stages - 1) / bubble - (n_stages - 1))


@wrong("fewest_micro_batches", "rounded to the nearest")
def to_the_nearest(n_stages, bubble):
    return round((n_stages - 1) / bubble - (n_stages - 1))


@wrong("fewest_micro_batches", "12.000000000000002")
def float_trap_of_a_product(n_stages, bubble):
    idle = n_stages - 1
    return math.ceil(idle * (1 - bubble) / bubble)


@wrong("fewest_micro_batches", "235.00000000000003")
def float_trap_of_a_reciprocal(n_stages, bubble):
    idle = n_stages - 1
    return math.ceil(idle * (1 / bubble - 1))


@wrong("fewest_micro_batches", "there is at least one")
def no_micro_batch(n_stages, bubble):
    return math.ceil((n_stages - 1) / bubble - (n_stages - 1) - 1e-9)


@wrong("fewest_micro_batches", "no stage is no pipeline")
def any_pipeline(n_stages, bubble):
    return max(1, math.ceil((n_stages - 1) / bubble - (n_stages - 1) - 1e-9))


@wrong("fewest_micro_batches", "more than all of the time")
def any_share(n_stages, bubble):
    if n_stages < 1:
        raise ValueError("no pipeline")
    m = 1
    while (n_stages - 1) / (m + n_stages - 1) > bubble:
        m += 1
    return m


@wrong("fewest_micro_batches", "ZeroDivisionError: division by zero. A pipeline has at least one stage")
def divides_by_no_slot(n_stages, bubble):
    m = 1
    while (n_stages - 1) / (m + n_stages - 1) > bubble:
        m += 1
    return m


@wrong("fewest_micro_batches", "returned a float, not an int")
def not_a_whole_number(n_stages, bubble):
    return (n_stages - 1) / bubble - (n_stages - 1)


@wrong("fewest_micro_batches", "4 idle slots may be a quarter of all")
def as_many_as_stages(n_stages, bubble):
    return n_stages


# training_days


@right("training_days")
def day_by_day(n_parameters, n_tokens, n_gpus, peak, mfu):
    if n_gpus <= 0 or mfu <= 0 or mfu > 1:
        raise ValueError("no cluster like that")
    operations_a_day = n_gpus * mfu * peak * 60 * 60 * 24
    return n_parameters * 6.0 * n_tokens / operations_a_day


@wrong("training_days", "are the forward pass")
def forward_only(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 2 * n_parameters * n_tokens / (n_gpus * peak * mfu) / 86_400


@wrong("training_days", "are the backward pass")
def backward_only(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 4 * n_parameters * n_tokens / (n_gpus * peak * mfu) / 86_400


@wrong("training_days", "multiplied and added")
def one_operation_each(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 3 * n_parameters * n_tokens / (n_gpus * peak * mfu) / 86_400


@wrong("training_days", "factor 6 is missing")
def factor_missing(n_parameters, n_tokens, n_gpus, peak, mfu):
    return n_parameters * n_tokens / (n_gpus * peak * mfu) / 86_400


@wrong("training_days", "these are seconds")
def seconds(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 6 * n_parameters * n_tokens / (n_gpus * peak * mfu)


@wrong("training_days", "these are minutes")
def minutes(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 6 * n_parameters * n_tokens / (n_gpus * peak * mfu) / 60


@wrong("training_days", "these are hours")
def hours(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 6 * n_parameters * n_tokens / (n_gpus * peak * mfu) / 60 / 60


@wrong("training_days", "time of one token")
def tokens_forgotten(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 6 * n_parameters / (n_gpus * peak * mfu) / 86_400


@wrong("training_days", "Don't divide it by 100")
def mfu_as_percent(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 6 * n_parameters * n_tokens / (n_gpus * peak * mfu * 0.01) / 86_400


@wrong("training_days", "upside down")
def trainings_a_day(n_parameters, n_tokens, n_gpus, peak, mfu):
    return n_gpus * peak * mfu * 86_400 / (6 * n_parameters * n_tokens)


@wrong("training_days", "work at their peak")
def at_the_peak(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 6 * n_parameters * n_tokens / (n_gpus * peak) / 86_400


@wrong("training_days", "you multiplied by mfu")
def precedence(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 6 * n_parameters * n_tokens / n_gpus / peak * mfu / 86_400


@wrong("training_days", "rounded to whole days")
def whole_days(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 6 * n_parameters * n_tokens // (n_gpus * peak * mfu * 86_400)


@wrong("training_days", "rounded up to whole days")
def days_begun(n_parameters, n_tokens, n_gpus, peak, mfu):
    return float(math.ceil(6 * n_parameters * n_tokens / (n_gpus * peak * mfu * 86_400)))


@wrong("training_days", "this is one GPU")
def one_gpu(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 6 * n_parameters * n_tokens / (peak * mfu) / 86_400


@wrong("training_days", "GPU-days")
def gpu_days(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 6 * n_parameters * n_tokens / (peak * mfu) * n_gpus / 86_400


@wrong("training_days", "probably a percentage")
def any_mfu(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 6 * n_parameters * n_tokens / (n_gpus * peak * mfu * 86_400)


@wrong("training_days", "you guessed that 40 means 40 %")
def guesses(n_parameters, n_tokens, n_gpus, peak, mfu):
    if mfu > 1:
        mfu /= 100
    return 6 * n_parameters * n_tokens / (n_gpus * peak * mfu * 86_400)


@wrong("training_days", "a training that never ends is no plan")
def never_ends(n_parameters, n_tokens, n_gpus, peak, mfu):
    if mfu > 1:
        raise ValueError("a percentage?")
    if mfu == 0:
        return math.inf
    return 6 * n_parameters * n_tokens / (n_gpus * peak * mfu * 86_400)


@wrong("training_days", "without a GPU there is no plan")
def nobody_works(n_parameters, n_tokens, n_gpus, peak, mfu):
    if not 0 < mfu <= 1:
        raise ValueError("mfu is a share")
    if n_gpus == 0:
        return math.inf
    return 6 * n_parameters * n_tokens / (n_gpus * peak * mfu * 86_400)


@wrong("training_days", "ZeroDivisionError: float division by zero. Nobody works")
def divides_by_no_work(n_parameters, n_tokens, n_gpus, peak, mfu):
    if not 0 < mfu <= 1:
        raise ValueError("mfu is a share")
    return 6 * n_parameters * n_tokens / (n_gpus * peak * mfu * 86_400)


@wrong("training_days", "172,800 seconds: two days")
def years(n_parameters, n_tokens, n_gpus, peak, mfu):
    return 6 * n_parameters * n_tokens / (n_gpus * peak * mfu * 86_400 * 365)
