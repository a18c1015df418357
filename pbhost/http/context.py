"""The request context of an HTTP request: what rules and hooks may ask is read from the request when they ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from aiohttp import hdrs, web

from pbhost.model import RequestContext

_SEPARATORS = re.compile(r"[^a-z0-9]+")


class LazyMapping(Mapping[str, str]):
    """A mapping that is made on first use."""

    __slots__ = ("_data", "_make")

    def __init__(self, make: Callable[[], dict[str, str]]) -> None:
        self._make = make
        self._data: dict[str, str] | None = None

    def _loaded(self) -> dict[str, str]:
        data = self._data
        if data is None:
            data = self._data = self._make()
        return data

    def __getitem__(self, key: str) -> str:
        return self._loaded()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded())

    def __len__(self) -> int:
        return len(self._loaded())

    def __repr__(self) -> str:
        return repr(self._loaded())


def make_context(request: web.Request, path: str, ip: str, remote_ip: str) -> RequestContext:
    """The context of a request before its identity and body are known."""
    return RequestContext(
        method=request.method,
        path=path,
        query=LazyMapping(lambda: first_values(request)),
        headers=LazyMapping(lambda: normalised_headers(request)),
        ip=ip,
        remote_ip=remote_ip,
    )


def first_values(request: web.Request) -> dict[str, str]:
    """The first value of each query parameter."""
    values: dict[str, str] = {}
    for key, value in request.query.items():
        values.setdefault(key, value)
    return values


def normalised_headers(request: web.Request) -> dict[str, str]:
    """The first value of each header under its name in rules: ``X-Api-Key`` is ``x_api_key``."""
    values: dict[str, str] = {}
    for key, value in request.headers.items():
        values.setdefault(_SEPARATORS.sub("_", key.lower()).strip("_"), value)
    return values


def bearer_token(request: web.Request) -> str:
    """The token of the ``Authorization`` header: bare, or after ``Bearer`` and one space; "" if there is none."""
    value = request.headers.get(hdrs.AUTHORIZATION, "")
    if len(value) > 7 and value[:7].lower() == "bearer ":
        return value[7:]
    return value
