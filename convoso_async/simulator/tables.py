"""The calls as the fact sheet describes them: paths, parameters, bounds, shapes and error codes.

The data is `tables.json`, made from `tests/spec/` by `tools/make_simulator_tables.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

# Where a call documents no answer to one problem, what it says of a near one fits best.
NEAREST = {
    "unknown": ("unknown", "invalid", "missing"),
    "invalid": ("invalid", "numeric", "unknown"),
    "numeric": ("numeric", "invalid", "unknown"),
    "short": ("short", "invalid", "missing"),
    "long": ("invalid",),
    "above": ("above", "invalid"),
    "empty": ("empty", "missing", "invalid"),
    "missing": ("missing", "invalid", "unknown"),
}


@dataclass(frozen=True, slots=True)
class Param:
    """One documented parameter of a call."""

    name: str
    type: str
    required: bool
    default: str | int | None = None
    min: int | None = None
    max: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    enum: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    undocumented: bool = False


@dataclass(frozen=True, slots=True)
class Paging:
    """The documented bounds of `limit` and `offset`; None where no bound is documented."""

    limit_default: int
    limit_min: int | None
    limit_max: int | None
    offset_max: int | None


@dataclass(frozen=True, slots=True)
class Problem:
    """How a call answers a bad value: a code, a text, or both."""

    text: str
    code: int | None = None
    code_undocumented: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One call: everything that its checks and its reply forms need."""

    id: str
    path: str
    custom_fields: bool
    params: dict[str, Param]
    paging: Paging | None
    rows: dict[str, str | None]
    keyed_rows: bool
    total: dict[str, str | None]
    total_as_text: bool
    envelope: tuple[str, ...]
    empty: dict[str, Any] | None
    error_shape: str
    codes: dict[int, Problem]
    problems: dict[str, Problem]
    columns: frozenset[str]
    aliases: dict[str, str] = field(default_factory=dict)

    def problem(self, name: str, kind: str) -> Problem:
        """The documented answer to this problem of this parameter, or else `Invalid <name>`."""
        for near in NEAREST[kind]:
            found = self.problems.get(f"{name}.{near}")
            if found:
                return found
        return Problem(text=f"Invalid {name}")


@cache
def calls() -> dict[str, Call]:
    """All 37 calls by id, such as `leads.insert`."""
    data = json.loads(Path(__file__).with_name("tables.json").read_text("utf-8"))
    return {name: _call(name, table) for name, table in data["calls"].items()}


@cache
def call_ids() -> dict[str, str]:
    """Path -> id of its call."""
    return {call.path: call.id for call in calls().values()}


def _call(name: str, table: dict[str, Any]) -> Call:
    params = {row["name"]: _param(row) for row in table["params"]}
    return Call(
        id=name,
        path=table["path"],
        custom_fields=table["custom_fields"],
        params=params,
        paging=Paging(**table["pagination"]) if table["pagination"] else None,
        rows=table["rows"],
        keyed_rows=table["keyed_rows"],
        total=table["total"],
        total_as_text=table["total_as_text"],
        envelope=tuple(table["envelope"]),
        empty=table["empty"],
        error_shape=table["error_shape"],
        codes={int(code): _code(int(code), entry) for code, entry in table["errors"].items()},
        problems={key: Problem(**entry) for key, entry in table["problems"].items()},
        columns=frozenset(row["name"] for row in table["fields"] if not row.get("undocumented")),
        aliases={alias: param.name for param in params.values() for alias in param.aliases},
    )


def _param(row: dict[str, Any]) -> Param:
    listed = {key: tuple(str(item) for item in row.get(key, ())) for key in ("enum", "aliases")}
    return Param(**{**row, **listed})


def _code(code: int, entry: dict[str, Any]) -> Problem:
    return Problem(code=code, text=entry.get("text", entry["meaning"]))
