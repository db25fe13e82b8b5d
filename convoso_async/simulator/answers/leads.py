"""Leads: search, insert, update, delete, and the two calls that ask a criteria key."""

from __future__ import annotations

import re
from collections.abc import Hashable

from .. import names
from ..account import BLANK_LEAD
from ..ask import Ask
from ..checks import is_phone
from ..records import Row
from ..shapes import Body, Listed, page

# Column -> the pair of parameters that bounds it.
RANGES = {
    "created_at": ("created_at_start_date", "created_at_end_date"),
    "modified_at": ("updated_at_start_date", "updated_at_end_date"),
    "changed_at": ("changed_at_start_date", "changed_at_end_date"),
    "deleted_at": ("deleted_at_start", "deleted_at_end"),
    "archived_at": ("archived_at_start", "archived_at_end"),
    "last_called": ("last_call_start_date", "last_call_end_date"),
}
BY_UPDATE = {"modified_at", "changed_at"}
NOT_COLUMNS = {
    *("lead_id", "limit", "offset", "hopper", "hopper_priority", "hopper_expires_in", "update_if_found"),
    *("check_dup", "check_dup_list", "check_dup_archive", "check_dnc", "check_wireless", "filter_phone_code"),
    *("blueinkdigital_token", "reject_by_carrier_type", "search_campaign_id", "search_list_id"),
    *("update_order_by_last_called_time", "criteria_key", "auth_token"),
}
INTERNAL = {"id", "created_at", "modified_at", "deleted_at", "archived_at", "called_count", "last_called"}
LINE_TYPES = {"wireless": "mobile", "voip": "voip", "landline": "landline"}
SAME_LIST, ALL_LISTS, AND_ARCHIVE, EVERYTHING = 1, 2, 3, 4


def search(ask: Ask) -> Body:
    """leads.search: by creation, or by update when a range of updates is asked for."""
    ask.known("list_id", {row["id"] for row in ask.account.lists})
    check_phone(ask)
    filters = _filters(ask)
    ranges = _ranges(ask)
    column = "modified_at" if BY_UPDATE & ranges.keys() else "created_at"
    inclusive = ask.switches.end_inclusive
    key: Hashable = (
        tuple(sorted((n, *sorted(w)) for n, w in filters.items())),
        tuple(ranges.items()),
        inclusive,
    )

    def wanted(row: Row) -> bool:
        if (row["deleted_at"] and "deleted_at" not in ranges) or (
            row["archived_at"] and "archived_at" not in ranges
        ):
            return False
        if any(str(row.get(name) or "").casefold() not in values for name, values in filters.items()):
            return False
        return all(_inside(_stamp(row, name), *bounds, inclusive) for name, bounds in ranges.items())

    rows = ask.account.leads.search(key, wanted, lambda row: (row[column], int(row["id"])))
    return page(ask, Listed(rows), lambda row: _row(ask, row))


def _filters(ask: Ask) -> dict[str, frozenset[str]]:
    bounds = {name for pair in RANGES.values() for name in pair}
    plain = [name for name in ask.call.params if name not in bounds and name not in ("limit", "offset")]
    given = {name: ask.many(name) for name in plain}
    return {"id" if name == "lead_id" else name: values for name, values in given.items() if values}


def _ranges(ask: Ask) -> dict[str, tuple[str | None, str | None]]:
    given = {
        column: tuple((ask.text(name) or "").replace("T", " ") or None for name in pair)
        for column, pair in RANGES.items()
    }
    return {column: (low, high) for column, (low, high) in given.items() if low or high}


def _stamp(row: Row, column: str) -> str | None:
    stamp: str | None = row["modified_at" if column == "changed_at" else column]
    return stamp


def _inside(stamp: str | None, low: str | None, high: str | None, inclusive: bool) -> bool:
    if stamp is None or (low and stamp < low):
        return False
    return not high or stamp < high or (inclusive and stamp == high)


