"""The columns of an entity as Spark has them, and pages as Arrow batches of them. Needs pyarrow.

Text is `string`, counts `bigint`, numbers `double`, flags `boolean`, days `date`, stamps `timestamp`
(moments, shown in the session's zone), lists of words `array<string>`, lists of rows arrays of structs.
`extra`, the account's own columns among it, is JSON in text: `from_json`, `get_json_object` and `parse_json`
read it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import pyarrow as pa

from ..errors import ConfigurationError
from ..jobs.arrow import Columns
from ..jobs.columns import Column, Kind, columns_of
from ..rows import Page
from .entities import Entity

ACCOUNT = "account"
TYPES: Mapping[Kind, str] = {
    "text": "string",
    "count": "bigint",
    "number": "double",
    "flag": "boolean",
    "stamp": "timestamp",
    "day": "date",
    "words": "array<string>",
    "json": "string",
}


def types_of(entity: Entity, *, with_account: bool) -> dict[str, str]:
    """The columns and their types in Spark's words, the account's name first, where rows have one."""
    types = {column.name: type_of(column) for column in columns_of(entity.row)}
    return {ACCOUNT: "string", **types} if with_account else types


def type_of(column: Column) -> str:
    """The type of one column."""
    if column.item is None:
        return TYPES[column.kind]
    parts = (f"{part.name}:{type_of(part)}" for part in columns_of(column.item))
    return f"array<struct<{','.join(parts)}>>"


def ddl(types: Mapping[str, str]) -> str:
    """A schema in Spark's words."""
    return ", ".join(f"`{name}` {type_name}" for name, type_name in types.items())


def check_schema(asked: Mapping[str, str], types: Mapping[str, str]) -> None:
    """Raises ConfigurationError where a schema of the user's own is not a choice of the columns there are."""
    for name, type_name in asked.items():
        if name not in types:
            raise ConfigurationError(f"schema: there is no column {name!r}; there are {', '.join(types)}")
        if type_name != types[name]:
            raise ConfigurationError(f"schema: {name} is {types[name]}, not {type_name}; cast it afterwards")


class Batches:
    """Makes Arrow batches of pages, with the columns of a schema in their order."""

    def __init__(self, entity: Entity, names: Sequence[str], account: str) -> None:
        self._account = account
        self._names = list(names)
        # Spark takes stamps in UTC only.
        self._columns = Columns(entity.row, UTC, [name for name in names if name != ACCOUNT] or None)

    def batch(self, page: Page[Any]) -> Any:
        """The rows of a page, at least one, as a `pyarrow.RecordBatch`."""
        made = self._columns.batch(page.rows)
        if ACCOUNT in self._names:
            accounts = pa.array([self._account] * made.num_rows, pa.string())
            made = made.append_column(ACCOUNT, accounts)
        return made.select(self._names)
