"""The way in for WSGI servers, and for frameworks that are WSGI apps."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

from .request import Answer, Refusal, Request

if TYPE_CHECKING:
    from wsgiref.types import InputStream, StartResponse, WSGIEnvironment

PIECE = 65_536
Take = Callable[[Request, Callable[[], bytes]], Answer]


def serve(take: Take, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Has one request taken."""
    request = _request_of(environ)
    answer = take(request, _Reader(environ, request).read)
    headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body)))]
    start_response(f"{answer.status} {answer.reason}", headers)
    return [b"" if request.method == "HEAD" else answer.body]


class _Reader:
    """Gives a body piece by piece, empty at its end."""

    def __init__(self, environ: "WSGIEnvironment", request: Request) -> None:
        self._input = cast("InputStream", environ["wsgi.input"])
        self._endless = bool(environ.get("wsgi.input_terminated"))
        self._request = request
        self._left: int | None = None

    def read(self) -> bytes:
        if self._left is None:
            # Without a length there is no body, unless the server says that its stream has an end.
            self._left = self._request.length or 0
        size = PIECE if self._endless else min(PIECE, self._left)
        try:
            piece = self._input.read(size) if size else b""
        except Exception:  # every server has its own for a body that breaks off
            raise Refusal("a body that breaks off") from None
        self._left -= len(piece)
        return piece


def _request_of(environ: "WSGIEnvironment") -> Request:
    def headers(name: str) -> list[bytes]:
        key = name.upper().replace("-", "_")
        value = environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}")
        return [_as_it_came(value)] if value else []  # CONTENT_LENGTH may be empty where there is none

    path = _as_it_came(environ.get("SCRIPT_NAME", "")) + _as_it_came(environ.get("PATH_INFO", ""))
    segment = path.removesuffix(b"/").rpartition(b"/")[2]  # decoded already
    return Request(
        str(environ["REQUEST_METHOD"]), headers, segment, _as_it_came(environ.get("QUERY_STRING", ""))
    )


def _as_it_came(text: object) -> bytes:
    return str(text).encode("latin-1", "replace")  # PEP 3333: bytes in the form of a text
