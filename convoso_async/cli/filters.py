"""What is to be read, as people type it: a range in the account's time, and parts of a list."""

import shlex
from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from ..endpoint import DAY, Endpoint, RangeFilter
from ..parameters import clock
from .exit import BadUse
from .values import given

DAYS_AGO = {"today": 0, "yesterday": 1}


def moment_of(option: str, text: str, zone: tzinfo) -> date | datetime:
    """The day or the moment of `2026-03-01`, `2026-03-01 08:30`, `today` or `yesterday`.

    Raises BadUse, naming the option, for anything else.
    """
    if text in DAYS_AGO:
        return datetime.now(zone).date() - timedelta(days=DAYS_AGO[text])
    try:
        return date.fromisoformat(text) if len(text) <= len("YYYY-MM-DD") else datetime.fromisoformat(text)
    except ValueError:
        raise BadUse(
            f"{option} must be a day or a time, such as 2026-03-01, '2026-03-01 08:30', today or yesterday,"
            f" not {text!r}"
        ) from None


def range_of(
    endpoint: Endpoint[Any], start: str | None, end: str | None, zone: tzinfo
) -> dict[str, date | datetime]:
    """The call's own parameters for `--from` and `--to`.

    Raises BadUse for a call without a range, for times where it knows only days, for a bad one, and for a
    range that ends before it begins.
    """
    given = {
        option: moment_of(option, text, zone)
        for option, text in (("--from", start), ("--to", end))
        if text is not None
    }
    if not given:
        return {}
    if not endpoint.ranges:
        raise BadUse(f"{endpoint.id} has no range of time: leave out {' and '.join(given)}")
    span: RangeFilter = endpoint.ranges[0]
    for option, moment in given.items():
        if span.unit == DAY and isinstance(moment, datetime):
            raise BadUse(f"{option} must be a day, such as 2026-03-01: {endpoint.id} knows no times")
    if len(given) == 2:  # both ends
        first = clock(given["--from"].isoformat(), zone)
        last = clock(given["--to"].isoformat(), zone, ends_range=True)
        if first and last and last < first:
            raise BadUse(f"--to {end} lies before --from {start}")
    names = {"--from": span.start, "--to": span.end}
    return {names[option]: moment for option, moment in given.items()}


def parts_of(endpoint: Endpoint[Any], partition: Sequence[str]) -> list[dict[str, object]] | None:
    """The filters of each `--partition`, such as `campaign_id=111` or `'reason=DNC purpose=-BLANK-'`.

    None without any. Raises BadUse for what the call does not take.
    """
    return [given(endpoint, shlex.split(words)) for words in partition] or None
