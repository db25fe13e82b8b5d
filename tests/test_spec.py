"""The package against the fact sheet: what stands there and is missing here fails, and the reverse.

Where the two part on purpose, the reason stands beside it.
"""

import ast
import inspect
import json
import re
from collections.abc import Coroutine, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import pytest
import yaml

import convoso_async
from convoso_async import AsyncConvoso, reply
from convoso_async.client import RESOURCES
from convoso_async.endpoint import IDEMPOTENT, READ, UNSAFE, Endpoint, Kind, Meaning, Retry
from convoso_async.errors import ConvosoError
from convoso_async.form import Form, Pairs
from convoso_async.resource import Resource
from convoso_async.resources.agent_monitor import MonitorSnapshot
from convoso_async.resources.call_logs import CallRecording
from convoso_async.rows import Page, Result, Row, annotations_of

SPEC_FOLDER = Path(__file__).parent / "spec"
CALLS: list[dict[str, Any]] = yaml.safe_load((SPEC_FOLDER / "endpoints.yaml").read_text())
ERRORS: dict[str, Any] = yaml.safe_load((SPEC_FOLDER / "errors.yaml").read_text())
ZONE = ZoneInfo("America/Los_Angeles")

MODULES = {name: import_module(f"convoso_async.resources.{name}") for name in RESOURCES}
ENDPOINTS: dict[str, Endpoint[Any]] = {
    value.id: value
    for module in MODULES.values()
    for value in vars(module).values()
    if isinstance(value, Endpoint)
}

each_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: str(call["id"]))
each_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda endpoint: str(endpoint.id))


# -- the calls --------------------------------------------------------------------------------------


def test_all_37_calls_are_declared_and_no_other() -> None:
    assert len(CALLS) == 37
    assert {call["id"] for call in CALLS} == set(ENDPOINTS)
    assert {call["resource"] for call in CALLS} == set(RESOURCES)


@each_call
def test_a_call_is_a_method_of_its_resource(call: dict[str, Any]) -> None:
    client = AsyncConvoso("invented")
    resource = getattr(client, call["resource"])
    assert isinstance(resource, Resource)
    method = getattr(resource, call["method"])
    assert inspect.iscoroutinefunction(method)
    assert call["path"] == ENDPOINTS[call["id"]].path
    assert re.search(rf"^POST {re.escape(call['path'])}[.,]", inspect.getdoc(method) or "", re.MULTILINE)


class Service:
    """Stands in for the client: keeps what was sent, and answers with one body."""

    zone: tzinfo = ZONE

    def __init__(self, body: object) -> None:
        self.body = json.dumps(body).encode()
        self.endpoint: Endpoint[Any] | None = None
        self.sent: Pairs = []

    async def _call(
        self, endpoint: Endpoint[Any], pairs: Pairs, *, raw: bool = False, later: bool = False
    ) -> reply.Reply:
        self.endpoint, self.sent = endpoint, pairs
        return reply.read(endpoint, 200, self.body, raw=raw)


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns that waits for nothing: no event loop is needed."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


def asked(call: Mapping[str, Any], body: object) -> tuple[Any, Service]:
    """What the method of a call gives for a body, and what it sent."""
    service = Service(body)
    resource = getattr(MODULES[call["resource"]], RESOURCES[call["resource"]])(service)
    return finished(getattr(resource, call["method"])(**least(call))), service


def least(call: Mapping[str, Any]) -> dict[str, object]:
    """The required parameters of a call, with values."""
    return {name_of(param): good(call, param)[0][0] for param in call["params"] if param["required"]}


@each_call
def test_the_method_sends_its_own_call(call: dict[str, Any]) -> None:
    _, service = asked(call, call["response"]["examples"][0]["body"])
    assert service.endpoint is ENDPOINTS[call["id"]]
    expected = {param["name"] for param in call["params"] if param["required"]}
    if call["pagination"]:
        expected.add("limit")  # the defaults differ by source, so it is always said
        assert dict(service.sent)["limit"] == str(call["pagination"]["limit_default"])
    assert expected == {name for name, _ in service.sent}


# -- parameters -------------------------------------------------------------------------------------

