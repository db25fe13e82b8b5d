"""What all verbs print with: panels and colours on a terminal, plain lines in a pipe."""

from collections.abc import Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

WIDEST = 88
"""Columns of a panel on a wide terminal: longer lines are hard to read."""


class Screen(Console):
    """A console that leaves a reader who went away to `command.run`."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


out = Screen(highlight=False)
errors = Screen(highlight=False, stderr=True)


def say(text: str = "", style: str = "") -> None:
    """Prints a text as it is, to be copied or searched: no markup, no line breaks put in."""
    out.print(Text(text, style), soft_wrap=True)


def complain(text: str, hint: str | None = None) -> None:
    """Prints on standard error what went wrong, and what to do about it. In a pipe each is one line."""
    errors.print(Text(text, "red"), soft_wrap=not errors.is_terminal)
    if hint is not None:
        errors.print(Text(hint), soft_wrap=not errors.is_terminal)


def section(title: str, *parts: RenderableType, to: Console = out) -> None:
    """Prints a part of the output under its title."""
    if to.is_terminal:
        heading = Text(f" {title} ", "bold")
        width = min(to.width, WIDEST)
        to.print(Panel(Group(*parts), title=heading, title_align="left", border_style="dim", width=width))
    else:
        to.print(Text(title), *parts, "", sep="\n", soft_wrap=True)


def code(text: str) -> Text:
    """A line of Python, to be told from prose."""
    return Text(text, "cyan", overflow="fold")


def facts(rows: Mapping[str, str | Text], to: Console = out) -> RenderableType:
    """Names, and what there is to say of each."""
    return aligned([(Text(name, "dim"), value) for name, value in rows.items()], to)


def aligned(rows: Sequence[Sequence[str | Text]], to: Console = out) -> RenderableType:
    """Cells below each other. In a pipe each row is one line, however long."""
    if to.is_terminal:
        table = Table.grid(padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
        return table
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )
    return Text("\n".join(line.rstrip() for line in lines))
