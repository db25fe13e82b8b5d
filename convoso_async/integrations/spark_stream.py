"""A stream of calls in Spark: each once, when it is old enough to have settled.

The offset is a moment of each account's clock. A batch holds the calls of the time between two offsets,
whenever and however often it is read, so a query that is restarted from its checkpoint goes on where it was.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
from pyspark.sql.datasource import DataSourceStreamReader, InputPartition

from ..client import AsyncConvoso
from ..endpoint import SECOND
from ..errors import ConfigurationError
from ..search import moment_of
from .spark_batch import Part, of_each, read
from .spark_options import Account, ReadOptions

if TYPE_CHECKING:
    from pyspark.sql.streaming.datasource import SupportsTriggerAvailableNow
else:
    try:
        from pyspark.sql.streaming.datasource import SupportsTriggerAvailableNow
    except ImportError:  # before Spark 4.2, which ends such a query after one batch
        SupportsTriggerAvailableNow = object

LAG = timedelta(hours=2)
"""How old a call is before a stream gives it, where no option says."""
STEP = timedelta(minutes=1)
"""Offsets are whole minutes, so that a query without a trigger asks no more often than that."""


class CallStream(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """Calls in the order of their time, up to now less the lag, or to the option `end`."""

    def __init__(self, options: ReadOptions, names: Sequence[str]) -> None:
        self._options = options
        self._names = names
        self._last: dict[str, str] | None = None

    def prepareForTriggerAvailableNow(self) -> None:
        """A query that takes what there is ends where calls have settled at its start."""
        self._last = self.latestOffset()

    def initialOffset(self) -> dict[str, str]:
        """Where a query begins that has no checkpoint: the option `start`."""
        return {account.name: self._bound(account, "start") for account in self._options.accounts}

    def latestOffset(self, start: dict[str, str] | None = None, limit: object = None) -> dict[str, str]:
        """Up to where calls have settled. Never before `start`, which Spark gives from 4.2 on."""
        latest = self._last or {account.name: self._settled(account) for account in self._options.accounts}
        before = {**self.initialOffset(), **(start or {})}
        return {name: max(moment, before[name]) for name, moment in latest.items()}

    def _settled(self, account: Account) -> str:
        lag = LAG if self._options.lag is None else self._options.lag
        moment = settled(datetime.now(UTC), lag, account.zone).isoformat(" ")
        return moment if self._options.end is None else min(moment, self._bound(account, "end"))

    def partitions(self, start: dict[str, str], end: dict[str, str]) -> list[InputPartition]:
        """The windows of each account between two offsets."""
        begins = {**self.initialOffset(), **start}
        for name, moment in end.items():
            if moment < begins.get(name, moment):
                raise ConfigurationError(
                    f"the stream of {name} is at {begins[name]} already: set 'lag' back, or the clock right"
                )
        ask = partial(calls_between, options=self._options, start=begins, end=end)
        return list(asyncio.run(of_each(self._options, ask)))

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """The calls of a window as Arrow batches."""
        return read(self._options, self._names, partition)

    def _bound(self, account: Account, option: str) -> str:
        """The option `start` as an offset, or `end`, whose second is still in."""
        text, more = (self._options.start, 0) if option == "start" else (self._options.end, 1)
        moment = moment_of("a stream", option, text, account.zone, SECOND)
        assert moment is not None
        return (moment + more * SECOND).isoformat(" ")


async def calls_between(
    client: AsyncConvoso,
    account: Account,
    *,
    options: ReadOptions,
    start: Mapping[str, str],
    end: Mapping[str, str],
) -> list[Part]:
    """What the tasks read of one account, from the moment of one offset to before that of another."""
    since, until = start[account.name], end.get(account.name, start[account.name])
    if since == until:
        return []
    span = options.entity.time
    assert span is not None
    filters = {**options.where, span.start: since, span.end: until}
    # The order of calls is documented, so that every plan of them can be trusted.
    windows = await options.entity.pager(client, filters).plan()
    parts = [attrs.evolve(window, last=False) for window in windows]  # the end is the next batch's start
    return [Part(account, filters, window, len(parts)) for window in parts]


def settled(now: datetime, lag: timedelta, zone: tzinfo) -> datetime:
    """The minute that the account's clock showed a lag ago, unless it will show it again.

    In the hour that it shows twice, the first time, that is the minute before this hour.
    """
    then = (now - lag).astimezone(zone)
    shown = then.replace(tzinfo=None, second=0, microsecond=0)
    while not then.fold and is_shown_twice(shown, zone):
        shown -= STEP
    return shown


def is_shown_twice(shown: datetime, zone: tzinfo) -> bool:
    """Whether the clock shows a time twice, as in autumn."""
    first, second = (shown.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first > second
