"""How options are declared that are alike in several verbs."""

from cyclopts import Group, Parameter

SWITCH = Parameter(negative="", show_default=False)
"""On when it is named."""
LEFT_OUT = Parameter(show_default=False)
"""None, or as its help says, when it is not named."""
REPEATED = Parameter(negative="", show_default=False, consume_multiple=False)
"""One value each time it is named."""
SCOPE_OPTIONS, FILE_OPTIONS, ACCOUNT_OPTIONS, OUTPUT_OPTIONS = (
    Group(name, sort_key=place) for place, name in enumerate(("Scope", "File", "Account", "Output"), 1)
)
"""Panels of help, in their order."""
FROM = Parameter(name="--from", show_default=False)
TO = Parameter(name="--to", show_default=False)
