"""The socket: threads, faults, limits, and the log of requests."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest

from convoso_async.simulator import Simulator, serve

PHONE = {"phone_number": "2125550123", "phone_code": 1, "campaign_id": 0}


@pytest.fixture
def running():
    """A small simulator on its socket."""
    with Simulator(call_logs=100, leads=20) as simulator:
        yield simulator


def test_starts_and_stops_without_a_trace():
    before = set(threading.enumerate())
    for _ in range(3):
        with Simulator(call_logs=10) as sim:
            assert sim.url == f"http://127.0.0.1:{sim.port}/v1"
            with urllib.request.urlopen(sim.url.replace("/v1", "/recordings/r-1.mp3"), timeout=5):
                pass
            port = sim.port
        assert sim.port == 0
        assert set(threading.enumerate()) == before
        with pytest.raises(OSError):
            http.client.HTTPConnection("127.0.0.1", port, timeout=1).connect()
    sim.close()


def test_the_account_outlives_the_socket(tools):
    sim = Simulator(call_logs=10)
    for _ in range(2):
        with sim:
            tools.post(sim, "/dnc/insert", **PHONE)
    assert [request.status for request in sim.requests] == [200, 200]
    assert len(sim.account.ids("dnc")) == 61


def test_a_taken_port_is_said(running):
    other = Simulator(call_logs=10, port=running.port)
    with pytest.raises(OSError):
        other.open()
    with pytest.raises(RuntimeError):
        running.open()


def test_any_number_of_event_loops(running):
    async def search() -> int:
        async with aiohttp.ClientSession() as session:
            form = {"auth_token": running.token, "limit": "1"}
            async with session.post(f"{running.url}/log/retrieve", data=form) as reply:
                return int((await reply.json())["total_found"])

    assert [asyncio.run(search()) for _ in range(3)] == [100, 100, 100]


def test_async_with(tools):
    async def main() -> int:
        async with Simulator(call_logs=10) as sim:
            return await asyncio.to_thread(lambda: post(sim)[0])

    def post(sim: Simulator) -> tuple[int, bytes, dict[str, str]]:
        return tools.post(sim, "/log/retrieve")

    assert asyncio.run(main()) == 200


def test_get_and_unknown_paths(running, tools):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{running.url}/leads/search", timeout=5)
    with caught.value as error:
        assert error.code == 405
    status, body, _ = tools.post(running, "/leads/upsert")
    assert (status, json.loads(body)["success"]) == (404, False)


def test_any_text_survives_the_form(running, tools):
    name = "Zoë & =%+\n\u2028 漢字 🎺"
    tools.post(running, "/leads/insert", list_id=701, phone_number="2125550123", first_name=name)
    assert running.account.lead(running.account.lead_ids()[-1])["first_name"] == name
    assert running.calls("leads.insert")[0].params["first_name"] == name


def test_the_log_of_requests(running, tools):
    tools.post(running, "/log/retrieve", limit=1)
    tools.post(running, "/dnc/insert", **PHONE)
    tools.post(running, "/dnc/search")
    assert [request.endpoint_id for request in running.requests] == [
        "call_logs.retrieve",
        "dnc.insert",
        "dnc.search",
    ]
    (request,) = running.calls("dnc.insert")
    assert (request.path, request.status, request.applied) == ("/dnc/insert", 200, True)
    assert request.params == {name: str(value) for name, value in PHONE.items()}
    assert len(running.calls("dnc.*")) == 2
    running.clear()
    assert running.requests == []


@pytest.mark.parametrize(
    ("fault", "status", "body", "kind"),
    [
        ({"status": 503}, 503, b"", "application/json"),
        (
            {"status": 429, "body": {"error": "slow"}, "headers": {"Retry-After": "2"}},
            429,
            b'{"error":"slow"}',
            None,
        ),
        ({"html": True}, 200, b"<!DOCTYPE", "text/html"),
        ({"html": True, "status": 502}, 502, b"<!DOCTYPE", "text/html"),
        ({"empty": True}, 200, b"", "application/json"),
        ({"body": "not json", "content_type": "text/plain; charset=utf-8"}, 200, b"not json", "text/plain"),
        ({"body": b"\xef\xbb\xbf{}"}, 200, b"\xef\xbb\xbf{}", "application/json"),
    ],
)
def test_faults_reply_in_the_service_s_place(fault, status, body, kind, running, tools):
    running.fail("dnc.insert", **fault)
    got = tools.post(running, "/dnc/insert", **PHONE)
    assert got[0] == status
    assert got[1].startswith(body)
    assert kind is None or got[2]["Content-Type"].startswith(kind)
    assert fault.get("headers", {}).items() <= got[2].items()
    assert not running.account.on_dnc("2125550123")
    assert not running.requests[-1].applied
    assert tools.post(running, "/dnc/insert", **PHONE)[0] == 200
    assert running.account.on_dnc("2125550123")


def test_a_fault_may_apply(running, tools):
    running.fail("/dnc/insert", status=504, apply=True)
    assert tools.post(running, "/dnc/insert", **PHONE)[0] == 504
    assert running.account.on_dnc("2125550123")
    assert (running.requests[-1].status, running.requests[-1].applied) == (504, True)


@pytest.mark.parametrize(("drop", "applied"), [("before", False), ("after", True)])
def test_dropped_connections(drop, applied, running, tools):
    running.fail(drop=drop)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        tools.post(running, "/dnc/insert", **PHONE)
    assert running.account.on_dnc("2125550123") is applied
    assert (running.requests[-1].status, running.requests[-1].applied) == (None, applied)
    assert tools.post(running, "/campaigns/search")[0] == 200


def test_truncated_replies(running, tools):
    whole = tools.post(running, "/log/retrieve")[1]
    running.fail(truncate=True)
    status, half, headers = tools.post(running, "/log/retrieve")
    assert (status, half) == (200, whole[: len(whole) // 2])
    assert "Content-Length" not in headers
    running.fail(truncate="length")
    with pytest.raises(http.client.IncompleteRead):
        tools.post(running, "/log/retrieve")


def test_faults_are_used_up_in_their_order(running, tools):
    running.fail("leads.*", status=500, times=2)
    running.fail("dnc.search", status=503, skip=1)
    assert [tools.post(running, "/leads/search")[0] for _ in range(3)] == [500, 500, 200]
    assert [tools.post(running, "/dnc/search")[0] for _ in range(3)] == [200, 503, 200]
    running.fail(status=500, times=9)
    running.clear()
    assert tools.post(running, "/dnc/search")[0] == 200


def test_delay_and_latency_come_after_the_effect(running, tools):
    running.fail("dnc.insert", delay=0.2)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(tools.post, running, "/dnc/insert", **PHONE)
        while not running.account.on_dnc("2125550123"):
            time.sleep(0.001)
        assert not late.done()
        assert late.result()[0] == 200
    running.latency = 0.05
    begin = time.monotonic()
    tools.post(running, "/campaigns/search")
    assert time.monotonic() - begin >= 0.05


def test_requests_in_flight(running, tools):
    running.latency = 0.2
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: tools.post(running, "/campaigns/search"), range(4)))
    assert running.in_flight_max == 4


def test_rate_limit(running, tools):
    running.rate_limit, running.rate_burst, running.retry_after = 0.001, 2, 3
    replies = [tools.post(running, "/dnc/insert", **PHONE) for _ in range(3)]
    assert [status for status, _, _ in replies] == [200, 200, 429]
    assert replies[2][2]["Retry-After"] == "3"
    assert [request.applied for request in running.requests] == [True, True, False]
    running.rate_limit = None
    assert tools.post(running, "/campaigns/search")[0] == 200


def test_the_rate_bucket_fills_evenly():
    sim = Simulator(call_logs=0, rate_limit=4, rate_burst=1)
    assert [sim._admit(second / 8) for second in range(8)] == [True, False] * 4


def test_before_request_may_change_the_account(running, tools):
    def add_a_call(sim, request):
        if request.params.get("offset") == "50":
            sim.account.add_call_log()

    running.before_request = add_a_call
    totals = [
        json.loads(tools.post(running, "/log/retrieve", limit=50, offset=offset)[1])["total_found"]
        for offset in (0, 50)
    ]
    assert totals == [100, 101]


def test_tests_may_change_the_account_from_their_thread(running, tools):
    with ThreadPoolExecutor(2) as pool:
        done = pool.submit(lambda: [running.account.add_call_log() for _ in range(200)])
        totals = [
            json.loads(tools.post(running, "/log/retrieve", limit=1)[1])["total_found"] for _ in range(30)
        ]
        done.result()
    assert totals == sorted(totals)
    assert len(running.account.call_log_ids()) == 300


def test_recordings_until_they_are_purged(running, tools):
    row = next(
        row
        for row in running.call("call_logs.retrieve", limit=100, include_recordings=1)["results"]
        if row["recording"]
    )
    url = row["recording"][0]["public_url"]
    with urllib.request.urlopen(url, timeout=5) as reply:
        assert reply.headers["Content-Type"] == "audio/wav"
        assert reply.read().startswith(b"RIFF")
    running.account.now = "2027-01-01"
    for gone in (url, f"{running.url.removesuffix('/v1')}/recordings/r-0.mp3"):
        with urllib.request.urlopen(gone, timeout=5) as reply:
            assert (reply.status, json.loads(reply.read())["success"]) == (200, False)


def test_serve_until_ctrl_c():
    urls = []

    def ready(sim):
        urls.append(sim.url)
        raise KeyboardInterrupt

    serve(Simulator(call_logs=0), ready)
    assert urls[0].startswith("http://127.0.0.1:")
