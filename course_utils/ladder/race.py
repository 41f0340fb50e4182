"""The race: what counting, learning and both together make of one text in a given time.

Ninety per cent of the text are for training, the rest is the test. One thousandth of the training part at each of
twenty places is held out: neither the counts nor the transformer see it, and the mixture's weights are fitted on it. It
lies all over the part, for its last pages may be of the same chapter as the test's first.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.device import pick_device
from course_utils.evaluation.loss import IGNORE_INDEX
from course_utils.evaluation.normalisation import errors_of_sums
from course_utils.evaluation.scoring import in_eval_mode
from course_utils.evaluation.windows import scoring_windows
from course_utils.ladder.counted import CountedLM
from course_utils.ladder.kinds import KINDS
from course_utils.ladder.learned import LocalDecoderLM
from course_utils.ladder.mixture import Mixture
from course_utils.ladder.settings import RaceSettings
from course_utils.training import Trainer

HELD_OUT_PLACES = 20
HELD_OUT_SHARE = 0.001  # of the training part, at each place
MARGIN = 1.5  # safety factor of the time that is kept back for fitting the weights: a shared machine may slow down
ROWS_AT_ONCE = 64  # windows scored together


class Parts(NamedTuple):
    """A training text as token ids, cut in two."""

    read: list[Tensor]  # what the models read, each piece (N,)
    held_out: list[Tensor]  # what the weights are fitted on, each piece after T + 1 tokens of what is read


class Rungs(NamedTuple):
    """What a race makes, the seconds that went into each, without writing files, and the tokens that training read.

    The mixture's seconds are all together.
    """

    counted: CountedLM
    learned: LocalDecoderLM
    mixture: Mixture
    seconds: dict[str, float]
    tokens: int


def hold_out(ids: Tensor, context_length: int) -> Parts:
    """Cut pieces out of a training text, at places all over it.

    Args:
        ids: (N,).
        context_length: tokens that the transformer reads at once, T.

    Raises:
        ValueError: the text is too short: between two pieces there must be a context.
    """
    length = int(HELD_OUT_SHARE * len(ids))
    needed = max(2 * HELD_OUT_PLACES * (context_length + 1), round(1 / HELD_OUT_SHARE))
    if len(ids) < needed:
        raise ValueError(f"the text's training part has {len(ids)} tokens, a race needs {needed}: give a longer text")
    starts = [int((place + 0.5) / HELD_OUT_PLACES * len(ids)) for place in range(HELD_OUT_PLACES)]
    ends = [0, *(start + length for start in starts)]
    read = [ids[end:start] for end, start in zip(ends, [*starts, len(ids)], strict=True)]
    return Parts(read, [ids[start - context_length - 1 : start + length] for start in starts])


def run_race(
    parts: Parts,
    vocab_size: int,
    settings: RaceSettings,
    directory: Path,
    resume: bool = False,
    progress: bool = True,
    spent: float = 0.0,
    clock: Callable[[], float] = time.perf_counter,
) -> Rungs | None:
    """Count, train and fit the weights, all within the seconds.

    Args:
        parts: from `hold_out`.
        vocab_size: V.
        settings: how.
        directory: where the training's checkpoint goes.
        resume: go on with the training from the checkpoint there.
        progress: show a progress bar.
        spent: seconds that are gone already.
        clock: tells the seconds.

    Returns:
        The models; None if SIGTERM ended the training early, which leaves a checkpoint.

    Raises:
        FileNotFoundError, ValueError: there is nothing to resume, or it is of another race.
        FloatingPointError, OSError: as `Trainer.run`.
    """
    start = clock()
    counted = CountedLM.fit(parts.read, vocab_size, settings.order)
    counting = clock() - start
    torch.manual_seed(settings.seed)
    model = LocalDecoderLM(settings.shape(vocab_size))
    mixture = Mixture(counted, model)
    began = clock()
    fit_weights(mixture, parts.held_out[:1], settings)  # only to see how long that takes
    fitting = MARGIN * len(parts.held_out) * (clock() - began)
    preparing = spent + clock() - start
    left = max(settings.seconds - preparing - fitting, 1e-9)
    training = settings.training(seconds=left, directory=directory, checkpoint_every=500, progress=progress)
    trainer = Trainer(model.to(pick_device()), torch.cat(parts.read), None, training, clock=clock)
    history = trainer.resume(directory) if resume else trainer.run()
    if not history.finished:
        return None
    model.cpu()
    began = clock()
    mixture = fit_weights(mixture, parts.held_out, settings)
    everything = preparing + history.seconds + clock() - began
    seconds = {"n-gram": counting, "transformer": history.seconds, "mixture": everything}
    return Rungs(counted, model, mixture, seconds, history.tokens)


def fit_weights(mixture: Mixture, held_out: list[Tensor], settings: RaceSettings) -> Mixture:
    """Fit a mixture's weights on what was held out, in windows that overlap by half."""
    return mixture.fit_weights(held_out, settings.context_length, settings.context_length // 2, after_context=True)


@torch.no_grad()
def score(
    rungs: Rungs,
    ids: Tensor,
    kinds: Tensor,
    settings: RaceSettings,
    progress: bool = True,
    kind_names: Sequence[str] = KINDS,
) -> dict:
    """Judge every rung on the same windows of a text, each token but the first once.

    Args:
        rungs: from `run_race`.
        ids: (N,) token ids of the test.
        kinds: (N,) of what kind each is, as numbers in `kind_names`.
        settings: of the race.
        progress: show a progress bar.
        kind_names: of all kinds.

    Returns:
        rungs: a list of {name, nats_per_character, seconds}.
        largest_sum_error: the largest |1 - sum of p| of all rungs' distributions at all scored tokens.
        tokens: that the transformer's training read, repeats included.
        kinds: a list of {kind, characters, n-gram, transformer, mixture}, the last three the nats of each together.
    """
    names = {
        "n-gram": f"n-gram, order {settings.order}",
        "transformer": "transformer",
        "mixture": "mixture, a weight for each length of a seen context",
    }
    nats = {name: torch.zeros(len(kind_names), dtype=torch.float64) for name in names}  # (kinds,) each
    worst = 0.0
    with in_eval_mode(rungs.learned):
        windows = list(scoring_windows(ids, settings.context_length, settings.stride, ROWS_AT_ONCE))
        of_targets = scoring_windows(kinds, settings.context_length, settings.stride, ROWS_AT_ONCE)
        for (inputs, targets), (_, kind) in zip(
            tqdm(windows, desc="scoring", disable=not progress), of_targets, strict=True
        ):
            counts = targets != IGNORE_INDEX  # (B, T)
            counted, learned = rungs.counted(inputs), rungs.learned(inputs).double().log_softmax(dim=-1)  # (B, T, V)
            lengths = rungs.counted.seen_context_lengths(inputs)  # (B, T)
            answers = {
                "n-gram": counted,
                "transformer": learned,
                "mixture": rungs.mixture.mixed(counted, learned, lengths),
            }
            for name, log_probs in answers.items():
                of_tokens = log_probs[counts]  # (N, V)
                worst = max(worst, float(errors_of_sums(of_tokens.exp()).max()))
                nats[name].index_add_(0, kind[counts], -of_tokens.gather(-1, targets[counts][:, None])[:, 0])
    return {
        "rungs": [
            {
                "name": names[name],
                "nats_per_character": round(float(nats[name].sum()) / (len(ids) - 1), 5),
                "seconds": round(rungs.seconds[name], 3),
            }
            for name in names
        ],
        "largest_sum_error": worst,
        "tokens": rungs.tokens,
        "kinds": [
            {"kind": kind, "characters": int((kinds[1:] == number).sum())}
            | {name: round(float(of_kinds[number]), 2) for name, of_kinds in nats.items()}
            for number, kind in enumerate(kind_names)
        ],
        "settings": asdict(settings),
    }
