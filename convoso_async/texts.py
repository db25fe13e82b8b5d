"""Texts that stand for values, as people type them or options hold them, turned into what parameters take."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal

from .parameters import (
    CallbackTimeRule,
    DayRule,
    FlagRule,
    IntegerRule,
    ListRule,
    MomentRule,
    NumberRule,
    OffsetRule,
    Rule,
)

YES, NO = ("true", "yes", "y", "1", "on"), ("false", "no", "n", "0", "off")


def value_of(rule: Rule, text: str) -> object:
    """A text as the type that a rule takes. Where a rule takes text, it is the rule that checks it.

    Raises ValueError or ArithmeticError for one that is no such value.
    """
    if isinstance(rule, ListRule):
        return [value_of(rule.item, part.strip()) for part in text.split(",")] if "," in text else text
    reader = READERS.get(type(rule))
    return text if reader is None else reader(text)


def flag_of(text: str) -> bool:
    """Yes or no, in any of the usual words. Raises ValueError for another."""
    word = text.strip().casefold()
    if word not in (*YES, *NO):
        raise ValueError(word)
    return word in YES


def _day(text: str) -> date | str:
    """A day. An empty text is sent as it is: it clears the value."""
    return date.fromisoformat(text) if text else text


def _moment(text: str) -> datetime | date:
    """A text without a time is a day."""
    return date.fromisoformat(text) if len(text) <= len("YYYY-MM-DD") else datetime.fromisoformat(text)


def _callback_time(text: str) -> datetime:
    for form in ("%Y-%m-%d %I:%M %p", "%Y-%m-%d %H:%M"):
        try:
            return datetime.strptime(text.upper(), form)
        except ValueError:
            continue
    return datetime.fromisoformat(text)


def _offset(text: str) -> Decimal | str:
    """Hours; else the text as it is, for the service to judge: one source takes the names of zones."""
    try:
        return Decimal(text)
    except ArithmeticError:
        return text


READERS: Mapping[type, Callable[[str], object]] = {
    IntegerRule: int,
    NumberRule: Decimal,
    FlagRule: flag_of,
    DayRule: _day,
    MomentRule: _moment,
    CallbackTimeRule: _callback_time,
    OffsetRule: _offset,
}
