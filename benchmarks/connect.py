"""Webhooks a second through the aiohttp handler on one core, and the memory of the server meanwhile.

python benchmarks/connect.py [events]

The server has a core of its own, where the system allows that; the sender, another process, writes plain
bytes over 32 kept connections. All events differ, in JSON of 24 fields; the handler counts them.
"""

import asyncio
import json
import multiprocessing
import os
import resource
import sys
import time
from multiprocessing.connection import Connection

from aiohttp import web

from convoso_async.connect import ConnectEvent, Receiver, parse

SECRET = "blue-heron-7"
CONNECTIONS = 32


def request_of(number: int) -> bytes:
    """One webhook about one call, as bytes on the wire."""
    payload = {
        "call_log_id": str(55_000_000 + number),
        "lead_id": str(880_000 + number % 100_000),
        "first_name": "Jane",
        "last_name": "Doe",
        "list_id": "702",
        "list_name": "Autumn Renewals",
        "user_id": str(40_000 + number % 8),
        "originating_agent_id": "",
        "campaign_id": "61",
        "campaign_name": "Harbor Outreach",
        "queue_id": "0",
        "queue_name": "null",
        "queue_seconds": "0",
        "queue_position": "0",
        "phone_number": f"2125550{100 + number % 100}",
        "status": ("SALE", "NI", "NA", "CALLBK")[number % 4],
        "length_in_sec": number % 900,
        "call_date": f"2025-07-14 {8 + number % 10:02d}:{number % 60:02d}:{number // 60 % 60:02d}",
        "agent_comment": "asked for a call after lunch" if number % 10 == 0 else "",
        "call_type": "Outbound",
        "term_reason": "AGENT",
        "caller_id": "2125550101",
        "inbound_number": "",
        "agent_full_name": "Rosa Quill",
    }
    body = json.dumps(payload).encode()
    head = f"POST /connect HTTP/1.1\r\nHost: x\r\nX-Connect-Secret: {SECRET}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def serve(core: int | None, pipe: Connection) -> None:
    """The server: tells its port, and on demand its count of events, its processor time and its memory."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    events = 0

    def handle(event: ConnectEvent) -> None:
        nonlocal events
        events += 1

    async def run() -> None:
        app = web.Application()
        app.router.add_route("*", "/connect", Receiver(SECRET, handle).aiohttp)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        while await asyncio.to_thread(pipe.recv):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            pipe.send((events, time.process_time(), peak))
        await runner.cleanup()

    asyncio.run(run())


async def send(port: int, requests: list[bytes]) -> float:
    """Seconds until all are answered 200."""

    async def one_connection(own: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in own:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            await reader.readexactly(len(b'{"success": true}'))
        writer.close()
        await writer.wait_closed()

    start = time.perf_counter()
    await asyncio.gather(*(one_connection(requests[part::CONNECTIONS]) for part in range(CONNECTIONS)))
    return time.perf_counter() - start


def main(total: int) -> None:
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(cores[-1] if cores else None, theirs)
    )
    server.start()
    port = ours.recv()
    asyncio.run(send(port, [request_of(number) for number in range(1_000)]))
    before = 0.0
    for part in range(5):
        first = 1_000 + part * (total // 5)
        requests = [request_of(number) for number in range(first, first + total // 5)]
        ours.send(True)
        _, before, _ = ours.recv()
        seconds = asyncio.run(send(port, requests))
        ours.send(True)
        events, cpu, peak = ours.recv()
        each = (cpu - before) / len(requests)
        print(
            f"{events:>8,} events  {len(requests) / seconds:>6,.0f} a second  {each * 1e6:>4.0f} µs of"
            f" processor each, so {1 / each:>6,.0f} on a core that is free  {peak:>4.0f} MB at most"
        )
    ours.send(False)
    server.join()

    body = request_of(7).partition(b"\r\n\r\n")[2]
    start = time.process_time()
    for _ in range(5_000):
        parse(body, "application/json")
    print(f"of which parse takes {(time.process_time() - start) / 5_000 * 1e6:.0f} µs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
