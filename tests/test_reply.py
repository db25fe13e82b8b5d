"""Status and bytes in, payload or the right error out."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, strategies as st

from convoso_async import reply
from convoso_async.auth_token import Token
from convoso_async.client import RESOURCES
from convoso_async.endpoint import UNSAFE, Endpoint, Kind, failed, invalid, rejected, success
from convoso_async.errors import (
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
from convoso_async.reply import Json, Reply, count_at, merged, read
from convoso_async.rows import Result

ERRORS = yaml.safe_load((Path(__file__).parent / "spec/errors.yaml").read_text())
ENDPOINTS: dict[str, Endpoint[Any]] = {
    value.id: value
    for name in RESOURCES
    for value in vars(import_module(f"convoso_async.resources.{name}")).values()
    if isinstance(value, Endpoint)
}
CALL_LOGS = ENDPOINTS["call_logs.retrieve"]
INSERT = ENDPOINTS["leads.insert"]
UNDECLARED: Endpoint[Any] = Endpoint(id="/x", path="/x", retry=UNSAFE, params=dict, result=object)


def said(payload: object, endpoint: Endpoint[Any] = CALL_LOGS, status: int = 200) -> Reply:
    return read(endpoint, status, json.dumps(payload).encode())


def refused(payload: object, endpoint: Endpoint[Any] = CALL_LOGS, status: int = 200) -> ConvosoError:
    with pytest.raises(ConvosoError) as caught:
        said(payload, endpoint, status)
    return caught.value


# -- rows, wherever they stand ----------------------------------------------------------------------

keys = st.text(min_size=1, max_size=8).filter(lambda key: key not in ("error", "code", "error_code"))
cells = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=5,
)
rows_of_any_kind = st.lists(st.dictionaries(keys, cells, max_size=4), max_size=4)
empties: st.SearchStrategy[Json] = st.sampled_from([None, [], {}])


def at_path(path: str, value: Json, envelope: Mapping[str, Json]) -> Json:
    """A reply with `value` at a dotted path, and other keys around it."""
    if path == "$":
        return value
    first, _, rest = path.partition(".")
    if not rest:
        return {**envelope, first: value}
    return {**envelope, first: at_path(rest, value, {})}


@st.composite
def list_replies(draw: st.DrawFn) -> tuple[Endpoint[Any], Json, list[Json], int | None]:
    """A list call, a good reply to it in any of its shapes, the rows in it, and the total."""
    endpoint = draw(st.sampled_from([endpoint for endpoint in ENDPOINTS.values() if endpoint.rows]))
    path = draw(st.sampled_from(endpoint.rows))
    taken = {name for place in endpoint.rows + endpoint.totals for name in place.split(".")} | {
        "success",
        "data",
    }
    envelope = draw(st.dictionaries(keys.filter(lambda key: key not in taken), cells, max_size=3))
    if draw(st.booleans()):
        envelope["success"] = draw(st.sampled_from([True, 1, "1", "true", "Y"]))
    rows: list[Any] = draw(rows_of_any_kind)
    standing: Any = rows
    if not rows:
        standing = draw(empties) if path != "$" else []
    elif path != "$" and draw(st.booleans()):
        standing = {str(number): row for number, row in enumerate(rows, 100)}
        if endpoint.rows_key is not None:
            rows = [{endpoint.rows_key: str(number), **row} for number, row in enumerate(rows, 100)]
    payload: Any = at_path(path, standing, envelope)
    total = None
    if endpoint.totals and isinstance(payload, dict) and draw(st.booleans()):
        total = draw(st.integers(0, 10**9))
        *above, last = draw(st.sampled_from(endpoint.totals)).split(".")
        holder = payload
        for name in above:
            holder = holder.setdefault(name, {})
        if isinstance(holder, dict) and holder is not standing:
            holder[last] = str(total) if draw(st.booleans()) else total
        else:
            total = None
    return endpoint, payload, rows, total


@given(list_replies())
def test_rows_are_found_in_every_mixture_of_the_envelopes(
    given: tuple[Endpoint[Any], Json, list[Json], int | None],
) -> None:
    endpoint, payload, rows, total = given
    answer = said(payload, endpoint)
    assert rows == answer.rows
    assert payload == answer.payload
    assert total == count_at(answer.payload, endpoint.totals)


@given(st.sampled_from([endpoint for endpoint in ENDPOINTS.values() if endpoint.rows]), cells)
def test_any_json_is_rows_or_one_of_our_errors(endpoint: Endpoint[Any], payload: Json) -> None:
    try:
        answer = said(payload, endpoint)
    except ConvosoError:
        return
    assert isinstance(answer.rows, list)


@given(st.sampled_from(list(ENDPOINTS.values())), st.integers(100, 599), st.binary())
def test_any_bytes_are_a_reply_or_one_of_our_errors(
    endpoint: Endpoint[Any], status: int, body: bytes
) -> None:
    with suppress(ConvosoError):
        read(endpoint, status, body)


@given(
    st.sampled_from([*ENDPOINTS.values(), UNDECLARED]),
    st.sampled_from([200, 400, 401, 403, 404, 409, 422, 429, 500]),
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("success", "result", "data", "code", "error_code", "error", "text", "message"), cells
        ),
    ),
)
def test_any_shape_of_a_failure_is_a_reply_or_one_of_our_errors(
    endpoint: Endpoint[Any], status: int, payload: dict[str, Json]
) -> None:
    with suppress(ConvosoError):
        read(endpoint, status, json.dumps(payload).encode(), raw=endpoint is UNDECLARED)


@pytest.mark.parametrize("endpoint", [endpoint for endpoint in ENDPOINTS.values() if endpoint.rows], ids=str)
@pytest.mark.parametrize(
    "payload", [{"success": True}, {"success": True, "total": 5}, {"rows": []}, {}, "x", 5, None]
)
def test_no_key_that_should_hold_the_rows_is_an_error_and_no_empty_page(
    endpoint: Endpoint[Any], payload: Json
) -> None:
    error = refused(payload, endpoint)
    assert type(error) is ReplyError
    assert not error.unreadable
    assert error.outcome == "unknown"
    assert f"none of {', '.join(endpoint.rows)} holds rows" in str(error)


@pytest.mark.parametrize(
    ("call", "payload", "rows"),
    [
        # a count is no list
        ("call_logs.retrieve", {"data": {"entries": 1, "results": [{"id": "1"}]}}, [{"id": "1"}]),
        # what has rows wins over what is there and empty
        ("call_logs.retrieve", {"results": [], "data": {"results": [{"id": "1"}]}}, [{"id": "1"}]),
        ("call_logs.retrieve", {"results": None, "entries": [{"id": "1"}]}, [{"id": "1"}]),
        # an envelope is no object of rows
        ("agent_productivity.search", {"data": {"entries": {}}}, []),
        ("agent_productivity.search", {"data": {"entries": {"7": {"id": 7}}}}, [{"id": 7}]),
        ("agent_monitor.search", {"data": {"entries": {"agents": {}}}}, []),
        ("agent_monitor.search", {"data": {"agents": {}}}, []),
        # the id in a row is the true one; its key stands in where there is none
        ("users.search", {"data": {"results": {"7": {"id": 8}, "9": {}}}}, [{"id": 8}, {"id": "9"}]),
        ("agent_performance.search", {"data": {"7": {"calls": 1}}}, [{"user_id": "7", "calls": 1}]),
        ("agent_performance.search", [{"user_id": 7}], [{"user_id": 7}]),
        # a status row has a `success` of its own
        ("status.search", {"data": [{"success": "N"}]}, [{"success": "N"}]),
        # words beside rows are no failure
        ("dnc.search", {"entries": [{"id": 1}], "error": "", "message": "ok"}, [{"id": 1}]),
        ("dnc.search", {"entries": [{"id": 1}], "code": 6006}, [{"id": 1}]),
    ],
)
def test_rows_are(call: str, payload: Json, rows: list[Json]) -> None:
    assert rows == said(payload, ENDPOINTS[call]).rows


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"total_found": 5}, 5),
        ({"total_found": "5"}, 5),
        ({"data": {"total_found": "0"}}, 0),
        ({"total_found": None, "data": {"total_found": 7}}, 7),
        ({"total_found": "many"}, None),
        ({"total_found": -1}, None),
        ({"total_found": True}, None),
        ({"total_found": 5.5}, None),
        ({"total_found": "9" * 5000}, None),
        ({"data": []}, None),
        ([], None),
    ],
)
def test_the_total_is(payload: Json, expected: int | None) -> None:
    assert expected == count_at(payload, CALL_LOGS.totals)


def test_an_object_is_merged_out_of_its_envelope() -> None:
    assert merged({"success": True, "id": 1, "data": {"id": 2, "new": "1"}}) == {
        "success": True,
        "id": 2,
        "new": "1",
    }
    assert merged({"success": True, "data": []}) == {"success": True, "data": []}
    assert merged([1]) == {}


@pytest.mark.parametrize("payload", [[], "ok", 5, None, {}, {"ok": True}])
def test_an_object_without_any_documented_key_is_an_error(payload: Json) -> None:
    assert type(refused(payload, INSERT)) is ReplyError


@pytest.mark.parametrize("payload", [[], "ok", 5, None, {"ok": True}, {"data": None}])
def test_a_raw_call_takes_any_json_that_is_no_failure(payload: Json) -> None:
    assert payload == read(UNDECLARED, 200, json.dumps(payload).encode(), raw=True).payload
    with pytest.raises(ConvosoAPIError):
        read(UNDECLARED, 200, b'{"success": false}', raw=True)


# -- failures under 200 -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        {"success": False, "code": 6026, "error": "Bad campaign"},
        {"success": False, "error_code": 6026, "error": "Bad campaign"},
        {"success": False, "code": 6026, "text": "Bad campaign"},
        {"success": False, "code": 6026, "message": "Bad campaign"},
        {"success": False, "code": "6026", "text": " Bad campaign "},
        {"success": False, "code": "6026", "error": "", "error_description": "Bad campaign"},
        {"success": 0, "code": 6026, "text": "Bad campaign"},
        {"success": "false", "code": 6026, "text": "Bad campaign"},
        {"code": 6026, "text": "Bad campaign"},
        {"success": False, "code": 6026, "text": "Bad campaign", "results": []},
        {"success": False, "code": 6026, "text": "Bad campaign", "data": []},
    ],
)
def test_a_refusal_has_its_code_its_words_and_its_meaning(payload: Json) -> None:
    error = refused(payload)
    assert type(error) is InvalidRequestError
    assert (error.code, error.text, error.description) == (6026, "Bad campaign", "campaign_id not valid")
    assert (error.endpoint, error.status, error.outcome) == ("call_logs.retrieve", 200, "rejected")
    assert str(error) == "call_logs.retrieve: campaign_id not valid (code 6026, “Bad campaign”)"


@pytest.mark.parametrize(
    ("payload", "expected", "code", "text"),
    [
        ({"success": False, "error": "Quota used up"}, ConvosoAPIError, None, "Quota used up"),
        ({"error": "Quota used up"}, ConvosoAPIError, None, "Quota used up"),
        ({"success": False, "error": "Lead already exists"}, DuplicateError, None, "Lead already exists"),
        ({"success": False, "error": "lead  already EXISTS."}, DuplicateError, None, "lead  already EXISTS."),
        ({"error": "List not found"}, NotFoundError, None, "List not found"),
        ({"success": False, "code": 9999, "text": "?"}, ConvosoAPIError, 9999, "?"),
        ({"success": False, "code": "LEAD_LOCKED"}, ConvosoAPIError, "LEAD_LOCKED", None),
        ({"success": False}, ConvosoAPIError, None, None),
        ({"success": False, "code": 403, "text": "Forbidden"}, PermissionDeniedError, 403, "Forbidden"),
        ({"success": False, "error": {"phone": ["bad"]}}, ConvosoAPIError, None, '{"phone":["bad"]}'),
        ({"success": False, "code": True, "error": 5}, ConvosoAPIError, None, None),
    ],
)
def test_a_refusal_without_a_known_code_is(
    payload: Json, expected: type[ConvosoError], code: int | str | None, text: str | None
) -> None:
    error = refused(payload, INSERT)
    assert expected is type(error)
    assert (code, text) == (error.code, error.text)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.SUCCESS])
def test_every_kind_has_its_class(kind: Kind) -> None:
    expected = {
        "auth": AuthenticationError,
        "forbidden": PermissionDeniedError,
        "missing": InvalidRequestError,
        "invalid": InvalidRequestError,
        "not_found": NotFoundError,
        "duplicate": DuplicateError,
        "state": RejectedError,
        "rejected": RejectedError,
        "failed": ConvosoAPIError,
    }
    assert expected[kind.value] is reply.KIND_ERRORS[kind]


def test_a_description_names_both_readings_where_sources_differ() -> None:
    error = refused({"success": False, "code": 6006, "text": "User"})
    assert error.description == "user_id not valid (another source: no user with that id)"


@pytest.mark.parametrize("code", [102, "102"])
def test_a_removal_that_runs_is_a_success(code: int | str) -> None:
    payload = {"success": False, "code": code, "text": "List deletion in progress"}
    assert payload == said(payload, ENDPOINTS["lists.delete"]).payload
    assert type(refused(payload, ENDPOINTS["leads.delete"])) is ConvosoAPIError


def test_code_200_is_a_success() -> None:
    payload = {"success": True, "code": 200, "data": {"new": "1", "status": "WARM"}}
    assert payload == said(payload, ENDPOINTS["status.insert"]).payload


@pytest.mark.parametrize(
    ("call", "payload"),
    [
        ("lead_post.insert", {"result": False, "error_description": "Number in DNC list"}),
        ("lead_post.insert", {"result": "False", "error_description": ""}),
        (
            "lead_post.insert",
            {"success": False, "result": False, "error_description": "Invalid criteria key"},
        ),
        ("lead_post.insert", {"success": False, "error_description": "Missing required field: state"}),
        ("lead_validation.search", {"success": True, "result": "Denied"}),
        ("lead_validation.search", {"success": False, "result": "Declined"}),
    ],
)
def test_a_refusal_of_the_lead_is_an_answer(call: str, payload: Json) -> None:
    assert payload == said(payload, ENDPOINTS[call]).payload


@pytest.mark.parametrize(
    ("call", "payload", "expected"),
    [
        (
            "lead_post.insert",
            {"result": False, "error_description": "Invalid auth token"},
            AuthenticationError,
        ),
        (
            "lead_post.insert",
            {"success": False, "error": "Invalid authentication token"},
            AuthenticationError,
        ),
        ("lead_post.insert", {"success": False, "error": "Busy"}, ConvosoAPIError),
        ("lead_validation.search", {"success": False, "error_code": 6090, "error": "?"}, InvalidRequestError),
        ("lead_validation.search", {"success": False, "error": "phone_number required"}, InvalidRequestError),
    ],
)
def test_a_call_for_an_answer_can_fail_all_the_same(
    call: str, payload: Json, expected: type[ConvosoError]
) -> None:
    assert expected is type(refused(payload, ENDPOINTS[call]))


# -- the token --------------------------------------------------------------------------------------

TOKEN_ERRORS = [
    *(entry for entry in ERRORS["general_text_errors"] if entry["kind"] == "auth"),
    {"text": "Auth token expired", "field": "error"},
    {"text": "auth_token is required", "field": "message"},
    {"text": "Your token has expired", "field": "error"},
]


@pytest.mark.parametrize("entry", TOKEN_ERRORS, ids=lambda entry: str(entry["text"]))
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 422])
@pytest.mark.parametrize(
    "call", ["call_logs.retrieve", "leads.insert", "lead_post.insert", "sms_opt_out.update"]
)
def test_words_about_the_token_are_an_authentication_error(
    entry: dict[str, Any], status: int, call: str
) -> None:
    payload = {"success": False, entry["field"]: entry["text"]}
    if "code" in entry:
        payload["code"] = entry["code"]
    error = refused(payload, ENDPOINTS[call], status)
    assert type(error) is AuthenticationError
    assert (status, "rejected") == (error.status, error.outcome)
    del payload["success"]
    assert type(refused(payload, ENDPOINTS[call], status)) is AuthenticationError


def test_the_code_of_the_token_is_enough() -> None:
    assert type(refused({"success": False, "code": 5001})) is AuthenticationError
    assert type(refused({"code": 4001}, ENDPOINTS["agent_productivity.search"])) is AuthenticationError
    error = refused({"success": False, "code": 4001, "text": "?"}, ENDPOINTS["sms_opt_out.update"])
    assert type(error) is InvalidRequestError


@pytest.mark.parametrize(
    "text",
    [
        "Invalid blueinkdigital_token",
        "blueinkdigital_token is required",
        "Missing required field: blueinkdigital_token",
        "Invalid phone number",
        "Tokens are not enough",
        "An email address is not valid: jane@example.token",
        "An email address is not valid: token@example.org",
        f"The list is not there. {'It may have gone. ' * 5}Leads of Token Inc stay",
        "No such authority",
        "The campaign is not authorized for this list",
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_words_about_other_things_are_not(text: str, status: int) -> None:
    error = refused({"success": False, "error": text}, INSERT, status)
    assert not isinstance(error, AuthenticationError)


def test_a_known_code_is_not_overruled_by_what_was_sent() -> None:
    error = refused({"success": False, "code": 6009, "text": "Lead of Token Inc is not new"}, INSERT)
    assert type(error) is DuplicateError
    error = refused({"success": False, "code": 6009, "text": "Invalid auth_token"}, INSERT)
    assert type(error) is AuthenticationError


@pytest.mark.parametrize(
    "entry", [e for e in ERRORS["general_text_errors"] if e["kind"] == "forbidden"], ids=str
)
def test_words_about_permissions_are_a_permission_error(entry: dict[str, Any]) -> None:
    payload = {"success": False, entry["field"]: entry["text"]}
    if "code" in entry:
        payload["code"] = entry["code"]
    endpoint = INSERT if entry["endpoints"] == ["*"] else ENDPOINTS[entry["endpoints"][0]]
    assert type(refused(payload, endpoint)) is PermissionDeniedError


def test_a_refusal_that_means_done_is_a_reply() -> None:
    payload = {"success": False, "code": 6008, "text": "There"}
    answer = reply.refusal(refused(payload, ENDPOINTS["dnc.insert"]))
    assert (answer.payload, answer.already) == (payload, True)
    payload["more"] = "x" * 5_000  # an error holds the beginning of a body
    answer = reply.refusal(refused(payload, ENDPOINTS["dnc.insert"]))
    assert (answer.payload, answer.already) == ({"success": False, "code": 6008, "text": "There"}, True)


# -- HTTP statuses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected", "outcome"),
    [
        (301, RedirectError, "rejected"),
        (307, RedirectError, "rejected"),
        (308, RedirectError, "rejected"),
        (400, ConvosoHTTPError, "rejected"),
        (401, AuthenticationError, "rejected"),
        (403, PermissionDeniedError, "rejected"),
        (404, ConvosoHTTPError, "rejected"),
        (418, ConvosoHTTPError, "rejected"),
        (429, RateLimitError, "rejected"),
        (500, ServerError, "unknown"),
        (502, ServerError, "unknown"),
        (503, ServerError, "unknown"),
        (504, ServerError, "unknown"),
        (599, ServerError, "unknown"),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>no</html>",
        b'{"success": true, "results": []}',
        b'{"message": "no", "code": "NO", "details": {}}',
    ],
)
def test_a_status_has_its_class(status: int, expected: type[ConvosoError], outcome: str, body: bytes) -> None:
    with pytest.raises(ConvosoError) as caught:
        read(CALL_LOGS, status, body)
    error = caught.value
    assert expected is type(error)
    assert (status, outcome, body.decode()) == (error.status, error.outcome, error.body)
    assert (error.code, error.text) == ("NO", "no") if b"NO" in body else error.code is None
    assert str(error).startswith(f"call_logs.retrieve: HTTP {status}, ")


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_known_code_decides_over_the_status(status: int) -> None:
    error = refused({"success": False, "code": 6009, "text": "There"}, INSERT, status)
    assert type(error) is DuplicateError
    assert (status, 6009, "There", "phone_number already there") == (
        error.status,
        error.code,
        error.text,
        error.description,
    )
    assert type(refused({"error": "Lead already exists"}, INSERT, status)) is DuplicateError
    assert type(refused({"code": 9999, "text": "?"}, INSERT, status)) is ConvosoHTTPError


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, AuthenticationError), (403, PermissionDeniedError), (429, RateLimitError), (500, ServerError)],
)
def test_other_statuses_decide_over_the_code(status: int, expected: type[ConvosoError]) -> None:
    error = refused({"success": False, "code": 6009, "text": "There"}, INSERT, status)
    assert expected is type(error)
    assert (error.code, error.text, error.description) == (6009, "There", "phone_number already there")


def test_a_good_marker_under_a_bad_status_is_still_a_failure() -> None:
    error = refused({"success": False, "code": 102}, ENDPOINTS["lists.delete"], 400)
    assert type(error) is ConvosoHTTPError


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_all_of_2xx_is_good(status: int) -> None:
    assert said({"results": [{"id": "1"}]}, status=status).rows == [{"id": "1"}]


# -- bodies that are no JSON ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"<!DOCTYPE html><p>busy", "HTML"),
        (b"\n<br />\n<b>Warning</b>: PDO", "HTML"),
        (b'{"success": false, "code": 60', "not whole JSON"),
        (b'{"results": [{"id": "1"}, {"id', "not whole JSON"),
        (b'{"results": [NaN]}', "not whole JSON"),
        (b'{"results": [-Infinity]}', "not whole JSON"),
        (b'{"results": []} {"results": []}', "not whole JSON"),
        (b'{"results": ' + b"[" * 100_000, "not whole JSON"),
        (b'{"results": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not whole JSON"),
        (b"\xff\xfe{}", "not whole JSON"),
        (b"OK", "not whole JSON"),
    ],
    ids=range(13),
)
@pytest.mark.parametrize("call", ["call_logs.retrieve", "leads.insert"])
def test_a_body_that_is_no_json_is_unreadable(body: bytes, what: str, call: str) -> None:
    with pytest.raises(ReplyError, match=f"the reply under HTTP 200 is {what}") as caught:
        read(ENDPOINTS[call], 200, body)
    error = caught.value
    assert error.unreadable
    assert (error.outcome, error.status, error.endpoint) == ("unknown", 200, call)


@pytest.mark.parametrize(
    "body",
    [
        b'{"success": true, "data": {"lead_id": "88',
        b'{"success":true',
        b' \n{ "success" : true, "data": {"lead_id": "\xc3',
        b'\xef\xbb\xbf{"success": true, "data": {"lead_id": "88',
    ],
)
def test_one_that_begins_with_success_was_applied(body: bytes) -> None:
    with pytest.raises(ReplyError) as caught:
        read(INSERT, 200, body)
    assert (caught.value.unreadable, caught.value.outcome) == (True, "applied")


@pytest.mark.parametrize(
    "body",
    [b'{"success": trueish', b'{"data": {"success": true', b'{"success": "true"', b'x{"success": true'],
)
def test_one_that_only_looks_like_it_was_not(body: bytes) -> None:
    with pytest.raises(ReplyError) as caught:
        read(INSERT, 200, body)
    assert caught.value.outcome == "unknown"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'\xef\xbb\xbf{"data": [{"name": "x"}]}', "x"),
        (b'{"data": [{"name": "caf\xe9"}]}', "caf\ufffd"),
        (rb'{"data": [{"name": "a\ud800b"}]}', "a\ufffdb"),
        (rb'{"data": [{"name": "a\uDFFF"}]}', "a\ufffd"),
        (rb'{"data": [{"name": "\ud83d\ude00"}]}', "\U0001f600"),
        (b'\xef\xbb\xbf{"data": [{"name": "\\ud83d\\ude00 \\ud83d"}]}', "\U0001f600 \ufffd"),
        (rb'{"data": [{"name": "\ufeff\ud800"}]}', "\ufeff\ufffd"),
    ],
)
def test_what_the_fast_parser_refuses_is_read_all_the_same(body: bytes, name: str) -> None:
    answer = read(ENDPOINTS["campaigns.search"], 200, body)
    assert answer.rows == [{"name": name}]
    json.dumps(answer.payload).encode("utf-8")


@pytest.mark.parametrize("depth", [100, 300, 600, 900, 2_000])
@pytest.mark.parametrize("leaf", ["1", r'"\ud800"'])
@pytest.mark.parametrize("key", ["extra", "error"])
def test_deep_nesting_is_read_or_unreadable(depth: int, leaf: str, key: str) -> None:
    body = f'{{"success": false, "data": [], "{key}": {"[" * depth}{leaf}{"]" * depth}}}'
    with pytest.raises((ConvosoAPIError, ReplyError)):
        read(ENDPOINTS["campaigns.search"], 200, body.encode())


def test_numbers_of_any_size_are_read() -> None:
    body = b'\xef\xbb\xbf{"success": false, "error": {"n": 123456789012345678901234567890}}'
    with pytest.raises(ConvosoAPIError):
        read(CALL_LOGS, 200, body)


def test_a_long_text_is_judged_in_no_time() -> None:
    started = time.perf_counter()
    for text in ("no " * 100_000, "auth" * 100_000):
        assert type(refused({"success": False, "error": text})) is ConvosoAPIError
    assert time.perf_counter() - started < 10  # it was hours


# -- what errors show -------------------------------------------------------------------------------

SECRET = "s3cr3t/Token+of=the-account"
TOKEN = Token(SECRET)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 422, 429, 500])
@pytest.mark.parametrize(
    "key", ["error", "text", "message", "error_description", "code", "error_code", "other"]
)
@pytest.mark.parametrize("written", ["plain", "php", "encoded"])
def test_no_error_shows_the_token(status: int, key: str, written: str) -> None:
    shown = {"plain": SECRET, "php": SECRET, "encoded": TOKEN.encoded}[written]
    body = json.dumps({"success": False, key: f"{shown}"})
    body = body.replace("/", r"\/") if written == "php" else body
    for call in ("leads.insert", "lists.delete"):
        with pytest.raises(ConvosoError) as caught:
            read(ENDPOINTS[call], status, body.encode(), TOKEN.scrub)
        told = repr(vars(caught.value)) + str(caught.value) + repr(caught.value)
        assert "s3cr3t" not in told
        assert "[auth_token]" in told


@pytest.mark.parametrize(
    "body",
    [
        f"<html>{SECRET}</html>".encode(),
        ("é" * 1990 + SECRET).encode(),
        ("x" + SECRET * 300).encode(),
        ("\U0001f600" * 995 + SECRET).encode(),
        ("€" * 1325 + SECRET).encode(),
        b"x" * 1990 + SECRET.encode(),
        b"x" * 3990 + SECRET.encode(),
    ],
)
def test_a_body_is_scrubbed_before_it_is_cut(body: bytes) -> None:
    with pytest.raises(ReplyError) as caught:
        read(INSERT, 200, body, TOKEN.scrub)
    assert caught.value.body is not None
    assert "s3c" not in caught.value.body
    assert len(caught.value.body) <= reply.BODY_SHOWN


def test_long_words_are_cut() -> None:
    error = refused({"success": False, "error": "x" * 10_000})
    assert error.text is not None
    assert error.body is not None
    assert len(error.text) == len(error.body) == reply.BODY_SHOWN
    assert len(str(error)) < 300


# -- one call's own table ---------------------------------------------------------------------------


def test_a_code_is_looked_up_on_its_call_alone() -> None:
    one: Endpoint[Any] = Endpoint(
        id="x.one",
        path="/one",
        retry=UNSAFE,
        params=dict,
        result=Result,
        codes={7: success("fine"), 8: failed("no good", "good")},
        texts={"Missing required field:": invalid("x"), "Turned down": rejected("y")},
    )
    assert said({"success": False, "code": 7}, one).payload == {"success": False, "code": 7}
    assert refused({"success": False, "code": 8}, one).description == "no good (another source: good)"
    assert refused({"success": False, "code": 8}, CALL_LOGS).description is None
    assert refused({"error": "missing required field: state"}, one).description == "x"
    assert type(refused({"error": "Turned down!"}, one)) is RejectedError
    assert refused({"error": "Turned down by Jane"}, one).description is None
