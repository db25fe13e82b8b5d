"""Numbers that may not be called (DNC) or texted (SMS opt-out)."""

from __future__ import annotations

from collections.abc import Hashable

from ..account import SCOPES
from ..ask import Ask
from ..checks import is_phone
from ..records import Records, Row
from ..shapes import Body, Listed, page

BLANK, NOT_BLANK = "-BLANK-", "-NOTBLANK-"
LONGEST = 255


def search_dnc(ask: Ask) -> Body:
    """dnc.search: by id."""
    return _search(ask, ask.account.dnc)


def search_opt_outs(ask: Ask) -> Body:
    """sms_opt_out.search: by id."""
    return _search(ask, ask.account.sms_opt_outs)


def _search(ask: Ask, book: Records) -> Body:
    _check_entry(ask)
    filters = {
        name: values
        for name in ("id", "campaign_id", "phone_number", "phone_code")
        if (values := ask.many(name))
    }
    words = {name: value for name in ("reason", "purpose") if (value := ask.text(name))}
    inserted = (ask.text("insert_date") or "").replace("T", " ")

    def wanted(row: Row) -> bool:
        return (
            all(row[name] in values for name, values in filters.items())
            and all(_says(row[name], value) for name, value in words.items())
            and str(row["insert_date"]).startswith(inserted)
        )

    key: Hashable = (
        tuple(sorted((n, *sorted(v)) for n, v in filters.items())),
        tuple(words.items()),
        inserted,
    )
    return page(ask, Listed(book.search(key, wanted)), lambda row: _row(ask, row))


def _says(text: str, wanted: str) -> bool:
    if wanted == BLANK:
        return not text
    return bool(text) if wanted == NOT_BLANK else text.casefold() in wanted.casefold().split(",")


def _row(ask: Ask, row: Row) -> Row:
    campaign = ask.account.campaigns.get(row["campaign_id"]) or {}
    everywhere = row["campaign_id"] == "0"
    name = campaign.get("name") or ("All campaigns" if everywhere else "Purpose")
    if not ask.observed:
        shown = row | {
            "insert_date": row["insert_date"][:10],
            "campaign_name": name,
            "campaign_uid": row["campaign_id"],
        }
        return {column: value for column, value in shown.items() if column in ask.call.columns}
    texts = ask.call.id == "sms_opt_out.search"
    return {
        **{column: value for column, value in row.items() if column != "purpose"},
        "campaign_uid": "",
        "campaign_name": "" if everywhere else name,
        "campaign_type": campaign.get("type", "-"),
        "Purpose" if texts else "purpose": row["purpose"],
    }


def insert_dnc(ask: Ask) -> Body:
    """dnc.insert: a number that is listed for the scope already is refused."""
    entry_id = _insert(ask, ask.account.dnc)
    return ask.done() if ask.observed else ask.done(id=int(entry_id))


def insert_opt_out(ask: Ask) -> Body:
    """sms_opt_out.insert: no id comes back."""
    if ask.need("campaign_id") == "-1" and not ask.text("purpose"):
        ask.refuse_code(6080)
    _insert(ask, ask.account.sms_opt_outs)
    return ask.done()


def _insert(ask: Ask, book: Records) -> str:
    _check_entry(ask)
    key = (ask.need("phone_number"), ask.need("phone_code"), ask.need("campaign_id"))
    if book.with_key(*key):
        ask.refuse_code(6008)
    return str(
        book.add(
            {
                "phone_number": key[0],
                "phone_code": key[1],
                "campaign_id": key[2],
                "reason": ask.form.get("reason", ""),
                "purpose": ask.form.get("purpose", ""),
                "insert_date": ask.account.tick(),
            }
        )
    )


def update_dnc(ask: Ask) -> Body:
    """dnc.update: an empty reason or purpose clears it."""
    row = _update(ask, ask.account.dnc, taken=6008)
    return ask.done() if ask.observed else ask.done(id=int(row["id"]))


def update_opt_out(ask: Ask) -> Body:
    """sms_opt_out.update: `-BLANK-` clears a reason or purpose."""
    for name in ("phone_number", "phone_code", "campaign_id"):
        if ask.form.get(name) == "":
            ask.refuse(name, "missing")
        if not ask.form.get(name, "0").removeprefix("-").isdecimal():
            ask.refuse(name, "numeric")
    row = _update(ask, ask.account.sms_opt_outs, taken=6059)
    return ask.done(data={"id": row["id"]})


def _update(ask: Ask, book: Records, taken: int) -> Row:
    row = book.get(ask.need("id"))
    if row is None:
        ask.refuse("id", "unknown")
    _check_entry(ask)
    changes = {
        name: ask.need(name) for name in ("phone_number", "phone_code", "campaign_id") if ask.text(name)
    }
    changes |= {name: ask.form[name] for name in ("reason", "purpose") if name in ask.form}
    changes = {name: "" if value == BLANK else value for name, value in changes.items()}
    after = row | changes
    if any(
        other is not row
        for other in book.with_key(*(after[n] for n in ("phone_number", "phone_code", "campaign_id")))
    ):
        ask.refuse_code(taken)
    if taken == 6059 and after["campaign_id"] == "-1" and not after["purpose"]:
        ask.refuse_code(6080)
    book.change(row["id"], changes)
    ask.account.tick()
    return row


def delete_dnc(ask: Ask) -> Body:
    """dnc.delete: in exactly this scope; leads with the number may get another status."""
    _check_entry(ask)
    account = ask.account
    status = ask.text("lead_status")
    if ask.flag("update_lead_status") and status not in account.statuses:
        ask.refuse("lead_status", "invalid")
    found = account.dnc.with_key(ask.need("phone_number"), ask.need("phone_code"), ask.need("campaign_id"))
    if not found:
        ask.refuse_code(6001)
    account.dnc.remove(found[0]["id"])
    stamp = account.tick()
    if ask.flag("update_lead_status"):
        for lead in account.leads.with_key(ask.need("phone_number")):
            account.leads.change(lead["id"], {"status": status, "modified_at": stamp})
    return ask.done()


def _check_entry(ask: Ask) -> None:
    """Refuse a number, code, campaign, reason or purpose of the wrong form."""
    if not all(is_phone(part) for part in ask.many("phone_number") or ()):
        ask.refuse("phone_number", "invalid")
    if not all(part.isdecimal() and len(part) <= 4 for part in ask.many("phone_code") or ()):
        ask.refuse("phone_code", "invalid")
    ask.known("campaign_id", {*SCOPES, *(row["id"] for row in ask.account.campaigns)})
    for name in ("reason", "purpose"):
        if len(ask.form.get(name, "")) > LONGEST:
            ask.refuse(name, "invalid")
