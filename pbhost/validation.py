"""The generic validation rules: what a value must be, and the error that says so.

A rule is a function of the value that returns a :class:`~pbhost.errors.FieldError` or None. Every rule except
:func:`required`, :func:`blank` and :func:`nil_or_not_empty` passes on an empty value, so
optional keys need no special case.
:func:`check` runs rules in order and gives the first error; :func:`collect` does it for many keys.

    errors = collect(
        {"email": check(email, required, length(1, 255), is_email), "name": check(name, required)}
    )
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Sized
from functools import cache
from typing import Final, TypeAlias, TypeGuard
from urllib.parse import urlsplit

from pbhost.errors import JSON, REQUIRED, ErrorTree, FieldError

#: A rule: the value in, the error or None out.
Rule: TypeAlias = Callable[[object], "FieldError | None"]

MUST_BE_BLANK: Final = FieldError("validation_empty", "Must be blank.")
MUST_BE_NIL: Final = FieldError("validation_nil", "Must be blank.")
NIL_OR_NOT_EMPTY: Final = FieldError("validation_nil_or_not_empty_required", "Cannot be blank.")
NOT_IN_LIST_VALUE: Final = FieldError("validation_in_invalid", "Must be a valid value.")
IN_LIST_VALUE: Final = FieldError("validation_not_in_invalid", "Must not be in list.")
INVALID_FORMAT: Final = FieldError("validation_match_invalid", "Must be in a valid format.")
NOT_URL: Final = FieldError("validation_is_url", "Must be a valid URL.")
NOT_EMAIL: Final = FieldError("validation_is_email", "Must be a valid email address.")
NOT_HOST: Final = FieldError("validation_is_host", "Must be a valid IP address or DNS name.")
NOT_DOMAIN: Final = FieldError("validation_is_domain", "Must be a valid domain.")
NOT_HEX_COLOR: Final = FieldError("validation_is_hex_color", "Must be a valid hexadecimal color code.")
VALUES_MISMATCH: Final = FieldError("validation_values_mismatch", "Values don't match.")
#: The code is spelled as the wire protocol spells it.
NOT_IP_OR_SUBNET: Final = FieldError("validation_invlaid_ip_or_subnet", "Invalid IP or CIDR subnet.")


def is_empty(value: object) -> bool:
    """Whether a value counts as not given: None, "", 0, False, an empty list or mapping."""
    if value is None or value is False:
        return True
    if isinstance(value, (int, float)):
        return value == 0
    return isinstance(value, Sized) and len(value) == 0


def check(value: object, *rules: Rule) -> FieldError | None:
    """The error of the first rule that the value breaks, or None."""
    for rule in rules:
        error = rule(value)
        if error is not None:
            return error
    return None


def collect(checks: Mapping[str, FieldError | ErrorTree | None]) -> dict[str, FieldError | ErrorTree]:
    """The failing keys only: ``{"email": None, "name": REQUIRED}`` becomes ``{"name": REQUIRED}``."""
    return {key: error for key, error in checks.items() if error}


def each(values: Sequence[object], *rules: Rule) -> dict[str, FieldError | ErrorTree]:
    """The errors of a list's elements by decimal index; empty when all of them pass."""
    return collect({str(index): check(value, *rules) for index, value in enumerate(values)})


def required(value: object) -> FieldError | None:
    """The value must not be empty (see :func:`is_empty`). Text of nothing but spaces is empty too."""
    if isinstance(value, str):
        return None if value.strip() else REQUIRED
    return REQUIRED if is_empty(value) else None


def blank(value: object) -> FieldError | None:
    """The value must be empty."""
    return None if is_empty(value) else MUST_BE_BLANK


def nil(value: object) -> FieldError | None:
    """The value must be None."""
    return None if value is None else MUST_BE_NIL


def nil_or_not_empty(value: object) -> FieldError | None:
    """None passes; anything else must not be empty."""
    return NIL_OR_NOT_EMPTY if value is not None and is_empty(value) else None


