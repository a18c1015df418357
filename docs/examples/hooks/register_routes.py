"""A route with a parameter, and one for superusers only."""

from pbhost import Route, hookimpl


@hookimpl
def register_routes(app):
    async def hello(request):
        return {"hello": request.match_info["name"]}

    async def totals(request):
        return {item.name: await app.records.count(item) for item in app.collections.all() if not item.is_view}

    return [
        Route("GET", "/api/hello/{name}", hello, summary="Says hello"),
        Route("GET", "/api/totals", totals, guard="superuser", summary="Records by collection"),
    ]
