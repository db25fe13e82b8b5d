"""Recordings on disk: fetched at a gentle pace, told from notices, none fetched twice."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from math import inf
from os import PathLike
from pathlib import Path
from time import monotonic
from typing import Literal, ParamSpec, TypeAlias, TypeVar, get_args
from urllib.parse import unquote

import aiohttp
import attrs
from yarl import URL

from ..client import AsyncConvoso
from ..resources.call_logs import CallLog, CallRecording
from ..resources.leads import Recording
from ..retry import retry_after
from .addresses import Gate, RefusedAddressError
from .archive import Archive, Record, digest, parted, safe_name
from .audio import HEAD, NOTICE, ending_of, is_audio, text_of
from .progress import Meter, OnProgress, check_progress
from .targets import in_thread
from .work import every

P = ParamSpec("P")
T = TypeVar("T")
HasRecordings: TypeAlias = CallLog | CallRecording | Recording
"""A call log with its recordings, or a recording of one, or one of a lead or a user."""
Ended = Literal["downloaded", "skipped", "no_link", "purged", "notice", "empty", "html", "refused", "failed"]

INTERVAL = 0.35
"""Seconds between the starts of two downloads: what working callers settled on."""
FIRST_REST = 15.0
LONGEST_REST = 300.0
LONGEST_NAMED = 3600.0
"""Seconds of rest: the first, the longest of ours, and the longest that the service may ask for."""
TRIES = 3
REDIRECTS = 5
LARGEST = 2 * 1024**3
"""Bytes of a recording: a day of audio."""
CHUNK = 256 * 1024


@attrs.frozen(kw_only=True)
class RecordingsReport:
    """What a download did: how many recordings ended in which way. The manifest has each of them.

    Attributes:
        downloaded: in the folder now.
        skipped: in the folder before, or named twice.
        no_link: without a link: the service gave a bare file name, or nothing.
        purged: gone, as the service says: audio is kept for about 155 days. Some only come later.
        notice: a text in place of audio, which says something else.
        empty: a reply with nothing in it.
        html: a page in place of audio, such as one to log in.
        refused: not fetched: the link is not https, or leads to an address that is not public.
        failed: errors of the network or the service, three times.
        bytes: size of what was downloaded.
        seconds: time it took.
        folder: where they are.
        manifest: the list of them all, JSON lines.
    """

    downloaded: int = 0
    skipped: int = 0
    no_link: int = 0
    purged: int = 0
    notice: int = 0
    empty: int = 0
    html: int = 0
    refused: int = 0
    failed: int = 0
    bytes: int = 0
    seconds: float = 0.0
    folder: Path
    manifest: Path

    @property
    def total(self) -> int:
        """How many recordings there were."""
        return sum(getattr(self, ended) for ended in get_args(Ended))

    @property
    def ok(self) -> bool:
        """Whether every recording is in the folder."""
        return self.total == self.downloaded + self.skipped


async def download_recordings(
    client: AsyncConvoso,
    recordings: Iterable[HasRecordings] | AsyncIterable[HasRecordings],
    to: str | PathLike[str],
    *,
    concurrency: int = 2,
    interval: float = INTERVAL,
    progress: OnProgress | None = None,
) -> RecordingsReport:
    """Fetches recordings into the folder `to`, and gives a report.

        calls = client.call_logs.retrieve_all(start_time=a, end_time=b, include_recordings=True)
        await jobs.download_recordings(client, calls, "recordings")

    `recordings` are call logs, which have none unless `include_recordings=True` was asked for, or rows of
    `leads.get_recordings` or `users.recordings`: a page, a pager, any iterable, plain or async. It is read
    as the work goes on.

    Downloads start `interval` seconds apart, `concurrency` at once. After a 429 all wait: as long as the
    service says, else 15 seconds, doubled each time up to 300. A throttled recording has not failed.

    The client's token is not sent, nor its session or proxy used. Links must be https and lead to public
    addresses, also after a redirect; where the client's `base_url` is on this machine, as a simulator's is,
    they may lead to that origin as well.

    A file has the name that the service gives it, made safe, or the recording's id, and is put in its place
    whole. `manifest.jsonl` there has a line for each recording: `recording`, `outcome`, `file`, `bytes`,
    `sha256`, `link` without its query, and the `reason` where there is no file. The same call goes on where
    another one ended: what is in the manifest and in the folder is skipped.

    Raises what reading `recordings` raises; OSError where the folder cannot be written, and then nothing half
    fetched is left; JournalError where another process is at work there.
    """
    if concurrency < 1:
        raise ValueError("concurrency must be 1 or more")
    if not 0 <= interval < inf:
        raise ValueError("interval must be 0 or more seconds")
    check_progress(progress)
    with ThreadPoolExecutor(1, "convoso-recordings") as thread:
        archive = Archive(Path(to))
        whole = False
        try:
            await in_thread(thread, archive.open)
            async with session_for(client, concurrency) as session:
                gate = Gate.beside(client._settings.base_url)
                download = Download(archive, session, gate, Pace(interval), thread, progress)
                report = await download.run(recordings, concurrency)
            whole = True
        finally:
            await in_thread(thread, partial(archive.close, tidy=whole))
    return report


def session_for(client: AsyncConvoso, connections: int) -> aiohttp.ClientSession:
    """A session that knows nothing of the client but how patient it is and whose certificates it takes."""
    settings = client._settings
    gate = Gate.beside(settings.base_url)
    connector = aiohttp.TCPConnector(
        limit=connections,
        ssl=True if settings.ssl is None else settings.ssl,
        socket_factory=gate.socket,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},  # audio does not compress, and a bomb does
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.timeout, sock_read=settings.timeout),
        trust_env=False,
    )


class Pace:
    """When the next download may start: `interval` after the last, and not while the service wants rest."""

    def __init__(
        self,
        interval: float,
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._interval = interval
        self._clock = clock
        self._sleep = sleep
        self._line = asyncio.Lock()
        self._next = self._rest_until = self._rest_began = -inf
        self._rest = FIRST_REST

    async def turn(self) -> float:
        """Waits for this download's turn, and gives the time of its start."""
        async with self._line:
            while (pause := max(self._next, self._rest_until) - self._clock()) > 0:
                await self._sleep(pause)
            started = self._clock()
            self._next = started + self._interval
            return started

    def throttled(self, started: float, named: float | None) -> None:
        """A download that began at `started` got a 429, which may have named the seconds to wait.

        Several that were under way together count once.
        """
        now = self._clock()
        rest = self._rest if named is None else min(named, LONGEST_NAMED)
        if started >= self._rest_began:
            self._rest_began = now
            if named is None:
                self._rest = min(self._rest * 2, LONGEST_REST)
        elif named is None:
            return
        self._rest_until = max(self._rest_until, now + rest)

    def answered(self) -> None:
        """A download got another answer than a 429."""
        self._rest = FIRST_REST


