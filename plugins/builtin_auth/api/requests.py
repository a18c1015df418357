"""What every auth endpoint begins with: the collection of the path and the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from builtin_auth.errors import LOADING_FAILED
from pbhost.errors import BadRequestError, NotFoundError, PayloadTooLargeError
from pbhost.http import context_of, read_body
from pbhost.model import Collection, RequestContext

if TYPE_CHECKING:
    from pbhost.app import App

UNSUPPORTED = "Unsupported Content-Type."


def auth_collection(app: App, request: web.Request) -> Collection:
    """The auth collection that the path names.

    Raises:
        NotFoundError: there is none, or it is of another type.
    """
    collection = app.collections.find(request.match_info["collection"])
    if collection is None:
        raise NotFoundError("Missing or invalid collection context.")
    if not collection.is_auth:
        raise NotFoundError("Missing or invalid auth collection context.")
    return collection


async def load(request: web.Request, *, name_unsupported: bool = True) -> RequestContext:
    """The context of the request with its body read.

    Args:
        name_unsupported: whether an unsupported content type keeps its own message.

    Raises:
        BadRequestError: the body cannot be read as what it claims to be.
    """
    try:
        await read_body(request)
    except PayloadTooLargeError:
        raise
    except BadRequestError as error:
        if error.message == UNSUPPORTED and name_unsupported:
            raise
        raise BadRequestError(LOADING_FAILED, cause=error.cause) from error
    return context_of(request)
