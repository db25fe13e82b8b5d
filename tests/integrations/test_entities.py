from collections.abc import Iterator

import pytest

from convoso_async import AsyncConvoso
from convoso_async.integrations.entities import ENTITIES, Entity, entity_named
from convoso_async.jobs.columns import columns_of
from convoso_async.resource import form_of
from convoso_async.simulator import Simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(call_logs=1_200, leads=300) as running:
        yield running


async def ids(entity: Entity, simulator: Simulator, **filters: object) -> list[str]:
    async with AsyncConvoso(simulator.token, base_url=simulator.url) as client:
        pages = [page async for page in entity.pages(client, filters)]
    return [getattr(row, entity.key[0]) for page in pages for row in page]


@pytest.mark.parametrize("name", ENTITIES)
async def test_every_row_comes_once(name: str, simulator: Simulator) -> None:
    account = simulator.account
    wanted = {
        "call_logs": account.call_log_ids,
        "leads": account.lead_ids,
        "opt_outs": lambda: account.ids("sms_opt_outs"),
        "statuses": lambda: list(account.statuses),
        "agent_events": lambda: [f"ev-{number}" for number in account.ids("agent_events")],
    }.get(name, lambda: account.ids(name))()
    assert sorted(await ids(ENTITIES[name], simulator)) == sorted(wanted)


async def test_a_filter_of_the_caller_goes_before_the_searches(simulator: Simulator) -> None:
    simulator.clear()
    await ids(ENTITIES["lists"], simulator, status=True)
    await ids(ENTITIES["statuses"], simulator, query="SALE")
    assert [request.endpoint_id for request in simulator.requests] == ["lists.search", "status.search"]


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=lambda entity: entity.name)
def test_what_is_said_of_an_entity_is_true_of_its_rows(entity: Entity) -> None:
    columns = {column.name for column in columns_of(entity.row)}
    assert set(entity.key) <= columns
    for span in filter(None, (entity.time, entity.change)):
        assert span.field in columns
        assert {span.start, span.end} <= set(form_of(entity.call).parameters)


def test_names_may_be_written_as_on_the_command_line() -> None:
    assert entity_named("Call-Logs") is ENTITIES["call_logs"]


def test_an_unknown_name_is_told_the_near_one() -> None:
    with pytest.raises(ValueError, match="no entity 'call_log'; did you mean 'call_logs'"):
        entity_named("call_log")
    with pytest.raises(ValueError, match="it is one of call_logs, leads"):
        entity_named("x")
