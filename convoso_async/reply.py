"""Status and bytes in, payload or the right error out. Pure: it knows every envelope, not the wire.

The service answers one call in several shapes: rows at the root or under `data`, as a list or as an object
keyed by id, totals as text, failures under HTTP 200 with the message in one of four keys.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, NoReturn, TypeAlias

import attrs
import orjson

from .endpoint import Endpoint, Kind, Meaning, auth, forbidden
from .errors import (
    AuthenticationError,
    ConvosoAPIError,
    ConvosoError,
    ConvosoHTTPError,
    DuplicateError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RedirectError,
    RejectedError,
    ReplyError,
    ServerError,
)

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

KIND_ERRORS: dict[Kind, type[ConvosoError]] = {
    Kind.AUTH: AuthenticationError,
    Kind.FORBIDDEN: PermissionDeniedError,
    Kind.MISSING: InvalidRequestError,
    Kind.INVALID: InvalidRequestError,
    Kind.NOT_FOUND: NotFoundError,
    Kind.DUPLICATE: DuplicateError,
    Kind.STATE: RejectedError,
    Kind.REJECTED: RejectedError,
    Kind.FAILED: ConvosoAPIError,
}
ANY_CALL = {403: forbidden("token lacks the right to this call"), 5001: auth("token not valid")}
MENTION = r"(?<![@.])\b(\w*auth\w*[ _-]?)?token\b(?![@.]\w)"
"""The token by name, but not in an address, which the service may repeat when it does not like it."""
TOKEN_TEXT = re.compile(
    rf"\b(missing|invalid|expired|wrong|bad|unknown|no|not|required|revoked)\b.{{0,60}}{MENTION}"
    rf"|{MENTION}.{{0,60}}\b(missing|invalid|expired|not|required|revoked|unknown|wrong)\b",
    re.IGNORECASE | re.DOTALL,
)
FORBIDDEN_TEXT = re.compile(r"\binsufficient permissions?\b", re.IGNORECASE)
SAYS_SUCCESS = re.compile(rb'(\xef\xbb\xbf)?\s*\{\s*"success"\s*:\s*true\b')
MESSAGE_KEYS = ("error", "text", "message", "error_description")
BODY_SHOWN = 2_000
"""Characters of a reply that an error holds."""
BODY_SCRUBBED = 1_000_000
"""Bytes in which the token is looked for, before that: it must not be cut in two inside what is shown."""


@attrs.frozen
class Reply:
    """A good reply: the decoded JSON, and its rows where the call gives rows.

    `already` marks a refusal, on a repeat, that says that the first attempt did it. `later` gives the reply
    where its decoding was put off; it raises as `read` does.
    """

    payload: Json
    rows: list[Json] | None = None
    status: int | None = None
    already: bool = False
    later: "Callable[[], Reply] | None" = None


def read(
    endpoint: Endpoint[Any],
    status: int,
    body: bytes,
    scrub: Callable[[str], str] = str,
    *,
    raw: bool = False,
    later: bool = False,
) -> Reply:
    """The payload of a reply, or the error that it means. `raw` takes any JSON that is no failure.

    `later` puts off the decoding of one that begins and ends as a good one does: decoded pages that wait take
    four times the memory, and the time of the garbage collector.
    """
    if not 200 <= status < 300:
        raise http_error(endpoint, status, body, scrub)
    if later and SAYS_SUCCESS.match(body) and body.endswith((b"}", b"}\n")):
        return Reply(None, status=status, later=partial(read, endpoint, status, body, scrub))
    try:
        payload = decode(body)
    except ValueError:
        raise unreadable(endpoint, status, body, scrub) from None
    failure = failure_of(endpoint, payload)
    if failure is not None:
        raise api_error(endpoint, status, failure, shown(body, scrub), scrub)
    if raw:
        return Reply(payload, status=status)
    if endpoint.rows:
        rows = rows_of(endpoint, payload)
        if rows is not None:
            return Reply(payload, rows, status)
        expected = f"none of {', '.join(endpoint.rows)} holds rows"
    elif isinstance(payload, dict) and not known_keys(endpoint).isdisjoint(payload):
        return Reply(payload, status=status)
    else:
        expected = "it has none of the documented keys"
    raise ReplyError(
        f"the reply is not the shape of a reply: {expected}",
        endpoint=endpoint.id,
        outcome="unknown",
        status=status,
        body=shown(body, scrub),
    )


def refusal(error: ConvosoError) -> Reply:
    """The reply that a refusal was, for one that says that the call had been applied before."""
    try:
        payload = decode((error.body or "").encode())
    except ValueError:  # an error holds the beginning of a long body only
        payload = {"success": False, "code": error.code, "text": error.text}
    return Reply(payload, status=error.status, already=True)


def decode(body: bytes) -> Json:
    """The JSON in `body`. Raises ValueError where there is none.

    orjson refuses a byte-order mark, bad UTF-8 and half surrogates, all of which occur: those go to the
    slower parser, with the bad bytes replaced.
    """
    try:
        payload: Json = orjson.loads(body)
    except ValueError:
        text = body.decode("utf-8-sig", "replace")
        try:
            payload = json.loads(text, parse_constant=_no_constant)
            payload = _without_surrogates(payload) if "\\ud" in text.lower() else payload
        except RecursionError:
            raise ValueError("nested too deeply") from None
    return payload


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _without_surrogates(value: Json) -> Json:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {str(_without_surrogates(key)): _without_surrogates(item) for key, item in value.items()}
    return value


# -- where the rows, the total and the page's place stand ------------------------------------------


def rows_of(endpoint: Endpoint[Any], payload: Json) -> list[Json] | None:
    """The rows of a reply, None where no key that should hold them is there.

    Rows may be a list, an object keyed by id, or, when there are none, null, `[]` or `{}`. The first place
    with rows in it wins over one that is there and empty.
    """
    empty: list[Json] | None = None
    for path in endpoint.rows:
        there, value = at(payload, path)
        if not there:
            continue
        if value is None or value == [] or value == {}:
            empty = []
        elif isinstance(value, list):
            return value
        elif (
            isinstance(value, dict)
            and path != "$"
            and all(isinstance(row, dict) for row in value.values())
            and not _holds_rows_deeper(endpoint, path, value)
        ):
            return _keyed(value, endpoint.rows_key)
    return empty


def _holds_rows_deeper(endpoint: Endpoint[Any], path: str, value: Mapping[str, Json]) -> bool:
    """Whether an object is an envelope: a longer path leads on through it, so that its values are no rows."""
    ways_on = (longer.removeprefix(f"{path}.") for longer in endpoint.rows if longer.startswith(f"{path}."))
    return any(way.partition(".")[0] in value for way in ways_on)


def _keyed(rows: Mapping[str, Json], key: str | None) -> list[Json]:
    """The rows of a keyed object. The id inside a row is the true one, else the key stands in."""
    if key is None:
        return list(rows.values())
    return [{key: name, **row} if isinstance(row, dict) else row for name, row in rows.items()]


def at(payload: Json, path: str) -> tuple[bool, Json]:
    """Whether a dotted path is there, and what stands at it. `$` is the whole payload, when it is a list."""
    if path == "$":
        return isinstance(payload, list), payload
    value = payload
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return False, None
        value = value[name]
    return True, value


def count_at(payload: Json, paths: tuple[str, ...]) -> int | None:
    """The first whole number, also as text, at one of the paths."""
    for path in paths:
        value = at(payload, path)[1]
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def merged(payload: Json) -> dict[str, Json]:
    """One object out of an envelope: what stands under `data`, and beside it at the root; the inner wins."""
    if not isinstance(payload, dict):
        return {}
    inner = payload.get("data")
    if not isinstance(inner, dict):
        return payload
    return {**{key: value for key, value in payload.items() if key != "data"}, **inner}


@cache
def known_keys(endpoint: Endpoint[Any]) -> frozenset[str]:
    """The keys of which a reply that is one object must have at least one."""
    return frozenset({"success", "result", "data", *attrs.fields_dict(endpoint.result)})


# -- failures ---------------------------------------------------------------------------------------


@attrs.frozen
class Failure:
    """What a reply says of a failure: its code, its words, and what they mean on that call."""

    code: int | str | None
    text: str | None
    meaning: Meaning | None


def failure_of(endpoint: Endpoint[Any], payload: Json) -> Failure | None:
    """The failure that a reply tells of, None for a good one.

    `success` decides where it is. Where it is absent, as on many good replies, an error text or a failing
    code does, unless there are rows.
    """
    if not isinstance(payload, dict):
        return None
    verdict = payload.get("success")
    if verdict in (True, 1) or (isinstance(verdict, str) and verdict.lower() in ("true", "1", "y")):
        return None
    code, text = code_of(payload), text_of(payload)
    meaning = meaning_of(endpoint, code, text)
    if meaning is not None and meaning.kind is Kind.SUCCESS:
        return None
    token_trouble = meaning is not None and meaning.kind is Kind.AUTH
    if endpoint.refusal_is_answer and is_answer(payload, code) and not token_trouble:
        return None
    if verdict is None:
        complains = bool(payload.get("error")) or (code is not None and meaning is not None) or token_trouble
        if not complains or rows_of(endpoint, payload):
            return None
    return Failure(code, text, meaning)


def is_answer(payload: Mapping[str, Json], code: int | str | None) -> bool:
    """Whether a refusal is the answer to the question asked, not a failure to answer."""
    return code is None and (payload.get("result") is not None or bool(payload.get("error_description")))


def code_of(payload: Mapping[str, Json]) -> int | str | None:
    """The error code: a number, also when it came as text, or a word."""
    for key in ("code", "error_code"):
        value = payload.get(key)
        if isinstance(value, str) and value:
            return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else value
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def text_of(payload: Mapping[str, Json]) -> str | None:
    """The service's own words about a failure."""
    for key in MESSAGE_KEYS:
        value = payload.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, list | dict) and value:
            try:
                return orjson.dumps(value).decode()
            except TypeError:  # nested deeper than it writes, or a number larger
                return f"{key}: more than fits here"
    return None


