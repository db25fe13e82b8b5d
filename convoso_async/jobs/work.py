"""What a job does: its items, one by one, and the operation that is done with each."""

import inspect
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Hashable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar

import attrs

from ..client import AsyncConvoso
from ..endpoint import Endpoint, Retry
from ..errors import ConvosoError
from ..resource import Resource
from .journal import Fingerprint
from .report import State

T = TypeVar("T")
Operation = Callable[..., Awaitable[object]]


@attrs.frozen(kw_only=True)
class Item:
    """One item of a job.

    Attributes:
        row: the item as it was given: what the journal and the report show.
        params: what the operation takes: a mapping becomes keywords. The row itself where None.
        key: items with the same key are done one after the other, in their order. None for no order.
        line: its line in a file.
        refusal: why it must not be sent.
        needless: whether there is nothing to do for it.
    """

    row: object
    params: object = None
    key: Hashable = None
    line: int | None = None
    refusal: ConvosoError | None = None
    needless: bool = False


def never(error: ConvosoError) -> bool:
    """No error."""
    return False


@attrs.frozen(kw_only=True)
class Work:
    """What is done with each item.

    Attributes:
        operation: any async callable, which makes one call: the outcome of its error is that of the item.
        repeatable: whether a second identical call changes nothing more.
        endpoint: the call that the operation is, where it is a method of one of our resources.
        client: the client that it goes through, where that is known.
        skips: errors that say that there was nothing to do.
        stops: errors that every further item would meet, beside those of the token and the settings.
        ended: told how each item ended, also in an earlier run.
    """

    operation: Operation
    repeatable: bool = False
    endpoint: Endpoint[Any] | None = None
    client: AsyncConvoso | None = None
    skips: tuple[type[ConvosoError], ...] = ()
    stops: Callable[[ConvosoError], bool] = never
    ended: Callable[[Item, State], None] | None = None

    def fingerprint(self, options: Mapping[str, object]) -> Fingerprint:
        """What a journal of this work compares."""
        inner = innermost(self.operation)
        name = getattr(inner, "__qualname__", type(inner).__qualname__)
        settings = self.client._settings if self.client is not None else None
        return Fingerprint(
            operation=self.endpoint.id if self.endpoint is not None else f"{inner.__module__}.{name}",
            base_url=settings.base_url if settings is not None else None,
            token=settings.token if settings is not None else None,
            options=options,
        )


def endpoint_of(operation: Operation) -> Endpoint[Any] | None:
    """The call that a bound method of one of our resources makes, None for any other callable.

    By the convention of the resource modules: the method `insert` makes the call declared as `INSERT`.
    """
    method = innermost(operation)
    resource = getattr(method, "__self__", None)
    if not isinstance(resource, Resource):
        return None
    name = method.__name__
    home = next(cls for cls in type(resource).__mro__ if name in vars(cls)).__module__
    declared = getattr(sys.modules[home], name.upper(), None)
    return declared if isinstance(declared, Endpoint) else None


def client_of(operation: Operation) -> AsyncConvoso | None:
    """The client that a bound method goes through, None for any other callable."""
    bound = getattr(innermost(operation), "__self__", None)
    client = bound._client if isinstance(bound, Resource) else bound
    return client if isinstance(client, AsyncConvoso) else None


def innermost(operation: Any) -> Any:
    """What `functools.partial` is wrapped around."""
    while isinstance(operation, partial):
        operation = operation.func
    return operation


def is_repeatable(endpoint: Endpoint[Any] | None) -> bool:
    """Whether a call may be made again after it may have arrived."""
    return endpoint is not None and endpoint.retry is not Retry.UNSAFE


async def items_of(
    items: Iterable[T] | AsyncIterable[T], key: Callable[[T], Hashable] | None
) -> AsyncGenerator[Item, None]:
    """The items as the engine takes them."""
    async with aclosing(every(items)) as source:
        async for item in source:
            found = None if key is None else key(item)
            yield Item(row=item, key=await found if inspect.isawaitable(found) else found)


async def every(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T, None]:
    """The items, one by one, and their source closed at the end, however that comes."""
    source: Any = items
    if isinstance(items, AsyncIterable):
        source = aiter(items)
        try:
            async for item in source:
                yield item
        finally:
            if inspect.isasyncgen(source):
                await source.aclose()
        return
    source = iter(items)
    try:
        for item in source:
            yield item
    finally:
        if inspect.isgenerator(source):
            source.close()
