"""What each way to share a training sends over the network."""

from course_utils.exercises.core import Exercise, probes


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
    if stage not in (0, 1, 2, 3):
        raise ValueError(f"stage must be 0, 1, 2 or 3, got {stage}")
    if n_gpus < 1:
        raise ValueError(f"n_gpus must be at least 1, got {n_gpus}")
    transfers = 3 if stage == 3 else 2  # reduce-scatters and all-gathers in a step
    return transfers * (n_gpus - 1) / n_gpus * n_bytes


exercise = Exercise(
    bytes_sent,
    minutes=15,
    difficulty=2,
    shown="an all-reduce is two transfers, and stage 3 needs a third.",
    hints=(
        "A reduce-scatter sends (n - 1) / n of the vector: n - 1 messages of one n-th each. So does an all-gather.",
        "Count the transfers of a step. Stage 0: reduce-scatter and all-gather, which is an all-reduce. Which ones "
        "does stage 1 need, if each GPU moves only its own part of the weights?",
        "2 transfers for stages 0, 1 and 2; 3 for stage 3: all-gather forward, all-gather backward, reduce-scatter. "
        "Times (n_gpus - 1) / n_gpus * n_bytes. ValueError for any other stage, and for fewer than one GPU.",
    ),
    probes=probes(
        ("DDP on 8 GPUs", 0, 1600, 8),
        "The ring has 2 x 7 messages of 1600 / 8 bytes.",
        ("stage 3 on 8 GPUs", 3, 1600, 8),
        "Three transfers: the weights come twice, forward and backward, and the gradients go once.",
        ("stage 1 on 8 GPUs", 1, 1600, 8),
        "Reduce-scatter the gradients, move your own weights, all-gather the weights: two transfers.",
        ("stage 2 on 8 GPUs", 2, 1600, 8),
        "As stage 1: gradients that aren't mine are thrown away, but nothing more is sent.",
        ("stage 3 on 2 GPUs", 3, 1000, 2),
        "Half of the vector, three times.",
        ("one GPU", 0, 1600, 1),
        "Alone there is nobody to send to.",
        ("parts that aren't whole", 0, 10, 4),
        "2 x 3 / 4 x 10 is 15: don't round the part down to 2 bytes.",
        ("a stage that doesn't exist", 4, 1600, 8),
        "ZeRO has stages 1 to 3: raise ValueError and say so.",
        ("no GPU", 0, 1600, 0),
        "Without a GPU nothing can run: raise ValueError and say so.",
    ),
    hidden=probes(
        ("stage 2 in another ring", 2, 1234, 6),
        "Each transfer sends (n - 1) / n of the vector, whatever n is.",
        ("a stage below 0", -1, 1600, 8),
        "In a list, [-1] is the last element. Here it must raise ValueError.",
    ),
)

sent = lambda transfers, n_bytes, n_gpus: transfers * (n_gpus - 1) / n_gpus * n_bytes  # so often through the ring

exercise.add_mistakes(
    "this is one transfer. An all-reduce is two: a reduce-scatter, then an all-gather.",
    lambda stage, n_bytes, n_gpus: sent(1, n_bytes, n_gpus),
    "this is what many GPUs come close to. A ring of n sends n - 1 of the n parts, twice.",
    lambda stage, n_bytes, n_gpus: 2.0 * n_bytes,
    "this is what a parameter server sends: the whole vector to each of the others. A ring sends parts.",
    lambda stage, n_bytes, n_gpus: (n_gpus - 1.0) * n_bytes,
    "this is what all GPUs send together. In each of 2 (n - 1) messages a GPU sends one n-th of the vector.",
    lambda stage, n_bytes, n_gpus: 2.0 * (n_gpus - 1) * n_bytes,
    "this is a single message. How many does the ring have?",
    lambda stage, n_bytes, n_gpus: n_bytes / n_gpus,
    "the ratio is upside down: (n - 1) / n, less than 1.",
    lambda stage, n_bytes, n_gpus: 2 * n_gpus / (n_gpus - 1) * n_bytes,
    "stage 3 isn't DDP: the weights aren't there and must be gathered before forward and again before backward.",
    lambda stage, n_bytes, n_gpus: sent(2, n_bytes, n_gpus),
    "you divided what is sent by the number of GPUs. Sharding saves memory, not traffic.",
    lambda stage, n_bytes, n_gpus: sent([2, 2, 2, 3 / n_gpus][stage], n_bytes, n_gpus),
    "you counted four transfers in stage 3. The gradients are reduce-scattered only: nobody needs all of them.",
    lambda stage, n_bytes, n_gpus: sent([2, 2, 2, 4][stage], n_bytes, n_gpus),
    "1.5 times of what DDP sends, which is 2 (n - 1) / n of the vector and not twice the vector.",
    lambda stage, n_bytes, n_gpus: 1.5 * 2 * n_bytes if stage == 3 else sent(2, n_bytes, n_gpus),
    "you forgot that the others need the weights that a GPU has moved: an all-gather after the reduce-scatter.",
    lambda stage, n_bytes, n_gpus: sent([2, 1, 1, 3][stage], n_bytes, n_gpus),
    "you let stage 1 all-reduce the gradients. A GPU needs only those of its own weights: a reduce-scatter.",
    lambda stage, n_bytes, n_gpus: sent([2, 3, 3, 3][stage], n_bytes, n_gpus),
    "you gave stage 2 a third transfer. It shares out the gradients, not the weights: those are there.",
    lambda stage, n_bytes, n_gpus: sent([2, 2, 3, 3][stage], n_bytes, n_gpus),
    "stage 2 gathers too: the weights that the others have moved.",
    lambda stage, n_bytes, n_gpus: sent([2, 2, 1, 3][stage], n_bytes, n_gpus),
    "one GPU has nobody to send to: 0 bytes.",
    lambda stage, n_bytes, n_gpus: [2, 2, 2, 3][stage] * max(n_gpus - 1, 1) / n_gpus * n_bytes,
    "you rounded the part down. Some parts are a byte longer: don't round.",
    lambda stage, n_bytes, n_gpus: float([2, 2, 2, 3][stage] * (n_gpus - 1) * (n_bytes // n_gpus)),
    "stage 4 doesn't exist. A typing error should not give a number: raise ValueError.",
    lambda stage, n_bytes, n_gpus: sent(3 if stage >= 3 else 2, n_bytes, n_gpus),
)
