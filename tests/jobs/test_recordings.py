"""Recordings: fetched whole, from nowhere but the public net, each told from what is none."""

import asyncio
import errno
import gzip
import json
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import IO, Any

import pytest
from aiohttp import web
from aiohttp.resolver import ThreadedResolver
from hypothesis import example, given, strategies as st

from convoso_async import AsyncConvoso, CallLog, CallRecording, Page, Recording, jobs
from convoso_async.jobs import archive as archives, audio, recordings as downloads
from convoso_async.jobs.addresses import is_public
from convoso_async.jobs.archive import LONGEST, safe_name
from convoso_async.jobs.recordings import Pace, bare, wanted_of
from convoso_async.simulator import Simulator

WAV = b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0" + bytes(5000)
MP3 = b"ID3\x04\0\0\0\0" + bytes(3000)
GONE = {"success": False, "error": "Recording not found"}
TOKEN = "a-token-that-is-secret"


class Media:
    """A place with recordings, on this machine: `answers` by name, one request after the other."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Callable[[web.Request], Awaitable[web.StreamResponse]] | web.Response]]
        self.answers = {}
        self.requests: list[web.Request] = []
        self.starts: list[float] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.starts.append(asyncio.get_running_loop().time())
        left = self.answers[request.match_info["name"]]
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, web.Response):  # one can be sent once
            return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        return await answer(request)

    def link(self, name: str, *answers: Any) -> str:
        """The link to a recording that answers so."""
        self.answers[name] = list(answers) or [web.Response(body=WAV, content_type="audio/wav")]
        return f"{self.url}/r/{name}"

    def rows(self, *answers: Any) -> list[Recording]:
        """A recording for each answer."""
        return [
            Recording(recording_id=str(number), url=self.link(f"{number}.wav", answer))
            for number, answer in enumerate(answers)
        ]


@asynccontextmanager
async def serving(handle: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/r/{name}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def media() -> AsyncIterator[Media]:
    made = Media()
    async with serving(made.handle) as made.url:
        yield made


@pytest.fixture
async def client(media: Media) -> AsyncIterator[AsyncConvoso]:
    async with AsyncConvoso(TOKEN, base_url=f"{media.url}/v1", timeout=5.0) as made:
        yield made


async def fetched(client: AsyncConvoso, recordings: Any, to: Path, **options: Any) -> jobs.RecordingsReport:
    return await jobs.download_recordings(client, recordings, to, **{"interval": 0.0, **options})


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines()]


def halves(folder: Path) -> list[Path]:
    """What is left of recordings that did not come whole."""
    return list(folder.glob("*.part"))


def files(folder: Path) -> dict[str, bytes]:
    """What is in a folder but the manifest."""
    return {found.name: found.read_bytes() for found in folder.iterdir() if found.name != "manifest.jsonl"}


def tree(folder: Path) -> list[Path]:
    """Everything below a folder."""
    return sorted(folder.rglob("*"))


def counts(report: jobs.RecordingsReport) -> dict[str, int]:
    """The counts that are not zero."""
    names = ("downloaded", "skipped", "no_link", "purged", "notice", "empty", "html", "refused", "failed")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


# -- what is fetched --------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["documented", "observed"])
async def test_the_recordings_of_call_logs_are_fetched_once(tmp_path: Path, profile: Any) -> None:
    with Simulator(call_logs=60, days=200, profile=profile) as sim:
        async with AsyncConvoso(sim.token, base_url=sim.url, timezone=sim.account.zone) as client:
            calls = client.call_logs.retrieve_all(
                start_time=sim.account.start, end_time=sim.account.end, include_recordings=True
            )
            first = await fetched(client, calls, tmp_path / "a" / "b")
            second = await fetched(client, calls, tmp_path / "a" / "b")
            wanted = [recording for call in await calls.collect() for recording in call.recording]
    assert first.total == len(wanted) == first.downloaded + first.purged
    assert first.downloaded > 10
    assert first.purged > 2
    assert not first.ok
    assert counts(second) == {"skipped": first.downloaded, "purged": first.purged}
    kept = {record["file"]: record for record in records(first.folder) if record["outcome"] == "downloaded"}
    found = files(first.folder)
    assert set(kept) == set(found)
    assert first.bytes == sum(map(len, found.values()))
    for name, content in found.items():
        assert (kept[name]["bytes"], kept[name]["sha256"]) == (len(content), sha256(content).hexdigest())
        assert content[:4] == b"RIFF"
        assert kept[name]["call_log_id"]
    assert first.manifest == tmp_path / "a" / "b" / "manifest.jsonl"


async def test_the_recordings_of_a_lead_are_fetched(tmp_path: Path) -> None:
    with Simulator(call_logs=400, leads=20) as sim:
        async with AsyncConvoso(sim.token, base_url=sim.url, timezone=sim.account.zone) as client:
            lead = sim.account.call_log_ids()
            row = sim.call("call_logs.retrieve", id=lead[0])["results"][0]
            pager = client.leads.get_recordings_all(lead_id=row["lead_id"])
            report = await fetched(client, pager, tmp_path)
            rows = await pager.collect()
    assert report.total == len(rows) > 0
    assert report.downloaded + report.no_link == len(rows)


async def test_any_iterable_will_do(media: Media, client: AsyncConvoso, tmp_path: Path) -> None:
    rows = media.rows(*[web.Response(body=WAV)] * 4)
    closed: list[bool] = []

    async def later() -> AsyncIterator[Recording]:
        try:
            for one in rows:
                await asyncio.sleep(0)
                yield one
        finally:
            closed.append(True)

    ways: list[Any] = [rows, iter(rows), Page(rows=rows), later(), (one for one in rows)]
    for number, way in enumerate(ways):
        report = await fetched(client, way, tmp_path / str(number))
        assert counts(report) == {"downloaded": 4}
        assert report.ok
    assert closed == [True]


async def test_what_is_no_row_with_recordings_is_refused(client: AsyncConvoso, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="call logs or rows of recordings, not dict"):
        await fetched(client, [{"url": "https://media.example.org/x"}], tmp_path)


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"interval": -1.0}, {"interval": float("inf")}])
async def test_impossible_options_are_refused(
    client: AsyncConvoso, tmp_path: Path, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError):
        await fetched(client, [], tmp_path / "new", **options)
    assert files(tmp_path) == {}


def test_a_recording_is_known_by_its_id_and_named_by_the_service() -> None:
    call = CallLog(
        id="7",
        lead_id="8",
        recording=[
            CallRecording(recording_id="a", public_url="https://m.example.org/x/one.mp3?key=1", src="ftp"),
            CallRecording(recording_id="b", src="https://m.example.org/get?id=5", filename="two.wav"),
            CallRecording(recording_id="c", src="https://m.example.org/get?id=6"),
            CallRecording(filename="bare.mp3"),
            CallRecording(src="https://m.example.org/a%2F..%2Fb.mp3#part"),
        ],
    )
    found = list(wanted_of(call))
    assert [one.recording for one in found[:4]] == ["a", "b", "c", "bare.mp3"]
    assert found[4].recording.startswith("https://m.example.org/a%2F..%2Fb.mp3?")
    assert [one.name for one in found] == ["ftp", "two.wav", "c", "bare.mp3", "a/../b.mp3"]
    assert [one.link is None for one in found] == [False, False, False, True, False]
    assert found[0].facts == {
        "recording_id": "a",
        "link": "https://m.example.org/x/one.mp3",
        "call_log_id": "7",
        "lead_id": "8",
    }
    assert bare("https://m.example.org/x?key=1#y") == "https://m.example.org/x"


async def test_no_query_of_a_link_is_kept(media: Media, client: AsyncConvoso, tmp_path: Path) -> None:
    links = [
        media.link("get"),
        f"{media.link('get')}?id=5&key=planted",
        f"{media.link('get')}?id=6&key=planted",
    ]
    rows = [CallRecording(src=link) for link in links]
    assert counts(await fetched(client, rows, tmp_path)) == {"downloaded": 3}
    assert counts(await fetched(client, rows, tmp_path)) == {"skipped": 3}
    assert "planted" not in (tmp_path / "manifest.jsonl").read_text()


# -- what is no audio -------------------------------------------------------------------------------


async def test_what_is_no_audio_is_counted_and_not_kept(
    media: Media, client: AsyncConvoso, tmp_path: Path
) -> None:
    rows = media.rows(
        web.Response(body=json.dumps(GONE).encode(), content_type="audio/mpeg"),
        web.Response(status=404),
        web.Response(body=b'{"success": false, "text": "no permission"}'),
        web.Response(body=b"<!DOCTYPE html><html><body>Sign in</body></html>", content_type="audio/wav"),
        web.Response(body=b""),
        web.Response(status=204),
        web.Response(body=b" \r\n"),
        web.Response(status=403, body=b"<Error/>"),
        web.Response(status=500),
        web.Response(body=b"<Error><Code>NoSuchKey</Code></Error>"),
        web.Response(body=MP3, content_type="text/html"),
    )
    rows.append(Recording(recording_id="bare", url="2025-01-01_2125550142.mp3"))
    rows.append(Recording(recording_id="none"))
    report = await fetched(client, rows, tmp_path)
    assert counts(report) == {
        "downloaded": 1,
        "purged": 3,
        "notice": 1,
        "html": 1,
        "empty": 3,
        "failed": 2,
        "no_link": 2,
    }
    assert files(tmp_path) == {"10.wav": MP3}
    outcomes = {record["recording"]: record for record in records(tmp_path)}
    assert "no permission" in outcomes["2"]["reason"]
    assert outcomes["7"]["reason"] == "HTTP 403"
    assert outcomes["8"]["reason"] == "HTTP 500"
    assert len(media.requests) == 11 + 2  # the 500 three times


@pytest.mark.parametrize(
    ("head", "content_type", "ending"),
    [
        (WAV, "application/json", ".wav"),
        (MP3, "text/html", ".mp3"),
        (b"\xff\xfb\x90\x64" + bytes(50), "audio/mpeg", ".mp3"),
        (b"OggS\0\2" + bytes(50), "", ".ogg"),
        (b"fLaC\0\0\0\x22", "", ".flac"),
        (b"\0\0\0\x20ftypM4A ", "", ".m4a"),
        (b"#!AMR\n\x0c\x91", "", ".amr"),
        (b"\xff\x7f\xfe\xff" * 40, "audio/basic", None),
        (b"\x80\x81" * 100, "application/octet-stream", None),
        (b"{\xff\xfe\xff" * 40, "application/octet-stream", None),
    ],
)
def test_audio_is_told(head: bytes, content_type: str, ending: str | None) -> None:
    assert audio.is_audio(head, content_type)
    assert audio.ending_of(head) == ending


@pytest.mark.parametrize(
    ("body", "content_type", "kind"),
    [
        (b"", "audio/wav", "empty"),
        (b"\n", "audio/wav", "empty"),
        (json.dumps(GONE).encode(), "audio/wav", "purged"),
        (b"\xef\xbb\xbf" + json.dumps(GONE).encode(), "", "purged"),
        (b'["deleted"]', "", "purged"),
        (b"Recording not found", "text/plain", "purged"),
        ("Enregistrement supprimé: é".encode() * 200, "", "notice"),
        (b"<HTML><p>404 Not Found", "audio/wav", "html"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "image/png", "notice"),
        (gzip.compress(b"x", mtime=0), "text/html; charset=utf-8", "html"),
        (b"{\0}\0", "application/problem+json", "notice"),
    ],
)
def test_what_is_no_audio_is_told(body: bytes, content_type: str, kind: str) -> None:
    assert not audio.is_audio(body[: audio.HEAD], content_type)
    assert audio.text_of(body, content_type) == kind


# -- the network ------------------------------------------------------------------------------------


async def half(request: web.Request) -> web.StreamResponse:
    """Half a recording, then the end of the connection."""
    response = web.StreamResponse(headers={"Content-Length": str(len(WAV))})
    await response.prepare(request)
    await response.write(WAV[:2000])
    assert request.transport is not None
    request.transport.close()
    return response


async def hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize("failure", [half, hang_up, web.Response(status=503)])
async def test_a_failure_that_passes_does_no_harm(
    media: Media, client: AsyncConvoso, tmp_path: Path, failure: Any
) -> None:
    row = Recording(recording_id="1", url=media.link("a.wav", failure, failure, web.Response(body=WAV)))
    report = await fetched(client, [row], tmp_path)
    assert counts(report) == {"downloaded": 1}
    assert files(tmp_path) == {"a.wav": WAV}


async def test_a_recording_that_never_comes_whole_is_not_kept(
    media: Media, client: AsyncConvoso, tmp_path: Path
) -> None:
    row = Recording(recording_id="1", url=media.link("a.wav", half))
    assert counts(await fetched(client, [row], tmp_path)) == {"failed": 1}
    assert files(tmp_path) == {}
    media.link("a.wav")
    assert counts(await fetched(client, [row], tmp_path)) == {"downloaded": 1}
    assert [record["outcome"] for record in records(tmp_path)] == ["downloaded"]


async def test_one_that_is_too_large_is_not_kept(
    media: Media, client: AsyncConvoso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "LARGEST", 4000)
    report = await fetched(client, media.rows(web.Response(body=WAV)), tmp_path)
    assert counts(report) == {"failed": 1}
    assert files(tmp_path) == {}


async def test_a_silent_server_is_not_waited_for_for_ever(
    media: Media, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(WAV[:2000])
        await asyncio.sleep(0.6)
        return response

    async with AsyncConvoso(TOKEN, base_url=f"{media.url}/v1", timeout=0.1) as client:
        report = await fetched(client, [Recording(recording_id="1", url=media.link("a", silent))], tmp_path)
    assert counts(report) == {"failed": 1}
    assert files(tmp_path) == {}


async def test_a_throttled_recording_has_not_failed(
    media: Media, client: AsyncConvoso, tmp_path: Path
) -> None:
    busy = web.Response(status=429, headers={"Retry-After": "0.05"})
    row = Recording(recording_id="1", url=media.link("a.wav", *[busy] * 6, web.Response(body=WAV)))
    report = await fetched(client, [row], tmp_path)
    assert counts(report) == {"downloaded": 1}
    gaps = [after - before for before, after in zip(media.starts, media.starts[1:], strict=False)]
    assert len(gaps) == 6
    assert min(gaps) > 0.04


async def test_starts_are_apart_and_so_many_run_at_once(
    media: Media, client: AsyncConvoso, tmp_path: Path
) -> None:
    running: list[int] = [0, 0]

    async def slow(request: web.Request) -> web.StreamResponse:
        running[0] += 1
        running[1] = max(running)
        await asyncio.sleep(0.1)
        running[0] -= 1
        return web.Response(body=WAV)

    report = await fetched(client, media.rows(*[slow] * 8), tmp_path, interval=0.03, concurrency=3)
    assert counts(report) == {"downloaded": 8}
    gaps = [after - before for before, after in zip(media.starts, media.starts[1:], strict=False)]
    assert sum(gaps) / len(gaps) > 0.028
    assert running[1] == 3


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_the_pace() -> None:
    clock = Clock()
    pace = Pace(0.35, clock, clock.sleep)
    starts = [await pace.turn() for _ in range(4)]
    assert starts == pytest.approx([100.0, 100.35, 100.7, 101.05])
    rests = []
    for _ in range(7):
        started = clock.now
        pace.throttled(started, None)
        pace.throttled(started - 1, None)  # one that was under way at the same time
        rests.append(await pace.turn() - started)
    assert rests == pytest.approx([15, 30, 60, 120, 240, 300, 300])
    pace.answered()
    pace.throttled(clock.now, None)
    assert await pace.turn() - clock.now == 0
    pace.throttled(clock.now, 40.0)
    before = clock.now
    assert await pace.turn() - before == pytest.approx(40)
    pace.throttled(clock.now, 10.0**9)
    before = clock.now
    assert await pace.turn() - before == pytest.approx(3600)


async def test_all_wait_together() -> None:
    clock = Clock()
    pace = Pace(0.35, clock, clock.sleep)
    await pace.turn()
    pace.throttled(clock.now, 20.0)
    starts = await asyncio.gather(*(pace.turn() for _ in range(3)))
    assert starts == pytest.approx([120.0, 120.35, 120.7])


async def test_nothing_of_the_client_is_sent(media: Media, tmp_path: Path) -> None:
    import aiohttp

    async with (
        aiohttp.ClientSession(
            headers={"X-Key": TOKEN, "Authorization": f"Bearer {TOKEN}"}, cookies={"session": TOKEN}
        ) as own,
        AsyncConvoso(TOKEN, base_url=f"{media.url}/v1", session=own) as client,
    ):
        report = await fetched(client, media.rows(web.Response(body=WAV)), tmp_path)
    assert counts(report) == {"downloaded": 1}
    (request,) = media.requests
    assert (request.method, request.query_string, request.content_length) == ("GET", "", None)
    assert TOKEN not in str(request.headers)
    assert "Cookie" not in request.headers
    assert "Authorization" not in request.headers


# -- where links may lead ---------------------------------------------------------------------------

PRIVATE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "192.0.0.9", "192.0.0.192", "192.88.99.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "::7f00:1", "64:ff9b::7f00:1", "3fff::1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "2001:db8::1",
    "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "100::1",
)  # fmt: skip
PUBLIC = (
    "8.8.8.8",
    "52.95.110.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
)


@pytest.mark.parametrize("address", PRIVATE)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
@example(IPv4Address("127.0.0.1"))
def test_an_address_inside_another_counts_as_itself(address: IPv4Address) -> None:
    inside = int(address)
    for outer in (0xFFFF << 32, 0x64FF9B << 96, 0):
        assert is_public(str(IPv6Address(outer | inside))) == is_public(str(address))
    assert is_public(str(IPv6Address(0x2002 << 112 | inside << 80))) == is_public(str(address))


class Listener:
    """A socket on this machine that nobody may reach."""

    def __init__(self) -> None:
        self.reached = 0
        self.port = 0

    async def taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached += 1
        writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    made = Listener()
    async with await asyncio.start_server(made.taken, "127.0.0.1", 0) as server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names resolve to."""
    known: dict[str, list[str]] = {}

    async def resolve(self: object, host: str, port: int = 0, family: Any = socket.AF_UNSPEC) -> list[Any]:
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in known[host]
        ]

    monkeypatch.setattr("aiohttp.resolver.ThreadedResolver.resolve", resolve)
    monkeypatch.setattr("aiohttp.connector.DefaultResolver", ThreadedResolver)
    return known


