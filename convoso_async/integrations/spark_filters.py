"""Conditions on columns that the call knows as parameters. Pure, and needs nothing of Spark.

A condition is never left to the service alone: Spark looks at every row again. What the service is asked is
as wide as the condition or wider, since a row that it leaves out is lost.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import attrs

from ..endpoint import DAY, SECOND
from ..resource import form_of
from ..search import moment_of
from .entities import Entity

MOST_VALUES = 500
"""Values of one condition that go into a request."""


@attrs.frozen
class Pushed:
    """What conditions ask of the service: values by parameter, and moments that no wanted row lies before or
    after.
    """

    where: Mapping[str, object] = attrs.field(factory=dict)
    start: datetime | None = None
    end: datetime | None = None

    def filters(self, entity: Entity, given: Mapping[str, object], zone: tzinfo) -> dict[str, object] | None:
        """The parameters of a read: those given, narrowed by what conditions ask. None for an empty range."""
        narrowed = {**self.where, **given}
        span = entity.time
        if span is None or (self.start is None and self.end is None):
            return narrowed
        start, end = (
            moment_of(
                entity.call.id, name, None if given.get(name) is None else str(given[name]), zone, span.unit
            )
            for name in (span.start, span.end)
        )
        if self.start is not None:
            moment = on_clock(self.start, zone, -1)
            start = narrowed[span.start] = moment if start is None else max(start, moment)
        if self.end is not None:
            moment = on_clock(self.end, zone, +1)
            end = narrowed[span.end] = moment if end is None else min(end, moment)
        return None if start is not None and end is not None and start > end else narrowed


def pushed_of(entity: Entity, conditions: Iterable[object], given: Mapping[str, object]) -> Pushed:
    """What conditions ask, which all must hold, beside the parameters given.

    Conditions are filters of `pyspark.sql.datasource`: their class is the test, and most have the column as
    `attribute` and a `value`.
    """
    where: dict[str, object] = {}
    starts, ends = [], []
    for condition in conditions:
        name, test = ".".join(getattr(condition, "attribute", ())), type(condition).__name__
        value = getattr(condition, "value", None)
        if entity.change is not None and entity.time is not None and name == entity.time.field:
            if isinstance(value, datetime) and value.tzinfo is not None:
                if test in ("GreaterThan", "GreaterThanOrEqual", "EqualTo"):
                    starts.append(value)
                if test in ("LessThan", "LessThanOrEqual", "EqualTo"):
                    ends.append(value)
        elif name not in (*where, *given) and (values := values_of(entity, name, test, value)):
            where[name] = values
    return Pushed(where, max(starts, default=None), min(ends, default=None))


def values_of(entity: Entity, name: str, test: str, value: Any) -> list[str]:
    """The values of a parameter that a condition asks for; none for one that the call does not test exactly.

    Ids and statuses are compared whole. Names and phone numbers are not known to be.
    """
    if not (name == "id" or name.endswith("_id") or name == "status") or not entity.paged:
        return []
    values = value if test == "In" else [value] if test == "EqualTo" else []
    if not 0 < len(values) <= MOST_VALUES or not all(isinstance(one, str) and one for one in values):
        return []
    try:
        form_of(entity.call).pairs({name: list(values)}, UTC)
    except (TypeError, ValueError):  # no such parameter, or one that takes no such value
        return []
    return list(values)


def on_clock(moment: datetime, zone: tzinfo, side: int) -> datetime:
    """A moment on the account's clock, to the second, moved to one `side` as far as doubt goes.

    Rows show the clock alone: near a change of its offset, that may say an hour more or less.
    """
    near = [(moment + side * DAY).astimezone(zone).utcoffset() for side in (-1, 1)]
    doubt = abs((near[1] or timedelta(0)) - (near[0] or timedelta(0)))
    shown = moment.astimezone(zone).replace(tzinfo=None, microsecond=0)
    return shown + side * (doubt + SECOND)
