"""What makes a workflow send a webhook, and what else a workflow can do."""

from enum import StrEnum


class WorkflowEvent(StrEnum):
    """What a workflow waits for. All events of one must match; for either-or, make several workflows.

    A webhook does not say which event sent it. To tell them apart, give each workflow an endpoint of its own.

    Attributes:
        description: what happened.
    """

    description: str

    def __new__(cls, key: str, description: str) -> "WorkflowEvent":
        """A member that is its key, with a description."""
        member = str.__new__(cls, key)
        member._value_ = key
        member.description = description
        return member

    DISPOSITION = "DISPOSITION", "an agent set one of the chosen dispositions"
    CALL_COUNT = "CALL_COUNT", "the lead's number of calls reached a figure or a range"
    CALL_TYPE = "CALL_TYPE", "a call of the chosen kind: inbound, outbound, manual and so on"
    CALLBACK = "CALLBACK", "a callback was booked for the lead"
    HOPPER_EXPIRED = "HOPPER_EXPIRED", "the lead left the hopper without being dialled"
    LEAD_ACTION = "LEAD_ACTION", "something chosen was done to the lead record"
    LEAD_FIELDS_AND_CALL_DATA = (
        "LEAD_FIELDS_AND_CALL_DATA",
        "field values met a test: equal, not equal, greater, less, within, starts with, contains, blank, "
        "numeric or between",
    )
    LEAD_STATUS = "LEAD_STATUS", "the lead's status took or left a chosen value"
    REDISPOSITION = "REDISPOSITION", "a disposition was changed afterwards"
    SUBMITTED_BY = "SUBMITTED_BY", "the lead was entered or created by a chosen user or source"
    TERM_REASON = "TERM_REASON", "the call ended for a chosen reason"


class WorkflowAction(StrEnum):
    """What a workflow does when its events match. Several may sit in one set, each with its own timing.

    Attributes:
        label: the name in the user interface.
        description: what it does.
    """

    label: str
    description: str

    def __new__(cls, key: str, label: str, description: str) -> "WorkflowAction":
        """A member that is its key, with a label and a description."""
        member = str.__new__(cls, key)
        member._value_ = key
        member.label = label
        member.description = description
        return member

    INTEGRATION = "INTEGRATION", "Convoso Connect", "sends the webhook; the menu calls it Integration"
    EMAIL = "EMAIL", "Email", "mails a template to the lead"
    MOVE = "MOVE", "Move", "puts the lead in another list"
    STATUS = "STATUS", "Status Change", "sets another status code"
    SMS = "SMS", "SMS", "sends a text; needs the advanced workflow mode"
    VB = "VB", "Voice Broadcast", "starts a voice broadcast"
    FIELD = "FIELD", "Field", "changes a lead field: copy, arithmetic or time stamp"
    CALLBACK = "CALLBACK", "System Callback", "books a system callback some seconds later"
    CALLBACK_UPDATE = "CALLBACK_UPDATE", "Update Callback", "changes or drops a booked callback"
    HOPPER = "HOPPER", "Place Call", "queues the lead for dialling again"
    DNC = "DNC", "Add to DNC", "blocks the lead's numbers"
    REVENUE = "REVENUE", "Add to Revenue", "records an amount on the call"