OTHER_WIRE_FORMS = {
    ("lists.update", "status"): (
        "1",
        "typed boolean, but described as 1 active, 0 inactive, as on lists.insert",
    ),
}
MORE_WORDS = {
    ("callbacks.search", "stage"): ({"MISSED", "PASTDUE"}, "the index has other words than the page"),
}


def name_of(param: Mapping[str, Any]) -> str:
    return str(param.get("python_name", param["name"]))


def good(call: Mapping[str, Any], param: Mapping[str, Any]) -> list[tuple[object, str]]:
    """Values that a parameter must take, and the texts that must be sent for them."""
    name, kind = param["name"], param["type"]
    if "enum" in param and kind == "csv":
        return [(word, word) for word in param["enum"]] + [(param["enum"], ",".join(param["enum"]))]
    if param.get("enum") == ["Y", "N"]:
        return [("Y", "Y"), ("N", "N"), (True, "Y"), (False, "N")]
    if param.get("enum") == [0, 1]:
        return [(0, "0"), (1, "1"), (True, "1"), (False, "0")]
    if "enum" in param:
        more = MORE_WORDS.get((call["id"], name), ((), ""))[0]
        return [(word, word) for word in [*param["enum"], *more]]
    if name == "hex_color":
        return [("3A7F2B", "3A7F2B"), ("#3A7F2B", "3A7F2B")]
    if name == "callback_time":
        return [
            ("2025-07-16 03:15 PM", "2025-07-16 03:15 PM"),
            (datetime(2025, 7, 16, 15, 15), "2025-07-16 03:15 PM"),
        ]
    if name == "callback_time_zone":
        return [(-7, "-7.00"), (5.3, "+5.30"), (0, "0.00")]
    return by_type(call, param)


def by_type(call: Mapping[str, Any], param: Mapping[str, Any]) -> list[tuple[object, str]]:
    name, kind = param["name"], param["type"]
    match kind:
        case "string":
            sizes = {
                param.get("min_length", 1),
                param.get("max_length", 12),
                12 if "max_length" not in param else 0,
            }
            words = ["x" * size for size in sizes if size >= param.get("min_length", 0)]
            return [(word, word) for word in words]
        case "integer":
            values = [param[bound] for bound in ("min", "max") if bound in param] or [1, 7]
            return [(value, str(value)) for value in values]
        case "number":
            return [(87.25, "87.25"), (3, "3"), (Decimal("1E+2"), "100")]
        case "boolean":
            yes = OTHER_WIRE_FORMS.get((call["id"], name), ("true", ""))[0]
            return [(True, yes), (False, {"true": "false", "1": "0"}[yes])]
        case "csv":
            return [("a,b", "a,b"), (["a", "b"], "a,b"), ("a", "a")]
        case "date":
            return [(date(2025, 7, 4), "2025-07-04"), ("2025-07-04", "2025-07-04")]
        case "datetime":
            return [
                (datetime(2025, 7, 4, 8, 5, 9), "2025-07-04 08:05:09"),
                (datetime(2025, 7, 4, 8, tzinfo=UTC), "2025-07-04 01:00:00"),
                ("2025-07-04 08:05:09", "2025-07-04 08:05:09"),
            ]
    raise AssertionError(kind)


def bad(call: Mapping[str, Any], param: Mapping[str, Any]) -> list[tuple[object, type[Exception]]]:
    """Values that a parameter must refuse."""
    values: list[tuple[object, type[Exception]]] = [(object(), TypeError), (b"x", TypeError)]
    if "min" in param:
        values.append((param["min"] - 1, ValueError))
    if "max" in param:
        values.append((param["max"] + 1, ValueError))
    if param["name"] == "limit":
        values.append((0, ValueError))
    if param.get("min_length"):
        values.append(("x" * (param["min_length"] - 1), ValueError))
    if "max_length" in param:
        values.append(("x" * (param["max_length"] + 1), ValueError))
    if param["type"] == "csv":
        values.append(([], ValueError))
    if param["type"] == "boolean":
        values += [("perhaps", TypeError), (2.0, TypeError)]
    if "enum" in param and param["enum"] == [0, 1]:
        values += [(2, ValueError), ("1", TypeError)]
    elif "enum" in param:
        values.append(("no such word", ValueError))
    return values


