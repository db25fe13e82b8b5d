"""Both packages behind one face: a scenario written for the async client runs against the sync one as well.

    @each_package
    async def test_a_lead(connect: Connect, sim: Simulator) -> None:
        async with connect(sim) as client:
            await client.leads.insert(...)

The sync client's calls run in threads, so that a scenario may have several under way.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from inspect import iscoroutinefunction
from typing import Any, Protocol, Self, cast

import pytest

from convoso_async import AsyncConvoso
from convoso_async.simulator import Simulator
from convoso_sync import Convoso
from convoso_sync._runtime import Facade

END = object()


class Connect(Protocol):
    """Makes a client of a simulator, with settings."""

    def __call__(self, sim: Simulator, token: str | None = None, **settings: Any) -> AsyncConvoso: ...


class Awaited:
    """A sync client, resource, pager or prefetch, with the face of the async one behind it."""

    def __init__(self, sync: Facade[Any]) -> None:
        self._sync = sync
        self._iterator: Iterator[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._sync, "close" if name == "aclose" else name)
        if isinstance(found, Facade):
            return Awaited(found)
        if not callable(found):
            return found
        if iscoroutinefunction(getattr(self._sync._async, name)):
            return in_thread(found)
        return lambda *given, **named: dressed(found(*given, **named))

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._sync.__enter__)  # type: ignore[attr-defined]  # clients and prefetches
        return self

    async def __aexit__(self, *error: object) -> None:
        await asyncio.to_thread(self._sync.__exit__, *error)  # type: ignore[attr-defined]

    def __aiter__(self) -> AsyncIterator[Any]:
        return threaded(iter(cast(Any, self._sync)))

    async def __anext__(self) -> Any:
        row = await asyncio.to_thread(next, cast(Any, self._sync), END)
        if row is END:
            raise StopAsyncIteration
        return row

    def __repr__(self) -> str:
        return repr(self._sync)


def in_thread(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that is awaited, and runs in a thread meanwhile."""

    async def call(*given: Any, **named: Any) -> Any:
        return dressed(await asyncio.to_thread(method, *given, **named))

    return call


def dressed(found: Any) -> Any:
    """A result with an async face, where it has need of one."""
    if isinstance(found, Facade):
        return Awaited(found)
    return threaded(found) if isinstance(found, Iterator) else found


async def threaded(iterator: Iterator[Any]) -> AsyncIterator[Any]:
    """The items of an iterator, each pulled in a thread. Left early, it is closed, as by a `break`."""
    try:
        while (item := await asyncio.to_thread(next, iterator, END)) is not END:
            yield item
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


def connect_async(sim: Simulator, token: str | None = None, **settings: Any) -> AsyncConvoso:
    """An async client of a simulator."""
    settings = {"base_url": sim.url, "timezone": str(sim.account.zone), **settings}
    return AsyncConvoso(token or sim.token, **settings)


def connect_sync(sim: Simulator, token: str | None = None, **settings: Any) -> AsyncConvoso:
    """A sync client of a simulator, with an async face."""
    settings = {"base_url": sim.url, "timezone": str(sim.account.zone), **settings}
    return cast(AsyncConvoso, Awaited(Convoso(token or sim.token, **settings)))


each_package = pytest.mark.parametrize("connect", [connect_async, connect_sync], ids=["async", "sync"])
