"""The source of a row loader: straight code for one class of rows and one set of keys.

The code takes in place the forms that nearly every value has. Any other value goes to its reader, alone, with
the same result: `convert` has the readers, and compiles what is written here.
"""

import re
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol, TypeVar

import attrs


class Field(Protocol):
    """One attribute of a row: the keys that it may stand under, and the kind of its value, one of `FORMS`."""

    @property
    def name(self) -> str:
        """The attribute's name."""
        ...

    @property
    def keys(self) -> tuple[str, ...]:
        """Where the value may stand, the first choice first."""
        ...

    @property
    def kind(self) -> str:
        """What kind of value it is."""
        ...

    @property
    def read(self) -> Callable[[Any], Any]:
        """Takes all forms of it."""
        ...


F = TypeVar("F", bound=Field)

# On 3.13 `replace` takes 0.09 µs and `combine` 0.12; before, 0.7 and 0.17.
STAMP = (
    "naive(v).replace(tzinfo=zone)"
    if sys.version_info >= (3, 13)
    else "combine(at := naive(v), at.time(), zone)"
)

FORMS: Mapping[str, Sequence[tuple[str, ...]]] = {
    "text": (
        ('type(v) is str and v != "" and v != "-"', "row.x = v"),
        ('v is None or v == "" or v == "-"', "row.x = None"),
    ),
    "identifier": (
        ('type(v) is str and v != "" and v != "0" and v != "-"', "row.x = v"),
        ('v is None or v == "" or v == "0" or v == "-"', "row.x = None"),
        ("type(v) is int and v", "row.x = str(v)"),
    ),
    # A look-up takes a third of the time of `int`, and equal counts are then one object.
    "count": (
        ("type(v) is str and v in counts", "row.x = counts[v]"),
        ("type(v) is int", "row.x = v"),
        ("v is None", "row.x = None"),
    ),
    "number": (("type(v) is float", "row.x = v"), ("v is None", "row.x = None")),
    "flag": (
        ("v is True or v is False", "row.x = v"),
        ("type(v) is str and v in flags", "row.x = flags[v]"),
        ("v is None", "row.x = None"),
    ),
    # Both colons: `2025-07-14T10:05+07` is as long, and has an offset of its own.
    "stamp": (
        ('type(v) is str and len(v) == 19 and v[13] == ":" == v[16]', f"row.x = {STAMP}"),
        ("v is None", "row.x = None"),
    ),
    "rows": (
        (
            "type(v) is list",
            "row.x = few = []",
            "if v:",
            "    x_rows.recent(v, few)",
            "    if len(few) < len(v):",
            "        few += x_rows.many(v[len(few):])",
        ),
        ("v is None", "row.x = []"),
    ),
    "words": (("v is None", "row.x = []"),),
    "object": (("type(v) is dict and v", "row.x = v"), ("v is None", "row.x = None")),
    "any": (("v is None", "row.x = None"),),
}
"""By kind, the forms of a value `v`: a test, and the lines that set attribute `x` where it holds."""
TEXTS = ("text", "identifier")
LISTS = ("rows", "words")
"""The kinds that are an empty list when nothing came; all others are None."""


def source_of(
    cls: type[Any], fields: Sequence[Field], keys: Sequence[str], repeated: Container[str] = ()
) -> str:
    """The source of a function `load(sources, made)` for sources with exactly these keys, two or more.

    It appends a row to `made` for each source, up to the first that has other keys, which it returns.
    Attributes in `repeated` are looked up among the values that came before.

    Beside the names that `FORMS` use, it wants `cls`, `new`, `values_of` the keys, `settled`, for an
    attribute x its reader `x_read`, for a repeated one a dict `x_known` and `learned`; `read_together` reads
    what `divided` says cannot be read alone.
    """
    by_key, together = divided(fields, keys)
    values = {
        key: f"v_{by_key[key][0].name}" if key in by_key else f"u_{place}" for place, key in enumerate(keys)
    }
    unread = ", ".join(f"{key!r}: {value}" for key, value in values.items() if key not in by_key)
    body = [
        f"if type(source) is not dict or len(source) != {len(keys)}:",
        "    return source",
        "try:",
        f"    {', '.join(values.values())} = values_of(source)",
        "except KeyError:",
        "    return source",
        "row = new(cls)",
        f"row.extra = {{{unread}}}",
    ]
    if together:
        body.append("found = read_together(source, row.extra)")
        body += [f"row.{field.name} = found.get({field.name!r}){or_empty(field)}" for field in together]
    for key, (field, *same) in by_key.items():
        body += looked_up(field, key) if field.name in repeated else stored(field, key)
        body += [f"row.{other.name} = row.{field.name}" for other in same]
    body += absent(cls, {"extra", *(field.name for field in chain(*by_key.values(), together))})
    body.append("made.append(row)")
    lines = ["def load(sources, made):", "    for source in sources:", *(f"        {line}" for line in body)]
    return "\n".join([*lines, ""])


def divided(fields: Sequence[F], keys: Iterable[str]) -> tuple[dict[str, list[F]], list[F]]:
    """The fields that `keys` bring: by key, those that this one key decides, and the others.

    Two may have the same key, as an id that also has the name that the call gives it.
    """
    present = set(keys)
    found = [(field, [key for key in field.keys if key in present]) for field in fields]
    by_key: dict[str, list[F]] = {}
    for field, its_keys in found:
        for key in its_keys:
            by_key.setdefault(key, []).append(field)
    several = {field.name for field, its_keys in found if len(its_keys) > 1}
    for key, readers in list(by_key.items()):
        alike = len({field.read for field in readers}) == 1 and readers[0].kind in TEXTS
        if several.intersection(field.name for field in readers) or (len(readers) > 1 and not alike):
            del by_key[key]
    return by_key, [field for field, its_keys in found if its_keys and its_keys[0] not in by_key]


def stored(field: Field, key: str) -> list[str]:
    """The lines that set one attribute, by its value's form."""
    otherwise = f"row.x = settled(row, KEY, v, x_read){or_empty(field)}"
    lines: list[str] = []
    for test, *actions in FORMS[field.kind]:
        lines += [f"{'elif' if lines else 'if'} {test}:", *(f"    {action}" for action in actions)]
    lines += ["else:", f"    {otherwise}"]
    if field.kind == "stamp":
        lines = ["try:", *(f"    {line}" for line in lines), "except ValueError:", f"    {otherwise}"]
    return named(lines, field, key)


def looked_up(field: Field, key: str) -> list[str]:
    """The lines that set one attribute to the object that stands for its value in all rows."""
    lines = [
        "try:",
        "    row.x = x_known[v]",
        "except (KeyError, TypeError):",
        "    row.x = learned(row, KEY, v, x_read, x_known)",
    ]
    return named(lines, field, key)


def named(lines: Iterable[str], field: Field, key: str) -> list[str]:
    """Lines about an attribute `x`, its value `v` and the value's `KEY`, with their names."""
    own = {"x": field.name, "v": f"v_{field.name}", "KEY": repr(key)}
    return [re.sub(r"\b(x(?=_|\b)|v\b|KEY\b)", lambda found: own[found[0]], line) for line in lines]


def or_empty(field: Field) -> str:
    """What follows a reading that may be None, where the attribute may not."""
    return " or []" if field.kind in LISTS else ""


def absent(cls: type[Any], names: Container[str]) -> Iterator[str]:
    """The lines that set the other attributes, as `cls()` would."""
    for attribute in attrs.fields(cls):
        if attribute.name not in names:
            made = hasattr(attribute.default, "factory")
            yield f"row.{attribute.name} = {'[]' if made else repr(attribute.default)}"
