"""The request context of an HTTP request: what rules and hooks may ask is read from the request when they ask."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from pbhost.errors import BadRequestError
from pbhost.http.types import CONTEXT
from pbhost.model import RequestContext

_SEPARATORS = re.compile(r"[^a-z0-9]+")


class _Lazy(Mapping[str, str]):
    """A mapping that is made on first use.

    It keeps the part of the request that it is made from, never the request itself: that would be a reference cycle
    for the garbage collector to find in each of thousands of requests per second.
    """

    __slots__ = ("_data",)

    _data: dict[str, str] | None

    def _make(self) -> dict[str, str]:
        raise NotImplementedError

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


class QueryValues(_Lazy):
    """The first value of each query parameter."""

    __slots__ = ("_source",)

    def __init__(self, url: URL) -> None:
        self._data = None
        self._source = url

    def _make(self) -> dict[str, str]:
        values: dict[str, str] = {}
        for key, value in self._source.query.items():
            values.setdefault(key, value)
        return values


class HeaderValues(_Lazy):
    """The first value of each header under its name in rules: ``X-Api-Key`` is ``x_api_key``."""

    __slots__ = ("_source",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._data = None
        self._source = headers

    def _make(self) -> dict[str, str]:
        values: dict[str, str] = {}
        for key, value in self._source.items():
            values.setdefault(_SEPARATORS.sub("_", key.lower()).strip("_"), value)
        return values


def make_context(request: web.Request, path: str, ip: str, remote_ip: str) -> RequestContext:
    """The context of a request before its identity and body are known."""
    return RequestContext(
        method=request.method,
        path=path,
        query=QueryValues(request.rel_url),
        headers=HeaderValues(request.headers),
        ip=ip,
        remote_ip=remote_ip,
    )


def bearer_token(request: web.Request) -> str:
    """The token of the ``Authorization`` header: bare, or after ``Bearer`` and one space; "" if there is none."""
    value = request.headers.get(hdrs.AUTHORIZATION, "")
    if len(value) > 7 and value[:7].lower() == "bearer ":
        return value[7:]
    return value


def without_headers(request: web.Request, names: Collection[str]) -> web.Request:
    """The request without some of its headers, also in rules and hooks: for a middleware to pass on.

    Args:
        request: its body must not have been read.
        names: as sent, in any case. ``X-User`` and ``X_User`` are one name in rules and two here.

    Raises:
        BadRequestError: another header has no UTF-8 form.
    """
    dropped = {name.lower() for name in names}
    kept = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in dropped)
    if len(kept) == len(request.headers):
        return request
    try:
        other = request.clone(headers=kept)
    except UnicodeEncodeError as error:
        raise BadRequestError(cause="a header has no UTF-8 form") from error
    # One state for both: what handlers leave there for the pipeline is looked for in the request that came in.
    other._state = request._state
    other[CONTEXT].headers = HeaderValues(other.headers)
    return other