def _row(ask: Ask, row: Row) -> Row:
    custom = {name: value for name, value in row.items() if name not in BLANK_LEAD and name != "id"}
    if not ask.observed:
        columns = ask.call.columns
        return {name: value for name, value in row.items() if name in columns} | custom
    account = ask.account
    directory = account.lists.get(row["list_id"]) or {}
    campaign = account.campaigns.get(directory.get("campaign_id")) or {}
    shown = {name: "" if value is None else value for name, value in row.items() if name not in INTERNAL}
    return {
        "id": row["id"],
        "lead_id": row["id"],
        "created_at": row["created_at"],
        "modified_at": row["modified_at"],
        **shown,
        "owner_id": row["owner_id"] or "0",
        "date_of_birth": row["date_of_birth"] or "0000-00-00",
        "called_count": str(row["called_count"]),
        "last_called": row["last_called"] or "0000-00-00 00:00:00",
        "locale_gmt": "-8.00",
        "directory_name": directory.get("name", ""),
        "campaign_name": campaign.get("name", ""),
        "status_name": account.statuses.get(row["status"], {}).get("name", ""),
        "field_1": "",
        "field_2": str(int(row["id"]) % 7),
        "field_84": None,
    }


def insert(ask: Ask) -> Body:
    """leads.insert: a new lead, or an update of the one found."""
    directory = ask.account.lists.get(ask.need("list_id"))
    if directory is None:
        ask.refuse("list_id", "unknown")
    phone_number = check_phone(ask) or ""
    _check_people(ask)
    if ask.flag("update_if_found"):
        found = _match(ask, phone_number)
        if found:
            return _changed(ask, found)
    if _duplicates(ask, phone_number):
        ask.refuse_code(6009)
    if ask.flag("check_dnc") and ask.account.on_dnc(phone_number, directory["campaign_id"]):
        ask.refuse_text("Number in DNC list")
    if LINE_TYPES[names.carrier(phone_number)[1]] in (ask.many("reject_by_carrier_type") or ()):
        ask.refuse_text("Carrier type rejected")
    return inserted(ask, _add(ask, ask.need("list_id"), phone_number))


def inserted(ask: Ask, lead_id: str) -> Body:
    """The reply to a lead that was added or merged."""
    if ask.observed:
        return ask.done(data={"lead_id": int(lead_id)})
    return ask.done(data={"lead_id": lead_id}, id=lead_id)


def _add(ask: Ask, list_id: str, phone_number: str) -> str:
    stamp = ask.account.tick()
    carrier_name, carrier_type = names.carrier(phone_number)
    row = BLANK_LEAD | _columns(ask) | {"created_at": stamp, "modified_at": stamp, "list_id": list_id}
    row |= {"phone_number": phone_number, "carrier_name": carrier_name, "carrier_type": carrier_type}
    return str(ask.account.leads.add(row))


def _columns(ask: Ask) -> Row:
    """What a form writes into the lead: its columns, and unknown names as custom fields."""
    return {name: value for name, value in ask.form.items() if name not in NOT_COLUMNS | INTERNAL}


def check_phone(ask: Ask) -> str | None:
    """The phone number of the form, without its country code when the call asks for that."""
    phone_number = ask.text("phone_number")
    if phone_number is None:
        return None
    if any(not is_phone(part) for part in phone_number.split(",")):
        ask.refuse("phone_number", "invalid")
    split = ask.flag("filter_phone_code") and len(phone_number) == 11 and phone_number.startswith("1")
    return phone_number[1:] if split else phone_number


def _check_people(ask: Ask) -> None:
    email, owner = ask.text("email"), ask.text("owner_id")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        ask.refuse("email", "invalid")
    if owner and ask.account.users.get(owner) is None:
        ask.refuse("owner_id", "unknown")


