"""How many numbers an adapter trains in a Llama."""

from course_utils.exercises.core import Exercise, probes


def adapter_parameters(
    n_layers: int, d_model: int, n_heads: int, n_kv_heads: int, d_ff: int, rank: int, targets: list[str]
) -> int:
    """Return the numbers in all A and B together.

    Args:
        n_layers: L.
        d_model: width, d.
        n_heads, n_kv_heads: query heads, and heads for keys and values, each d / n_heads wide.
        d_ff: inner width of the feed-forward network.
        rank: r.
        targets: the matrices of each layer that get an adapter: some of q, k, v, o, gate, up, down.

    Source: Hu et al. (2021), "LoRA", section 4.2.
    """
    kept = n_kv_heads * (d_model // n_heads)
    outputs = {"q": d_model, "k": kept, "v": kept, "gate": d_ff, "up": d_ff}
    sides = {name: d_model + width for name, width in outputs.items()}
    sides |= {"o": 2 * d_model, "down": d_ff + d_model}  # inputs and outputs of each matrix
    return n_layers * rank * sum(sides[name] for name in targets)


LLAMA = (32, 4096, 32, 32, 11_008)
ALL = ["q", "k", "v", "o", "gate", "up", "down"]

exercise = Exercise(
    adapter_parameters,
    minutes=15,
    difficulty=2,
    shown="an adapter costs r times inputs plus outputs of its matrix, where the matrix itself costs their product.",
    hints=(
        "A matrix with N inputs and d outputs gets A (N, r) and B (r, d). How many numbers is that?",
        "r (N + d). q and o have d_model inputs and outputs. k and v have n_kv_heads * (d_model / n_heads) outputs.",
        "gate and up lead from d_model to d_ff, down back. Add up N + d of the targets, times r, times the layers.",
    ),
    probes=probes(
        ("q of one layer, rank 1", 1, 8, 2, 2, 20, 1, ["q"]),
        "A has 8 numbers, and B has 8.",
        ("q of one layer, rank 3", 1, 8, 2, 2, 20, 3, ["q"]),
        "A is (8, 3), B (3, 8): 48.",
        ("q of two layers", 2, 8, 2, 2, 20, 3, ["q"]),
        "Each layer has an adapter of its own.",
        ("LLaMA-2 7B, q and v, rank 8", *LLAMA, 8, ["q", "v"]),
        "32 layers, two matrices each, of 8 (4096 + 4096) numbers: 4,194,304.",
        ("gate", 1, 8, 2, 2, 20, 3, ["gate"]),
        "gate leads from 8 to 20: 3 (8 + 20).",
        ("down", 1, 8, 2, 2, 20, 3, ["down", "o"]),
        "down leads from 20 to 8, o from 8 to 8.",
        ("grouped queries", 1, 8, 4, 2, 20, 3, ["k", "v"]),
        "Two key heads of 2 numbers: k and v lead from 8 to 4.",
        ("LLaMA-2 7B, all seven, rank 16", *LLAMA, 16, ALL),
        "39,976,960, six parts in a thousand of the model.",
    ),
    hidden=probes(
        ("SmolLM2, all but one", 30, 576, 9, 3, 1536, 4, ["q", "k", "v", "gate", "up", "down"]),
        "r times the sum of N + d over the targets, times the layers; SmolLM2 has 9 query and 3 key heads.",
    ),
)


def counted(size=lambda n, d, r: r * (n + d), narrow=True, ff=True, layers=lambda layers: layers, of=list):
    """An answer that counts each matrix by size(inputs, outputs, rank)."""

    def answer(n_layers, d, n_heads, n_kv_heads, d_ff, rank, targets):
        kept = n_kv_heads * (d // n_heads) if narrow else d
        inner = d_ff if ff else d
        shapes = {"q": (d, d), "k": (d, kept), "v": (d, kept), "o": (d, d)}
        shapes |= {"gate": (d, inner), "up": (d, inner), "down": (inner, d)}
        return layers(n_layers) * sum(size(*shapes[name], rank) for name in of(targets))

    return answer


exercise.add_mistakes(
    "these are the matrices themselves, which are frozen. Count A and B.",
    counted(lambda n, d, r: n * d),
    "the frozen matrices are counted too. Only A and B are trained.",
    counted(lambda n, d, r: n * d + r * (n + d)),
    "only A is counted, or only B. An adapter has both.",
    counted(lambda n, d, r: r * d),
    "the rank is missing: A has r columns, and B r rows.",
    counted(lambda n, d, r: n + d),
    "there is an r x r matrix in your count. x A B has nothing between A and B.",
    counted(lambda n, d, r: r * (n + d) + r * r),
    "the layers are missing: each has adapters of its own.",
    counted(layers=lambda n: 1),
    "you count one target for all of them.",
    counted(of=lambda targets: targets[:1]),
    "the feed-forward matrices are counted as squares. One of their sides is d_ff.",
    counted(ff=False),
    "k and v are counted as wide as q. With grouped queries they have n_kv_heads heads, which are fewer.",
    counted(narrow=False),
    "these are bytes in 16 bits. Count the numbers.",
    lambda *args: 2 * adapter_parameters(*args),
)
