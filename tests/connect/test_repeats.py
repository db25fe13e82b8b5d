"""What is remembered of bodies, and for how long."""

import asyncio
import threading
from concurrent.futures import Future

import pytest
from hypothesis import given, strategies as st

from convoso_async.connect import repeats as repeats_module
from convoso_async.connect.repeats import Repeats


def taken(repeats: Repeats, digest: bytes) -> bool:
    """Whether a body is new; it is then handled."""
    before = repeats.begin(digest)
    if before is None:
        repeats.end(digest, handled=True)
    return before is None


@given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from([b"a", b"b", b"c"]))))
def test_a_body_is_known_for_a_while_after_it_was_handled(steps: list[tuple[float, bytes]]) -> None:
    now = 0.0
    repeats = Repeats(60, lambda: now)
    handled: dict[bytes, float] = {}
    for pause, digest in steps:
        now += pause
        known = digest in handled and now - handled[digest] < 60
        assert taken(repeats, digest) is not known
        if not known:
            handled[digest] = now
    assert len(repeats) <= 3


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats_module, "MOST_REMEMBERED", 100)
    repeats = Repeats(60, lambda: 0.0)
    for number in range(1_000):
        assert taken(repeats, b"%d" % number)
    assert len(repeats) <= 101
    assert not taken(repeats, b"999")
    assert taken(repeats, b"0")


def test_what_was_not_handled_may_come_again() -> None:
    repeats = Repeats(60, lambda: 0.0)
    assert repeats.begin(b"a") is None
    waiting = repeats.begin(b"a")
    assert waiting is not None
    assert not waiting.done()
    repeats.end(b"a", handled=False)
    assert waiting.result() is False
    assert taken(repeats, b"a")


async def test_who_waits_cannot_cancel_it_for_the_others() -> None:
    repeats = Repeats(60, lambda: 0.0)
    repeats.begin(b"a")
    waiting = repeats.begin(b"a")
    assert isinstance(waiting, Future)
    impatient = asyncio.ensure_future(asyncio.wrap_future(waiting))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await asyncio.sleep(0)  # now the cancellation would be passed on
    repeats.end(b"a", handled=True)
    assert waiting.result() is True


def test_one_of_many_threads_is_first() -> None:
    repeats = Repeats(60, lambda: 0.0)
    start, firsts = threading.Barrier(16), []

    def come() -> None:
        start.wait()
        before = repeats.begin(b"a")
        if before is None:
            firsts.append(threading.get_ident())
            repeats.end(b"a", handled=True)
        else:
            assert before.result(5) is True

    threads = [threading.Thread(target=come) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(firsts) == 1


def test_digests_are_of_this_process_alone() -> None:
    one, other = Repeats(60, lambda: 0.0), Repeats(60, lambda: 0.0)
    assert one.digest(b"a") == one.digest(b"a") != one.digest(b"b")
    assert one.digest(b"a") != other.digest(b"a")
