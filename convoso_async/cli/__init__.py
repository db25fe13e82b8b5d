"""The command `convoso`. Only this file is read before it is known whether the extra `cli` is there."""

import sys
from collections.abc import Sequence

from .exit import Exit

NEEDED = ("cyclopts", "rich", "phonenumbers")


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and gives its exit code. Without `words`, they are those of the process."""
    try:
        from .command import run

        return run(sys.argv[1:] if words is None else words)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in NEEDED:
            raise
        print("The command needs the extra cli: pip install 'convoso[cli]'", file=sys.stderr)
        return Exit.BAD_USE
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return Exit.INTERRUPTED