def sent_for(call: Mapping[str, Any], param: Mapping[str, Any], value: object) -> str | None:
    form = Form(ENDPOINTS[call["id"]])
    return dict(form.pairs({**least(call), name_of(param): value}, ZONE)).get(param["name"])


EVERY_PARAMETER = [
    pytest.param(call, param, id=f"{call['id']}-{param['name']}")
    for call in CALLS
    for param in call["params"]
]


@each_call
def test_a_call_takes_the_documented_parameters_and_no_others(call: dict[str, Any]) -> None:
    form = Form(ENDPOINTS[call["id"]])
    assert {(param["name"], name_of(param), param["required"]) for param in call["params"]} == {
        (parameter.wire, name, parameter.required) for name, parameter in form.parameters.items()
    }


@pytest.mark.parametrize(("call", "param"), EVERY_PARAMETER)
def test_a_parameter_takes_what_is_documented(call: dict[str, Any], param: dict[str, Any]) -> None:
    for value, expected in good(call, param):
        assert expected == sent_for(call, param, value)
    if not param["required"]:
        assert sent_for(call, param, None) is None


@pytest.mark.parametrize(("call", "param"), EVERY_PARAMETER)
def test_a_parameter_refuses_what_is_out_of_bounds(call: dict[str, Any], param: dict[str, Any]) -> None:
    for value, expected in bad(call, param):
        with pytest.raises(expected, match=name_of(param)):
            sent_for(call, param, value)


@pytest.mark.parametrize(("call", "param"), [each for each in EVERY_PARAMETER if each.values[1]["required"]])
def test_a_required_parameter_must_be_there(call: dict[str, Any], param: dict[str, Any]) -> None:
    given = {name: value for name, value in least(call).items() if name != name_of(param)}
    with pytest.raises(TypeError, match=f"^{re.escape(call['id'])}: {name_of(param)} is required$"):
        Form(ENDPOINTS[call["id"]]).pairs(given, ZONE)


@each_call
def test_an_unknown_parameter_is_refused(call: dict[str, Any]) -> None:
    for name in ("no_such_parameter", "auth_token", "Limit"):
        with pytest.raises(TypeError, match=f"unknown parameter '{name}'"):
            Form(ENDPOINTS[call["id"]]).pairs({**least(call), name: "x"}, ZONE)


@each_call
def test_custom_fields_go_where_they_are_documented(call: dict[str, Any]) -> None:
    form = Form(ENDPOINTS[call["id"]])
    name = "extra_field_07" if "custom_field_pattern" in call else "job_group"
    values = {**least(call), "fields": {name: "x"}}
    if call["custom_fields"]:
        assert dict(form.pairs(values, ZONE))[name] == "x"
    else:
        with pytest.raises(TypeError, match="unknown parameter 'fields'"):
            form.pairs(values, ZONE)


def test_only_extra_fields_go_to_a_call_log() -> None:
    form = Form(ENDPOINTS["call_logs.update"])
    for name in ("job_group", "extra_field_7", "extra_field_", "extra_field_0x"):
        with pytest.raises(ValueError, match="fields must have names"):
            form.pairs({"call_log_id": 1, "fields": {name: "x"}}, ZONE)


@each_call
def test_the_signature_is_that_of_the_declaration(call: dict[str, Any]) -> None:
    """What type checkers read and what is checked at run time are the same names."""
    cls = getattr(MODULES[call["resource"]], RESOURCES[call["resource"]])
    hints = get_type_hints(getattr(cls, call["method"]), include_extras=True)
    unpacked = [get_args(hint)[0] for name, hint in hints.items() if name != "return"]
    typed = set(get_type_hints(unpacked[0])) if unpacked else set()
    assert set(Form(ENDPOINTS[call["id"]]).parameters) == typed - {"fields"}


# -- pages ------------------------------------------------------------------------------------------

PAGERS = [
    "agent_productivity.search_all",
    "call_logs.retrieve_all",
    "callbacks.search_all",
    "dnc.search_all",
    "leads.get_recordings_all",
    "leads.search_all",
    "sms_opt_out.search_all",
    "users.recordings_all",
    "users.search_all",
]


