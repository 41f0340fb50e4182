"""A real bug by its symptom: with each request the adapter's style gets stronger, until the text is nonsense."""

import torch
from torch import Tensor, tensor

from course_utils.exercises.core import Exercise, probes


def weights_served(w: Tensor, updates: dict[str, Tensor], requests: list[str | None]) -> list[Tensor]:
    """Return the merged matrix that serves each request: W + the update of its adapter, or W itself.

    Args:
        w: the frozen matrix, (N, d).
        updates: of each adapter A B alpha / r, (N, d).
        requests: in turn the name of an adapter, or None for the model as it was.

    Raises:
        ValueError: a name that is none of the adapters.

    Sources of the bugs: huggingface/peft, pull request 1355 (2024), and huggingface/diffusers, issue 5604 (2023).
    """
    if unknown := {*requests} - {*updates, None}:
        raise ValueError(f"requests must name one of {sorted(updates)} or be None, got {unknown.pop()!r}")
    return [w.clone() if name is None else w + updates[name] for name in requests]


W = tensor([[1.0, 2.0], [3.0, 4.0]])
UPDATES = {"poet": tensor([[10.0, 0.0], [0.0, 0.0]]), "judge": tensor([[0.0, 0.0], [0.0, 100.0]])}
LARGE = {"poet": tensor([[1e8, 0.0], [0.0, 1e8]])}

exercise = Exercise(
    weights_served,
    minutes=15,
    difficulty=2,
    shown="merging begins from the frozen matrix each time: never from a merged one, and never back by subtraction.",
    hints=(
        "Follow the matrix w by hand through two requests for the same adapter.",
        "Which matrix should every merge begin from, whatever was served before?",
        "Keep w untouched: w + updates[name] makes a new tensor, and so does w.clone().",
    ),
    probes=probes(
        ("one request", W, UPDATES, ["poet"]),
        "W + the poet's update.",
        ("the same adapter twice", W, UPDATES, ["poet", "poet"]),
        "The second answer comes from the same matrix as the first.",
        ("another adapter", W, UPDATES, ["poet", "judge"]),
        "The judge must hear nothing of the poet: take its update out first.",
        ("the model as it was, then an adapter", W, UPDATES, [None, "judge"]),
        "None is the frozen matrix.",
        ("the model as it was, after an adapter", W, UPDATES, ["poet", None, "poet"]),
        "After an adapter None must give the frozen matrix again.",
        ("an update that is much larger than W", W, LARGE, ["poet", None]),
        "In float32 1 + 1e8 is 1e8, so subtracting doesn't bring W back: keep a copy of it.",
        ("no such adapter", W, UPDATES, ["poet", "clerk"]),
        "Raise ValueError: an answer of the plain model would look like one of the adapter.",
    ),
    hidden=probes(
        ("seven requests", W, UPDATES, ["judge", "judge", "poet", None, "judge", "poet", "poet"]),
        "Each request has its own matrix, whatever came before.",
    ),
)


def server(step):
    """An answer whose matrix goes from request to request: step(now, before, name, updates, w) gives the next one."""

    def answer(w, updates, requests):
        if not {*requests} <= {*updates, None}:
            raise ValueError("requests")
        served, now, before = [], w.clone(), None
        for name in requests:
            now = step(now, before, name, updates, w)
            before = name
            served.append(now)
        return served

    return answer


def update(updates, name, like):
    return torch.zeros_like(like) if name is None else updates[name]


def in_place(w, updates, requests):
    w, served, before = w.clone(), [], None
    for name in requests:
        w += update(updates, name, w) - update(updates, before, w)
        before = name
        served.append(w)
    return served


exercise.add_mistakes(
    "these are the updates alone. Add the frozen matrix.",
    lambda w, updates, requests: [update(updates, name, w) for name in requests],
    "this is the frozen matrix for every request: nothing is merged.",
    lambda w, updates, requests: [w.clone() for _ in requests],
    "the update is merged again at each request, into a matrix that holds it already: that is the bug.",
    server(lambda now, before, name, updates, w: now + update(updates, name, w)),
    "the same request again takes the adapter out. Merging isn't a switch.",
    server(lambda now, before, name, updates, w: w.clone() if name == before else w + update(updates, name, w)),
    "the adapter before is still in the matrix. That it is another one is no reason to merge on top of it.",
    server(lambda now, before, name, updates, w: now if name == before else now + update(updates, name, w)),
    "once something is merged your matrix never changes again: the judge speaks like the poet.",
    server(lambda now, before, name, updates, w: now if before else w + update(updates, name, w)),
    "all your results are one and the same tensor, changed in place: the last request is what all of them show.",
    in_place,
    "None leaves the adapter before in the matrix.",
    server(lambda now, before, name, updates, w: now if name is None else w + update(updates, name, w)),
    "you take an update out by subtracting it. In float32 that doesn't give W back: begin from a copy of W.",
    server(lambda now, before, name, updates, w: now - update(updates, before, w) + update(updates, name, w)),
    "an unknown name is served by the plain model in silence. Raise ValueError.",
    lambda w, updates, requests: [w + updates.get(name, torch.zeros_like(w)) for name in requests],
)
