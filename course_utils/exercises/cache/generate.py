"""A real bug by its symptom: with the cache on, the text is nonsense, and each step takes longer than without."""

from dataclasses import dataclass, field
from typing import Protocol

from course_utils.exercises.core import Exercise, probes


class Model(Protocol):
    """What the loop knows of a model: read(ids, cache) appends ids to the cache and returns the next token."""

    def new_cache(self) -> list[int]: ...
    def read(self, ids: list[int], cache: list[int]) -> int: ...


def generate(model: Model, prompt: list[int], new: int) -> list[int]:
    """Return the `new` tokens that the model writes after the prompt; the prompt has at least one.

    Args:
        model: model.new_cache() makes an empty cache; model.read(ids, cache) reads these ids after those that are in
            the cache, appends them to it, and returns the id of the next token.
        prompt: ids.
        new: number of tokens to write.

    Source of the bug: iCog-Labs-Dev/PC-Transformers, issue 129 (2026).
    """
    cache = model.new_cache()
    answer: list[int] = []
    unread = prompt
    for _ in range(new):
        answer.append(model.read(unread, cache))
        unread = answer[-1:]
    return answer


@dataclass
class Context:
    """A model whose next token depends on every id in the cache, and on its place."""

    def new_cache(self) -> list[int]:
        return []

    def read(self, ids: list[int], cache: list[int]) -> int:
        cache.extend(ids)
        return sum(place * id for place, id in enumerate(cache, start=1)) % 100


@dataclass
class Work(Context):
    """A model whose next token is the number of tokens that it has read so far: its answer shows the work."""

    n_read: int = field(default=0, compare=False, repr=False)

    def read(self, ids: list[int], cache: list[int]) -> int:
        cache.extend(ids)
        self.n_read += len(ids)
        return self.n_read


exercise = Exercise(
    generate,
    minutes=15,
    difficulty=2,
    shown="what is in the cache isn't read again: the prompt once, then each new token once.",
    hints=(
        "What does the cache hold after the second call of model.read? Write it down for a prompt [7, 8].",
        "The cache has the prompt already. At the second step only one id isn't in it yet.",
        "First read the prompt. Then, at each further step, read [the newest token] into the same cache.",
    ),
    probes=probes(
        ("one new token", Context(), [3, 1], 1),
        "The prompt is read into an empty cache: (1 * 3 + 2 * 1) % 100 = 5.",
        ("three new tokens", Context(), [3, 1], 3),
        "The cache must hold 3 1, then 3 1 5, then 3 1 5 20: its tokens are 5, 20, 100 % 100 = 0.",
        ("a model that counts what it reads", Work(), [3, 1, 4, 1, 5], 4),
        "It reads 5 tokens, and then one at each step: 5, 6, 7, 8.",
        ("no new token", Context(), [3, 1], 0),
        "Nothing to write: an empty list.",
    ),
    hidden=probes(
        ("a longer prompt, its context", Context(), [9, 9, 8, 2, 7, 5, 1], 12),
        "Each token is in the cache once, in the text's order.",
        ("a longer prompt, the work", Work(), [9, 9, 8, 2, 7, 5, 1], 12),
        "After the prompt each step reads one token.",
    ),
)


def loop(step, first=lambda model, prompt, cache: model.read(prompt, cache)):
    """Return an answer that reads the prompt in one way, and takes each further step in another."""

    def answer(model, prompt, new):
        cache, ids = model.new_cache(), list(prompt)
        for number in range(new):
            ids.append((step if number else first)(model, ids, cache))
        return ids[len(prompt) :]

    return answer


def reread(model, prompt, cache):
    model.read(prompt, cache)
    return model.read(prompt[-1:], cache)


exercise.add_mistakes(
    "this is the loop as it was: it reads the whole text into a cache that holds most of it already. Read only what is "
    "new.",
    loop(lambda model, ids, cache: model.read(ids, cache)),
    "you make a new cache at each step, and read only the newest token into it: the model forgets the prompt.",
    loop(lambda model, ids, cache: model.read(ids[-1:], model.new_cache())),
    "the text is right, and no faster than without a cache: each step reads all of it into an empty one.",
    loop(lambda model, ids, cache: model.read(ids, model.new_cache())),
    "the prompt's last token alone is read at first. The cache must hold the whole prompt.",
    loop(lambda model, ids, cache: model.read(ids[-1:], cache), lambda model, ids, cache: model.read(ids[-1:], cache)),
    "each step reads one token too many: the one before the newest is in the cache already.",
    loop(lambda model, ids, cache: model.read(ids[-2:], cache)),
    "you throw away what the model answers to the prompt, and read the prompt's last token once more.",
    loop(lambda model, ids, cache: model.read(ids[-1:], cache), reread),
    "you read the token before the newest. The newest is the one that isn't in the cache.",
    loop(lambda model, ids, cache: model.read(ids[-2:-1], cache)),
    "the answer begins with the prompt. Return the new tokens only.",
    lambda model, prompt, new: prompt + generate(model, prompt, new),
    "one token too many: the model's answer to the prompt is the first new token already.",
    lambda model, prompt, new: generate(model, prompt, new + 1),
    "for new = 0 you return a token. Nothing is to be written.",
    lambda model, prompt, new: generate(model, prompt, max(new, 1)),
)
