"""The background loop against what happens to a process: signals, forks, its end."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from convoso_async.simulator import Simulator

from .programs import output_of, simulator, start

posix = pytest.mark.skipif(os.name == "nt", reason="no signals and no fork as POSIX knows them")


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with simulator() as running:
        yield running


def wait_for(condition: Callable[[], object]) -> None:
    """Waits until something is so, 10 seconds at most."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


# -- the start --------------------------------------------------------------------------------------


def test_a_client_that_is_not_used_starts_no_thread() -> None:
    said = output_of(
        """
        with Convoso("invented") as client:
            client.leads, client.call_logs.retrieve_all(), repr(client), dir(client), client.zone
        Convoso("invented").close()
        say(threading.active_count())
        """
    )
    assert said == ["1"]


@pytest.mark.parametrize(
    "program",
    [
        "",
        "Convoso('t').close()",
        "Convoso('t').leads.search_all()",
        "from convoso_sync import connect, jobs; dir(connect), dir(jobs)",
    ],
)
def test_a_client_loads_nothing_heavy(program: str) -> None:
    heavy = {"aiohttp", "anyio", "cattrs", "multidict", "yarl"}
    (said,) = output_of(f"{program}\nsay(*sys.modules)")
    assert set(said.split()) & heavy == set()


# -- Ctrl-C -----------------------------------------------------------------------------------------

READS = {
    "a call": "client.leads.search()",
    "an iteration": "list(client.call_logs.retrieve_all())",
    "a list": "client.call_logs.retrieve_all().collect()",
    "a prefetch": "list(contextlib.ExitStack().enter_context(client.call_logs.retrieve_all().prefetch(4)))",
}


@posix
@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_ctrl_c_ends_the_call_and_not_the_client(sim: Simulator, read: str) -> None:
    sim.latency = 60
    program = start(
        f"""
        client = connect()
        try:
            {read}
        except KeyboardInterrupt:
            say(time.monotonic())
        say(len(client.leads.search(limit=3)))
        """,
        sim.url,
    )
    wait_for(lambda: sim.requests)
    sim.latency = 0
    begun = time.monotonic()
    program.send_signal(signal.SIGINT)
    said, complained = program.communicate(timeout=20)
    assert (complained, program.returncode) == ("", 0)
    interrupted, found = said.split()
    assert float(interrupted) - begun < 1
    assert found == "3"


@posix
def test_ctrl_c_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        program = start(
            """
            client = connect()
            with contextlib.suppress(KeyboardInterrupt):
                client.leads.search()
            say("interrupted")
            input()
            """,
            f"http://127.0.0.1:{server.getsockname()[1]}/v1",
        )
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            assert connection.recv(65536).startswith(b"POST /v1/leads/search ")
            program.send_signal(signal.SIGINT)
            begun = time.monotonic()
            while connection.recv(65536):
                pass
            assert time.monotonic() - begun < 1
        assert program.communicate("\n", timeout=10) == ("interrupted\n", "")


CLEAN_UP = """
import asyncio

async def slow(seconds):
    try:
        say("begun")
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(seconds)
        say("cleaned up")

try:
    _runtime.run(slow({seconds}))
except KeyboardInterrupt:
    say("interrupted")
"""


@posix
def test_ctrl_c_lets_clean_up_finish() -> None:
    program = start(CLEAN_UP.format(seconds=0.1))
    assert program.stdout is not None
    assert program.stdout.readline() == "begun\n"
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=10) == ("cleaned up\ninterrupted\n", "")


@posix
def test_a_second_ctrl_c_does_not_wait() -> None:
    program = start(CLEAN_UP.format(seconds=60))
    assert program.stdout is not None
    assert program.stdout.readline() == "begun\n"
    program.send_signal(signal.SIGINT)
    time.sleep(0.3)
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=10) == ("interrupted\n", "")


