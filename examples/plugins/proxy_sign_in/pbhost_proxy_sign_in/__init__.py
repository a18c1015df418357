"""Sign-in by the identity that a trusted proxy states in a header (oauth2-proxy, Authelia, Cloudflare Access …)."""

from __future__ import annotations

from pbhost import App, Middleware, hookimpl
from pbhost.errors import JSON
from pbhost_proxy_sign_in.headers import HeaderGate
from pbhost_proxy_sign_in.method import ProxyMethod
from pbhost_proxy_sign_in.options import Options

HEADER: dict[str, JSON] = {"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$"}
CONFIG_SCHEMA: dict[str, JSON] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "proxies": {"type": "array", "items": {"type": "string"}, "default": []},
        "secret": {"type": "string", "default": "", "writeOnly": True},
        "secret_header": {**HEADER, "default": "X-Proxy-Secret"},
        "user_header": {**HEADER, "default": "X-Forwarded-User"},
        "email_header": {**HEADER, "default": "X-Forwarded-Email"},
        "name_header": {**HEADER, "default": "X-Forwarded-Preferred-Username"},
        "collections": {"type": "array", "items": {"type": "string"}, "default": ["users"]},
        "create": {"type": "boolean", "default": True},
        "link": {"type": "boolean", "default": False},
    },
}

#: Outside of every built-in step, so that nothing sees a header that should not be there.
OUTERMOST = -10_000


class ProxySignInPlugin:
    """The hooks of this plugin."""

    NAME = "proxy_sign_in"
    requires_pbhost = ">=0.1,<1"
    requires_services = ("auth", "records", "password_hasher")
    CONFIG_SCHEMA = CONFIG_SCHEMA

    @hookimpl
    def register_middlewares(self, app: App) -> list[Middleware]:
        """Takes identity headers off every request that is not the proxy's."""
        gate = HeaderGate(Options.load(app.options(self.NAME)))
        return [Middleware("proxy_sign_in", gate.call, priority=OUTERMOST)]

    @hookimpl
    def register_auth_methods(self, app: App) -> list[ProxyMethod]:
        """``POST /api/collections/{collection}/auth-with-proxy``."""
        return [ProxyMethod(app, Options.load(app.options(self.NAME)))]


plugin = ProxySignInPlugin()
