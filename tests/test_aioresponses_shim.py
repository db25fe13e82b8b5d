import inspect
from collections.abc import Callable

import aiohttp
import aioresponses.core
import pytest


async def test_a_mocked_reply_can_be_read() -> None:
    with aioresponses.aioresponses() as mocked:
        mocked.post("https://api.example/v1/leads/insert", payload={"success": True})
        async with (
            aiohttp.ClientSession() as session,
            session.post("https://api.example/v1/leads/insert", data=b"a=1") as reply,
        ):
            assert (reply.status, await reply.json()) == (200, {"success": True})


def test_the_shim_is_on_only_while_aioresponses_needs_it(stream_writer_rule: Callable[[str], bool]) -> None:
    shimmed = aioresponses.core.ClientResponse is not aiohttp.ClientResponse
    assert shimmed == stream_writer_rule(inspect.getsource(aioresponses.core))


def test_the_shim_is_off_once_aioresponses_passes_the_argument(
    stream_writer_rule: Callable[[str], bool],
) -> None:
    assert not stream_writer_rule("kwargs['stream_writer'] = Mock(output_size=0)")


def test_the_shim_is_off_with_an_aiohttp_that_does_not_ask_for_it(
    stream_writer_rule: Callable[[str], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aiohttp.ClientResponse, "__init__", lambda self, method, url, *, session: None)
    assert not stream_writer_rule("kwargs['session'] = None")
