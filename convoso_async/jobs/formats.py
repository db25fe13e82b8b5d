"""Rows in, bytes of a file out: JSON lines, CSV, and, by way of `arrow`, Parquet. Pure."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import IO, Any, Literal, Protocol

from ..rows import Row
from .columns import Column, Kind, columns_of, json_bytes, values_of

FormatName = Literal["jsonl", "csv", "parquet"]
FORMATS: tuple[FormatName, ...] = ("jsonl", "csv", "parquet")


class Format(Protocol):
    """How rows are written. What it encodes is appended, so that a file can be cut back and gone on with."""

    def head(self) -> bytes:
        """What a file begins with."""
        ...

    def encode(self, rows: Sequence[Row]) -> bytes:
        """What is appended for rows."""
        ...

    @property
    def settle(self) -> Callable[[IO[bytes], Any], None] | None:
        """Makes the file itself of all that was appended. None where it is the file already."""
        ...


def format_of(name: FormatName, cls: type[Row], zone: tzinfo, columns: Sequence[str] | None = None) -> Format:
    """The format of that name, for some or all columns of rows of one class with stamps in one zone."""
    if name == "jsonl":
        return JsonLines(cls, columns)
    if name == "csv":
        return Csv(cls, columns)
    from .arrow import Parquet

    return Parquet(cls, zone, columns)


class JsonLines:
    """One object a line, every line with the same keys: the row's attributes, and `extra` as an object.

    What the row does not have is null. Stamps are ISO 8601 with their offset.
    """

    settle = None

    def __init__(self, cls: type[Row], names: Sequence[str] | None = None) -> None:
        self._names = tuple(column.name for column in columns_of(cls, names))
        self._values = values_of(cls, names)

    def head(self) -> bytes:
        return b""

    def encode(self, rows: Sequence[Row]) -> bytes:
        objects = (dict(zip(self._names, values, strict=True)) for values in map(self._values, rows))
        return b"".join(json_bytes(one) + b"\n" for one in objects)


class Csv:
    """A header and one record a row, in UTF-8, ended by CRLF: on 3.11 `csv` quotes a lone CR only then.

    Nothing stands for what the row does not have. Stamps are ISO 8601 with their offset, flags `true` and
    `false`, lists and `extra` are JSON. Text that a spreadsheet would take for a formula has an apostrophe
    before it, which spreadsheets do not show.
    """

    settle = None

    def __init__(self, cls: type[Row], names: Sequence[str] | None = None) -> None:
        self._columns = columns_of(cls, names)
        self._values = values_of(cls, names)

    def head(self) -> bytes:
        return _records([[column.name for column in self._columns]])

    def encode(self, rows: Sequence[Row]) -> bytes:
        if not rows:
            return b""
        columns = zip(*map(self._values, rows), strict=True)
        cells = (_cells(column, values) for column, values in zip(self._columns, columns, strict=True))
        return _records(zip(*cells, strict=True))


def _records(records: Any) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(records)
    return written.getvalue().encode("utf-8", "replace")


def _cells(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    """What stands in a column, for `csv` to write: it writes None as nothing, and numbers itself."""
    written = CELLS.get(column.kind)
    return values if written is None else [None if value is None else written(value) for value in values]


FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001  # spreadsheets take the wide ones too
NUMBER = re.compile(r"[+-][0-9 ().-]*")


def defused(text: str) -> str:
    """`text`, with an apostrophe before it where a spreadsheet would take it for a formula.

    Signed numbers and phone numbers, `+12125550123` and `+1 (212) 555-0123`, stay as they are: without a
    letter or another sign there is nothing to call.
    """
    if text[:1] not in FORMULA_STARTS or NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def _json(value: object) -> str:
    """Any value as JSON. Nothing for a list or an object with nothing in it."""
    return "" if value in ([], {}) else json_bytes(value).decode()


CELLS: Mapping[Kind, Callable[[Any], str]] = {
    "text": defused,
    "flag": lambda value: "true" if value else "false",
    "stamp": lambda value: str(value.isoformat()),
    "day": lambda value: str(value.isoformat()),
    "words": _json,
    "rows": _json,
    "json": _json,
    "any": lambda value: defused(value) if isinstance(value, str) else _json(value),
}
