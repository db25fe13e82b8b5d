"""The client: its settings, its session, its life, and the call that takes any path."""

import asyncio
import json
import pickle
import ssl
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from convoso_async import (
    AsyncConvoso,
    AuthenticationError,
    ConfigurationError,
    ConvosoAPIError,
    ConvosoTimeoutError,
    OutcomeUnknownError,
    ReplyError,
    ServerError,
)
from convoso_async.client import RESOURCES
from convoso_async.simulator import Simulator

from .wiretap import http, wiretap

SECRET = "s3cr3t/+&="
PHONE = "2125550123"
EMPTY_PAGE = http(b'{"results": []}')


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(call_logs=10, leads=20) as running:
        yield running


def client_of(sim: Simulator, **settings: Any) -> AsyncConvoso:
    return AsyncConvoso(sim.token, base_url=sim.url, **settings)


# -- settings ---------------------------------------------------------------------------------------


def test_without_settings_it_is_the_public_service_in_los_angeles() -> None:
    client = AsyncConvoso(SECRET)
    assert repr(client) == "<AsyncConvoso https://api.convoso.com/v1>"
    assert client.zone == ZoneInfo("America/Los_Angeles")


async def test_settings_come_from_the_environment(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVOSO_AUTH_TOKEN", sim.token)
    monkeypatch.setenv("CONVOSO_BASE_URL", sim.url)
    monkeypatch.setenv("CONVOSO_TIMEZONE", "America/Denver")
    async with AsyncConvoso() as client:
        (lead,) = await client.leads.search(limit=1)
    assert lead.created_at is not None
    assert lead.created_at.tzinfo is client.zone is ZoneInfo("America/Denver")
    assert repr(client) == f"<AsyncConvoso {sim.url}>"


async def test_an_argument_wins_over_the_environment(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVOSO_AUTH_TOKEN", "stale")
    monkeypatch.setenv("CONVOSO_BASE_URL", "https://elsewhere.example.org")
    monkeypatch.setenv("CONVOSO_TIMEZONE", "Nowhere")
    async with AsyncConvoso(sim.token, base_url=sim.url, timezone="UTC") as client:
        assert len(await client.leads.search(limit=1)) == 1
    assert client.zone == ZoneInfo("UTC")


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONVOSO_AUTH_TOKEN", "CONVOSO_BASE_URL", "CONVOSO_TIMEZONE"):
        monkeypatch.setenv(name, "")
    client = AsyncConvoso(SECRET)
    assert (repr(client), str(client.zone)) == (repr(AsyncConvoso(SECRET)), "America/Los_Angeles")
    with pytest.raises(ConfigurationError, match="CONVOSO_AUTH_TOKEN"):
        AsyncConvoso()


def test_the_token_in_the_environment_goes_nowhere_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVOSO_BASE_URL", "https://elsewhere.example.org/v1")
    with pytest.warns(UserWarning, match="elsewhere.example.org, which is not Convoso"):
        AsyncConvoso(SECRET)
    monkeypatch.setenv("CONVOSO_BASE_URL", "https://api.convoso.com/v2")
    AsyncConvoso(SECRET)


@pytest.mark.parametrize("token", [None, "", " ", "abc\n", "\tabc", "a\rb", "a\0b", "abc ", 7, b"abc"])
def test_a_token_that_cannot_be_one_is_refused(token: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AsyncConvoso(token)
    assert "abc" not in str(caught.value)
    assert (caught.value.outcome, caught.value.attempts) == ("not_sent", 0)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("https://api.convoso.com/v1", "https://api.convoso.com/v1"),
        ("https://api.convoso.com/v1/", "https://api.convoso.com/v1"),
        ("https://api.convoso.com/v1//", "https://api.convoso.com/v1"),
        ("https://gateway.example.org:8443/convoso/v1", "https://gateway.example.org:8443/convoso/v1"),
        ("https://gateway.example.org", "https://gateway.example.org"),
        ("HTTPS://gateway.example.org/v1", "HTTPS://gateway.example.org/v1"),
        ("http://localhost:8080/v1", "http://localhost:8080/v1"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
    ],
)
def test_where_the_api_may_be(given: str, taken: str) -> None:
    assert repr(AsyncConvoso(SECRET, base_url=given)) == f"<AsyncConvoso {taken}>"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.convoso.com/v1",
        "http://localhost.example.org/v1",
        "http://127.0.0.1.example.org/v1",
        "http://0.0.0.0/v1",
        "ftp://localhost/v1",
        "api.convoso.com/v1",
        "//api.convoso.com/v1",
        "https://",
        "https:///v1",
        "https://api.convoso.com/v1?auth_token=abc",
        "https://api.convoso.com/v1#abc",
        "https://api.convoso.com/v1?",
        "https://api.convoso.com/v1#",
        "https://api.convoso.com/v1\n",
        "https://api.convoso.com/ v1",
        "https://api.convoso.com:port/v1",
        "https://api.convoso.com:99999/v1",
        "https://[::1/v1",
        " https://api.convoso.com/v1",
    ],
)
@pytest.mark.parametrize("source", ["argument", "environment"])
def test_where_the_api_cannot_be(url: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if source == "environment":
        monkeypatch.setenv("CONVOSO_BASE_URL", url)
    with pytest.raises(ConfigurationError, match=r"^base_url must be"):
        AsyncConvoso(SECRET, base_url=url if source == "argument" else None)


@pytest.mark.parametrize(
    "url",
    [
        "https://ada:pa55word@api.convoso.com/v1",
        "https://ada@api.convoso.com/v1",
        "http://:pa55word@localhost",
    ],
)
def test_a_base_url_with_a_login_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="must not hold a user name or a password") as caught:
        AsyncConvoso(SECRET, base_url=url)
    assert "pa55word" not in str(caught.value)


