"""Whether a request brings a secret that is known, in a time that does not depend on the answer."""

import secrets
from collections.abc import Iterable
from hashlib import blake2b
from hmac import compare_digest

from ..errors import ConfigurationError


class Secrets:
    """The secrets of a receiver, as digests: the secrets themselves are not kept."""

    def __init__(self, secret: str, previous: str | None) -> None:
        self._key = secrets.token_bytes(32)
        known = [self._digest(checked("secret", secret))]
        if previous is not None:
            known.append(self._digest(checked("previous_secret", previous)))
        # Always two, or the time would tell whether a rotation is under way.
        self._known = (known[0], known[-1])

    def know(self, presented: Iterable[bytes]) -> bool:
        """Whether one of these is right. An empty one stands for none, and takes as long."""
        right = False
        for each in presented:
            digest = self._digest(each)
            for known in self._known:
                right |= compare_digest(digest, known)
        return right

    def _digest(self, secret: bytes) -> bytes:
        """All of one length: comparing texts of two lengths would tell the length."""
        return blake2b(secret, key=self._key).digest()


def checked(name: str, secret: str) -> bytes:
    """A secret as it is on the wire, in UTF-8. Raises ConfigurationError for one that cannot be sent."""
    if not isinstance(secret, str):
        raise ConfigurationError(f"{name} must be a str, not {type(secret).__name__}")
    if not secret.strip():
        raise ConfigurationError(f"{name} must not be empty")
    if not secret.isprintable() or secret != secret.strip():
        raise ConfigurationError(
            f"{name} has blanks at its ends, or line breaks or other characters in it that cannot be sent"
        )
    return secret.encode()
