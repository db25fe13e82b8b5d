"""Records of an account by id: leads, callbacks, DNC entries and the like."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

Row = dict[str, Any]
KEPT_SEARCHES = 16


class Records:
    """Rows by ascending id. Searches are kept until a row changes, so that paging is cheap."""

    def __init__(self, first_id: int, *, index: tuple[str, ...] = ()) -> None:
        self.rows: dict[int, Row] = {}
        # Told the id of each row that is added or changed.
        self.watchers: list[Callable[[int], None]] = []
        self._next_id = first_id
        self._index = index
        self._by_key: dict[tuple[Any, ...], dict[int, None]] = {}
        self._found: dict[Hashable, list[Row]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def add(self, row: Row) -> int:
        """Keep a new row; its id, also written into it as text under `id`."""
        row_id = self._next_id
        self._next_id += 1
        self.rows[row_id] = {"id": str(row_id), **row}
        self._enter(row_id)
        self._tell(row_id)
        return row_id

    def get(self, row_id: str | int | None) -> Row | None:
        """The row with this id, given as number or text."""
        number = str(row_id)
        return self.rows.get(int(number)) if number.isdecimal() else None

    def change(self, row_id: str | int, changes: Row) -> None:
        """Write these values into a row."""
        number = int(row_id)
        self._leave(number)
        self.rows[number].update(changes)
        self._enter(number)
        self._tell(number)

    def remove(self, row_id: str | int) -> bool:
        """Take a row out; False when there is none."""
        number = int(row_id)
        if number not in self.rows:
            return False
        self._leave(number)
        del self.rows[number]
        return True

    def with_key(self, *key: Any) -> list[Row]:
        """Rows whose indexed columns hold these values, by ascending id."""
        return [self.rows[row_id] for row_id in self._by_key.get(key, ())]

    def search(
        self,
        key: Hashable,
        wanted: Callable[[Row], bool],
        order: Callable[[Row], Any] | None = None,
    ) -> list[Row]:
        """Rows that are wanted, by ascending id or in the order given; kept under `key`."""
        if key not in self._found:
            rows = [row for row in self if wanted(row)]
            while len(self._found) >= KEPT_SEARCHES:
                self._found.pop(next(iter(self._found)))
            self._found[key] = sorted(rows, key=order) if order else rows
        return self._found[key]

    def _enter(self, row_id: int) -> None:
        self._found.clear()
        if self._index:
            self._by_key.setdefault(self._key(row_id), {})[row_id] = None

    def _leave(self, row_id: int) -> None:
        self._found.clear()
        if self._index:
            self._by_key[self._key(row_id)].pop(row_id)

    def _tell(self, row_id: int) -> None:
        for tell in self.watchers:
            tell(row_id)

    def _key(self, row_id: int) -> tuple[Any, ...]:
        row = self.rows[row_id]
        return tuple(row[name] for name in self._index)