NO_ZONES = ["Mars/Olympus", "PST8PDT/x", "../etc/passwd", "America", "Los Angeles"]


@pytest.mark.parametrize("zone", [*NO_ZONES, "\0"])
def test_a_zone_that_is_not_known(zone: str) -> None:
    with pytest.raises(ConfigurationError, match="IANA name such as America/Los_Angeles"):
        AsyncConvoso(SECRET, timezone=zone)


@pytest.mark.parametrize("zone", NO_ZONES)
def test_a_zone_in_the_environment_that_is_not_known(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVOSO_TIMEZONE", zone)
    with pytest.raises(ConfigurationError, match="IANA name such as America/Los_Angeles"):
        AsyncConvoso(SECRET)


def test_a_zone_may_be_given_as_one() -> None:
    assert AsyncConvoso(SECRET, timezone=UTC).zone is UTC


class PytzZone(tzinfo):
    """A zone of pytz: used plainly, it is that of the first century of clocks."""

    zone = "America/Denver"

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(hours=-6, minutes=-59)

    def tzname(self, moment: datetime | None) -> str:
        return "LMT"

    def dst(self, moment: datetime | None) -> None:
        return None


class DateutilZone(PytzZone):
    """A zone of dateutil: it has no name, and cannot be a key."""

    zone = ""
    __hash__ = None  # type: ignore[assignment]  # as there


def test_a_zone_of_pytz_is_taken_by_its_name() -> None:
    assert AsyncConvoso(SECRET, timezone=PytzZone()).zone is ZoneInfo("America/Denver")


@pytest.mark.parametrize("zone", [DateutilZone(), 7, b"UTC"])
def test_a_zone_that_cannot_be_used_is_refused(zone: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^timezone .* or a zoneinfo.ZoneInfo"):
        AsyncConvoso(SECRET, timezone=zone)


@pytest.mark.parametrize("name", ["CONVOSO_BASE_URL", "CONVOSO_TIMEZONE"])
def test_an_error_names_the_variable_that_it_comes_from(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, " ")
    with pytest.raises(ConfigurationError, match=f"{name} has it"):
        AsyncConvoso(SECRET)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("base_url", 5, "base_url must be a str, not int"),
        ("base_url", b"https://api.convoso.com/v1", "base_url must be a str, not bytes"),
        ("base_url", [], "base_url must be a str, not list"),
        ("ssl", "no", "ssl must be an ssl.SSLContext or a bool, not str"),
        ("ssl", ssl.SSLContext, "ssl must be an ssl.SSLContext or a bool, not type"),
        ("ssl", 0, "ssl must be an ssl.SSLContext or a bool, not int"),
        ("session", aiohttp.ClientSession, "session must be an aiohttp.ClientSession, not type"),
        ("session", "mine", "session must be an aiohttp.ClientSession, not str"),
        ("timeout", None, "timeout must be a number above 0 \\(int or float\\), not NoneType"),
        ("deadline", Decimal(5), "deadline must be a number above 0 \\(int or float\\), not Decimal"),
        ("deadline", 10**400, "deadline must be a number above 0, and finite"),
    ],
)
def test_a_setting_of_a_wrong_type_is_refused(name: str, value: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{told}$"):
        AsyncConvoso(SECRET, **{name: value})


def test_certificates_are_checked_with_a_context_of_yours() -> None:
    for given in (None, True, False, ssl.create_default_context()):
        AsyncConvoso(SECRET, ssl=given)


@pytest.mark.parametrize("name", ["timeout", "deadline", "requests_per_second"])
@pytest.mark.parametrize("value", [0, -1, 0.0, float("nan"), float("inf"), "30", True])
def test_seconds_and_rates_are_numbers_above_zero(name: str, value: object) -> None:
    settings: Any = {name: value}
    with pytest.raises(ConfigurationError, match=f"^{name} must be a number above 0"):
        AsyncConvoso(SECRET, **settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_retries", -1),
        ("max_retries", 1.0),
        ("max_retries", "2"),
        ("max_retries", True),
        ("max_retries", None),
        ("max_connections", 0),
        ("max_connections", -1),
        ("max_connections", 1.5),
        ("max_connections", "20"),
        ("max_connections", False),
    ],
)
def test_counts_are_whole_numbers(name: str, value: object) -> None:
    settings: Any = {name: value}
    with pytest.raises(ConfigurationError, match=f"^{name} must be a whole number of"):
        AsyncConvoso(SECRET, **settings)


