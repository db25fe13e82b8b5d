"""Leads from a file, or from anywhere: checked row by row, then each inserted once."""

import asyncio
import os
import re
from collections.abc import AsyncGenerator, AsyncIterable, Collection, Iterable, Iterator, Mapping, Sized
from contextlib import aclosing, suppress
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import partial
from hashlib import blake2b
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Unpack

import attrs

from ..errors import ConvosoError
from ..form import check_name
from ..parameters import FIELD, DayRule, FlagRule, IntegerRule, NumberRule, Rule, whole_number
from ..resource import form_of
from ..resources.leads import INSERT, LeadOptions
from .engine import carry_out
from .files import BadFileError, CsvFile
from .journal import HOLES, Contents, Journal, JournalError, digest_of, entry_of, json_of
from .lines import numbered_rows
from .phones import Phone, country_of, phone_of
from .progress import Meter, OnProgress
from .report import BadRowError, JobItem, JobReport, Problem
from .work import Item, Work, every

if TYPE_CHECKING:
    from ..client import AsyncConvoso

JSON_LINES = (".jsonl", ".ndjson")
CUSTOM = "fields."
"""In `columns`, what marks the name of a custom field that looks like a slip of a parameter's."""
POSSIBLE_PHONE = "5551234567"
ALTERNATIVES = ("alt_phone_1", "alt_phone_2")
DIGITS = ("phone_number", "phone_code", *ALTERNATIVES)
"""What a table may have taken for numbers."""
YES = frozenset(("true", "yes", "y", "1", "on"))
NO = frozenset(("false", "no", "n", "0", "off"))
CHECKED_AT_ONCE = 200
"""Rows that are checked before other tasks have their turn: some 20 milliseconds' worth."""


@attrs.frozen
class Row:
    """One row of the input, before it is checked."""

    line: int | None
    values: Mapping[str, object]
    problems: tuple[Problem, ...] = ()


async def import_leads(
    client: "AsyncConvoso",
    rows: str | os.PathLike[str] | Iterable[Mapping[str, object]] | AsyncIterable[Mapping[str, object]],
    *,
    list_id: str | int,
    columns: Mapping[str, str | None] | None = None,
    encoding: str = "utf-8-sig",
    journal: str | os.PathLike[str] | None = None,
    concurrency: int = 8,
    progress: OnProgress | None = None,
    dry_run: bool = False,
    **options: Unpack[LeadOptions],
) -> JobReport:
    """Inserts a lead for each row, and reports what became of every one.

        report = await jobs.import_leads(
            client, "leads.csv", list_id=333, columns={"Phone": "phone_number"}, journal="leads.journal"
        )

    POST /leads/insert, once for each row. No lead is sent twice after it may have arrived, in this run or,
    with a `journal`, in a later one; what cannot be known is `unknown` in the report. Leads with the same
    phone go in the order of the input, one after the other. See `run` for `journal`, `concurrency`,
    `progress`, Ctrl-C, and what stops a job; a list that does not exist stops this one.

    Args:
        rows: the path of a CSV file in any dialect or, with the ending `.jsonl`, of JSON lines such as
            `write_dead_letters` writes; or mappings. A file is read to its end before anything is sent.
        list_id: the list that all leads go to.
        columns: what the columns of the input are: parameters of `leads.insert`, custom fields, or None to
            leave them out. Those not named must be called like a parameter, whatever the case, or
            `fields.x` for a custom field x.
        encoding: the file's, UTF-8 unless given; a byte-order mark is taken off.
        dry_run: only checks: `skipped` counts the rows that could be sent, nothing is sent or journaled.
        **options: parameters of `leads.insert` for all leads, such as `check_dup`, `update_if_found`,
            `hopper`, `phone_code`, `status` or `fields={...}`. What a row says itself goes first.

    Text becomes what its parameter takes: numbers, dates as YYYY-MM-DD, flags as yes or no, true or false, 1
    or 0. An empty cell is left out. A phone number may be written in any way that is possible in the country
    of its `phone_code`, 1 where there is none; an extension is left out. A row with a bad value is not sent:
    it counts as `failed`, with a BadRowError that names all its problems, and the others are sent.

    Raises BadFileError when the file cannot be read to its end or its columns are not right, with nothing
    sent; TypeError or ValueError for options and columns that the call does not know; JournalError as `run`.
    Needs the extra `jobs`.
    """
    known = Columns(columns or {})
    plan = Plan(known, client.zone, list_id, options)
    work = Work(operation=client.leads.insert, endpoint=INSERT, client=client, stops=is_unknown_list)
    told = {"list_id": str(list_id), "columns": dict(columns or {}), **options}
    run = partial(carry_out, work, journal=journal, options=told, concurrency=concurrency, progress=progress)
    if not isinstance(rows, str | os.PathLike):
        total = len(rows) if isinstance(rows, Sized) else None
        if dry_run:
            return (await survey(plan, mappings(rows), progress=progress, total=total))[0]
        return await run(plan.items(mappings(rows)), total=total)
    with RowFile(Path(rows), encoding, known) as file:
        told_of = progress if dry_run else None
        report, contents = await survey(plan, file.rows(), progress=told_of, keep=dry_run)
        if dry_run:
            return report
        return await run(
            plan.items(file.rows()),
            total=contents.rows,
            prepare=lambda book: compare(book, contents, file.rows()),
        )


