"""Adds a header to every answer; a low priority is further out."""

from pbhost import Middleware, hookimpl


async def tag(request, next_step):
    response = await next_step(request)
    response.headers["X-Served-By"] = "blog"
    return response


@hookimpl
def register_middlewares(app):
    return [Middleware("blog.tag", tag, priority=-2000)]
