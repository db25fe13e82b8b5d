"""What replies become: rows with slots, pages of rows, and the results of writes.

A row class is declared by annotations alone; `convert` reads from them how each value is made.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Generic, TypeVar, dataclass_transform, get_type_hints

import attrs
from attrs import field

from .reply import Json

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def row(cls: type[T]) -> type[T]:
    """Makes a class of rows: slots, keywords only, frozen to type checkers, mutable at run time for speed."""
    return attrs.define(cls, kw_only=True, weakref_slot=False)


@row
class Row:
    """A row of a reply.

    Anything absent, or present and meaning nothing (null, an empty text, `-`, `0` for an id, a date of
    zeros), is None. A text that is no number where a number belongs, and the like, is None too, and its
    original is in `extra`.

    Attributes:
        extra: keys that the documentation does not list, custom fields among them, as they came; and the
            originals of values that could not be converted.
    """

    extra: dict[str, Json] = field(factory=dict)

    @classmethod
    def _from_text(cls, text: str) -> dict[str, Json] | None:
        """The row that a bare text stands for, None where a text cannot stand for a row."""
        return None


@row
class Result(Row):
    """What a write, or a read of one object, answered.

    Attributes:
        success: the reply's own flag; many good replies do not have one.
        already: whether the service said, on a repeat after a lost reply, that it was so already. That
            counts as success; `raw` has the refusal.
        raw: the decoded JSON as it came, unchanged.
    """

    success: bool | None = None
    already: bool = False
    raw: Json = None


@attrs.define(weakref_slot=False, kw_only=True)
class Page(Generic[T]):
    """One page of rows. Iterable, with a length, and indexed like a list.

    Attributes:
        rows: the rows, in the order in which they came.
        total: how many rows match in all, None where the reply does not say.
        offset: the place of the first row among all that match.
        limit: how many rows the page could hold: what the reply says, else what was asked for.
        raw: the decoded JSON as it came, unchanged.
    """

    rows: list[T]
    total: int | None = None
    offset: int | None = None
    limit: int | None = None
    raw: Json = None

    def __iter__(self) -> Iterator[T]:
        """The rows, one by one."""
        return iter(self.rows)

    def __len__(self) -> int:
        """How many rows came."""
        return len(self.rows)

    def __getitem__(self, index: int) -> T:
        """The row at a place of this page."""
        return self.rows[index]


@attrs.frozen
class Wire:
    """The keys that a value may stand under on the wire, where they are not its name."""

    keys: tuple[str, ...]

    def __init__(self, *keys: str) -> None:
        self.__attrs_init__(keys)  # type: ignore[attr-defined]  # attrs adds it


@attrs.frozen
class Reading:
    """A way to read a value that its type alone does not tell."""

    name: str


Scope = Annotated[str | None, Reading("text")]
"""A campaign id that is a scope: `0` for all campaigns, `-1` for a purpose type."""
Money = Annotated[float | None, Reading("money")]
"""An amount. The text `0.00` means none."""
Seconds = Annotated[int | None, Reading("seconds")]
"""Whole seconds, also from `HH:MM:SS` or `MM:SS`."""


def annotations_of(cls: type[Any]) -> dict[str, Any]:
    """The annotations of a row class by attribute, with what `Annotated` carries."""
    hints = get_type_hints(cls, include_extras=True)
    return {attribute.name: hints[attribute.name] for attribute in attrs.fields(cls)}
