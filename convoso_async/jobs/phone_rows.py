"""Phone numbers from a file or from anywhere, each row checked before anything is sent."""

import asyncio
import os
import re
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from math import isfinite
from pathlib import Path

import attrs

from ..parameters import whole_number
from ..rows import Row
from .importing import CHECKED_AT_ONCE, RowFile, is_empty
from .phones import Phone, country_of, phone_of
from .report import BadRowError, Problem
from .work import every

Given = str | int | Mapping[str, object] | Row
"""A number as text or digits, or a row with a `phone_number`."""
Source = str | os.PathLike[str] | Iterable[Given] | AsyncIterable[Given]

FACTS = ("reason", "purpose")
NAMES = ("phone_number", "phone_code", "campaign_id", *FACTS)


@attrs.frozen
class PhoneRow:
    """One row of an input.

    Attributes:
        position: its place in the input, from 0.
        line: its line in a file.
        values: the row as it was given; a bare number as `{"phone_number": ...}`.
        phone: its number, None where something is wrong with the row.
        facts: the `reason` and `purpose` that it brings.
        repeats: whether a row before it has the same number.
        problems: what is wrong with it.
    """

    position: int
    line: int | None
    values: Mapping[str, object] | Row
    phone: Phone | None
    facts: Mapping[str, str]
    repeats: bool = False
    problems: tuple[Problem, ...] = ()

    def refusal(self, *also: Problem) -> BadRowError | None:
        """Why it cannot be sent, None where it can."""
        return BadRowError((*self.problems, *also), self.line) if self.problems else None


@attrs.frozen
class Scope:
    """Where the entries of a sync are: one campaign, or 0 or -1, and one country.

    `strict` takes no number of another country.
    """

    campaign_id: str
    phone_code: str
    strict: bool = False


def scope_of(campaign_id: object, phone_code: object, *, strict: bool = False) -> Scope:
    """The scope that these name. Raises ValueError for what is not exactly one."""
    return Scope(campaign_of(campaign_id), str(country_of(text_of("phone_code", phone_code))), strict)


def campaign_of(value: object) -> str:
    """One campaign's id, without zeros before it. Raises ValueError for what is none."""
    text = text_of("campaign_id", value)
    if not re.fullmatch(r"-?[0-9]+", text):  # several would be a filter, and one that is empty is none
        raise ValueError("campaign_id must be one campaign's id, 0 for all campaigns, or -1")
    return str(int(text))


class PhoneColumns:
    """What the columns of an input are. Raises ValueError for a `columns=` that cannot be."""

    def __init__(self, given: Mapping[str, str | None]) -> None:
        self._given = given
        for column, name in given.items():
            if name is not None and name not in NAMES:
                raise ValueError(f"columns: {column!r} can be {', '.join(NAMES)} or None, not {name!r}")

    def name(self, column: str) -> str | None:
        """What a column is, None for one that is ignored."""
        if column in self._given:
            return self._given[column]
        name = re.sub(r"[\s-]+", "_", column.strip().casefold())
        return name if name in NAMES else None

    def names(self) -> set[str]:
        """Names that a header may hold: a file's dialect is told by them."""
        return {*self._given, *NAMES}

    def problems(self, header: list[str]) -> list[str]:
        """What is wrong with the columns of a file."""
        problems = [f"there is no column {name!r}" for name in self._given if name not in header]
        first: dict[str, str] = {}
        for column in header:
            name = self.name(column)
            if name is not None and first.setdefault(name, column) != column:
                problems.append(f"columns {first[name]!r} and {column!r} are both {name}")
        if not problems and "phone_number" not in first:
            problems.append("no column is phone_number; the first line must name the columns, or columns= do")
        return problems