def length(minimum: int, maximum: int) -> Rule:
    """A length in bytes of UTF-8 for text, in elements for lists. ``maximum`` 0 means no upper bound."""
    params: dict[str, JSON] = {"max": maximum, "min": minimum}
    if minimum == 0 and maximum > 0:
        error = FieldError("validation_length_too_long", f"The length must be no more than {maximum}.", params)
    elif minimum > 0 and maximum == 0:
        error = FieldError("validation_length_too_short", f"The length must be no less than {minimum}.", params)
    elif minimum == maximum:
        error = FieldError("validation_length_invalid", f"The length must be exactly {minimum}.", params)
    else:
        error = FieldError(
            "validation_length_out_of_range", f"The length must be between {minimum} and {maximum}.", params
        )

    def rule(value: object) -> FieldError | None:
        if is_empty(value):
            return None
        size = len(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else _elements(value)
        return error if size < minimum or (maximum and size > maximum) else None

    return rule


def minimum(threshold: float) -> Rule:
    """A number of at least ``threshold``."""
    error = FieldError(
        "validation_min_greater_equal_than_required",
        f"Must be no less than {number_text(threshold)}.",
        {"threshold": threshold},
    )
    return lambda value: error if _is_number(value) and value and value < threshold else None


def maximum(threshold: float) -> Rule:
    """A number of at most ``threshold``."""
    error = FieldError(
        "validation_max_less_equal_than_required",
        f"Must be no greater than {number_text(threshold)}.",
        {"threshold": threshold},
    )
    return lambda value: error if _is_number(value) and value and value > threshold else None


def one_of(choices: Collection[object]) -> Rule:
    """The value must be one of ``choices``."""
    return lambda value: None if is_empty(value) or value in choices else NOT_IN_LIST_VALUE


def not_in(choices: Collection[object]) -> Rule:
    """The value must not be one of ``choices``."""
    return lambda value: IN_LIST_VALUE if not is_empty(value) and value in choices else None


def match(pattern: str | re.Pattern[str]) -> Rule:
    """Text in which ``pattern`` (a pattern of our own, never of a user) is found."""
    compiled = re.compile(pattern, re.ASCII) if isinstance(pattern, str) else pattern
    return lambda value: INVALID_FORMAT if isinstance(value, str) and value and not compiled.search(value) else None


def equal_to(other: object) -> Rule:
    """The value must equal ``other``, also when it is empty."""
    return lambda value: None if value == other else VALUES_MISMATCH


def _text_rule(accepts: Callable[[str], bool], error: FieldError) -> Rule:
    def rule(value: object) -> FieldError | None:
        if is_empty(value):
            return None
        return None if isinstance(value, str) and accepts(value) else error

    return rule


# Compiling classes that reach beyond ASCII takes milliseconds, so these two are made on first use.
@cache
def _email() -> re.Pattern[str]:
    above = "\u00a0-\U0010ffff"
    letter = f"[a-zA-Z0-9{above}]"
    atom = rf"[a-zA-Z0-9!#$%&'*+\-/=?^_`{{|}}~{above}]+"
    return re.compile(
        rf"(?:{atom}(?:\.{atom})*|[ \t]*\"[^\"\\\r\n]\")"
        rf"@(?:{letter}(?:[a-zA-Z0-9{above}_~-]*{letter})?\.)+"
        rf"[a-zA-Z{above}](?:[a-zA-Z0-9{above}_~-]*[a-zA-Z{above}])?\.?"
    )


@cache
def _host_name() -> re.Pattern[str]:
    word = "[a-zA-Z0-9_\u00a0-\U0010ffff]"
    return re.compile(rf"{word}(?:[a-zA-Z0-9_.\u00a0-\U0010ffff-]*{word})?")


_DNS_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]{0,62}(?:\.[a-zA-Z0-9_][a-zA-Z0-9_-]{0,62})*\.?")
_DOMAIN = re.compile(r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]{1,63}\.?")
_HEX_COLOR = re.compile(r"#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_URL_SCHEMES = frozenset({"http", "https", "ftp", "tcp", "udp", "ws", "wss"})
_PORT = re.compile(r"[0-9]{1,5}")


def valid_email(text: str) -> bool:
    """``local@domain`` by the rules of the e-mail field; no DNS lookup. Source: records contract, section 12.6."""
    return len(text) <= 320 and _email().fullmatch(text) is not None


def valid_ip(text: str) -> bool:
    """An IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def valid_ip_or_subnet(text: str) -> bool:
    """An address or a CIDR subnet; host bits may be set."""
    if "/" not in text:
        return valid_ip(text)
    address, _, prefix = text.partition("/")
    if not valid_ip(address) or not prefix.isascii() or not prefix.isdigit():
        return False
    return int(prefix) <= (128 if ":" in address else 32)


def valid_domain(text: str) -> bool:
    """A domain of at least two labels, the last of letters only."""
    return len(text) <= 254 and _DOMAIN.fullmatch(text) is not None


def valid_host(text: str) -> bool:
    """An IP address or a DNS name; a single label is enough."""
    if valid_ip(text):
        return True
    return len(text.replace(".", "")) <= 255 and not text.startswith(".") and _DNS_NAME.fullmatch(text) is not None


def valid_url(text: str) -> bool:
    """A URL by the rules of the url field. Source: records contract, section 12.7."""
    if not 4 <= len(text) <= 2082 or text[0] == "." or any(char.isspace() or ord(char) < 0x20 for char in text):
        return False
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "", text
    elif scheme not in _URL_SCHEMES:
        return False
    try:
        parts = urlsplit("//" + rest)
    except ValueError:
        return False
    if re.search(r"%(?![0-9a-fA-F]{2})", parts.path):
        return False
    _, _, host_port = parts.netloc.rpartition("@")
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::([0-9]{1,5}))?", host_port)
    if bracketed:
        return valid_ip(bracketed[1]) and ":" in bracketed[1]
    host, colon, port = host_port.partition(":")
    if colon and not _PORT.fullmatch(port):
        return False
    if re.fullmatch(r"[0-9.]+", host) and host.count(".") == 3:
        return valid_ip(host)
    if not _host_name().fullmatch(host) or ".." in host:
        return False
    # A bare word would make any text a URL.
    return bool(scheme or colon or "." in host)


def valid_hex_color(text: str) -> bool:
    """``#rgb`` or ``#rrggbb``; the hash sign may be missing."""
    return _HEX_COLOR.fullmatch(text) is not None


is_email: Final[Rule] = _text_rule(valid_email, NOT_EMAIL)
is_url: Final[Rule] = _text_rule(valid_url, NOT_URL)
is_host: Final[Rule] = _text_rule(valid_host, NOT_HOST)
is_domain: Final[Rule] = _text_rule(valid_domain, NOT_DOMAIN)
is_hex_color: Final[Rule] = _text_rule(valid_hex_color, NOT_HEX_COLOR)
is_ip_or_subnet: Final[Rule] = _text_rule(valid_ip_or_subnet, NOT_IP_OR_SUBNET)


def number_text(value: float) -> str:
    """A number as messages show it: integers plain, floats in the shortest general form (``1e+06``, ``12.5``)."""
    if isinstance(value, int):
        return str(value)
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    from decimal import Decimal

    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    power = len(digits) - 1 + int(exponent)
    if -4 <= power < 6:
        return format(Decimal(repr(value)).normalize(), "f")
    text = "".join(map(str, digits))
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{'-' if sign else ''}{text[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` was probably meant to be, or None."""
    import difflib

    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def _elements(value: object) -> int:
    return len(value) if isinstance(value, Sized) else 0


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
