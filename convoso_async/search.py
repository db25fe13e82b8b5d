"""What a pager reads: filtered searches of one call, and how a page of each is asked for."""

import operator
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Generic, Protocol, SupportsIndex, TypeVar

import attrs

from .endpoint import DAY, Endpoint, Paging, RangeFilter
from .form import Pairs
from .parameters import clock
from .reading import FIRST_MOMENT, Ask, Reading, Report, floor
from .rows import Page, Row

R = TypeVar("R", bound=Row)

UNKNOWN_LIMIT = 1_000
"""Rows per page where the documentation names no maximum."""
OWN = ("order", "limit", "offset")
"""Parameters that a pager sets itself."""


class Unread(Protocol[R]):
    """A page whose reply is here, and whose rows are not made yet."""

    def __call__(self, *, raw: bool) -> Page[R]:
        """The page. Without `raw` it can be had once: the decoded reply is given up while rows are made.

        Raises ConvosoError where its decoding was put off, and it is not the page that it looked like.
        """
        ...


class Fetch(Protocol[R]):
    """What asks for a page."""

    async def __call__(self, endpoint: Endpoint[R], pairs: Pairs, *, later: bool = False) -> Unread[R]:
        """The reply, which `later` leaves undecoded until its page is made, where it looks good."""
        ...


@attrs.frozen
class Search:
    """One filtered search of a read: its texts without the range, and its range."""

    texts: Mapping[str, str]
    span: RangeFilter | None
    start: datetime | None
    end: datetime | None
    clip: datetime | None = None


@attrs.frozen(kw_only=True)
class Searches(Generic[R]):
    """The searches that one read consists of.

    Attributes:
        endpoint: the call.
        paging: how it is read page by page.
        fetch: asks for a page.
        each: the searches, in the order in which they are read.
        page_size: rows per page.
        max_rows: how many rows are wanted, None for all.
    """

    endpoint: Endpoint[R]
    paging: Paging
    fetch: Fetch[R]
    each: Sequence[Search]
    page_size: int
    max_rows: int | None

    def reading(self, search: Search, report: Report, seen: set[object] | None = None) -> Reading[R]:
        """A reading of one search, which takes what others have delivered from `seen`."""
        return Reading(
            self.endpoint,
            report,
            limit=self.page_size if self.max_rows is None else min(self.page_size, self.max_rows),
            span=search.span,
            start=search.start,
            end=search.end,
            clip=search.clip,
            most=self.max_rows,
            seen=seen,
        )

    async def ask(self, search: Search, ask: Ask, *, later: bool = False) -> Unread[R]:
        """The reply to one request of a reading. `later` as for `Fetch`."""
        texts = dict(search.texts)
        if search.span is not None:
            for name, moment in ((search.span.start, ask.start), (search.span.end, ask.end)):
                if moment is not None:
                    texts[name] = moment.isoformat(" ", "seconds")[: 10 if search.span.unit == DAY else None]
        if self.paging.order is not None:
            texts[self.paging.order] = "desc" if ask.descending else "asc"
        texts["limit"], texts["offset"] = str(ask.limit), str(ask.offset)
        return await self.fetch(self.endpoint, list(texts.items()), later=later)


def chosen_filters(
    call: str, filters: Mapping[str, object], partitions: object
) -> Sequence[Mapping[str, object]]:
    """The filters of each search of a read: one, or one for each partition."""
    if partitions is None:
        return [filters]
    if isinstance(partitions, str | bytes | Mapping) or not isinstance(partitions, Sequence):
        raise TypeError(f"{call}: partitions must be a list of mappings of filters")
    if not partitions:
        raise ValueError(f"{call}: partitions is empty; leave it out to read one search")
    chosen = []
    for place, partition in enumerate(partitions):
        if not isinstance(partition, Mapping):
            raise TypeError(f"{call}: partitions[{place}] must be a mapping of filters")
        twice = sorted(set(partition) & {name for name, value in filters.items() if value is not None})
        own = sorted(set(partition) & {*OWN, "page_size", "max_rows", "partitions"})
        if twice or own:
            raise ValueError(f"{call}: partitions[{place}] must not hold {', '.join(twice or own)}")
        chosen.append({**filters, **partition})
    return chosen


def search_of(endpoint: Endpoint[R], texts: dict[str, str], zone: tzinfo) -> Search:
    """A search with its range taken out of its texts: the caller's own range filter, where it has one.

    Both ends are fixed where the service may read only today without them; else an open end stays open.
    """
    paging = endpoint.paging
    assert paging is not None
    spans = [span for span in endpoint.ranges if span.field is not None]
    span = next((one for one in spans if one.start in texts or one.end in texts), spans[0] if spans else None)
    if span is None:
        return Search(texts, None, None, None)
    start, end = (
        moment_of(endpoint.id, name, texts.pop(name, None), zone, span.unit)
        for name in (span.start, span.end)
    )
    if paging.oldest_first:
        start = start or FIRST_MOMENT
        end = end or max(start, latest(zone, span.unit))
    return Search(texts, span, start, end)


def latest(zone: tzinfo, unit: timedelta) -> datetime:
    """The present on the account's clock. While it shows an hour again, the first run is not over before its
    end.
    """
    now = datetime.now(zone)
    shown = now.replace(tzinfo=None) + timedelta(hours=now.fold)
    return floor(shown, unit)


def moment_of(call: str, name: str, text: str | None, zone: tzinfo, unit: timedelta) -> datetime | None:
    """A bound of a range on the account's clock."""
    if text is None:
        return None
    moment = clock(text, zone, ends_range="end" in name)
    if moment is None:
        raise ValueError(f"{call}: {name} must be a date or a time such as 2026-03-31 09:00:00")
    return floor(moment, unit)


def whole(call: str, name: str, value: object) -> int | None:
    """A whole number of rows, or None. Raises TypeError and ValueError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise TypeError(f"{call}: {name} must be an int, not {type(value).__name__}")
    number = operator.index(value)
    if number < 0:
        raise ValueError(f"{call}: {name} must be 0 or more, not {number}")
    return number


def page_size(call: str, value: object, largest: int | None) -> int:
    """Rows per page: the largest that the call gives, unless the caller wants fewer."""
    size = whole(call, "page_size", value)
    if size is None:
        return largest or UNKNOWN_LIMIT
    if size < 1 or (largest is not None and size > largest):
        most = f"1 to {largest}" if largest else "1 or more"
        raise ValueError(f"{call}: page_size must be {most}, not {size}")
    return size