@attrs.frozen
class Wanted:
    """One recording: what tells it from others, its link if it has one, the name it should have.

    `facts` are what the manifest says of it.
    """

    recording: str
    link: str | None
    name: str
    facts: Record


def wanted_of(source: object) -> Iterator[Wanted]:
    """The recordings of a row. Raises TypeError for a row that can have none."""
    if isinstance(source, CallLog):
        for recording in source.recording:
            yield wanted_at(
                recording.recording_id,
                (recording.public_url, recording.src, recording.filename),
                {"call_log_id": source.id, "lead_id": source.lead_id},
            )
    elif isinstance(source, CallRecording):
        yield wanted_at(source.recording_id, (source.public_url, source.src, source.filename), {})
    elif isinstance(source, Recording):
        yield wanted_at(source.recording_id, (source.url,), {"lead_id": source.lead_id})
    else:
        raise TypeError(f"recordings must be call logs or rows of recordings, not {type(source).__name__}")


def wanted_at(recording_id: str | None, places: Sequence[str | None], facts: Record) -> Wanted:
    """A recording from its id, and from what may be its link or its file name, the best first."""
    given = [place for place in places if place is not None]
    link = next((place for place in given if "://" in place), None)
    names = [place for place in reversed(given) if "://" not in place]
    if link is not None:
        last = unquote(bare(link).rpartition("/")[2])
        names.append(last if parted(last)[1] or recording_id is None else recording_id)
    name = (names or [recording_id or ""])[0]
    facts = {"recording_id": recording_id, "link": None if link is None else bare(link), **facts}
    known = {fact: value for fact, value in facts.items() if value is not None}
    return Wanted(recording_id or (link and known_as(link)) or name, link, name, known)


