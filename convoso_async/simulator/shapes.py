"""The forms of replies: pages, errors and single values, as documented and as observed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .ask import Ask
from .tables import Problem

Body = Any
Shape = Callable[[dict[str, Any]], dict[str, Any]]
WRONG_BY = 3
# As a PHP service writes an array without elements.
EMPTY: tuple[Body, ...] = ([], None, {})


class Rows(Protocol):
    """Rows of which a page can be taken."""

    def __len__(self) -> int: ...

    def page(self, offset: int, limit: int) -> list[dict[str, Any]]:
        """The rows of one page."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows that are all there already."""

    rows: Sequence[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.rows)

    def page(self, offset: int, limit: int) -> list[dict[str, Any]]:
        """The rows of one page."""
        return list(self.rows[offset : offset + limit])


def page(ask: Ask, rows: Rows, shape: Shape) -> Body:
    """The page that was asked for, each row in the shape of this call and profile."""
    offset, limit, size = bounds(ask)
    found = [shape(row) for row in rows.page(offset, size)] if size else []
    beside = {"success": True, "offset": offset, "limit": limit}
    return envelope(ask, found, len(rows), beside)


def bounds(ask: Ask) -> tuple[int, int, int]:
    """Offset and limit as asked for, and the size of the page that the switches allow."""
    paging, switches = ask.call.paging, ask.switches
    assert paging is not None, "only paged calls have bounds"
    largest = switches.limit_max or paging.limit_max
    limit = ask.number("limit") or min(paging.limit_default, largest or paging.limit_default)
    if largest and limit > largest and switches.page_refuse:
        ask.refuse("limit", "above")
    offset = ask.number("offset") or 0
    cap = paging.offset_max if switches.offset_cap is None else switches.offset_cap
    beyond = cap is not None and offset > cap
    if beyond and switches.beyond_cap == "refuse":
        ask.refuse("offset", "invalid")
    cuts = [cut for cut in (limit, largest, switches.page_cut) if cut]
    return offset, limit, 0 if beyond else min(cuts)


def envelope(ask: Ask, rows: list[dict[str, Any]], total: int, beside: dict[str, Any]) -> Body:
    """Rows, total and what stands beside them, in the places of this call and profile."""
    call = ask.call
    if ask.observed:
        return _observed(ask, rows, total, beside)
    if not total and call.empty is not None:
        return dict(call.empty)
    if call.rows["documented"] == "$":
        return rows
    body: dict[str, Any] = {}
    path = call.rows["documented"] or ""
    outer, _, _ = path.rpartition(".")
    for name in call.envelope:
        if name in beside:
            _put(body, f"{outer}.{name}" if outer else name, beside[name])
    place = call.total["documented"]
    count = _total(ask, total, text=False)
    if place and count is not None:
        _put(body, place, count)
    _put(body, path, rows)
    return body


def _observed(ask: Ask, rows: list[dict[str, Any]], total: int, beside: dict[str, Any]) -> Body:
    call = ask.call
    path = call.rows["observed"] or "data"
    outer, _, _ = path.rpartition(".")
    body: dict[str, Any] = {"success": True}
    if call.paging and outer:
        _put(body, f"{outer}.offset", beside["offset"])
        _put(body, f"{outer}.limit", str(beside["limit"]))
    place = call.total["observed"]
    count = _total(ask, total, text=call.total_as_text)
    if place and count is not None:
        _put(body, place, count)
    if call.id == "call_logs.retrieve":
        _put(body, "data.entries", len(rows))
    value: Body = rows
    if not rows:
        value = EMPTY[ask.count % len(EMPTY)]
    elif call.keyed_rows:
        value = {str(row.get("id", row.get("user_id"))): row for row in rows}
    _put(body, path, value)
    return body


def _total(ask: Ask, total: int, *, text: bool) -> int | str | None:
    match ask.switches.totals:
        case "missing":
            return None
        case "number":
            return total
        case "text":
            return str(total)
        case "low":
            total = max(0, total - WRONG_BY)
        case "high":
            total += WRONG_BY
        case "wrong":
            total = max(0, total + (WRONG_BY if ask.count % 2 else -WRONG_BY))
    return str(total) if text else total


def refusal(ask: Ask, problem: Problem) -> Body:
    """The error reply of this call and profile."""
    shape = ask.call.error_shape
    if shape == "result":
        return {"result": "False" if ask.observed else False, "error_description": problem.text}
    body: dict[str, Any] = {"success": False}
    if ask.observed:
        if problem.code is not None:
            body["code"] = problem.code
        return body | {"text": problem.text}
    if problem.code is not None and not problem.code_undocumented and shape != "text":
        body["error_code" if shape == "error_code" else "code"] = problem.code
    return body | {"error": problem.text}


def documented(ask: Ask) -> Shape:
    """Keeps the documented columns of a row."""
    columns = ask.call.columns
    return lambda row: {name: value for name, value in row.items() if name in columns}


def _put(body: dict[str, Any], path: str, value: Body) -> None:
    *outer, last = path.split(".")
    for name in outer:
        body = body.setdefault(name, {})
    body[last] = value
