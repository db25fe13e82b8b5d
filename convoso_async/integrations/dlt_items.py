"""What dlt takes of rows: the columns of a table, and pages as Arrow data or as dicts. Pure.

Both forms fill the same table. Text, whole and other numbers, flags, days and stamps have columns of their
type, stamps with their zone. Lists and `extra`, which has the custom fields, are JSON: a custom field that is
new is a new key, and no table has to change for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from importlib.util import find_spec
from typing import Any, Literal, Protocol, get_args

import orjson

from ..errors import ConfigurationError
from ..jobs.columns import LARGEST, Column, Kind, as_object, columns_of, json_bytes, kept_in_range, values_of
from ..rows import Row
from .entities import Entity

PageFormat = Literal["arrow", "dicts"]
DATA_TYPES: Mapping[Kind, str] = {
    "text": "text",
    "count": "bigint",
    "number": "double",
    "flag": "bool",
    "stamp": "timestamp",
    "day": "date",
    "words": "json",
    "rows": "json",
    "json": "json",
}
# dlt fills these for dicts alone. As they may be null, a table that was begun with one form takes the other.
OF_DICTS: Mapping[str, Mapping[str, object]] = {
    "_dlt_id": {"data_type": "text", "nullable": True, "unique": False, "row_key": True},
    "_dlt_load_id": {"data_type": "text", "nullable": True},
}


class Items(Protocol):
    """Makes what dlt takes of the rows of a page, at least one."""

    def item(self, rows: Sequence[Row]) -> Any:
        """One `pyarrow.RecordBatch`, or a list of dicts."""
        ...


def items_of(cls: type[Row], zone: tzinfo, page_format: PageFormat) -> Items:
    """What makes items of rows of one class with stamps in one zone."""
    return _Arrow(cls, zone) if page_format == "arrow" else _Dicts(cls)


def page_format_of(given: object) -> PageFormat:
    """The form that was asked for; else Arrow where pyarrow is there. Raises ConfigurationError."""
    has_arrow = find_spec("pyarrow") is not None
    if given is None:
        return "arrow" if has_arrow else "dicts"
    if given not in get_args(PageFormat):
        raise ConfigurationError(f"page_format must be 'arrow' or 'dicts', not {given!r}")
    if given == "arrow" and not has_arrow:
        raise ConfigurationError("page_format 'arrow' needs pyarrow: pip install 'convoso[arrow]'")
    return "arrow" if given == "arrow" else "dicts"


def hints_of(entity: Entity) -> dict[str, Any]:
    """The columns of an entity's table. Of a row that comes twice in a load, the last change is kept."""
    hints: dict[str, dict[str, object]] = {name: dict(hint) for name, hint in OF_DICTS.items()}
    for column in columns_of(entity.row):
        hint = hints[column_name(column)] = {
            "data_type": DATA_TYPES[column.kind],
            "nullable": column.name not in entity.key,
        }
        if column.kind == "stamp":
            hint["precision"] = 6
        if entity.change is not None and entity.change != entity.time and column.name == entity.change.field:
            hint["dedup_sort"] = "desc"
    return hints


def column_name(column: Column) -> str:
    """The name in the table: that of the attribute, without what only Python needs (`class_`)."""
    return column.name.rstrip("_")


def _is_json(column: Column) -> bool:
    return DATA_TYPES[column.kind] == "json"


def _cells(columns: Sequence[Column], rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """The values of each column as a warehouse takes them."""
    cells = kept_in_range(columns, zip(*rows, strict=True))
    for column, values in zip(columns, cells, strict=True):
        if _is_json(column):
            values[:] = [_storable(column, value) for value in values]
        elif column.kind == "text" and any(value and "\0" in value for value in values):
            values[:] = [value and value.replace("\0", "") for value in values]
    return cells


def _storable(column: Column, value: Any) -> Any:
    """A list or an object as JSON that a warehouse takes, None for one with nothing in it."""
    if column.item is not None:
        value = [as_object(row) for row in value]
    if value in ({}, []):
        return None
    try:
        written = orjson.dumps(value)
    except TypeError:
        return _cleaned(value)
    return _cleaned(value) if b"\\u0000" in written else value


def _cleaned(value: Any) -> Any:
    """JSON without what jams a load, every load: PostgreSQL refuses a zero character, dlt whole numbers of
    more than 64 bits. Those become text.
    """
    if isinstance(value, dict):
        return {_cleaned(name): _cleaned(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    if isinstance(value, str):
        return value.replace("\0", "")
    return str(value) if isinstance(value, int) and not -LARGEST <= value < LARGEST else value


class _Dicts:
    """Pages as lists of dicts."""

    def __init__(self, cls: type[Row]) -> None:
        self._columns = columns_of(cls)
        self._values = values_of(cls)
        self._names = [column_name(column) for column in self._columns]

    def item(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        cells = _cells(self._columns, map(self._values, rows))
        return [dict(zip(self._names, row, strict=True)) for row in zip(*cells, strict=True)]


class _Arrow:
    """Pages as Arrow data, JSON as text in it: Arrow has no type for what may have any keys."""

    def __init__(self, cls: type[Row], zone: tzinfo) -> None:
        import pyarrow

        from ..jobs.arrow import TYPES, zone_name

        self._arrow = pyarrow
        self._columns = columns_of(cls)
        self._values = values_of(cls)
        types = {**TYPES, "stamp": pyarrow.timestamp("us", tz=zone_name(zone))}
        self._types = [types["text" if _is_json(column) else column.kind] for column in self._columns]
        self._names = [column_name(column) for column in self._columns]

    def item(self, rows: Sequence[Row]) -> Any:
        cells = _cells(self._columns, map(self._values, rows))
        for column, values in zip(self._columns, cells, strict=True):
            if _is_json(column):
                values[:] = [None if value is None else json_bytes(value).decode() for value in values]
        arrays = [self._arrow.array(values, kind) for values, kind in zip(cells, self._types, strict=True)]
        arrays += [self._arrow.nulls(len(rows), self._arrow.string()) for _ in OF_DICTS]
        return self._arrow.record_batch(arrays, names=[*self._names, *OF_DICTS])
