"""Pretrain a language model from the command line.

    python -m course_utils.training.pretrain --text FILE --tokenizer char --seconds 90 --out DIR
    torchrun --nproc-per-node 2 -m course_utils.training.pretrain --corpus tinyworld --steps 1000 --out DIR

The last tenth of a text is for validation, scored whole in disjoint windows of the context length. A corpus has
documents of its own for it, each scored from its beginning. The last line of standard output is one JSON object with
what came out. DIR holds model.safetensors, config.json and tokenizer.json, which `course_utils.pretrained.load` reads,
the JSON object as result.json, and a checkpoint for --resume.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import torch

from course_utils.device import multiplies_bfloat16, pick_device
from course_utils.pretrained.trained import begin_trained, finish_trained, read_shape, read_tokenizer, refuse_foreign
from course_utils.speed import can_compile, matmul_peak
from course_utils.tokenization import BPETokenizer, CharTokenizer, Tokenizer
from course_utils.training.checkpoint import FILE_NAME, read_scalars
from course_utils.training.config import OPTIMIZERS, TrainingConfig
from course_utils.training.corpus import PretrainingTexts, read_corpus, read_file
from course_utils.training.distributed import process_group
from course_utils.training.flops import flops_per_token
from course_utils.training.schedule import DECAYS
from course_utils.training.trainer import Trainer
from course_utils.transformer import DecoderLM, TransformerConfig

COMPILING_PAYS = 180  # seconds: steps get 1.2 times as fast, for 15 to 30 seconds the first time, 1 to 3 later
DTYPES = {"float32": torch.float32, "float64": torch.float64, "bf16": torch.float32}  # bf16 computes, float32 keeps


class HelpWithDefaults(argparse.ArgumentDefaultsHelpFormatter):
    """Say what each option is if it isn't given, where there is something to say."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return (
            (action.help or "")
            if action.default is None or isinstance(action.default, bool)
            else super()._get_help_string(action)
        )


def device_named(name: str) -> torch.device:
    """Return a device of this machine by its name, or say in argparse's way that there is none."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    known = ["cpu"]
    if accelerator is not None:
        known += [accelerator.type, *(f"{accelerator.type}:{i}" for i in range(torch.accelerator.device_count()))]
    if name not in known:
        raise argparse.ArgumentTypeError(f"this machine has no device {name!r}: choose one of {', '.join(known)}")
    return torch.device(name)


def parser() -> argparse.ArgumentParser:
    """Return the command line's arguments."""
    result = argparse.ArgumentParser(
        prog="python -m course_utils.training.pretrain",
        description=(__doc__ or "").split("\n")[0],
        formatter_class=HelpWithDefaults,
    )
    add = result.add_argument
    source = result.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", type=Path, help="a UTF-8 file")
    source.add_argument("--corpus", help="tinyworld, tinyworld-clinic, pydocs or the id of a data set on the Hub")
    budget = result.add_mutually_exclusive_group(required=True)
    budget.add_argument("--seconds", type=float, help="from the first step to the end of the last")
    budget.add_argument("--steps", type=int, help="optimizer steps")
    budget.add_argument("--tokens", type=int, help="tokens to train on, repeats included")
    add("--out", type=Path, required=True, help="the folder to write")
    add("--resume", action="store_true", help="go on from the checkpoint in --out, with what isn't given as it was")
    add("--tokenizer", choices=("char", "bpe"), default="char", help="characters, or byte-level BPE, as the Hub needs")
    add("--vocab-size", type=int, default=1024, help="of --tokenizer bpe, at most")
    add("--d-model", type=int, default=128, help="width")
    add("--layers", type=int, default=3, help="blocks")
    add("--heads", type=int, default=4, help="query heads")
    add("--kv-heads", type=int, help="key and value heads; if not given, as many as --heads")
    add("--d-ff", type=int, help="inner width; if not given, 8/3 of --d-model, rounded up to a multiple of 32")
    add("--context-length", type=int, default=128, help="tokens per window")
    add("--batch-size", type=int, default=16, help="windows per step, of all processes together")
    add("--accumulation", type=int, default=TrainingConfig.accumulation, help="micro-batches per step")
    add("--optimizer", choices=OPTIMIZERS, default=TrainingConfig.optimizer, help="muon: AdamW for the rest")
    add("--learning-rate", type=float, default=TrainingConfig.learning_rate, help="at its peak")
    add("--muon-learning-rate", type=float, help="if not given, as --learning-rate")
    add("--muon-momentum", type=float, default=TrainingConfig.muon_momentum, help="weight of the gradients before")
    add("--weight-decay", type=float, default=TrainingConfig.weight_decay, help="of matrices")
    add("--warmup", type=float, default=TrainingConfig.warmup, help="fraction of the run")
    add("--decay", choices=DECAYS, default=TrainingConfig.decay, help="after the warm-up")
    add("--final", type=float, default=TrainingConfig.final, help="fraction of the learning rate at the end")
    add("--clip-norm", type=float, default=TrainingConfig.clip_norm, help="longest gradient")
    precision = "bf16: products only, weights stay float32; the default, but float32 where it would be emulated"
    add("--precision", choices=DTYPES, help=precision)
    compiled = f"torch.compile; if not given, for --seconds of {COMPILING_PAYS} or more where it works"
    add("--compile", action=argparse.BooleanOptionalAction, help=compiled)
    add("--shard", action="store_true", help="split the weights over the processes (FSDP2)")
    add("--validate-every", type=int, help="steps; if not given, at the end only")
    add("--checkpoint-every", type=int, default=500, help="steps")
    add("--device", type=device_named, help="if not given, the fastest there is")
    add("--seed", type=int, default=TrainingConfig.seed, help="of weights and windows")
    add("--no-progress", dest="progress", action="store_false", help="no progress bar")
    return result


