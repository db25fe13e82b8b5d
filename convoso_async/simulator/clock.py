"""The account's clock: stamps without a zone mark, as seconds that the clock shows.

A stamp is kept as the number of seconds from 1970-01-01 00:00:00 *on the account's clock*, which makes
ranges, days and order plain arithmetic. In autumn the clock shows one hour twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 86_400
ZERO = datetime(1970, 1, 1)
STEP = 1800


def seconds(stamp: datetime) -> int:
    """The stamp of a naive account time."""
    return int((stamp - ZERO).total_seconds())


def moment(stamp: int) -> datetime:
    """The naive account time of a stamp."""
    return ZERO + timedelta(seconds=stamp)


def text(stamp: int) -> str:
    """`YYYY-MM-DD HH:MM:SS`."""
    days, rest = divmod(stamp, DAY)
    return f"{_day(days)} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def day_text(stamp: int) -> str:
    """`YYYY-MM-DD`."""
    return _day(stamp // DAY)


def twelve_hours(stamp: int) -> str:
    """`YYYY-MM-DD hh:mm AM/PM`, the form of callback times."""
    return moment(stamp).strftime("%Y-%m-%d %I:%M %p")


def duration(length: int) -> str:
    """`HH:MM:SS`."""
    return f"{length // 3600:02d}:{length // 60 % 60:02d}:{length % 60:02d}"


def parse(value: datetime | str) -> int:
    """The stamp of a naive datetime or of `YYYY-MM-DD[ HH:MM:SS]`."""
    return seconds(value if isinstance(value, datetime) else datetime.fromisoformat(value))


def steps(start: int, end: int, zone: ZoneInfo) -> Iterator[tuple[int, bool]]:
    """The half hours between two stamps as the clock shows them, and whether it shows them a second time.

    A half hour that the clock skips in spring does not come; one that it repeats in autumn comes twice.
    """
    real = moment(start).replace(tzinfo=zone).astimezone(UTC)
    last = moment(end).replace(tzinfo=zone, fold=1).astimezone(UTC)
    while real < last:
        local = real.astimezone(zone)
        stamp = seconds(local.replace(tzinfo=None))
        # A bound inside the repeated hour cuts both runs.
        if start <= stamp < end:
            yield stamp, bool(local.fold)
        real += timedelta(seconds=STEP)


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    return (ZERO + timedelta(days=days)).strftime("%Y-%m-%d")
