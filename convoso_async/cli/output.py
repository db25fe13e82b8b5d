"""Where a verb's output goes: to people on a terminal, to programs in a pipe.

On a terminal results are tables, with bars and a summary. In a pipe, or with `--json`, standard output holds
JSON lines and nothing else; the rest goes to standard error, without colours.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from .options import OUTPUT_OPTIONS, SWITCH
from .screen import errors, facts, out, section

if TYPE_CHECKING:
    from ..jobs import OnProgress


@Parameter(name="*", group=OUTPUT_OPTIONS)
@dataclass(frozen=True, kw_only=True)
class Output:
    """How a verb tells what it did. See `command` for its use."""

    json: Annotated[bool, SWITCH] = False
    """JSON lines on standard output, as in a pipe."""

    quiet: Annotated[bool, SWITCH] = False
    """No bars, no summary: only what was asked for, and errors."""

    @property
    def for_programs(self) -> bool:
        """Whether standard output is for programs: JSON lines. FORCE_COLOR does not make it a terminal."""
        return self.json or not is_terminal(sys.stdout)

    @property
    def people(self) -> Console:
        """Where people read: standard output, or standard error where programs read the former."""
        return errors if self.for_programs else out

    def lines(self, values: Iterable[object]) -> None:
        """Writes values to standard output as JSON, one a line: rows, reports, anything that JSON knows."""
        from ..jobs.columns import json_bytes

        sys.stdout.flush()
        write = sys.stdout.buffer.write
        for value in values:
            write(json_bytes(value) + b"\n")
        sys.stdout.buffer.flush()

    def note(self, text: str, style: str = "") -> None:
        """Tells people something, unless they want quiet."""
        if not self.quiet:
            self.people.print(Text(text, style), soft_wrap=True)

    def report(
        self, title: str, told: Mapping[str, str | Text], record: Mapping[str, object] | None = None
    ) -> None:
        """Ends a job: a summary for people, unless they want quiet, and `record` for programs.

        With `--quiet` a program gets it only if it asked by `--json`: so that a cron job has nothing to mail.
        Without a `record`, standard output is left to the rows on it.
        """
        if not self.quiet:
            section(title, facts(told, self.people), to=self.people)
        if record is not None and self.for_programs and (self.json or not self.quiet):
            self.lines([record])

    def progress(self, title: str, *, rows_on_screen: bool = False) -> "OnProgress | None":
        """What a job takes as `progress=`: a bar on standard error. None in a pipe, or for quiet.

        None also where rows scroll over the same screen.
        """
        if self.quiet or not errors.is_terminal or (rows_on_screen and is_terminal(sys.stdout)):
            return None
        from ..jobs import rich_bar

        return rich_bar(title, console=errors)


OUTPUT = Output()
"""As nothing was said of it."""


def is_terminal(stream: object) -> bool:
    """Whether a standard stream is a terminal. There is none where the process was started without."""
    isatty = getattr(stream, "isatty", None)
    return isatty is not None and bool(isatty())
