"""The client's real address: the trusted proxies' headers, else the socket."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
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
            address = written_out(candidate)
            if address:
                return address
    return socket_ip(remote)


@lru_cache(maxsize=1024)
def socket_ip(remote: str) -> str:
    """The peer's address; an IPv4 peer of a dual-stack socket is plain IPv4, as it would be on an IPv4 socket."""
    address = remote.removeprefix("::ffff:") if "." in remote else remote
    return written_out(address)


@lru_cache(maxsize=1024)
def written_out(text: str) -> str:
    """The address as logs and limits use it: IPv6 in full, lower case, its zone kept; "" for anything else."""
    bare, percent, zone = text.strip().partition("%")
    try:
        return ipaddress.ip_address(bare).exploded + percent + zone
    except ValueError:
        return ""