def is_unknown_list(error: ConvosoError) -> bool:
    """Whether the list does not exist, which no other row would change."""
    return error.description == INSERT.codes[6002].description


class Numbered(Protocol):
    """A row as it was given, and its line in a file."""

    @property
    def line(self) -> int | None: ...

    @property
    def values(self) -> object: ...


async def compare(book: Journal, contents: Contents, rows: AsyncGenerator[Numbered, None]) -> None:
    """Raises JournalError, naming the first difference, when a journal was made for another input."""
    async with aclosing(rows):
        before = await book.previous(contents)
        if before is None or before == contents:
            return
        position = 0
        async for row in rows:
            known = await book.known(position)
            if known is not None:
                book.check(entry_of(position, row.line, row.values), known)
            position += 1
    raise JournalError(
        f"{book.path}: the input has changed since: it had {before}, and now has"
        f" {contents if before.rows != contents.rows else 'others'}"
    )


# -- where rows come from ---------------------------------------------------------------------------


async def mappings(
    rows: Iterable[Mapping[str, object]] | AsyncIterable[Mapping[str, object]],
) -> AsyncGenerator[Row, None]:
    """Mappings as rows."""
    if isinstance(rows, bytes | Mapping) or not isinstance(rows, Iterable | AsyncIterable):
        raise TypeError(f"rows must be mappings, or the path of a file, not {type(rows).__name__}")
    async with aclosing(every(rows)) as source:
        async for values in source:
            if not isinstance(values, Mapping):
                raise TypeError(f"rows must be mappings, or the path of a file, not {type(values).__name__}")
            yield Row(None, values)


class Header(Protocol):
    """What a job takes the columns of a file for."""

    def names(self) -> Collection[str]:
        """Names that a header may hold: a file's dialect is told by them."""
        ...

    def problems(self, header: list[str]) -> list[str]:
        """What is wrong with the columns of a file."""
        ...


class RowFile:
    """An open file of rows, CSV or JSON lines, which can be read more than once."""

    def __init__(self, path: Path, encoding: str, columns: Header) -> None:
        self._path = path
        self._encoding = encoding
        self._csv: CsvFile | None = None
        if path.suffix.lower() not in JSON_LINES:
            self._csv = CsvFile(path, encoding, columns.names())
            if problems := columns.problems(self._csv.header):
                self._csv.close()
                raise BadFileError(f"{path}: {'; '.join(problems)}")

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(self, *error: object) -> None:
        if self._csv is not None:
            self._csv.close()

    async def rows(self) -> AsyncGenerator[Row, None]:
        """The rows, from the first on."""
        for row in self._read():
            yield row

    def _read(self) -> Iterator[Row]:
        if self._csv is None:
            for line, values in numbered_rows(self._path, self._encoding):
                yield Row(line, values)
            return
        header = self._csv.header
        for line, cells in self._csv.rows():
            values = {name: cell for name, cell in zip(header, cells, strict=False) if name}
            yield Row(line, values, tuple(shape_problems(header, cells)))


def shape_problems(header: list[str], cells: list[str]) -> Iterator[Problem]:
    """What is wrong with the number and the places of a row's cells."""
    if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
        yield Problem(None, f"it has {len(cells)} cells, and the header has {len(header)}")
        return
    for number, (name, cell) in enumerate(zip(header, cells, strict=False), 1):
        if not name and cell.strip():
            yield Problem(None, f"cell {number} stands under no name")


# -- what rows mean ---------------------------------------------------------------------------------


@attrs.frozen
class Target:
    """What a column is: a parameter with its rule, or a custom field."""

    name: str
    rule: Rule
    custom: bool = False


