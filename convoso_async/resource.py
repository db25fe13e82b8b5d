"""What all resources share: one call in, rows or a result out."""

from collections.abc import Mapping
from datetime import tzinfo
from functools import cache, partial
from typing import Any, Protocol, TypeVar

from .endpoint import Endpoint
from .form import Form, Pairs
from .paging import Pager
from .reply import Reply, count_at, merged
from .rows import Page, Result, Row
from .search import Unread

R = TypeVar("R", bound=Row)
S = TypeVar("S", bound=Result)


class Caller(Protocol):
    """What a resource needs of its client."""

    @property
    def zone(self) -> tzinfo:
        """The account's zone."""
        ...

    async def _call(
        self, endpoint: Endpoint[Any], pairs: Pairs, *, raw: bool = False, later: bool = False
    ) -> Reply:
        """Sends one checked call."""
        ...


@cache
def form_of(endpoint: Endpoint[Any]) -> Form:
    """The form of a call, made on its first use."""
    return Form(endpoint)


class Resource:
    """One group of calls of a client."""

    __slots__ = ("_client",)

    def __init__(self, client: Caller) -> None:
        self._client = client

    async def _page(self, endpoint: Endpoint[R], params: Mapping[str, object]) -> Page[R]:
        """One page of rows. A paged call always says its limit: the service's defaults differ by source."""
        pairs = form_of(endpoint).pairs(params, self._client.zone)
        if endpoint.paging is not None and params.get("limit") is None:
            pairs.append(("limit", str(endpoint.paging.limit_default)))
        unread = await self._unread_page(endpoint, pairs)
        return unread(raw=True)

    async def _unread_page(self, endpoint: Endpoint[R], pairs: Pairs, *, later: bool = False) -> Unread[R]:
        """What makes a page of rows, for texts that are checked, once the reply is here.

        A pager that asks for several pages at once makes each when its turn comes, and with `later` decodes
        it then: see `reply.read`.
        """
        answer = await self._client._call(endpoint, pairs, later=later)
        return partial(self._page_of, endpoint, pairs, answer)

    def _page_of(self, endpoint: Endpoint[R], pairs: Pairs, answer: Reply, *, raw: bool) -> Page[R]:
        """The page that a reply is. Without `raw`, the reply is used up."""
        from .convert import row_loader

        if answer.later is not None:
            answer = answer.later()
        payload, sources = answer.payload, answer.rows or []
        loader = row_loader(endpoint.result, self._client.zone)
        page = Page(rows=loader.many(sources) if raw else loader.drain(sources), raw=payload if raw else None)
        page.total = count_at(payload, endpoint.totals)
        if endpoint.paging is not None:
            asked = dict(pairs)
            offset, limit = (count_at(payload, (name, f"data.{name}")) for name in ("offset", "limit"))
            page.offset = int(asked.get("offset", 0)) if offset is None else offset
            page.limit = int(asked["limit"]) if limit is None else limit
        return page

    async def _object(self, endpoint: Endpoint[S], params: Mapping[str, object]) -> S:
        """The one object that a reply is."""
        from .convert import loader

        answer = await self._client._call(endpoint, form_of(endpoint).pairs(params, self._client.zone))
        result: S = loader(endpoint.result, self._client.zone)(merged(answer.payload))
        object.__setattr__(result, "raw", answer.payload)
        if answer.already:
            object.__setattr__(result, "already", True)
            object.__setattr__(result, "success", True)
        return result

    def _pager(self, endpoint: Endpoint[R], params: Mapping[str, object]) -> Pager[R]:
        """A pager over all rows that match."""
        return Pager(endpoint, params, self._unread_page, form_of(endpoint), self._client.zone)
