"""What can go wrong, one class per cause.

ConvosoError
├── ConfigurationError             a setting is missing or impossible
├── ConvosoConnectionError         no reply: refused, reset, cut off
├── ConvosoTimeoutError            no reply in time
├── OutcomeUnknownError            a write may or may not have been applied; see `reason`
├── ConvosoHTTPError               the HTTP status says no
│   ├── AuthenticationError        401, or a text about the token under any status
│   ├── PermissionDeniedError      403: the token lacks the right to this call
│   ├── RateLimitError             429; `retry_after` in seconds when the service named it
│   ├── ServerError                5xx
│   └── RedirectError              3xx: never followed, the token is in the body
├── ConvosoAPIError                the service understood and refused: `code`, `text`, `description`
│   ├── NotFoundError              the thing addressed does not exist
│   ├── DuplicateError             it is there already
│   ├── InvalidRequestError        an input is missing or has a bad value
│   └── RejectedError              the state of things, or a rule, forbids it
├── ReplyError                     a reply that is not JSON, or not the shape of a reply
└── PagingError                    a complete read was not possible
    ├── OffsetCapError             more rows than the call's offset can reach
    ├── WindowTooDenseError        more rows in one second (or day) than can be reached
    └── IncompleteError            the service withheld rows that it had counted
"""

from typing import Literal

Outcome = Literal["not_sent", "rejected", "unknown", "applied"]
"""What became of the request on the other side.

`not_sent`: it never left. `rejected`: the service refused it, nothing changed. `unknown`: it may have
been applied. `applied`: the service said yes, and only the rest of its answer could not be read.
"""


class ConvosoError(Exception):
    """The root of all errors of this package.

    Attributes:
        endpoint: the call, such as `leads.insert`, or the path given to `client.request`.
        attempts: how many times the request was tried.
        outcome: what became of it on the other side, see `Outcome`.
        status: the HTTP status of the last reply, if there was one.
        body: the beginning of that reply, without the token, if there was one. It may hold people's data.
        code: the service's error code in that reply, if it had one.
        text: the service's own words, if there were any.
        description: what the code or the text means on that very call, where that is documented.
    """

    def __init__(
        self,
        message: str,
        *,
        endpoint: str | None = None,
        attempts: int = 0,
        outcome: Outcome = "not_sent",
        status: int | None = None,
        body: str | None = None,
        code: int | str | None = None,
        text: str | None = None,
        description: str | None = None,
    ) -> None:
        super().__init__(message)
        self.endpoint = endpoint
        self.attempts = attempts
        self.outcome: Outcome = outcome
        self.status = status
        self.body = body
        self.code = code
        self.text = text
        self.description = description

    @property
    def message(self) -> str:
        """What went wrong, in one line."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        where = f"{self.endpoint}: " if self.endpoint else ""
        tries = f" after {self.attempts} attempts" if self.attempts > 1 else ""
        return f"{where}{self.message}{tries}"


class ConfigurationError(ConvosoError):
    """A setting of the client is missing or impossible. Nothing was sent."""


class ConvosoConnectionError(ConvosoError):
    """No reply came: the connection was refused, reset or cut off."""


class ConvosoTimeoutError(ConvosoError):
    """No reply came in the time of one attempt, or before the deadline of the call."""


class OutcomeUnknownError(ConvosoError):
    """A write that must not be repeated may or may not have been applied.

    Its `outcome` is `unknown`; or `applied`, where the reply began with success and could not be read on, so
    that the new id is not known. Look the record up before sending it again. `reason` is the class that the
    error would have been on a call that may be repeated: `ConvosoTimeoutError`, `ServerError`, `ReplyError`
    and so on.
    """

    reason: type[ConvosoError] = ConvosoError


class ConvosoHTTPError(ConvosoError):
    """The HTTP status says that the call failed. `status` has it."""


class AuthenticationError(ConvosoHTTPError):
    """The token is missing, wrong or expired: 401, or a text about the token under any status."""


class PermissionDeniedError(ConvosoHTTPError):
    """The token is valid but lacks the right to this call (403). Rights are given per API section."""


class RateLimitError(ConvosoHTTPError):
    """Too many requests (429). `retry_after` is in seconds when the service named a time."""

    retry_after: float | None = None


class ServerError(ConvosoHTTPError):
    """The service failed (5xx)."""


class RedirectError(ConvosoHTTPError):
    """The service answered with a redirect (3xx). It is never followed: the body holds the token."""


class ConvosoAPIError(ConvosoError):
    """The service understood the request and refused it. See `code`, `text` and `description`."""


class NotFoundError(ConvosoAPIError):
    """The lead, list, callback or other thing addressed does not exist."""


class DuplicateError(ConvosoAPIError):
    """The thing to add is there already."""


class InvalidRequestError(ConvosoAPIError):
    """The service says that an input is missing or has a bad value."""


class RejectedError(ConvosoAPIError):
    """The thing is in a state that forbids the action, or a rule of the account turned it down."""


class ReplyError(ConvosoError):
    """The reply is not JSON, is too large, or is not the shape of a reply.

    `unreadable` tells the former, such as a body that was cut off or a gateway's HTML, from the latter.
    """

    unreadable: bool = False


class PagingError(ConvosoError):
    """A complete read was not possible. What was delivered before is right, but not all there is."""


class OffsetCapError(PagingError):
    """The rows lie past the largest offset of the call, and nothing splits the read."""


class WindowTooDenseError(PagingError):
    """More rows share the smallest window (one second, or one day) than offsets can reach."""


class IncompleteError(PagingError):
    """The service counted more rows than it gave, or rows moved too much to be followed."""