class Columns:
    """What the columns of an input are. Raises ValueError for a `columns=` that cannot be."""

    def __init__(self, given: Mapping[str, str | None]) -> None:
        self._form = form_of(INSERT)
        self._given = given
        self._found: dict[str, Target | ValueError | None] = {}
        for column in given:
            try:
                self.target(column)
            except ValueError as error:
                raise ValueError(f"columns: {column!r}: {error}") from None

    def target(self, column: str) -> Target | None:
        """What a column is, None for one that is left out. Raises ValueError for one that cannot be."""
        if column not in self._found:
            try:
                self._found[column] = self._find(column)
            except (TypeError, ValueError) as error:
                self._found[column] = ValueError(str(error))
        found = self._found[column]
        if isinstance(found, ValueError):
            raise ValueError(str(found))
        return found

    def _find(self, column: str) -> Target | None:
        named = column in self._given
        name = self._given[column] if named else column
        if name is None:
            return None
        if name.startswith(CUSTOM):
            return self._custom(name.removeprefix(CUSTOM))
        if not named:
            name = re.sub(r"[\s-]+", "_", name.strip().casefold())
        if name == "list_id":
            raise ValueError("list_id is the same for all leads of an import; leave it out with None")
        if name in self._form.parameters:
            return Target(name, self._form.parameters[name].rule)
        near = get_close_matches(name, self._form.parameters, n=1, cutoff=0.8)
        if named and not near:
            return self._custom(name)
        hint = f"; did you mean {near[0]!r}?" if near else ";"
        wanted = (
            f"a custom field is {CUSTOM + name!r}"
            if named
            else "name it in columns=, or leave it out with None"
        )
        raise ValueError(f"{name!r} is no parameter of leads.insert{hint} {wanted}")

    def _custom(self, name: str) -> Target:
        check_name(name)
        if name in self._form.reserved:
            raise ValueError(f"{name!r} has a parameter of its own")
        return Target(name, FIELD, custom=True)

    def names(self) -> set[str]:
        """Names that a header may hold: a file's dialect is told by them."""
        return {*self._given, *self._form.parameters}

    def problems(self, header: list[str]) -> list[str]:
        """What is wrong with the columns of a file."""
        problems = [f"there is no column {name!r}" for name in self._given if name not in header]
        first: dict[str, str] = {}
        for column in filter(None, header):
            try:
                target = self.target(column)
            except ValueError as error:
                problems.append(f"column {column!r}: {error}")
                continue
            if target is not None and first.setdefault(target.name, column) != column:
                problems.append(f"columns {first[target.name]!r} and {column!r} are both {target.name}")
        if not problems and "phone_number" not in first:
            problems.append("no column is phone_number; name it in columns=")
        return problems


class Plan:
    """How the rows of one import become leads.

    Raises TypeError or ValueError for options that `leads.insert` does not take.
    """

    def __init__(
        self, columns: Columns, zone: tzinfo, list_id: str | int, options: Mapping[str, object]
    ) -> None:
        if "phone_number" in options:
            raise TypeError("phone_number comes from the rows")
        given: dict[str, Any] = {"list_id": list_id, **options}
        form_of(INSERT).pairs({**given, "phone_number": POSSIBLE_PHONE}, zone)
        country_of(given.get("phone_code"))
        self._columns = columns
        self._zone = zone
        self._fields: Mapping[str, object] = given.pop("fields", None) or {}
        self._given = {name: value for name, value in given.items() if value is not None}

    async def items(self, rows: AsyncGenerator[Row, None]) -> AsyncGenerator[Item, None]:
        """The rows, checked, as the engine takes them."""
        async with aclosing(rows):
            async for row in rows:
                yield self.item(row)

    def item(self, row: Row) -> Item:
        """One row as a call of `leads.insert`, or with all that is wrong with it."""
        problems = list(row.problems)
        params: dict[str, object] = {}
        fields: dict[str, object] = {}
        columns: dict[str, str] = {}
        for column, value in flat(row.values):
            if is_empty(value):
                continue
            try:
                target = self._columns.target(column)
                if target is None:
                    continue
                if columns.setdefault(target.name, column) != column:
                    raise ValueError(f"{columns[target.name]!r} is {target.name} too")
                (fields if target.custom else params)[target.name] = value_of(target, value, self._zone)
            except (TypeError, ValueError) as error:
                problems.append(Problem(column, str(error)))
        key = None
        if "phone_number" not in columns:
            problems.append(Problem(None, "it has no phone number"))
        elif "phone_number" in params:
            key = self._phone(params, columns, problems)
        call = {**self._given, **params}
        if fields or self._fields:
            call["fields"] = {**self._fields, **fields}
        refusal = BadRowError(tuple(problems), row.line) if problems else None
        return Item(row=row.values, params=call, key=key, line=row.line, refusal=refusal)

    def _phone(
        self, params: dict[str, object], columns: Mapping[str, str], problems: list[Problem]
    ) -> Phone | None:
        """The lead's number, which is put in its place as digits, with those of its alternatives."""
        given = params.get("phone_code", self._given.get("phone_code"))
        code = None if given is None else str(given)
        try:
            code = None if code is None else str(country_of(code))
        except ValueError as error:
            problems.append(Problem(columns["phone_code"], str(error)))
            return None
        try:
            phone = phone_of(str(params["phone_number"]), code)
        except ValueError as error:
            problems.append(Problem(columns["phone_number"], str(error)))
            return None
        params["phone_number"] = phone.digits
        if code is not None or phone.code != "1":
            params["phone_code"] = phone.code
        for name in ALTERNATIVES:
            if name in params:
                with suppress(ValueError):  # no reason to refuse the lead
                    params[name] = phone_of(str(params[name]), phone.code).digits
        return phone


