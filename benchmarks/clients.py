"""The ways to send an insert that are compared: `Sender`s, each with its session open."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from urllib.parse import urlencode

import aiohttp
import orjson

from convoso_async import AsyncConvoso

from .pages import LEAD

TOKEN = "benchmark-token"
FORM = {"auth_token": TOKEN, **LEAD}
Burst = Callable[[int, int], None]
"""Sends so many inserts, so many of them in flight."""
Sender = Callable[[str], AbstractContextManager[Burst]]


# -- in an event loop -------------------------------------------------------------------------------


@asynccontextmanager
async def convoso_async(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """This package."""
    async with AsyncConvoso(TOKEN, base_url=url, max_connections=64) as client:
        yield lambda: client.leads.insert(**LEAD)


@asynccontextmanager
async def aiohttp_bare(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """aiohttp as it is used: a dict, and orjson."""
    async with aiohttp.ClientSession() as session:

        async def insert() -> object:
            async with session.post(f"{url}/leads/insert", data=FORM) as response:
                return orjson.loads(await response.read())

        yield insert


@asynccontextmanager
async def raw_sockets(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """asyncio streams and just enough HTTP: what no client can beat."""
    host, port = url.removeprefix("http://").split("/")[0].split(":")
    free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def insert() -> object:
        reader, writer = free.pop() if free else await asyncio.open_connection(host, int(port))
        body = urlencode(FORM).encode()
        writer.write(
            b"POST /leads/insert HTTP/1.1\r\nHost: a.example.org\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
            % len(body)
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        reply = await reader.readexactly(size)
        free.append((reader, writer))
        return orjson.loads(reply)

    yield insert
    for _, writer in free:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def httpx_async(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """httpx, which most generated clients use."""
    import httpx

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=64), trust_env=False) as client:

        async def insert() -> object:
            return orjson.loads((await client.post(f"{url}/leads/insert", data=FORM)).content)

        yield insert


def in_a_loop(
    opened: Callable[[str], contextlib.AbstractAsyncContextManager[Callable[[], Awaitable[object]]]],
) -> Sender:
    """A sender out of one that lives in an event loop."""

    @contextmanager
    def sender(url: str) -> Iterator[Burst]:
        with asyncio.Runner() as runner:
            session = opened(url)
            insert = runner.run(session.__aenter__())

            async def several(count: int) -> None:
                for _ in range(count):
                    await insert()

            async def burst(count: int, in_flight: int) -> None:
                await asyncio.gather(*(several(count // in_flight) for _ in range(in_flight)))

            yield lambda count, in_flight: runner.run(burst(count, in_flight))
            runner.run(session.__aexit__(None, None, None))

    return sender


# -- in threads -------------------------------------------------------------------------------------


@contextmanager
def convoso_sync(url: str) -> Iterator[Callable[[], object]]:
    """This package, sync."""
    from convoso_sync import Convoso

    with Convoso(TOKEN, base_url=url, max_connections=64) as client:
        yield lambda: client.leads.insert(**LEAD)


@contextmanager
def requests(url: str) -> Iterator[Callable[[], object]]:
    """requests, one session."""
    import requests

    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))
        yield lambda: orjson.loads(session.post(f"{url}/leads/insert", data=FORM, timeout=30).content)


@contextmanager
def urllib3(url: str) -> Iterator[Callable[[], object]]:
    """urllib3, one pool."""
    import urllib3

    with urllib3.PoolManager(maxsize=64) as pool:

        def insert() -> object:
            reply = pool.request("POST", f"{url}/leads/insert", fields=FORM, encode_multipart=False)
            return orjson.loads(reply.data)

        yield insert


def in_threads(opened: Callable[[str], AbstractContextManager[Callable[[], object]]]) -> Sender:
    """A sender out of one that blocks: as many threads as inserts in flight."""

    @contextmanager
    def sender(url: str) -> Iterator[Burst]:
        with opened(url) as insert, ThreadPoolExecutor(64) as threads:

            def several(count: int) -> None:
                for _ in range(count):
                    insert()

            def burst(count: int, in_flight: int) -> None:
                if in_flight == 1:
                    several(count)
                else:
                    list(threads.map(several, [count // in_flight] * in_flight))

            yield burst

    return sender


BASE = "aiohttp, bare"
SENDERS: dict[str, Sender] = {
    BASE: in_a_loop(aiohttp_bare),
    "convoso_async": in_a_loop(convoso_async),
    "convoso_sync": in_threads(convoso_sync),
    "raw asyncio sockets": in_a_loop(raw_sockets),
    "urllib3": in_threads(urllib3),
    "requests": in_threads(requests),
    "httpx, async": in_a_loop(httpx_async),
}
