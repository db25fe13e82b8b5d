"""A client's life: one loop, one process, its own session or yours, and its end."""

import asyncio
import gc
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from convoso_async import (
    AsyncConvoso,
    ConfigurationError,
    ConvosoConnectionError,
    ConvosoError,
    OutcomeUnknownError,
    ServerError,
)

from .fault_server import (
    ENDPOINTS,
    READS,
    TOKEN,
    UNSAFES,
    Fault,
    FaultServer,
    client_of,
    make,
    no_waiting,
    served,
    status,
    until,
)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    no_waiting(monkeypatch)


async def error_of(awaitable: Awaitable[object]) -> ConvosoError:
    """The error that something ends with."""
    with pytest.raises(ConvosoError) as caught:
        await awaitable
    return caught.value


# -- one loop, one process --------------------------------------------------------------------------


def in_a_thread(work: Callable[[], object]) -> object:
    """The result of `work` in a thread of its own, or its error."""
    got: list[object] = []

    def run() -> None:
        try:
            got.append(work())
        except Exception as error:
            got.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return got[0]


def test_without_an_event_loop_of_asyncio_the_error_says_so() -> None:
    """As under trio, whose loop is not asyncio's."""
    call = AsyncConvoso(TOKEN).leads.search()
    with pytest.raises(ConfigurationError, match="needs asyncio's event loop") as caught:
        call.send(None)
    assert caught.value.outcome == "not_sent"


async def test_another_event_loop_is_refused() -> None:
    async with served() as (server, client):
        await make(client, "leads.search")
        for call in ("leads.search", "leads.insert", "dnc.insert"):
            error = in_a_thread(lambda call=call: asyncio.run(make(client, call)))
            assert isinstance(error, ConfigurationError)
            assert "another event loop" in str(error)
            assert error.outcome == "not_sent"
        error = in_a_thread(lambda: asyncio.run(client.aclose()))
        assert isinstance(error, ConfigurationError)
        assert server.arrived == 1


async def test_a_client_that_was_not_used_yet_belongs_to_the_loop_of_its_first_call() -> None:
    async with FaultServer() as server:
        client = in_a_thread(lambda: client_of(server))
        assert isinstance(client, AsyncConvoso)
        async with client:
            await make(client, "leads.search")


def test_a_client_whose_loop_is_over_says_so_and_can_be_closed() -> None:
    client = AsyncConvoso(TOKEN, base_url="http://127.0.0.1:9", max_retries=0)
    with pytest.raises(ConvosoConnectionError):
        asyncio.run(make(client, "leads.search"))
    with pytest.raises(ConfigurationError, match="another event loop"):
        asyncio.run(make(client, "leads.search"))
    asyncio.run(client.aclose())
    with pytest.raises(ConfigurationError, match="closed"):
        asyncio.run(make(client, "leads.search"))


