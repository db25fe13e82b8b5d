"""Lists and campaigns: searched and changed, and removals of lists that run on after their reply."""

from __future__ import annotations

from ..ask import FALSE, TRUE, Ask
from ..records import Row
from ..shapes import Body, envelope
from ..tables import Problem


def search(ask: Ask) -> Body:
    """lists.search: the active or the inactive lists."""
    lists = ask.account.lists
    ask.known("id", {row["id"] for row in lists})
    status = "Y" if ask.need("status") == "1" else "N"
    ids, campaigns = ask.many("id"), ask.many("campaign_id")
    rows = [
        _row(ask, row)
        for row in lists
        if row["status"] == status
        and (ids is None or row["id"] in ids)
        and (campaigns is None or row["campaign_id"] in campaigns)
    ]
    return envelope(ask, rows, len(rows), {})


def _row(ask: Ask, row: Row) -> Row:
    called = row["last_called_at"]
    if not ask.observed:
        return {"id": row["id"], "name": row["name"], "status": row["status"], "last_called_at": called}
    return {
        "id": int(row["id"]),
        "name": row["name"],
        "campaign_id": row["campaign_id"],
        "status": row["status"],
        "last_called_at": _php_date(ask, called),
        "description": row["description"],
    }


def _php_date(ask: Ask, stamp: str | None) -> Row | None:
    if stamp is None:
        return None
    return {"date": f"{stamp}.000000", "timezone_type": 3, "timezone": str(ask.account.zone)}


def insert(ask: Ask) -> Body:
    """lists.insert: names are unique."""
    _check(ask)
    status = "N" if ask.form.get("status") == "0" else "Y"
    list_id = ask.account.lists.add(
        {
            "name": ask.need("name"),
            "campaign_id": ask.need("campaign_id"),
            "status": status,
            "description": ask.form.get("description", ""),
            "last_called_at": None,
        }
    )
    ask.account.tick()
    if ask.observed:
        return ask.done(data={"list_id": list_id})
    return ask.done(data={"list_id": str(list_id)}, id=str(list_id))


def update(ask: Ask) -> Body:
    """lists.update: what the form names changes."""
    row = _found(ask)
    _check(ask, row)
    changes: Row = {
        name: ask.form[name] for name in ("name", "campaign_id", "description") if name in ask.form
    }
    if ask.text("status"):
        changes["status"] = "Y" if ask.flag("status") else "N"
    ask.account.lists.change(row["id"], changes)
    ask.account.tick()
    return ask.done(data={"list_id": row["id"]})


def delete(ask: Ask) -> Body:
    """lists.delete: at once, or in the background when the list is big."""
    row = _found(ask)
    running = Problem(code=102, text="List deletion in progress")
    account = ask.account
    if row["id"] not in account.removals and len(account.leads_of(row["id"])) < ask.switches.big_list:
        account.remove_list(row["id"])
        return ask.done()
    account.removals.setdefault(row["id"], ask.switches.removal_calls + 1)
    return {"success": False, "code": running.code, "text": running.text}


def _found(ask: Ask) -> Row:
    row = ask.account.lists.get(ask.need("list_id"))
    if row is None:
        ask.refuse("list_id", "unknown")
    return row


def _check(ask: Ask, row: Row | None = None) -> None:
    campaign_id, name = ask.text("campaign_id"), ask.text("name")
    if campaign_id and ask.account.campaigns.get(campaign_id) is None:
        ask.refuse("campaign_id", "unknown")
    if name and any(other["name"] == name for other in ask.account.lists if other is not row):
        ask.refuse_code(6081)


def campaigns(ask: Ask) -> Body:
    """campaigns.search: all of them."""
    rows = []
    for row in ask.account.campaigns:
        called = _php_date(ask, row["last_call"])
        if called and not ask.observed:
            called["date"] = called["date"][:10]
        campaign_id = int(row["id"]) if ask.observed else row["id"]
        shown = {"id": campaign_id, "name": row["name"], "status": row["status"], "last_call_date": called}
        rows.append(shown | ({"campaign_type": row["type"]} if ask.observed else {}))
    return envelope(ask, rows, len(rows), {})


def campaign_status(ask: Ask) -> Body:
    """campaigns.status: on or off."""
    row = ask.account.campaigns.get(ask.need("campaign_id"))
    if row is None:
        ask.refuse("campaign_id", "unknown")
    if ask.need("status").casefold() not in TRUE | FALSE:
        ask.refuse("status", "invalid")
    ask.account.campaigns.change(row["id"], {"status": "Y" if ask.flag("status") else "N"})
    return ask.done()
