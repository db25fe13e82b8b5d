"""A Convoso account in memory: what the calls read and change, and what tests may change by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random
from threading import RLock
from typing import Any
from zoneinfo import ZoneInfo

from . import clock, names
from .call_rows import CallRows
from .records import Records, Row

SCOPES = ("0", "-1")


@dataclass(frozen=True, slots=True)
class Criteria:
    """The rules behind a criteria key of lead_post.insert and lead_validation.search."""

    list_id: str
    required: tuple[str, ...] = ()
    postal_prefixes: tuple[str, ...] = ()
    unique_phone: bool = False

    def missing(self, lead: dict[str, str]) -> str | None:
        """The first required field that a lead does not fill; None when none is missing."""
        return next((name for name in self.required if not lead.get(name)), None)

    def covers(self, lead: dict[str, str]) -> bool:
        """Whether a lead lives in the area."""
        return not self.postal_prefixes or lead.get("postal_code", "").startswith(self.postal_prefixes)


class Account:
    """State of the service for one token.

    Every method takes the lock, so a test may call them from its own thread while the server runs.
    Stamps are account time without a zone: a naive `datetime`, or `YYYY-MM-DD HH:MM:SS`.
    """

    calls: CallRows

    def __init__(self, start: datetime, end: datetime, timezone: str, seed: int) -> None:
        self.lock = RLock()
        self.start = start
        self.end = end
        self.zone = ZoneInfo(timezone)
        self.random = Random(seed)
        self._now = clock.seconds(end)
        self.campaigns = Records(61)
        self.queues = Records(9)
        self.lists = Records(701)
        self.users = Records(40801)
        self.leads = Records(880_001, index=("phone_number",))
        self.callbacks = Records(1401)
        self.dnc = Records(9001, index=("phone_number", "phone_code", "campaign_id"))
        self.sms_opt_outs = Records(3001, index=("phone_number", "phone_code", "campaign_id"))
        self.agent_events = Records(7001)
        self.statuses: dict[str, Row] = {}
        self.criteria: dict[str, Criteria] = {}
        self.removals: dict[str, int] = {}

    @property
    def now(self) -> datetime:
        """The account's present. It stands still, but for one second with each write."""
        return clock.moment(self._now)

    @now.setter
    def now(self, value: datetime | str) -> None:
        with self.lock:
            self._now = clock.parse(value)

    def tick(self) -> str:
        """The stamp of a write: a second after the one before."""
        self._now += 1
        return clock.text(self._now)

    # Call logs

    def add_call_log(self, call_date: datetime | str | None = None, **fields: object) -> str:
        """Add a call, by default now; the new id, above all others. A stamp in the past makes a late row."""
        return self.add_call_logs(1, call_date, **fields)[0]

    def add_call_logs(
        self, count: int, call_date: datetime | str | None = None, **fields: object
    ) -> list[str]:
        """Add `count` calls in one and the same second; their ids."""
        with self.lock:
            stamp = self._now if call_date is None else clock.parse(call_date)
            dice = [self.random.getrandbits(64) for _ in range(count)]
            return [str(i) for i in self.calls.history.add(count, stamp, dice, _wire(fields))]

    def change_call_log(self, call_id: str | int, **fields: object) -> None:
        """Give a call other values, as the service does when a live call ends."""
        with self.lock:
            if self.calls.history.position(int(call_id)) is None:
                raise KeyError(call_id)
            self.calls.history.change(int(call_id), _wire(fields))

    def remove_call_log(self, call_id: str | int) -> None:
        """Take a call out of the logs."""
        with self.lock:
            if not self.calls.history.remove(int(call_id)):
                raise KeyError(call_id)

    def call_log(self, call_id: str | int) -> Row:
        """A call as it is, with the documented types."""
        with self.lock:
            at = self.calls.history.position(int(call_id))
            if at is None:
                raise KeyError(call_id)
            return self.calls.row(at)

    def call_log_ids(
        self, start: datetime | str | None = None, end: datetime | str | None = None
    ) -> list[str]:
        """Ids of all calls from `start` to `end`, both included, oldest first: what an export must hold."""
        with self.lock:
            history = self.calls.history
            low, high = (None if bound is None else clock.parse(bound) for bound in (start, end))
            window = history.window(low, high)
            return [str(call_id) for call_id in history.ids[window.start : window.stop]]

    # Leads

    def add_lead(self, **fields: object) -> str:
        """Add a lead; its id. What is not given is invented."""
        with self.lock:
            number = len(self.leads)
            first, last = names.person(number * 7)
            stamp = self.tick()
            given = _wire(fields)
            phone_number = str(given.get("phone_number") or names.phone(number))
            carrier_name, carrier_type = names.carrier(phone_number)
            row = BLANK_LEAD | {
                "created_at": stamp,
                "modified_at": stamp,
                "first_name": first,
                "last_name": last,
                "status": "NEW",
                "list_id": next(iter(self.lists), {"id": "0"})["id"],
                "phone_number": phone_number,
                "carrier_name": carrier_name,
                "carrier_type": carrier_type,
            }
            return str(self.leads.add(row | given))

    def remove_lead(self, lead_id: str | int) -> None:
        """Delete a lead, as leads.delete does: only the deleted_at filters find it then."""
        with self.lock:
            if self.live_lead(str(lead_id)) is None:
                raise KeyError(lead_id)
            self.leads.change(lead_id, {"deleted_at": self.tick()})

    def lead(self, lead_id: str | int) -> Row:
        """A lead as it is kept, deleted or not."""
        with self.lock:
            row = self.leads.get(lead_id)
            if row is None:
                raise KeyError(lead_id)
            return dict(row)

    def lead_ids(self) -> list[str]:
        """Ids of the leads that are not deleted."""
        with self.lock:
            return [row["id"] for row in self.leads if not row["deleted_at"]]

    def live_lead(self, lead_id: str | None) -> Row | None:
        """The lead with this id, unless it is deleted."""
        row = self.leads.get(lead_id)
        return row if row and not row["deleted_at"] else None

    # Numbers that may not be called or texted

    def add_dnc(self, phone_number: str, campaign_id: str | int = "0", **fields: object) -> str:
        """Put a number on the DNC list; the id of the entry."""
        return self._add_entry(self.dnc, phone_number, campaign_id, fields)

    def add_sms_opt_out(self, phone_number: str, campaign_id: str | int = "0", **fields: object) -> str:
        """Put a number on the SMS opt-out list; the id of the entry."""
        return self._add_entry(self.sms_opt_outs, phone_number, campaign_id, fields)

    def _add_entry(self, book: Records, phone_number: str, campaign_id: str | int, fields: Row) -> str:
        with self.lock:
            entry = {"phone_number": phone_number, "phone_code": "1", "campaign_id": str(campaign_id)}
            blank = {"reason": "", "purpose": "", "insert_date": self.tick()}
            return str(book.add(entry | blank | _wire(fields)))

    def on_dnc(self, phone_number: str, campaign_id: str | None = None) -> bool:
        """Whether a number is on DNC for all campaigns or for this one."""
        scopes = {"0", campaign_id or "0"}
        return any(self.dnc.with_key(phone_number, "1", scope) for scope in scopes)

    # Callbacks and agents

    def add_callback(self, callback_time: datetime | str, **fields: object) -> str:
        """Add a callback; its id. `callback_time` is account time."""
        with self.lock:
            stamp = self.tick()
            lead_id = next((row["id"] for row in self.leads if not row["deleted_at"]), None)
            row = {
                "lead_id": lead_id,
                "user_id": next(iter(self.users), {"id": None})["id"],
                "recipient": "system",
                "comments": "",
                "stage": None,
                "created_at": stamp,
                "modified_at": stamp,
            }
            return str(self.callbacks.add(row | _wire(fields) | {"at": clock.parse(callback_time)}))

    def log_in(self, user_id: str | int, state: str = "READY") -> None:
        """Sign an agent in."""
        with self.lock:
            if self.users.get(user_id) is None:
                raise KeyError(user_id)
            self.users.change(user_id, {"state": state, "last_login": self.tick()})

    def ids(self, what: str) -> list[str]:
        """Ids of all "callbacks", "dnc", "sms_opt_outs", "agent_events", "lists", "campaigns" or "users"."""
        with self.lock:
            records: Records = getattr(self, what)
            return [row["id"] for row in records]

    # Lists that are being removed

    def pass_time(self) -> None:
        """One request has passed: removals that run in the background come nearer to their end."""
        for list_id, left in list(self.removals.items()):
            if left > 1:
                self.removals[list_id] = left - 1
            else:
                del self.removals[list_id]
                self.remove_list(list_id)

    def remove_list(self, list_id: str) -> None:
        """Take out a list and its leads."""
        stamp = self.tick()
        for row in self.leads_of(list_id):
            self.leads.change(row["id"], {"deleted_at": stamp})
        self.lists.remove(list_id)

    def leads_of(self, list_id: str) -> list[Row]:
        """The leads of a list that are not deleted."""
        return [row for row in self.leads if row["list_id"] == list_id and not row["deleted_at"]]


BLANK_LEAD: Row = {
    "created_at": "",
    "modified_at": "",
    "first_name": "",
    "last_name": "",
    "email": "",
    "status": "NEW",
    "owner_id": "",
    "source_id": "",
    "list_id": "",
    "phone_code": "1",
    "phone_number": "",
    "alt_phone_1": "",
    "alt_phone_2": "",
    "address1": "",
    "address2": "",
    "city": "",
    "state": "",
    "province": "",
    "postal_code": "",
    "country": "US",
    "gender": "",
    "date_of_birth": None,
    "carrier_name": "",
    "carrier_type": "",
    "user_id": "",
    "created_by": "",
    "last_modified_by": "",
    "notes": "",
    "called_count": 0,
    "last_called": None,
    "deleted_at": None,
    "archived_at": None,
}


def _wire(fields: dict[str, Any]) -> Row:
    """Values as rows keep them: ids as text, stamps as text."""
    row: Row = {}
    for name, value in fields.items():
        if isinstance(value, datetime):
            row[name] = clock.text(clock.seconds(value))
        else:
            row[name] = str(value) if isinstance(value, int) and name.endswith("_id") else value
    return row
