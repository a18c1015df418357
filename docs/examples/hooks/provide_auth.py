"""Accepts no token of a blocked account, from the next request on."""

from pbhost import hookimpl

blocked = set()


class Blocking:
    def __init__(self, auth):
        self._auth = auth

    def __getattr__(self, name):
        return getattr(self._auth, name)

    def cached_identity(self, token):
        record = self._auth.cached_identity(token)
        return None if record is None or record.id in blocked else record

    async def identify(self, token):
        record = await self._auth.identify(token)
        return None if record is None or record.id in blocked else record


class Plugin:
    @hookimpl
    def provide_auth(self, app):
        return Blocking(app.inherited("auth", by=self))


plugin = Plugin()
