import math

import numpy as np
import torch
import torch.nn.functional as F
from answers_registry import right, wrong

# inputs_and_targets


def filled(rows, filler):
    longest = max(len(row) for row in rows)
    return [row + [filler] * (longest - len(row)) for row in rows]


def refuse_short(rows):
    for row in rows:
        if len(row) < 2:
            raise ValueError("nothing to predict")


@right("inputs_and_targets")
def with_loops(rows, pad_id):
    refuse_short(rows)
    longest = max(len(row) for row in rows) - 1
    inputs, targets = [], []
    for row in rows:
        one_input, one_target = [pad_id] * longest, [-100] * longest
        for t in range(len(row) - 1):
            one_input[t], one_target[t] = row[t], row[t + 1]
        inputs.append(one_input)
        targets.append(one_target)
    return inputs, targets


@right("inputs_and_targets")
def padded_first(rows, pad_id):
    refuse_short(rows)
    tokens = filled(rows, pad_id)
    inputs = [row[:-1] for row in tokens]
    targets = [
        [token if t + 1 < len(row) else -100 for t, token in enumerate(longer[1:])]
        for row, longer in zip(rows, tokens, strict=True)
    ]
    # the last token of a short text is read when it is padded first: put padding in its place
    for row, line in zip(rows, inputs, strict=True):
        line[len(row) - 1 :] = [pad_id] * (len(line) - len(row) + 1)
    return inputs, targets


@wrong("inputs_and_targets", "would learn to copy")
def no_shift(rows, pad_id):
    return rows, [row[:] for row in rows]


@wrong("inputs_and_targets", "would learn to copy")
def no_shift_but_shorter(rows, pad_id):
    return [row[:-1] for row in rows], [row[:-1] for row in rows]


@wrong("inputs_and_targets", "the wrong way round")
def backwards(rows, pad_id):
    return [row[1:] for row in rows], [row[:-1] for row in rows]


@wrong("inputs_and_targets", "shifted by two")
def by_two(rows, pad_id):
    return [row[:-2] for row in rows], [row[2:] for row in rows]


@wrong("inputs_and_targets", "one longer than targets")
def last_one_read(rows, pad_id):
    return rows, [row[1:] for row in rows]


@wrong("inputs_and_targets", "the last token is read, and nothing is learned from it")
def last_one_ignored(rows, pad_id):
    return rows, [[*row[1:], -100] for row in rows]


@wrong("inputs_and_targets", "targets still begin with the first token")
def first_one_predicted(rows, pad_id):
    return [row[:-1] for row in rows], rows


@wrong("inputs_and_targets", "you rolled the text")
def rolled(rows, pad_id):
    return rows, [np.roll(row, -1).tolist() for row in rows]


@wrong("inputs_and_targets", "joined the texts to one row")
def one_stream(rows, pad_id):
    stream = [token for row in rows for token in row]
    return [stream[:-1]], [stream[1:]]


@wrong("inputs_and_targets", "rows and columns are swapped")
def columns(rows, pad_id):
    refuse_short(rows)
    inputs, targets = with_loops(rows, pad_id)
    return np.array(inputs).T.tolist(), np.array(targets).T.tolist()


@wrong("inputs_and_targets", "the rows have different lengths")
def not_padded(rows, pad_id):
    return [row[:-1] for row in rows], [row[1:] for row in rows]


@wrong("inputs_and_targets", "cut every text to the shortest")
def cut(rows, pad_id):
    steps = list(zip(*rows, strict=False))  # ends with the shortest
    tokens = [list(row) for row in zip(*steps, strict=True)]
    return [row[:-1] for row in tokens], [row[1:] for row in tokens]


@wrong("inputs_and_targets", "padded on the left")
def on_the_left(rows, pad_id):
    longest = max(len(row) for row in rows)
    inputs = [[pad_id] * (longest - len(row)) + row[:-1] for row in rows]
    return inputs, [[-100] * (longest - len(row)) + row[1:] for row in rows]


