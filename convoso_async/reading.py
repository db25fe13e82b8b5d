"""How everything is read: which request comes next, and which rows of its page are new. Pure.

A reading is a conversation: `steps()` yields what to ask and is sent the page that came. Pages overlap by one
row. A page is taken when it joins what was delivered before: its first row is known, or older than the last
one. Else rows moved underneath, and the reading steps back until it joins. It ends when the service, asked
for what comes after the last row, has only that row; totals are a check, never the reason to stop.

Past the offset cap it turns to the next window. Where rows come oldest first, that begins in the second of
the last row. Where the order is not documented, the order that was seen is proved first: the part that is
left behind must end with a row that was read of it, or it is read again.

A second with more rows than offsets reach is read from both ends, and the two must meet at the row where the
first one stopped. One that is larger still is left, told of at the end, and the rest is read.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter, lt
from typing import Generic, TypeVar

import attrs

from .endpoint import DAY, Endpoint, Paging, RangeFilter
from .errors import IncompleteError, OffsetCapError, PagingError, WindowTooDenseError
from .known import Known, Recent, Seen
from .rows import Page, Row

R = TypeVar("R", bound=Row)

UNKNOWN_CAP = 40_000
"""The offset taken for the cap where none is documented: an empty page past it would look like the end."""
FIRST_MOMENT = datetime(2000, 1, 1)
"""Before the service's first row: the start of a range that was left open, when it must be cut."""
LAST_MOMENT = datetime(2100, 1, 1)
"""After its last: callbacks lie in the future."""
IDLE = 40
"""Pages in a row without a new one among their rows, after which an account moves too much to be followed."""


@attrs.frozen
class Ask:
    """One page to ask for: a stretch of the range, a place in it, and a size."""

    start: datetime | None
    end: datetime | None
    offset: int
    limit: int
    descending: bool = False


@attrs.define
class Report:
    """What one iteration of a pager did.

    Attributes:
        rows: rows delivered.
        expected: rows that the service counted at the start, None where it gives no total.
        duplicates: rows that came again, where windows meet or rows shifted, and were not delivered again.
        windows: stretches of the range read, 1 when no cap was met.
        requests: calls made, without their retries.
        complete: whether everything was delivered. False during the read, after `max_rows` cut it, and
            after an early stop; any other doubt raises.
    """

    rows: int = 0
    expected: int | None = None
    duplicates: int = 0
    windows: int = 0
    requests: int = 0
    complete: bool = False


Steps = Generator[Ask, Page[R], None]


