"""What an error code means: one number means different things on different calls."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from attrs import frozen
from cyclopts import Parameter

from ..endpoint import Endpoint, Kind, Meaning
from ..errors import ConvosoError
from ..reply import ANY_CALL, KIND_ERRORS, status_error
from .exit import Exit
from .output import OUTPUT, Output
from .reference import endpoint_named, endpoints
from .screen import complain, out
from .table import columns_of_text

ANY = "any call"
AS_STATUS = "any call, as HTTP status"
STATUSES = range(300, 600)
"""HTTP statuses that say that a call failed."""


@frozen
class Entry:
    """What one code means on one call, and the class of the error that it raises in Python, if it does."""

    code: int
    call: str
    text: str
    other: str | None
    raised: type[ConvosoError] | None

    @property
    def error(self) -> str:
        """The name of the class, empty for a success."""
        return self.raised.__name__ if self.raised else ""

    @property
    def record(self) -> Mapping[str, object]:
        """What a program gets."""
        return {
            "code": self.code,
            "call": self.call,
            "meaning": self.text,
            "another_source": self.other,
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
    sources differ, both readings are told. An HTTP status, such as 429, is told
    as well. The exit code is 1 for a code that is not documented there.

    Args:
        code: The number in the service's reply, or its HTTP status.
        call: Only on this call.
    """
    asked = endpoints().values() if call is None else [endpoint_named(call)]
    found = [entry for entry in entries(asked) if code in (None, entry.code)]
    status = of_status(code) if code is not None and code in STATUSES else None
    if status is not None and code not in ANY_CALL:
        found.append(status)
    if not found:
        complain(*unknown(code, call))
        return Exit.SOME_FAILED
    if output.for_programs:
        output.lines(entry.record for entry in found)
    else:
        out.print(columns_of_text(overview(found)))
        if status is not None and (hint := hint_of(status)):
            output.note(hint)
    return Exit.DONE


def entries(calls: Iterable[Endpoint[Any]]) -> list[Entry]:
    """All codes of some calls, in their order, those that any call may answer among them."""
    found = [entry_of(code, call.id, meaning) for call in calls for code, meaning in call.codes.items()]
    found += [entry_of(code, ANY, meaning) for code, meaning in ANY_CALL.items()]
    return sorted(found, key=lambda entry: entry.code)


def entry_of(code: int, call: str, meaning: Meaning) -> Entry:
    """What a code of the service means on a call."""
    raised = None if meaning.kind is Kind.SUCCESS else KIND_ERRORS[meaning.kind]
    return Entry(code, call, meaning.text, meaning.other, raised)


def of_status(status: int) -> Entry:
    """What an HTTP status means, where the reply has no code that is known."""
    raised, text = status_error(status)
    return Entry(status, AS_STATUS, text, None, raised)


def hint_of(entry: Entry) -> str | None:
    """What to do about an error."""
    from .command import HINTS

    return next((hint for kind, hint in HINTS.items() if entry.raised is kind), None)


def overview(found: Sequence[Entry]) -> Mapping[str, Sequence[str]]:
    """What a person sees: a line for each reading of a code, with the calls that share it."""
    sharing: dict[tuple[int, str, str], list[str]] = {}
    for entry in found:
        told = f"{entry.text} (another source: {entry.other})" if entry.other else entry.text
        sharing.setdefault((entry.code, told, entry.error), []).append(entry.call)
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
