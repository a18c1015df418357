"""One aiohttp resource for all routes, resolved by the trie."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from aiohttp import hdrs, web
from aiohttp.web_urldispatcher import AbstractResource, AbstractRoute, UrlMappingMatchInfo
from yarl import URL

from pbhost.errors import NotFoundError, PluginError
from pbhost.http.pipeline import Endpoint, Pipeline
from pbhost.http.trie import RouteTrie, clean_path
from pbhost.http.types import Middleware, Route

if TYPE_CHECKING:
    from aiohttp.web_urldispatcher import _InfoDict

log = logging.getLogger("pbhost.http")


class _TrieRoute(AbstractRoute):
    """What aiohttp wants to see of a route."""

    def __init__(self, endpoint: Endpoint, resource: AbstractResource) -> None:
        super().__init__(hdrs.METH_ANY, endpoint.serve, resource=resource)
        self.endpoint = endpoint

    @property
    def name(self) -> str | None:
        return None

    def get_info(self) -> _InfoDict:
        return {"path": self.endpoint.route.path}

    def url_for(self, *args: str, **kwargs: str) -> URL:
        raise NotImplementedError("routes of pbhost have no names")


class TrieResource(AbstractResource):
    """All routes of a server."""

    def __init__(self, pipeline: Pipeline, routes: Iterable[Route], middlewares: Iterable[Middleware] = ()) -> None:
        super().__init__(name=None)
        self._pipeline = pipeline
        by_id = {middleware.id: middleware for middleware in middlewares}
        self._middlewares = list(by_id.values())
        self._trie: RouteTrie[_TrieRoute] = RouteTrie()
        for route in routes:
            try:
                replaced = self._trie.add(route.method, route.path, self._route(route))
            except ValueError as error:
                raise PluginError(f"{route.method} {route.path}: {error}") from error
            if replaced is not None:
                log.debug("route %s %s is replaced", route.method, route.path)
        self._not_found = self._route(Route("*", "/{path...}", _not_found, summary="what no route matches"))
        self._preflight = _TrieRoute(_Fixed(pipeline, pipeline.preflight), self)
        self._redirect = _TrieRoute(_Fixed(pipeline, _redirect), self)

    def _route(self, route: Route) -> _TrieRoute:
        return _TrieRoute(Endpoint(self._pipeline, route, self._middlewares), self)

    def routes(self) -> list[Route]:
        """The routes that can be reached, by path and method."""
        return [leaf.value.endpoint.route for leaf in self._trie.leaves()]

    def replace(self, other: TrieResource) -> None:
        """Takes over the routes of another resource; requests that run already are not touched."""
        self._trie = other._trie
        self._not_found = other._not_found

    def match(self, request: web.Request) -> UrlMappingMatchInfo:
        """The route of a request: always one, for what no route matches is logged and limited too."""
        path = request.rel_url.raw_path
        method = request.method
        if ("//" in path or "/." in path) and clean_path(path) is not None:
            return UrlMappingMatchInfo({}, self._redirect)
        if method == hdrs.METH_OPTIONS:
            return UrlMappingMatchInfo({}, self._preflight)
        found = self._trie.resolve(method, path)
        if found is None:
            return UrlMappingMatchInfo({}, self._not_found)
        leaf, params = found
        return UrlMappingMatchInfo(params, leaf.value)

    async def resolve(self, request: web.Request) -> tuple[UrlMappingMatchInfo | None, set[str]]:
        """aiohttp's entry to a resource."""
        return self.match(request), set()

    # -- what aiohttp asks of any resource ---------------------------------------------------------------------------

    @property
    def canonical(self) -> str:
        return "/"

    def url_for(self, **kwargs: str) -> URL:
        raise NotImplementedError("routes of pbhost have no names")

    def add_prefix(self, prefix: str) -> None:
        raise NotImplementedError("pbhost is not mounted below a prefix")

    def get_info(self) -> _InfoDict:
        return {"path": "/"}

    def raw_match(self, path: str) -> bool:
        return False

    def __len__(self) -> int:
        return len(self._trie.leaves())

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter([leaf.value for leaf in self._trie.leaves()])


class _Fixed(Endpoint):
    """An answer that no step stands before."""

    def __init__(self, pipeline: Pipeline, answer: Callable[[web.Request], web.Response]) -> None:
        super().__init__(pipeline, Route("*", "/{path...}", _not_found))
        self._fixed = answer

    async def serve(self, request: web.Request) -> web.StreamResponse:
        return self._fixed(request)


async def _not_found(request: web.Request) -> object:
    raise NotFoundError


def _redirect(request: web.Request) -> web.Response:
    target = clean_path(request.rel_url.raw_path) or "/"
    query = request.rel_url.raw_query_string
    location = f"{target}?{query}" if query else target
    return web.Response(
        status=307,
        headers={hdrs.LOCATION: location},
        text='<a href="/">Temporary Redirect</a>.\n',
        content_type="text/html",
    )
