"""The types of parameters: what the caller may give, and how it is written on the wire.

A parameter is declared once, as the annotation of a `TypedDict` key. Type checkers read the Python type;
`form` reads the rule behind it, which checks a value and gives its text.
"""

import builtins
import operator
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Annotated, Literal, Protocol, SupportsIndex, TypedDict
from zoneinfo import ZoneInfo

from attrs import frozen


class Rule(Protocol):
    """Checks one value and gives the text that is sent for it."""

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        """The text for `value`. Raises TypeError or ValueError naming `name` and what would be right."""
        ...


def wrong_type(name: str, value: object, expected: str) -> TypeError:
    """The error for a value of a type that the parameter does not take. Values are never shown."""
    given = type(value).__name__
    if hasattr(builtins, given) and type(value) is not getattr(builtins, given):
        given = f"{type(value).__module__}.{given}"  # numpy's bool is no bool
    return TypeError(f"{name} must be {expected}, not {given}")


@frozen
class TextRule:
    """Any text, of a bounded length where bounds are known."""

    shortest: int = 0
    longest: int | None = None

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        if not isinstance(value, str):
            raise wrong_type(name, value, "a str")
        size = len(value)
        if size < self.shortest or (self.longest is not None and size > self.longest):
            most = "or more" if self.longest is None else f"to {self.longest}"
            raise ValueError(f"{name} must have {self.shortest} {most} characters, not {size}")
        return value


@frozen
class IdRule:
    """An id: text, or a whole number."""

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        if isinstance(value, str):
            return value
        number = whole_number(value)
        if number is None:
            raise wrong_type(name, value, "a str or an int")
        return str(number)


@frozen
class IntegerRule:
    """A whole number between bounds."""

    least: int | None = None
    most: int | None = None

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        number = whole_number(value)
        if number is None:
            raise wrong_type(name, value, "an int")
        if (self.least is not None and number < self.least) or (self.most is not None and number > self.most):
            raise ValueError(f"{name} must be {self.bounds}, not {number}")
        return str(number)

    @property
    def bounds(self) -> str:
        if self.most is None:
            return f"{self.least} or more"
        return f"at most {self.most}" if self.least is None else f"{self.least} to {self.most}"


@frozen
class NumberRule:
    """A number, written without an exponent. Text only where the documentation types it as text."""

    or_text: bool = False

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        if isinstance(value, str) and self.or_text:
            return value
        if isinstance(value, float):
            value = Decimal(repr(float(value)))
        number = value if isinstance(value, Decimal) else whole_number(value)
        if number is None:
            expected = "a number (int, float or Decimal)"
            raise wrong_type(name, value, f"{expected} or a str" if self.or_text else expected)
        exact = Decimal(number)
        if not exact.is_finite():
            raise ValueError(f"{name} must be a finite number")
        return format(exact, "f")


@frozen
class FlagRule:
    """Yes or no, as the call spells it: `true`/`false`, `1`/`0` or `Y`/`N`."""

    yes: str
    no: str

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        if isinstance(value, bool):
            return self.yes if value else self.no
        if self.yes == "true":
            raise wrong_type(name, value, "a bool")
        number = whole_number(value)
        word = value if number is None else str(number)
        if not isinstance(word, str) or (number is not None) is not self.yes.isdigit():
            raise wrong_type(name, value, f"a bool, {self.yes} or {self.no}")
        if word not in (self.yes, self.no):
            raise ValueError(f"{name} must be a bool, {self.yes} or {self.no}")
        return word


@frozen
class ChoiceRule:
    """One word of a known set, in any case; it is sent as documented."""

    words: tuple[str, ...]

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        if not isinstance(value, str):
            raise wrong_type(name, value, "a str")
        wanted = value.casefold()
        for word in self.words:
            if word.casefold() == wanted:
                return word
        raise ValueError(f"{name} must be one of {', '.join(self.words)}")