LINKS = (
    "https://127.0.0.1:{port}/a.wav",
    "https://localhost:{port}/a.wav",
    "https://[::ffff:127.0.0.1]:{port}/a.wav",
    "https://[::1]:{port}/a.wav",
    "https://169.254.169.254/latest/meta-data",
    "https://media.example.org:{port}/a.wav",
    "https://mixed.example.org:{port}/a.wav",
    "http://127.0.0.1:{port}/a.wav",
    "http://media.example.org/a.wav",
    "http://8.8.8.8/a.wav",
    "file:///etc/passwd",
    "ftp://media.example.org/a.wav",
    "https://",
    "https://[::1/a.wav",
    "https://media.example.org:99999/a.wav",
    "gopher://127.0.0.1:{port}/x",
)


@pytest.mark.parametrize("way", ["straight", "redirected"])
@pytest.mark.parametrize("link", LINKS)
async def test_a_link_that_leads_inside_is_refused(
    media: Media,
    listener: Listener,
    names: dict[str, list[str]],
    client: AsyncConvoso,
    tmp_path: Path,
    link: str,
    way: str,
) -> None:
    names["localhost"] = ["::1", "127.0.0.1"]
    names["media.example.org"] = ["127.0.0.1"]
    names["mixed.example.org"] = ["::ffff:127.0.0.1", "127.0.0.1", "10.0.0.1"]
    link = link.format(port=listener.port)
    if way == "redirected":
        link = media.link("moved.wav", web.Response(status=302, headers={"Location": link}))
    report = await fetched(client, [Recording(recording_id="1", url=link)], tmp_path)
    assert counts(report) == {"refused": 1}
    assert listener.reached == 0
    assert files(tmp_path) == {}
    (record,) = records(tmp_path)
    assert record["reason"].startswith("the link ")
    assert len(media.requests) == (way == "redirected")


