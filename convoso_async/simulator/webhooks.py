"""Convoso Connect: sends a webhook for each call and lead that is added or changed."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlencode, urlsplit

from .account import Account
from .records import Row

BodyType = Literal["RAW", "JSON"]
CONTENT_TYPES = {"JSON": "application/json", "RAW": "application/x-www-form-urlencoded"}
LONGEST_REPLY = 65_536

LEAD_FIELDS = """
    id remote_id user_id source_id status called_count called_count_inbound last_called last_viewed
    last_reached_at final_reached_at created_at modified_at locale_gmt carrier_name title
    std_consumer_number std_company_name std_account_number state start_date province postal_code
    phone_number phone_code owner_id notes monthly_revenue list_id last_name last_modified_by
    industry gender first_name email dba date_of_birth created_by country city business_name
    annual_revenue alt_phone_2 alt_phone_1 address2 address1
""".split()
CALL_FIELDS = """
    call_log_id lead_id first_name last_name list_id list_name user_id originating_agent_id
    campaign_id campaign_name queue_id queue_name queue_seconds queue_position phone_number status
    length_in_sec call_date agent_comment call_type term_reason recording caller_id inbound_number
""".split()
EXTRA_FIELDS = ["agent_full_name", "agent_email", *(f"custom_field_{number}" for number in range(1, 11))]
# Where a call log has a field under another name.
COLUMNS = {
    "call_log_id": "id",
    "campaign_name": "campaign",
    "queue_name": "queue",
    "length_in_sec": "call_length",
    "caller_id": "caller_id_displayed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request that was sent, as a line of Connect's log."""

    kind: Literal["call", "lead"]
    record_id: str
    payload: Mapping[str, object]
    """Names and values before they became a body."""
    status: int | None
    """HTTP status of the reply; None where none came."""
    result: str
    """Value of the reply's key `success`; "null" marks a request that failed."""


@dataclass(frozen=True, slots=True)
class _Job:
    kind: Literal["call", "lead"]
    record_id: str
    payload: Mapping[str, object]


