"""The inner width that gives a newer layer as many parameters as the lecture's formula counts."""

from course_utils.exercises.core import Exercise, probes


def swiglu_width(d_model: int, n_heads: int, n_kv_heads: int, multiple: int) -> int:
    """Return the inner width with which a layer of SwiGLU and grouped queries has 12 d^2 parameters or just more.

    Queries and output are d x d, keys and values d x (n_kv_heads * d / n_heads), and the feed-forward part has three
    matrices of d x width. Biases and norms aren't counted.

    Args:
        d_model: d.
        n_heads, n_kv_heads: query heads, and heads for keys and values.
        multiple: the width is a multiple of it; the smallest one that is enough.

    Sources: Kaplan et al. (2020), "Scaling Laws for Neural Language Models", section 2.1, for 12 d^2; Shazeer (2020),
    "GLU Variants Improve Transformer", section 2, for a width of two thirds.
    """
    left = d_model * (10 * n_heads - 2 * n_kv_heads)  # 12 d^2 less attention, over d, times n_heads
    return multiple * -(-left // (3 * n_heads * multiple))


exercise = Exercise(
    swiglu_width,
    minutes=15,
    difficulty=2,
    shown="a third matrix costs a third of the width, and narrower keys and values give some of it back.",
    hints=(
        "Where are the 12 d^2 in a GPT layer? How many of them does attention take, and what is left?",
        "Attention has 2 d^2 for q and o, and 2 d^2 * n_kv_heads / n_heads for k and v. The rest is 3 * d * width.",
        "width >= d * (10 * n_heads - 2 * n_kv_heads) / (3 * n_heads). Round up to a multiple: multiple * "
        "math.ceil(width / multiple).",
    ),
    probes=probes(
        ("every head with its own keys", 96, 4, 4, 1),
        "Attention has 4 * 96^2, so 8 * 96^2 = 3 * 96 * width is left: 8 / 3 of 96.",
        ("a width that isn't whole", 4096, 32, 32, 1),
        "8 / 3 of 4096 is 10,922.67, and 10,922 would be too few.",
        ("LLaMA 13B", 5120, 40, 40, 256),
        "8 / 3 of 5120 is 53.3 times 256. Rounded up that is 54 times, 13,824, as the model's configuration says.",
        ("one key head for four query heads", 96, 4, 1, 1),
        "k and v have 24 columns each now. What they save, the feed-forward part may have: 304.",
        ("eight key heads for 32 query heads", 4096, 32, 8, 256),
        "(10 - 0.5) / 3 of 4096 is 12,970.67; the next multiple of 256 is 13,056.",
        ("a width that is a multiple already", 96, 4, 4, 64),
        "256 is four times 64: nothing has to be rounded.",
    ),
    hidden=probes(
        ("a layer of another shape", 1000, 10, 2, 64),
        "What 12 d^2 leaves after attention, shared by three matrices, rounded up.",
    ),
)


def width(left, matrices=3, rounded=lambda number, multiple: multiple * -(-number // multiple)):
    """What students vary: what attention leaves of 12 d, as a share of d; the matrices; the rounding."""

    def answer(d, heads, kept, multiple):
        return int(rounded(d * left(heads, kept) / matrices, multiple))

    return answer


right = lambda heads, kept: 10 - 2 * kept / heads

TOO_NARROW = "k and v are too narrow: where n_kv_heads is n_heads, each of them is d x d."
FOUR_D = "this is 4 d. Attention takes its share of 12 d^2, and then three matrices, gate, up and down, share the rest."
exercise.add_mistakes(
    FOUR_D,
    width(lambda heads, kept: 8, matrices=2),
    FOUR_D,
    width(right, matrices=2),
    FOUR_D,
    width(lambda heads, kept: 12),
    "attention has four matrices, q, k, v and o: one is missing.",
    width(lambda heads, kept: 10 - kept / heads),
    "this rounds to the nearest multiple. The layer must have 12 d^2 at least: round up.",
    width(right, rounded=lambda number, multiple: multiple * round(number / multiple)),
    "this rounds down. The layer must have 12 d^2 at least: round up.",
    width(right, rounded=lambda number, multiple: multiple * (number // multiple)),
    "the width isn't a multiple of `multiple`.",
    width(right, rounded=lambda number, multiple: -(-number // 1)),
    "this keeps to 8 / 3 of d, whatever the keys. Fewer key heads leave more for the feed-forward part.",
    width(lambda heads, kept: 8),
    "queries and output were narrowed too. Only keys and values are.",
    width(lambda heads, kept: 12 - 4 * kept / heads),
    TOO_NARROW,
    width(lambda heads, kept: 10 - 2 / heads),
    TOO_NARROW,
    width(lambda heads, kept: 10 - 2 / kept),
    "a width that is a multiple already was rounded up to the next one.",
    width(right, rounded=lambda number, multiple: multiple * (number // multiple + 1)),
)
