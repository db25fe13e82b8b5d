"""The account really changes."""

from __future__ import annotations

import pytest

PHONE = "2125550123"


def leads(sim, **filters):
    """Leads that a search finds."""
    return sim.call("leads.search", limit=2000, **filters)["results"]


def test_an_inserted_lead_can_be_found_and_a_deleted_one_not(sim, tools):
    lead_id = tools.good(sim, "leads.insert", first_name="Jane", job_group="x")["id"]
    (lead,) = leads(sim, phone_number=PHONE)
    assert (lead["id"], lead["first_name"], lead["list_id"], lead["job_group"]) == (
        lead_id,
        "Jane",
        "701",
        "x",
    )
    assert sim.call("leads.delete", lead_id=lead_id) == {"success": True}
    assert leads(sim, phone_number=PHONE) == []
    assert leads(sim, lead_id=lead_id) == []
    assert [row["id"] for row in leads(sim, deleted_at_start=sim.account.start)] == [lead_id]
    assert sim.call("leads.delete", lead_id=lead_id)["code"] == 6001


def test_updated_leads_come_in_the_order_of_their_updates(sim):
    before = sim.account.now
    for lead_id in ("880009", "880003", "880007"):
        sim.call("leads.update", lead_id=lead_id, status="WARM")
    found = leads(sim, updated_at_start_date=before.isoformat(sep=" "))
    assert [row["id"] for row in found][-3:] == ["880009", "880003", "880007"]
    assert [row["status"] for row in found][-3:] == ["WARM"] * 3
    stamps = [row["created_at"] for row in leads(sim)]
    assert stamps == sorted(stamps)


@pytest.mark.parametrize(
    ("check", "found"),
    [
        ({}, False),
        ({"check_dup": 0}, False),
        ({"check_dup": 1}, False),
        ({"check_dup": 1, "list_id": 702}, True),
        ({"check_dup_list": "true", "list_id": 702}, True),
        ({"check_dup": 2}, True),
    ],
)
def test_check_dup(check, found, sim, tools):
    sim.account.add_lead(phone_number=PHONE, list_id=702)
    assert (tools.good(sim, "leads.insert", **check).get("code") == 6009) is found


def test_check_dup_reaches_archived_and_deleted_leads(sim, tools):
    sim.account.add_lead(phone_number="2125550124", archived_at="2026-03-01 00:00:00")
    sim.account.remove_lead(sim.account.add_lead(phone_number="2125550125"))
    for phone, level, refused in (("2125550124", 2, False), ("2125550125", 3, False)):
        assert ("code" in tools.good(sim, "leads.insert", phone_number=phone, check_dup=level)) is refused
    other = [{"phone_number": "2125550124", "check_dup": 3}, {"phone_number": "2125550125", "check_dup": 4}]
    for params in other:
        assert tools.good(sim, "leads.insert", **params)["code"] == 6009


def test_update_if_found_merges(sim, tools):
    first = tools.good(sim, "leads.insert", first_name="Jane")["id"]
    again = tools.good(sim, "leads.insert", last_name="Doe", update_if_found="true")["id"]
    assert first == again
    assert sim.account.lead(first)["last_name"] == "Doe"
    other_list = tools.good(sim, "leads.insert", update_if_found="true", search_list_id=702)["id"]
    assert other_list != first


def test_leads_refused_for_dnc_or_carrier(sim, tools):
    sim.account.add_dnc(PHONE)
    assert tools.good(sim, "leads.insert", check_dnc="true")["error"] == "Number in DNC list"
    refused = [
        tools.good(sim, "leads.insert", reject_by_carrier_type=kind)
        for kind in ("MOBILE", "VOIP", "LANDLINE")
    ]
    assert sum("error" in body for body in refused) == 1


def test_a_search_sees_what_changed_since(sim, tools):
    total = sim.call("dnc.search")["data"]["total"]
    entry = tools.good(sim, "dnc.insert")["id"]
    assert sim.call("dnc.search")["data"]["total"] == total + 1
    assert sim.call("dnc.search", reason="-BLANK-", id=entry)["data"]["total"] == 1
    sim.call("dnc.update", id=entry, reason="DNC")
    assert sim.call("dnc.search", reason="-BLANK-", id=entry)["data"]["total"] == 0
    sim.call("dnc.delete", phone_number=PHONE, phone_code=1, campaign_id=0)
    assert sim.call("dnc.search")["data"]["total"] == total