def meaning_of(endpoint: Endpoint[Any], code: int | str | None, text: str | None) -> Meaning | None:
    """What a code or, without one, a text means on this call.

    Words about the token come first. Beside a code that is known on this call they must name it as the
    account's: the service may repeat what was sent, such as the name of a list.
    """
    coded = endpoint.codes.get(code) if isinstance(code, int) else None
    # The search takes time with the square of the length; nobody speaks of the token after two pages.
    said = TOKEN_TEXT.search(text[:BODY_SHOWN]) if text is not None else None
    if said is not None and (coded is None or "auth" in said[0].lower()):
        return auth("token not valid")
    if isinstance(code, int):
        return coded or ANY_CALL.get(code)
    if text is None:
        return None
    words = plain(text)
    for known, meaning in endpoint.texts.items():
        if words == plain(known) or (known.endswith(":") and words.startswith(plain(known))):
            return meaning
    return forbidden("token lacks the right to this call") if FORBIDDEN_TEXT.search(text) else None


def plain(text: str) -> str:
    """A text for a loose comparison: without case, blanks at the ends and closing marks."""
    return " ".join(text.casefold().split()).rstrip(" .!:")


def api_error(
    endpoint: Endpoint[Any], status: int, failure: Failure, body: str, scrub: Callable[[str], str]
) -> ConvosoError:
    """The error for a refusal that the service put in words or in a code."""
    meaning = failure.meaning
    kind = KIND_ERRORS[meaning.kind] if meaning is not None else ConvosoAPIError
    description = meaning.description if meaning is not None else None
    text = scrub(failure.text)[:BODY_SHOWN] if failure.text is not None else None
    code = scrub(failure.code) if isinstance(failure.code, str) else failure.code
    named = f"code {code}" if code is not None else None
    told = f"“{text[:200]}”" if text is not None else None
    said = ", ".join(part for part in (named, told) if part) or "success is false, and no reason came"
    return kind(
        f"{description} ({said})" if description else f"the service refused the call: {said}",
        endpoint=endpoint.id,
        outcome="rejected",
        status=status,
        body=body,
        code=code,
        text=text,
        description=description,
    )


