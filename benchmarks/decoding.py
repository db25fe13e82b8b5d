"""Pages of call logs from bytes to rows, as a pager makes them: the decoded page is used up meanwhile."""

import gc
import tracemalloc
from collections import deque
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from convoso_async.convert import RowLoader, row_loader
from convoso_async.resources.call_logs import CallLog

from . import pages
from .measure import Cost, in_turn

ZONE = ZoneInfo("America/Los_Angeles")
ROWS = 500
BODY = pages.page(0, 0, ROWS, ROWS)
PAGES_IN_BURST = 8


def loads(body: bytes) -> Any:
    """The decoded rows of a page."""
    return orjson.loads(body)["data"]["results"]


def changing() -> bytes:
    """The same page where every third row lacks a key, and every seventh has two more."""
    decoded = orjson.loads(BODY)
    for number, row in enumerate(decoded["data"]["results"]):
        if number % 3 == 0:
            del row["queue_seconds"]
        if number % 7 == 0:
            row |= {"field_1": "blue", "field_2": str(number)}
    return orjson.dumps(decoded)


def costs(rounds: int) -> dict[str, Cost]:
    """What a row costs: bare, typed, and in harder cases."""
    rows = row_loader(CallLog, ZONE)
    changed = changing()
    ways: dict[str, Callable[[], object]] = {
        "orjson.loads": lambda: loads(BODY),
        "typed rows": lambda: rows.drain(loads(BODY)),
        "typed rows, changing keys": lambda: rows.drain(loads(changed)),
        "typed rows, the reply kept": lambda: with_reply(rows, BODY),
        "typed rows, one by one": lambda: [rows.one(row) for row in loads(BODY)],
        "typed rows, not compiled": lambda: [rows.plain(row) for row in loads(BODY)],
    }
    for _ in range(30):  # loaders are compiled for what comes often
        ways["typed rows"](), ways["typed rows, changing keys"]()
    bursts = {name: burst_of(way) for name, way in ways.items()}
    each = PAGES_IN_BURST * ROWS
    found = in_turn(bursts, base="orjson.loads", rounds=rounds, each=each)
    names = {"8 pages held, orjson.loads": "orjson.loads", "8 pages held, typed rows": "typed rows"}
    holding = {name: burst_of(ways[way], keep=8) for name, way in names.items()}
    return found | in_turn(holding, base="8 pages held, orjson.loads", rounds=rounds, each=each)


def with_reply(rows: RowLoader[CallLog], body: bytes) -> object:
    """The rows of a page together with its decoded reply, as a single call and `pages()` give them."""
    reply = orjson.loads(body)
    return reply, rows.many(reply["data"]["results"])


def burst_of(way: Callable[[], object], keep: int = 0) -> Callable[[], None]:
    """Several pages in one way, the last ones being kept."""
    kept: deque[object] = deque(maxlen=keep)

    def burst() -> None:
        for _ in range(PAGES_IN_BURST):
            kept.append(way())

    return burst


def held() -> dict[str, float]:
    """Bytes that a row of ten pages holds, as dicts and typed."""
    rows = row_loader(CallLog, ZONE)
    bodies = [pages.page(0, offset, ROWS, 10 * ROWS) for offset in range(0, 10 * ROWS, ROWS)]
    for _ in range(3):
        rows.drain(loads(BODY))

    def size(way: Callable[[bytes], object]) -> float:
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        kept = [way(body) for body in bodies]
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / (len(kept) * ROWS)

    tracemalloc.start()
    try:
        return {"dicts of orjson": size(loads), "typed rows": size(lambda body: rows.drain(loads(body)))}
    finally:
        tracemalloc.stop()