def test_every_lead_filter_filters(sim):
    lead_id = sim.account.add_lead(
        **{name: f"only {name}" for name in ("created_by", "last_name", "city", "std_company_name")},
        email="only@example.org",
    )
    for name in ("created_by", "last_name", "city", "std_company_name"):
        assert [row["id"] for row in leads(sim, **{name: f"only {name}"})] == [lead_id], name
    assert [row["id"] for row in leads(sim, email="nobody@example.org,only@example.org")] == [lead_id]
    assert leads(sim, city="only city", last_name="other") == []


def test_dnc(sim, tools):
    entry = tools.good(sim, "dnc.insert", reason="DNC")["id"]
    again = tools.good(sim, "dnc.insert")
    assert (again["success"], again["code"]) == (False, 6008)
    assert "id" in tools.good(sim, "dnc.insert", campaign_id=61)
    found = sim.call("dnc.search", phone_number=PHONE)["data"]
    assert (found["total"], [row["campaign_id"] for row in found["entries"]]) == (2, ["0", "61"])
    sim.call("dnc.update", id=entry, reason="")
    assert sim.call("dnc.search", phone_number=PHONE, reason="-BLANK-")["data"]["total"] == 2
    gone = {"phone_number": PHONE, "phone_code": 1, "campaign_id": 0}
    assert sim.call("dnc.delete", **gone) == {"success": True}
    assert sim.call("dnc.delete", **gone)["code"] == 6001
    assert sim.call("dnc.search", phone_number=PHONE)["data"]["total"] == 1


def test_dnc_delete_may_change_leads(sim, tools):
    lead_id = tools.good(sim, "leads.insert")["id"]
    tools.good(sim, "dnc.insert")
    params = {"phone_number": PHONE, "phone_code": 1, "campaign_id": 0}
    assert sim.call("dnc.delete", **params, update_lead_status="true", lead_status="WARM")["success"]
    assert sim.account.lead(lead_id)["status"] == "WARM"


@pytest.mark.parametrize(("call", "book"), [("dnc.search", "dnc"), ("sms_opt_out.search", "sms_opt_outs")])
def test_searches_of_numbers(call, book, sim):
    entries = list(getattr(sim.account, book))

    def found(**filters):
        body = sim.call(call, limit=1000, **filters)
        return {row["id"] for row in body.get("records") or body["data"]["entries"]}

    def those(wanted):
        return {row["id"] for row in entries if wanted(row)}

    assert found(reason="-BLANK-") == those(lambda row: not row["reason"])
    assert found(reason="-NOTBLANK-") == those(lambda row: row["reason"])
    assert found(purpose="-BLANK-") == those(lambda row: not row["purpose"])
    assert found(purpose="NOTIFY") == those(lambda row: row["purpose"] == "NOTIFY")
    assert found(campaign_id="0,-1") == those(lambda row: row["campaign_id"] in ("0", "-1"))
    assert found(id=entries[3]["id"]) == {entries[3]["id"]}
    day = entries[5]["insert_date"][:10]
    assert found(insert_date=day) == those(lambda row: row["insert_date"].startswith(day))


def test_dnc_entries_are_distinct(sim):
    from convoso_async.simulator import Simulator

    big = Simulator(call_logs=0, leads=0, dnc=150_000)
    keys = {(row["phone_number"], row["campaign_id"]) for row in big.account.dnc}
    assert len(keys) == 150_000


def test_sms_opt_out(sim, tools):
    assert tools.good(sim, "sms_opt_out.insert", reason="STOP") == {"success": True}
    assert tools.good(sim, "sms_opt_out.insert")["code"] == 6008
    (row,) = sim.call("sms_opt_out.search", phone_number=PHONE)["records"]
    assert sim.call("sms_opt_out.update", id=row["id"], reason="-BLANK-") == {
        "success": True,
        "data": {"id": row["id"]},
    }
    (row,) = sim.call("sms_opt_out.search", phone_number=PHONE)["records"]
    assert row["reason"] == ""
    other = sim.account.add_sms_opt_out("2125550124")
    assert sim.call("sms_opt_out.update", id=other, phone_number=PHONE)["code"] == 6059


def test_lists(sim, tools):
    list_id = tools.good(sim, "lists.insert", status=0)["id"]
    (row,) = sim.call("lists.search", status=0, id=list_id)["data"]
    assert (row["name"], row["status"]) == ("Autumn intake", "N")
    sim.call("lists.update", list_id=list_id, status="true", name="Winter intake")
    (row,) = sim.call("lists.search", status=1, id=list_id)["data"]
    assert row["name"] == "Winter intake"
    assert sim.call("lists.delete", list_id=list_id) == {"success": True}
    assert sim.call("lists.search", status=1, id=list_id)["code"] == 6002