def http_error(
    endpoint: Endpoint[Any], status: int, body: bytes, scrub: Callable[[str], str]
) -> ConvosoError:
    """The error for a status outside 2xx. A code known on this call makes it an API error under 4xx."""
    failure = _failure_in(endpoint, body)
    meaning = failure.meaning
    if status in (400, 404, 409, 422) and meaning is not None and meaning.kind is not Kind.SUCCESS:
        return api_error(endpoint, status, failure, shown(body, scrub), scrub)
    kind, message = status_error(status)
    if meaning is not None and meaning.kind is Kind.AUTH and 400 <= status < 500:
        kind = AuthenticationError
    text = scrub(failure.text)[:BODY_SHOWN] if failure.text else None
    return kind(
        f"HTTP {status}, {message}" + (f": “{text[:200]}”" if text else ""),
        endpoint=endpoint.id,
        outcome="rejected" if 300 <= status < 500 else "unknown",
        status=status,
        body=shown(body, scrub),
        code=scrub(failure.code) if isinstance(failure.code, str) else failure.code,
        text=text,
        description=meaning.description if meaning is not None else None,
    )


def _failure_in(endpoint: Endpoint[Any], body: bytes) -> Failure:
    try:
        payload = decode(body)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        return Failure(None, None, None)
    code, text = code_of(payload), text_of(payload)
    return Failure(code, text, meaning_of(endpoint, code, text))


def status_error(status: int) -> tuple[type[ConvosoHTTPError], str]:
    """What an HTTP status says of a reply whose body says nothing that is known."""
    if status == 401:
        return AuthenticationError, "the token is missing, wrong or expired"
    if status == 403:
        return PermissionDeniedError, "the token lacks the right to this call"
    if status == 429:
        return RateLimitError, "too many requests"
    if status >= 500:
        return ServerError, "the service failed"
    if 300 <= status < 400:
        return RedirectError, "a redirect is not followed, because the body holds the token"
    return ConvosoHTTPError, "the call failed"


def unreadable(
    endpoint: Endpoint[Any], status: int, body: bytes, scrub: Callable[[str], str], what: str | None = None
) -> ReplyError:
    """The error for a body that is no JSON, but `what`. One that begins with success was applied."""
    if what is None:
        what = "empty" if not body.strip() else "HTML" if body.lstrip()[:1] == b"<" else "not whole JSON"
    error = ReplyError(
        f"the reply under HTTP {status} is {what}",
        endpoint=endpoint.id,
        outcome="applied" if SAYS_SUCCESS.match(body) else "unknown",
        status=status,
        body=shown(body, scrub),
    )
    error.unreadable = True
    return error


def shown(body: bytes, scrub: Callable[[str], str]) -> str:
    """The beginning of a body for an error, without the token."""
    return scrub(body[:BODY_SCRUBBED].decode("utf-8", "replace"))[:BODY_SHOWN]
