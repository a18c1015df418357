"""Which addresses a list admits."""

from __future__ import annotations

import pytest
from builtin_operations.addresses import AddressList


@pytest.mark.parametrize(
    ("entries", "ip", "listed"),
    [
        ([], "1.2.3.4", False),
        (["1.2.3.4"], "1.2.3.4", True),
        (["1.2.3.4"], "1.2.3.5", False),
        (["10.1.2.3/8"], "10.9.9.9", True),
        (["10.0.0.0/8"], "11.0.0.1", False),
        (["::/0"], "1.2.3.4", False),
        (["::ffff:1.2.3.4"], "1.2.3.4", False),
        (["1.2.3.4"], "0000:0000:0000:0000:0000:ffff:0102:0304", False),
        (["2001:db8::/32"], "2001:0db8:0000:0000:0000:0000:0000:0001", True),
        (["fe80::1"], "fe80:0000:0000:0000:0000:0000:0000:0001%eth0", True),
        (["1.2.3.4"], "junk", False),
        (["junk", "1.2.3.4"], "1.2.3.4", True),
    ],
)
def test_an_address_list(entries: list[str], ip: str, listed: bool) -> None:
    assert (ip in AddressList(entries)) is listed
