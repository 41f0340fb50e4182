"""Exercise of notebook 15: what each way to share a training sends over the network."""

from course_utils.exercises.core import Exercise, Mistake, Probe

TRANSFERS = {0: 2, 1: 2, 2: 2, 3: 3}  # stage -> reduce-scatters and all-gathers in a step


def bytes_sent(stage: int, n_bytes: int, n_gpus: int) -> float:
    """Return the bytes that each GPU sends in one step, if all are in a ring.

    A reduce-scatter or an all-gather sends (n - 1) / n of the vector. Stage 0 (DDP) does one of each on the
    gradients; stages 1 and 2 reduce-scatter the gradients and all-gather the weights; stage 3 all-gathers the weights
    twice, forward and backward, and reduce-scatters the gradients.

    Args:
        stage: of ZeRO, 1 to 3; 0 shares nothing out.
        n_bytes: of all weights, and of all gradients: as many.
        n_gpus: n.

    Raises:
        ValueError: an unknown stage, or no GPU.

    Source: Rajbhandari et al. (2020), "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models", sec. 7.
    """
    if stage not in TRANSFERS:
        raise ValueError(f"stage must be 0, 1, 2 or 3, got {stage}")
    if n_gpus < 1:
        raise ValueError(f"n_gpus must be at least 1, got {n_gpus}")
    return TRANSFERS[stage] * (n_gpus - 1) / n_gpus * n_bytes


def _with_transfers(stage: int, n_bytes: int, n_gpus: int, transfers: tuple) -> float:
    """The right answer with other numbers of transfers for stages 0, 1, 2 and 3; unknown stages are refused."""
    return transfers[stage] / TRANSFERS[stage] * bytes_sent.reference(stage, n_bytes, n_gpus)


def _any_stage(stage: int, n_bytes: int, n_gpus: int) -> float:
    return bytes_sent.reference(3 if stage >= 3 else 0, n_bytes, n_gpus)


bytes_sent = Exercise(
    bytes_sent,
    shown="an all-reduce is two transfers, and stage 3 needs a third.",
    hints=(
        "A reduce-scatter sends (n - 1) / n of the vector: n - 1 messages of one n-th each. So does an all-gather.",
        "Count the transfers of a step. Stage 0: reduce-scatter and all-gather, which is an all-reduce. Which ones "
        "does stage 1 need, if each GPU moves only its own part of the weights?",
        "2 transfers for stages 0, 1 and 2; 3 for stage 3: all-gather forward, all-gather backward, reduce-scatter. "
        "Times (n_gpus - 1) / n_gpus * n_bytes. ValueError for any other stage, and for fewer than one GPU.",
    ),
    probes=(
        Probe(
            "DDP on 8 GPUs",
            (0, 1600, 8),
            "The ring has 2 x 7 messages of 1600 / 8 bytes.",
        ),
        Probe(
            "stage 3 on 8 GPUs",
            (3, 1600, 8),
            "Three transfers: the weights come twice, forward and backward, and the gradients go once.",
        ),
        Probe(
            "stage 1 on 8 GPUs",
            (1, 1600, 8),
            "Reduce-scatter the gradients, move your own weights, all-gather the weights: two transfers.",
        ),
        Probe(
            "stage 2 on 8 GPUs",
            (2, 1600, 8),
            "As stage 1: gradients that aren't mine are thrown away, but nothing more is sent.",
        ),
        Probe("stage 3 on 2 GPUs", (3, 1000, 2), "Half of the vector, three times."),
        Probe("one GPU", (0, 1600, 1), "Alone there is nobody to send to."),
        Probe("parts that aren't whole", (0, 10, 4), "2 x 3 / 4 x 10 is 15: don't round the part down to 2 bytes."),
        Probe("a stage that doesn't exist", (4, 1600, 8), "ZeRO has stages 1 to 3: raise ValueError and say so."),
        Probe("no GPU", (0, 1600, 0), "Without a GPU nothing can run: raise ValueError and say so."),
    ),
    mistakes=(
        Mistake(
            lambda s, b, n: (n - 1) / n * b,
            "this is one transfer. An all-reduce is two: a reduce-scatter, then an all-gather.",
        ),
        Mistake(
            lambda s, b, n: 2.0 * b,
            "this is what many GPUs come close to. A ring of n sends n - 1 of the n parts, twice.",
        ),
        Mistake(
            lambda s, b, n: (n - 1.0) * b,
            "this is what a parameter server sends: the whole vector to each of the others. A ring sends parts.",
        ),
        Mistake(
            lambda s, b, n: 2.0 * (n - 1) * b,
            "this is what all GPUs send together. In each of 2 (n - 1) messages a GPU sends one n-th of the vector.",
        ),
        Mistake(lambda s, b, n: b / n, "this is a single message. How many does the ring have?"),
        Mistake(lambda s, b, n: 2 * n / (n - 1) * b, "the ratio is upside down: (n - 1) / n, less than 1."),
        Mistake(
            lambda s, b, n: 2 * (n - 1) / n * b,
            "stage 3 isn't DDP: the weights aren't there and must be gathered before forward and again before "
            "backward.",
        ),
        Mistake(
            lambda s, b, n: bytes_sent.reference(s, b, n) / (n if s == 3 else 1),
            "you divided what is sent by the number of GPUs. Sharding saves memory, not traffic.",
        ),
        Mistake(
            lambda s, b, n: _with_transfers(s, b, n, (2, 2, 2, 4)),
            "you counted four transfers in stage 3. The gradients are reduce-scattered only: nobody needs all of them.",
        ),
        Mistake(
            lambda s, b, n: 1.5 * 2 * b if s == 3 else bytes_sent.reference(s, b, n),
            "1.5 times of what DDP sends, which is 2 (n - 1) / n of the vector and not twice the vector.",
        ),
        Mistake(
            lambda s, b, n: _with_transfers(s, b, n, (2, 1, 1, 3)),
            "you forgot that the others need the weights that a GPU has moved: an all-gather after the reduce-scatter.",
        ),
        Mistake(
            lambda s, b, n: _with_transfers(s, b, n, (2, 3, 3, 3)),
            "you let stage 1 all-reduce the gradients. A GPU needs only those of its own weights: a reduce-scatter.",
        ),
        Mistake(
            lambda s, b, n: _with_transfers(s, b, n, (2, 2, 3, 3)),
            "you gave stage 2 a third transfer. It shares out the gradients, not the weights: those are there.",
        ),
        Mistake(
            lambda s, b, n: _with_transfers(s, b, n, (2, 2, 1, 3)),
            "stage 2 gathers too: the weights that the others have moved.",
        ),
        Mistake(
            lambda s, b, n: TRANSFERS[s] * max(n - 1, 1) / n * b,
            "one GPU has nobody to send to: 0 bytes.",
        ),
        Mistake(
            lambda s, b, n: float(TRANSFERS[s] * (n - 1) * (b // n)),
            "you rounded the part down. Some parts are a byte longer: don't round.",
        ),
        Mistake(_any_stage, "stage 4 doesn't exist. A typing error should not give a number: raise ValueError."),
    ),
)