async def phone_rows(source: Source, columns: PhoneColumns, encoding: str, scope: Scope) -> list[PhoneRow]:
    """All rows of an input. Raises BadFileError for a file that cannot be read to its end."""
    rows: list[PhoneRow] = []
    seen: set[Phone] = set()
    async with aclosing(given_rows(source, columns, encoding)) as given:
        async for line, values, problems in given:
            row = checked(len(rows), line, values, problems, columns, scope)
            if row.phone in seen:
                row = attrs.evolve(row, repeats=True)
            elif row.phone is not None:
                seen.add(row.phone)
            rows.append(row)
            if len(rows) % CHECKED_AT_ONCE == 0:
                await asyncio.sleep(0)
    return rows


NumberedRow = tuple[int | None, Mapping[str, object] | Row, Sequence[Problem]]
"""A row's line, the row as it was given (a bare number as a row), and what is wrong with its shape."""


async def given_rows(
    source: Source, columns: PhoneColumns, encoding: str
) -> AsyncGenerator[NumberedRow, None]:
    """The rows of a file, or of anything that can be iterated over."""
    if isinstance(source, str | os.PathLike):
        with RowFile(Path(source), encoding, columns) as file:
            async with aclosing(file.rows()) as rows:
                async for row in rows:
                    yield row.line, row.values, row.problems
        return
    if isinstance(source, bytes | Mapping | Row) or not isinstance(source, Iterable | AsyncIterable):
        raise TypeError(f"phones must be numbers, or the path of a file, not {type(source).__name__}")
    async with aclosing(every(source)) as given:
        async for values in given:
            # One form of row: what did not succeed comes out as JSON lines that can be put in again.
            yield None, values if isinstance(values, Mapping | Row) else {"phone_number": values}, ()


def checked(
    position: int,
    line: int | None,
    values: Mapping[str, object] | Row,
    problems: Sequence[Problem],
    columns: PhoneColumns,
    scope: Scope,
) -> PhoneRow:
    """A row with its number, or with all that is wrong with it."""
    found: dict[str, object] = {}
    wrong = list(problems)
    for column, value in cells(values):
        name = columns.name(column)
        if name is None or is_empty(value):
            continue
        if name in found:
            wrong.append(Problem(column, f"another column is {name} too"))
        found[name] = value
    phone = None
    try:
        phone = phone_in(found, scope)
    except ValueError as error:
        wrong.append(Problem(None, str(error)))
    facts: dict[str, str] = {name: str(found[name]).strip() for name in FACTS if name in found}
    return PhoneRow(position, line, values, None if wrong else phone, facts, problems=tuple(wrong))


def cells(values: Mapping[str, object] | Row) -> Iterator[tuple[str, object]]:
    """The columns of a row and their values."""
    if isinstance(values, Row):
        yield from ((name, getattr(values, name, None)) for name in NAMES)
    else:
        yield from ((str(column), value) for column, value in values.items())


def phone_in(found: Mapping[str, object], scope: Scope) -> Phone:
    """The number that a row names. Raises ValueError for one that is none, or not of this scope."""
    if "phone_number" not in found:
        raise ValueError("it has no phone number")
    campaign_id = campaign_of(found.get("campaign_id", scope.campaign_id))
    if campaign_id != scope.campaign_id:
        raise ValueError(f"it is of campaign_id {campaign_id}, and this sync is of {scope.campaign_id}")
    code = str(country_of(text_of("phone_code", found.get("phone_code", scope.phone_code))))
    if scope.strict and code != scope.phone_code:
        raise ValueError(
            f"it is of phone_code {code}, and this mirror is of {scope.phone_code}; mirror each in a call"
        )
    return phone_of(text_of("phone_number", found["phone_number"]), code)


def text_of(name: str, value: object) -> str:
    """A number in a cell, as text. Raises ValueError for what is neither digits nor text."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and isfinite(value) and value == int(value):
        value = int(value)  # a table that has holes keeps its numbers as floats
    number = whole_number(value)
    if number is None:
        raise ValueError(f"{name} must be digits or text, not {type(value).__name__}")
    if number < 0 and name == "phone_number":
        raise ValueError("it is no phone number")
    return str(number)
