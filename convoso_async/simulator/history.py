"""Call logs: a million of them in a few columns.

A call is three numbers: its id, its stamp and 64 dice. Everything else follows from the dice when a row
is asked for (see `call_rows`). A column costs 8 bytes a call, so a million calls take 24 MB, a window is a
bisection, and a filter is one pass over the dice, kept until the calls change.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from . import clock

FIRST_ID = 5_500_000
KEPT_FILTERS = 16
# Share of a working day's calls by hour: quiet nights, a peak late in the morning and one after lunch.
BY_HOUR = [1, 0, 0, 0, 0, 1, 2, 8, 40, 80, 110, 120, 70, 90, 115, 110, 90, 60, 30, 12, 5, 3, 2, 1]
BY_WEEKDAY = [10, 10, 10, 10, 9, 3, 1]


class Slot(NamedTuple):
    """The part of the dice that decides one attribute, and how many values it has."""

    shift: int
    mask: int
    values: int

    def of(self, dice: int) -> int:
        """The value, 0 to `values` - 1."""
        return ((dice >> self.shift) & self.mask) % self.values


Filter = tuple[Slot, frozenset[int]]


class CallHistory:
    """All calls in order of their stamps, those of one second in order of their ids."""

    def __init__(self) -> None:
        self.ids = array("q")
        self.stamps = array("q")
        self.dice = array("Q")
        # What a call was given explicitly, in place of what its dice say.
        self.changes: dict[int, dict[str, Any]] = {}
        # Told the id of each call that is added or changed.
        self.watchers: list[Callable[[int], None]] = []
        self._found: dict[object, array[int]] = {}
        self._next_id = FIRST_ID

    def fill(self, count: int, start: int, end: int, zone: ZoneInfo, random: Random) -> None:
        """Spread `count` calls over the span as a call center would make them."""
        steps, sums = _plan(start, end, zone)
        begins: dict[int, int] = {}
        mixed: list[range] = []
        for (stamp, fold), low, high in zip(steps, sums, sums[1:], strict=False):
            first = begins.setdefault(stamp, len(self.stamps))
            wanted = high * count // sums[-1] - low * count // sums[-1]
            if wanted:
                self.stamps.extend(_crowd(range(stamp, min(stamp + clock.STEP, end)), wanted, random))
            if fold:
                overlaps = mixed and first < mixed[-1].stop
                mixed.append(range(mixed.pop().start if overlaps else first, len(self.stamps)))
        size = len(self.stamps)
        steps_of_ids = map(_GAPS.__getitem__, random.randbytes(size))
        self.ids = array("q", accumulate(steps_of_ids, initial=FIRST_ID))[1:]
        self.dice.frombytes(random.randbytes(8 * size))
        self._next_id = (self.ids[-1] if size else FIRST_ID) + 1
        for region in mixed:
            self._sort(region)

    def _sort(self, region: range) -> None:
        """Bring both runs of a repeated hour into the order that the clock shows."""
        pairs = sorted((self.stamps[at], self.ids[at]) for at in region)
        self.stamps[region.start : region.stop] = array("q", (stamp for stamp, _ in pairs))
        self.ids[region.start : region.stop] = array("q", (call_id for _, call_id in pairs))

    def __len__(self) -> int:
        return len(self.ids)

    def position(self, call_id: int) -> int | None:
        """Where the call with this id is."""
        try:
            return self.ids.index(call_id)
        except (ValueError, OverflowError):
            return None

    def add(self, count: int, stamp: int, dice: Sequence[int], changes: dict[str, Any]) -> list[int]:
        """Add calls with new ids in one second; the ids."""
        ids = [self._next_id + i for i in range(count)]
        at = bisect_right(self.stamps, stamp)
        self._next_id += count + 2
        self.ids[at:at] = array("q", ids)
        self.stamps[at:at] = array("q", [stamp]) * count
        self.dice[at:at] = array("Q", dice)
        if changes:
            self.changes.update((call_id, dict(changes)) for call_id in ids)
        self._found.clear()
        self._tell(ids)
        return ids

    def change(self, call_id: int, changes: dict[str, Any]) -> None:
        """Give a call values of its own."""
        self.changes.setdefault(call_id, {}).update(changes)
        self._found.clear()
        self._tell([call_id])

    def _tell(self, ids: Sequence[int]) -> None:
        for tell in self.watchers:
            for call_id in ids:
                tell(call_id)

    def remove(self, call_id: int) -> bool:
        """Take a call out; False when there is none."""
        at = self.position(call_id)
        if at is None:
            return False
        for column in (self.ids, self.stamps, self.dice):
            column.pop(at)
        self.changes.pop(call_id, None)
        self._found.clear()
        return True

    def window(self, start: int | None, end: int | None, inclusive: bool = True) -> range:
        """Positions of the calls from start to end; None leaves that side open."""
        low = 0 if start is None else bisect_left(self.stamps, start)
        cut = bisect_right if inclusive else bisect_left
        high = len(self.stamps) if end is None else cut(self.stamps, end)
        return range(low, max(low, high))

    def found(self, key: object) -> array[int] | None:
        """What `keep` kept under this key, unless the calls have changed since."""
        return self._found.get(key)

    def keep(self, key: object, positions: array[int]) -> array[int]:
        """Keep the positions that a filter found."""
        while len(self._found) >= KEPT_FILTERS:
            self._found.pop(next(iter(self._found)))
        self._found[key] = positions
        return positions

    def matching(self, filters: Sequence[Filter]) -> Iterator[int]:
        """Positions whose dice satisfy all the filters; calls with values of their own are left out."""
        dice = self.dice
        positions: Sequence[int] = range(len(dice))
        for (shift, mask, values), wanted in filters:
            positions = [at for at in positions if ((dice[at] >> shift) & mask) % values in wanted]
        if not self.changes:
            return iter(positions)
        ids, changes = self.ids, self.changes
        return (at for at in positions if ids[at] not in changes)

    def changed(self) -> Iterator[int]:
        """Positions of the calls with values of their own."""
        if not self.changes:
            return iter(())
        return (at for at, call_id in enumerate(self.ids) if call_id in self.changes)


def within(positions: array[int], window: range) -> Sequence[int]:
    """Those of the ascending positions that lie in the window."""
    return positions[bisect_left(positions, window.start) : bisect_left(positions, window.stop)]


@lru_cache(maxsize=8)
def _plan(start: int, end: int, zone: ZoneInfo) -> tuple[list[tuple[int, bool]], list[int]]:
    """The half hours of a span, and the calls up to each as shares of the last number."""
    steps = list(clock.steps(start, end, zone))
    return steps, [0, *accumulate(_weight(stamp) for stamp, _ in steps)]


def _weight(stamp: int) -> int:
    weekday = (stamp // clock.DAY + 3) % 7
    return BY_HOUR[stamp % clock.DAY // 3600] * BY_WEEKDAY[weekday] + 1


def _crowd(span: range, count: int, random: Random) -> list[int]:
    """`count` seconds of the span in order; some are hot, as when the dialer starts several calls at once."""
    together = count // 8 + (random.randrange(8) < count % 8)
    alone = random.choices(span, k=count - together)
    hot = alone[: 1 + len(alone) // 6]
    return sorted(alone + random.choices(hot, k=together)) if alone else random.choices(span, k=count)


# Ids have gaps: other accounts of the service take numbers in between.
_GAPS = bytes(1 + (byte < 64) + 3 * (byte < 8) for byte in range(256))
