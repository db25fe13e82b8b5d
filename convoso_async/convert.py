"""From decoded JSON to typed rows, tolerant of every drift that the service shows.

One cattrs converter for each account zone. Rows have a hook of their own, made once per class from its
annotations: it keeps unknown keys, folds what means nothing to None, and never raises. Rows that come in
number are made by compiled code; a value in an unusual form goes through the readers below.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import cache, partial
from itertools import repeat
from operator import itemgetter
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, cast, get_args, get_origin
from zoneinfo import ZoneInfo

import attrs
import cattrs

from .reply import Json
from .row_source import TEXTS, divided, source_of
from .rows import Reading, Row, Wire, annotations_of

R = TypeVar("R", bound=Row)
Read = Callable[[Json], Any]
"""Makes a value. Raises ValueError when it cannot; the original is then kept in `extra`."""
Load = Callable[[Iterable[Any], list[Any]], Json]
"""Appends a row for each object, up to the first that has other keys than its own, and gives that one."""

NOTHING: tuple[Json, ...] = (None, "", "-", [], {})
"""What means no value, wherever it stands."""
SAMPLE = 50
"""Rows that are read plainly before a loader is compiled for their keys, which takes the time of some 200."""
MOST_SHAPES = 64
"""Sets of keys, of one class, that loaders are kept for."""
MOST_KEYS = 500
MOST_KNOWN = 1_000


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


def loader(cls: type[R], zone: tzinfo) -> Callable[[Json], R]:
    """Makes a row of `cls` from decoded JSON, with stamps in `zone`."""
    return row_loader(cls, zone).one


_ROW_LOADERS: dict[tuple[type[Row], tzinfo], Any] = {}


def row_loader(cls: type[R], zone: tzinfo) -> "RowLoader[R]":
    """What makes rows of `cls`, with stamps in `zone`. Made once for each."""
    made: RowLoader[R] | None = _ROW_LOADERS.get((cls, zone))
    if made is None:
        made = _ROW_LOADERS[cls, zone] = RowLoader(cls, zone)
    return made


@attrs.frozen
class _Field:
    """One attribute of a row: the keys it may stand under, and how its value is read.

    `kind` names its usual forms, which compiled code reads itself. `item` is the class of rows in a list.
    """

    name: str
    keys: tuple[str, ...]
    kind: str
    read: Read
    item: type[Row] | None = None


class RowLoader(Generic[R]):
    """Makes rows of one class, by code compiled for the keys that they have.

    Replies hold different keys: documented ones, those of an account, or fewer. Keys that come often have a
    loader compiled for them; all others are read by the plain loader, with the same result.
    """

    def __init__(self, cls: type[R], zone: tzinfo) -> None:
        self._cls = cls
        self._zone = zone
        self._fields = fields_of(cls, zone)
        self._compiled: dict[tuple[str, ...], Load] = {}
        self._samples: dict[tuple[str, ...], list[R]] = {}
        self.recent: Load = _none_yet

    def one(self, source: Json) -> R:
        """The row for one object."""
        return self.many((source,))[0]

    def many(self, sources: Sequence[Json]) -> list[R]:
        """The rows for the objects of a page."""
        return self._all(iter(sources), len(sources))

    def drain(self, sources: list[Json]) -> list[R]:
        """The rows for the objects of a page, which is empty then.

        That takes a tenth of the time less: each object goes while it is still in the processor's cache, and
        the garbage collector finds fewer to look through.
        """
        sources.reverse()
        count = len(sources)
        return self._all(map(sources.pop, repeat(-1, count)), count)

    def _all(self, sources: Iterator[Json], count: int) -> list[R]:
        made: list[R] = []
        odd = self.recent(sources, made)
        while len(made) < count:
            keys = keys_of(odd)
            load = self._compiled.get(keys)
            if load is None:
                made.append(self._first(keys, odd))
            else:
                self.recent = load
                load((odd,), made)
            odd = self.recent(sources, made)
        return made

    def _first(self, keys: tuple[str, ...], source: Json) -> R:
        """The row for an object with keys that no loader was compiled for; after a few of them, one is."""
        row = self.plain(source)
        if keys:
            sample = self._samples.setdefault(keys, [])
            sample.append(row)
            if len(sample) >= SAMPLE:
                self._samples.pop(keys, None)  # another thread may have been here in between
                self._compiled[keys] = self.compiled(keys, sample)
            for known in (self._samples, self._compiled):
                if len(known) > MOST_SHAPES:
                    known.clear()
        return row

    def plain(self, source: Json) -> R:
        """The row for one object, by code that was not compiled: what all rows must be like."""
        if not isinstance(source, dict):
            shape = self._cls._from_text(source) if isinstance(source, str) else None
            if shape is None:
                return self._cls(extra={"value": source})
            source = shape
        left = dict(source)
        values = read_fields(self._fields, source, left)
        return self._cls(**values, extra=left)

    def compiled(self, keys: tuple[str, ...], sample: Sequence[R] = ()) -> Load:
        """A loader for objects with exactly these keys, its source in `__source__`.

        Texts of which a sample of rows shows few, such as a status, are then one object in all rows: that
        saves a third of the memory, and looking them up takes no longer than testing them.
        """
        repeated = {
            field.name
            for field in self._fields
            if field.kind in TEXTS and len({getattr(row, field.name) for row in sample}) * 4 < len(sample)
        }
        source = source_of(self._cls, self._fields, keys, repeated)
        names: dict[str, Any] = {
            "cls": self._cls,
            "new": object.__new__,
            "values_of": itemgetter(*keys),
            "settled": settled,
            "learned": learned,
            "read_together": partial(read_fields, divided(self._fields, keys)[1]),
            "counts": SMALL_COUNTS,
            "flags": FLAG_WORDS,
            "naive": datetime.fromisoformat,
            "combine": datetime.combine,
            "zone": self._zone,
        }
        for field in self._fields:
            names[f"{field.name}_read"] = field.read
            names[f"{field.name}_known"] = {}
            if field.item is not None:
                names[f"{field.name}_rows"] = row_loader(field.item, self._zone)
        exec(compile(source, f"<loader of {self._cls.__name__}>", "exec"), names)  # noqa: S102  # our own source
        load: Load = names["load"]
        vars(load)["__source__"] = source
        return load


def keys_of(source: Json) -> tuple[str, ...]:
    """The keys of an object that a loader can be compiled for, else nothing."""
    return tuple(source) if type(source) is dict and 2 <= len(source) <= MOST_KEYS else ()


def _none_yet(sources: Iterable[Any], made: list[Any]) -> Json:
    """A loader of no shape."""
    return next(iter(sources), None)


def read_fields(fields: Sequence[_Field], source: dict[str, Json], left: dict[str, Json]) -> dict[str, Any]:
    """The values of attributes, without those that are None. `left` keeps of `source` what nobody read."""
    values: dict[str, Any] = {}
    for field in fields:
        for key in field.keys:
            if key in source and field.name not in values:
                left.pop(key, None)
                value, keep = reading(field.read, source[key])
                if value is not None:
                    values[field.name] = value
                if keep:
                    left[key] = source[key]
    return values


def reading(read: Read, original: Json) -> tuple[Any, bool]:
    """What a reader makes of a value, and whether the original is to be kept beside it."""
    try:
        value = read(original)
    except (ValueError, OverflowError):
        return None, True
    return value, isinstance(original, dict) and isinstance(value, str)  # only a word of it was taken


def settled(row: Row, key: str, original: Json, read: Read) -> Any:
    """What a reader makes of a value of a row, the original being kept in `extra` where that must be."""
    value, keep = reading(read, original)
    if keep:
        row.extra[key] = original
    return value


def learned(row: Row, key: str, original: Json, read: Read, known: dict[Json, Any]) -> Any:
    """What a reader makes of a value of a row, noted in `known` where it came as text or as nothing."""
    value = settled(row, key, original, read)
    if original is None or type(original) is str:  # True is 1 as a key
        if len(known) >= MOST_KNOWN:
            known.clear()
        known[original] = value
    return value


def fields_of(cls: type[Row], zone: tzinfo) -> list[_Field]:
    """The attributes of a class of rows that are read from a reply."""
    own = ("extra", "raw", "already")
    return [field_of(name, hint, zone) for name, hint in annotations_of(cls).items() if name not in own]


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
                return _Field(name, keys, "any", as_it_came)  # Json: whatever stands there
            hint = parts[0]
        else:
            break
    if get_origin(hint) is list and (item := get_args(hint)[0]) is not str:
        return _Field(name, keys, "rows", partial(many, item=loader(item, zone)), item)
    return _Field(name, keys, *_reader(name, hint, reading, zone))


def _reader(name: str, hint: Any, reading: str | None, zone: tzinfo) -> tuple[str, Read]:
    """The kind of a value that is not a list of rows, and its reader."""
    if reading is not None:
        return {"text": ("text", text), "money": ("number", money), "seconds": ("count", seconds)}[reading]
    if hint is str:
        if name == "id" or name.endswith("_id"):
            return "identifier", identifier
        return "text", partial(_text_or_own_key, name)
    if hint is datetime:
        return "stamp", partial(stamp, zone=zone)
    if get_origin(hint) is list:
        return "words", partial(many, item=text)
    simple: dict[Any, tuple[str, Read]] = {
        int: ("count", count),
        float: ("number", number),
        bool: ("flag", flag),
        date: ("any", day),
    }
    return simple.get(hint, ("object", mapping))


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
    if isinstance(value, dict) and isinstance(value.get(name), str) and value[name] not in NOTHING:
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


SMALL_COUNTS: dict[str, int | None] = {
    "": None,
    "-": None,
    **{str(number): number for number in range(1_000)},
}


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

FLAG_WORDS: dict[str, bool | None] = {**FLAGS, "Y": True, "N": False, "": None, "-": None}


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
