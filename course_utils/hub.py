"""The Hugging Face Hub, and the copies that were downloaded from it before."""

from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def from_hub(kind: str, name: str, ask: Callable[[], Found], read_copy: Callable[[], Found]) -> Found:
    """Return what the Hub has under a name, or the downloaded copy if it can't be reached.

    Args:
        kind: "model" or "dataset".
        name: such as `owner/name`.
        ask: asks the Hub.
        read_copy: finds the copy; raises LocalEntryNotFoundError if there is none.

    Raises:
        ValueError: the Hub has nothing of that name that the user may read, or refuses the question.
        ConnectionError: the Hub can't be reached and there is no copy; the message says what to run.
    """
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError  # here: they take a while

    try:
        return ask()
    except Exception as error:
        if isinstance(error.__cause__ or error, RepositoryNotFoundError):  # `datasets` wraps it
            raise ValueError(f"the Hub has no {kind} {name!r} that you may read: {error}") from error
        if type(error) is ValueError and _has_http_client():
            raise  # an unknown split, say: the library's own words are clear
        try:  # no network, or whatever an HTTP client makes of a proxy variable that it can't read
            return read_copy()
        except LocalEntryNotFoundError:
            option = "" if kind == "model" else f"--repo-type {kind} "
            raise ConnectionError(
                f"can't reach the Hugging Face Hub for {name!r} ({type(error).__name__}: {error}). With a network, run "
                f"`hf download {option}{name}` once; the course reads the downloaded copy from then on."
            ) from error


def _has_http_client() -> bool:
    """Say whether the Hub's HTTP client can be made: it reads the environment's proxy variables, which may be wrong."""
    from huggingface_hub.utils import get_session

    try:
        get_session()
    except Exception:
        return False
    return True