@frozen
class ListRule:
    """One value, or several, which are joined with commas."""

    item: Rule

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        if isinstance(value, str):
            # Several may stand in one text already: it goes as it is, where each word is right.
            if isinstance(self.item, ChoiceRule):
                return ",".join(self.item.text(name, word, zone) for word in value.split(","))
            return value
        if isinstance(value, Iterator):  # it would be empty when a pager reads on
            raise wrong_type(name, value, "one value, or several in a list, a tuple or a set")
        if not isinstance(value, Collection) or isinstance(value, bytes | bytearray | memoryview | Mapping):
            return self.item.text(name, value, zone)
        if len(value) == 0:  # which an array of numpy would not say of itself
            raise ValueError(f"{name} is an empty list; the service would read it as no filter: leave it out")
        return ",".join(self._words(name, value, zone))

    def _words(self, name: str, values: Iterable[object], zone: tzinfo) -> Iterable[str]:
        for position, value in enumerate(values):
            word = self.item.text(f"{name}[{position}]", value, zone)
            if "," in word or not word:
                raise ValueError(f"{name}[{position}] must not be empty or hold a comma")
            yield word


@frozen
class DayRule:
    """A day, `YYYY-MM-DD`. A datetime counts by its day in the account's zone."""

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, datetime):
            check_is_time(name, value)
            value = on_account_clock(value, zone)
        if not isinstance(value, date):
            raise wrong_type(name, value, "a date, a datetime or a str")
        return value.strftime("%Y-%m-%d") if value.year >= 1000 else value.isoformat()[:10]


@frozen
class MomentRule:
    """A second of account time, `YYYY-MM-DD HH:MM:SS`.

    A plain date is the first second of that day, or the last one where it ends a range.
    """

    ends_range: bool = False

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, datetime):
            check_is_time(name, value)
            return on_account_clock(value, zone).isoformat(" ", "seconds")
        if not isinstance(value, date):
            raise wrong_type(name, value, "a datetime, a date or a str")
        return f"{value.isoformat()} {'23:59:59' if self.ends_range else '00:00:00'}"


@frozen
class CallbackTimeRule:
    """A callback's time, `YYYY-MM-DD hh:mm AM`, to the minute, local to `callback_time_zone`."""

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        if isinstance(value, str):
            return value
        if not isinstance(value, datetime):
            raise wrong_type(name, value, "a datetime or a str")
        check_is_time(name, value)
        half = "AM" if value.hour < 12 else "PM"
        return f"{value.date().isoformat()} {value.hour % 12 or 12:02d}:{value.minute:02d} {half}"


@frozen
class OffsetRule:
    """An offset from UTC in hours, with minutes after the point: -7 is `-7.00`, 5.30 is `+5.30`."""

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        if isinstance(value, str):
            return value
        written = NumberRule().text(name, value, zone)
        hours = Decimal(written)
        if not -12 <= hours <= 14 or abs(hours) % 1 * 100 not in (0, 15, 30, 45):
            raise ValueError(
                f"{name} must be hours from -12 to 14 with minutes 00, 15, 30 or 45 after the point,"
                " so that five and a half hours are 5.30"
            )
        return f"{hours:+.2f}" if hours else "0.00"


@frozen
class ColorRule:
    """Six hexadecimal digits. A leading `#`, as replies have it, is taken off."""

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        digits = TextRule().text(name, value, zone).removeprefix("#")
        if len(digits) != 6 or not set(digits) <= set("0123456789abcdefABCDEF"):
            raise ValueError(f"{name} must be six hexadecimal digits, such as 3A7F2B")
        return digits


def whole_number(value: object) -> int | None:
    """`value` as an int when it is one (numpy's integers are too), None when it is not. A bool is not."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        return None
    try:
        return operator.index(value)
    except TypeError:  # numpy's arrays have the method as well
        return None


def check_is_time(name: str, value: datetime) -> None:
    """Refuses pandas' NaT, which is a datetime by its class and would be sent as that word."""
    if value != value:
        raise ValueError(f"{name} must be a time, not {type(value).__name__}; None leaves it out")


def on_account_clock(value: datetime, zone: tzinfo) -> datetime:
    """What the account's clock shows at `value`, without a zone. A naive value is account time already."""
    try:
        return value.astimezone(zone).replace(tzinfo=None) if value.tzinfo is not None else value
    except OverflowError:  # at the ends of the calendar, where some hours more or less mean nothing
        return value.replace(tzinfo=None)