@pytest.mark.parametrize("host", ["....", f"{'a' * 70}.example.org"])
async def test_a_host_that_no_name_can_be_is_refused(client: AsyncConvoso, tmp_path: Path, host: str) -> None:
    row = Recording(recording_id="1", url=f"https://{host}/a.wav")
    assert counts(await fetched(client, [row], tmp_path)) == {"refused": 1}
    assert [record["reason"] for record in records(tmp_path)] == ["the link is no address"]


@pytest.mark.parametrize("base_url", ["https://api.convoso.com/v1", "http://127.0.0.1:1/v1"])
async def test_this_machine_is_open_to_a_simulator_of_that_very_origin_only(
    media: Media, tmp_path: Path, base_url: str
) -> None:
    async with AsyncConvoso(TOKEN, base_url=base_url) as client:
        report = await fetched(client, media.rows(web.Response(body=WAV)), tmp_path)
    assert counts(report) == {"refused": 1}
    assert media.requests == []


async def test_a_redirect_is_followed(media: Media, client: AsyncConvoso, tmp_path: Path) -> None:
    media.link("target")
    link = media.link("a.wav", web.Response(status=307, headers={"Location": "/r/target"}))
    report = await fetched(client, [Recording(recording_id="1", url=link)], tmp_path)
    assert counts(report) == {"downloaded": 1}
    assert files(tmp_path) == {"a.wav": WAV}