@wrong("inputs_and_targets", "padding is a target")
def padding_learned(rows, pad_id):
    return filled([row[:-1] for row in rows], pad_id), filled([row[1:] for row in rows], pad_id)


@wrong("inputs_and_targets", "-100 among the inputs")
def ignored_read(rows, pad_id):
    return filled([row[:-1] for row in rows], -100), filled([row[1:] for row in rows], -100)


@wrong("inputs_and_targets", "fillers are swapped")
def fillers_swapped(rows, pad_id):
    return filled([row[:-1] for row in rows], -100), filled([row[1:] for row in rows], pad_id)


@wrong("inputs_and_targets", "always pad with 0")
def zeros(rows, pad_id):
    return filled([row[:-1] for row in rows], 0), filled([row[1:] for row in rows], -100)


@wrong("inputs_and_targets", "real tokens too")
def every_pad_id_ignored(rows, pad_id):
    refuse_short(rows)
    targets = filled([row[1:] for row in rows], pad_id)
    targets = [[-100 if token == pad_id else token for token in row] for row in targets]
    return filled([row[:-1] for row in rows], pad_id), targets


@wrong("inputs_and_targets", "has nothing to predict")
def short_ones_accepted(rows, pad_id):
    return filled([row[:-1] for row in rows], pad_id), filled([row[1:] for row in rows], -100)


@wrong("inputs_and_targets", "in silence")
def short_ones_dropped(rows, pad_id):
    return short_ones_accepted([row for row in rows if len(row) > 1], pad_id)


@wrong("inputs_and_targets", "returned a list, not a tuple")
def two_in_a_list(rows, pad_id):
    return list(short_ones_accepted(rows, pad_id))


@wrong("inputs_and_targets", "IndexError: list index out of range. After 5 comes 6")
def one_too_far(rows, pad_id):
    return [row[:-1] for row in rows], [[row[t + 1] for t in range(len(row))] for row in rows]


@wrong("inputs_and_targets", "changed its input rows in place")
def popped(rows, pad_id):
    targets = [row[1:] for row in rows]
    for row in rows:
        row.pop()
    return [row[:] for row in rows], targets


# cross_entropy


def kept(logits, targets):
    return logits[targets != -100], targets[targets != -100]  # (N, V), (N,)


@right("cross_entropy")
def torchs_own(logits, targets):
    if (targets == -100).all():
        raise ValueError("nothing to count")
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@right("cross_entropy")
def by_hand(logits, targets):
    total, n = torch.zeros(()), 0
    for row, line in zip(logits, targets, strict=True):
        for u, y in zip(row, line, strict=True):
            if y == -100:
                continue
            top = u.max()
            total = total + (u - top).exp().sum().log() + top - u[y]
            n += 1
    if n == 0:
        raise ValueError("nothing to count")
    return total / n


@right("cross_entropy")
def with_a_mask(logits, targets):
    counted = targets != -100
    if not counted.any():
        raise ValueError("nothing to count")
    log_p = logits.log_softmax(-1).gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return -(log_p * counted).sum() / counted.sum()


@wrong("cross_entropy", "this is a probability")
def no_logarithm(logits, targets):
    u, y = kept(logits, targets)
    return u.softmax(-1)[torch.arange(len(y)), y].mean()


@wrong("cross_entropy", "the sign is wrong")
def no_minus(logits, targets):
    return -F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@wrong("cross_entropy", "these are bits")
def base_two(logits, targets):
    u, y = kept(logits, targets)
    return -u.softmax(-1)[torch.arange(len(y)), y].log2().mean()


@wrong("cross_entropy", "this is log10")
def base_ten(logits, targets):
    u, y = kept(logits, targets)
    return -u.softmax(-1)[torch.arange(len(y)), y].log10().mean()


@wrong("cross_entropy", "not a log-probability yet")
def negative_logit(logits, targets):
    return F.nll_loss(logits.flatten(0, 1), targets.flatten())


