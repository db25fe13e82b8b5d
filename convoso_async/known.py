"""What a reading must recognise: the rows that were delivered, in two ways to remember them. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from operator import attrgetter
from typing import Generic, TypeVar

from .endpoint import DAY
from .rows import Row

R = TypeVar("R", bound=Row)


class Known(Generic[R]):
    """The rows that were delivered, as far as they must be recognised."""

    def __init__(self, name: str, moment: Callable[[R], datetime | None], unit: timedelta) -> None:
        self._id: Callable[[R], str | None] = attrgetter(name)
        self._moment = moment
        self._unit = unit

    def key(self, row: R) -> object:
        """What tells a row from all others: its id, or all of it where it has none."""
        key = self._id(row)
        return repr(row) if key is None else key

    def keys(self, rows: Sequence[R]) -> Sequence[object]:
        """The keys of rows."""
        ids = list(map(self._id, rows))
        return ids if all(ids) else list(map(self.key, rows))

    def has(self, row: R) -> bool:
        """Whether a row was delivered."""
        raise NotImplementedError

    def joint(self, rows: Sequence[R], *, begins: bool) -> int | None:
        """The place after the last known row of a page, None for a page that does not join.

        A page that `begins` its window always joins: nothing can stand before it.
        """
        raise NotImplementedError

    def take(self, rows: Sequence[R], joint: int) -> tuple[list[R], bool]:
        """The rows to deliver of a page that joins, and whether it holds any that the window did not have."""
        raise NotImplementedError


class Recent(Known[R]):
    """For rows that come oldest first: the last row and those of its second suffice, in flat memory."""

    def __init__(self, name: str, moment: Callable[[R], datetime | None], unit: timedelta) -> None:
        super().__init__(name, moment, unit)
        self.moment: datetime | None = None
        self.by_time = True
        self.relied_on_time = False
        self._last: object = None
        self._second: set[object] = set()
        self.in_unit = 0  # how many rows of the last second, or day, were delivered

    def has(self, row: R) -> bool:
        return self.key(row) in self._second

    def is_last(self, row: R) -> bool:
        """Whether a row is the last one delivered."""
        return self.key(row) == self._last

    def joint(self, rows: Sequence[R], *, begins: bool) -> int | None:
        if self._last is None:
            return 0
        for place, row in enumerate(rows, start=1):
            if self.key(row) == self._last:
                return place
        if not self.by_time:
            return None
        self.relied_on_time = True
        first_later = next((place for place, row in enumerate(rows) if self.is_later(row)), len(rows))
        return first_later if begins or first_later else None

    def is_later(self, row: R) -> bool:
        """Whether a row comes after the last one delivered. An older one came late, or was delivered."""
        moment = self._moment(row)
        if moment is None or self.moment is None or moment == self.moment:
            return not self.has(row)
        return moment > self.moment

    def take(self, rows: Sequence[R], joint: int) -> tuple[list[R], bool]:
        # Rows of one second may come in another order in the next window, the new among the known.
        among = [row for row in rows[:joint] if self._moment(row) == self.moment and not self.has(row)]
        after = rows[joint:]
        if not self._second.isdisjoint(self.keys(after)):
            after = [row for row in after if not self.has(row)]
        fresh = [*among, *after]
        if fresh:
            self._learn(fresh)
        return fresh, bool(fresh)

    def _learn(self, rows: Sequence[R]) -> None:
        before, last = self.moment, self._moment(rows[-1]) or self.moment
        in_second = _ending(rows, lambda row: (self._moment(row) or last) == last)
        in_unit = _ending(rows, lambda row: self._floor(self._moment(row) or last) == self._floor(last))
        grown = in_unit == len(rows) and self._floor(before) == self._floor(last)
        self.in_unit = in_unit + (self.in_unit if grown else 0)
        if last != before:
            self._second = set()
        self._second.update(self.key(row) for row in rows[len(rows) - in_second :])
        self._last, self.moment = self.key(rows[-1]), last

    def _floor(self, moment: datetime | None) -> object:
        return moment.date() if moment is not None and self._unit == DAY else moment


def _ending(rows: Sequence[R], alike: Callable[[R], bool]) -> int:
    """How many rows at the end are alike."""
    return sum(1 for _ in takewhile(alike, reversed(rows)))


class Seen(Known[R]):
    """For rows whose order is not documented: all that were delivered, and the times seen in this window."""

    def __init__(self, name: str, moment: Callable[[R], datetime | None], unit: timedelta) -> None:
        super().__init__(name, moment, unit)
        self._keys: set[object] = set()
        self.new_window()

    def new_window(self) -> None:
        """Forgets what belongs to one window only."""
        self._here: dict[object, datetime | None] = {}

    def moments(self) -> list[datetime]:
        """The times of this window's rows, in the order in which they came."""
        return [moment for moment in self._here.values() if moment is not None]

    def lacks_times(self) -> bool:
        """Whether a row of this window came without a time."""
        return None in self._here.values()

    def has(self, row: R) -> bool:
        return self.key(row) in self._keys

    def is_here(self, row: R) -> bool:
        """Whether a row was read in this window."""
        return self.key(row) in self._here

    def joint(self, rows: Sequence[R], *, begins: bool) -> int | None:
        for place in range(len(rows), 0, -1):
            if self.key(rows[place - 1]) in self._here:
                return place
        return 0 if begins else None

    def take(self, rows: Sequence[R], joint: int) -> tuple[list[R], bool]:
        before = len(self._here)
        fresh = []
        for row in rows:
            key = self.key(row)
            self._here.setdefault(key, self._moment(row))
            if key not in self._keys:
                self._keys.add(key)
                fresh.append(row)
        return fresh, len(self._here) > before
