"""Rows as Arrow tables, and Parquet files of them. Needs pyarrow, the extra `arrow`.

Columns have the types of the row class: text, int64, float64, bool, date, and microseconds in the account's
zone for stamps. A list of rows is a list of structs; `extra`, and what may be any JSON, is JSON in text. A
whole number that int64 cannot hold is null, and in `extra`.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import IO, Any

from ..rows import Row
from .columns import Column, Kind, columns_of, json_bytes, kept_in_range, values_of

try:
    import pyarrow as pa
    from pyarrow.lib import string_to_tzinfo, tzinfo_to_string
except ImportError:
    raise ImportError("Arrow and Parquet need pyarrow: pip install 'convoso[arrow]'") from None

GROUP = 64 * 1024
"""Rows of a row group, about: what a reader holds at a time."""
TYPES: Mapping[Kind, Any] = {
    "text": pa.string(),
    "count": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "day": pa.date32(),
    "words": pa.list_(pa.string()),
    "json": pa.string(),
    "any": pa.string(),
}


class Columns:
    """Makes Arrow data of rows of one class: of all their columns, or of some."""

    def __init__(self, cls: type[Row], zone: tzinfo, names: Sequence[str] | None = None) -> None:
        self._columns = columns_of(cls, names)
        self._values = values_of(cls, names)
        self._zone = zone_name(zone)
        self.schema = pa.schema([(column.name, self._type(column)) for column in self._columns])

    def _type(self, column: Column) -> Any:
        if column.kind == "stamp":
            return pa.timestamp("us", tz=self._zone)
        if column.item is not None:
            parts = columns_of(column.item)
            return pa.list_(pa.struct([(part.name, self._type(part)) for part in parts]))
        return TYPES[column.kind]

    def batch(self, rows: Sequence[Row]) -> Any:
        """The rows of a page, at least one, as a `pyarrow.RecordBatch`."""
        columns: Iterable[Sequence[Any]] = zip(*map(self._values, rows), strict=True)
        return pa.record_batch(
            [
                pa.array(_plain(column, values), self.schema.field(column.name).type)
                for column, values in zip(self._columns, kept_in_range(self._columns, columns), strict=True)
            ],
            schema=self.schema,
        )

    def table(self, batches: Sequence[Any]) -> Any:
        """A `pyarrow.Table` of batches."""
        return pa.Table.from_batches(batches, self.schema)


def zone_name(zone: tzinfo) -> str:
    """The name that Arrow has for a zone; UTC for one without a name, which keeps the moments right."""
    try:
        name = str(tzinfo_to_string(zone))
        string_to_tzinfo(name)
    except (LookupError, NotImplementedError, ValueError):
        return "UTC"
    return name


def _plain(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    """Values as Arrow takes them."""
    if column.kind == "json":
        return [None if value in (None, {}, []) else json_bytes(value).decode() for value in values]
    if column.kind == "any":
        return [value if isinstance(value, str | None) else json_bytes(value).decode() for value in values]
    if column.item is not None:
        return [[_struct(row) for row in rows] for rows in values]
    return values


def _struct(row: Row) -> dict[str, Any]:
    columns, values = columns_of(type(row)), values_of(type(row))(row)
    (*kept,) = kept_in_range(columns, ([value] for value in values))
    return {column.name: _plain(column, cell)[0] for column, cell in zip(columns, kept, strict=True)}


class Parquet:
    """Pages are appended as small Arrow streams; the file is made of them at the end, in larger groups.

    A Parquet file has its index at its end: one that is not finished can be neither read nor gone on with.
    """

    def __init__(self, cls: type[Row], zone: tzinfo, names: Sequence[str] | None = None) -> None:
        self._columns = Columns(cls, zone, names)
        self._options = pa.ipc.IpcWriteOptions(compression="lz4")

    def head(self) -> bytes:
        return b""

    def encode(self, rows: Sequence[Row]) -> bytes:
        stream = pa.BufferOutputStream()
        with pa.ipc.new_stream(stream, self._columns.schema, options=self._options) as writer:
            writer.write_batch(self._columns.batch(rows))
        return bytes(stream.getvalue())

    @property
    def settle(self) -> Callable[[IO[bytes], Any], None]:
        return self._settle

    def _settle(self, written: IO[bytes], to: Any) -> None:
        from pyarrow import parquet

        with parquet.ParquetWriter(to, self._columns.schema, compression="zstd") as writer:
            for group in groups(batches(written)):
                writer.write_table(self._columns.table(group))


def batches(written: IO[bytes]) -> Iterator[Any]:
    """The batches of streams that stand one after the other."""
    size = written.seek(0, io.SEEK_END)
    written.seek(0)
    while written.tell() < size:
        yield from pa.ipc.open_stream(written)


def groups(batches: Iterator[Any]) -> Iterator[Sequence[Any]]:
    """Batches in row groups of `GROUP` rows, or a little more."""
    for first in batches:
        group, rows = [first], first.num_rows
        while rows < GROUP and (following := next(batches, None)) is not None:
            group.append(following)
            rows += following.num_rows
        yield group
