"""Typed parameters in, form body out. Pure: nothing here waits, and nothing is sent that was not checked."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, tzinfo
from difflib import get_close_matches
from functools import cache, partial
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NoReturn,
    Required,
    TypeGuard,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from urllib.parse import quote_plus

from attrs import frozen

from .auth_token import Token
from .endpoint import Endpoint, RangeFilter
from .parameters import (
    FIELD,
    FIELDS,
    ChoiceRule,
    IntegerRule,
    Rule,
    TextRule,
    clock,
    written_offset,
    wrong_type,
    zone_of,
)

Pairs = list[tuple[str, str]]
"""Names and texts as they stand in the form, in order, without the token."""


class Body:
    """An encoded form with the token in it. Its repr shows only its size."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __repr__(self) -> str:
        return f"<form of {len(self.data)} bytes>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a form cannot be pickled: it holds the token")


@frozen
class Parameter:
    """One parameter of a call: its name on the wire, its rule, and whether it must be there."""

    wire: str
    rule: Rule
    required: bool


class Form:
    """What one call takes. Made once per call, from its declaration."""

    def __init__(self, endpoint: Endpoint[Any]) -> None:
        self.endpoint = endpoint
        self.parameters = parameters_of(endpoint.params)
        self.required = [name for name, parameter in self.parameters.items() if parameter.required]
        wire_names = {parameter.wire for parameter in self.parameters.values()}
        self.reserved = frozenset({"auth_token", *self.parameters, *wire_names})
        self.takes_callback_time = "callback_time_zone" in self.parameters

    def pairs(self, values: Mapping[str, object], zone: tzinfo) -> Pairs:
        """The texts to send for `values`, checked.

        Raises TypeError for a name that the call does not know, a required one that is missing, and a value
        of a wrong type; ValueError for a value out of bounds and a range that ends before it starts.
        """
        call = self.endpoint.id
        try:
            for name in values:
                if name not in self.parameters and name != "fields":
                    raise TypeError(self._unknown(name))
            values = self._with_callback_zone(values, zone)
            for name in self.required:
                if values.get(name) is None:
                    raise TypeError(f"{name} is required")
            given = {name: value for name, value in values.items() if value is not None}
            custom = given.pop("fields", None)
            pairs = []
            for name, value in given.items():
                parameter = self.parameters[name]
                pairs.append((parameter.wire, parameter.rule.text(name, value, zone)))
            for span in self.endpoint.ranges:
                if span.start in given and span.end in given:
                    check_range(span, given, dict(pairs), zone)
            if custom is not None:
                pairs += self._custom(custom, zone)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{call}: {error}") from None
        return pairs

    def _unknown(self, name: str) -> str:
        known = [*self.parameters, "fields"] if self.endpoint.custom_fields else list(self.parameters)
        near = self._near(name, known)
        if near is not None:
            return f"unknown parameter {name!r}; did you mean {near!r}?"
        hint = "; custom fields go in fields={...}" if self.endpoint.custom_fields else ""
        return f"unknown parameter {name!r}; known: {', '.join(known) or 'none'}{hint}"

    def _near(self, name: str, known: list[str]) -> str | None:
        """The name that was meant: one that has all its words, such as `phone_number` for `phone`, else the
        one that looks most like it.
        """
        words = set(name.casefold().strip("_").split("_"))
        if held := [each for each in known if words <= set(each.split("_"))]:
            return min(held, key=lambda each: (each not in self.required, not each.startswith(name)))
        close = get_close_matches(name.casefold(), known, n=1, cutoff=0.6)
        return close[0] if close else None

    def _custom(self, fields: object, zone: tzinfo) -> Iterable[tuple[str, str]]:
        pattern = self.endpoint.custom_fields
        if pattern is None:
            raise TypeError(self._unknown("fields"))
        if not isinstance(fields, Mapping):
            raise wrong_type("fields", fields, "a mapping of names to values")
        for key, value in fields.items():
            name = check_name(key)
            if read_as(name) in self.reserved:
                raise ValueError(f"fields must not hold {name!r}, which has a parameter of its own")
            if not re.fullmatch(pattern, name):
                raise ValueError(f"fields must have names that match {pattern}, unlike {name!r}")
            if value is not None:
                yield name, FIELD.text(f"fields[{name!r}]", value, zone)

    def _with_callback_zone(self, values: Mapping[str, object], zone: tzinfo) -> Mapping[str, object]:
        """An aware callback time is a moment: it is written in the offset given, else it brings its own."""
        when = values.get("callback_time") if self.takes_callback_time else None
        if not isinstance(when, datetime) or when.tzinfo is None:
            return values
        given = values.get("callback_time_zone")
        try:
            if given is not None:
                return {**values, "callback_time": when.astimezone(zone_of("callback_time_zone", given))}
            offset = written_offset(when)
            if offset is None:
                when = when.astimezone(zone)
                offset = written_offset(when)
        except OverflowError:
            raise ValueError("callback_time must not lie at the ends of the calendar") from None
        return {**values, "callback_time": when, "callback_time_zone": offset}


