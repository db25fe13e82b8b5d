"""Statuses, the dispositions of calls and leads."""

from __future__ import annotations

import re

from ..ask import Ask
from ..population import OPTIONS
from ..records import Row
from ..shapes import Body, envelope


def search(ask: Ask) -> Body:
    """status.search: part of a code or a name, case ignored."""
    query = ask.need("query").casefold()
    found = [
        row for row in ask.account.statuses.values() if query in f"{row['status']} {row['name']}".casefold()
    ]
    return envelope(ask, [_row(ask, row) for row in found], len(found), {})


def _row(ask: Ask, row: Row) -> Row:
    shown = {name: row[name] for name in ("status", "name", *OPTIONS)}
    if ask.observed:
        # The service misspells this key.
        return shown | {"workflow_dispositon_event_option": 1, "custom_status": "Y" if row["custom"] else "N"}
    event = "interest" if row["callback"] == "Y" else "none"
    custom = {"workflow_disposition_event_option": event, "custom_status": row["custom"]}
    return shown | custom | {"hex_color": f"#{row['color']}"}


def insert(ask: Ask) -> Body:
    """status.insert: success comes with `code: 200`."""
    code = ask.need("status")
    if not re.fullmatch(r"[A-Za-z0-9]{2,6}", code):
        ask.refuse("status", "invalid")
    _check_color(ask)
    if code in ask.account.statuses:
        ask.refuse_text("Status code already exists")
    flags = {name: ask.need(name).upper() for name in OPTIONS}
    color = ask.text("hex_color") or "FFFFFF"
    ask.account.statuses[code] = {
        "status": code,
        "name": ask.need("name"),
        **flags,
        "custom": True,
        "color": color,
    }
    ask.account.tick()
    return ask.done(code=200, data={"new": "1", "status": code})


def update(ask: Ask) -> Body:
    """status.update: custom statuses only."""
    row = ask.account.statuses.get(ask.need("status"))
    if row is None or not row["custom"]:
        ask.refuse("status", "unknown")
    _check_color(ask)
    row |= {name: ask.need(name).upper() for name in OPTIONS if ask.text(name)}
    row |= {
        column: ask.need(name)
        for column, name in (("name", "name"), ("color", "hex_color"))
        if ask.text(name)
    }
    ask.account.tick()
    return ask.done(data={"status": row["status"]})


def _check_color(ask: Ask) -> None:
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", ask.form.get("hex_color") or "000000"):
        ask.refuse("hex_color", "invalid")
