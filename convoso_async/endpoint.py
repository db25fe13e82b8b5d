"""The vocabulary of a declaration: what one call of the API is.

A resource module declares its calls with these; `form`, `reply`, `transport` and `paging` read them.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Generic, TypeVar

from attrs import field, frozen

T = TypeVar("T")


class Retry(Enum):
    """What may be done after an attempt whose outcome is not known."""

    READ = "read"
    """Changes nothing: sent again on any transient failure."""
    IDEMPOTENT = "idempotent"
    """A second identical call changes nothing more: sent again on any transient failure."""
    UNSAFE = "unsafe"
    """A second call would do it twice: sent again only if the first was never sent, or after a 429."""


READ, IDEMPOTENT, UNSAFE = Retry.READ, Retry.IDEMPOTENT, Retry.UNSAFE


class Kind(Enum):
    """What sort of failure an error code means. It decides the class of the error."""

    AUTH = "auth"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    DUPLICATE = "duplicate"
    STATE = "state"
    REJECTED = "rejected"
    FAILED = "failed"
    SUCCESS = "success"
    """No failure: the code marks a good reply, or work that has begun."""


@frozen
class Meaning:
    """What a code or a text means on one call.

    `text` and `kind` are those of the source with the highest authority. `other` is what another source
    says, where the two differ.
    """

    kind: Kind
    text: str
    other: str | None = None

    @property
    def description(self) -> str:
        """The meaning in words, naming both readings where sources differ."""
        return f"{self.text} (another source: {self.other})" if self.other else self.text


def auth(text: str, other: str | None = None) -> Meaning:
    """The token is missing, wrong or expired."""
    return Meaning(Kind.AUTH, text, other)


def forbidden(text: str, other: str | None = None) -> Meaning:
    """The token lacks the right."""
    return Meaning(Kind.FORBIDDEN, text, other)


def missing(text: str, other: str | None = None) -> Meaning:
    """A required input is absent or empty."""
    return Meaning(Kind.MISSING, text, other)


def invalid(text: str, other: str | None = None) -> Meaning:
    """An input has a bad value or form."""
    return Meaning(Kind.INVALID, text, other)


def not_found(text: str, other: str | None = None) -> Meaning:
    """The thing addressed does not exist."""
    return Meaning(Kind.NOT_FOUND, text, other)


def duplicate(text: str, other: str | None = None) -> Meaning:
    """It is there already."""
    return Meaning(Kind.DUPLICATE, text, other)


def state(text: str, other: str | None = None) -> Meaning:
    """The thing is in a state that forbids the action."""
    return Meaning(Kind.STATE, text, other)


def rejected(text: str, other: str | None = None) -> Meaning:
    """A rule of the account turned it down."""
    return Meaning(Kind.REJECTED, text, other)


def failed(text: str, other: str | None = None) -> Meaning:
    """The service could not finish the job."""
    return Meaning(Kind.FAILED, text, other)


def success(text: str) -> Meaning:
    """No failure, although there is a code."""
    return Meaning(Kind.SUCCESS, text)


IS_THERE = r"already|duplicate|\A(?!.*\bno\b).*(?<!\bnot )(?<!n't )exist"
"""What a text must hold to say of a thing that it is there: `exists`, but not `does not exist`."""

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@frozen
class RangeFilter:
    """Two parameters that select by time, and the resolution that the call knows: a second or a day.

    `field` is the row's attribute that they test, where that is known.
    """

    start: str
    end: str
    unit: timedelta = SECOND
    field: str | None = None


@frozen(kw_only=True)
class Paging:
    """How a call is read page by page.

    Attributes:
        limit_default: rows per page when none is asked for, by the documentation.
        limit_max: the largest page, None where none is documented.
        offset_max: the largest offset, None where none is documented.
        key: the row's attribute that tells it from all others.
        order: the parameter that sets the direction, where there is one.
        oldest_first: whether rows come in the order of the range filter's time (with `order` set to `asc`).
        past_only: whether rows always lie in the past, so that a read without a range can end at the
            present moment. Where the service reads only today by default, both ends are always sent.
    """

    limit_default: int
    limit_max: int | None = None
    offset_max: int | None = None
    key: str = "id"
    order: str | None = None
    oldest_first: bool = False
    past_only: bool = False


@frozen(kw_only=True, eq=False)
class Endpoint(Generic[T]):
    """One call of the API.

    Attributes:
        id: the name, such as `leads.insert`.
        path: where it is posted, below the base URL.
        retry: what may be done when the outcome is not known.
        params: the `TypedDict` of its parameters; `form` reads names, types and bounds from it.
        result: the class of a row where the call gives rows, else of the whole reply.
        rows: dotted paths at which the rows may stand, `$` being the whole reply. Empty where the reply is
            one object.
        totals: dotted paths at which the number of all matching rows may stand.
        rows_key: the row's key that a keyed object of rows is keyed by.
        paging: how it is read page by page, for the calls that are.
        ranges: its range filters, the one to cut windows by first.
        codes: what each error code means on this call.
        texts: what literal error texts mean on this call.
        custom_fields: a pattern for the names that `fields` may hold, where the call takes custom fields.
        refusal_is_answer: whether a refusal is an ordinary result here, not an error.
        already: codes which say, on a repeat, that the first attempt did it; with the text that must be
            there too, if one must.
        urgent: whether it passes all pacing by and goes on until the deadline: do-not-call writes.
    """

    id: str
    path: str
    retry: Retry
    params: type
    result: type[T]
    rows: tuple[str, ...] = ()
    totals: tuple[str, ...] = ()
    rows_key: str | None = None
    paging: Paging | None = None
    ranges: tuple[RangeFilter, ...] = ()
    codes: Mapping[int, Meaning] = field(factory=dict)
    texts: Mapping[str, Meaning] = field(factory=dict)
    custom_fields: str | None = None
    refusal_is_answer: bool = False
    already: Mapping[int, str] = field(factory=dict)
    urgent: bool = False
