"""What the service checks before it does anything: the documented type and bounds of each parameter."""

from __future__ import annotations

import re
from datetime import datetime

from .ask import FALSE, TRUE, Ask
from .tables import Param

STAMP = {
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "datetime": re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"),
}
# One source sends a day, another a moment.
EITHER = {"insert_date"}
SMALLEST = {"limit": 1, "offset": 0}


def check(ask: Ask) -> None:
    """Refuse what the call's table forbids; unknown names are ignored."""
    for name, param in ask.call.params.items():
        value = ask.form.get(name)
        if param.required and not value:
            _missing(ask, name)
        if value == "" and f"{name}.empty" in ask.call.problems:
            ask.refuse(name, "empty")
        kind = problem_of(param, value) if value else None
        if kind:
            ask.refuse(name, kind)


def _missing(ask: Ask, name: str) -> None:
    problem = ask.call.problem(name, "missing")
    if "<field>" in problem.text:
        ask.refuse_text(problem.text.replace("<field>", name))
    ask.refuse(name, "missing")


def problem_of(param: Param, value: str) -> str | None:
    """What is wrong with a value: "invalid", "short", "long" or "above"; None when nothing is."""
    if param.enum and param.type != "csv":
        return None if value.casefold() in {item.casefold() for item in param.enum} else "invalid"
    match param.type:
        case "integer":
            return _integer(param, value)
        case "number":
            return None if re.fullmatch(r"[+-]?\d+(\.\d+)?", value) else "invalid"
        case "boolean":
            return None if value.casefold() in TRUE | FALSE else "invalid"
        case "date" | "datetime":
            return None if is_stamp(param, value) else "invalid"
        case "csv":
            allowed = {item.casefold() for item in param.enum}
            return "invalid" if allowed and set(value.casefold().split(",")) - allowed else None
        case _:
            return _length(param, value)


def is_stamp(param: Param, value: str) -> bool:
    """Whether the value is a day or a moment in the form that the parameter wants."""
    forms = STAMP.values() if param.name in EITHER else (STAMP[param.type],)
    if not any(form.fullmatch(value) for form in forms):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _integer(param: Param, value: str) -> str | None:
    if not re.fullmatch(r"-?\d{1,18}", value):
        return "invalid"
    number = int(value)
    least = SMALLEST.get(param.name, param.min)
    if least is not None and number < least:
        return "invalid"
    # The upper bounds of pages depend on the simulator's switches.
    above = param.max is not None and number > param.max and param.name not in SMALLEST
    return "above" if above else None


def _length(param: Param, value: str) -> str | None:
    if param.min_length and len(value) < param.min_length:
        return "short"
    if param.max_length and len(value) > param.max_length:
        return "long"
    return None


def is_phone(value: str) -> bool:
    """Whether a text has the form of a phone number."""
    return re.fullmatch(r"\d{7,15}", value) is not None
