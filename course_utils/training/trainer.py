"""The trainer: draw a batch, predict, compare, step; and keep a record that survives a crash."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils.device import multiplies
from course_utils.evaluation import next_token_loss
from course_utils.evaluation.scoring import check_context, total_nats
from course_utils.evaluation.windows import Ids, as_rows, as_token_ids
from course_utils.training.budget import Budget
from course_utils.training.checkpoint import (
    FILE_NAME,
    read_checkpoint,
    restore_training_state,
    training_state,
    write_checkpoint,
)
from course_utils.training.config import TrainingConfig
from course_utils.training.distributed import (
    averaging_gradients,
    current_processes,
    full_state,
    full_tensor,
    local_tensor,
    parallel,
)
from course_utils.training.history import History, Step, Validation
from course_utils.training.optimizers import make_optimizers, set_learning_rates
from course_utils.training.schedule import learning_rate_factor
from course_utils.training.windows import Batches, RandomWindows, digest
from course_utils.transformer import DecoderLM

REMEDY = "try a lower learning rate"


class Trainer:
    """Train a language model to predict the next token.

    Several processes that torchrun started train one model together; the code is the same for one.

    Args:
        model: already on the device to train on.
        train_ids: (N,) token ids to draw windows from, or any `Batches`.
        val_ids: (N,) token ids, scored whole in disjoint windows of the context length, or a list of such rows, each
            scored from its own beginning; None never validates.
        config: how long, how much, how fast.
        on_validation: called with this trainer after each validation, to draw a curve or a sample.
        clock: tells the seconds.

    Raises:
        ValueError: texts too short, or a batch or context that doesn't fit, named in the message.
    """

    def __init__(
        self,
        model: DecoderLM,
        train_ids: Tensor | Sequence[int] | Batches,
        val_ids: Ids | None,
        config: TrainingConfig,
        on_validation: Callable[["Trainer"], None] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self.model, self.config, self.on_validation, self.clock = model, config, on_validation, clock
        self.processes = current_processes()
        self.context_length = config.context_length or model.config.context_length
        check_context(model, self.context_length)
        if config.batch_size % (config.accumulation * self.processes.size):
            raise ValueError(
                f"batch_size={config.batch_size} must be a multiple of accumulation={config.accumulation} "
                f"times the {self.processes.size} processes"
            )
        self.val_rows = None if val_ids is None else as_rows(val_ids, "val_ids")
        self.batches = train_ids if isinstance(train_ids, Batches) else self._windows_of(train_ids)
        self.device = next(model.parameters()).device
        self.autocast = config.autocast if config.autocast and multiplies(config.autocast, self.device) else None
        self.parallel_model = parallel(model, config.shard, config.compile)
        self.optimizers = make_optimizers(model, config)
        self.budget = Budget(config, config.batch_size * self.context_length)
        self.history = History()
        self._start = 0.0  # what the clock said when the first step began, or would have said without any stop

    def run(self) -> History:
        """Train until the budget is spent or SIGTERM comes, which ends the run after its step, with a checkpoint.

        Returns:
            The history; `finished` is False after a SIGTERM.

        Raises:
            FloatingPointError: a loss, a gradient or a weight is no longer a number.
            OSError: a checkpoint can't be written.

        Whatever is raised, the last good checkpoint is as it was.
        """
        config, history = self.config, self.history
        if history.step == 0 and config.validate_every:
            self._validate()
        with sigterm_noted() as sigterm, self._progress_bar() as bar:
            self._start = self.clock() - history.seconds
            if config.compile and (began := self._next_step_begins(sigterm)) is not None:
                self._compile()
                self.budget.start_up += self._elapsed() - began
            while (began := self._next_step_begins(sigterm)) is not None:
                self._step(began)
                bar.set_postfix_str(f"loss {history.steps[-1].loss:.3f}", refresh=False)
                bar.update(1 if self.budget.steps else history.seconds - bar.n)
                if self._due(config.validate_every):
                    self._validate()
                if self._due(config.checkpoint_every):
                    self.save()
            self._refuse_broken_weights()
            if history.finished:
                bar.update(bar.total - bar.n)  # the last step ends a little before the time does
                self._validate()
            if config.directory is not None:
                self.save()
        self.model.eval()
        return history

    def resume(self, path: str | Path) -> History:
        """Load a checkpoint and `run` on from there, bit for bit as if the run had never stopped.

        Args, Raises: as `restore`; and what `run` raises.
        """
        self.restore(path)
        return self.run()

    def restore(self, path: str | Path) -> None:
        """Go back to where a checkpoint was written.

        Args:
            path: a checkpoint or the folder that holds it.

        Raises:
            FileNotFoundError: there is none.
            ValueError: it is damaged, of another model, or of a run with other settings or on other texts, named.
        """
        tensors, scalars = read_checkpoint(path)
        self._refuse_another_run(scalars)
        restore_training_state(self.model, self.optimizers, tensors)
        self.batches.restore(tensors["batches"])
        torch.set_rng_state(tensors["generator.cpu"])
        if "generator.cuda" in tensors and self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["generator.cuda"], self.device)
        self.budget.start_up = scalars["start_up"]
        self.history = History.from_tensors({name: tensors[f"history.{name}"] for name in ("steps", "validations")})

    def save(self) -> None:
        """Write the checkpoint into the config's directory, by the first process, from what all hold.

        Raises:
            FloatingPointError: a weight is no number; the checkpoint there is as it was.
            OSError: it can't be written; the checkpoint there is as it was.
            ValueError: the config names no directory.
        """
        if self.config.directory is None:
            raise ValueError("directory=None in the config names no place for a checkpoint: give one")
        self._refuse_broken_weights()
        tensors = training_state(self.model, self.optimizers)
        tensors |= {f"history.{name}": tensor for name, tensor in self.history.to_tensors().items()}
        tensors |= {"batches": self.batches.state(), "generator.cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            tensors["generator.cuda"] = torch.cuda.get_rng_state(self.device)
        scalars = {"config": self._settings(), "texts": self._texts, "start_up": self.budget.start_up}
        if self.processes.is_first:
            write_checkpoint(Path(self.config.directory) / FILE_NAME, tensors, scalars)
        self.processes.wait_for_all()

    def weights(self) -> dict[str, Tensor]:
        """Return the model's weights by name, in one piece and on the CPU; every process must call this."""
        return full_state(self.model.state_dict())

    def _refuse_another_run(self, scalars: dict) -> None:
        """Raise ValueError if a checkpoint's scalars are of a run with other settings or on other texts."""
        ours, theirs = self._settings(), scalars["config"]
        if other := {name: theirs.get(name) for name in ours if theirs.get(name) != ours[name]}:
            raise ValueError(f"the checkpoint is of a run with other settings: {other}")
        for name, text in self._texts.items():
            before = scalars["texts"][name]
            if before != text and None not in (before, text):  # a run may begin to validate, or cease
                raise ValueError(
                    f"the checkpoint is of a run on another text: {name} were {before}, and are {text} now"
                )

    def _settings(self) -> dict:
        """Return what a resumed run must share, as JSON can hold it."""
        dtype = str(next(self.model.parameters()).dtype)
        return self.config.what_shapes_the_weights() | {"context_length": self.context_length, "dtype": dtype}

    @cached_property
    def _texts(self) -> dict[str, str | None]:
        """What tells other texts from these; the argument's name -> SHA-256, or the name of a stream."""
        validation = None if self.val_rows is None else digest(self.val_rows)
        return {"train_ids": self.batches.identity(), "val_ids": validation}

    def _windows_of(self, ids: Tensor | Sequence[int]) -> RandomWindows:
        ids, config, processes = as_token_ids(ids, "train_ids"), self.config, self.processes
        return RandomWindows(ids, config.batch_size, self.context_length, config.seed, processes.rank, processes.size)

    def _compile(self) -> None:
        """Let torch.compile do its work before the first step, on a batch of zeros that leaves nothing behind."""
        b = self.config.batch_size // self.processes.size
        zeros = torch.zeros(b, self.context_length, dtype=torch.int64)  # (b, T)
        self.model.train()
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            self._gradients(zeros, zeros)
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def _next_step_begins(self, sigterm: threading.Event) -> float | None:
        """Return the seconds when another step may begin, the same in all processes, or None where the run ends."""
        elapsed, stop = self._agreed(self.clock() - self._start, sigterm.is_set())
        self.history.finished = not self.budget.allows(self.history.step, elapsed)
        return None if self.history.finished or stop else elapsed

    def _step(self, began: float) -> None:
        """One optimizer step: the gradient of the global batch, clipped, then a step of each optimizer."""
        config, history = self.config, self.history
        self.model.train()  # a validation may have left it in eval mode
        loss = self._gradients(*self.batches.draw())
        norm = full_tensor(nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm or math.inf)).item()
        mean = self.processes.sum(loss).item() / self.processes.size
        refuse_broken("loss", mean, history.step + 1)
        refuse_broken("length of the gradient", norm, history.step + 1)
        progress = self.budget.progress(history.step, began, self._elapsed())
        factor = learning_rate_factor(progress, config.warmup, config.decay, config.final)
        set_learning_rates(self.optimizers, factor)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        seconds = self._elapsed()
        self.budget.took(seconds - began)
        tokens = history.tokens + config.batch_size * self.context_length
        history.steps.append(Step(history.step + 1, tokens, seconds, mean, factor, norm))

    def _gradients(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Leave the gradient of this process's rows (b, T) in the parameters; return their mean loss."""
        n = self.config.accumulation
        total = torch.zeros((), dtype=torch.float64)
        micro_batches = zip(inputs.chunk(n), targets.chunk(n), strict=True)
        for number, (micro_inputs, micro_targets) in enumerate(micro_batches, start=1):
            with averaging_gradients(self.parallel_model, now=number == n):
                with torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None):
                    logits = self.parallel_model(micro_inputs.to(self.device))  # (b / n, T, V)
                loss = next_token_loss(logits, micro_targets.to(self.device)) / n  # equal parts: a mean of means
                loss.backward()
            total += loss.detach().cpu()
        return total

    def _validate(self) -> None:
        """Score the validation text in full precision, unless that was just done."""
        history = self.history
        if self.val_rows is None or (history.validations and history.validations[-1].step == history.step):
            return
        rank, size = self.processes.rank, self.processes.size
        totals = total_nats(self.model, self.val_rows, self.context_length, rank=rank, n_processes=size)
        nats, tokens = self.processes.sum(torch.tensor(totals, dtype=torch.float64)).tolist()
        refuse_broken("validation loss", nats / tokens, history.step)
        history.validations.append(Validation(history.step, history.tokens, history.seconds, nats / tokens))
        if self.on_validation is not None:
            self.on_validation(self)

    def _refuse_broken_weights(self) -> None:
        """Raise FloatingPointError, in every process, if any of them holds a weight that is no number."""
        finite = torch.stack(
            [local_tensor(weight.detach()).isfinite().all() for weight in self.model.parameters()]
        ).all()
        if self.processes.largest((~finite).float()):
            raise FloatingPointError(f"a weight is no number after step {self.history.step}: {REMEDY}")

    def _due(self, every: int | None) -> bool:
        return every is not None and self.history.step % every == 0

    def _elapsed(self) -> float:
        """Return the seconds since the start by the slowest process's clock, when the device has done its work."""
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)
        return self._agreed(self.clock() - self._start, False)[0]

    def _agreed(self, elapsed: float, stop: bool) -> tuple[float, bool]:
        """Return the largest of what the processes' clocks say, and whether any was told to stop."""
        elapsed, stop = self.processes.largest(torch.tensor([elapsed, stop], dtype=torch.float64)).tolist()
        return elapsed, bool(stop)

    def _progress_bar(self) -> tqdm:
        total, unit = (self.budget.steps, "step") if self.budget.steps else (self.budget.seconds, "s")
        done = self.history.step if self.budget.steps else self.history.seconds
        shape = None if self.budget.steps else "{l_bar}{bar}| {n:.0f}/{total:.0f} s{postfix}"
        hidden = not (self.config.progress and self.processes.is_first)
        return tqdm(total=total, initial=done, unit=unit, bar_format=shape, disable=hidden)


def refuse_broken(what: str, value: float, step: int) -> None:
    """Raise FloatingPointError if a value is infinite or no number."""
    if not math.isfinite(value):
        raise FloatingPointError(f"the {what} is {value} at step {step}: {REMEDY}")


@contextmanager
def sigterm_noted() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM sets instead of ending the process; then the earlier handler is back."""
    received = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # Python lets only that one handle signals
        yield received
        return
    earlier = signal.signal(signal.SIGTERM, lambda *_: received.set())
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, earlier)