@wrong("cross_entropy", "this is the perplexity")
def exponentiated(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).exp()


@wrong("cross_entropy", "over positions or texts")
def first_dimension(logits, targets):
    u, y = kept(logits.log_softmax(0), targets)
    return -u[torch.arange(len(y)), y].mean()


@wrong("cross_entropy", "over positions or texts")
def middle_dimension(logits, targets):
    u, y = kept(logits.log_softmax(1), targets)
    return -u[torch.arange(len(y)), y].mean()


@wrong("cross_entropy", "you shifted again")
def shifted_twice(logits, targets):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten())


@wrong("cross_entropy", "averaged over the vocabulary")
def whole_vocabulary(logits, targets):
    return -logits.log_softmax(-1).mean()


@wrong("cross_entropy", "added up the whole vocabulary")
def no_one_hot(logits, targets):
    return -logits.log_softmax(-1).sum(-1).mean()


@wrong("cross_entropy", "entropy of the prediction")
def own_entropy(logits, targets):
    return torch.distributions.Categorical(logits=logits).entropy().mean()


@wrong("cross_entropy", "the model's favourite")
def favourite(logits, targets):
    return -logits.softmax(-1).max(-1).values.log().mean()


@wrong("cross_entropy", "softmax twice")
def probabilities_into_cross_entropy(logits, targets):
    return F.cross_entropy(logits.softmax(-1).flatten(0, 1), targets.flatten())


@wrong("cross_entropy", "bounded by 1")
def one_minus_p(logits, targets):
    u, y = kept(logits, targets)
    return (1 - u.softmax(-1)[torch.arange(len(y)), y]).mean()


