"""What each of the 37 calls does and replies."""

from __future__ import annotations

from collections.abc import Callable

from ..ask import Ask
from ..shapes import Body
from . import agents, callbacks, calls, leads, lists, numbers, statuses

ANSWERS: dict[str, Callable[[Ask], Body]] = {
    "agent_monitor.search": agents.monitor,
    "agent_monitor.logout": agents.logout,
    "agent_performance.search": agents.performance,
    "agent_productivity.search": agents.productivity,
    "leads.search": leads.search,
    "leads.insert": leads.insert,
    "leads.update": leads.update,
    "leads.delete": leads.delete,
    "leads.get_recordings": calls.lead_recordings,
    "lead_post.insert": leads.post,
    "lead_validation.search": leads.validate,
    "lists.search": lists.search,
    "lists.insert": lists.insert,
    "lists.update": lists.update,
    "lists.delete": lists.delete,
    "callbacks.search": callbacks.search,
    "callbacks.insert": callbacks.insert,
    "callbacks.update": callbacks.update,
    "callbacks.delete": callbacks.delete,
    "call_logs.retrieve": calls.retrieve,
    "call_logs.update": calls.update,
    "campaigns.search": lists.campaigns,
    "campaigns.status": lists.campaign_status,
    "dnc.search": numbers.search_dnc,
    "dnc.insert": numbers.insert_dnc,
    "dnc.update": numbers.update_dnc,
    "dnc.delete": numbers.delete_dnc,
    "sms_opt_out.search": numbers.search_opt_outs,
    "sms_opt_out.insert": numbers.insert_opt_out,
    "sms_opt_out.update": numbers.update_opt_out,
    "status.search": statuses.search,
    "status.insert": statuses.insert,
    "status.update": statuses.update,
    "revenue.update": calls.revenue,
    "users.search": agents.users,
    "users.recordings": calls.user_recordings,
    "user_activity.search": agents.activity,
}