def _match(ask: Ask, phone_number: str) -> Row | None:
    """The lead that update_if_found means: by id, else by phone in the list or campaign to search."""
    account = ask.account
    by_id = account.live_lead(ask.text("lead_id"))
    if by_id:
        return by_id
    lists = {ask.text("search_list_id")} - {None}
    if not lists and ask.text("search_campaign_id"):
        lists = {row["id"] for row in account.lists if row["campaign_id"] == ask.text("search_campaign_id")}
    searched = ask.text("search_list_id") or ask.text("search_campaign_id")
    found = [row for row in account.leads.with_key(phone_number) if not row["deleted_at"]]
    found = [row for row in found if not searched or row["list_id"] in lists]
    latest = (ask.text("update_order_by_last_called_time") or "").upper() == "DESC"
    found.sort(key=lambda row: row["last_called"] or "", reverse=latest)
    return found[0] if found else None


def _duplicates(ask: Ask, phone_number: str) -> bool:
    level = ask.number("check_dup") or 0
    if ask.flag("check_dup_list"):
        level = max(level, SAME_LIST)
    archive = level >= AND_ARCHIVE or ask.flag("check_dup_archive")
    if not level and not archive:
        return False
    return any(
        (archive or not row["archived_at"])
        and (level == EVERYTHING or not row["deleted_at"])
        and (level != SAME_LIST or row["list_id"] == ask.need("list_id"))
        for row in ask.account.leads.with_key(phone_number)
    )


def update(ask: Ask) -> Body:
    """leads.update: what the form names changes, the rest stays."""
    if not ask.need("lead_id").isdecimal():
        ask.refuse("lead_id", "invalid")
    lead = ask.account.live_lead(ask.need("lead_id"))
    if lead is None:
        ask.refuse("lead_id", "unknown")
    if ask.text("list_id") and ask.account.lists.get(ask.text("list_id")) is None:
        ask.refuse("list_id", "unknown")
    check_phone(ask)
    _check_people(ask)
    return _changed(ask, lead)


def _changed(ask: Ask, lead: Row) -> Body:
    ask.account.leads.change(lead["id"], _columns(ask) | {"modified_at": ask.account.tick()})
    if ask.call.id == "leads.insert":
        return inserted(ask, lead["id"])
    return ask.done(data={"lead_id": lead["id"]})


def delete(ask: Ask) -> Body:
    """leads.delete: the lead stays findable by when it was deleted."""
    if ask.account.live_lead(ask.need("lead_id")) is None:
        ask.refuse("lead_id", "unknown")
    ask.account.remove_lead(ask.need("lead_id"))
    return ask.done()


def post(ask: Ask) -> Body:
    """lead_post.insert: phone form and DNC first, then the criteria, then the insert."""
    phone_number = check_phone(ask) or ""
    criteria = ask.account.criteria.get(ask.need("criteria_key"))
    if ask.account.on_dnc(phone_number):
        ask.refuse_text("Number in DNC list")
    if criteria is None:
        ask.refuse("criteria_key", "unknown")
    missing = criteria.missing(ask.form)
    if missing:
        ask.refuse_text(f"Missing required field: {missing}")
    if not criteria.covers(ask.form):
        ask.refuse_text("Postal code outside the area")
    if criteria.unique_phone and any(
        not row["deleted_at"] for row in ask.account.leads.with_key(phone_number)
    ):
        ask.refuse_text("Lead does not meet criteria")
    lead_id = _add(ask, criteria.list_id, phone_number)
    if ask.observed:
        return {"result": "True", "lead_id": lead_id, "error_description": ""}
    return {"result": True, "lead_id": lead_id}


def validate(ask: Ask) -> Body:
    """lead_validation.search: the verdict of the criteria; nothing is written."""
    check_phone(ask)
    criteria = ask.account.criteria.get(ask.need("criteria_key"))
    if criteria is None:
        ask.refuse("criteria_key", "unknown")
    return ask.done(result="Accepted" if criteria.covers(ask.form) else "Denied")
