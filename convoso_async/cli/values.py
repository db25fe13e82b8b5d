"""Words `name=value` as a person types them, turned into what the parameters of a call take."""

from collections.abc import Sequence
from typing import Any

from .. import texts
from ..endpoint import Endpoint, Retry
from ..parameters import IdRule
from ..resource import form_of
from .exit import BadUse
from .reference import near, takes

CUSTOM = "fields."
"""What the name of a custom field begins with: `fields.job_group=x`."""


def given(endpoint: Endpoint[Any], words: Sequence[str]) -> dict[str, object]:
    """The call's keywords for words such as `list_id=333`, `status=A,SALE` or `fields.job_group=x`.

    Names are those of the API reference. Raises BadUse for a word without `=`, a name that the call does not
    know, one that is given twice, and a value that is not of the parameter's type; the form checks bounds.
    """
    values: dict[str, object] = {}
    fields: dict[str, str] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise BadUse(f"Not understood: {word}. Parameters are given as name=value, such as limit=5")
        custom = name.removeprefix(CUSTOM) if endpoint.custom_fields and name.startswith(CUSTOM) else None
        into: dict[str, Any] = values if custom is None else fields
        key = python_name(endpoint, name) if custom is None else custom
        if key in into:
            raise BadUse(f"{endpoint.id}: {name} is given twice; several values go in one: {name}=A,B")
        into[key] = text if custom is not None else value_of(endpoint, key, text)
    return {**values, "fields": fields} if fields else values


def python_name(endpoint: Endpoint[Any], name: str) -> str:
    """The keyword for a name on the wire. The two differ where Python has a word of its own, as `return`."""
    known = form_of(endpoint).parameters
    for keyword, parameter in known.items():
        if name in (keyword, parameter.wire):
            return keyword
    hint = near(name, [parameter.wire for parameter in known.values()])
    custom = f" A custom field is {CUSTOM}{name}=..." if endpoint.custom_fields else ""
    raise BadUse(
        f"{endpoint.id} has no parameter {name}.{hint}{custom} All of them: convoso call {endpoint.id} --help"
    )


def value_of(endpoint: Endpoint[Any], keyword: str, text: str) -> object:
    """The value that a text stands for. Raises BadUse, with what would be right.

    An empty text is a value only where something is written, and then no id: the service takes an empty
    filter for none, and a script with an unset variable would read the whole account.
    """
    parameter = form_of(endpoint).parameters[keyword]
    if not text and (endpoint.retry is Retry.READ or isinstance(parameter.rule, IdRule)):
        raise BadUse(f"{endpoint.id}: {parameter.wire} is empty: give it a value, or leave it out")
    try:
        return texts.value_of(parameter.rule, text)
    except (ValueError, ArithmeticError):
        raise BadUse(f"{endpoint.id}: {parameter.wire} takes: {takes(parameter.rule)}") from None