def test_settings_at_their_bounds() -> None:
    AsyncConvoso(
        SECRET, timeout=0.001, deadline=1, max_retries=0, max_connections=1, requests_per_second=1, ssl=False
    )


# -- what it shows ----------------------------------------------------------------------------------


async def test_the_token_is_not_shown(sim: Simulator) -> None:
    sim.token = SECRET
    async with client_of(sim) as client:
        await client.leads.search(limit=1)
        shown = [repr(client), str(client), repr(vars(client)), repr(client.leads)]
        shown += [repr(vars(value)) for value in vars(client).values() if hasattr(value, "__dict__")]
        for text in shown:
            assert SECRET not in text
            assert "s3cr3t" not in text
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="cannot be pickled"):
                pickle.dumps(client, protocol)


def test_its_names_can_be_completed() -> None:
    client = AsyncConvoso(SECRET)
    assert {*RESOURCES, "request", "aclose", "zone"} <= set(dir(client))
    assert len(RESOURCES) == 16
    for name in RESOURCES:
        assert getattr(client, name) is getattr(client, name)
    assert {*RESOURCES} <= set(dir(client))


@pytest.mark.parametrize("name", ["lead", "call_log", "__html__", "_repr_html_"])
def test_an_unknown_attribute_is_none(name: str) -> None:
    client = AsyncConvoso(SECRET)
    with pytest.raises(AttributeError, match=f"'AsyncConvoso' has no attribute '{name}'") as caught:
        getattr(client, name)
    assert (caught.value.name, caught.value.obj) == (name, client)
    assert not hasattr(client, name)


# -- its life ---------------------------------------------------------------------------------------


