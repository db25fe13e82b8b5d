"""The 37 calls as the resources declare them, and what their parameters take, in words."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, get_origin

from ..client import RESOURCES
from ..endpoint import Endpoint, Meaning, Retry
from ..form import Parameter
from ..parameters import (
    CallbackTimeRule,
    ChoiceRule,
    ColorRule,
    DayRule,
    FlagRule,
    IdRule,
    IntegerRule,
    ListRule,
    MomentRule,
    NumberRule,
    OffsetRule,
    Rule,
    TextRule,
)
from ..reply import ANY_CALL
from ..resource import form_of
from ..rows import Page
from .exit import BadUse

AGAIN: Mapping[Retry, str] = {
    Retry.READ: "changes nothing; sent again on any failure that may pass",
    Retry.IDEMPOTENT: "a second one changes nothing more; sent again on any failure that may pass",
    Retry.UNSAFE: "a second one would do it twice; sent again only if it never left, or after a 429",
}
"""What each retry class means for the one who calls."""


@cache
def endpoints() -> Mapping[str, Endpoint[Any]]:
    """All calls by their names, in the order of the resources."""
    modules = (import_module(f"...resources.{resource}", __name__) for resource in RESOURCES)
    found = (value for module in modules for value in vars(module).values() if isinstance(value, Endpoint))
    return {endpoint.id: endpoint for endpoint in found}


def endpoint_named(name: str) -> Endpoint[Any]:
    """The call of that name. Raises BadUse, with the near ones, where there is none."""
    found = endpoints().get(name)
    if found is None:
        raise BadUse(f"There is no call {name}.{near(name, endpoints())} See convoso endpoints")
    return found


def near(word: str, known: Iterable[str]) -> str:
    """A question that names what may have been meant; nothing where nothing is near."""
    from difflib import get_close_matches

    found = get_close_matches(word, list(known), n=2)
    return f" Did you mean {' or '.join(found)}?" if found else ""


def summary(endpoint: Endpoint[Any]) -> str:
    """What the call gives, in a sentence."""
    return paragraphs(endpoint)[0].replace("`", "")


def paragraphs(endpoint: Endpoint[Any]) -> list[str]:
    """What the call gives and when it fails, as its method says it, a line for each paragraph."""
    return [" ".join(part.split()) for part in (inspect.getdoc(method(endpoint)) or "").split("\n\n")]


def gives_rows(endpoint: Endpoint[Any]) -> bool:
    """Whether the call gives a page of rows, and not one object."""
    returned: object = get_origin(method(endpoint).__annotations__["return"])
    return returned is Page


def method(endpoint: Endpoint[Any]) -> Callable[..., Any]:
    """The method of a resource that makes the call."""
    resource, _, name = endpoint.id.partition(".")
    module = import_module(f"...resources.{resource}", __name__)
    found: Callable[..., Any] = getattr(getattr(module, RESOURCES[resource]), name)
    return found


def parameters(endpoint: Endpoint[Any]) -> Mapping[str, Parameter]:
    """The call's parameters by their names on the wire, those that must be given first."""
    known = form_of(endpoint).parameters.values()
    ordered = sorted(known, key=lambda parameter: not parameter.required)
    return {parameter.wire: parameter for parameter in ordered}


def meanings(endpoint: Endpoint[Any]) -> Mapping[int, Meaning]:
    """What error codes mean on that call, those that any call may answer last."""
    return {**dict(sorted(endpoint.codes.items())), **ANY_CALL}


def takes(rule: Rule) -> str:
    """What a parameter takes, in words, with its bounds."""
    return TOLD[type(rule)](rule)


def _text(rule: TextRule) -> str:
    if rule.longest is None:
        return f"text of {rule.shortest} characters or more" if rule.shortest else "text"
    return f"text of {rule.shortest} to {rule.longest} characters"


def _whole_number(rule: IntegerRule) -> str:
    bounded = rule.least is not None or rule.most is not None
    return f"whole number, {rule.bounds}" if bounded else "whole number"


def _several(rule: ListRule) -> str:
    return f"{takes(rule.item)}; several with commas"


def _moment(rule: MomentRule) -> str:
    return f"time, YYYY-MM-DD HH:MM:SS; a day is its {'end' if rule.ends_range else 'beginning'}"


TOLD: Mapping[type, Callable[[Any], str]] = {
    TextRule: _text,
    IdRule: lambda rule: "id",
    IntegerRule: _whole_number,
    NumberRule: lambda rule: "number",
    FlagRule: lambda rule: "yes or no",
    ChoiceRule: lambda rule: " or ".join(rule.words),
    ListRule: _several,
    DayRule: lambda rule: "day, YYYY-MM-DD",
    MomentRule: _moment,
    CallbackTimeRule: lambda rule: "time, YYYY-MM-DD hh:mm AM or PM",
    OffsetRule: lambda rule: "hours from UTC, such as -7.00 or 5.30",
    ColorRule: lambda rule: "color, such as 3A7F2B",
}
