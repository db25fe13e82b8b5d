"""Slips of a user: every type checker reports the marked lines, and no other."""

from convoso_async import AsyncConvoso, Nonsense  # expect-error: no such name
from convoso_async.jobs import exprot  # expect-error: no such job
from convoso_sync import jobs


async def slips(client: AsyncConvoso) -> None:
    await client.call_logs.retrieve(campain_id=111)  # expect-error: a misspelt parameter
    await client.call_logs.retrieve(111)  # expect-error: parameters are keywords
    await client.call_logs.retrieve(limit="many")  # expect-error: a wrong type
    client.call_logs.retrieve_all(campain_id=111)  # expect-error: the pager knows the same names
    client.call_logs.retrieve_all(limit=100)  # expect-error: a pager sets its own limit
    await client.leads.insert(list_id=333)  # expect-error: phone_number is required
    await client.leads.inzert(list_id=333, phone_number="5551234567")  # expect-error: no such call

    page = await client.call_logs.retrieve(limit=100)
    page.rows[0].call_lenght  # expect-error: no such attribute
    page.rows[0].call_length + 1  # expect-error: it may be None
    page.rows[0].call_length = 5  # expect-error: a row is what the service said

    for _ in client.call_logs.retrieve_all():  # expect-error: a pager is read with `async for`
        pass
    AsyncConvoso("token", time_out=10)  # expect-error: no such setting
    jobs.run(client.leads.update, [], jurnal="a")  # expect-error: no such option
    jobs.exprot(client.call_logs.retrieve_all(), "calls.csv")  # expect-error: no such job
    jobs.export(client.call_logs.retrieve_all(), "calls.csv")  # expect-error: the pager is an async one
