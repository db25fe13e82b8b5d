"""The 37 calls: where each is posted, when it is sent again, and how far its pages reach."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from ..endpoint import Endpoint
from ..settings import BASE_URL
from .exit import BadUse, Exit
from .options import LEFT_OUT
from .output import OUTPUT, Output
from .reference import endpoints as declared, near, parameters, summary
from .screen import out
from .table import columns_of_text


def endpoints(word: Annotated[str, LEFT_OUT] = "", /, *, output: Output = OUTPUT) -> Exit:
    """Example: convoso endpoints leads

    The calls with that word in their name or path, all 37 without one.

    A call is sent again after a failure that may pass: read and idempotent ones
    always, unsafe ones only if the first never left, or after a 429. Pages have
    at most so many rows, from an offset up to the second number; what lies
    beyond is read by convoso call NAME --all, and by convoso export.

    Args:
        word: Part of a name or a path.
    """
    found = [call for call in declared().values() if word.casefold() in f"{call.id} {call.path}"]
    if not found:
        hint = near(word, declared()) or " All of them: convoso endpoints"
        raise BadUse(f"No call has {word} in its name or path.{hint}")
    if output.for_programs:
        output.lines(described(call) for call in found)
    else:
        out.print(columns_of_text(overview(found), gap=1))
        output.note(f"Below {BASE_URL}. What one takes: convoso call {found[0].id} --help", "dim")
    return Exit.DONE


def overview(calls: Sequence[Endpoint[Any]]) -> Mapping[str, Sequence[str]]:
    """What a person sees of each."""
    return {
        "call": [call.id for call in calls],
        "POST": [call.path for call in calls],
        "retry": [call.retry.value for call in calls],
        "pages": [reach(call) for call in calls],
    }


def reach(call: Endpoint[Any]) -> str:
    """The most rows of a page and the largest offset; `any` where no bound is documented."""
    if call.paging is None:
        return ""
    return "/".join(
        "any" if most is None else f"{most:,}" for most in (call.paging.limit_max, call.paging.offset_max)
    )


def described(call: Endpoint[Any]) -> Mapping[str, object]:
    """What a program gets of each."""
    paging = call.paging
    known = parameters(call)
    return {
        "call": call.id,
        "method": "POST",
        "path": call.path,
        "retry": call.retry.value,
        "paged": paging is not None,
        "limit_max": paging.limit_max if paging else None,
        "offset_max": paging.offset_max if paging else None,
        "required": [name for name in known if known[name].required],
        "parameters": list(known),
        "custom_fields": call.custom_fields is not None,
        "codes": sorted(call.codes),
        "summary": summary(call),
    }
