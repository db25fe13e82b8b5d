"""A plain socket that keeps what it was sent, byte for byte, and answers what it was told."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import attrs


@attrs.define
class Wiretap:
    """A server that keeps each request as it came and answers with given bytes."""

    url: str = ""
    requests: list[bytes] = attrs.field(factory=list)

    def form(self, place: int = -1) -> list[tuple[str, str]]:
        """The form of a request, in order."""
        body = self.requests[place].partition(b"\r\n\r\n")[2]
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)

    def head(self, place: int = -1) -> str:
        """The request line and headers of a request."""
        return self.requests[place].partition(b"\r\n\r\n")[0].decode("ascii")


@asynccontextmanager
async def wiretap(*replies: bytes) -> AsyncIterator[Wiretap]:
    """Answers the first request with the first reply, and so on, and closes the connection after each."""
    tap = Wiretap()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]  # it is there
        tap.requests.append(head + await reader.readexactly(length))
        writer.write(replies[min(len(tap.requests), len(replies)) - 1])
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        tap.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        yield tap


def http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """A whole reply, which may claim another length than its body has."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body