def test_nothing_is_opened_before_the_first_call(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    build = aiohttp.ClientSession.__init__

    def noted(self: aiohttp.ClientSession, *args: Any, **settings: Any) -> None:
        opened.append("session")
        build(self, *args, **settings)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", noted)
    client = client_of(sim)  # in no event loop
    pager = client.leads.search_all()

    async def use() -> int:
        async with client:
            assert opened == []
            first = await client.leads.search(limit=1)
            assert opened == ["session"]
            return len(first) + len(await pager.collect())

    assert asyncio.run(use()) == 21
    assert opened == ["session"]
    assert len(sim.requests) > 1


async def test_closing_twice_and_closing_unused(sim: Simulator) -> None:
    client = client_of(sim)
    await client.aclose()
    await client.aclose()
    used = client_of(sim)
    await used.leads.search(limit=1)
    await used.aclose()
    await used.aclose()
    async with client_of(sim) as entered:
        await entered.aclose()


async def test_a_closed_client_sends_nothing(sim: Simulator) -> None:
    async with client_of(sim) as client:
        assert len(await client.leads.search(limit=1)) == 1
        pager = client.leads.search_all()
    unused = client_of(sim)
    await unused.aclose()
    sim.clear()
    calls = [client.leads.search(), client.request("/leads/search"), pager.collect()]
    for call in (*calls, unused.leads.search()):
        with pytest.raises(ConfigurationError, match="closed") as caught:
            await call
        assert caught.value.outcome == "not_sent"
    assert sim.requests == []


async def test_it_closes_when_the_block_fails(sim: Simulator) -> None:
    client = client_of(sim)

    async def fail() -> None:
        async with client:
            await client.leads.search(limit=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    with pytest.raises(ConfigurationError):
        await client.leads.search()


async def test_it_belongs_to_the_event_loop_of_its_first_call(sim: Simulator) -> None:
    async with client_of(sim) as client:
        await client.leads.search(limit=1)

        async def elsewhere() -> None:
            await client.leads.search(limit=1)

        with pytest.raises(ConfigurationError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, elsewhere())
        await client.leads.search(limit=1)
    assert len(sim.requests) == 2


async def test_it_serves_many_tasks_over_a_few_connections(sim: Simulator) -> None:
    sim.latency = 0.01
    async with client_of(sim, max_connections=3) as client:
        pages = await asyncio.gather(*(client.leads.search(limit=1, offset=place) for place in range(12)))
    assert [page[0].id for page in pages] == sim.account.lead_ids()[:12]
    assert sim.in_flight_max == 3


async def test_an_attempt_has_its_time(sim: Simulator) -> None:
    sim.latency = 0.3
    async with client_of(sim, timeout=0.05, max_retries=0) as client:
        with pytest.raises(ConvosoTimeoutError) as read:
            await client.leads.search()
        assert (read.value.outcome, read.value.attempts) == ("unknown", 1)
        assert str(read.value) == "leads.search: no reply in time (timeout=0.05, deadline=120 seconds)"
        with pytest.raises(OutcomeUnknownError) as written:
            await client.leads.insert(list_id=701, phone_number=PHONE)
        assert written.value.reason is ConvosoTimeoutError
    assert len(sim.calls("leads.insert")) == 1


# -- a session of the caller's ----------------------------------------------------------------------


async def test_a_session_of_yours_keeps_its_headers_and_cookies_and_stays_open() -> None:
    set_cookie = http(b'{"results": []}', "Set-Cookie: seen=yes; Path=/")
    jar = aiohttp.CookieJar(unsafe=True)  # cookies for an address without a name
    async with (
        wiretap(set_cookie) as tap,
        aiohttp.ClientSession(
            headers={"X-Team": "harbor"}, cookies={"lane": "fast"}, cookie_jar=jar
        ) as session,
    ):
        async with AsyncConvoso(SECRET, base_url=tap.url, session=session) as client:
            await client.leads.search()
            await client.leads.search()
        assert not session.closed
        assert "X-Team: harbor" in tap.head(0)
        assert "lane=fast" in tap.head(0)
        assert "seen=yes" in tap.head(1)
        assert dict(tap.form(1))["auth_token"] == SECRET
        with pytest.raises(ConfigurationError):
            await client.leads.search()
        async with session.post(tap.url, data=b"a=1") as reply:  # still good for its owner
            assert reply.status == 200


async def test_a_session_of_yours_may_be_shared(sim: Simulator) -> None:
    async with aiohttp.ClientSession() as session:
        first, second = client_of(sim, session=session), client_of(sim, session=session)
        await first.leads.search(limit=1)
        await first.aclose()
        assert len(await second.leads.search(limit=1)) == 1
        await second.aclose()


async def test_the_habits_of_a_session_do_not_rule_a_call(sim: Simulator) -> None:
    """Its time limits, and its way of raising for a status."""
    impatient = aiohttp.ClientTimeout(total=0.02, sock_read=0.02)
    async with (
        aiohttp.ClientSession(timeout=impatient, raise_for_status=True) as session,
        client_of(sim, session=session, max_retries=0) as client,
    ):
        sim.latency = 0.1
        assert len(await client.leads.search(limit=1)) == 1
        sim.latency = 0
        sim.fail("leads.search", status=401)
        with pytest.raises(AuthenticationError):
            await client.leads.search()
        sim.fail("leads.insert", status=503)
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.leads.insert(list_id=701, phone_number=PHONE)
        assert caught.value.reason is ServerError


async def test_a_retrying_middleware_does_not_repeat_a_write(sim: Simulator) -> None:
    async def again(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        for _ in range(3):
            try:
                reply = await handler(request)
            except aiohttp.ClientError:
                continue
            if reply.status < 500:
                break
            reply.close()
        return reply

    async with aiohttp.ClientSession(middlewares=(again,)) as session:
        async with session.post(sim.url + "/leads/search", data={"auth_token": sim.token}) as reply:
            assert reply.status == 200
        sim.fail("leads.search", status=503, times=2)
        async with session.post(sim.url + "/leads/search", data={"auth_token": sim.token}) as reply:
            assert reply.status == 200  # it does repeat what others send
        assert len(sim.requests) == 4
        async with client_of(sim, session=session) as client:
            faults: list[dict[str, Any]] = [{"status": 503, "apply": True}, {"drop": "after"}]
            for fault in faults:
                sim.clear()
                sim.fail("leads.insert", **fault)
                with pytest.raises(OutcomeUnknownError):
                    await client.leads.insert(list_id=701, phone_number=PHONE)
                assert [request.endpoint_id for request in sim.requests] == ["leads.insert"]


# -- proxies ----------------------------------------------------------------------------------------


async def test_a_proxy_in_the_environment_is_not_used(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with client_of(sim, max_retries=0) as client:
        assert len(await client.leads.search(limit=1)) == 1


async def test_a_proxy_that_is_given_is_used() -> None:
    async with wiretap(EMPTY_PAGE) as tap:
        proxy = tap.url.removesuffix("/v1")
        async with AsyncConvoso(SECRET, base_url="http://localhost:9/v1", proxy=proxy) as client:
            assert len(await client.leads.search()) == 0
    assert tap.head().startswith("POST http://localhost:9/v1/leads/search HTTP/1.1\r\n")
    assert "s3cr3t" not in tap.head()


# -- any call ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "call_id", "params"),
    [
        ("/leads/search", "leads.search", {"limit": 3}),
        ("/users/search", "users.search", {"limit": 2}),
        ("/campaigns/search", "campaigns.search", None),
        (
            "/lead-validation/search",
            "lead_validation.search",
            {"criteria_key": "area-only", "phone_number": PHONE},
        ),
    ],
)
@pytest.mark.parametrize("profile", ["documented", "observed"])
async def test_any_call_gives_its_json_unchanged(path: str, call_id: str, params: Any, profile: Any) -> None:
    with Simulator(call_logs=10, leads=20, profile=profile) as sim:
        async with client_of(sim) as client:
            assert await client.request(path, params) == sim.call(call_id, **(params or {}))
        assert [request.endpoint_id for request in sim.requests] == [call_id, call_id]


@pytest.mark.parametrize(
    "body", ["[]", "{}", "null", "7", '"words"', '[1, {"a": null}]', '{"total": "7", "field_101": "x"}']
)
async def test_any_json_that_is_no_failure_will_do(body: str, sim: Simulator) -> None:
    sim.fail(body=body)
    async with client_of(sim) as client:
        assert await client.request("/leads/search") == json.loads(body)


async def test_the_values_of_any_call_are_written_as_custom_fields_are() -> None:
    params = {
        "b": "x & y",
        "a": "",
        "none": None,
        "number": 7,
        "share": 0.5,
        "yes": True,
        "day": date(2026, 3, 31),
        "moment": datetime(2026, 3, 31, 12, tzinfo=UTC),
        "ids": [1, "2"],
    }
    async with wiretap(http(b"{}")) as tap, AsyncConvoso(SECRET, base_url=tap.url) as client:
        assert await client.request("/new/call", params) == {}
    assert tap.head().startswith("POST /v1/new/call HTTP/1.1\r\n")
    assert tap.form() == [
        ("auth_token", SECRET),
        ("b", "x & y"),
        ("a", ""),
        ("number", "7"),
        ("share", "0.5"),
        ("yes", "true"),
        ("day", "2026-03-31"),
        ("moment", "2026-03-31 05:00:00"),
        ("ids", "1,2"),
    ]


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ({"auth_token": "other"}, ValueError),
        ({"": "x"}, ValueError),
        ({"a\nb": "x"}, ValueError),
        ({"a\0b": "x"}, ValueError),
        ({7: "x"}, TypeError),
        ({"a": object()}, TypeError),
        ({"a": b"x"}, TypeError),
        ({"a": {"b": 1}}, TypeError),
        ({"a": float("nan")}, ValueError),
        ({"a": "\ud83c"}, ValueError),
    ],
)
async def test_bad_values_of_any_call_are_refused(params: Any, kind: type[Exception], sim: Simulator) -> None:
    async with client_of(sim) as client:
        with pytest.raises(kind):
            await client.request("/leads/search", params)
    assert sim.requests == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "leads/search",
        "//elsewhere.example.org/v1",
        "https://elsewhere.example.org/v1",
        "/leads/search?limit=1",
        "/leads/search#here",
        "/leads /search",
        "/leads\n/search",
        "/leads\0",
        "/leads/../../v2/leads",
        "@elsewhere.example.org/",
        ".example.org/",
    ],
)
async def test_a_path_that_is_none_is_refused(path: str, sim: Simulator) -> None:
    async with client_of(sim) as client:
        with pytest.raises(ValueError, match="path must begin with one /"):
            await client.request(path)
    assert sim.requests == []