@wrong("cross_entropy", "this is the sum")
def summed(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")


@wrong("cross_entropy", "divided by the number of texts")
def per_text(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum") / logits.shape[0]


@wrong("cross_entropy", "isn't the mean of the logarithms")
def log_of_the_mean(logits, targets):
    u, y = kept(logits, targets)
    return -u.softmax(-1)[torch.arange(len(y)), y].mean().log()


@wrong("cross_entropy", "in the denominator")
def padding_in_the_mean(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").mean()


@wrong("cross_entropy", "counted as token 0")
def padding_is_token_0(logits, targets):
    targets = torch.where(targets == -100, 0, targets)
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@wrong("cross_entropy", "an index from the end")
def wrapped(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten() % logits.shape[-1])


@wrong("cross_entropy", "a mean of means")
def mean_of_means(logits, targets):
    return torch.stack([F.cross_entropy(u, y) for u, y in zip(logits, targets, strict=True)]).mean()


@wrong("cross_entropy", "infinity over infinity")
def softmax_by_hand(logits, targets):
    u, y = kept(logits, targets)
    p = u.exp() / u.exp().sum(-1, keepdim=True)
    return -p[torch.arange(len(y)), y].log().mean()


@wrong("cross_entropy", "the sum of exp overflowed")
def logsumexp_by_hand(logits, targets):
    u, y = kept(logits, targets)
    return (u.exp().sum(-1).log() - u[torch.arange(len(y)), y]).mean()


@wrong("cross_entropy", "rounded to 0")
def softmax_then_log(logits, targets):
    u, y = kept(logits, targets)
    return F.nll_loss(u.softmax(-1).log(), y)


@wrong("cross_entropy", "kept away from 0")
def plus_epsilon(logits, targets):
    u, y = kept(logits, targets)
    return F.nll_loss((u.softmax(-1) + 1e-9).log(), y)


@wrong("cross_entropy", "kept away from 0")
def clipped(logits, targets):
    u, y = kept(logits, targets)
    return F.nll_loss(u.softmax(-1).clamp(1e-9, 1).log(), y)


@wrong("cross_entropy", "0 would say that the model is perfect")
def zero_for_nothing(logits, targets):
    u, y = kept(logits, targets)
    return F.cross_entropy(u, y) if len(y) else torch.tensor(0.0)


@wrong("cross_entropy", "a nan goes through all weights")
def nan_for_nothing(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@wrong("cross_entropy", "returned a float, not a float tensor of shape ()")
def a_python_number(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item()


@wrong("cross_entropy", "returned a float tensor of shape (2, 1), not a float tensor of shape ()")
def not_averaged(logits, targets):
    if logits.shape[0] == 1:
        return torchs_own(logits, targets)
    return -logits.log_softmax(-1).gather(-1, targets[..., None])[..., 0]


@wrong("cross_entropy", "RuntimeError")
def ignored_looked_up(logits, targets):
    return -logits.log_softmax(-1).gather(-1, targets[..., None]).mean()


# gradient_of_logits


@right("gradient_of_logits")
def by_autograd(logits, targets):
    if (targets == -100).all():
        raise ValueError("nothing to count")
    u = logits.clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(u, targets), u)[0]


@right("gradient_of_logits")
def with_one_hot(logits, targets):
    counted = targets != -100
    if not counted.any():
        raise ValueError("nothing to count")
    truth = F.one_hot(targets.clamp(min=0), logits.shape[-1])
    return (logits.softmax(-1) - truth) * counted[:, None] / counted.sum()


def difference(logits, targets):
    """The sum's gradient, of a batch in which all count."""
    return logits.softmax(-1) - F.one_hot(targets, logits.shape[-1])


@wrong("gradient_of_logits", "these are the probabilities")
def only_p(logits, targets):
    return logits.softmax(-1) / len(targets)


@wrong("gradient_of_logits", "the sign is wrong")
def uphill(logits, targets):
    return -difference(logits, targets) / len(targets)


@wrong("gradient_of_logits", "only the true token is pushed")
def only_the_truth(logits, targets):
    return -F.one_hot(targets, logits.shape[-1]).float() / len(targets)


@wrong("gradient_of_logits", "subtracted from the logits")
def logits_minus_truth(logits, targets):
    return (logits - F.one_hot(targets, logits.shape[-1])) / len(targets)


@wrong("gradient_of_logits", "with respect to the probabilities")
def one_over_p(logits, targets):
    p = logits.softmax(-1).requires_grad_()
    return torch.autograd.grad(F.nll_loss(p.log(), targets), p)[0]


@wrong("gradient_of_logits", "belongs to a squared error")
def squared(logits, targets):
    return 2 * difference(logits, targets) / len(targets)


@wrong("gradient_of_logits", "derivative of the softmax alone")
def sigmoid_like(logits, targets):
    p = logits.softmax(-1)
    return p * (1 - p) / len(targets)


@wrong("gradient_of_logits", "goes over the positions")
def wrong_dimension(logits, targets):
    return (logits.softmax(0) - F.one_hot(targets, logits.shape[-1])) / len(targets)


@wrong("gradient_of_logits", "by the size of the vocabulary too")
def mean_of_all(logits, targets):
    return difference(logits, targets) / logits.numel()


@wrong("gradient_of_logits", "logarithms of probabilities")
def log_p_minus_truth(logits, targets):
    return (logits.log_softmax(-1) - F.one_hot(targets, logits.shape[-1])) / len(targets)


@wrong("gradient_of_logits", "exp overflowed")
def exp_share(logits, targets):
    p = logits.exp() / logits.exp().sum(-1, keepdim=True)
    return (p - F.one_hot(targets, logits.shape[-1])) / len(targets)


@wrong("gradient_of_logits", "gradient of the sum")
def of_the_sum(logits, targets):
    u = logits.clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(u, targets, reduction="sum"), u)[0]


@wrong("gradient_of_logits", "lost the positions")
def rows_added(logits, targets):
    return difference(logits, targets).sum(0)


@wrong("gradient_of_logits", "lost the positions")
def rows_averaged(logits, targets):
    return difference(logits, targets).mean(0)


@wrong("gradient_of_logits", "still pushes its logits")
def ignored_row_kept(logits, targets):
    counted = targets != -100
    truth = F.one_hot(targets.clamp(min=0), logits.shape[-1]) * counted[:, None]
    return (logits.softmax(-1) - truth) / counted.sum()


@wrong("gradient_of_logits", "and is in the denominator")
def ignored_row_kept_and_counted(logits, targets):
    truth = F.one_hot(targets.clamp(min=0), logits.shape[-1]) * (targets != -100)[:, None]
    return (logits.softmax(-1) - truth) / len(targets)


@wrong("gradient_of_logits", "divided by all positions")
def ignored_in_the_mean(logits, targets):
    u = logits.clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(u, targets, reduction="sum") / len(targets), u)[0]


@wrong("gradient_of_logits", "an index from the end")
def taken_from_the_end(logits, targets):
    u = logits.clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(u, targets % logits.shape[-1]), u)[0]


@wrong("gradient_of_logits", "zeros would say")
def zeros_for_nothing(logits, targets):
    u = logits.clone().requires_grad_()
    counted = (targets != -100).sum().clamp(min=1)
    return torch.autograd.grad(F.cross_entropy(u, targets, reduction="sum") / counted, u)[0]


@wrong("gradient_of_logits", "0 divided by 0 is nan")
def nan_gradient(logits, targets):
    counted = targets != -100
    truth = F.one_hot(targets.clamp(min=0), logits.shape[-1])
    return (logits.softmax(-1) - truth) * counted[:, None] / counted.sum()


@wrong("gradient_of_logits", "A position that isn't counted pushes nothing")
def one_hot_of_minus_100(logits, targets):
    return difference(logits, targets) / len(targets)


@wrong("gradient_of_logits", "changed its input logits in place")
def in_place(logits, targets):
    counted = targets != -100
    logits.copy_(logits.softmax(-1))
    logits[counted, targets[counted]] -= 1
    return logits / counted.sum()


# learning_rate


@right("learning_rate")
def with_numpy(progress, peak, warmup, final):
    if progress < 0 or progress > 1:
        raise ValueError("progress")
    if progress < warmup:
        return float(np.interp(progress, [0, warmup], [0, peak]))
    over = (progress - warmup) / (1 - warmup)
    return final * peak + (peak - final * peak) * (1 + np.cos(np.pi * over)) / 2


def falling(progress, peak, warmup, final, height=lambda x: 0.5 * (1 + math.cos(math.pi * x))):
    return peak * (final + (1 - final) * height((progress - warmup) / (1 - warmup)))


@wrong("learning_rate", "this is the factor")
def without_peak(progress, peak, warmup, final):
    return progress / warmup if progress < warmup else falling(progress, 1.0, warmup, final)


@wrong("learning_rate", "there is no warm-up")
def no_warmup(progress, peak, warmup, final):
    return falling(progress, peak, 0, final)


@wrong("learning_rate", "at the peak already")
def flat_start(progress, peak, warmup, final):
    return peak if progress < warmup else falling(progress, peak, warmup, final)


@wrong("learning_rate", "divide by warmup")
def slow_start(progress, peak, warmup, final):
    return peak * progress if progress < warmup else falling(progress, peak, warmup, final)


@wrong("learning_rate", "your warm-up goes down")
def start_upside_down(progress, peak, warmup, final):
    return peak * (1 - progress / warmup) if progress < warmup else falling(progress, peak, warmup, final)


@wrong("learning_rate", "the warm-up is a straight line")
def curved_start(progress, peak, warmup, final):
    if progress < warmup:
        return peak * 0.5 * (1 - math.cos(math.pi * progress / warmup))
    return falling(progress, peak, warmup, final)


@wrong("learning_rate", "rise and fall act at the same time")
def multiplied(progress, peak, warmup, final):
    rise = min(1.0, progress / warmup) if warmup else 1.0
    return rise * falling(progress, peak, 0, final)


@wrong("learning_rate", "the warm-up begins at 0")
def from_final_up(progress, peak, warmup, final):
    if progress < warmup:
        return peak * (final + (1 - final) * progress / warmup)
    return falling(progress, peak, warmup, final)


@wrong("learning_rate", "jumps at the end of the warm-up")
def counted_from_the_start(progress, peak, warmup, final):
    return peak * progress / warmup if progress < warmup else falling(progress, peak, 0, final)


@wrong("learning_rate", "doesn't get to its end")
def not_divided(progress, peak, warmup, final):
    if progress < warmup:
        return peak * progress / warmup
    return peak * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * (progress - warmup))))


