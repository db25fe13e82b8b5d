"""Call logs, their recordings and their revenue."""

from __future__ import annotations

import re
from typing import Any

from .. import clock
from ..ask import Ask
from ..records import Row
from ..shapes import Body, page

FILTERS = [
    *(
        "id",
        "lead_id",
        "campaign_id",
        "queue_id",
        "list_id",
        "user_id",
        "status",
        "phone_number",
        "number_dialed",
    ),
    *("first_name", "last_name", "call_type", "called_count"),
]
EXTRA_FIELD = re.compile(r"extra_field_(\d\d)")
EXTRA_FIELDS = 10


def retrieve(ask: Ask) -> Body:
    """call_logs.retrieve: newest first unless `order=asc`."""
    account = ask.account
    for name, records in (
        ("campaign_id", account.campaigns),
        ("queue_id", account.queues),
        ("list_id", account.lists),
        ("user_id", account.users),
    ):
        ask.known(name, {row["id"] for row in records} if ask.text(name) else ())
    ask.known("status", {code.casefold() for code in account.statuses})
    filters = {name: values for name in FILTERS if (values := ask.many(name))}
    newest_first = ask.form.get("order", "").casefold() != "asc"
    rows = account.calls.page(account.calls.select(filters), _window(ask), newest_first)
    recordings = ask.flag("include_recordings")
    shape = _observed_row if ask.observed else _documented_row
    return page(ask, rows, lambda row: shape(ask, row, recordings))


def _window(ask: Ask) -> range:
    start, end = ask.stamp("start_time"), ask.stamp("end_time")
    inclusive = ask.switches.end_inclusive
    if ask.switches.default_range == "today" and ask.call.id == "call_logs.retrieve":
        midnight = clock.seconds(ask.account.now) // clock.DAY * clock.DAY
        start = midnight if start is None else start
        end = midnight + clock.DAY - 1 if end is None else end
    if start is not None and end is not None and start > end:
        ask.refuse("range", "invalid")
    return ask.account.calls.history.window(start, end, inclusive)


def _documented_row(ask: Ask, row: Row, recordings: bool) -> Row:
    recorded = row.pop("recorded")
    row["recording"] = [_recording(ask, row)] if recordings and recorded else []
    return row


def _observed_row(ask: Ask, row: Row, recordings: bool) -> Row:
    """Numbers now as text, now as numbers; zeros and blanks for nothing; keys that no page lists."""
    number, recorded = int(row["id"]), row.pop("recorded")
    if row["call_length"] is not None and number % 2:
        row["call_length"] = str(row["call_length"])
    if number % 3 == 0:
        row["called_count"] = int(row["called_count"])
    if row["queue_id"] is None:
        row["queue_id"], row["queue_position"], row["queue_seconds"] = "0", "0", "-"
    row["agent_comment"] = row["agent_comment"] or ""
    row["originating_agent_id"] = row["originating_agent_id"] or "0"
    row["field_1"] = ""
    row["field_101"] = str(number % 5)
    if recordings:
        found = [_recording(ask, row)] if recorded else []
        row["recording"] = found[0]["public_url"] if found and number % 7 == 0 else found
    return row


def _recording(ask: Ask, row: Row) -> Row:
    name = f"r-{row['id']}"
    return {
        "src": f"{ask.recordings_url}/{name}.mp3",
        "type": "mp3",
        "recording_id": name,
        "filename": f"{row['id']}.mp3",
        "public_url": f"{ask.recordings_url}/{name}.mp3",
    }


def update(ask: Ask) -> Body:
    """call_logs.update: the account's extra fields."""
    row = _found(ask)
    extra = {name: value for name, value in ask.form.items() if EXTRA_FIELD.fullmatch(name)}
    if any(int(name[-2:]) not in range(1, EXTRA_FIELDS + 1) for name in extra):
        ask.refuse_code(6062)
    if not any(extra.values()):
        ask.refuse_code(6035 if ask.observed else 6062)
    ask.account.calls.history.change(int(row["id"]), extra)
    ask.account.tick()
    if ask.observed:
        return ask.done()
    columns = ask.call.columns
    return ask.done(**{name: value for name, value in row.items() if name in columns}, recording=[])


def revenue(ask: Ask) -> Body:
    """revenue.update: the last value wins; `return=1` answers the call as well."""
    if not ask.text("revenue") and not ask.text("return"):
        ask.refuse_code(6036)
    row = _found(ask)
    amount = float(ask.need("revenue")) if ask.text("revenue") else None
    ask.account.calls.history.change(int(row["id"]), {"revenue": amount})
    ask.account.tick()
    data: dict[str, Any] = {"call_log_id": row["id"]}
    if ask.flag("return") and not ask.observed:
        data["revenue"] = amount
        data |= {name: row[name] for name in ("lead_id", "campaign_id", "call_date", "status")}
    return ask.done(data=data)


def _found(ask: Ask) -> Row:
    call_id = ask.need("call_log_id")
    if not call_id.isdecimal():
        ask.refuse("call_log_id", "invalid")
    at = ask.account.calls.history.position(int(call_id))
    if at is None:
        ask.refuse("call_log_id", "unknown")
    return ask.account.calls.row(at)


def lead_recordings(ask: Ask) -> Body:
    """leads.get_recordings: oldest first."""
    if ask.account.leads.get(ask.need("lead_id")) is None:
        ask.refuse("lead_id", "unknown")
    return _recordings(ask, {"lead_id": frozenset({ask.need("lead_id")})})


def user_recordings(ask: Ask) -> Body:
    """users.recordings: oldest first; rows do not name the user."""
    wanted = ask.many("user") or frozenset()
    users = frozenset(row["id"] for row in ask.account.users if row["email"] in wanted)
    if not users:
        ask.refuse("user", "unknown")
    return _recordings(ask, {"user_id": users})


def _recordings(ask: Ask, filters: dict[str, frozenset[str]]) -> Body:
    calls = ask.account.calls
    rows = calls.page(calls.select(filters, recorded=True), _window(ask), newest_first=False)
    return page(ask, rows, lambda row: _recording_row(ask, row))


def _recording_row(ask: Ask, row: Row) -> Row:
    number, length = int(row["id"]), int(row["call_length"] or 0)
    name = f"r-{number}"
    url = f"{ask.recordings_url}/{name}.mp3"
    ended = clock.text(clock.parse(row["call_date"]) + length)
    if not ask.observed:
        lead = {"recording_id": name, "lead_id": row["lead_id"], "start_time": row["call_date"]}
        return {**lead, "end_time": ended, "seconds": length, "url": url}
    unfinished = number % 5 == 0
    return {
        "recording_id": name if ask.switches.profile == "mixed" else number,  # one account, one id
        "lead_id": int(row["lead_id"] or 0),
        "start_time": row["call_date"],
        "end_time": "" if unfinished else ended,
        "seconds": None if unfinished else length,
        "url": f"{name}-all.mp3" if number % 3 == 0 else url,
    }
