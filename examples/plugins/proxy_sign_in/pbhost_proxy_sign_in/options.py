"""The options, checked."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, TypeAlias

from pbhost.errors import JSON, ConfigError

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Options:
    """See the README.

    Attributes:
        proxies: where the proxy's connections come from.
        collections: names of the collections whose records may sign in.
    """

    proxies: tuple[Network, ...]
    secret: str
    secret_header: str
    user_header: str
    email_header: str
    name_header: str
    collections: frozenset[str]
    create: bool
    link: bool

    @classmethod
    def load(cls, options: Mapping[str, JSON]) -> Self:
        """From the table of the configuration.

        Raises:
            ConfigError: an address is none, or stands for everybody.
        """
        return cls(
            proxies=tuple(_network(item) for item in _texts(options["proxies"])),
            secret=str(options["secret"]),
            secret_header=str(options["secret_header"]),
            user_header=str(options["user_header"]),
            email_header=str(options["email_header"]),
            name_header=str(options["name_header"]),
            collections=frozenset(_texts(options["collections"])),
            create=options["create"] is True,
            link=options["link"] is True,
        )

    def is_proxy(self, address: str) -> bool:
        """Whether a connection from that address is the proxy's."""
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(found in network for network in self.proxies)


def _texts(value: JSON) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ConfigError(f"plugins.proxy_sign_in.proxies: {error}") from error
    if network.prefixlen == 0:
        raise ConfigError(f"plugins.proxy_sign_in.proxies: {text} would let everybody sign in as anybody")
    return network