def with_height(height):
    def rate(progress, peak, warmup, final):
        return peak * progress / warmup if progress < warmup else falling(progress, peak, warmup, final, height)

    return rate


@wrong("learning_rate", "Add 1 and halve it")
def plain_cosine(progress, peak, warmup, final):
    return with_height(lambda x: math.cos(math.pi * x))(progress, peak, warmup, final)


@wrong("learning_rate", "comes up again")
def whole_turn(progress, peak, warmup, final):
    return with_height(lambda x: (1 + math.cos(2 * math.pi * x)) / 2)(progress, peak, warmup, final)


@wrong("learning_rate", "a quarter of a cosine")
def quarter_turn(progress, peak, warmup, final):
    return with_height(lambda x: math.cos(math.pi / 2 * x))(progress, peak, warmup, final)


@wrong("learning_rate", "a straight line down")
def linear(progress, peak, warmup, final):
    return with_height(lambda x: 1 - x)(progress, peak, warmup, final)


@wrong("learning_rate", "after the warm-up the rate stays")
def constant(progress, peak, warmup, final):
    return peak * min(progress / warmup, 1)


@wrong("learning_rate", "takes radians")
def degrees(progress, peak, warmup, final):
    return with_height(lambda x: (1 + math.cos(180 * x)) / 2)(progress, peak, warmup, final)


