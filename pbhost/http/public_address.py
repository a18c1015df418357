"""Requests to addresses that somebody else chose, without a way into the machine's own network."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp.connector import AddrInfoType

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: What IPv6 has given out for use between networks (RFC 4291); old forms of local addresses lie outside of it.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


def public_socket(info: AddrInfoType) -> socket.socket:
    """A socket for one connection attempt, refused unless it goes to a public address::

        aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=public_socket))

    Checked here, after the name was resolved and for each redirect, so that neither a name that points inwards nor
    one that changes between check and use reaches the machine's own network.

    Raises:
        OSError: the address is not public.
    """
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise OSError("the address is not a public one")
    return socket.socket(family=family, type=kind, proto=protocol)


def is_public(text: str) -> bool:
    """Whether an IP address belongs to the public internet."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if embedded is None:
            return address in _GLOBAL_UNICAST and address.is_global
        address = embedded
    return address.is_global and not address.is_multicast
