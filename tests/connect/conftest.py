"""Receivers on real servers of all three kinds, and the fact sheet."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
import yaml

from convoso_async.connect import Receiver

SECRET = "blue-heron-7"
HEADER = "X-Connect-Secret"
PAYLOAD = {
    "call_log_id": "5520981",
    "lead_id": "880143",
    "first_name": "Imre",
    "phone_number": "2125550143",
    "status": "SALE",
    "length_in_sec": 212,
    "call_date": "2025-07-14 10:05:00",
    "campaign_name": "Harbor Outreach",
    "agent_full_name": "Rosa Quill",
    "custom_field_1": "blue",
}


@dataclass
class Server:
    """Where a receiver listens."""

    port: int
    receiver: Receiver

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/connect"

    def send(
        self,
        body: bytes | Iterator[bytes] = b"",
        *,
        secret: str | bytes | None = SECRET,
        method: str = "POST",
        path: str = "/connect",
        content_type: str | None = "application/json",
        headers: dict[str, str | bytes] | None = None,
    ) -> tuple[int, bytes]:
        """Status and body of the answer."""
        given: dict[str, Any] = dict(headers or {})
        if secret is not None:
            given[HEADER] = secret if isinstance(secret, bytes) else secret.encode()
        if content_type is not None:
            given["Content-Type"] = content_type
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body, given, encode_chunked=not isinstance(body, bytes))
            with connection.getresponse() as reply:
                return reply.status, reply.read()
        finally:
            connection.close()

    def raw(self, text: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body that come back for these bytes. The connection stays open till then."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as wire:
            wire.sendall(text)
            with HTTPResponse(wire) as reply:
                reply.begin()
                return reply.status, reply.getheaders(), reply.read()

    def hang_up(self, text: bytes) -> None:
        """Sends these bytes, and closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as wire:
            wire.sendall(text)


@contextmanager
def aiohttp_server(receiver: Receiver) -> Iterator[int]:
    from aiohttp import web

    started: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        app = web.Application()
        app.router.add_route("*", "/connect", receiver.aiohttp)
        app.router.add_route("*", "/connect/{rest:.*}", receiver.aiohttp)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stop = asyncio.Event()
        started.set_result((runner.addresses[0][1], asyncio.get_running_loop(), stop))
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    port, loop, stop = started.result(10)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@contextmanager
def asgi_server(receiver: Receiver) -> Iterator[int]:
    import uvicorn

    wire = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(receiver.asgi, lifespan="on", log_level="critical", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [wire]}, daemon=True)
    thread.start()
    try:
        yield wire.getsockname()[1]  # connections wait in the socket's queue until the server is there
    finally:
        server.should_exit = True
        thread.join()
        wire.close()


@contextmanager
def wsgi_server(receiver: Receiver) -> Iterator[int]:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: object) -> None:
            pass

    server = make_server("127.0.0.1", 0, receiver.wsgi, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SERVERS = {"aiohttp": aiohttp_server, "asgi": asgi_server, "wsgi": wsgi_server}
Serve = Callable[..., AbstractContextManager[Server]]


@contextmanager
def started(kind: str, **settings: Any) -> Iterator[Server]:
    """A receiver on a server of one kind."""
    receiver = Receiver(**{"secret": SECRET, "on_event": lambda event: None} | settings)
    with SERVERS[kind](receiver) as port:
        yield Server(port, receiver)


@pytest.fixture(params=SERVERS)
def serve(request: pytest.FixtureRequest) -> Serve:
    """Starts a receiver on a server of each kind: `with serve(on_event=...) as server:`."""
    return partial(started, request.param)


@pytest.fixture(scope="session")
def servers() -> Serve:
    """Starts a receiver on a server: `with servers("asgi", on_event=...) as server:`."""
    return started


@pytest.fixture
def payload() -> dict[str, Any]:
    return dict(PAYLOAD)


@pytest.fixture(scope="session")
def spec() -> dict[str, Any]:
    """The fact sheet of Connect."""
    sheet: dict[str, Any] = yaml.safe_load(
        (Path(__file__).parents[1] / "spec/connect.yaml").read_text("utf-8")
    )
    return sheet