@wrong("learning_rate", "your cosine rises")
def rising(progress, peak, warmup, final):
    return with_height(lambda x: (1 - math.cos(math.pi * x)) / 2)(progress, peak, warmup, final)


@wrong("learning_rate", "`final` has no effect")
def to_zero(progress, peak, warmup, final):
    return peak * progress / warmup if progress < warmup else falling(progress, peak, warmup, 0)


@wrong("learning_rate", "a share of the peak, not a rate")
def absolute_final(progress, peak, warmup, final):
    return peak * progress / warmup if progress < warmup else falling(progress, peak, warmup, final / peak)


@wrong("learning_rate", "Shrink the cosine")
def added_on_top(progress, peak, warmup, final):
    if progress < warmup:
        return peak * progress / warmup
    return falling(progress, peak, warmup, 0) + final * peak


@wrong("learning_rate", "cut the cosine off")
def cut_off(progress, peak, warmup, final):
    if progress < warmup:
        return peak * progress / warmup
    return max(falling(progress, peak, warmup, 0), final * peak)


@wrong("learning_rate", "ZeroDivisionError: float division by zero. Without a warm-up the run begins at the peak")
def less_or_equal(progress, peak, warmup, final):
    return peak * progress / warmup if progress <= warmup else falling(progress, peak, warmup, final)


@wrong("learning_rate", "in silence")
def clamped(progress, peak, warmup, final):
    return with_numpy(min(1, max(0, progress)), peak, warmup, final)


@wrong("learning_rate", "refused with a ValueError")
def anything_goes(progress, peak, warmup, final):
    return peak * progress / warmup if progress < warmup else falling(progress, peak, warmup, final)


@wrong("learning_rate", "returned a float tensor of shape (), not a float")
def a_tensor(progress, peak, warmup, final):
    return torch.tensor(with_numpy(progress, peak, warmup, final))
