"""What counts as an e-mail address, a URL and a domain name. No look-ups, only the spelling."""

from __future__ import annotations

import ipaddress
import re

_MAX_EMAIL = 1000
_MAX_URL = 2082
_MIN_URL = 4

_BEYOND_ASCII = "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef"
_BEYOND_BMP = "\U00010000-\U0010ffff"
_WIDE = _BEYOND_ASCII + _BEYOND_BMP

_ATOM = rf"[A-Za-z0-9!#$%&'*+\-/=?^_`{{|}}~{_WIDE}]+"
_QUOTED = rf"\"[ \t]*(?:[\x21\x23-\x5b\x5d-\x7e{_WIDE}]|\\[\x01-\x09\x0b\x0c\x0d-\x7f{_WIDE}])\""
_EDGE = rf"[A-Za-z0-9{_WIDE}]"
_LAST_EDGE = rf"[A-Za-z{_WIDE}]"
_EMAIL = re.compile(
    rf"(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@"
    rf"(?P<domain>(?:{_EDGE}(?:[A-Za-z0-9\-_~{_WIDE}]*{_EDGE})?\.)+"
    rf"{_LAST_EDGE}(?:[A-Za-z0-9\-_~{_WIDE}]*{_LAST_EDGE})?)\.?"
)

_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+(?:[A-Za-z]{1,63}|xn--[a-z0-9]{1,59})", re.ASCII
)
_MAX_DOMAIN = 255

_SCHEMES = frozenset({"http", "https", "ftp", "tcp", "udp", "ws", "wss"})
_URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://)?"
    r"(?:(?P<user>[^\s/?#@]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)"
    r"(?::(?P<port>\d{1,5}))?"
    r"(?P<rest>[/?#][^\s]*)?",
    re.ASCII,
)
_HOST_LABEL = re.compile(rf"[A-Za-z0-9_{_WIDE}](?:[A-Za-z0-9_\-{_WIDE}]*[A-Za-z0-9_{_WIDE}])?")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def is_email(text: str) -> bool:
    """Whether the text is a mail address ``local@domain`` with a dotted domain (records.md 12.6)."""
    return len(text) <= _MAX_EMAIL and _EMAIL.fullmatch(text) is not None


def email_domain(text: str) -> str:
    """The part after the last ``@``, as written."""
    return text.rpartition("@")[2]


def is_domain(text: str) -> bool:
    """Whether the text is a domain name of at least two labels."""
    return len(text) <= _MAX_DOMAIN and _DOMAIN.fullmatch(text) is not None


def is_url(text: str) -> bool:
    """Whether the text is a URL; the scheme may be missing (records.md 12.7)."""
    return _split_url(text) is not None


def url_domain(text: str) -> str:
    """Host and port of a URL, as written; ``""`` without a scheme, for then nothing says where the host starts."""
    found = _split_url(text)
    if found is None or not found["scheme"]:
        return ""
    port = found["port"]
    return f"{found['host']}:{port}" if port else str(found["host"])


def _split_url(text: str) -> re.Match[str] | None:
    if not _MIN_URL <= len(text) <= _MAX_URL or text.startswith("."):
        return None
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):
        return None
    found = _URL.fullmatch(text)
    if found is None or _BAD_PERCENT.search(found["rest"] or "") is not None:
        return None
    scheme, host, port = found["scheme"], str(found["host"]), found["port"]
    if scheme and scheme not in _SCHEMES:
        return None
    if not scheme and not port and "." not in host and host != "localhost" and not host.startswith("["):
        return None
    return found if _is_host(host) else None


def _is_host(host: str) -> bool:
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return False
        return True
    labels = host.split(".")
    if all(label.isascii() and label.isdigit() for label in labels) and len(labels) > 1:
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return False
        return True
    if labels[-1] == "":
        labels.pop()
    return bool(labels) and all(_HOST_LABEL.fullmatch(label) for label in labels)