class Reading(Generic[R]):
    """One pass over all rows that match, from `start` to `end` where the call has a range.

    None for `start` or `end` leaves the range as the caller's filters have it. `clip` leaves rows at or after
    a moment to the next window's reader. `most` is how many rows are wanted, where not all are. `seen` holds
    the keys of what other searches of the same read delivered, and takes those of this one.
    """

    def __init__(
        self,
        endpoint: Endpoint[R],
        report: Report,
        *,
        limit: int,
        span: RangeFilter | None,
        start: datetime | None,
        end: datetime | None,
        clip: datetime | None = None,
        most: int | None = None,
        seen: set[object] | None = None,
    ) -> None:
        paging = endpoint.paging
        assert paging is not None
        self.endpoint = endpoint
        self.report = report
        self.limit = max(2, limit)  # one row of overlap and one to go on with
        self.cap = UNKNOWN_CAP if paging.offset_max is None else paging.offset_max
        self._paging: Paging = paging
        self._span = span
        self._unit: timedelta = span.unit if span is not None else timedelta(0)
        self._stamp = stamp_of(span)
        self._whole = start, end
        self.start, self.end = start, end
        self._clip = clip
        self._most = most
        self._seen = seen
        self.fresh: list[R] = []
        self._known: Known[R] = (
            Recent(paging.key, self._moment, self._unit)
            if paging.oldest_first and span is not None
            else Seen(paging.key, self._moment, self._unit)
        )
        self._pending: list[tuple[datetime, datetime]] = []
        self._largest = 0
        self._stride = 0
        self._short = 0  # pages in a row that were not full
        self._enough: int | None = None
        self._end_inside = False  # as far as is known: only rows prove it
        self.hint: datetime | None = None  # where the next window begins, when somebody looked ahead
        self._looked: datetime | None = None
        self._turned = False
        self._turned_to = start
        self._dense_error: PagingError | None = None
        self._lacks_times = False  # rows came that lie in no part
        self._fell = False  # rows came that were older than the one before
        self._taken = 0
        self._delivered = 0
        self.offset = 0
        self.total: int | None = None
        self.expected: int | None = None

    # -- the conversation ---------------------------------------------------------------------------

    def steps(self) -> Steps[R]:
        """Yields what to ask, is sent the page; new rows stand in `fresh` after each."""
        more = True
        while more:
            self.report.windows += 1
            ended = yield from self._stretch()
            if self._span is None and not ended:
                raise self._error(OffsetCapError, f"more rows match than offsets reach ({self.cap}); {SPLIT}")
            if isinstance(self._known, Recent):
                more = not ended and (yield from self._turn(self._known))
            elif isinstance(self._known, Seen):
                more = yield from self._next_part(self._known, ended)
        if self._dense_error is not None:
            raise self._dense_error
        if (self.start, self.end) != self._whole and isinstance(self._known, Seen):
            yield from self._add_up()

    def take_fresh(self) -> list[R]:
        """The rows that the last page brought, once."""
        fresh, self.fresh = self.fresh, []
        return fresh

    def upcoming(self, ask: Ask) -> Iterator[Ask]:
        """What will be asked after `ask`, if pages come full and nothing moves."""
        if ask != Ask(self.start, self.end, self.offset, self.limit) or self._stride < 1:
            return
        last = self.cap if self.total is None else self.total - 1
        end_of_window = self.cap if self.hint is None else self.cap - 1
        place = self.offset
        while place < last and (following := min(place + self._stride, last)) <= end_of_window:
            place = following
            yield Ask(self.start, self.end, place, self.limit)
        if self.hint is not None:
            left = self.cap if self.total is None else min(self.cap, self.total - self.cap)
            for place in range(0, left, self._stride):
                yield Ask(self.hint, self.end, place, self.limit)

    def look_ahead(self, pages: int) -> Ask | None:
        """A request that tells where the next window begins, when there seems to be one and nobody looked.

        Without a total, there seems to be one when twice so many `pages` more would pass the cap: those that
        are under way, and those that are sent while the answer is.
        """
        if self._span is None or not self._paging.oldest_first or self._looked == self.start:
            return None
        place = self.offset + 2 * pages * self._stride if self.total is None else self.total - self.limit
        return Ask(self.start, self.end, self.cap, 2) if place > self.cap else None

    def looked_ahead(self, ask: Ask, page: Page[R] | None) -> None:
        """Takes the answer to `look_ahead`, None where none came."""
        if ask.start != self.start:
            return
        self._looked = self.start
        moment = self._moment(page.rows[0]) if page is not None and page.rows else None
        hint = None if moment is None else self._floor(moment)
        if hint is not None and self.start is not None and hint > self.start:
            self.hint = hint

    def cut_at(self, page: Page[R], start: datetime | None, end: datetime | None) -> datetime | None:
        """Where to cut a stretch, from the row at the last offset; None for one that need not, or cannot."""
        moment = self._moment(page.rows[0]) if page.rows and self._span is not None else None
        if moment is None:
            return None
        cut = self._floor(moment)
        if start is not None and cut <= start:
            cut = start + self._unit
        return cut if end is None or cut < end else None

    def all_lie_in(self, rows: Sequence[R], start: datetime, width: timedelta) -> bool:
        """Whether rows show times from the second, or day, of `start` to `width` after it."""
        moments = [moment for row in rows if (moment := self._moment(row)) is not None]
        return bool(moments) and all(start <= self._floor(moment) <= start + width for moment in moments)

    def smaller_pages(self) -> bool:
        """Halves the page size after the service refused it. False when it cannot get smaller."""
        before, self.limit = self.limit, max(2, self.limit // 2)
        return self.limit < before

    # -- one stretch --------------------------------------------------------------------------------

    def _stretch(self) -> Generator[Ask, Page[R], bool]:
        """Reads from the present start to the end (True) or the cap (False)."""
        back = self.limit - 1
        idle = 0
        while True:
            page = yield from self._get(Ask(self.start, self.end, self.offset, self.limit))
            rows = page.rows
            self._count(page)
            self._check_order(rows)
            if self._starts_late(rows):
                continue
            joint = self._known.joint(rows, begins=self.offset == 0)
            if joint is None:
                idle += 1
                if idle > IDLE or (not rows and page.total is not None and self.offset < page.total):
                    raise self._incomplete(self._withheld(page))
                self.offset = max(0, self.offset - back)
                back *= 2
                continue
            back = self.limit - 1
            place = self.offset + len(rows)
            idle = 0 if self._deliver(rows, joint) else idle + 1
            if idle > IDLE + 2 * self._pages_to_cap():
                raise self._incomplete("the account changes faster than it can be read")
            if len(rows) < 2 and (yield from self._at_end(page, place)):
                return True
            if (yield from self._is_chased(page, place)):
                return True
            if place > self.cap + (self.hint is None):
                if self._span is not None or self.offset >= self.cap:
                    return self._span is None and self._is_last(page, place)
                self.offset = self.cap  # from there the last page is as short as it can be
                continue
            self.offset = max(place - 1, 0)

    def _count(self, page: Page[R]) -> None:
        """Notes what a page of the reading itself, not of a probe, tells of sizes."""
        self.total = page.total
        if self.expected is None:
            self.expected = page.total
        if len(page.rows) > 1:
            self._stride = len(page.rows) - 1
        self._check_reach(page)

    def _starts_late(self, rows: Sequence[R]) -> bool:
        """Whether a window that should begin with known rows does not, because its start is counted out."""
        turned, self._turned = self._turned, False
        if not turned or self.start is None or not isinstance(self._known, Recent):
            return False
        if not all(map(self._known.is_later, rows)):
            return False
        self.start -= self._unit
        return True

    def _get(self, ask: Ask) -> Generator[Ask, Page[R], Page[R]]:
        page = yield ask
        self._largest = max(self._largest, len(page.rows))
        return page

    def _at_end(self, page: Page[R], place: int) -> Generator[Ask, Page[R], bool]:
        """Whether a page with nothing after the last row is the end, and not one cut to a single row."""
        if page.total is not None and place < page.total:
            raise self._incomplete(self._withheld(page))
        if self._largest < 2 and page.rows:
            if place > self.cap:
                return False
            beyond = yield from self._get(Ask(self.start, self.end, place, self.limit))
            if beyond.rows:
                raise self._incomplete("the service gives one row a page, which leaves no room for a check")
        return True

    def _is_last(self, page: Page[R], place: int) -> bool:
        """Whether a page is the end where nobody can ask for what comes after it: it is not full, and its own
        total says so.
        """
        full = len(page.rows) >= min(self.limit, self._largest)
        return page.total is not None and page.total <= place and not full

    def _is_chased(self, page: Page[R], place: int) -> Generator[Ask, Page[R], bool]:
        """Whether an end that moves on with every request is behind. Without this, a read of what others add
        to without a pause would not end.

        When pages keep coming short, and one page further there is nothing, all that was there then is read
        once a page of rows more is.
        """
        if len(page.rows) >= min(self.limit, self._largest):
            self._short, self._enough = 0, None
            return False
        self._short += 1
        if self._enough is None and self._short > IDLE:
            beyond = yield from self._get(Ask(self.start, self.end, min(place + self.limit, self.cap), 2))
            self._enough = None if beyond.rows else self._taken + self.limit
        return self._enough is not None and self._taken >= self._enough

    def _pages_to_cap(self) -> int:
        return self.cap // max(1, self._stride)

    def _deliver(self, rows: Sequence[R], joint: int) -> bool:
        """Takes a page that joins. Whether it went on from what was known."""
        fresh, moved = self._known.take(rows, joint)
        self.report.duplicates += max(0, len(rows) - len(fresh) - 1)
        self._taken += len(fresh)
        self._hand_out(fresh)
        return moved

    def _hand_out(self, rows: Iterable[R]) -> None:
        """Gives rows to the caller that belong here and that no other search gave."""
        rows = list(rows)
        if self._seen is not None or self._reaches_clip(rows):
            rows = list(filter(self._is_own, rows))
        self.fresh += rows
        self._delivered += len(rows)

    def _reaches_clip(self, rows: Sequence[R]) -> bool:
        """Whether a row lies at or after the clip."""
        if self._clip is None:
            return False
        newest = max(self._stamps(rows), default=None)
        return newest is not None and newest.replace(tzinfo=None) >= self._clip

    def _is_own(self, row: R) -> bool:
        """Whether a row lies before the clip, and no other search gave it."""
        moment = self._moment(row)
        if self._clip is not None and moment is not None and moment >= self._clip:
            return False
        if self._seen is not None:
            key = self._known.key(row)
            if key in self._seen:
                self.report.duplicates += 1
                return False
            self._seen.add(key)
        return True

    # -- the next window ----------------------------------------------------------------------------

    def _turn(self, known: "Recent[R]") -> Generator[Ask, Page[R], bool]:
        """Moves on to what lies past the cap, from the second of the last row. False when nothing does."""
        if known.moment is None:
            raise self._incomplete("rows past the cap carry no time to go on from")
        known.relied_on_time = True
        self._check_order(())
        unit = start = self._floor(known.moment)
        if self.hint is not None and self.hint <= unit:
            start, self.offset = self.hint, 0
        else:
            self.offset = known.in_unit - 1 if known.in_unit >= self.limit else 0
        self.hint = None
        self.total = None if self.total is None else max(0, self.total - self.cap)
        if (self._turned_to is None or start > self._turned_to) and self.offset <= self.cap:
            self.start = self._turned_to = start
            self._turned = start == unit
            return True
        if not (yield from self._dense(known, unit)):
            end = unit if (yield from self._ends_inside(unit)) else unit + self._unit
            counted = yield from self._get(Ask(unit, end, 0, 2))
            self._leave_out(unit, counted.total, known.in_unit)
        self.start, self.offset = unit + self._unit, 0
        return self.end is None or self.start <= self.end

    def _dense(self, known: "Recent[R]", unit: datetime) -> Generator[Ask, Page[R], bool]:
        """Reads the rest of a second with more rows than offsets reach from its far end, newest first.

        False when the two readings do not meet. They must meet at the row where the first one stopped: where
        equal times have an order of their own, newest first may begin with the same rows.
        """
        if self._paging.order is None:
            return False
        inside = yield from self._ends_inside(unit)
        end = unit if inside else unit + self._unit
        kept: dict[object, R] = {}
        offset, back = 0, self.limit - 1
        for _ in range(IDLE + 4 * self._pages_to_cap()):
            page = yield from self._get(Ask(unit, end, offset, self.limit, descending=True))
            rows = page.rows
            if offset and not (rows and known.key(rows[0]) in kept):
                offset, back = max(0, offset - back), back * 2
                continue
            back = self.limit - 1
            for row in rows:
                if known.has(row):
                    met = known.is_last(row)
                    if met:
                        rest = [row for row in kept.values() if self._lies_in(row, unit)]
                        self._hand_out(reversed(rest))
                    return met
                kept[known.key(row)] = row
            offset += len(rows) - 1
            if len(rows) < 2 or offset > self.cap:
                return False
        return False

    def _lies_in(self, row: R, unit: datetime) -> bool:
        moment = self._moment(row)
        return moment is None or self._floor(moment) == unit

    def _next_part(self, known: "Seen[R]", ended: bool) -> Generator[Ask, Page[R], bool]:
        """Begins the next stretch of a read in an undocumented order. False when there is none."""
        if not ended:
            parts = yield from self._slice(known)
            self._pending += reversed(parts)
        if not self._pending:
            return False
        self.start, self.end = self._pending.pop()
        self.offset, self._short, self._enough = 0, 0, None
        known.new_window()
        return True

    def _slice(self, known: "Seen[R]") -> Generator[Ask, Page[R], list[tuple[datetime, datetime]]]:
        """The parts of a stretch past the cap that must be read, cut by the times that were seen in it."""
        start = self.start if self.start is not None else FIRST_MOMENT
        end = self.end if self.end is not None else LAST_MOMENT
        moments = known.moments()
        self._lacks_times |= known.lacks_times()
        if not moments:
            raise self._error(OffsetCapError, f"rows past the cap carry no time to cut by; {SPLIT}")
        if end - start <= self._unit:
            if start == end or not (yield from self._ends_inside(self._floor(moments[0]))):
                self._leave_out(start, self.total, len(moments))
                return []
            return [(start, start), (end, end)]
        rising, falling = moments == sorted(moments), moments == sorted(moments, reverse=True)
        ordered = rising or falling
        sample = moments if ordered else sorted(moments)
        cut = self._floor(sample[min(self.cap, len(moments) - 1) if ordered else len(moments) // 2])
        if not start <= cut <= end:  # the range is one of other times than this row shows
            cut, ordered = self._floor(start + (end - start) / 2), False
        middle = min(max(cut, start + self._unit), end - self._unit)
        if ordered and rising:
            behind = sum(moment < middle for moment in moments)
            if (yield from self._is_read(known, start, middle, behind, upper=True)):
                return [(middle, end)]
        elif ordered:  # its own second goes with what is left, also where the end is counted out
            above = min(max(cut, start), end - 2 * self._unit) + self._unit
            behind = sum(moment >= above for moment in moments)
            if (yield from self._is_read(known, above, end, behind, upper=False)):
                return [(start, above)]
        return [(start, middle), (middle, end)]

    def _is_read(
        self, known: "Seen[R]", start: datetime, end: datetime, rows: int, *, upper: bool
    ) -> Generator[Ask, Page[R], bool]:
        """Whether a part of this stretch ends with a row that was read: then nothing unread lies in it.

        That it counts as many rows as were read of it would prove nothing: one may have gone.
        """
        if rows == 0 or rows - 1 > self.cap:
            return False
        if upper and (yield from self._ends_inside(end)):
            end -= self._unit
        page = yield from self._get(Ask(start, end, rows - 1, 2))
        return len(page.rows) == 1 and known.is_here(page.rows[0])

    def _ends_inside(self, moment: datetime) -> Generator[Ask, Page[R], bool]:
        """Whether the service counts the end of a range in: a known second, alone, has rows then."""
        if not self._end_inside:
            page = yield from self._get(Ask(moment, moment, 0, 2))
            self._end_inside = bool(page.rows)
        return self._end_inside

    def _add_up(self) -> Steps[R]:
        """The parts must hold the whole: rows without a time lie in no part."""
        if self.expected is None and self._lacks_times:
            raise self._incomplete("some rows have no time, and without a total nobody can tell how many")
        if self.expected is None or self._taken >= self.expected:
            return
        now = (yield from self._get(Ask(*self._whole, 0, 2))).total
        if now is not None and self._taken < min(now, self.expected):
            raise self._incomplete(f"the parts do not add up to the {now} rows that match")

    # -- checks -------------------------------------------------------------------------------------

    def _check_order(self, rows: Sequence[R]) -> None:
        """Rows that should rise in time may fall, unless something was concluded from their times."""
        if not isinstance(self._known, Recent):
            return
        stamps = self._stamps(rows)
        self._fell |= any(map(lt, stamps[1:], stamps))
        self._known.by_time = not self._fell
        if self._fell and self._known.relied_on_time:
            raise self._incomplete("the rows came in another order than the one asked for")

    def _check_reach(self, page: Page[R]) -> None:
        if self._span is not None or page.total is None or self._delivered:
            return
        reach = self.cap + min(self.limit, max(self._largest, 1))
        if page.total > reach and (self._most is None or self._most > reach):
            raise self._error(OffsetCapError, f"{page.total} rows match, and offsets reach {reach}; {SPLIT}")

    def _stamps(self, rows: Iterable[R]) -> list[datetime]:
        """The times of rows that have one. Those of one zone compare by what its clock shows."""
        return list(filter(None, map(self._stamp, rows)))

    def _moment(self, row: R) -> datetime | None:
        """What the account's clock showed at a row, as the range filter tests it."""
        stamp = self._stamp(row)
        return None if stamp is None else stamp.replace(tzinfo=None)

    def _floor(self, moment: datetime) -> datetime:
        return floor(moment, self._unit)

    def _withheld(self, page: Page[R]) -> str:
        counted = "" if page.total is None else f" although it counts {page.total}"
        return f"the service gave {len(page.rows)} rows at offset {self.offset}{counted}"

    def _leave_out(self, unit: datetime, total: int | None, read: int) -> None:
        """Goes on without the rest of a second, or day. The first one is told of when all else was read."""
        size, shown = ("day", unit.date()) if self._unit == DAY else ("second", unit)
        count = f"at least {read}" if total is None or total < read else str(total)
        reach = f"{self.cap + self.limit} of them" + (" from each end" if self._paging.order else "")
        self._dense_error = self._dense_error or self._error(
            WindowTooDenseError, f"{count} rows share one {size}, {shown}, and offsets reach {reach}; {SPLIT}"
        )

    def _incomplete(self, why: str) -> PagingError:
        return self._error(
            IncompleteError, f"{why}; {self._delivered} rows were delivered; read again, or in smaller parts"
        )

    def _error(self, kind: Callable[..., PagingError], message: str) -> PagingError:
        return kind(message, endpoint=self.endpoint.id, outcome="rejected", attempts=1)


def stamp_of(span: RangeFilter | None) -> Callable[[Row], datetime | None]:
    """What gives the time of a row that a range filter tests, in the account's zone."""
    if span is None or span.field is None:
        return lambda row: None
    stamp: Callable[[Row], datetime | None] = attrgetter(span.field)
    return stamp


def floor(moment: datetime, unit: timedelta) -> datetime:
    """The second, or the day, that a moment lies in."""
    if unit == DAY:
        return moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return moment.replace(microsecond=0)


SPLIT = "split the read with filters, or with partitions=[{...}, ...]"