async def program(source: str, *args: str) -> str:
    """What a program prints, run with all warnings on; it must complain of nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-c", textwrap.dedent(source), *args),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (err.decode(), process.returncode) == ("", 0)
    return out.decode()


async def test_after_a_fork_the_child_is_told_and_the_parent_goes_on() -> None:
    async with FaultServer() as server:
        printed = await program(
            """
            import asyncio, os, sys
            from convoso_async import AsyncConvoso, ConfigurationError

            def child(client):
                try:
                    asyncio.run(client.leads.insert(list_id=1, phone_number="2125550101"))
                except ConfigurationError as error:
                    print(error, error.outcome, flush=True)
                asyncio.run(client.aclose())
                new = AsyncConvoso("t", base_url=sys.argv[1])

                async def one():
                    async with new:
                        await new.leads.search()

                asyncio.run(one())

            async def main():
                async with AsyncConvoso("t", base_url=sys.argv[1]) as client:
                    await client.leads.search()
                    pid = os.fork()
                    if pid == 0:
                        try:
                            child(client)
                            os._exit(0)
                        finally:
                            os._exit(1)
                    status = await asyncio.to_thread(os.waitpid, pid, 0)
                    await client.leads.search()
                    print(status[1])

            asyncio.run(main())
            """,
            server.url,
        )
        assert printed.splitlines() == [
            "this client was used before a fork; make a new one in the child not_sent",
            "0",
        ]
        assert [request.connection for request in server.requests] == [1, 2, 1]


async def test_closing_leaves_no_warning() -> None:
    """Whatever came before: good calls, failed ones, those given up, and none at all."""
    stall = Fault("stall", end="stall")
    async with FaultServer([stall], then=status("503 Busy")) as server:
        await program(
            """
            import asyncio, gc, sys
            from convoso_async import AsyncConvoso, ConvosoError

            async def main():
                async with AsyncConvoso("t", base_url=sys.argv[1], timeout=0.05) as client:
                    for _ in range(3):
                        try:
                            await client.leads.insert(list_id=1, phone_number="2125550101")
                        except ConvosoError:
                            pass
                    task = asyncio.create_task(client.leads.search())
                    await asyncio.sleep(0.01)
                    task.cancel()
                async with AsyncConvoso("t", base_url=sys.argv[1]):
                    pass
                client = AsyncConvoso("t", base_url="https://127.0.0.1:9", max_retries=0)
                try:
                    await client.leads.search()
                except ConvosoError:
                    pass
                await client.aclose()

            asyncio.run(main())
            AsyncConvoso("t")
            gc.collect()
            """,
            server.url,
        )


# -- the end ----------------------------------------------------------------------------------------


async def test_a_closed_client_says_so() -> None:
    async with FaultServer() as server:
        client = client_of(server)
        async with client:
            await make(client, "leads.search")
        await client.aclose()
        for call in ENDPOINTS:
            error = await error_of(make(client, call))
            assert isinstance(error, ConfigurationError)
            assert str(error) == "the client is closed; make a new one"
            assert error.outcome == "not_sent"
        with pytest.raises(ConfigurationError):
            await client.request("/leads/search")
        with pytest.raises(ConfigurationError):
            await client.call_logs.retrieve_all(start_time="2026-03-01 00:00:00").collect()
        assert server.arrived == 1


async def test_a_client_that_is_closed_before_its_first_call_stays_closed() -> None:
    client = AsyncConvoso(TOKEN)
    await client.aclose()
    with pytest.raises(ConfigurationError, match="closed"):
        await make(client, "leads.search")


@pytest.mark.parametrize("call", [READS[0], UNSAFES[0], "leads.update", "dnc.insert"])
async def test_calls_that_are_under_way_when_the_client_is_closed_end_truthfully(call: str) -> None:
    async with FaultServer() as server:
        server.gate.clear()
        client = client_of(server, max_connections=1)
        tasks = [asyncio.ensure_future(make(client, call)) for _ in range(3)]
        await until(lambda: server.waiting)
        sent = len(server.requests)
        await client.aclose()
        errors = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5.0)
        assert len(server.requests) == sent
        for error in errors:
            assert isinstance(error, ConfigurationError | OutcomeUnknownError | ConvosoConnectionError)
        outcomes = [error.outcome for error in errors if isinstance(error, ConvosoError)]
        assert sorted(outcomes) == ["not_sent"] * (3 - sent) + ["unknown"] * sent
        assert any("closed" in str(error) for error in errors)


# -- a session of yours -----------------------------------------------------------------------------


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as yours:
        yield yours


async def test_a_session_of_yours_is_used_and_never_closed(session: aiohttp.ClientSession) -> None:
    async with FaultServer() as server:
        for _ in range(2):
            async with client_of(server, session=session) as client:
                for call in ENDPOINTS:
                    await make(client, call)
        assert not session.closed
        assert (server.arrived, server.connections) == (2 * len(ENDPOINTS), 1)
        async with session.get(server.url) as reply:
            assert reply.status == 200


async def test_a_session_of_yours_keeps_its_cookies_and_headers() -> None:
    async with (
        FaultServer() as server,
        aiohttp.ClientSession(
            cookies={"mine": "1"}, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"X-Mine": "yes"}
        ) as yours,
        client_of(server, session=yours) as client,
    ):
        server.faults.append(status("200 OK", "Set-Cookie: theirs=2; Path=/", body=b'{"success": true}'))
        await make(client, "leads.insert")
        await make(client, "leads.insert")
        first, second = server.requests
        assert (first.headers["x-mine"], first.headers["cookie"]) == ("yes", "mine=1")
        assert "theirs=2" in second.headers["cookie"]


@pytest.mark.parametrize(
    "habit", [{"headers": {"Content-Type": "application/json"}}, {"skip_auto_headers": ["Content-Type"]}]
)
async def test_a_session_of_yours_does_not_name_the_form_something_else(habit: dict[str, Any]) -> None:
    async with (
        FaultServer() as server,
        aiohttp.ClientSession(**habit) as yours,
        client_of(server, session=yours) as client,
    ):
        await make(client, "leads.insert")
        assert server.requests[0].headers["content-type"] == "application/x-www-form-urlencoded"


async def test_a_session_of_yours_may_use_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FaultServer() as proxy, aiohttp.ClientSession(trust_env=True) as yours:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        async with client_of("http://127.0.0.1:9", session=yours) as client:
            await make(client, "leads.insert")  # a proxy gets the whole address for a path
        assert proxy.requests[0].path == "http://127.0.0.1:9/leads/insert"


async def repeats_everything(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A middleware as one finds them: it tries three times, whatever the request is."""
    for _ in range(2):
        try:
            reply = await handler(request)
        except aiohttp.ClientError:
            continue
        if reply.status < 500:
            return reply
        reply.close()
    return await handler(request)


