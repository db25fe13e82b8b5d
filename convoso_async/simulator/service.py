"""The service without a socket: from a path and a form to a reply."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from .account import Account
from .answers import ANSWERS
from .ask import Ask, Refusal
from .checks import check
from .faults import Fault, Faults, Reply
from .population import build
from .shapes import Body, refusal
from .switches import Population, Switches
from .tables import Call, call_ids, calls
from .webhooks import BodyType, Webhooks

BASE = "/v1"


@dataclass(slots=True)
class Request:
    """One request that the simulator has had."""

    endpoint_id: str
    """Such as `leads.insert`; empty for a path that is no call."""
    path: str
    params: dict[str, str]
    """The form without the token."""
    status: int | None = None
    """HTTP status of the reply; None while there is none, and for good when the connection was dropped."""
    time: float = field(default_factory=time.monotonic)
    applied: bool = False
    """Whether the service answered it; False for what a fault, the rate limit or the token kept away."""


@dataclass(kw_only=True, repr=False, eq=False)
class Service(Switches, Population):
    """A simulated Convoso account behind one function, `answer`."""

    token: str = "simulator-token"
    account: Account = field(init=False)
    requests: list[Request] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.account = build(self)
        self.faults = Faults()
        self._count = 0
        self._bucket: tuple[float, float] | None = None

    def answer(self, path: str, form: Mapping[str, str] | None = None, *, method: str = "POST") -> Reply:
        """The reply to one call, token included in the form; `path` may also be an id such as `leads.insert`.

        Faults, latency and rate limit belong to the socket and play no part here.
        """
        with self.account.lock:
            request = self._enter(path, form or {})
            return self._reply(request, (form or {}).get("auth_token"), method)

    def call(self, endpoint_id: str, **params: object) -> Any:
        """The decoded reply to one call, with the token added."""
        form = {name: str(value) for name, value in params.items()}
        return self.answer(endpoint_id, {"auth_token": self.token, **form}).data

    def fail(
        self,
        endpoint: str = "*",
        *,
        times: int = 1,
        skip: int = 0,
        status: int | None = None,
        body: object = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        drop: Literal["before", "after"] | None = None,
        delay: float = 0.0,
        html: bool = False,
        empty: bool = False,
        truncate: bool | Literal["length"] = False,
        apply: bool | None = None,
    ) -> Fault:
        """Put a `Fault` in the queue: `sim.fail("leads.insert", status=503)`, `sim.fail(drop="after")`."""
        fault = Fault(
            endpoint=endpoint,
            times=times,
            skip=skip,
            status=status,
            body=body,
            content_type=content_type,
            headers=headers or {},
            drop=drop,
            delay=delay,
            html=html,
            empty=empty,
            truncate=truncate,
            apply=apply,
        )
        with self.account.lock:
            self.faults.add(fault)
        return fault

    def connect(
        self,
        url: str,
        *,
        adaptor: Mapping[str, str] | None = None,
        body: BodyType = "JSON",
        headers: Mapping[str, str] | None = None,
        calls: bool = True,
        leads: bool = True,
        times: int = 1,
        timeout: float = 10.0,
    ) -> Webhooks:
        """Convoso Connect: posts to `url` when a call or a lead is added or changed, while it is open.

        `with sim.connect(url, headers={"X-Connect-Secret": "..."}) as webhooks:`

        `adaptor` maps documented fields to the keys to send, several joined with commas. Of the names that
        lead and call share, `lead.status` and `call_log.status` are one each; `status` is that of the record
        which changed. Without an adaptor, a call sends all fields of the call and the agent, and a lead those
        of the lead, under their own names. What is empty goes as `""`, or as the word `null` unless the
        profile is "documented". `headers` may replace the content type. `times` sends each webhook so many
        times; `timeout` is in seconds.
        """
        return Webhooks(
            self.account,
            url,
            adaptor=adaptor,
            body=body,
            headers=headers,
            calls=calls,
            leads=leads,
            times=times,
            timeout=timeout,
            empty=lambda: "" if self.profile == "documented" else "null",
            recordings_base=lambda: self.recordings_base,
        )

    def calls(self, endpoint_id: str) -> list[Request]:
        """The requests of one call, such as `leads.insert`, or of one resource, `leads.*`."""
        resource = endpoint_id.removesuffix("*")
        wanted = resource if endpoint_id.endswith("*") else None
        with self.account.lock:
            return [
                request
                for request in self.requests
                if request.endpoint_id == endpoint_id or (wanted and request.endpoint_id.startswith(wanted))
            ]

    def clear(self) -> None:
        """Forget the requests so far and the faults to come."""
        with self.account.lock:
            self.requests.clear()
            self.faults.clear()

    @property
    def recordings_base(self) -> str:
        """The URL below which recordings have their names."""
        return self.recordings_url or "https://media.example.org"

    def _enter(self, path: str, form: Mapping[str, str]) -> Request:
        known = calls().get(path)
        bare = known.path if known else path.removeprefix(BASE)
        params = {name: value for name, value in form.items() if name != "auth_token"}
        request = Request(call_ids().get(bare, ""), bare, params)
        self.requests.append(request)
        self._announce(request)
        return request

    def _announce(self, request: Request) -> None:
        """A request has come and is about to be answered."""

    def _reply(self, request: Request, token: str | None, method: str) -> Reply:
        call = calls().get(request.endpoint_id)
        if call is None:
            reply = _json({"success": False, "error": "Not found"}, 404, applied=False)
        elif method != "POST":
            reply = _json({"success": False, "error": "Method not allowed"}, 405, applied=False)
        elif token != self.token:
            reply = self._no_entry(token)
        else:
            reply = _json(self._body(call, request.params))
        request.status, request.applied = reply.status, reply.applied
        return reply

    def _body(self, call: Call, params: Mapping[str, str]) -> Body:
        form = {call.aliases.get(name, name): value for name, value in params.items()}
        ask = Ask(call, form, self.account, self, self._profile(), self._count, self.recordings_base)
        self._count += 1
        self.account.pass_time()
        try:
            check(ask)
            return ANSWERS[call.id](ask)
        except Refusal as refused:
            return refusal(ask, refused.problem)

    def _profile(self) -> Literal["documented", "observed"]:
        if self.profile == "mixed":
            return "observed" if self._count % 2 else "documented"
        return self.profile

    def _no_entry(self, token: str | None) -> Reply:
        """A missing or wrong token: status 200 in the documentation, 401 as observed."""
        text = "Invalid authentication token" if token else "Missing authentication token"
        if self._profile() == "documented":
            return _json({"success": False, "error": text}, applied=False)
        return _json({"success": False, "text": text}, 401, applied=False)

    def _admit(self, now: float) -> bool:
        """Whether the rate limit lets a request pass at this time: a bucket that fills evenly."""
        if not self.rate_limit:
            self._bucket = None
            return True
        size = self.rate_burst or max(1.0, self.rate_limit)
        left, since = self._bucket or (size, now)
        left = min(size, left + (now - since) * self.rate_limit)
        self._bucket = (left - 1 if left >= 1 else left, now)
        return left >= 1

    def _throttled(self) -> Reply:
        headers = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
        body = {"success": False, "text" if self._profile() == "observed" else "error": "Too many requests"}
        return Reply(429, orjson.dumps(body), headers=headers, applied=False)


def _json(body: Body, status: int = 200, *, applied: bool = True) -> Reply:
    return Reply(status, orjson.dumps(body), applied=applied)
