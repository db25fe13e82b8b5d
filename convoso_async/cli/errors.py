"""What an error code means: one number means different things on different calls."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from attrs import frozen
from cyclopts import Parameter

from ..endpoint import Endpoint, Kind, Meaning
from ..reply import ANY_CALL, KIND_ERRORS
from .exit import Exit
from .output import OUTPUT, Output
from .reference import endpoint_named, endpoints
from .screen import complain, out
from .table import columns_of_text

ANY = "any call"


@frozen
class Entry:
    """What one code means on one call."""

    code: int
    call: str
    meaning: Meaning

    @property
    def error(self) -> str:
        """The class of the error that it raises in Python."""
        return "" if self.meaning.kind is Kind.SUCCESS else KIND_ERRORS[self.meaning.kind].__name__

    @property
    def record(self) -> Mapping[str, object]:
        """What a program gets."""
        return {
            "code": self.code,
            "call": self.call,
            "meaning": self.meaning.text,
            "another_source": self.meaning.other,
            "error": self.error or None,
        }


def errors(
    code: int | None = None,
    /,
    *,
    call: Annotated[str | None, Parameter(show_default=False, completer=lambda _: list(endpoints()))] = None,
    output: Output = OUTPUT,
) -> Exit:
    """Example: convoso errors 6008 --call dnc.insert

    What an error code means, on which call; without a code, all of them. Where
    sources differ, both readings are told. The exit code is 1 for a code that
    is not documented there.

    Args:
        code: The number in the service's reply.
        call: Only on this call.
    """
    asked = endpoints().values() if call is None else [endpoint_named(call)]
    found = [entry for entry in entries(asked) if code in (None, entry.code)]
    if not found:
        complain(*unknown(code, call))
        return Exit.SOME_FAILED
    if output.for_programs:
        output.lines(entry.record for entry in found)
    else:
        out.print(columns_of_text(overview(found)))
    return Exit.DONE


def entries(calls: Iterable[Endpoint[Any]]) -> list[Entry]:
    """All codes of some calls, in their order, those that any call may answer among them."""
    found = [Entry(code, call.id, meaning) for call in calls for code, meaning in call.codes.items()]
    found += [Entry(code, ANY, meaning) for code, meaning in ANY_CALL.items()]
    return sorted(found, key=lambda entry: entry.code)


def overview(found: Sequence[Entry]) -> Mapping[str, Sequence[str]]:
    """What a person sees: a line for each reading of a code, with the calls that share it."""
    sharing: dict[tuple[int, str, str], list[str]] = {}
    for entry in found:
        sharing.setdefault((entry.code, entry.meaning.description, entry.error), []).append(entry.call)
    return {
        "code": [str(code) for code, _, _ in sharing],
        "means": [told for _, told, _ in sharing],
        "on": [", ".join(calls) for calls in sharing.values()],
        "in Python": [error for _, _, error in sharing],
    }


def unknown(code: int | None, call: str | None) -> tuple[str, str]:
    """That a code is not documented, and where to look."""
    elsewhere = [entry.call for entry in entries(endpoints().values()) if entry.code == code]
    if elsewhere:
        return f"{call} is not known to answer {code}; others are.", f"See: convoso errors {code}"
    return f"No call is known to answer {code}.", "All codes: convoso errors"
