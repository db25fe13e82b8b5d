"""The columns of a row class, by its annotations: what files and tables are made of.

Attributes come in the order of their declaration, `extra` last. Pure.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from operator import attrgetter
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import attrs
import orjson

from ..rows import Row, annotations_of

Kind = Literal["text", "count", "number", "flag", "stamp", "day", "words", "rows", "json", "any"]
SIMPLE: Mapping[Any, Kind] = {
    str: "text",
    int: "count",
    float: "number",
    bool: "flag",
    datetime: "stamp",
    date: "day",
}
LARGEST = 2**63
"""Beyond the whole numbers that tables hold, in 64 bits."""


EXTRA = "extra."
"""What the name of a column begins with that is a key of `extra`, such as `extra.job_group`."""


@attrs.frozen
class Column:
    """One column: an attribute, the kind of its values, and for a list of rows their class.

    A key of `extra` is of the kind `any`: text, or whatever JSON it is.
    """

    name: str
    kind: Kind
    item: type[Row] | None = None


class _Shape(NamedTuple):
    """The columns of a class, and what gives a row's values."""

    columns: tuple[Column, ...]
    values: Callable[[Row], tuple[Any, ...]]


_SHAPES: dict[type[Row], _Shape] = {}


def columns_of(cls: type[Row], names: Sequence[str] | None = None) -> tuple[Column, ...]:
    """The columns of a row class: all of them, or those of the names, in their order. A name may be a key of
    `extra`, as in `extra.job_group`, which only the account knows.

    Raises ValueError, naming the near one, for a name that the class does not have, TypeError for one text.
    """
    every = _shape(cls).columns
    if names is None:
        return every
    known = {column.name: column for column in every}
    if isinstance(names, str):
        raise TypeError("columns must be a list of names, not one text")
    if not names or len(set(names)) < len(names):
        raise ValueError(f"columns must name one attribute of {cls.__name__} or more, each once")
    for name in names:
        if name not in known and not name.startswith(EXTRA):
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
            raise ValueError(f"columns: {cls.__name__} has no {name!r}; {hint}")
    return tuple(known.get(name) or Column(name, "any") for name in names)


def values_of(cls: type[Row], names: Sequence[str] | None = None) -> Callable[[Row], tuple[Any, ...]]:
    """Gives a row's values, one for each column."""
    return _shape(cls).values if names is None else _values(columns_of(cls, names))


def _values(columns: Sequence[Column]) -> Callable[[Row], tuple[Any, ...]]:
    if any(column.kind == "any" for column in columns):
        getters = [
            _extra(column.name) if column.kind == "any" else attrgetter(column.name) for column in columns
        ]
        return lambda row: tuple([get(row) for get in getters])
    getter = attrgetter(*(column.name for column in columns))
    return (lambda row: (getter(row),)) if len(columns) == 1 else getter


def _extra(name: str) -> Callable[[Row], Any]:
    key = name.removeprefix(EXTRA)
    return lambda row: row.extra.get(key)


def _shape(cls: type[Row]) -> _Shape:
    """Looked up: reading annotations takes longer than writing a row."""
    found = _SHAPES.get(cls)
    if found is None:
        columns = (column_of(name, hint) for name, hint in annotations_of(cls).items())
        last = tuple(sorted(columns, key=lambda column: column.name == "extra"))
        found = _SHAPES[cls] = _Shape(last, _values(last))
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


def kept_in_range(columns: Sequence[Column], values: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """The values of each column, with whole numbers beyond int64 moved to `extra`, where that is one."""
    kept = [list(column) for column in values]
    extra = next((kept[place] for place, column in enumerate(columns) if column.name == "extra"), None)
    for column, numbers in zip(columns, kept, strict=True):
        if column.kind != "count":
            continue
        for place, number in enumerate(numbers):
            if number is not None and not -LARGEST <= number < LARGEST:
                numbers[place] = None
                if extra is not None:
                    extra[place] = {**extra[place], column.name: number}
    return kept


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
