"""From decoded JSON to typed rows, tolerant of every drift that the service shows.

One cattrs converter for each account zone. Rows have a hook of their own, made once per class from its
annotations: it keeps unknown keys, folds what means nothing to None, and never raises.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import cache, partial
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin
from zoneinfo import ZoneInfo

import attrs
import cattrs

from .reply import Json
from .rows import Reading, Row, Wire, annotations_of

R = TypeVar("R", bound=Row)
Read = Callable[[Json], Any]
"""Makes a value. Raises ValueError when it cannot; the original is then kept in `extra`."""

NOTHING: tuple[Json, ...] = (None, "", "-", [], {})
"""What means no value, wherever it stands."""


@cache
def converter(zone: tzinfo) -> cattrs.Converter:
    """The converter for an account's zone: structures rows tolerantly, and gives them back as plain JSON."""
    made = cattrs.Converter(omit_if_default=True)
    made.register_structure_hook_factory(
        lambda cls: isinstance(cls, type) and issubclass(cls, Row),
        lambda cls: lambda value, _: loader(cls, zone)(value),
    )
    for stamp_type in (date, datetime):
        made.register_unstructure_hook(stamp_type, lambda value: value.isoformat())
    return made


@attrs.frozen
class _Field:
    """One attribute of a row: the keys it may stand under, and how its value is read."""

    name: str
    keys: tuple[str, ...]
    read: Read


_LOADERS: dict[tuple[type[Row], tzinfo], Callable[[Json], Any]] = {}


def loader(cls: type[R], zone: tzinfo) -> Callable[[Json], R]:
    """Makes rows of `cls` from decoded JSON, with stamps in `zone`. Made once for each."""
    made = _LOADERS.get((cls, zone))
    if made is None:
        made = _LOADERS[cls, zone] = _loader(cls, zone)
    return made


def _loader(cls: type[R], zone: tzinfo) -> Callable[[Json], R]:
    fields = [
        field_of(name, hint, zone)
        for name, hint in annotations_of(cls).items()
        if name not in ("extra", "raw", "already")
    ]

    def load(source: Json) -> R:
        if not isinstance(source, dict):
            shape = cls._from_text(source) if isinstance(source, str) else None
            if shape is None:
                return cls(extra={"value": source})
            source = shape
        left = dict(source)
        values: dict[str, Any] = {}
        for field in fields:
            for key in field.keys:
                if key not in source or field.name in values:
                    continue
                original = source[key]
                left.pop(key, None)
                try:
                    value = field.read(original)
                except (ValueError, OverflowError):
                    left[key] = original
                    continue
                if value is not None:
                    values[field.name] = value
                if isinstance(original, dict) and isinstance(value, str):
                    left[key] = original  # only a word of it was taken
        return cls(**values, extra=left)

    return load


def field_of(name: str, hint: Any, zone: tzinfo) -> _Field:
    """How an attribute is read, from its annotation."""
    keys: tuple[str, ...] = (name.removesuffix("_"),)
    reading = None
    while True:
        if get_origin(hint) is Annotated:
            hint, *marks = get_args(hint)
            for mark in marks:
                keys = mark.keys if isinstance(mark, Wire) else keys
                reading = mark.name if isinstance(mark, Reading) else reading
        elif get_origin(hint) in (Union, UnionType):
            parts = [part for part in get_args(hint) if part is not type(None)]
            if len(parts) > 1:
                return _Field(name, keys, as_it_came)  # Json: whatever stands there
            hint = parts[0]
        else:
            break
    return _Field(name, keys, _reader(name, hint, reading, zone))


def _reader(name: str, hint: Any, reading: str | None, zone: tzinfo) -> Read:
    if reading is not None:
        return {"text": text, "money": money, "seconds": seconds}[reading]
    if hint is str:
        return identifier if name == "id" or name.endswith("_id") else partial(_text_or_own_key, name)
    if hint is datetime:
        return partial(stamp, zone=zone)
    if get_origin(hint) is list:
        item = get_args(hint)[0]
        return partial(many, item=text if item is str else loader(item, zone))
    simple: dict[Any, Read] = {int: count, float: number, bool: flag, date: day}
    return simple.get(hint, mapping)


# -- single values ----------------------------------------------------------------------------------


def as_it_came(value: Json) -> Json:
    """Any JSON, None for what means nothing."""
    return None if value in NOTHING else value


def text(value: Json) -> str | None:
    """A text, also from a number."""
    if isinstance(value, str):
        return None if value in ("", "-") else value
    if value in NOTHING:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool | list | dict):
        raise ValueError
    return str(value)


