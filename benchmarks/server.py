"""The least server that can answer: a protocol on a socket, in a process of its own.

`python -m benchmarks.server --rows 40000` prints its port and serves until its input ends. Below
`/wait-50/...` each reply takes 50 ms.
"""

import argparse
import asyncio
import sys
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import cast
from urllib.parse import parse_qsl

from . import pages


class Answers(asyncio.Protocol):
    """One connection: POST requests in, JSON out, kept open."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            whole = end + 4 + size
            if len(self._received) < whole:
                return
            body, self._received = self._received[end + 4 : whole], self._received[whole:]
            self._answer(head.split(b" ", 2)[1].decode(), body)

    def _answer(self, path: str, form: bytes) -> None:
        if path.endswith("/leads/insert"):
            body = pages.INSERTED
        else:
            asked = dict(parse_qsl(form.decode()))
            start, end = asked.get("start_time", ""), asked.get("end_time", "")
            body = page(self._rows, start, end, int(asked.get("offset", 0)), int(asked["limit"]))
        reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        write = partial(self._write, reply + body)
        wait = path.split("/")[1].removeprefix("wait-")
        if wait.isdigit():
            asyncio.get_running_loop().call_later(int(wait) / 1_000, write)
        else:
            write()

    def _write(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(reply)


@lru_cache(maxsize=200)  # what is measured is the client: its rounds ask for the same pages
def page(rows: int, start: str, end: str, offset: int, limit: int) -> bytes:
    """One page of the calls in a range, both ends of which belong to it."""
    first, last = place_of(start, 0), place_of(end, rows, whole_second=True)
    return pages.page(min(first, rows), offset, limit, min(last, rows))


def place_of(moment: str, otherwise: int, *, whole_second: bool = False) -> int:
    """The number of the first call of a second, or of the next one."""
    if not moment:
        return otherwise
    passed = datetime.fromisoformat(moment) - pages.FIRST_CALL
    return max(0, (passed // timedelta(seconds=1) + whole_second) * pages.CALLS_A_SECOND)


async def serve(rows: int) -> None:
    """Serve until the input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Answers, rows), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=40_000)
    asyncio.run(serve(parser.parse_args().rows))
