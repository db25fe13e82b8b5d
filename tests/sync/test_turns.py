"""Which thread runs the loop, and that nothing is lost where one follows another."""

import asyncio
import os
import random
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from convoso_async.simulator import Simulator
from convoso_sync import Convoso, ConvosoError, ConvosoTimeoutError, _runtime
from convoso_sync._runtime import run, running

from .programs import output_of, simulator, start

posix = pytest.mark.skipif(os.name == "nt", reason="the daemon thread runs all there")
BODY = b'{"success": true, "data": {"lead_id": 880143}}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with simulator() as started:
        yield started


async def thread(end: threading.Event | None = None) -> int:
    """The thread that runs the loop, at last."""
    while end is not None and not end.is_set():  # noqa: ASYNC110  # another thread ends it
        await asyncio.sleep(0.001)
    return threading.get_ident()


def in_another_thread(work: Callable[[], object]) -> object:
    """What `work` returns in a thread that is not the main one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result(20)


def at_rest() -> None:
    """Waits until nobody runs the loop."""
    home, end = running(), time.monotonic() + 5
    while home.turn.locked() or asyncio.all_tasks(home.loop):
        assert time.monotonic() < end
        time.sleep(0.005)


# -- who it is --------------------------------------------------------------------------------------


@posix
def test_a_thread_that_waits_runs_the_loop() -> None:
    at_rest()
    assert in_another_thread(lambda: run(thread()) == threading.get_ident())


@posix
@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", "here"),
        ("signal.signal(signal.SIGINT, signal.SIG_IGN)", "here"),
        ("signal.signal(signal.SIGINT, lambda *_: None)", "elsewhere"),
        ("signal.signal(signal.SIGALRM, lambda *_: None)", "elsewhere"),
        ("signal.signal(signal.SIGTERM, lambda *_: None)", "elsewhere"),
    ],
)
def test_a_signal_handler_keeps_the_loop_out_of_the_main_thread(before: str, expected: str) -> None:
    said = output_of(
        f"""
        async def where():
            return "here" if threading.current_thread() is threading.main_thread() else "elsewhere"

        {before}
        handler = signal.getsignal(signal.SIGINT)
        say(_runtime.run(where()))
        say(signal.getsignal(signal.SIGINT) is handler)
        """
    )
    assert said == [expected, "True"]


def test_a_thread_with_a_loop_of_its_own_runs_no_other() -> None:
    async def call() -> int:
        return run(thread())

    at_rest()
    assert in_another_thread(lambda: asyncio.run(call())) == running().thread.ident


@posix
def test_a_deep_stack_is_left_alone() -> None:
    def at_depth(frames: int) -> object:
        return at_depth(frames - 1) if frames else run(thread()) == threading.get_ident()

    at_rest()
    assert in_another_thread(lambda: at_depth(100)) is True
    assert in_another_thread(lambda: at_depth(sys.getrecursionlimit() - 100)) is False


@posix
def test_tasks_that_are_left_have_a_thread_to_run_them() -> None:
    done = threading.Event()

    async def begin() -> int:
        async def work() -> None:
            await asyncio.sleep(0.05)
            done.set()

        task = asyncio.create_task(work())
        task.add_done_callback(lambda _: None)
        kept.append(task)
        return await thread()

    kept: list[asyncio.Task[None]] = []
    at_rest()
    assert in_another_thread(lambda: run(begin(), leaves_tasks=True)) == running().thread.ident
    assert done.wait(5)


@posix
def test_where_the_main_thread_gets_no_signals_it_still_runs_the_loop() -> None:
    """As in a sub-interpreter, where Python refuses to set a handler."""
    said = output_of(
        """
        async def thread():
            return threading.get_ident()

        def lead():
            main, threading._main_thread = threading._main_thread, threading.current_thread()
            say(_runtime.run(thread()) == threading.get_ident())
            threading._main_thread = main

        other = threading.Thread(target=lead)
        other.start()
        other.join()
        """
    )
    assert said == ["True"]


@posix
def test_a_call_within_the_taking_of_the_turn_is_an_error() -> None:
    """As in a `__del__`, which the garbage collector may run between any two steps."""

    class Collecting:
        locked = running().turn.locked
        release = running().turn.release

        def acquire(self, wait: bool) -> bool:
            taken = turn.acquire(wait)
            home.turn = turn
            with pytest.raises(RuntimeError, match="would wait for itself"):
                run(thread())
            return taken

    home = running()
    at_rest()
    turn, home.turn = home.turn, Collecting()  # type: ignore[assignment]
    try:
        assert in_another_thread(lambda: run(thread()) == threading.get_ident())
    finally:
        home.turn = turn


# -- one after another ------------------------------------------------------------------------------


@posix
def test_a_call_goes_on_when_the_thread_that_ran_the_loop_has_its_own() -> None:
    short, long = threading.Event(), threading.Event()

    at_rest()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(run, thread(short))
        while not running().turn.locked():
            time.sleep(0.001)
        second = threads.submit(run, thread(long))
        time.sleep(0.02)
        short.set()
        leader = first.result(5)
        assert not second.done()
        long.set()
        assert second.result(5) == running().thread.ident != leader
    at_rest()


def test_a_call_that_finds_the_turn_taken_begins_when_it_is_free() -> None:
    home = running()
    at_rest()
    with ThreadPoolExecutor(1) as threads:
        with home.turn:
            call = threads.submit(run, thread())
            time.sleep(0.1)
        assert call.result(5) == home.thread.ident


def test_a_call_begins_before_the_daemon_thread_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """However late a machine that is busy or was asleep notices that it was called."""
    monkeypatch.setattr(_runtime, "SECONDS_TO_STAY", 0)
    with ThreadPoolExecutor(1) as threads:
        for _ in range(20):
            at_rest()
            assert threads.submit(run, thread(), leaves_tasks=True).result(5) == running().thread.ident


@posix
def test_a_call_ends_in_a_run_that_another_thread_leads() -> None:
    over = threading.Event()

    at_rest()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(run, thread(over))
        while not running().turn.locked():
            time.sleep(0.001)
        leader = run(thread())
        over.set()
        assert first.result(5) == leader


@pytest.mark.parametrize("unwatched", [_runtime.SECONDS_UNWATCHED, -1])
def test_many_threads_and_all_that_they_do(
    sim: Simulator, unwatched: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_runtime, "SECONDS_UNWATCHED", unwatched)
    sim.fail("users.search", times=10**6, status=403)

    def work(seed: int) -> int:
        dice, found = random.Random(seed), 0
        for _ in range(12):
            match dice.randrange(6):
                case 0:
                    found += len(list(client.call_logs.retrieve_all(page_size=25))) == 60
                case 1:
                    with client.call_logs.retrieve_all(page_size=10).prefetch(3) as rows:
                        found += len(list(rows)) == 60
                case 2:
                    with suppress(ConvosoError):
                        client.users.search()
                        raise AssertionError("it was refused")
                    found += 1
                case 3:
                    time.sleep(dice.random() / 100)
                    found += 1
                case 4:
                    for number, _ in enumerate(client.call_logs.retrieve_all(page_size=20)):
                        if number == 30:
                            break
                    found += number == 30
                case _:
                    found += len(client.leads.search(limit=4)) == 4
        return found

    with Convoso(sim.token, base_url=sim.url) as client, ThreadPoolExecutor(8) as threads:
        done = [threads.submit(work, seed) for seed in range(16)]
        assert work(99) == 12
        assert [one.result(60) for one in done] == [12] * 16
    at_rest()


# -- Ctrl-C -----------------------------------------------------------------------------------------


@posix
def test_ctrl_c_at_any_moment_leaves_the_loop_whole(sim: Simulator) -> None:
    program = """
        import random, warnings
        warnings.filterwarnings("ignore", "coroutine .* was never awaited")  # it came before there was a call
        client = connect()
        client.leads.search(limit=1)
        caught, again = 0, threading.Event()

        def interrupt():
            for _ in range(150):
                again.wait()
                again.clear()
                time.sleep(random.random() / 200)
                os.kill(os.getpid(), signal.SIGINT)

        sender = threading.Thread(target=interrupt, daemon=True)
        sender.start()
        while caught < 150:
            try:
                again.set()
                while True:
                    assert len(client.leads.search(limit=3)) == 3
            except KeyboardInterrupt:
                caught += 1
        say(len(client.leads.search(limit=2)), signal.getsignal(signal.SIGINT) is signal.default_int_handler)
        """
    assert output_of(program, sim.url, timeout=60) == ["2 True"]


@posix
def test_ctrl_c_as_another_thread_takes_the_turn_ends_the_call_of_the_main_one() -> None:
    said = output_of(
        """
        over = threading.Event()

        async def wait():
            while not over.is_set():
                await asyncio.sleep(0.001)
            return "whole"

        class Late:
            def locked(self):
                return False

            def acquire(self, wait):
                if not wait:  # else it is the daemon thread
                    signal.raise_signal(signal.SIGINT)
                return turn.acquire(wait)

        def call():
            say(_runtime.run(wait()))

        home = _runtime.running()
        turn = home.turn
        other = threading.Thread(target=call)
        other.start()
        while not turn.locked():
            time.sleep(0.001)
        home.turn = Late()
        try:
            _runtime.run(asyncio.sleep(60))
        except KeyboardInterrupt:
            say("interrupted")
        home.turn = turn
        over.set()
        other.join()
        """
    )
    assert said == ["interrupted", "whole"]


@posix
def test_a_second_ctrl_c_as_the_first_is_raised_ends_no_later_call() -> None:
    said = output_of(
        """
        import _signal

        class Twice:
            getsignal = _signal.getsignal

            def signal(self, number, handler):
                _signal.signal(number, handler)
                if handler is signal.default_int_handler:
                    signal.raise_signal(number)

        async def interrupt():
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(60)

        async def answer():
            return 42

        _runtime.run(answer())
        time.sleep(0.5)  # until nobody runs the loop
        _runtime._signal = Twice()
        try:
            _runtime.run(interrupt())
        except KeyboardInterrupt:
            say("interrupted")
        _runtime._signal = _signal
        say(_runtime.run(answer()))
        """
    )
    assert said == ["interrupted", "42"]


@posix
def test_a_second_ctrl_c_that_forestalls_the_cancelling_leaves_a_call_that_somebody_runs() -> None:
    said = output_of(
        """
        over = threading.Event()

        async def interrupt():
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(0.05)
            over.set()

        def forestalled(*_):
            signal.raise_signal(signal.SIGINT)

        _runtime.run(asyncio.sleep(0))
        time.sleep(0.5)  # until nobody runs the loop
        _runtime._cancel = forestalled
        try:
            _runtime.run(interrupt())
        except KeyboardInterrupt:
            say("interrupted")
        say(over.wait(5))
        """
    )
    assert said == ["interrupted", "True"]


@posix
def test_a_child_of_a_fork_amid_a_call_hears_ctrl_c(sim: Simulator) -> None:
    sim.fail("call_logs.retrieve", delay=2)
    said = output_of(
        """
        client = connect()
        client.leads.search()

        def fork():
            time.sleep(0.5)
            child = os.fork()
            if not child:
                try:
                    os.kill(os.getpid(), signal.SIGINT)
                    time.sleep(5)
                except KeyboardInterrupt:
                    say("interrupted")
                os._exit(0)
            os.waitpid(child, 0)

        forking = threading.Thread(target=fork)
        forking.start()
        client.call_logs.retrieve(limit=1)
        forking.join()
        say(len(client.leads.search(limit=3)))
        """,
        sim.url,
    )
    assert said == ["interrupted", "3"]


@posix
def test_ctrl_c_while_the_first_call_imports_leaves_no_warning() -> None:
    for wait in (0.02, 0.1, 0.2):
        program = start('say("ready")\nconnect().leads.search()', "http://127.0.0.1:9")
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        time.sleep(wait)
        program.send_signal(signal.SIGINT)
        complained = program.communicate(timeout=20)[1]
        assert "never awaited" not in complained


# -- connections ------------------------------------------------------------------------------------


class Server:
    """A server for one connection after another. It answers what comes, and closes when it is told to."""

    def __init__(self, tls: bool, *, reply: bytes = REPLY) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.tls = tls
        self.reply = reply
        self.connections = 0
        self.close_now, self.closed, self.hung_up = (threading.Event() for _ in range(3))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(Path(__file__).parents[1] / "certificate.pem")
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                self.talk(self.listener.accept()[0])

    def talk(self, plain: socket.socket) -> None:
        self.connections += 1
        with self.context.wrap_socket(plain, server_side=True) if self.tls else plain as connection:
            connection.settimeout(10)
            connection.recv(65536)
            connection.sendall(self.reply)
            if self.reply is not REPLY:
                with suppress(OSError):
                    connection.recv(65536)
                self.hung_up.set()
                return
            self.close_now.wait(10)
            self.close_now.clear()
            if isinstance(connection, ssl.SSLSocket):
                connection.settimeout(0.05)
                with suppress(OSError):
                    connection.unwrap()
        self.closed.set()


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def tls(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def client_of(server: Server, **settings: float) -> Convoso:
    scheme = "https" if server.tls else "http"
    return Convoso("invented", base_url=f"{scheme}://127.0.0.1:{server.port}/v1", ssl=False, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("led", [pytest.param(True, marks=posix), False], ids=["led", "not led"])
def test_a_connection_that_the_server_closed_meanwhile_is_not_used(
    tls: bool, led: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(tls)
    monkeypatch.setattr(running(), "_can_be_led", led)
    monkeypatch.setattr(_runtime, "SECONDS_TO_STAY", 0.02)  # nobody shall run the loop between the calls
    at_rest()

    def insert_twice() -> None:
        with client_of(server) as client:
            for _ in range(2):
                client.leads.insert(phone_number="2125550143", list_id=1)  # not to be sent twice
                server.closed.clear()
                server.close_now.set()
                assert server.closed.wait(5)
                at_rest()
                time.sleep(0.01)

    in_another_thread(insert_twice)
    assert server.connections == 2
    server.listener.close()


def test_a_call_that_failed_hangs_up(tls: bool) -> None:
    server = Server(tls, reply=b"")

    def time_out() -> None:
        with pytest.raises(ConvosoTimeoutError):
            client.leads.search()

    with client_of(server, timeout=0.3, max_retries=0) as client:
        at_rest()
        in_another_thread(time_out)
        assert server.hung_up.wait(2)  # while the client makes no further call
    server.listener.close()


@posix
def test_a_connection_that_the_server_ends_is_closed_at_once() -> None:
    """While the client makes no further call."""
    server = Server(tls=False, reply=REPLY.replace(b"OK", b"OK\r\nConnection: close"))
    with client_of(server) as client:
        at_rest()
        in_another_thread(lambda: client.leads.insert(phone_number="2125550143", list_id=1))
        assert server.hung_up.wait(2)
    server.listener.close()