@pytest.mark.parametrize(
    "fault",
    [status("503 Busy", apply=True), Fault("reset after applying", apply=True, end="reset")],
    ids=str,
)
async def test_a_middleware_that_repeats_cannot_repeat_a_write(fault: Fault) -> None:
    async with (
        FaultServer(then=fault) as server,
        aiohttp.ClientSession(middlewares=(repeats_everything,)) as yours,
    ):
        with pytest.raises(aiohttp.ClientError):
            async with yours.post(server.url, raise_for_status=True):
                pass
        assert len(server.requests) == 3  # it would
        server.requests.clear()
        async with client_of(server, session=yours) as client:
            for number, call in enumerate(UNSAFES, 1):
                await error_of(make(client, call))
                assert len(server.requests) == number


async def test_a_session_of_yours_that_raises_for_a_status_does_not_change_the_errors() -> None:
    async with (
        FaultServer(then=status("503 Busy", body=b'{"text": "busy"}')) as server,
        aiohttp.ClientSession(raise_for_status=True) as yours,
        client_of(server, session=yours) as client,
    ):
        error = await error_of(make(client, "leads.search"))
        assert isinstance(error, ServerError)
        assert (error.status, error.text, error.attempts) == (503, "busy", 3)


async def test_a_session_of_yours_does_not_cut_a_call_short() -> None:
    limits = aiohttp.ClientTimeout(total=0.01, sock_read=0.01)
    async with (
        FaultServer([Fault("slow", reply=lambda request: [b"HTTP/1.1 500 No\r\n\r\n"], pause=0.1)]) as server,
        aiohttp.ClientSession(timeout=limits) as yours,
        client_of(server, session=yours, max_retries=0) as client,
    ):
        assert isinstance(await error_of(make(client, "leads.search")), ServerError)


async def test_a_session_with_a_base_url_of_its_own_goes_where_the_client_says() -> None:
    async with (
        FaultServer() as server,
        FaultServer() as other,
        aiohttp.ClientSession(base_url=other.url) as yours,
        client_of(server, session=yours) as client,
    ):
        await make(client, "leads.insert")
        assert (server.arrived, other.touched) == (1, 0)


async def test_a_session_that_its_owner_closed_is_a_clear_error() -> None:
    async with FaultServer() as server:
        yours = aiohttp.ClientSession()
        async with client_of(server, session=yours) as client:
            await make(client, "leads.search")
            await yours.close()
            for call in ENDPOINTS:
                error = await error_of(make(client, call))
                assert isinstance(error, ConfigurationError), error
                assert "Session is closed" in str(error)
                assert (error.outcome, error.attempts) == ("not_sent", 1)
        assert server.arrived == 1


def test_a_session_of_another_loop_is_a_clear_error() -> None:
    async def make_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    async def use(yours: aiohttp.ClientSession) -> None:
        async with FaultServer() as server, client_of(server, session=yours, timeout=2.0) as client:
            error = await error_of(make(client, "leads.insert"))
            assert isinstance(error, ConfigurationError | OutcomeUnknownError), error
            assert server.arrived == 0

    with asyncio.Runner() as first:
        yours = first.run(make_session())
        asyncio.run(use(yours))
        first.run(yours.close())


@pytest.mark.parametrize("hook", ["on_request_start", "on_request_chunk_sent", "on_request_end"])
async def test_a_hook_that_raises_is_our_error(hook: str) -> None:
    async def raises(*args: object) -> None:
        raise KeyError("a hook of the program")

    tracing = aiohttp.TraceConfig()
    getattr(tracing, hook).append(raises)
    async with (
        FaultServer() as server,
        aiohttp.ClientSession(trace_configs=[tracing]) as yours,
        client_of(server, session=yours) as client,
    ):
        error = await error_of(make(client, "leads.insert"))
        assert isinstance(error, ConfigurationError | OutcomeUnknownError), error
        if error.outcome == "not_sent":
            assert server.arrived == 0
        else:
            assert error.outcome == "unknown"
            assert "KeyError" in str(error) or isinstance(error, OutcomeUnknownError)
        assert len(server.requests) <= 1


# -- small things -----------------------------------------------------------------------------------


async def test_the_first_calls_at_once_share_one_session() -> None:
    async with served(max_connections=3) as (server, client):
        await asyncio.gather(*(make(client, "leads.search") for _ in range(30)))
        assert server.connections == 3


async def test_connections_are_kept() -> None:
    async with served() as (server, client):
        for call in ENDPOINTS:
            await make(client, call)
        assert server.connections == 1


def test_a_client_that_nobody_uses_opens_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client: Any = AsyncConvoso(TOKEN)
        del client
        gc.collect()