def test_the_paged_calls_have_pagers() -> None:
    found = [
        f"{name}.{method}"
        for name in RESOURCES
        for method in dir(getattr(MODULES[name], RESOURCES[name]))
        if method.endswith("_all")
    ]
    assert sorted(found) == PAGERS
    assert sorted(f"{call['id']}_all" for call in CALLS if call["pagination"]) == PAGERS


@each_call
def test_the_bounds_of_a_page_are_the_documented_ones(call: dict[str, Any]) -> None:
    paging, documented = ENDPOINTS[call["id"]].paging, call["pagination"]
    if documented is None:
        assert paging is None
        return
    assert paging is not None
    for name in ("limit_default", "limit_max", "offset_max"):
        assert documented[name] == getattr(paging, name), name
    assert documented["order_param"] == paging.order
    key = paging.key
    assert key in annotations_of(ENDPOINTS[call["id"]].result)


@each_call
def test_the_range_filters_are_the_documented_ones(call: dict[str, Any]) -> None:
    paged = call["pagination"]
    window = paged["window"] if paged else call["window"]
    ranges = ENDPOINTS[call["id"]].ranges
    if window is None:
        assert ranges == ()
        return
    expected = [(window["start_param"], window["end_param"]), *map(tuple, window.get("others", []))]
    assert expected == [(span.start, span.end) for span in ranges]
    unit = {"second": timedelta(seconds=1), "day": timedelta(days=1)}[window["granularity"]]
    assert {unit} == {span.unit for span in ranges}
    fields = annotations_of(ENDPOINTS[call["id"]].result)
    assert [span.field for span in ranges if span.field is not None and span.field not in fields] == []


@each_call
def test_a_range_that_ends_before_it_starts_is_refused(call: dict[str, Any]) -> None:
    for span in ENDPOINTS[call["id"]].ranges:
        values = {**least(call), span.start: datetime(2025, 7, 5), span.end: datetime(2025, 7, 4)}
        with pytest.raises(ValueError, match=f"{span.end} must not lie before {span.start}"):
            Form(ENDPOINTS[call["id"]]).pairs(values, ZONE)
        values = {**least(call), span.start: date(2025, 7, 4), span.end: date(2025, 7, 4)}
        pairs = dict(Form(ENDPOINTS[call["id"]]).pairs(values, ZONE))
        if span.unit == timedelta(seconds=1):
            assert (pairs[span.start], pairs[span.end]) == ("2025-07-04 00:00:00", "2025-07-04 23:59:59")


# -- errors -----------------------------------------------------------------------------------------

AUTHORITY = ("seed", "docs", "index", "types", "site", "sdk2", "go", "php")
MARKERS = {"in_progress": "success"}
"""Kinds of the fact sheet that the package does not tell apart: neither is a failure."""


def meanings() -> dict[tuple[str, int], list[dict[str, str]]]:
    """What each code means on each call, by the highest authority first."""
    found: dict[tuple[str, int], list[dict[str, str]]] = {}
    for entry in ERRORS["codes"]:
        for meaning in entry["meanings"]:
            for call in meaning["endpoints"]:
                found.setdefault((call, entry["code"]), []).append(meaning)
    for several in found.values():
        several.sort(key=lambda meaning: AUTHORITY.index(meaning["source"]))
    return found


MEANINGS = meanings()


@pytest.mark.parametrize(
    ("place", "known"), MEANINGS.items(), ids=lambda each: str(each) if isinstance(each, tuple) else ""
)
def test_a_code_means_what_the_highest_authority_says(
    place: tuple[str, int], known: list[dict[str, str]]
) -> None:
    call, code = place
    meaning = reply.ANY_CALL[code] if call == "*" else ENDPOINTS[call].codes[code]
    assert known[0]["meaning"] == meaning.text
    assert MARKERS.get(known[0]["kind"], known[0]["kind"]) == meaning.kind.value
    others = [other["meaning"] for other in known[1:] if other["meaning"] != known[0]["meaning"]]
    assert (others[0] if others else None) == meaning.other
    for each in known:
        assert each["meaning"] in meaning.description