def _text_or_own_key(name: str, value: Json) -> str | None:
    """A text; or an object that holds it under the same name, as one source has agents' `status`."""
    if isinstance(value, dict) and isinstance(value.get(name), str):
        value = value[name]
    return text(value)


def identifier(value: Json) -> str | None:
    """An id as text. `0` means none."""
    written = text(value)
    return None if written == "0" else written


def count(value: Json) -> int | None:
    """A whole number, also from text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value in ("", "-"):
            return None
        digits = value[1:] if value[0] in "+-" else value
        if digits.isascii() and digits.isdigit() and len(digits) < 4_000:
            return int(value)
        value = float(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value in NOTHING:
        return None
    raise ValueError


def seconds(value: Json) -> int | None:
    """Whole seconds, also from `HH:MM:SS` or `MM:SS`."""
    if not isinstance(value, str) or ":" not in value:
        return count(value)
    total = 0
    for part in value.split(":"):
        if not (part.isascii() and part.isdigit() and len(part) < 10):
            raise ValueError
        total = total * 60 + int(part)
    return total


def number(value: Json) -> float | None:
    """A number, also from text."""
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, int | float):
        return float(value)
    if value in NOTHING:
        return None
    if isinstance(value, str) and value.lstrip(" +-")[:1].isdigit() and "_" not in value:
        return float(value)
    raise ValueError


def money(value: Json) -> float | None:
    """An amount. The text `0.00` means none."""
    return None if value == "0.00" else number(value)


FLAGS: dict[str, bool] = {
    **dict.fromkeys(("y", "yes", "1", "true"), True),
    **dict.fromkeys(("n", "no", "0", "false"), False),
}


def flag(value: Json) -> bool | None:
    """Yes or no, from a bool, `Y`/`N`, `1`/`0` as text or number, `true`/`false`."""
    if isinstance(value, bool):
        return value
    if value in NOTHING:
        return None
    known = FLAGS.get(str(value).strip().lower()) if isinstance(value, int | str) else None
    if known is None:
        raise ValueError
    return known


def stamp(value: Json, zone: tzinfo) -> datetime | None:
    """An aware moment in the account's zone, from any of the forms that stamps come in."""
    if isinstance(value, dict) and "date" in value:
        return _stamp_object(value, zone)
    if not isinstance(value, str):
        if value in NOTHING:
            return None
        raise ValueError
    if value in ("", "-") or value.startswith("0000-00-00"):
        return None
    moment = _parsed(value)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _parsed(value: str) -> datetime:
    if value[4:5] != "-":
        raise ValueError
    if value[-1] in "mM":
        return datetime.strptime(value.upper(), "%Y-%m-%d %I:%M %p")
    return datetime.fromisoformat(value)


def _stamp_object(value: dict[str, Json], zone: tzinfo) -> datetime | None:
    """PHP's date object: `date`, and a `timezone` that is an offset or a name. A bare day stays that day."""
    written = value["date"]
    if not isinstance(written, str):
        if written in NOTHING:
            return None
        raise ValueError
    moment = stamp(written, zone)
    named = value.get("timezone")
    if moment is None or len(written) <= len("YYYY-MM-DD") or not isinstance(named, str):
        return moment
    return moment.replace(tzinfo=_named_zone(named)).astimezone(zone)


def _named_zone(name: str) -> tzinfo:
    if name[:1] in "+-" and name:
        hours, _, minutes = name[1:].partition(":")
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return timezone(-offset if name[0] == "-" else offset)
    try:
        return ZoneInfo("UTC" if name == "Z" else name)
    except (KeyError, OSError) as error:
        raise ValueError from error


def day(value: Json) -> date | None:
    """A day, also from a stamp."""
    if not isinstance(value, str):
        if value in NOTHING:
            return None
        raise ValueError
    if value in ("", "-") or value.startswith("0000-00-00"):
        return None
    return _parsed(value).date()


def many(value: Json, item: Read) -> list[Any]:
    """A list: of rows, or of words. One alone, words joined with commas and keyed objects will do."""
    if value in NOTHING:
        return []
    if isinstance(value, dict):
        lone = not all(isinstance(inner, dict) for inner in value.values())
        value = [value] if lone else list(value.values())
    elif isinstance(value, str):
        value = cast("list[Json]", value.split(",")) if item is text else [value]
    elif not isinstance(value, list):
        value = [value]
    return [read for read in map(item, value) if read is not None]


def mapping(value: Json) -> dict[str, Json] | None:
    """An object as it came. An empty one may come as a list."""
    if isinstance(value, dict) and value:
        return value
    if value in NOTHING:
        return None
    raise ValueError
