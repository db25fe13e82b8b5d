"""How the command ends."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes."""

    DONE = 0
    BAD_USE = 2
    """Not begun: an option is wrong, a setting is missing, a port is taken."""
    NOT_COMPLETE = 3
    """Begun, and stopped by an error."""
    INTERRUPTED = 130


class BadUse(Exception):
    """It cannot be done as asked. The message says what to change, in a line or two."""
