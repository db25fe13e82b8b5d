"""A small Convoso on this machine, served until Ctrl-C."""

import errno
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from cyclopts.types import NonNegativeFloat, NonNegativeInt, Port, PositiveFloat

from .exit import BadUse, Exit
from .screen import facts, out, say

if TYPE_CHECKING:
    from ..simulator import Request, Simulator

LOCAL = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}  # noqa: S104  # recognised only
"""Addresses that stand for all of this machine's, and how a client on it reaches each."""


def simulator(
    *,
    port: Port = 8080,
    host: str = "127.0.0.1",
    call_logs: NonNegativeInt = 10_000,
    profile: Literal["documented", "observed", "mixed"] = "documented",
    seed: int = 1,
    latency: NonNegativeFloat = 0.0,
    rate_limit: PositiveFloat | None = None,
) -> Exit:
    """Example: convoso simulator --port 8080 --call-logs 120000 --latency 0.05

    A small Convoso on this machine, to try things on and to test against.

    All 37 calls work and change what the account holds. It is in memory: each
    start begins anew. Ctrl-C is the ordinary end, with exit code 0.

    Args:
        port: Where it listens; 0 takes a free port.
        host: The address that it listens on.
        call_logs: Call logs of the account.
        profile: Replies as documented, as seen of the live service, or now the one, now the other.
        seed: Another seed makes another account.
        latency: Seconds that each reply takes.
        rate_limit: Requests a second; more get HTTP 429. By default there is no limit.
    """
    from ..simulator import Simulator  # a web server, which --help does not need

    tally = Tally()
    served = Simulator(
        before_request=tally,
        host=host,
        port=port,
        call_logs=call_logs,
        profile=profile,
        seed=seed,
        latency=latency,
        rate_limit=rate_limit,
    )
    try:
        served.open()
    except OSError as error:
        raise BadUse(refusal(error, host, port)) from error
    try:
        with asked_to_stop() as stop:
            introduce(served)
            while not stop.wait(0.5):  # Windows heeds no Ctrl-C during a wait
                pass
        say(f"Stopped. Requests answered: {tally.requests:,}")
    finally:
        served.close()
    return Exit.DONE


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """What Ctrl-C sets, and SIGTERM, by which service managers and `kill` end a program.

    No exception: it could come where it is lost, such as in a destructor, and then nothing would end.
    """
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Tally:
    """Counts the requests and forgets them: a simulator keeps each with its values, for tests to look at."""

    requests = 0

    def __call__(self, served: "Simulator", request: "Request") -> None:
        self.requests += 1
        served.requests.clear()


def introduce(served: "Simulator") -> None:
    """Says where the simulator is, what it holds, and how a client is pointed at it."""
    account = served.account
    local = EVERYWHERE.get(served.host)
    url = f"http://{local}:{served.port}/v1" if local else served.url
    say("Convoso simulator, until Ctrl-C", "bold")
    calls = f"{served.call_logs:,}"
    if served.call_logs:
        calls += f", {account.start:%Y-%m-%d} to {account.end:%Y-%m-%d} in account time"
    out.print(facts({"url": url, "token": served.token, "call logs": calls, "replies": served.profile}))
    say()
    say("To point a client at it:", "bold")
    say(f"  {setting('CONVOSO_BASE_URL', url)}")
    say(f"  {setting('CONVOSO_AUTH_TOKEN', served.token)}")
    if served.host not in LOCAL:
        say("Other machines need https in front of it: the client sends its token over http only to its own.")


def setting(name: str, value: str, *, windows: bool = os.name == "nt") -> str:
    """What is typed into a shell to set a variable; on Windows, into PowerShell."""
    return f'$env:{name} = "{value}"' if windows else f"export {name}={value}"


def refusal(error: OSError, host: str, port: int) -> str:
    """Why it cannot listen there, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use: end what listens there, or choose another with --port"
    number = error.errno or 0
    why = os.strerror(number) if number > 0 else error.strerror  # below 0: a name that does not resolve
    return f"Cannot listen on {host}, port {port}: {why}"
