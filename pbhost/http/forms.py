"""Form values: what the text of a form field means, and how fields, query and ``@jsonPayload`` become one body.

Source: records contract, section 3.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from urllib.parse import unquote_to_bytes

from pbhost.errors import JSON, BadRequestError
from pbhost.http.json_text import loads

#: A form field of this name holds a JSON object that is merged over all other fields.
JSON_PAYLOAD = "@jsonPayload"

_NUMBER_LIKE = re.compile(r"[0-9-][0-9.-]*")
_BAD_ESCAPE = re.compile(rb"%(?![0-9a-fA-F]{2})")

Pair = tuple[str, str]


def infer(text: str) -> JSON:
    """The value that the text of a form field stands for: a boolean, a number in its shortest spelling, or the text."""
    if text == "true":
        return True
    if text == "false":
        return False
    # 330 characters hold the longest plain spelling of a double; anything longer is no number.
    if not _NUMBER_LIKE.fullmatch(text) or len(text) > 330:
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    if format(Decimal(repr(number)), "f").removesuffix(".0") != text:
        return text
    return int(number) if number.is_integer() and text != "-0" else number


def parse_pairs(data: bytes) -> list[Pair]:
    """The pairs of a urlencoded body or query string, in order.

    Raises:
        BadRequestError: a broken percent escape or a semicolon, which proxies read differently.
    """
    pairs: list[Pair] = []
    for part in data.split(b"&"):
        if not part:
            continue
        if b";" in part or _BAD_ESCAPE.search(part):
            raise BadRequestError(cause="malformed urlencoded data")
        key, _, value = part.partition(b"=")
        pairs.append((_decode(key), _decode(value)))
    return pairs


def _decode(data: bytes) -> str:
    return unquote_to_bytes(data.replace(b"+", b" ")).decode("utf-8", "replace")


def form_body(pairs: Iterable[Pair]) -> dict[str, JSON]:
    """The body that form fields make: inferred values, a list for a repeated key, ``@jsonPayload`` merged last.

    Raises:
        BadRequestError: a ``@jsonPayload`` that is not a JSON object.
    """
    values: dict[str, list[JSON]] = {}
    payloads: list[str] = []
    for key, text in pairs:
        if key == JSON_PAYLOAD:
            payloads.append(text)
        else:
            values.setdefault(key, []).append(infer(text))
    body: dict[str, JSON] = {key: items[0] if len(items) == 1 else items for key, items in values.items()}
    for payload in payloads:
        body.update(json_object(payload.encode("utf-8", "surrogatepass")))
    return body


def json_object(text: bytes) -> dict[str, JSON]:
    """A body that must be a JSON object; ``null`` is an empty one.

    Raises:
        BadRequestError: anything else.
    """
    value = loads(text)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequestError(cause="the JSON body is not an object")
    return value