async def test_a_circle_of_redirects_ends(media: Media, client: AsyncConvoso, tmp_path: Path) -> None:
    link = media.link("a.wav", web.Response(status=302, headers={"Location": "/r/a.wav"}))
    report = await fetched(client, [Recording(recording_id="1", url=link)], tmp_path)
    assert counts(report) == {"failed": 1}
    assert len(media.requests) == 6


# -- the folder -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("../../x.mp3", "x.mp3"),
        ("..\\..\\x.mp3", "x.mp3"),
        ("/etc/passwd", "passwd.wav"),
        ("C:\\x.mp3", "x.mp3"),
        ("a\0b.mp3", "a_b.mp3"),
        ("a\nb\u202e.mp3", "a_b_.mp3"),
        ("..", "recording.wav"),
        ("", "recording.wav"),
        (".hidden.mp3", "hidden.mp3"),
        ("-rf.mp3", "rf.mp3"),
        ("nul.mp3", "_nul.mp3"),
        ("COM1", "_COM1.wav"),
        ("con.a.mp3", "_con.a.mp3"),
        ("a?b*c|d.MP3", "a_b_c_d.MP3"),
        ("trailing.mp3. .", "trailing.mp3"),
        ("2026.03.01", "2026.03.01.wav"),
        ("e\u0301.mp3", "é.mp3"),
        ("manifest.jsonl", "manifest.jsonl.wav"),
    ],
)
def test_names_are_safe(wanted: str, name: str) -> None:
    assert safe_name(wanted, ".wav") == name