def known_as(link: str) -> str:
    """What tells a link from all others. Its query may be a key to it, and only a digest of that is kept."""
    plain = bare(link)
    return plain if plain == link else f"{plain}?{digest(link)}"


def bare(link: str) -> str:
    """A link without its query, which may be a key to it."""
    return re.split(r"[?#]", link, maxsplit=1)[0]


class ThrottledError(Exception):
    """The service asks for rest."""

    def __init__(self, named: float | None) -> None:
        super().__init__("429")
        self.named = named


class AgainError(Exception):
    """A failure that may pass."""


class Download:
    """One run: a few workers, one pace, one folder."""

    def __init__(
        self,
        archive: Archive,
        session: aiohttp.ClientSession,
        gate: Gate,
        pace: Pace,
        thread: Executor,
        progress: OnProgress | None,
    ) -> None:
        self._archive = archive
        self._session = session
        self._gate = gate
        self._pace = pace
        self._thread = thread
        self._meter = Meter(progress, monotonic)
        self._counts: Counter[Ended] = Counter()
        self._bytes = 0
        self._met: set[str] = set()

    async def run(
        self, recordings: Iterable[HasRecordings] | AsyncIterable[HasRecordings], concurrency: int
    ) -> RecordingsReport:
        """Fetches all of them."""
        began = monotonic()
        async with aclosing(self._each(recordings)) as source:
            line = asyncio.Lock()
            workers = [asyncio.ensure_future(self._work(source, line)) for _ in range(concurrency)]
            try:
                await asyncio.gather(*workers)
            except BaseException:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
                if self._counts:  # something was told, so whoever watches waits for the end
                    self._tell(finished=True)
                raise
        self._tell(finished=True)
        return RecordingsReport(
            **{ended: self._counts[ended] for ended in get_args(Ended)},
            bytes=self._bytes,
            seconds=monotonic() - began,
            folder=self._archive.folder,
            manifest=self._archive.manifest,
        )

    async def _each(
        self, recordings: Iterable[HasRecordings] | AsyncIterable[HasRecordings]
    ) -> AsyncGenerator[Wanted, None]:
        async with aclosing(every(recordings)) as rows:
            async for row in rows:
                for one in wanted_of(row):
                    yield one

    async def _work(self, source: AsyncGenerator[Wanted, None], line: asyncio.Lock) -> None:
        while True:
            async with line:
                wanted = await anext(source, None)
            if wanted is None:
                return
            self._counts[await self._ended(wanted)] += 1
            self._tell()

    def _tell(self, *, finished: bool = False) -> None:
        counts = self._counts
        skipped = counts["skipped"] + counts["no_link"] + counts["purged"]
        failed = counts.total() - counts["downloaded"] - skipped
        self._meter.tell(done=counts["downloaded"], failed=failed, skipped=skipped, finished=finished)

    async def _ended(self, wanted: Wanted) -> Ended:
        """Fetches a recording, if it is not there, and notes what became of it."""
        if wanted.recording in self._met:
            return "skipped"
        self._met.add(wanted.recording)
        if await self._do(self._archive.has, wanted.recording):
            return "skipped"
        if wanted.link is None:
            return await self._note(wanted, "no_link", "the service gave no link")
        tries = 0
        while True:
            started = await self._pace.turn()
            try:
                return await self._fetch(wanted, wanted.link)
            except ThrottledError as throttled:
                self._pace.throttled(started, throttled.named)
            except (RefusedAddressError, aiohttp.InvalidURL, UnicodeError) as error:
                return await self._note(wanted, "refused", said(error))
            except (AgainError, aiohttp.ClientError, ConnectionError, TimeoutError) as error:
                tries += 1
                if refusal := refusal_in(error):
                    return await self._note(wanted, "refused", refusal)
                if tries == TRIES:
                    return await self._note(wanted, "failed", said(error))

    async def _fetch(self, wanted: Wanted, link: str) -> Ended:
        """One attempt, redirects included, each of which the gate sees."""
        url = URL()
        for _ in range(REDIRECTS + 1):
            url = joined(url, link)
            self._gate.check(url)
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status not in (301, 302, 303, 307, 308):
                    return await self._take(wanted, response)
                link = response.headers.get("Location", "")
        return await self._note(wanted, "failed", "too many redirects")

    async def _take(self, wanted: Wanted, response: aiohttp.ClientResponse) -> Ended:
        """What a reply is: a file, or a reason why there is none."""
        if response.status == 429:
            raise ThrottledError(retry_after(response.headers))
        self._pace.answered()
        if response.status >= 500:
            raise AgainError(f"HTTP {response.status}")
        if response.status in (404, 410):
            return await self._note(wanted, "purged", f"HTTP {response.status}")
        if not 200 <= response.status < 300:
            return await self._note(wanted, "failed", f"HTTP {response.status}")
        head = await read_up_to(response, HEAD)
        if is_audio(head, response.content_type):
            return await self._store(wanted, response, head)
        body = head + await read_up_to(response, NOTICE - len(head))
        return await self._note(wanted, text_of(body, response.content_type), reason_in(body))

    async def _store(self, wanted: Wanted, response: aiohttp.ClientResponse, head: bytes) -> Ended:
        """Writes the audio aside, and puts it in its place once it came whole."""
        part = self._archive.begin(wanted.recording)
        try:
            chunk = head
            while chunk:
                await self._do(part.write, chunk)
                if part.size > LARGEST:
                    return await self._note(wanted, "failed", f"larger than {LARGEST} bytes")
                chunk = await response.content.read(CHUNK)
            name = safe_name(wanted.name, ending_of(head) or "")
            record = {**self._record(wanted, "downloaded"), "type": response.content_type}
            await self._do(self._archive.keep, part, name, record)
        finally:
            self._thread.submit(part.drop)  # not awaited: a cancelled worker would take it out of the line
        self._bytes += part.size
        return "downloaded"

    async def _note(self, wanted: Wanted, ended: Ended, reason: str) -> Ended:
        await self._do(self._archive.note, {**self._record(wanted, ended), "reason": reason})
        return ended

    def _record(self, wanted: Wanted, ended: Ended) -> Record:
        return {"recording": wanted.recording, "outcome": ended, **wanted.facts}

    async def _do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await in_thread(self._thread, partial(work, *args, **kwargs))


def joined(base: URL, link: str) -> URL:
    """Where a link leads from a page. Raises InvalidURL for what is no address."""
    try:
        return base.join(URL(link))
    except ValueError:
        raise aiohttp.InvalidURL("") from None


async def read_up_to(response: aiohttp.ClientResponse, size: int) -> bytes:
    """The next `size` bytes of a body; fewer only at its end."""
    body = b""
    while len(body) < size and (chunk := await response.content.read(size - len(body))):
        body += chunk
    return body


def reason_in(body: bytes) -> str:
    """What a notice says, in one short line."""
    return " ".join(body[:1000].decode("utf-8", "replace").split())[:200]


def refusal_in(error: BaseException) -> str | None:
    """Why the gate refused, None for an error that is another one."""
    cause = getattr(error, "os_error", None)
    return str(cause) if isinstance(cause, RefusedAddressError) else None


def said(error: BaseException) -> str:
    """An error in one line, without the link, which may hold a key."""
    if isinstance(error, aiohttp.InvalidURL | UnicodeError):  # the latter for a host that no name can be
        return "the link is no address"
    return str(error) if isinstance(error, AgainError | RefusedAddressError) else type(error).__name__