def test_no_code_is_invented() -> None:
    declared = {(endpoint.id, code) for endpoint in ENDPOINTS.values() for code in endpoint.codes}
    assert declared | {("*", code) for code in reply.ANY_CALL} == set(MEANINGS)


@each_call
def test_the_two_tables_of_codes_agree(call: dict[str, Any]) -> None:
    codes = {*call["errors"], *call["special_codes"]}
    codes |= {code for other in call.get("errors_other_sources", {}).values() for code in other}
    assert codes == set(ENDPOINTS[call["id"]].codes)


@pytest.mark.parametrize(
    ("place", "known"), [pair for pair in MEANINGS.items() if pair[0][0] != "*"], ids=str
)
def test_a_code_raises_the_class_of_its_meaning(place: tuple[str, int], known: list[dict[str, str]]) -> None:
    endpoint, code = ENDPOINTS[place[0]], place[1]
    body = json.dumps({"success": False, "code": code, "text": "words"}).encode()
    kind = Kind(MARKERS.get(known[0]["kind"], known[0]["kind"]))
    if kind is Kind.SUCCESS:
        reply.read(endpoint, 200, body)
        return
    with pytest.raises(ConvosoError) as caught:
        reply.read(endpoint, 200, body)
    assert type(caught.value) is reply.KIND_ERRORS[kind]
    assert caught.value.description == endpoint.codes[code].description


TEXTS = [
    (call, entry)
    for entry in ERRORS["general_text_errors"] + ERRORS["endpoint_text_errors"]
    for call in (ENDPOINTS if entry["endpoints"] == ["*"] else entry["endpoints"])
]


@pytest.mark.parametrize(("call", "entry"), TEXTS, ids=str)
def test_a_text_means_what_is_documented(call: str, entry: dict[str, Any]) -> None:
    text = entry["text"].replace("<field>", "state")
    for written in (text, text.upper(), f" {text}. "):
        meaning = reply.meaning_of(ENDPOINTS[call], entry.get("code"), written)
        assert isinstance(meaning, Meaning)
        assert entry["kind"] == meaning.kind.value


@each_call
def test_no_text_is_invented(call: dict[str, Any]) -> None:
    general = [entry["text"] for entry in ERRORS["general_text_errors"] if call["id"] in entry["endpoints"]]
    documented = {
        text.replace(" <field>", "") for text in [*general, *(e["text"] for e in call["text_errors"])]
    }
    assert documented == set(ENDPOINTS[call["id"]].texts)


# -- what may be sent again -------------------------------------------------------------------------

RETRY = {
    IDEMPOTENT: """leads.update lists.update callbacks.update call_logs.update campaigns.status dnc.insert
        dnc.update sms_opt_out.insert sms_opt_out.update status.update revenue.update leads.delete
        lists.delete callbacks.delete""",
    UNSAFE: """leads.insert lead_post.insert lists.insert status.insert callbacks.insert
        agent_monitor.logout dnc.delete""",
}


@each_call
def test_a_call_has_its_retry_class(call: dict[str, Any]) -> None:
    expected: Retry = next((retry for retry, calls in RETRY.items() if call["id"] in calls.split()), READ)
    assert expected is ENDPOINTS[call["id"]].retry
    assert (call["effect"] == "read") is (expected is READ)


def test_do_not_call_writes_alone_are_urgent() -> None:
    assert {endpoint.id for endpoint in ENDPOINTS.values() if endpoint.urgent} == {
        "dnc.insert",
        "dnc.update",
        "sms_opt_out.insert",
        "sms_opt_out.update",
    }


ALREADY = {
    "dnc.insert": {6007, 6008},
    "sms_opt_out.insert": {6007, 6008},
    "leads.delete": {6001},
    "lists.delete": {6002},
    "callbacks.delete": {6038, 6074},
}


@each_endpoint
def test_a_repeat_that_finds_it_done(endpoint: Endpoint[Any]) -> None:
    assert ALREADY.get(endpoint.id, set()) == set(endpoint.already)
    assert set(endpoint.already) <= set(endpoint.codes)
    if endpoint.already:
        assert endpoint.retry is IDEMPOTENT


# -- replies ----------------------------------------------------------------------------------------