def main(arguments: list[str] | None = None) -> None:
    """Run the command; what goes wrong ends it with a message.

    A wrong argument ends it with exit code 2, before anything is trained; weights that are no longer numbers, or a
    full disk, with 1. Then no weights are written, and the last good checkpoint is as it was.
    """
    command_line = parser()
    options = command_line.parse_args(arguments)
    with process_group(options.device or pick_device()) as device:
        try:
            if options.resume:
                run = options_of(options.out)
                command_line.set_defaults(**run)
                options = command_line.parse_args(arguments)
                refuse_another(run, options)
            else:
                refuse_foreign(options.out)
                complete(options, device)
            trainer, tokenizer = prepare(options, device)
        except (ValueError, OSError) as error:
            command_line.error(str(error))
        try:
            train(trainer, tokenizer, options)
        except (FloatingPointError, OSError) as error:
            sys.exit(f"{command_line.prog}: error: {error}")


def options_of(directory: Path) -> dict:
    """Return the options of the run in a folder, those that must be the same when it goes on.

    The size asked of the vocabulary isn't one: the tokenizer is there, and may be smaller than that.

    Raises:
        ValueError, OSError: the folder holds no run, or a file of it can't be read.
    """
    run = read_scalars(directory)["config"]
    shape, tokenizer = read_shape(directory), read_tokenizer(directory)
    autocast, dtype = run.pop("autocast"), run.pop("dtype")
    del run["betas"]  # no option
    return run | {
        "precision": "bf16" if autocast == str(torch.bfloat16) else dtype.removeprefix("torch."),
        "tokenizer": "char" if isinstance(tokenizer, CharTokenizer) else "bpe",
        "d_model": shape.d_model,
        "layers": shape.n_layers,
        "heads": shape.n_heads,
        "kv_heads": shape.n_kv_heads,
        "d_ff": shape.d_ff,
    }


def refuse_another(run: dict, options: argparse.Namespace) -> None:
    """Raise ValueError if an option is not as in the run that is to go on."""
    other = [
        f"--{name.replace('_', '-')} {getattr(options, name)} (it was {value})"
        for name, value in run.items()
        if getattr(options, name) != value
    ]
    if other:
        raise ValueError(
            f"the run in {options.out} can't go on with {', '.join(other)}: leave that out, or name another --out"
        )


def complete(options: argparse.Namespace, device: torch.device) -> None:
    """Set what wasn't given and depends on other options, or on what is fast on this machine."""
    if options.kv_heads is None:
        options.kv_heads = options.heads
    if options.d_ff is None:
        options.d_ff = 32 * math.ceil(options.d_model * 8 / 3 / 32)
    if options.compile is None:
        options.compile = (options.seconds or 0) >= COMPILING_PAYS and can_compile(device)
    if options.precision is None:
        options.precision = "bf16" if multiplies_bfloat16(device) else "float32"