def test_a_big_list_is_removed_in_the_background(sim):
    sim.big_list = 10
    running = {"success": False, "code": 102, "text": "List deletion in progress"}
    assert sim.call("lists.delete", list_id=701) == running
    assert sim.call("lists.delete", list_id=701) == running
    assert sim.call("lists.search", status=1, id=701)["data"]
    assert sim.call("lists.delete", list_id=701)["code"] == 6002
    assert all(row["list_id"] != "701" for row in leads(sim))


def test_callbacks(sim, tools):
    callback_id = tools.good(sim, "callbacks.insert", comments="ring twice")["data"]["callback_id"]
    again = tools.good(sim, "callbacks.insert", comments="ring twice")["data"]["callback_id"]
    assert callback_id != again

    def found(**filters):
        rows = sim.call("callbacks.search", limit=5000, **filters)["results"] if filters else []
        return [row["id"] for row in rows]

    assert found(comments="ring twice") == [callback_id, again]
    (row,) = sim.call("callbacks.search", id=callback_id)["results"]
    assert (row["callback_time"], row["stage"], row["recipient"]) == (
        "2026-04-02 03:15 PM",
        "PENDING",
        "system",
    )
    assert callback_id in found(start_date="2026-04-02", end_date="2026-04-02")
    sim.day_end_inclusive = False
    assert callback_id not in found(start_date="2026-04-01", end_date="2026-04-02")
    sim.call("callbacks.update", callback_id=callback_id, callback_status="dismissed", user_id=40802)
    assert callback_id in found(stage="DISMISSED", user_id=40802)
    assert sim.call("callbacks.delete", callback_id=callback_id) == {"success": True}
    assert sim.call("callbacks.delete", callback_id=callback_id)["code"] == 6074


def test_callback_times_come_from_their_zone(sim, tools):
    params = {"callback_time": "2026-04-02 11:45 PM", "callback_time_zone": "+5.30"}
    callback_id = tools.good(sim, "callbacks.insert", **params)["data"]["callback_id"]
    (row,) = sim.call("callbacks.search", id=callback_id)["results"]
    assert row["callback_time"] == "2026-04-02 11:15 AM"


def test_campaign_status(sim):
    def status():
        return sim.call("campaigns.search")["data"][0]["status"]

    assert status() == "Y"
    assert sim.call("campaigns.status", campaign_id=61, status="false") == {"success": True}
    assert status() == "N"
    sim.call("campaigns.status", campaign_id=61, status="true")
    assert status() == "Y"


def test_agents_sign_out_and_in(sim):
    def agents():
        return [row["user_id"] for row in sim.call("agent_monitor.search")["agents"]]

    before = sim.call("user_activity.search")["data"]["logged_in_agents"]
    assert "40801" in agents()
    assert sim.call("agent_monitor.logout", user_id=40801) == {"success": True}
    assert "40801" not in agents()
    assert sim.call("user_activity.search")["data"]["logged_in_agents"] == before - 1
    assert sim.call("agent_monitor.logout", user_id=40801)["code"] == 6012
    sim.account.log_in(40801)
    assert "40801" in agents()


def test_agents_by_skill_queue_and_campaign(sim):
    everyone = sim.call("agent_monitor.search")["agents"]
    for filters, wanted in (
        ({"campaign_id": 61}, lambda row: row["campaign_id"] == "61"),
        ({"queue_id": 9}, lambda row: row["queue_id"] == "9"),
        ({"filter_by_skill_options": "billing"}, lambda row: "billing" in row["skill_options"]),
    ):
        assert sim.call("agent_monitor.search", **filters)["agents"] == [
            row for row in everyone if wanted(row)
        ]
    assert sim.call("user_activity.search", campaign_id=999)["data"]["logged_in_agents"] == 0


def test_status(sim, tools):
    assert tools.good(sim, "status.insert", hex_color="AABBCC") == {
        "success": True,
        "code": 200,
        "data": {"new": "1", "status": "HOT"},
    }
    assert tools.good(sim, "status.insert")["error"] == "Status code already exists"
    assert sim.call("status.update", status="HOT", final="Y", name="Very hot")["success"]
    (row,) = sim.call("status.search", query="hot")["data"]
    assert (row["final"], row["name"], row["hex_color"]) == ("Y", "Very hot", "#AABBCC")


