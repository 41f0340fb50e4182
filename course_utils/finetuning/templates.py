"""Chat templates: how a conversation is written as one row of tokens, so that the model sees who speaks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from course_utils.tokenization import Tokenizer

Message = dict[str, str]  # role and content


class Example(NamedTuple):
    """A conversation as the model reads it.

    Args:
        ids: its n tokens.
        is_response: for each of them, whether the model is to say it: those of an answer, and the one that ends it.
    """

    ids: list[int]
    is_response: list[bool]


@dataclass(frozen=True)
class Turn:
    """How one role's turn is written: start, opening, the words, stop, after.

    Args:
        start: control text, such as `<|im_start|>`.
        opening: who speaks, in plain text; a space at its end belongs to the token of the first word.
        stop: control text that ends the words; one token, which a model says itself when its answer is complete.
        after: control text between this turn and the next.
    """

    start: str
    opening: str
    stop: str
    after: str = ""


@dataclass(frozen=True)
class ChatTemplate:
    """How a conversation is written as one row of tokens.

    The words of a message never become control tokens: they are encoded as plain text, whatever they hold. Where the
    control text itself is plain text, as in `PLAIN`, words that hold it are refused.

    Args:
        turns: by role; one for user and one for assistant at least.
        begin: control text before the first turn.
        default_system: the system message of a conversation that has none of its own; None adds none.
        reserved: special tokens of the model, beside those of the turns, that no record may hold.

    Source: Hugging Face, "Chat templates" (transformers documentation); OpenAI (2023), "Chat Markup Language".
    """

    turns: Mapping[str, Turn]
    begin: str = ""
    default_system: str | None = None
    reserved: tuple[str, ...] = ()

    @property
    def controls(self) -> tuple[str, ...]:
        """What no record may hold."""
        return self._marks + self.reserved

    def encode(self, messages: Sequence[Message], tokenizer: Tokenizer) -> Example:
        """Return a conversation as token ids, and which of them are the assistant's to say.

        Raises:
            ValueError: a role that the template doesn't know, or words that hold its control text.
        """
        ids: list[int] = tokenizer.encode(self.begin)
        is_response = [False] * len(ids)
        for message in self._with_system(messages):
            turn = self._turn(message["role"])
            words = self._checked(message["content"], tokenizer)
            before, said, after = tokenizer.encode(turn.start), [self.stop_id(tokenizer, message["role"])], turn.after
            if message["role"] == "assistant":  # the opening is read alone, as it is when the model is asked
                before += self._opening(tokenizer)
                said = tokenizer.encode(self.lead + words, specials=False) + said
            else:
                before += tokenizer.encode(turn.opening + words, specials=False) + said
                said = []
            rest = tokenizer.encode(after)
            ids += before + said + rest
            is_response += [False] * len(before) + [True] * len(said) + [False] * len(rest)
        return Example(ids, is_response)

    def prompt(self, messages: Sequence[Message], tokenizer: Tokenizer) -> list[int]:
        """Return the token ids after which the model's answer begins.

        Raises:
            ValueError: as `encode`.
        """
        start = tokenizer.encode(self._turn("assistant").start)
        return self.encode(messages, tokenizer).ids + start + self._opening(tokenizer)

    def stop_id(self, tokenizer: Tokenizer, role: str = "assistant") -> int:
        """Return the id of the token that ends a role's turn.

        Raises:
            ValueError: for this tokenizer it isn't one token.
        """
        stop = self._turn(role).stop
        ids = tokenizer.encode(stop)
        if len(ids) != 1:
            raise ValueError(
                f"the template ends a turn by {stop!r}, which is {len(ids)} tokens of this tokenizer: take this "
                "model's template, or one with a stop that is one token"
            )
        return ids[0]

    @property
    def lead(self) -> str:
        """The spaces that an answer begins with, since they belong to the token of its first word."""
        opening = self._turn("assistant").opening
        return opening[len(opening.rstrip(" ")) :]

    def _opening(self, tokenizer: Tokenizer) -> list[int]:
        return tokenizer.encode(self._turn("assistant").opening.rstrip(" "), specials=False)

    @property
    def _marks(self) -> tuple[str, ...]:
        marks = [mark for turn in self.turns.values() for mark in (turn.start, turn.stop) if mark]
        return tuple(dict.fromkeys(marks))

    def _turn(self, role: str) -> Turn:
        if role not in self.turns:
            raise ValueError(f"the template has no role {role!r}: use one of {', '.join(self.turns)}")
        return self.turns[role]

    def _with_system(self, messages: Sequence[Message]) -> list[Message]:
        if self.default_system is None or (messages and messages[0]["role"] == "system"):
            return list(messages)
        return [{"role": "system", "content": self.default_system}, *messages]

    def _checked(self, words: str, tokenizer: Tokenizer) -> str:
        for mark in self._marks:
            if mark in words and tokenizer.encode(mark) == tokenizer.encode(mark, specials=False):
                raise ValueError(f"the words {words!r:.60} hold {mark!r}, which ends a turn: take it out")
        return words


CHATML = ChatTemplate(  # SmolLM2-Instruct's, and its habit of telling the model a name
    turns={role: Turn("<|im_start|>", f"{role}\n", "<|im_end|>", "\n") for role in ("system", "user", "assistant")},
    default_system="You are a helpful AI assistant named SmolLM, trained by Hugging Face",
    reserved=("<|endoftext|>",),
)
PLAIN = ChatTemplate(  # for tinyworld, which has no special tokens: one document, that ends as all of its documents do
    turns={"user": Turn("", "Q: ", "\n"), "assistant": Turn("", "A: ", "\n\n")},
    begin="\n\n",
)
