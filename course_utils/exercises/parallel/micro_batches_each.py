"""The batch dealt out to all processes of all machines, and what went wrong with it."""

from course_utils.exercises.core import Exercise, probes


def micro_batches_each(
    tokens_per_step: int,
    batch_size: int,
    context_length: int,
    machines: int,
    gpus_per_machine: int,
    processes_per_machine: int,
) -> int:
    """Return how many micro-batches each process does, so that a step reads `tokens_per_step` in all.

    Args:
        tokens_per_step: of all processes together.
        batch_size: windows of a micro-batch.
        context_length: tokens of a window.
        machines: how many take part.
        gpus_per_machine: how many a machine has; it doesn't matter.
        processes_per_machine: how many run on each.

    Raises:
        ValueError: tokens_per_step isn't a whole number of micro-batches for each process, from 1 on.

    Source of the bug: karpathy/nanoGPT, thread 283 (2023).
    """
    at_once = batch_size * context_length * machines * processes_per_machine
    if tokens_per_step < at_once or tokens_per_step % at_once:
        raise ValueError(f"tokens_per_step {tokens_per_step} is no multiple of {at_once}, one micro-batch in each")
    return tokens_per_step // at_once


PLANNED = (12 * 1024 * 40, 12, 1024)

exercise = Exercise(
    micro_batches_each,
    minutes=15,
    difficulty=2,
    shown="the world size counts, and a batch that doesn't come out even is refused before it trains anything.",
    hints=(
        "In the second line twice as many tokens were read as planned, in the third half as many. Which number was "
        "the same in all three lines?",
        "The program divided by the GPUs of its own machine. How many processes share the work?",
        "at_once = batch_size * context_length * machines * processes_per_machine; tokens_per_step // at_once, and "
        "ValueError if tokens_per_step is smaller than that or has a remainder.",
    ),
    probes=probes(
        ("one process", *PLANNED, 1, 1, 1),
        "Alone it does all 40.",
        ("five machines, half of their GPUs in use", *PLANNED, 5, 8, 4),
        "5 x 4 processes share 40 micro-batches: 2 each.",
        ("one machine", *PLANNED, 1, 8, 8),
        "40 micro-batches, 8 processes: 5 each.",
        ("half of the GPUs in use", *PLANNED, 1, 8, 4),
        "4 processes run, however many GPUs there are: 10 each.",
        ("fewer than one each", *PLANNED, 10, 8, 8),
        "80 processes for 40 micro-batches: raise ValueError and say so.",
        ("it doesn't come out even", *PLANNED, 2, 8, 8),
        "40 micro-batches can't be dealt out to 16 processes: raise ValueError and say so.",
        ("no whole micro-batch", 500_000, 12, 1024, 1, 8, 8),
        "500,000 tokens aren't a multiple of 12 x 1024 x 8: raise ValueError and say so.",
    ),
    hidden=probes(
        ("another plan", 2**20, 4, 2048, 4, 16, 8),
        "The micro-batch, the machines and the processes count, and no number is fixed.",
        ("less than one token", 0, 12, 1024, 1, 8, 8),
        "A step without tokens is none: raise ValueError.",
    ),
)


def dealt(tokens, rows, length, among, exactly=True):
    if exactly and (tokens % (rows * length * among) or tokens < rows * length * among):
        raise ValueError("tokens_per_step")
    return tokens // (rows * length * among)


exercise.add_mistakes(
    "this is the bug itself: you divide by the GPUs of one machine. All processes of all machines share the work.",
    lambda tokens, rows, length, machines, gpus, processes: dealt(tokens, rows, length, gpus),
    "you counted one machine. Processes run on all of them: multiply by machines.",
    lambda tokens, rows, length, machines, gpus, processes: dealt(tokens, rows, length, processes),
    "you counted GPUs that nobody uses. The processes share the work.",
    lambda tokens, rows, length, machines, gpus, processes: dealt(tokens, rows, length, machines * gpus),
    "these are the micro-batches of all processes together. Each does its share.",
    lambda tokens, rows, length, machines, gpus, processes: dealt(tokens, rows, length, 1),
    "you divided by the machines alone. On each of them several processes run.",
    lambda tokens, rows, length, machines, gpus, processes: dealt(tokens, rows, length, machines),
    "these are tokens. The task asks for micro-batches.",
    lambda tokens, rows, length, machines, gpus, processes: dealt(tokens, 1, 1, machines * processes),
    "you forgot that a micro-batch has batch_size windows.",
    lambda tokens, rows, length, machines, gpus, processes: dealt(tokens, 1, length, machines * processes),
    "you forgot that a window has context_length tokens.",
    lambda tokens, rows, length, machines, gpus, processes: dealt(tokens, rows, 1, machines * processes),
    "you rounded down without a word: a step would read fewer tokens than planned. Raise ValueError.",
    lambda tokens, rows, length, machines, gpus, processes: dealt(tokens, rows, length, machines * processes, False),
    "you rounded up to one each: a step would read more tokens than planned. Raise ValueError.",
    lambda tokens, rows, length, machines, gpus, processes: max(
        1, dealt(tokens, rows, length, machines * processes, False)
    ),
)
