"""The account's token, and every form in which it could come back and must not be shown."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from html import escape
from typing import NoReturn
from urllib.parse import quote, quote_plus

SHORTEST_BEGINNING = 4
"""Letters of the token at the end of a text that are taken for its beginning, cut off. Fewer tell nothing."""
BLOT = "[auth_token]"


class Token:
    """The account's token. It is sent, and shown nowhere: not in a repr, a pickle or a text passed on."""

    __slots__ = ("_forms", "encoded")

    def __init__(self, value: str) -> None:
        self.encoded = quote_plus(value)
        self._forms = sorted(forms_of(value), key=len, reverse=True)

    def scrub(self, text: str) -> str:
        """`text` with every form of the token blotted out, also one that the end of the text cuts off."""
        for form in self._forms:
            text = text.replace(form, BLOT)
        whole = text.rstrip("\ufffd")  # a letter that was cut in its middle
        tail = whole[-SHORTEST_BEGINNING:]
        lengths = (
            length
            for form in self._forms
            if tail in form
            for length in range(SHORTEST_BEGINNING, len(form))
            if whole.endswith(form[:length])
        )
        cut = max(lengths, default=0)
        return whole[:-cut] + BLOT if cut else text

    def __repr__(self) -> str:
        return "<auth_token>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client and its token cannot be pickled; make the client anew where it is used")


def forms_of(value: str) -> set[str]:
    """How a secret may be written in what comes back: in a URL, JSON, HTML, base64, a repr, or misread."""
    data = value.encode("utf-8", "replace")
    in_json = json.dumps(value)[1:-1]
    in_url = {quote_plus(value), quote(value), quote(value, safe="")}
    forms = {value, in_json, escape(value), escape(value, quote=False), *in_url, *in_base64(data)}
    forms |= {repr(value)[1:-1], repr(data)[2:-1], data.decode("latin-1"), data.decode("ascii", "replace")}
    forms.add(re.sub(r"[^\x00-\x7f]", "\ufffd", value))
    forms |= {form.replace("/", "\\/") for form in (value, in_json)}  # as PHP writes JSON
    return forms | {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in in_url}


def in_base64(data: bytes) -> Iterator[str]:
    """How base64 writes `data`, alone or inside a longer text: there a group of letters begins anew at each
    third byte.
    """
    for write in (b64encode, urlsafe_b64encode):
        yield write(data).decode("ascii").rstrip("=")
        for before in range(3):
            letters = write(bytes(before) + data).decode("ascii")
            inner = letters[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
            if len(inner) >= 8:  # less could be any word
                yield inner