@given(st.text() | st.text(alphabet="./\\\0:* -~conul1é.mp3"))
@example("é" * 300 + ".mp3")
@example("x" * 118 + "..mp3")
@example("con." + "x" * 200 + ".mp3")
def test_no_name_leads_out_of_the_folder(wanted: str) -> None:
    name = safe_name(wanted, ".wav")
    folder = Path("/somewhere")
    assert (folder / name).parent == folder
    assert name not in ("", ".", "..")
    assert not set(name) & set('/\\\0:*?"<>|\n\r')
    assert name == name.strip(" .")
    assert 0 < len(name.encode()) <= LONGEST
    assert safe_name(name, ".wav") == name


async def test_names_stay_inside_and_do_not_meet(media: Media, client: AsyncConvoso, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "side"
    folder.mkdir(parents=True)
    (folder / "theirs.mp3").write_bytes(b"not ours")
    names = ("../../x.mp3", "x.mp3", "X.MP3", "theirs.mp3", "%2e%2e%2fx.mp3", "manifest.jsonl")
    rows = [
        CallRecording(recording_id=str(number), filename=name, src=media.link(str(number)))
        for number, name in enumerate(names)
    ]
    report = await fetched(client, rows, folder, concurrency=1)
    assert counts(report) == {"downloaded": 6}
    found = files(folder)
    assert len({name.casefold() for name in found}) == 7
    assert found["theirs.mp3"] == b"not ours"
    assert sum(content == WAV for content in found.values()) == 6
    assert [str(path.relative_to(tmp_path)) for path in tree(tmp_path) if path.parent != folder] == [
        "in",
        "in/side",
    ]
    again = await fetched(client, rows, folder)
    assert counts(again) == {"skipped": 6}


async def test_long_names_that_meet_are_known_again(
    media: Media, client: AsyncConvoso, tmp_path: Path
) -> None:
    rows = [
        CallRecording(recording_id=str(number), filename=name, src=media.link(str(number)))
        for number, name in enumerate(["é" * 300 + ".mp3"] * 3 + ["con." + "x" * 300 + ".mp3"] * 2)
    ]
    assert counts(await fetched(client, rows, tmp_path)) == {"downloaded": 5}
    assert counts(await fetched(client, rows, tmp_path)) == {"skipped": 5}
    assert all(len(name.encode()) <= LONGEST for name in files(tmp_path))


async def test_a_recording_named_twice_is_fetched_once(
    media: Media, client: AsyncConvoso, tmp_path: Path
) -> None:
    row = Recording(recording_id="1", url=media.link("a.wav"))
    report = await fetched(client, [row] * 3, tmp_path)
    assert counts(report) == {"downloaded": 1, "skipped": 2}
    assert report.ok
    assert len(media.requests) == 1


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"RIFF")])
async def test_a_file_that_is_gone_or_cut_is_fetched_again_to_the_same_name(
    media: Media, client: AsyncConvoso, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    rows = media.rows(web.Response(body=WAV), web.Response(body=WAV))
    await fetched(client, rows, tmp_path)
    damage(tmp_path / "1.wav")
    report = await fetched(client, rows, tmp_path)
    assert counts(report) == {"downloaded": 1, "skipped": 1}
    assert files(tmp_path) == {"0.wav": WAV, "1.wav": WAV}
    assert [record["recording"] for record in records(tmp_path)] == ["0", "1"]


async def test_a_crash_at_any_place_does_no_harm(media: Media, client: AsyncConvoso, tmp_path: Path) -> None:
    rows = media.rows(*[web.Response(body=WAV)] * 5)
    await fetched(client, rows, tmp_path, concurrency=1)
    whole = (tmp_path / "manifest.jsonl").read_bytes()
    for place in range(0, len(whole), 97):
        (tmp_path / "manifest.jsonl").write_bytes(whole[:place])
        kept = whole[:place].count(b"\n")
        for number in range(kept + 1, 5):  # the line of a file is there before the file
            (tmp_path / f"{number}.wav").unlink(missing_ok=True)
        (tmp_path / f"{kept}.wav").unlink(missing_ok=True)
        (tmp_path / f"{archives.digest(str(kept))}.part").write_bytes(WAV[:100])
        report = await fetched(client, rows, tmp_path, concurrency=1)
        assert counts(report) == {k: v for k, v in {"downloaded": 5 - kept, "skipped": kept}.items() if v}
        assert files(tmp_path) == {f"{number}.wav": WAV for number in range(5)}
        assert (tmp_path / "manifest.jsonl").read_bytes() == whole


async def test_a_manifest_that_was_meddled_with_does_no_harm(
    media: Media, client: AsyncConvoso, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    lines = [
        '{"recording": "0", "file": "../out.wav", "bytes": 3}',
        "nonsense",
        '{"file": "x"}',
        "[]",
        '{"recording": "1", "file": 7, "bytes": "many"}',
    ]
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "out.wav").write_bytes(b"out")
    report = await fetched(client, media.rows(web.Response(body=WAV), web.Response(body=MP3)), folder)
    assert counts(report) == {"downloaded": 2}
    assert files(folder) == {"0.wav": WAV, "1.wav": MP3}
    assert (tmp_path / "out.wav").read_bytes() == b"out"


async def test_a_full_disk_leaves_nothing_half_fetched_by_any_worker(
    media: Media, client: AsyncConvoso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Any, data: Any) -> None:
        time.sleep(0.01)  # so that all of them wait for the one thread
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(archives, "write_all", full)
    with pytest.raises(OSError, match="No space left"):
        await fetched(client, media.rows(*[web.Response(body=WAV)] * 8), tmp_path, concurrency=8)
    assert halves(tmp_path) == []


async def test_a_full_disk_ends_the_job_in_one_line(
    media: Media, client: AsyncConvoso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = media.rows(*[web.Response(body=WAV)] * 6)
    write_all = archives.write_all
    written: list[int] = []

    def until_full(file: Any, data: Any) -> None:
        written.append(len(data))
        if len(written) > 9:
            file.write(data[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_all(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(archives, "write_all", until_full)
        with pytest.raises(OSError, match="No space left") as failed:
            await fetched(client, rows, tmp_path)
    assert str(tmp_path) in str(failed.value)
    assert all(content == WAV for content in files(tmp_path).values())
    assert halves(tmp_path) == []
    report = await fetched(client, rows, tmp_path)
    assert report.ok
    assert report.skipped > 0
    assert files(tmp_path) == {f"{number}.wav": WAV for number in range(6)}


async def test_a_file_in_place_of_the_folder_is_refused(client: AsyncConvoso, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError):
        await fetched(client, [], tmp_path / "file")


async def test_a_folder_in_use_is_refused(media: Media, client: AsyncConvoso, tmp_path: Path) -> None:
    async def meanwhile(request: web.Request) -> web.StreamResponse:
        with pytest.raises(jobs.JournalError, match="another process works on"):
            await fetched(client, [], tmp_path)
        return web.Response(body=WAV)

    report = await fetched(client, media.rows(meanwhile), tmp_path)
    assert counts(report) == {"downloaded": 1}


async def test_a_folder_is_left_though_the_job_is_cancelled_while_it_opens_it(
    client: AsyncConvoso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    taken: list[IO[bytes]] = []
    opened = archives.opened

    def slowly(path: Path) -> IO[bytes]:
        reached.set()
        go_on.wait(10)
        taken.append(opened(path))
        return taken[0]

    monkeypatch.setattr(archives, "opened", slowly)
    task = asyncio.ensure_future(fetched(client, [], tmp_path))
    await asyncio.to_thread(reached.wait, 10)
    task.cancel()
    asyncio.get_running_loop().call_later(0.01, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [file.closed for file in taken] == [True]


async def test_cancelling_leaves_nothing_half_fetched(
    media: Media, client: AsyncConvoso, tmp_path: Path
) -> None:
    begun = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(WAV)
        begun.set()
        await asyncio.sleep(20)
        return response

    rows = media.rows(web.Response(body=WAV), endless)
    task = asyncio.ensure_future(fetched(client, rows, tmp_path, concurrency=1))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert files(tmp_path) == {"0.wav": WAV}
    assert [record["recording"] for record in records(tmp_path)] == ["0"]


async def test_what_reading_the_rows_raises_ends_the_job(
    media: Media, client: AsyncConvoso, tmp_path: Path
) -> None:
    rows = media.rows(web.Response(body=WAV))

    def broken() -> Iterator[Recording]:
        yield from rows
        raise LookupError("no more")

    with pytest.raises(LookupError):
        await fetched(client, broken(), tmp_path)
    assert files(tmp_path) in ({}, {"0.wav": WAV})


async def test_progress_is_told(media: Media, client: AsyncConvoso, tmp_path: Path) -> None:
    told: list[jobs.Progress] = []
    rows = media.rows(web.Response(body=WAV), web.Response(status=404), web.Response(status=403))
    await fetched(client, rows, tmp_path, progress=told.append)
    last = told[-1]
    assert (last.done, last.skipped, last.failed, last.finished) == (1, 1, 1, True)