def clock(text: str, zone: tzinfo, *, ends_range: bool = False) -> datetime | None:
    """What a range's text says on the account's clock, None for a text that is no ISO date or time."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    if ends_range and len(text) == len("YYYY-MM-DD"):
        value = datetime.combine(value, time.max)
    return on_account_clock(value, zone)


def zone_of(name: str, given: object) -> tzinfo:
    """The zone that `callback_time_zone` names: hours with minutes after the point, or a zone's name."""
    if not isinstance(given, str | int | float | Decimal):
        raise wrong_type(name, given, "a number or a str")
    try:
        hours = Decimal(str(given))
    except ArithmeticError:
        try:
            return ZoneInfo(str(given))
        except (KeyError, ValueError, OSError):
            raise ValueError(
                f"{name} must be hours such as -7 or 5.30, or a zone such as America/Denver"
            ) from None
    OffsetRule().text(name, hours, UTC)
    whole = int(hours)
    return timezone(timedelta(hours=whole, minutes=int((hours - whole) * 100)))


def written_offset(value: datetime) -> str | None:
    """The offset of an aware `value` as `callback_time_zone` writes it, None for one that it cannot write."""
    offset = value.utcoffset()
    if offset is None or offset.total_seconds() % 900:
        return None
    seconds = int(offset.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    sign = "+" if seconds > 0 else "-" if seconds < 0 else ""
    return f"{sign}{hours}.{rest // 60:02d}"


Id = Annotated[str | int, IdRule()]
"""An id, as text or as a number."""
Ids = Annotated[str | int | Sequence[str | int], ListRule(IdRule())]
"""One id or several."""
Words = Annotated[str | Sequence[str], ListRule(TextRule())]
"""One word or several."""
Day = Annotated[date | str, DayRule()]
"""A day: a date, a datetime (its day in the account's zone), or `YYYY-MM-DD`."""
When = Annotated[datetime | date | str, MomentRule()]
"""A moment: an aware datetime, or a naive one or `YYYY-MM-DD HH:MM:SS` in account time."""
Until = Annotated[datetime | date | str, MomentRule(ends_range=True)]
"""The end of a range, as `When`; a plain date is the end of that day."""
CallbackTime = Annotated[datetime | str, CallbackTimeRule()]
"""When to call back, to the minute: a datetime, or `YYYY-MM-DD hh:mm AM`."""
Offset = Annotated[float | Decimal | str, OffsetRule()]
"""Hours from UTC with minutes after the point: -7, 5.30 for five and a half."""
Number = Annotated[float | Decimal, NumberRule()]
"""A number: int, float or Decimal."""
NumberOrText = Annotated[float | Decimal | str, NumberRule(or_text=True)]
"""A number, or its text, where the documentation types it as text."""
Flag = Annotated[bool, FlagRule("true", "false")]
"""A bool, sent as `true` or `false`."""
Bit = Annotated[bool | Literal[0, 1], FlagRule("1", "0")]
"""A bool, 1 or 0, sent as `1` or `0`."""
YesNo = Annotated[bool | Literal["Y", "N"], FlagRule("Y", "N")]
"""A bool, `Y` or `N`, sent as `Y` or `N`."""
Color = Annotated[str, ColorRule()]
"""Six hexadecimal digits."""
FieldValue = str | int | float | Decimal | bool | date | datetime | None
"""What a custom field can be set to. None is left out, an empty text is sent."""


class WholeRead(TypedDict, total=False):
    """How a pager reads, beside its filters.

    `page_size` is rows per request: the call's maximum, or fewer. `max_rows` ends the read early.
    `partitions` are filters such as `[{"campaign_id": 1}, {"campaign_id": 2}]`, each for a search of its own,
    where one does not reach all rows; a row that two of them find comes once.
    """

    page_size: int | None
    max_rows: int | None
    partitions: Sequence[Mapping[str, object]] | None


@frozen
class FieldRule:
    """The value of a custom field, whose type only the account knows."""

    def text(self, name: str, value: object, zone: tzinfo) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return FLAG.text(name, value, zone)
        if isinstance(value, datetime):
            return MOMENT.text(name, value, zone)
        if isinstance(value, date):
            return DAY.text(name, value, zone)
        number = whole_number(value)
        if number is not None:
            return str(number)
        if isinstance(value, float | Decimal):
            return NumberRule().text(name, value, zone)
        raise wrong_type(name, value, "text, a number, a bool, a date or a datetime")


FLAG, MOMENT, DAY, FIELD = FlagRule("true", "false"), MomentRule(), DayRule(), FieldRule()
FIELDS = ListRule(FIELD)