class Webhooks:
    """Sends webhooks while it is open: `with sim.connect(url) as webhooks:`, or `async with`.

    They go out one after the other, in the order of the changes, from a thread of their own. At the end of
    the block, what is still waiting is sent; after an exception it is dropped. In the event loop that also
    runs the receiver, use `async with`, and `await asyncio.to_thread(webhooks.wait)`.
    """

    def __init__(
        self,
        account: Account,
        url: str,
        *,
        adaptor: Mapping[str, str] | None,
        body: BodyType,
        headers: Mapping[str, str] | None,
        calls: bool,
        leads: bool,
        times: int,
        timeout: float,
        empty: Callable[[], str],
        recordings_base: Callable[[], str],
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the URL must carry its scheme, such as http://127.0.0.1:8000/connect")
        if body not in CONTENT_TYPES:
            raise ValueError("body must be RAW or JSON")
        self._connection = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port = parts.hostname, parts.port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._account = account
        self._adaptor = None if adaptor is None else _checked(adaptor)
        self._body = body
        self._headers = {"Content-Type": CONTENT_TYPES[body]} | dict(headers or {})
        self._calls, self._leads = calls, leads
        self._times, self._timeout = times, timeout
        self._empty, self._recordings_base = empty, recordings_base
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._idle = threading.Condition()
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self.sent: list[Delivery] = []
        """What was sent so far, oldest first."""

    def open(self) -> None:
        """Begin to send."""
        if self._thread is not None:
            raise RuntimeError("the webhooks are being sent already")
        self._thread = threading.Thread(target=self._send_all, name="convoso-webhooks", daemon=True)
        self._thread.start()
        with self._account.lock:
            if self._calls:
                self._account.calls.history.watchers.append(self._call_changed)
            if self._leads:
                self._account.leads.watchers.append(self._lead_changed)

    def close(self, *, drop: bool = False) -> None:
        """Send what is waiting, or drop it, and end the thread."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        with self._account.lock:
            for watchers in (self._account.calls.history.watchers, self._account.leads.watchers):
                for own in (self._call_changed, self._lead_changed):
                    if own in watchers:
                        watchers.remove(own)
        with suppress(Empty):
            while drop:
                self._jobs.get_nowait()
        self._jobs.put(None)
        thread.join()
        self._waiting = 0

    def wait(self, timeout: float = 10.0) -> list[Delivery]:
        """What was sent, as soon as that is all. Raises TimeoutError after `timeout` seconds."""
        with self._idle:
            if not self._idle.wait_for(lambda: not self._waiting, timeout):
                raise TimeoutError(f"{self._waiting} webhooks are still to be sent")
            return list(self.sent)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(drop=error is not None)

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close, drop=error is not None)

    # What changed, told under the account's lock

    def _call_changed(self, call_id: int) -> None:
        at = self._account.calls.history.position(call_id)
        if at is None:
            return
        row = self._account.calls.row(at)
        values = self._call(row)
        lead = self._account.leads.get(row["lead_id"])
        if self._adaptor is None:
            payload = {name: values.get(name) for name in (*CALL_FIELDS, *EXTRA_FIELDS[:2])}
        else:
            payload = self._mapped({"call_log": values, "lead": lead or {}}, first="call_log")
        self._enter(_Job("call", str(call_id), self._filled(payload)))

    def _lead_changed(self, lead_id: int) -> None:
        row = self._account.leads.get(lead_id)
        if row is None or row["deleted_at"]:
            return
        if self._adaptor is None:
            payload = {name: row.get(name) for name in (*LEAD_FIELDS, *EXTRA_FIELDS[2:])}
        else:
            payload = self._mapped({"lead": row, "call_log": {}}, first="lead")
        self._enter(_Job("lead", str(lead_id), self._filled(payload)))

    def _call(self, row: Row) -> Row:
        account = self._account
        called = account.lists.get(row["list_id"]) or {}
        agent = account.users.get(row["user_id"]) or {}
        values = {name: row.get(COLUMNS.get(name, name)) for name in CALL_FIELDS}
        link = f"{self._recordings_base()}/r-{row['id']}.mp3" if row["recorded"] else None
        return values | {
            "list_name": called.get("name"),
            "recording": link,
            "agent_full_name": row["user"],
            "agent_email": agent.get("email"),
        }

    def _mapped(self, sections: Mapping[str, Row], first: str) -> dict[str, object]:
        """The adaptor's keys. A name that both sections have means the one whose record changed."""
        payload: dict[str, object] = {}
        for field, keys in (self._adaptor or {}).items():
            section, _, name = field.rpartition(".")
            own = "lead" if name in LEAD_FIELDS or name.startswith("custom_field_") else "call_log"
            if name in LEAD_FIELDS and name in CALL_FIELDS:
                own = first
            for key in keys.split(","):
                payload[key.strip()] = sections[section or own].get(name)
        return payload

    def _filled(self, payload: Mapping[str, object]) -> dict[str, object]:
        """Values as the body has them: all texts in a form, and something for nothing in both."""
        empty = self._empty()
        texts = self._body == "RAW"
        return {
            key: empty if value in (None, "") else str(value) if texts else value
            for key, value in payload.items()
        }

    def _enter(self, job: _Job) -> None:
        with self._idle:
            self._waiting += self._times
        for _ in range(self._times):
            self._jobs.put(job)

    # The thread

    def _send_all(self) -> None:
        while (job := self._jobs.get()) is not None:
            status, result = self._send(job.payload)
            with self._idle:
                self.sent.append(
                    Delivery(
                        kind=job.kind,
                        record_id=job.record_id,
                        payload=job.payload,
                        status=status,
                        result=result,
                    )
                )
                self._waiting -= 1
                self._idle.notify_all()

    def _send(self, payload: Mapping[str, object]) -> tuple[int | None, str]:
        body = json.dumps(payload) if self._body == "JSON" else urlencode(payload)
        connection = self._connection(self._host, self._port, timeout=self._timeout)
        headers = {name: value.encode() for name, value in self._headers.items()}
        try:
            connection.request("POST", self._target, body.encode(), headers)
            with connection.getresponse() as reply:
                return reply.status, _result(reply.status, reply.read(LONGEST_REPLY))
        except (OSError, HTTPException):
            return None, "null"
        finally:
            connection.close()


def _checked(adaptor: Mapping[str, str]) -> dict[str, str]:
    """The adaptor, once its fields are known to be documented."""
    for field in adaptor:
        section, _, name = field.rpartition(".")
        known = {
            "": [*LEAD_FIELDS, *CALL_FIELDS, *EXTRA_FIELDS],
            "lead": LEAD_FIELDS,
            "call_log": CALL_FIELDS,
        }
        if name not in known.get(section, ()):
            raise ValueError(f"an adaptor has no field {field!r}")
    return dict(adaptor)


def _result(status: int, body: bytes) -> str:
    """The value of the key `success`, as an endpoint with that response key shows it."""
    try:
        reply = json.loads(body)
    except ValueError:
        return "null"
    value = reply.get("success") if isinstance(reply, dict) and status < 300 else None
    return json.dumps(value)
