"""What a cache saves: operations of an answer's matrix products, with it and without."""

from course_utils.exercises.core import Exercise, probes


def answer_flops(parameters: int, prompt: int, new: int, cached: bool) -> int:
    """Return the floating-point operations of the matrix products that an answer takes.

    Every token that is read meets every matrix: a multiplication and an addition for each of their parameters. What
    attention itself computes, queries times keys and weights times values, is left out. The last new token is drawn,
    but never read.

    Args:
        parameters: of all matrices together, N.
        prompt: its tokens, T, at least 1.
        new: tokens to draw, n; if 0, nothing is read.
        cached: read each token once; without a cache each step reads all tokens so far.
    """
    if cached:
        return 2 * parameters * (prompt + new - 1 if new else 0)
    return 2 * parameters * sum(prompt + step for step in range(new))


exercise = Exercise(
    answer_flops,
    minutes=15,
    difficulty=2,
    shown="with a cache an answer costs T + n - 1 tokens, without one n T + n (n - 1) // 2.",
    hints=(
        "Draw three tokens after a prompt of five by hand. Which tokens does the model read before each of the three?",
        "Without a cache: 5, then 6, then 7. With one: 5, then 1, then 1. The third new token is never read.",
        "2 * parameters * tokens read, which are prompt + new - 1 with a cache, else "
        "sum(prompt + step for step in range(new)). For new = 0 no token is read.",
    ),
    probes=probes(
        ("one new token", 10, 5, 1, True),
        "The five tokens of the prompt are read, and the token is drawn: 2 * 10 * 5.",
        ("four new tokens, with a cache", 10, 5, 4, True),
        "5, 1, 1 and 1 tokens are read: 2 * 10 * 8. The fourth new token is drawn, and nobody reads it.",
        ("four new tokens, without", 10, 5, 4, False),
        "5, 6, 7 and 8 tokens are read: 2 * 10 * 26.",
        ("a prompt of one token", 10, 1, 4, False),
        "1, 2, 3 and 4 tokens are read: 2 * 10 * 10.",
        ("nothing to draw, with a cache", 10, 5, 0, True),
        "Who draws nothing needs to read nothing: 0.",
        ("nothing to draw, without", 10, 5, 0, False),
        "Who draws nothing needs to read nothing: 0.",
        ("SmolLM2-135M", 134_479_872, 512, 256, False),
        "512 + 513 + ... + 767 = 163,712 tokens: 44 trillion operations.",
    ),
    hidden=probes(
        ("another answer, with a cache", 1_000_003, 77, 31, True),
        "T + n - 1 tokens are read, each once.",
        ("another answer, without", 1_000_003, 77, 31, False),
        "Each of the n steps reads the prompt and what was drawn before it.",
    ),
)

exercise.add_mistakes(
    "a factor 2 is missing: each parameter makes a multiplication and an addition.",
    lambda N, T, n, cached: answer_flops(N, T, n, cached) // 2,
    "that is a step of training, 6 operations a parameter. Reading takes 2.",
    lambda N, T, n, cached: 3 * answer_flops(N, T, n, cached),
    "you read the last new token too. Nothing comes after it: it is drawn, and the answer is complete.",
    lambda N, T, n, cached: 2 * N * (T + n if cached else sum(range(T + 1, T + n + 1))),
    "you read the prompt again at each step, although it is in the cache.",
    lambda N, T, n, cached: 2 * N * (T * n if cached else sum(range(T, T + n))),
    "you count one token for each step. The first step reads the whole prompt.",
    lambda N, T, n, cached: 2 * N * (n if cached else sum(range(T, T + n))),
    "you count only the new tokens. The prompt has to be read as well.",
    lambda N, T, n, cached: 2 * N * (n - 1 if cached else sum(range(n))),
    "you have with and without the wrong way round.",
    lambda N, T, n, cached: answer_flops(N, T, n, not cached),
    "the cache makes no difference in your count. Without it each step reads all tokens so far.",
    lambda N, T, n, cached: answer_flops(N, T, n, True),
    "without a cache the text grows by a token at each step: 5, 6, 7, 8, not 5, 5, 5, 5.",
    lambda N, T, n, cached: 2 * N * (T + n - 1 if cached else T * n),
    "without a cache the first step reads T tokens, the last T + n - 1: n T + n (n - 1) / 2, not n (n + 1) / 2.",
    lambda N, T, n, cached: 2 * N * (T + n - 1 if cached else T * n + n * (n + 1) // 2),
    "you read all T + n - 1 tokens at each step. Before the last step the text is shorter.",
    lambda N, T, n, cached: 2 * N * (T + n - 1) * (1 if cached else n),
    "for n = 0 your formula reads T - 1 tokens. Who draws nothing needs to read nothing.",
    lambda N, T, n, cached: 2 * N * (T + n - 1 if cached else sum(range(T, T + n))),
    "who draws nothing needs to read nothing: for n = 0 the answer is 0.",
    lambda N, T, n, cached: answer_flops(N, T, n, cached) if n else 2 * N * T,
)
