"""Faults: what a network, a gateway or the service may do to a call instead of answering it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson

HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it goes over the wire."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    applied: bool = True
    """Whether the call reached the account and was not refused there as malformed."""

    @property
    def data(self) -> object:
        """The decoded JSON."""
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to the calls that match, once for each.

    A fault with a `status`, a `body`, `html` or `empty` replies in the service's place, and the call does not
    take effect unless `apply` is true. `drop="before"` closes the connection after the request was read,
    without any effect; `drop="after"` lets the call take effect and closes the connection in place of the
    reply. `truncate` sends half of the real reply, as if that were all (True) or against its Content-Length
    ("length"). `delay` is in seconds and goes together with any of these, or stands alone.
    """

    endpoint: str = "*"
    """Id (`leads.insert`), path (`/leads/insert`), resource (`leads.*`), or `*` for any call."""
    times: int = 1
    skip: int = 0
    """Matching calls to let pass first."""
    status: int | None = None
    body: object = None
    """Bytes and text go out as they are, anything else as JSON."""
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: Literal["before", "after"] | None = None
    delay: float = 0.0
    html: bool = False
    empty: bool = False
    truncate: bool | Literal["length"] = False
    apply: bool | None = None

    def matches(self, endpoint_id: str, path: str) -> bool:
        """Whether this call is meant."""
        resource = endpoint_id.partition(".")[0]
        return self.endpoint in ("*", endpoint_id, path, f"{resource}.*")

    @property
    def replies(self) -> bool:
        """Whether the fault replies in the service's place."""
        return self.status is not None or self.body is not None or self.html or self.empty

    @property
    def applies(self) -> bool:
        """Whether the call takes effect."""
        if self.apply is not None:
            return self.apply
        return not self.replies and self.drop != "before"

    def reply(self) -> Reply:
        """The reply in the service's place."""
        status = 200 if self.status is None else self.status
        if self.html:
            return Reply(status, HTML, self.content_type or "text/html", self.headers, self.applies)
        body = self.body
        if self.empty or body is None:
            content = b""
        elif isinstance(body, bytes | str):
            content = body.encode() if isinstance(body, str) else body
        else:
            content = orjson.dumps(body)
        return Reply(status, content, self.content_type or JSON_TYPE, self.headers, self.applies)


class Faults:
    """The faults to come, in the order of their making."""

    def __init__(self) -> None:
        self._waiting: list[list[int]] = []
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a fault at the end of the queue."""
        self._faults.append(fault)
        self._waiting.append([fault.skip, fault.times])

    def clear(self) -> None:
        """Forget all faults to come."""
        self._faults.clear()
        self._waiting.clear()

    def take(self, endpoint_id: str, path: str) -> Fault | None:
        """The fault for this call, which it uses up; None when the call is to go well."""
        for at, (fault, counts) in enumerate(zip(self._faults, self._waiting, strict=True)):
            if not fault.matches(endpoint_id, path):
                continue
            if counts[0]:
                counts[0] -= 1
                continue
            counts[1] -= 1
            if counts[1] <= 0:
                del self._faults[at], self._waiting[at]
            return fault
        return None
