"""The service on a real socket, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

from aiohttp import web

from . import clock
from .faults import Fault, Reply
from .service import BASE, Request, Service

STOP_TIMEOUT = 0.05
LARGEST_BODY = 64 * 2**20
# A second of silence.
SAMPLES = 8000
AUDIO = (
    b"RIFF"
    + (36 + SAMPLES).to_bytes(4, "little")
    + b"WAVEfmt \x10\0\0\0\1\0\1\0"
    + SAMPLES.to_bytes(4, "little") * 2
    + b"\1\0\x08\0data"
    + SAMPLES.to_bytes(4, "little")
    + b"\x80" * SAMPLES
)
GONE = b'{"success": false, "error": "Recording not found"}'


@dataclass(kw_only=True, repr=False, eq=False)
class Simulator(Service):
    """Convoso itself, small, in memory: `with Simulator() as sim:` or `async with Simulator() as sim:`.

    `sim.url` is the base URL for a client and `sim.token` its token. The server has a thread and an event
    loop of its own, so that sync code, async code and any number of `asyncio.run` can use it.
    """

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free port; while the simulator runs, this is the port it has."""
    before_request: Callable[[Simulator, Request], None] | None = None
    """Called under the lock, in the server's thread, before each request is answered."""
    in_flight_max: int = field(init=False, default=0)
    """The most requests that were being answered at the same time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._asked_port = self.port
        self._in_flight = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """The base URL: what a client takes as `base_url`."""
        return f"{self._origin}{BASE}"

    @property
    def _origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def recordings_base(self) -> str:
        """The URL below which recordings have their names."""
        return self.recordings_url or f"{self._origin}/recordings"

    def open(self) -> None:
        """Begin to serve; returns when the socket accepts connections."""
        if self._thread is not None:
            raise RuntimeError("the simulator is running already")
        started: Future[int] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(started,), name="convoso-simulator", daemon=True
        )
        self._thread.start()
        try:
            self.port = started.result()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the socket and all connections, and end the thread. The account stays."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        thread.join()
        self._loop = self._stop = None
        self.port = self._asked_port

    def clear(self) -> None:
        """Forget the requests so far, the faults to come and the most requests in flight."""
        super().clear()
        self.in_flight_max = self._in_flight

    def _announce(self, request: Request) -> None:
        if self.before_request:
            self.before_request(self, request)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, started: Future[int]) -> None:
        try:
            asyncio.run(self._serve(started))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    async def _serve(self, started: Future[int]) -> None:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_get("/recordings/{name}", self._recording)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_TIMEOUT)
        try:
            await runner.setup()
            site = web.TCPSite(runner, self.host, self.port)
            await site.start()
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            started.set_result(runner.addresses[0][1])
            await self._stop.wait()
        finally:
            for _ in range(3):  # a connection accepted while the server closes would never be closed itself
                await asyncio.sleep(0)
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self._in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self._in_flight)
        try:
            form = dict(parse_qsl((await request.read()).decode("utf-8", "replace"), keep_blank_values=True))
            return await self._respond(request, form)
        finally:
            self._in_flight -= 1

    async def _respond(self, request: web.Request, form: dict[str, str]) -> web.StreamResponse:
        fault, reply = self._meet(request, form)
        delay = self.latency + (fault.delay if fault else 0.0)
        if delay:
            await asyncio.sleep(delay)
        if fault and fault.drop:
            return _hang_up(request)
        if fault and fault.truncate:
            return _truncated(request, reply, fault)
        headers = {"Content-Type": reply.content_type, **reply.headers}
        return web.Response(status=reply.status, body=reply.body, headers=headers)

    def _meet(self, request: web.Request, form: dict[str, str]) -> tuple[Fault | None, Reply]:
        """Rate limit, then faults, then the service itself, in one step under the lock."""
        with self.account.lock:
            entry = self._enter(request.path, form)
            if not self._admit(time.monotonic()):
                return None, _noted(entry, self._throttled())
            fault = self.faults.take(entry.endpoint_id, entry.path)
            reply = fault.reply() if fault else None
            if fault is None or fault.applies:
                real = self._reply(entry, form.get("auth_token"), request.method)
                reply = reply if reply and fault and fault.replies else real
            assert reply is not None
            _noted(entry, reply, applied=entry.applied)
            if fault and fault.drop:
                entry.status = None
            return fault, reply

    async def _recording(self, request: web.Request) -> web.Response:
        """The audio of a recording, or the notice that it is gone, which comes with status 200 as well."""
        number = request.match_info["name"].removeprefix("r-").partition(".")[0].partition("-")[0]
        with self.account.lock:
            at = self.account.calls.history.position(int(number)) if number.isdecimal() else None
            row = None if at is None else self.account.calls.row(at)
            oldest = clock.seconds(self.account.now) - self.recording_days * clock.DAY
        if row is None or not row["recorded"] or clock.parse(row["call_date"]) < oldest:
            return web.Response(body=GONE, content_type="application/json")
        return web.Response(body=AUDIO, content_type="audio/wav")


def _noted(entry: Request, reply: Reply, *, applied: bool = False) -> Reply:
    entry.status, entry.applied = reply.status, applied
    return reply


def _hang_up(request: web.Request) -> web.Response:
    """Close the connection; the response that the server wants goes nowhere."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def _truncated(request: web.Request, reply: Reply, fault: Fault) -> web.Response:
    """Half a reply, then the end of the connection: written by hand, as the server would not do it."""
    if request.transport is not None:
        length = f"Content-Length: {len(reply.body)}\r\n" if fault.truncate == "length" else ""
        head = f"HTTP/1.1 {reply.status} OK\r\nContent-Type: {reply.content_type}\r\n{length}"
        request.transport.write(
            f"{head}Connection: close\r\n\r\n".encode() + reply.body[: len(reply.body) // 2]
        )
    return _hang_up(request)


def serve(simulator: Simulator, ready: Callable[[Simulator], None] | None = None) -> None:
    """Run a simulator until Ctrl-C, which ends it quietly; `ready` is called once it has its URL."""
    try:
        with simulator:
            if ready:
                ready(simulator)
            # An unbounded wait cannot be interrupted on Windows.
            while not threading.Event().wait(3600):
                pass
    except KeyboardInterrupt:
        return
