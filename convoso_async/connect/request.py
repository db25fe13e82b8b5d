"""What a receiver sees of any server's request, and what it answers. Texts are bytes, as they came."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from attrs import frozen


class Refusal(Exception):
    """A request is not taken. The reason is one of a few fixed words, for the log and not for the sender."""


@frozen
class Answer:
    """What the sender gets."""

    status: int
    reason: str
    body: bytes
    content_type: str


REFUSED = Answer(404, "Not Found", b"Not Found\n", "text/plain")
TAKEN = Answer(200, "OK", b'{"success": true}', "application/json")
FAILED = Answer(500, "Internal Server Error", b'{"success": false}', "application/json")


@frozen(repr=False)
class Request:
    """What is known of a request before its body is read.

    Attributes:
        method: such as `POST`.
        headers: gives all values of a header, by its name in lower case.
        segment: the last segment of the path, decoded.
        query: what follows the question mark.
    """

    method: str
    headers: Callable[[str], list[bytes]]
    segment: bytes
    query: bytes

    def header(self, name: str) -> bytes:
        """The value of a header; empty where there is none, or more than one."""
        return only(self.headers(name))

    def parameter(self, name: bytes) -> bytes:
        """The value of a parameter in the query; empty where there is none, or more than one."""
        pairs = (pair.replace(b"+", b" ").partition(b"=") for pair in self.query.split(b"&"))
        return only([unquote_to_bytes(value) for key, _, value in pairs if unquote_to_bytes(key) == name])

    @property
    def length(self) -> int | None:
        """The announced length of the body, None where there is none. Refuses what is no number."""
        if not self.headers("content-length"):
            return None
        length = self.header("content-length")
        if not length.isdigit() or len(length) > 20:
            raise Refusal("its length")
        return int(length)


class Body:
    """Collects a body, up to a limit and up to the length that was announced."""

    def __init__(self, limit: int, length: int | None) -> None:
        self._limit = limit
        self._length = length
        self._pieces: list[bytes] = []
        self._size = 0
        if length is not None and length > limit:
            raise Refusal("its length")

    def take(self, piece: bytes) -> None:
        """Keeps one more piece."""
        self._size += len(piece)
        if self._size > self._limit:
            raise Refusal("its length")
        self._pieces.append(piece)

    def whole(self) -> bytes:
        """All of it. A form that breaks off would look like a shorter one."""
        if self._length is not None and self._length != self._size:
            raise Refusal("a body that breaks off")
        return b"".join(self._pieces)


def only(values: list[bytes]) -> bytes:
    """The only value there is; empty where there is none, or more than one."""
    return values[0] if len(values) == 1 else b""


def last_segment(path: bytes) -> bytes:
    """The last segment of a path, decoded. A slash at the end does not count."""
    return unquote_to_bytes(path.removesuffix(b"/").rpartition(b"/")[2])