def test_call_log_and_revenue_updates(sim):
    call_id = sim.account.call_log_ids()[10]
    body = sim.call("call_logs.update", call_log_id=call_id, extra_field_02="gold")
    assert (body["success"], body["id"]) == (True, call_id)
    (row,) = sim.call("call_logs.retrieve", id=call_id)["results"]
    assert row["extra_field_02"] == "gold"
    assert sim.call("revenue.update", call_log_id=call_id, revenue="10.5")["data"] == {"call_log_id": call_id}
    data = sim.call("revenue.update", call_log_id=call_id, revenue="87.25", **{"return": 1})["data"]
    assert (data["revenue"], data["call_date"]) == (87.25, row["call_date"])


def test_performance_counts_the_calls_of_its_days(sim):
    rows = sim.call("agent_performance.search", date_start="2026-03-03", date_end="2026-03-04")
    ids = sim.account.call_log_ids("2026-03-03", "2026-03-04 23:59:59")
    assert sum(row["calls"] for row in rows) == len(ids)
    one = sim.call(
        "agent_performance.search", date_start="2026-03-03", date_end="2026-03-04", user_ids="40802"
    )
    assert one == [row for row in rows if row["user_id"] == "40802"]
    sim.day_end_inclusive = False
    rows = sim.call("agent_performance.search", date_start="2026-03-03", date_end="2026-03-04")
    assert sum(row["calls"] for row in rows) == len(
        sim.account.call_log_ids("2026-03-03", "2026-03-03 23:59:59")
    )
    assert sim.call("agent_performance.search", date_end="2026-03-02")
    assert sim.call("agent_performance.search", date_start="2027-01-01") == {"success": True, "data": []}


def test_productivity_by_days_agents_and_campaign(sim):
    def found(**filters):
        return sim.call("agent_productivity.search", **filters).get("entries", [])

    everything = found(date_start="2026-03-01")
    assert len(everything) == 200
    assert [row["created_at"] for row in everything] == sorted(row["created_at"] for row in everything)
    today = found()
    assert {row["created_at"][:10] for row in today} == {"2026-03-31"}
    day = found(date_start="2026-03-05", date_end="2026-03-05")
    assert day == [row for row in everything if row["created_at"].startswith("2026-03-05")]
    mine = found(date_start="2026-03-01", agent_emails="ada.abara@example.org")
    assert mine == [row for row in everything if row["user_id"] == "40801"]
    assert found(date_start="2026-03-01", campaign_id=62) == [
        row for row in everything if row["campaign_id"] == "62"
    ]


def test_users_by_name_and_address(sim):
    rows = sim.call("users.search", limit=100)
    assert len(rows) == 12
    assert sim.call("users.search", user="ada.abara@example.org,Bram") == rows[:2]


def test_recordings_are_those_of_the_calls(sim):
    with_audio = [
        row
        for row in sim.call(
            "call_logs.retrieve", limit=500, order="asc", include_recordings=1, user_id=40803
        )["results"]
        if row["recording"]
    ]
    email = sim.call("users.search", limit=100)[2]["email"]
    entries = sim.call("users.recordings", user=email, limit=1000)["entries"]
    assert [row["url"] for row in entries] == [row["recording"][0]["public_url"] for row in with_audio]
    start, end = entries[3]["start_time"], entries[6]["start_time"]
    part = sim.call("users.recordings", user=email, limit=1000, start_time=start, end_time=end)["entries"]
    assert part == entries[3:7]
    lead = entries[0]["lead_id"]
    assert entries[0] in sim.call("leads.get_recordings", lead_id=lead, limit=100)["entries"]


def test_lead_validation_gives_verdicts(sim):
    def verdict(**lead):
        return sim.call("lead_validation.search", phone_number=PHONE, **lead)["result"]

    assert verdict(criteria_key="accept-all") == "Accepted"
    assert verdict(criteria_key="area-only", postal_code="94601") == "Accepted"
    assert verdict(criteria_key="area-only", postal_code="12201") == "Denied"


def test_accounts_may_be_empty():
    from convoso_async.simulator import Simulator
    from convoso_async.simulator.tables import calls

    sizes = dict.fromkeys(
        [
            "call_logs",
            "leads",
            "lists",
            "campaigns",
            "users",
            "callbacks",
            "dnc",
            "sms_opt_outs",
            "agent_events",
        ],
        0,
    )
    for profile in ("documented", "observed"):
        sim = Simulator(**sizes, profile=profile)
        assert sim.account.call_log_ids() == []
        for call in calls():
            sim.call(call)
        sim.account.add_call_log()
        sim.account.add_lead()
        assert sim.call("call_logs.retrieve")
