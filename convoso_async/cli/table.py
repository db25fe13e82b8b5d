"""Rows for people: a table of the columns that there is room for, or one row as names and values."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeGuard

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ..jobs.columns import as_object, columns_of, json_bytes
from ..rows import Result, Row
from .exit import BadUse
from .reference import near
from .screen import aligned, out, say

WIDEST_CELL = 28
"""Columns of a cell; longer texts fold."""
GAP = 2
EXTRA = "extra."
"""What the name of a column begins with that the documentation does not list: `extra.job_group`."""


def as_record(row: Row) -> dict[str, object]:
    """A row, or what a call answered, as an object: its attributes, and what is worked out from them.

    The reply as it came is not in it: all of it is there already, what is not documented under `extra`.
    """
    record = {**as_object(row), **{name: getattr(row, name) for name in _worked_out(type(row))}}
    if isinstance(row, Result):
        del record["raw"]
    return record


def _worked_out(of_class: type[Row]) -> Iterable[str]:
    members = (member for base in of_class.__mro__ for member in vars(base).items())
    return (name for name, member in members if isinstance(member, property))


def flat(record: Mapping[str, object]) -> dict[str, object]:
    """An object with what is in `extra` beside the rest, as `extra.job_group`."""
    extra = record.get("extra")
    inner = extra.items() if isinstance(extra, dict) else ()
    outer = {name: value for name, value in record.items() if name != "extra"}
    return {**outer, **{f"{EXTRA}{name}": value for name, value in inner}}


def chosen(record: Mapping[str, object], columns: Sequence[str]) -> dict[str, object]:
    """The columns of that name, all of them where none is named."""
    if not columns:
        return dict(record)
    beside = flat(record)
    return {name: beside.get(name) for name in columns}


def column_names(words: str | None, result: type[Row]) -> list[str]:
    """What `--columns id,status,extra.job_group` names. Raises BadUse, with the near ones, for a wrong one,
    and where none is named, or one twice.

    Nobody but the account knows what may come in `extra`.
    """
    known = [column.name for column in columns_of(result)]
    names = [name.strip() for name in (words or "").split(",") if name.strip()]
    for name in names:
        if name not in known and not name.startswith(EXTRA):
            hint = near(name, known) or f" There are {', '.join(known)}"
            raise BadUse(f"--columns: there is no column {name}.{hint}")
    if words is not None and (not names or len(set(names)) < len(names)):
        raise BadUse("--columns must name one column or more, each once, such as id,status")
    return names


def show_rows(
    records: Sequence[Mapping[str, object]], columns: Sequence[str] = (), *, inside: bool = False
) -> None:
    """Prints rows below each other. A single one, for which no columns are named, is told line by line.

    Columns that hold nothing are left out, and so are those that there is no room for: a last line names
    those. `inside` is for rows in an object, whose columns cannot be chosen.
    """
    if len(records) == 1 and not columns:
        show_facts(records[0])
        return
    shown = [flat(record) for record in records]
    names = columns or list(dict.fromkeys(name for record in shown for name in record))
    texts = {name: [cell(record.get(name)) for record in shown] for name in names}
    filled = {name: cells for name, cells in texts.items() if columns or any(cells)}
    fitting = that_fit(filled, out.width)
    out.print(columns_of_text({name: filled[name] for name in fitting}))
    left_out = [name for name in filled if name not in fitting]
    if left_out:
        choice = "in a pipe, all of them come" if inside else "--columns id,status chooses"
        told = f"No room for {len(left_out)} more ({choice}): {', '.join(left_out)}"
        out.print(Text(told, "dim"))


def columns_of_text(cells: Mapping[str, Sequence[str]], *, gap: int = GAP) -> Table:
    """A table of texts under their headings."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap - 1, 0, 0))
    for name in cells:
        table.add_column(Text(name), overflow="fold", max_width=None if gap < GAP else WIDEST_CELL)
    for row in zip(*cells.values(), strict=True):
        table.add_row(*map(Text, row))
    return table


def that_fit(cells: Mapping[str, Sequence[str]], width: int) -> list[str]:
    """The names of the first columns that fit into a line, at least one."""
    fitting: list[str] = []
    used = 0
    for name, column in cells.items():
        used += min(max(len(name), *map(cell_len, column)), WIDEST_CELL) + GAP
        if fitting and used - GAP > width:
            break
        fitting.append(name)
    return fitting


def show_facts(record: Mapping[str, object]) -> None:
    """Prints one object: names and values, those that hold nothing left out; rows in it as tables below."""
    values = flat(record)
    tables = {name: value for name, value in values.items() if _are_rows(value)}
    told = {name: cell(value) for name, value in values.items() if name not in tables}
    if record.get("already") is False:
        del told["already"]  # it is told only where a repeat found the work done
    facts = [(Text(name, "dim"), Text(text, overflow="fold")) for name, text in told.items() if text]
    if facts:
        out.print(aligned(facts))
    for name, rows in tables.items():
        say()
        say(name, "bold")
        show_rows([as_record(row) for row in rows], inside=True)


def _are_rows(value: object) -> TypeGuard[list[Row]]:
    return isinstance(value, list) and len(value) > 1 and all(isinstance(item, Row) for item in value)


def cell(value: object) -> str:
    """A value as a text for the screen, without anything that would steer the terminal."""
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return harmless(", ".join(value))
    if isinstance(value, dict | list | Row):
        return harmless(json_bytes(value).decode())
    return harmless(str(value))


def harmless(text: str) -> str:
    """A text in one line: names in a lead come from anywhere, and may hold what steers a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
