"""How the command ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes."""

    DONE = 0
    SOME_FAILED = 1
    """Done, but for some items, which are listed."""
    BAD_USE = 2
    """Not begun: an option is wrong, a setting or a file is missing, a port is taken. The same command would
    end so again.
    """
    NOT_COMPLETE = 3
    """Begun, and stopped by an error. A token that the service refuses is one: only its answer tells, and it
    may come in the middle, when a token is withdrawn.
    """
    INTERRUPTED = 130


class BadUse(Exception):
    """It cannot be done as asked. The message says what to change, in a line or two."""


class Interrupted(Exception):
    """Ctrl-C, by a verb that has more to say about it: what is kept, and how to go on."""


@contextmanager
def checked() -> Iterator[None]:
    """Where a call looks at what the user gave: its TypeError or ValueError is bad use, with its words."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise BadUse(str(error)) from error