LEFT_OUT = {
    r"field_\d+": "numbered columns differ from account to account: they are in `extra`",
    r"carrier_and_plan_\d|individual_or_family|current_coverage": "columns of one account: in `extra`",
    r"data": "the envelope, whose keys are attributes themselves",
}
TYPES: dict[str, tuple[object, ...]] = {
    "integer": (int,),
    "number": (float,),
    "boolean": (bool,),
    "datetime": (datetime,),
    "date": (date, datetime),
    "list": (list,),
    "object": (dict, datetime),  # PHP's date objects are moments
    "csv": (list, str),
    "string": (str, int, float, bool, datetime, date, list),  # numbers, flags and stamps come as text
}


def base(hint: Any) -> object:
    """The plain type of an annotation."""
    while get_origin(hint) in (Annotated, Union, UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    return get_origin(hint) or hint


def left_out(name: str) -> bool:
    return any(re.fullmatch(pattern, name) for pattern in LEFT_OUT)


def classes(call: Mapping[str, Any]) -> list[tuple[type[Row], dict[str, Any]]]:
    """Each class of a reply with each documented field that it must have."""
    result = ENDPOINTS[call["id"]].result
    found = [(result, field) for field in call["response"]["fields"]]
    if call["id"] == "agent_monitor.search":
        found += [
            (MonitorSnapshot, field) for field in call["response"]["envelope"] if field["name"] != "total"
        ]
    found += [(CallRecording, field) for field in call["response"].get("nested", {}).get("recording", [])]
    return found


@pytest.mark.parametrize(
    ("call", "cls", "field"),
    [
        pytest.param(call, cls, field, id=f"{call['id']}-{cls.__name__}-{field['name']}")
        for call in CALLS
        for cls, field in classes(call)
    ],
)
def test_a_documented_field_is_a_typed_attribute(
    call: dict[str, Any], cls: type[Row], field: dict[str, Any]
) -> None:
    name = field["name"].rpartition(".")[2]
    hints = annotations_of(cls)
    if left_out(name):
        assert name not in hints
        return
    hint = hints.get(name, hints.get(f"{name}_"))
    assert hint is not None, f"{cls.__name__} has no {name}"
    is_id = name == "id" or name.endswith("_id")  # text, also where they come as numbers
    assert base(hint) in ((str,) if is_id else TYPES[field["type"]])


def bodies(key: str) -> list[Any]:
    """The bodies of the fact sheet: `examples` that are no errors, or `empty`."""
    found = []
    for call in CALLS:
        if key == "empty":
            numbered = [
                {"label": f"empty {n}", "body": body}
                for n, body in enumerate(call["response"].get("empty", []))
            ]
        else:
            numbered = [
                example for example in call["response"]["examples"] if example["label"] != "error form"
            ]
        found += [pytest.param(call, each["body"], id=f"{call['id']}-{each['label']}") for each in numbered]
    return found


def documented(call: Mapping[str, Any]) -> set[str]:
    names = {field["name"].rpartition(".")[2] for field in call["response"]["fields"]}
    return {name for name in names if not left_out(name)}


@pytest.mark.parametrize(("call", "body"), bodies("examples"))
def test_a_reply_is_typed(call: dict[str, Any], body: Any) -> None:
    result, service = asked(call, body)
    endpoint = ENDPOINTS[call["id"]]
    assert result.raw == body
    rows = result.rows if isinstance(result, Page) else [result]
    if endpoint.rows and isinstance(result, MonitorSnapshot):
        rows = result.agents
    assert rows
    for each in rows:
        assert isinstance(each, endpoint.result)
        # an object of which one text was taken stays there too
        unread = {name for name, value in each.extra.items() if not isinstance(value, dict)}
        assert unread & documented(call) == set()
        typed_as_declared(each)
    if isinstance(result, Page):
        totals = [
            total
            for path in call["response"]["total_paths"]
            for total in [dig(body, path)]
            if total is not None
        ]
        assert (int(totals[0]) if totals else None) == result.total
    for path in call["response"].get("id_paths", []):
        if dig(body, path) is not None:
            assert str(dig(body, path)) == getattr(result, path.rpartition(".")[2])
    assert service.endpoint is endpoint


def dig(body: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(body, dict):
            return None
        body = body.get(name)
    return body


def typed_as_declared(made: Row) -> None:
    """Every attribute has its declared type, and stamps are aware, in the account's zone."""
    for name, hint in annotations_of(type(made)).items():
        value = getattr(made, name)
        kind = base(hint)
        if value is None or name == "raw" or not isinstance(kind, type):
            continue
        assert type(value) is kind, name
        if isinstance(value, datetime):
            assert value.tzinfo is ZONE
        for item in value if isinstance(value, list) else []:
            if isinstance(item, Row):
                typed_as_declared(item)
            else:
                assert isinstance(item, str)


@pytest.mark.parametrize(("call", "body"), bodies("empty"))
def test_an_empty_reply_is_no_failure(call: dict[str, Any], body: Any) -> None:
    result, _ = asked(call, body)
    if isinstance(result, Page):
        assert result.rows == []
        assert len(result) == 0
    else:
        assert isinstance(result, Result)
        assert result.success is True
    assert result.raw == body


OBSERVED: dict[str, tuple[Any, int, int | None]] = {
    "call_logs.retrieve": (
        {
            "success": True,
            "data": {"offset": "0", "limit": "500", "total_found": "7", "entries": 1, "results": [{"id": 1}]},
        },
        1,
        7,
    ),
    "leads.search": ({"success": True, "data": {"total": "7", "entries": [{"id": 1, "lead_id": 1}]}}, 1, 7),
    "leads.get_recordings": (
        {"data": {"total": "7", "entries": [{"recording_id": 1, "end_time": ""}]}},
        1,
        7,
    ),
    "users.recordings": ({"data": {"total": "7", "entries": [{"recording_id": 1, "seconds": None}]}}, 1, 7),
    "agent_productivity.search": (
        {"success": True, "data": {"total": "7", "entries": [{"event_sec": "01:02", "event_epoch": "5"}]}},
        1,
        7,
    ),
    "dnc.search": ({"success": True, "data": {"total": "7", "entries": [{"id": 1}]}}, 1, 7),
    "sms_opt_out.search": ({"success": True, "data": {"total": "7", "entries": [{"id": 1}]}}, 1, 7),
    "callbacks.search": (
        {"success": True, "data": {"total": "7", "results": [{"recipient": "USERONLY"}]}},
        1,
        7,
    ),
    "users.search": (
        {"success": True, "data": {"total": "7", "results": {"5": {"id": 5}, "6": {"id": 6}}}},
        2,
        7,
    ),
    "agent_performance.search": (
        {"success": True, "data": {"5": {"talk_sec": "00:00:05"}, "6": {"user_id": 6}}, "total": 2},
        2,
        2,
    ),
    "lists.search": ({"success": True, "data": [{"id": 702, "status": "Y"}]}, 1, None),
    "campaigns.search": ({"success": True, "data": [{"id": 61}]}, 1, None),
    "status.search": ({"success": True, "data": [{"status": "WARM", "success": "N"}]}, 1, None),
}


def observed_calls() -> list[Any]:
    calls = {call["id"]: call for call in CALLS}
    return [pytest.param(calls[name], *rest, id=name) for name, rest in OBSERVED.items()]


@pytest.mark.parametrize(("call", "body", "rows", "total"), observed_calls())
def test_the_observed_form_is_typed_too(
    call: dict[str, Any], body: Any, rows: int, total: int | None
) -> None:
    page, _ = asked(call, body)
    assert (rows, total) == (len(page), page.total)
    for each in page:
        assert each.extra == {}
        typed_as_declared(each)


@pytest.mark.parametrize("nothing", [None, [], {}])
@pytest.mark.parametrize(("call", "body", "rows", "total"), observed_calls())
def test_nothing_where_rows_belong_is_an_empty_page(
    call: dict[str, Any], body: Any, rows: int, total: int | None, nothing: object
) -> None:
    for path in ENDPOINTS[call["id"]].rows:
        if path == "$":
            continue
        empty: Any = nothing
        for name in reversed(path.split(".")):
            empty = {name: empty}
        assert asked(call, {"success": True, **empty})[0].rows == []


def test_the_observed_monitor_is_typed_too() -> None:
    call = next(call for call in CALLS if call["id"] == "agent_monitor.search")
    agents = [{"user_id": 40817, "queue_id": "0", "lead_id": "-", "status": "READY"}]
    body = {"success": True, "data": {"entries": {"agents": agents, "campaigns": {"61": {}}, "queues": []}}}
    snapshot, _ = asked(call, body)
    (agent,) = snapshot.agents
    assert (agent.user_id, agent.queue_id, agent.lead_id, agent.status) == ("40817", None, None, "READY")
    assert (snapshot.campaigns, snapshot.queues, snapshot.success) == ({"61": {}}, None, True)
    assert snapshot.raw == body


@pytest.mark.parametrize(
    ("call_id", "body", "accepted"),
    [
        ("lead_post.insert", {"result": True, "lead_id": 7}, True),
        ("lead_post.insert", {"result": "True", "lead_id": "7", "error_description": ""}, True),
        ("lead_post.insert", {"success": True, "data": {"lead_id": "7"}}, True),
        ("lead_post.insert", {"result": False, "error_description": "Number in DNC list"}, False),
        ("lead_post.insert", {"result": "False", "error_description": "no"}, False),
        ("lead_post.insert", {"success": True, "result": "Denied"}, False),
        ("lead_post.insert", {"success": False, "error_description": "no"}, False),
        ("lead_validation.search", {"success": True, "result": "Accepted"}, True),
        ("lead_validation.search", {"success": True, "result": "Denied"}, False),
        ("lead_validation.search", {"success": True, "result": "Declined"}, False),
        ("lead_validation.search", {"success": True}, False),
    ],
)
def test_a_refusal_is_an_answer(call_id: str, body: Any, accepted: bool) -> None:
    call = next(call for call in CALLS if call["id"] == call_id)
    result, _ = asked(call, body)
    assert accepted is result.accepted
    assert result.raw == body


def test_a_removal_that_runs_says_so() -> None:
    call = next(call for call in CALLS if call["id"] == "lists.delete")
    running, _ = asked(call, {"success": False, "code": 102, "text": "List deletion in progress"})
    done, _ = asked(call, {"success": True})
    assert (running.in_progress, done.in_progress) == (True, False)


def test_the_place_of_a_page_is_what_the_reply_says_else_what_was_asked() -> None:
    logs = MODULES["call_logs"]
    said = Service({"data": {"offset": "40", "limit": "20", "results": []}})
    page = finished(logs.CallLogs(said).retrieve(limit=100, offset=50))
    assert (page.offset, page.limit, page.total) == (40, 20, None)
    silent = Service({"results": []})
    page = finished(logs.CallLogs(silent).retrieve(limit=100, offset=50))
    assert (page.offset, page.limit) == (50, 100)
    zero = Service({"offset": 0, "limit": 100, "results": []})
    page = finished(logs.CallLogs(zero).retrieve(limit=100, offset=50))
    assert page.offset == 0


# -- the public names -------------------------------------------------------------------------------


def names_for_type_checkers() -> dict[str, str]:
    """The public names by the module they come from, as the imports under TYPE_CHECKING have them."""
    tree = ast.parse(Path(convoso_async.__file__).read_text())
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for statement in node.body:
                assert isinstance(statement, ast.ImportFrom)
                assert statement.level == 1
                for name in statement.names:
                    assert name.asname == name.name  # or strict type checkers take it for private
                    found[name.name] = str(statement.module)
    return found


def test_type_checkers_and_programs_see_the_same_names() -> None:
    typed = names_for_type_checkers()
    assert sorted(typed) == convoso_async.__all__ == dir(convoso_async)
    for name, module in typed.items():
        value = getattr(convoso_async, name)
        assert value is getattr(import_module(f"convoso_async.{module}"), name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'convoso_async' has no attribute 'Convosoo'"):
        convoso_async.Convosoo  # noqa: B018


def test_all_results_errors_and_rows_are_public() -> None:
    expected = {
        name
        for module in [
            *MODULES.values(),
            import_module("convoso_async.errors"),
            import_module("convoso_async.rows"),
        ]
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Row | Page | ConvosoError)
    }
    assert expected <= set(convoso_async.__all__)
