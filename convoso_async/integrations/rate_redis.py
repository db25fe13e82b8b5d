"""A shared rate in a Redis, or what speaks like one: for processes on many machines."""

from collections.abc import Sequence
from contextlib import suppress

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from ..errors import ConfigurationError
from .rate_record import OutOfReachError, Record, Turn

PATIENCE = 1.0
"""Seconds to wait for a connection, and for an answer."""
KEPT = 7 * 24 * 3600
"""Seconds after its last use for which Redis keeps a record."""

RECORD = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local most, first, least = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local step, cut, told = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1'
local fields = {'seen', 'last_start', 'rest_until', 'per_second', 'limit', 'void_before'}
local read = redis.call('HMGET', KEYS[1], unpack(fields))
local r = {seen = 0, last_start = 0, rest_until = 0, per_second = first, limit = 0, void_before = 0}
for i, field in ipairs(fields) do r[field] = tonumber(read[i] or r[field]) end
if told and r.limit == 0 then r.per_second = most end
r.per_second = math.min(r.per_second, most)

local back = r.seen - now
if back > 0 then
    r.last_start, r.rest_until, r.void_before =
        r.last_start - back, r.rest_until - back, r.void_before - back
end
r.seen = now

local function save()
    local written = {}
    for _, field in ipairs(fields) do
        table.insert(written, field)
        table.insert(written, string.format('%.17g', r[field]))
    end
    redis.call('HSET', KEYS[1], unpack(written))
    redis.call('EXPIRE', KEYS[1], ARGV[7])
end
"""
"""The beginning of both scripts, and `Record.load` and `_heed` once more in Lua."""

TAKE = (
    RECORD
    + """
local good = tonumber(ARGV[8])
if r.last_start + 1 / r.per_second > now then
    for _ = 1, good do
        local base, speed = r.limit, 1
        if r.limit == 0 then base, speed = r.per_second, 10 end
        local gain = base * speed * math.min(0.003, step / r.per_second)
        r.per_second = math.min(most, r.per_second + gain)
    end
end
r.last_start = math.max(now, r.rest_until, r.last_start + 1 / r.per_second)
save()
return {string.format('%.17g', r.last_start), string.format('%.17g', now),
    string.format('%.17g', r.per_second)}
"""
)

REST = (
    RECORD
    + """
local started, seconds = tonumber(ARGV[8]), tonumber(ARGV[9])
if (started or now) >= (started and r.void_before or r.rest_until) then
    r.limit = r.per_second
    r.per_second = math.max(least, r.per_second * cut)
end
r.last_start = math.min(r.last_start, now)
r.void_before = now
r.rest_until = math.max(r.rest_until, now + seconds)
save()
"""
)


class RateInRedis:
    """The record of one account in Redis, on the clock of Redis: those of the machines may differ."""

    def __init__(self, url: str, account: str, most: float | None) -> None:
        # One more try, at once: the first may have met a connection that Redis had closed.
        self._redis = Redis.from_url(
            url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 1),
        )
        self._key = f"convoso:rate:{account}"
        self._most = most
        self._first = Record(most).per_second
        self._take = self._redis.register_script(TAKE)
        self._rest = self._redis.register_script(REST)

    async def take(self, good: int) -> Turn:
        """The next turn. `good` replies came since the last that was taken here."""
        turn = Turn(*map(float, await self._run(self._take, good)))
        self._first = turn.per_second  # a Redis that lost the record begins with what this process knew
        return turn

    async def void_before(self) -> float:
        """When the last 429 was told of."""
        try:
            return float(await self._redis.hget(self._key, "void_before") or 0.0)
        except (RedisError, OSError) as error:
            raise failed(error) from None

    async def throttled(self, started: float | None, seconds: float) -> None:
        """A request of the turn `started`, or of none, had a 429; all shall rest for so many seconds."""
        await self._run(self._rest, "" if started is None else started, seconds)

    async def aclose(self) -> None:
        """Closes the connections."""
        with suppress(RuntimeError):  # the event loop that they were opened in is closed
            await self._redis.aclose()

    async def _run(self, script: AsyncScript, *values: float | str) -> Sequence[bytes]:
        limits = Record(self._most, self._first).limits
        told = int(self._most is not None)
        try:
            answer: Sequence[bytes] = await script([self._key], [*limits, told, KEPT, *values])
        except (RedisError, OSError) as error:
            raise failed(error) from None
        return answer


def failed(error: Exception) -> Exception:
    """Our error for one of Redis: a wrong password does not get better by waiting."""
    if isinstance(error, AuthenticationError | NoPermissionError):
        return ConfigurationError(f"at: Redis refuses the user or the password: {error}")
    return OutOfReachError(f"{type(error).__name__}: {error}")
