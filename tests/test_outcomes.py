"""Random sequences of faults: what an error says of its request is never contradicted by the server's log.

CONVOSO_SEQUENCES sets how many are tried; the suite tries a few hundred.
"""

import asyncio
import json
import os
from collections.abc import Iterable, Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from convoso_async import ConvosoError, OutcomeUnknownError, transport
from convoso_async.endpoint import Retry

from .fault_server import (
    ENDPOINTS,
    EVERY,
    Fault,
    FaultServer,
    Request,
    client_of,
    fine,
    good_body,
    http,
    make,
    no_waiting,
)

SEQUENCES = int(os.environ.get("CONVOSO_SEQUENCES", "400"))
STALLED = 0.02
"""Seconds for an attempt: short, as many stall."""

UNCONNECTED = [Fault("connection refused", at="connect")] * 5
STRAY = [
    Fault(
        "a second reply",
        apply=True,
        # In one piece: one that comes while the next request goes out is taken for its reply by any client.
        reply=http(good_body(None)) + http(b'{"success": true, "stray": 1}'),
        end="keep",
    )
]
FAULTS = [*EVERY, *UNCONNECTED, *STRAY, fine()]
QUICK = [fault for fault in FAULTS if fault.end != "stall"]
# A stall takes real time: three in four sequences have none.
sequences = st.one_of(
    *[st.lists(st.sampled_from(QUICK), max_size=7)] * 3, st.lists(st.sampled_from(FAULTS), max_size=4)
)


def honest(server: FaultServer, call: str) -> Fault:
    """A service that is well: it does the thing, or says that it is so already."""
    already = next(iter(ENDPOINTS[call].already), None)

    def reply(request: Request) -> Iterable[bytes]:
        if already is None or sum(each.applied for each in server.requests if each.path == request.path) < 2:
            yield http(good_body(ENDPOINTS[call]))
        else:
            yield http(json.dumps({"success": False, "code": already, "text": "already"}).encode())

    return Fault("honest", apply=True, reply=reply, end="keep")


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running, pytest.MonkeyPatch.context() as patch:
        no_waiting(patch)
        yield running


async def try_out(calls: list[str], faults: list[Fault], max_retries: int) -> None:
    """Makes calls one after the other against a sequence of faults, and judges each."""
    async with FaultServer(faults) as server:
        with pytest.MonkeyPatch.context() as patch:
            connector = partial(transport.Connector, socket_factory=server.refusing)
            patch.setattr(transport, "Connector", connector)
            async with client_of(server, max_retries=max_retries, timeout=STALLED, deadline=0.3) as client:
                for call in calls:
                    server.then = honest(server, call)
                    touched, before = server.touched, len(server.requests)
                    got: object
                    try:
                        got = await make(client, call)
                    except ConvosoError as error:
                        got = error
                    for _ in range(20):  # the server may not have read yet what a call that timed out left it
                        await asyncio.sleep(0)
                    judge(call, got, server.touched - touched, server.requests[before:])


def judge(call: str, got: object, touched: int, came: list[Request]) -> None:
    """Fails where what the caller was told is not what the server's log says."""
    applied = sum(request.applied for request in came)
    told = (call, got, getattr(got, "outcome", None), touched, came)
    unsafe = ENDPOINTS[call].retry is Retry.UNSAFE
    if unsafe:
        assert applied <= 1, told
    if not isinstance(got, ConvosoError):
        assert applied >= 1, told
        return
    if got.outcome == "not_sent":
        assert touched == 0, told
    elif got.outcome == "rejected":
        assert applied == 0, told
    elif got.outcome == "applied":
        assert applied >= 1, told
    assert not unsafe or (got.outcome in ("unknown", "applied")) is isinstance(got, OutcomeUnknownError), told


@settings(max_examples=SEQUENCES, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(list(ENDPOINTS)), min_size=1, max_size=3, unique=True),
    sequences,
    st.integers(0, 3),
)
@pytest.mark.timeout(7_200)
def test_no_error_says_what_is_not_so(
    runner: asyncio.Runner, calls: list[str], faults: list[Fault], max_retries: int
) -> None:
    runner.run(try_out(calls, faults, max_retries))
