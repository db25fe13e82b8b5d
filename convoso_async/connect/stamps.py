"""Dates as an adaptor can be told to write them, for the readers that know only the standard form.

The format is chosen for each date field in the adaptor, and a payload does not name it. No two of the
documented formats can be mistaken for each other, so the text tells.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from ..reply import Json

PATTERNS = (
    "m/d/Y",
    "m/d/Y H:i:s",
    "m/d/y",
    "m/d/y g:i a",
    "m.d.y",
    "j-m-y",
    "j, n, Y",
    "F j, Y, g:i a",
    "D M j G:i:s T Y",
    "Ymd",
    r"Ymd\THis\Z",
)
"""The documented formats in PHP's date letters, but for those in ISO form, which all readers know."""
ISO = re.compile(r"\d{4}-", re.ASCII)
UNIX_SECONDS = re.compile(r"\d{9,10}", re.ASCII)  # from 1973 to 2286; fewer digits may be a day or an age
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LETTERS = {
    "Y": r"(?P<year>\d{4})",
    "y": r"(?P<short_year>\d\d)",
    "m": r"(?P<month>\d\d)",
    "n": r"(?P<month>\d{1,2})",
    "M": r"(?P<month>[a-z]{3})",
    "F": r"(?P<month>[a-z]{3,9})",
    "d": r"(?P<day>\d\d)",
    "j": r"(?P<day>\d{1,2})",
    "D": r"[a-z]{3}",
    "H": r"(?P<hour>\d\d)",
    "G": r"(?P<hour>\d{1,2})",
    "g": r"(?P<hour>\d{1,2})",
    "i": r"(?P<minute>\d\d)",
    "s": r"(?P<second>\d\d)",
    "a": r"(?P<half>[ap]m)",
    "T": r"(?P<zone>[a-z]{1,5}|[+-]\d\d(?::?\d\d)?)",
}


def _regex(pattern: str) -> re.Pattern[str]:
    r"""A date pattern as a regular expression. `\T` is the letter itself; a final `\Z` says UTC."""
    parts = []
    for escaped, letter in re.findall(r"\\(.)|(.)", pattern):
        if escaped:
            parts.append("(?P<zone>z)" if escaped == "Z" else re.escape(escaped))
        else:
            parts.append(LETTERS.get(letter) or re.escape(letter))
    return re.compile("".join(parts), re.IGNORECASE | re.ASCII)


FORMS = [_regex(pattern) for pattern in PATTERNS]


def standard(value: Json, zone: tzinfo, *, day_only: bool = False) -> Json:
    """The same date in ISO form; `value` itself where it is so already, or in no documented form.

    Where only a day is wanted, which may be of any century, a year of two digits is not enough: such a value
    stays as it is, as an age in years does.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or ISO.match(value):
        return value
    if UNIX_SECONDS.fullmatch(value):
        return datetime.fromtimestamp(int(value), zone).isoformat()
    for form in FORMS:
        match = form.fullmatch(value)
        if match is not None and not (day_only and "short_year" in match.groupdict()):
            try:
                return _moment(match.groupdict(), zone).isoformat()
            except (ValueError, OverflowError):
                return value
    return value


def _moment(parts: dict[str, str | None], zone: tzinfo) -> date:
    """What the parts of a date say: a day, a moment without a zone, or an aware one where a zone is named."""

    def number(name: str) -> int:
        return int(parts.get(name) or 0)

    year = number("year") or 2000 + number("short_year")
    month = parts["month"] or ""
    day = date(year, int(month) if month.isdigit() else _month(month), number("day"))
    if "minute" not in parts:
        return day
    hour = number("hour")
    if parts.get("half"):
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if (parts["half"] or "").lower() == "pm" else 0)
    moment = datetime(day.year, day.month, day.day, hour, number("minute"), number("second"))
    named = parts.get("zone")
    return _in_zone(moment, named.upper(), zone).astimezone(zone) if named else moment


def _month(name: str) -> int:
    return MONTHS.index(name[:3].lower()) + 1


def _in_zone(moment: datetime, named: str, zone: tzinfo) -> datetime:
    """A moment in the zone that an abbreviation names: UTC, an offset, or one of the account's own two."""
    if named in ("UTC", "GMT", "Z"):
        return moment.replace(tzinfo=UTC)
    if named[0] in "+-":
        offset = timedelta(hours=int(named[1:3]), minutes=int(named[3:].lstrip(":") or 0))
        return moment.replace(tzinfo=timezone(-offset if named[0] == "-" else offset))
    for fold in (0, 1):
        local = moment.replace(tzinfo=zone, fold=fold)
        if local.tzname() == named:
            return local
    raise ValueError  # abbreviations of other zones have more than one meaning