def read_as(name: str) -> str:
    """The name as a PHP service reads it: blanks, dots and brackets make `auth.token` an `auth_token`."""
    before, opened, after = name.lstrip(" ").partition("[")
    if opened and "]" not in after:  # no index, then: it reads `auth[token` as `auth_token`
        before = f"{before}_{after}"
    return before.replace(".", "_").replace(" ", "_")


def check_name(name: object) -> str:
    """A name for the wire, which is text without control characters."""
    if not isinstance(name, str):
        raise wrong_type("the name of a field", name, "a str")
    if not name or not name.isprintable():
        raise ValueError("the name of a field must not be empty or hold NUL, line breaks or other controls")
    return str.__str__(name)


def check_range(
    span: RangeFilter, given: Mapping[str, object], texts: Mapping[str, str], zone: tzinfo
) -> None:
    """A range must not end before it starts: as two moments, and as the account's clock writes them.

    In the hour that the clock shows twice, a later moment may read earlier: the service, which sees only the
    clock, would find nothing.
    """
    begin, end = clock(texts[span.start], zone), clock(texts[span.end], zone, ends_range=True)
    if begin and end and end < begin:
        raise ValueError(f"{span.end} must not lie before {span.start} on the account's clock")
    first, last = given[span.start], given[span.end]
    if is_moment(first) and is_moment(last) and last.timestamp() < first.timestamp():
        raise ValueError(f"{span.end} must not lie before {span.start}")


def is_moment(value: object) -> TypeGuard[datetime]:
    """Whether `value` is one moment: aware, and not in an hour that its clock skips."""
    if not isinstance(value, datetime):
        return False
    before, after = value.replace(fold=0).utcoffset(), value.replace(fold=1).utcoffset()
    return before is not None and after is not None and before >= after


def parameters_of(declared: type) -> dict[str, Parameter]:
    """The parameters that a `TypedDict` declares, by their Python names, without `fields`."""
    hints = get_type_hints(declared, include_extras=True)
    required: frozenset[str] = vars(declared)["__required_keys__"]
    return {
        name: Parameter(name.removesuffix("_"), rule_of(hint), name in required)
        for name, hint in hints.items()
        if name != "fields"
    }


def rule_of(hint: object) -> Rule:
    """The rule behind an annotation: what `Annotated` carries, else that of a plain type."""
    while get_origin(hint) in (Required, Union, UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is Annotated:
        rule: Rule = get_args(hint)[1]
        return rule
    if get_origin(hint) is Literal:
        return ChoiceRule(get_args(hint))
    plain: dict[object, Rule] = {str: TextRule(), int: IntegerRule()}
    return plain[hint]


def encode(pairs: Pairs, token: Token) -> Body:
    """The form body, `application/x-www-form-urlencoded` in UTF-8, with the token first."""
    quoted = quoter()
    parts = [""]  # the token's place: no frame that can fail may hold it
    for name, text in pairs:
        if not (text.isascii() and name.isascii()) and not encodable(name + text):
            raise ValueError(f"{name} holds half of a surrogate pair, which no encoding can send") from None
        exact = text if type(text) is str else str.__str__(text)  # the quoter would take an enum's `str()`
        parts.append(f"{quoted(name)}={quoted(exact)}")
    return Body(f"auth_token={token.encoded}{'&'.join(parts)}".encode("ascii"))


def encodable(text: str) -> bool:
    """Whether UTF-8 can write a text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


UNQUOTED = "!$'()*,"
"""Marks that may stand in a form as they are."""


@cache
def quoter() -> Callable[[str], str]:
    """Quotes one name or text of a form: yarl's C code where it is there, else the standard library.

    It takes 2 µs for eight fields, not 15. aiohttp brings yarl, but not before the first call. The name is
    not public, so it may go, or change; half surrogate pairs it leaves out without a word.
    """
    plain = partial(quote_plus, safe=UNQUOTED)
    try:
        from yarl._quoting_c import _Quoter  # type: ignore[import-not-found]  # it has no stub
    except ImportError:
        return plain
    fast: Callable[[str], str] = _Quoter(qs=True, requote=False)
    return fast if fast(SAMPLE) == plain(SAMPLE) else plain


SAMPLE = "".join(map(chr, range(0x180))) + "\u20ac\U0001f600%41 "


def raw_pairs(params: Mapping[str, object], zone: tzinfo) -> Pairs:
    """The texts to send for a call that is not declared: any name but the token's, custom-field values."""
    if not isinstance(params, Mapping):
        raise wrong_type("params", params, "a mapping of names to values")
    pairs = []
    for key, value in params.items():
        name = check_name(key)
        if read_as(name) == "auth_token":
            raise ValueError("params must not hold auth_token; the client sends its own")
        if value is not None:
            pairs.append((name, FIELDS.text(name, value, zone)))
    return pairs
