"""Signing in with a badge: ``POST /api/collections/users/auth-with-badge`` with ``{"badge": "…"}``."""

from pbhost import BadRequestError, hookimpl

BADGES = {"4711": "ann@example.com"}


class Badge:
    name = "badge"

    def __init__(self, app):
        self._app = app

    def is_enabled(self, collection):
        return collection.name == "users"

    def public_info(self, collection):
        return "badge", {"enabled": self.is_enabled(collection)}

    async def authenticate(self, collection, context):
        email = BADGES.get(str(context.body.get("badge")))
        record = await self._app.records.find_first(collection, "email = {:email}", {"email": email or ""})
        if record is None:
            raise BadRequestError("No such badge.")
        return await self._app.auth.respond(record, context, method=self.name)


@hookimpl
def register_auth_methods(app):
    return [Badge(app)]
