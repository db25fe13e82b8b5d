"""Callbacks: search, insert, update and delete."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from .. import clock
from ..ask import Ask
from ..records import Row
from ..shapes import Body, Listed, documented, page

TIME = "%Y-%m-%d %I:%M %p"
FARTHEST = timedelta(hours=14)
FILTERS = ["campaign_id", "id", "lead_id", "list_id", "user_id", "recipient", "stage", "comments"]
LOOKED_UP = {"campaign_id", "list_id", "stage"}


def search(ask: Ask) -> Body:
    """callbacks.search: by id; the range of days is that of the callback time."""
    account = ask.account
    ask.known("campaign_id", {row["id"] for row in account.campaigns})
    ask.known("list_id", {row["id"] for row in account.lists})
    ask.known("user_id", {row["id"] for row in account.users})
    filters = {name: values for name in FILTERS if (values := ask.many(name))}
    look_up = not filters.keys().isdisjoint(LOOKED_UP)
    low, high = day_range(ask, "start_date", "end_date")

    def wanted(row: Row) -> bool:
        if (low is not None and row["at"] < low) or (high is not None and row["at"] >= high):
            return False
        shown = _full(ask, row) if look_up else row
        return all(str(shown[name] or "").casefold() in values for name, values in filters.items())

    keep = _observed if ask.observed else documented(ask)
    return page(
        ask, Listed([row for row in account.callbacks if wanted(row)]), lambda row: keep(_full(ask, row))
    )


def day_range(ask: Ask, start: str, end: str) -> tuple[int | None, int | None]:
    """First second of a range of days and the second after it; None leaves that side open."""
    last = ask.stamp(end)
    if last is not None and ask.switches.day_end_inclusive:
        last += clock.DAY
    return ask.stamp(start), last


def _full(ask: Ask, row: Row) -> Row:
    """A callback with what its lead, list, campaign and agent say."""
    account = ask.account
    lead = account.leads.get(row["lead_id"]) or {}
    directory = account.lists.get(lead.get("list_id")) or {}
    campaign = account.campaigns.get(directory.get("campaign_id")) or {}
    user = account.users.get(row["user_id"]) or {}
    due = "PENDING" if row["at"] >= clock.seconds(account.now) else "PAST_DUE"
    return row | {
        "list_id": lead.get("list_id"),
        "campaign_id": directory.get("campaign_id"),
        "status": "ACTIVE" if row["stage"] is None else "INACTIVE",
        "callback_time": clock.twelve_hours(row["at"]),
        "user": f"{user['first_name']} {user['last_name']}" if user else None,
        "stage": row["stage"] or due,
        "user_name": user.get("email"),
        "campaign_name": campaign.get("name"),
        "campaign_type": campaign.get("type", ""),
        "phone_number": lead.get("phone_number", ""),
        "directory_name": directory.get("name", ""),
        "status_name": account.statuses.get(lead.get("status", ""), {}).get("name", ""),
    }


def _observed(row: Row) -> Row:
    shown = {name: value for name, value in row.items() if name not in ("at", "user_id")}
    return shown | {
        "user": row["user_id"] or "0",
        "recipient": "USERONLY" if row["recipient"] == "personal" else "SYSTEM",
        "context": "",
        "callback_seen": "N",
        "class": "-",
        "field_1": "",
    }


def insert(ask: Ask) -> Body:
    """callbacks.insert: a second identical one is a second callback."""
    if ask.account.live_lead(ask.need("lead_id")) is None:
        ask.refuse("lead_id", "unknown")
    _check_user(ask)
    callback_id = ask.account.add_callback(
        clock.moment(_time(ask)),
        lead_id=ask.need("lead_id"),
        user_id=ask.text("user_id"),
        recipient=ask.need("recipient").lower(),
        comments=ask.form.get("comments", ""),
    )
    return ask.done(data={"callback_id": callback_id})


def update(ask: Ask) -> Body:
    """callbacks.update: what the form names changes."""
    row = _found(ask)
    _check_user(ask)
    changes: Row = {name: ask.form[name] for name in ("user_id", "comments") if name in ask.form}
    if ask.text("recipient"):
        changes["recipient"] = ask.need("recipient").lower()
    if ask.text("callback_time"):
        changes["at"] = _time(ask)
    if ask.text("callback_status"):
        changes["stage"] = "DISMISSED"
    ask.account.callbacks.change(row["id"], changes | {"modified_at": ask.account.tick()})
    return ask.done(data={"callback_id": row["id"]})


def delete(ask: Ask) -> Body:
    """callbacks.delete."""
    ask.account.callbacks.remove(_found(ask)["id"])
    ask.account.tick()
    return ask.done()


def _found(ask: Ask) -> Row:
    callback_id = ask.need("callback_id")
    if not callback_id.isdecimal():
        ask.refuse("callback_id", "invalid")
    row = ask.account.callbacks.get(callback_id)
    if row is None:
        ask.refuse("callback_id", "unknown")
    return row


def _check_user(ask: Ask) -> None:
    if ask.text("user_id") and ask.account.users.get(ask.text("user_id")) is None:
        ask.refuse("user_id", "unknown")


def _time(ask: Ask) -> int:
    """The callback time on the account's clock; without a zone it is taken as that already."""
    try:
        given = datetime.strptime(ask.need("callback_time"), TIME)
    except ValueError:
        ask.refuse("callback_time", "invalid")
    if not ask.text("callback_time_zone"):
        return clock.seconds(given)
    real = given.replace(tzinfo=timezone(_offset(ask))).astimezone(UTC)
    return clock.seconds(real.astimezone(ask.account.zone).replace(tzinfo=None))


def _offset(ask: Ask) -> timedelta:
    """Hours before the point, minutes after it: +5.30 is five and a half hours."""
    given = ask.need("callback_time_zone")
    sign, value = -1 if given.startswith("-") else 1, given.lstrip("+-")
    hours, _, rest = value.partition(".")
    minutes = int(rest.ljust(2, "0")[:2])
    offset = sign * timedelta(hours=int(hours), minutes=minutes)
    if abs(offset) > FARTHEST or minutes > 59:
        ask.refuse("callback_time_zone", "invalid")
    return offset
