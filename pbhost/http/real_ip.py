"""The client's real address: the trusted proxies' headers, else the socket."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Protocol


class Headers(Protocol):
    """What is needed of a header mapping."""

    def getall(self, key: str, default: list[str], /) -> list[str]:
        """All values of a header, in order."""


def real_ip(headers: Headers, remote: str, trusted: Sequence[str], *, use_leftmost: bool = False) -> str:
    """The client's address.

    Args:
        headers: the request's headers.
        remote: the address of the socket.
        trusted: names of the headers that a trusted proxy sets, first wins.
        use_leftmost: take the left-most valid address of the list instead of the right-most. Only for proxies that
            rewrite the header; otherwise the client chooses its own address.
    """
    for name in trusted:
        values = headers.getall(name, [])
        if not values:
            continue
        candidates = values[-1].split(",")
        for candidate in candidates if use_leftmost else reversed(candidates):
            address = normalised_ip(candidate)
            if address:
                return address
    return normalised_ip(remote)


def normalised_ip(text: str) -> str:
    """The address in the form that logs and limits use: IPv6 written out in full, IPv4-mapped as IPv4; "" if invalid."""
    text = text.strip()
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped is not None else address.exploded
    return str(address)
