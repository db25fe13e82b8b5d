"""Which addresses a download may reach: public ones, checked where the connection is made.

A check before that would not do: a name can resolve to another address a moment later, and a redirect can
lead anywhere.
"""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

import attrs

from ..settings import LOOPBACK

if TYPE_CHECKING:
    from aiohttp import AddrInfoType
    from yarl import URL

NAT64 = IPv6Network("64:ff9b::/96")
SIX_TO_FOUR = IPv6Network("2002::/16")
COMPATIBLE = IPv6Network("::/96")
SPECIAL = (
    IPv4Network("192.0.0.0/24"),  # of protocols, and of a cloud's metadata; older Pythons know parts of it
    IPv4Network("192.88.99.0/24"),  # anycast to 6to4 routers, long deprecated
    IPv6Network("3fff::/20"),  # of documentation, which older Pythons do not know
)


class RefusedAddressError(OSError):
    """A link leads where no recording is fetched from."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public net: not this machine's, not a private or special one.

    An IPv6 address that carries an IPv4 one is judged by that.
    """
    ip = ip_address(address.partition("%")[0])
    ip = carried(ip) or ip
    return ip.is_global and not (
        ip.is_multicast
        or ip.is_reserved
        or ip.is_unspecified
        or (isinstance(ip, IPv6Address) and ip.is_site_local)
        or any(ip in network for network in SPECIAL)
    )


def carried(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv6 one: mapped, compatible, translated, or tunnelled."""
    if not isinstance(ip, IPv6Address):
        return None
    if ip in NAT64 or ip in COMPATIBLE:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or (ip.sixtofour if ip in SIX_TO_FOUR else None)


@attrs.frozen
class Gate:
    """Lets requests and connections through to https and public addresses only.

    One way around it: a client whose `base_url` is on this machine, as a simulator's is, may fetch from that
    very origin.
    """

    own: "URL | None"

    @classmethod
    def beside(cls, base_url: str) -> "Gate":
        """The gate for a client with that `base_url`."""
        from yarl import URL

        url = URL(base_url)
        return cls(url.origin() if url.host in LOOPBACK else None)

    def check(self, url: "URL") -> None:
        """Raises RefusedAddressError for a link that is not https."""
        own = url.scheme == "http" and url.origin() == self.own
        if not (own or url.scheme == "https"):
            raise RefusedAddressError("the link is not https")

    def socket(self, address: "AddrInfoType") -> socket.socket:
        """A socket to connect to that address. Raises RefusedAddressError where it is not public."""
        family, kind, protocol, _, where = address
        host, port = str(where[0]), where[1]
        own = self.own is not None and port == self.own.port and ip_address(host).is_loopback
        if not (own or is_public(host)):
            raise RefusedAddressError("the link leads to an address that is not public")
        return socket.socket(family, kind, protocol)