def is_empty(value: object) -> bool:
    """Whether a cell says nothing. A table with holes, such as one of pandas, has NaN, NaT or NA in them."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and isnan(value)) or type(value).__name__ in HOLES


def flat(values: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """The columns of a row and their values; those of a mapping under `fields` as `fields.name`."""
    for column, value in values.items():
        if column == "fields" and isinstance(value, Mapping):
            yield from ((f"{CUSTOM}{name}", inner) for name, inner in value.items())
        else:
            yield str(column), value


def value_of(target: Target, value: object, zone: tzinfo) -> object:
    """A value as `leads.insert` takes it. Raises TypeError or ValueError saying what would be right."""
    if isinstance(value, str):
        value = typed(target, value.strip())
    elif target.name in DIGITS:
        value = digits_of(value)
    target.rule.text(target.name, value, zone)
    return value


def digits_of(value: object) -> object:
    """Digits that a table took for a number, as text; anything else as it is."""
    number = value if isinstance(value, bool | float) else whole_number(value)
    if number is None:
        return value
    if isinstance(value, bool) or number < 0 or number % 1:  # infinity among them: nan is no 0
        raise ValueError("it is no phone number")
    return str(int(number))


def typed(target: Target, text: str) -> object:
    """What a text says, in the type that its parameter takes."""
    match target.rule:
        case IntegerRule():
            whole = re.fullmatch(r"([+-]?\d+)(\.0+)?", text)
            if whole is None:
                raise ValueError(f"{target.name} must be a whole number")
            return int(whole[1])
        case NumberRule():
            try:
                return Decimal(text)
            except InvalidOperation:
                raise ValueError(f"{target.name} must be a number, such as 1234.50") from None
        case FlagRule():
            word = text.casefold()
            if word not in YES | NO:
                raise ValueError(f"{target.name} must be yes or no, true or false, 1 or 0")
            return word in YES
        case DayRule():
            try:
                return datetime.fromisoformat(text)
            except ValueError:
                raise ValueError(f"{target.name} must be a date, YYYY-MM-DD") from None
    return text


async def survey(
    plan: Plan,
    rows: AsyncGenerator[Row, None],
    *,
    progress: OnProgress | None = None,
    total: int | None = None,
    keep: bool = True,
) -> tuple[JobReport, Contents]:
    """Checks all rows and sends none: the bad ones, if they are to be kept, and what the input holds."""
    report = JobReport()
    meter = Meter(progress, asyncio.get_running_loop().time, total)
    digest = blake2b(digest_size=16)
    async for item in plan.items(rows):
        bad = None
        if item.refusal is not None and keep:
            bad = JobItem(
                position=report.total, line=item.line, row=item.row, state="failed", error=item.refusal
            )
        report.count("skipped" if item.refusal is None else "failed", bad)
        report.total += 1
        digest.update(digest_of(json_of(item.row)))
        meter.tell(failed=report.failed, skipped=report.skipped)
        if report.total % CHECKED_AT_ONCE == 0:
            await asyncio.sleep(0)
    meter.tell(failed=report.failed, skipped=report.skipped, finished=True)
    return report, Contents(report.total, digest.hexdigest())