@pytest.mark.parametrize("path", [None, 7, b"/leads/search"])
async def test_a_path_is_text(path: Any, sim: Simulator) -> None:
    async with client_of(sim) as client:
        with pytest.raises(TypeError, match=r"^path must be a str, not"):
            await client.request(path)
    assert sim.requests == []


async def test_any_call_raises_on_failure(sim: Simulator) -> None:
    async with client_of(sim) as client:
        with pytest.raises(ConvosoAPIError) as refused:
            await client.request("/leads/delete", {"lead_id": 1})
        error = refused.value
        assert (error.endpoint, error.code, error.description) == ("/leads/delete", 6001, None)
        assert (error.outcome, error.text, error.status) == ("rejected", error.text, 200)
        assert error.text

        sim.fail(body={"success": False, "error": "Invalid authentication token"})
        with pytest.raises(AuthenticationError):
            await client.request("/leads/search")

        sim.clear()
        sim.fail(status=503)
        with pytest.raises(OutcomeUnknownError) as unknown:
            await client.request("/leads/search")
        assert (unknown.value.reason, unknown.value.endpoint) == (ServerError, "/leads/search")
        assert len(sim.requests) == 1

        sim.clear()
        sim.fail(html=True)
        with pytest.raises(OutcomeUnknownError) as unknown:
            await client.request("/leads/search")
        assert (unknown.value.reason, len(sim.requests)) == (ReplyError, 1)
