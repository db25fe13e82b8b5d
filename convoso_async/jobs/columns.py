"""The columns of a row class, by its annotations: what files and tables are made of.

Attributes come in the order of their declaration, `extra` last. Pure.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from operator import attrgetter
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import attrs
import orjson

from ..rows import Row, annotations_of

Kind = Literal["text", "count", "number", "flag", "stamp", "day", "words", "rows", "json"]
SIMPLE: Mapping[Any, Kind] = {
    str: "text",
    int: "count",
    float: "number",
    bool: "flag",
    datetime: "stamp",
    date: "day",
}


@attrs.frozen
class Column:
    """One column: an attribute, the kind of its values, and for a list of rows their class."""

    name: str
    kind: Kind
    item: type[Row] | None = None


class _Shape(NamedTuple):
    """The columns of a class, and what gives a row's values."""

    columns: tuple[Column, ...]
    values: Callable[[Row], tuple[Any, ...]]


_SHAPES: dict[type[Row], _Shape] = {}


def columns_of(cls: type[Row]) -> tuple[Column, ...]:
    """The columns of a row class."""
    return _shape(cls).columns


def values_of(cls: type[Row]) -> Callable[[Row], tuple[Any, ...]]:
    """Gives a row's values, one for each column."""
    return _shape(cls).values


def _shape(cls: type[Row]) -> _Shape:
    """Looked up: reading annotations takes longer than writing a row."""
    found = _SHAPES.get(cls)
    if found is None:
        columns = (column_of(name, hint) for name, hint in annotations_of(cls).items())
        last = sorted(columns, key=lambda column: column.name == "extra")
        getter = attrgetter(*(column.name for column in last))
        one = len(last) == 1
        found = _SHAPES[cls] = _Shape(tuple(last), (lambda row: (getter(row),)) if one else getter)
    return found


def column_of(name: str, hint: Any) -> Column:
    """The column of an attribute, from its annotation. What has no simple type is JSON."""
    while get_origin(hint) in (Annotated, Union, UnionType):
        parts = get_args(hint)[:1] if get_origin(hint) is Annotated else get_args(hint)
        kinds = [part for part in parts if part is not type(None)]
        if len(kinds) > 1:
            return Column(name, "json")
        hint = kinds[0]
    if get_origin(hint) is list:
        item = get_args(hint)[0]
        return Column(name, "words") if item is str else Column(name, "rows", item)
    return Column(name, SIMPLE.get(hint, "json"))


def as_object(row: Row) -> dict[str, object]:
    """A row as a JSON object: every attribute, None for what is absent, and `extra` as an object in it."""
    cls = type(row)
    return dict(zip((column.name for column in columns_of(cls)), values_of(cls)(row), strict=True))


def json_bytes(value: object) -> bytes:
    """`value` as JSON in UTF-8: rows are objects, stamps ISO 8601 with their offset.

    orjson refuses whole numbers of more than 64 bits, which a drifting reply may hold; those take the slower
    way.
    """
    try:
        return orjson.dumps(value, default=as_json)
    except TypeError:
        return json.dumps(value, default=as_json, separators=(",", ":")).encode()


def as_json(value: object) -> object:
    """What stands for a row, or a stamp, in JSON."""
    if isinstance(value, Row):
        return as_object(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON")