def prepare(options: argparse.Namespace, device: torch.device) -> tuple[Trainer, Tokenizer]:
    """Read the texts, make tokenizer, model and trainer, and begin the folder, or go back to where it was left.

    Raises:
        ValueError, OSError: an argument that can't be, or a file that can't be read or written.
    """
    training = TrainingConfig(
        **{name: getattr(options, name) for name in TrainingConfig.__dataclass_fields__ if hasattr(options, name)},
        autocast=torch.bfloat16 if options.precision == "bf16" else None,
        directory=options.out,
    )
    texts = read_file(options.text) if options.text else read_corpus(options.corpus, options.batch_size)
    tokenizer = read_tokenizer(options.out) if options.resume else trained_tokenizer(texts, options)
    config = TransformerConfig(
        vocab_size=tokenizer.vocab_size,
        d_model=options.d_model,
        n_layers=options.layers,
        n_heads=options.heads,
        n_kv_heads=options.kv_heads,
        d_ff=options.d_ff,
        context_length=options.context_length,
    )
    torch.manual_seed(options.seed)
    model = DecoderLM(config).to(device=device, dtype=DTYPES[options.precision])
    try:
        ids = texts.encoded(tokenizer.encode, options.batch_size, options.context_length)
        trainer = Trainer(model, *ids, training)
        if options.resume:
            trainer.restore(options.out)
    except ValueError as error:
        if options.resume:
            raise ValueError(f"can't go on in {options.out} with {texts.name}: {error}") from error
        raise
    if not options.resume and trainer.processes.is_first:
        (options.out / FILE_NAME).unlink(missing_ok=True)
        begin_trained(options.out, config, tokenizer)
    trainer.processes.wait_for_all()
    return trainer, tokenizer


def trained_tokenizer(texts: PretrainingTexts, options: argparse.Namespace) -> Tokenizer:
    """Return a new tokenizer; characters are those of all texts, merges are learned from the training part.

    Raises:
        ValueError: nobody knows all characters before the texts are read, or --vocab-size is too small.
    """
    if options.tokenizer == "bpe":
        return BPETokenizer.train(texts.samples, options.vocab_size)
    if texts.characters is None:
        raise ValueError(
            f"--tokenizer char must know every character before the training begins, and {texts.name} is read "
            "while it goes on: give --tokenizer bpe, which can write any text"
        )
    return CharTokenizer.train(set(texts.characters()))


def train(trainer: Trainer, tokenizer: Tokenizer, options: argparse.Namespace) -> None:
    """Train, write what came out and print it; every process must call this.

    Raises:
        FloatingPointError, OSError: as `Trainer.run`.
    """
    is_first = trainer.processes.is_first
    if options.precision == "bf16" and trainer.autocast is None and is_first:
        print("this processor only emulates bf16: computing in float32", file=sys.stderr)
    history = trainer.run()
    weights = trainer.weights() if history.finished else None
    result = summary(trainer, tokenizer, options)
    if is_first:
        finish_trained(options.out, result, weights)
        if not history.finished:
            print(f"stopped at step {history.step}; --resume goes on from there", file=sys.stderr)
        print(json.dumps(result), flush=True)


def scored_bytes(tokenizer: Tokenizer, ids: list[int]) -> int:
    """Return the bytes of all tokens but the first, which is read only; it may end within a character."""
    return len(tokenizer.decode_bytes(ids)) - len(tokenizer.decode_bytes(ids[:1]))


def summary(trainer: Trainer, tokenizer: Tokenizer, options: argparse.Namespace) -> dict:
    """Return what came out; every process must call this."""
    history, config = trainer.history, trainer.model.config
    loss = history.validations[-1].loss if history.finished else None
    rows = trainer.val_rows or []
    n_scored = sum(len(row) - 1 for row in rows)
    n_bytes = sum(scored_bytes(tokenizer, row.tolist()) for row in rows)
    speed = history.tokens / history.seconds if history.seconds else 0.0
    dtype = trainer.autocast or DTYPES[options.precision]
    peak = trainer.processes.sum(torch.tensor(matmul_peak(trainer.device, dtype), dtype=torch.float64)).item()
    return {
        "val_loss_nats": loss,
        "val_bits_per_byte": loss and loss * n_scored / math.log(2) / n_bytes,
        "finished": history.finished,
        "steps": history.step,
        "tokens": history.tokens,
        "seconds": round(history.seconds, 3),
        "tokens_per_second": round(speed, 1),
        "parameters": config.n_parameters,
        "vocab_size": config.vocab_size,
        "processes": trainer.processes.size,
        "precision": "bf16" if trainer.autocast else str(dtype).removeprefix("torch."),
        "compiled": options.compile,
        "mfu": float(f"{speed * flops_per_token(config, options.context_length) / peak:.4g}"),
    }


if __name__ == "__main__":
    main()
