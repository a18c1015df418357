"""Lists of addresses and subnets, as the settings hold them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

_Address: TypeAlias = IPv4Address | IPv6Address
_Network: TypeAlias = IPv4Network | IPv6Network


class AddressList:
    """A list of addresses and subnets, parsed once. IPv4 never matches an IPv6 entry, nor its mapped form.

    Entries that are neither an address nor a subnet match nothing; the settings refuse them before.
    """

    __slots__ = ("_addresses", "_networks")

    def __init__(self, entries: Iterable[str]) -> None:
        self._addresses: set[_Address] = set()
        self._networks: list[_Network] = []
        for entry in entries:
            try:
                if "/" in entry:
                    self._networks.append(ip_network(entry, strict=False))
                else:
                    self._addresses.add(ip_address(entry))
            except ValueError:
                continue

    def __bool__(self) -> bool:
        return bool(self._addresses or self._networks)

    def __contains__(self, ip: str) -> bool:
        if not self:
            return False
        try:
            address = ip_address(ip.partition("%")[0])
        except ValueError:
            return False
        return address in self._addresses or any(address in network for network in self._networks)