@posix
def test_a_signal_handler_may_call_and_may_raise(sim: Simulator) -> None:
    said = output_of(
        """
        client = connect(timeout=60)

        def call(number, frame):
            say("within", len(client.users.search(limit=2)))

        def fail(number, frame):
            raise LookupError("from the handler")

        signal.signal(signal.SIGALRM, call)
        client.leads.search()
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        say(len(client.call_logs.retrieve(limit=7)))
        signal.signal(signal.SIGALRM, fail)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            client.call_logs.retrieve(limit=7)
        except LookupError as error:
            say(error)
        say(len(client.users.search(limit=1)))
        """,
        _slow(sim, "call_logs.retrieve"),
    )
    assert said == ["within 2", "7", "from the handler", "1"]


def _slow(sim: Simulator, endpoint: str) -> str:
    sim.fail(endpoint, delay=0.6, times=9)
    return sim.url


# -- fork -------------------------------------------------------------------------------------------

FORK = """
def fork(work):
    child = os.fork()
    if not child:
        work()
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


@posix
def test_parent_and_child_both_go_on_after_a_fork(sim: Simulator) -> None:
    said = output_of(
        FORK
        + """
client = connect(on_event=lambda event: None)
leads = client.leads
say("parent", len(leads.search(limit=3)))
rows = iter(client.call_logs.retrieve_all(page_size=10))
next(rows)
pager = client.call_logs.retrieve_all(page_size=10)

def work():
    say("child", len(leads.search(limit=4)), len(pager.collect()), 1 + len(list(rows)))
    with Convoso("invented", base_url=sys.argv[1]) as other:
        say("child", len(other.users.search(limit=2)))

fork(work)
say("parent", len(leads.search(limit=5)), len(pager.collect()), 1 + len(list(rows)))
client.close()
""",
        sim.url,
    )
    assert said == ["parent 3", "child 4 60 60", "child 2", "parent 5 60 60"]


@posix
def test_a_fork_within_a_prefetch(sim: Simulator) -> None:
    sim.fail("call_logs.retrieve", skip=2, times=99, delay=1)
    said = output_of(
        FORK
        + """
client = connect()
with client.call_logs.retrieve_all(page_size=10).prefetch(4) as rows:
    for _ in range(11):
        next(rows)
    say(len(asyncio.all_tasks(_runtime.running().loop)) > 0)
    if not os.fork():
        sys.exit(0)  # leaves the context, which is not its own
    os.wait()
    say(11 + len(list(rows)))
""",
        sim.url,
    )
    assert said == ["True", "60"]


@posix
def test_a_fork_with_the_lock_held() -> None:
    with simulator() as sim:
        said = output_of(
            FORK
            + """
client = connect()
_runtime._starting.acquire()
fork(lambda: say(len(client.leads.search(limit=3))))
_runtime._starting.release()
say(len(client.leads.search(limit=4)))
""",
            sim.url,
        )
    assert said == ["3", "4"]


@posix
def test_forks_while_threads_call(sim: Simulator) -> None:
    said = output_of(
        FORK
        + """
client = connect()
client.leads.search()  # imports: a fork amid those of another thread deadlocks in Python itself
going = True

def call():
    while going:
        client.leads.search(limit=1)

threads = [threading.Thread(target=call) for _ in range(4)]
for thread in threads:
    thread.start()
for _ in range(5):
    fork(lambda: say(len(client.leads.search(limit=2))))
going = False
for thread in threads:
    thread.join()
say(len(client.leads.search(limit=3)))
""",
        sim.url,
    )
    assert said == ["2"] * 5 + ["3"]


@posix
def test_a_child_does_not_disturb_the_parents_connections(sim: Simulator) -> None:
    """The event loop's epoll is shared: a child that closed what it inherited would deafen the parent."""
    said = output_of(
        FORK
        + """
client = connect(timeout=5, max_retries=0)
client.leads.search()
fork(lambda: (client.leads.search(), client.close(), gc.collect()))
say(len(client.leads.search(limit=3)))
""",
        sim.url,
    )
    assert said == ["3"]


# -- the end ----------------------------------------------------------------------------------------

LEFT_OPEN = {
    "a client": "client.leads.search()",
    "an iteration": "rows = iter(client.call_logs.retrieve_all(page_size=5)); next(rows)",
    "a prefetch": "rows = client.call_logs.retrieve_all(page_size=5).prefetch(4).__enter__(); next(rows)",
    "a call in a daemon thread": """
client.leads.search()
threading.Thread(target=lambda: client.call_logs.retrieve(), daemon=True).start()
time.sleep(0.3)
""",
    "busy daemon threads": """
def call():
    while True:
        client.users.search(limit=1)
        time.sleep(0.01)

for _ in range(20):
    threading.Thread(target=call, daemon=True).start()
time.sleep(1)
""",
    "a call of a daemon thread at the very end": """
client.leads.search()
_runtime.running().ending = True
threading.Thread(target=client.leads.search, daemon=True).start()
time.sleep(0.3)
""",
    "a call with events in a daemon thread": """
client = connect(on_event=lambda event: None)
threading.Thread(target=lambda: client.call_logs.retrieve(), daemon=True).start()
time.sleep(0.8)
""",
    "a close at exit": "client.leads.search(); atexit.register(client.close)",
    "a close after the end": "client.leads.search(); _runtime._end(); client.close()",
    "a client with events": "client = connect(on_event=print); client.leads.search(); sys.stdout.flush()",
    "a cycle": "client.leads.search(); client.me = client; del client",
    "a client of the end": """
def use():
    connect().leads.search()
    gc.collect()

atexit.register(use)
client.leads.search()
""",
    "a client that goes with the last call": """
async def hold():
    late = connect()
    await late._async.leads.search()
    try:
        await asyncio.sleep(60)
    finally:
        late = None
        gc.collect()

threading.Thread(target=lambda: _runtime.run(hold()), daemon=True).start()
time.sleep(0.5)
""",
}


@pytest.mark.parametrize("left", LEFT_OPEN.values(), ids=LEFT_OPEN.keys())
def test_the_interpreter_ends_silently_and_soon(sim: Simulator, left: str) -> None:
    sim.fail("call_logs.retrieve", skip=1 if "page_size" in left else 0, delay=20)
    program = f"_runtime.SECONDS_TO_END = 9\nclient = connect()\n{left}\nsay(time.monotonic())"
    said = output_of(program, sim.url)
    assert time.monotonic() - float(said[-1]) < 3


def test_a_page_that_failed_ahead_is_not_told_of_at_the_end(sim: Simulator) -> None:
    sim.fail("call_logs.retrieve", skip=1, status=403)
    said = output_of(
        """
        client = connect()
        rows = iter(client.call_logs.retrieve_all(page_size=5))
        next(rows)
        time.sleep(0.5)
        say("over")
        """,
        sim.url,
    )
    assert said == ["over"]


@pytest.mark.parametrize("end", ["_runtime._end()", "_runtime.running().ending = True"])
def test_a_call_that_comes_too_late_is_an_error(sim: Simulator, end: str) -> None:
    said = output_of(
        f"""
        client = connect()
        client.leads.search()
        {end}
        try:
            client.leads.search()
        except RuntimeError as error:
            say(error)
        """,
        sim.url,
    )
    assert said == ["the interpreter is about to end, and the background loop has ended"]


def test_a_first_call_at_the_end_says_nothing_besides_its_error(sim: Simulator) -> None:
    said = output_of(
        """
        import concurrent.futures.thread

        def call():
            try:
                say(len(connect().leads.search(limit=2)))
            except RuntimeError as error:  # where no thread starts any more
                say("refused")

        atexit.register(call)
        """,
        sim.url,
    )
    assert said in (["2"], ["refused"])


def test_a_failing_program_shows_its_own_error_and_nothing_besides(sim: Simulator) -> None:
    program = start("client = connect(); client.leads.search(); sys.exit('over')", sim.url)
    assert program.communicate(timeout=20) == ("", "over\n")
    assert program.returncode == 1


def test_connections_close_with_their_client() -> None:
    with simulator() as sim:
        said = output_of(
            """
            before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
            def open_files():
                return len(os.listdir("/proc/self/fd")) - before if before else 0
            client = connect()
            client.leads.search()
            opened = open_files()
            del client
            gc.collect()
            for _ in range(100):
                if not before or open_files() < opened:
                    break
                time.sleep(0.02)
            else:
                say("still open")
            """,
            sim.url,
        )
    assert said == []
