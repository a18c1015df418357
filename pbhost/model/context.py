"""The request as rules, hooks and services see it: identity, query, headers, body, in one object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from pbhost.errors import JSON

if TYPE_CHECKING:
    from pbhost.model.record import Record
    from pbhost.model.upload import UploadedFile

#: What ``@request.context`` may be.
ContextName: TypeAlias = Literal["default", "expand", "realtime", "protectedFile", "batch", "oauth2", "otp", "password"]

#: A value of a decoded body. Uploads stand beside JSON values.
BodyValue: TypeAlias = "JSON | UploadedFile | list[JSON | UploadedFile]"

SUPERUSERS = "_superusers"


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """One request, or what stands for one (a batch item, a realtime subscriber, code of a plugin).

    Attributes:
        method: the upper-case HTTP method.
        path: the request path as sent.
        query: first value of each query parameter.
        headers: first value of each header; names lower-case, every other separator ``_`` (``x_api_key``).
        body: the decoded body, before a collection normalises it.
        auth: the authenticated record, or None for a guest.
        token: the token that the identity came from, "" for a guest.
        context: ``@request.context``.
        ip: the client's real IP (trusted proxies applied).
        remote_ip: the address of the socket.
        extra: free store for plugins; keys are prefixed by the plugin's name.
    """

    method: str = "GET"
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, BodyValue] = field(default_factory=dict)
    auth: Record | None = None
    token: str = ""
    context: ContextName = "default"
    ip: str = ""
    remote_ip: str = ""
    extra: dict[str, object] = field(default_factory=dict)

    @property
    def is_superuser(self) -> bool:
        """Whether the identity is a record of the superusers collection."""
        return self.auth is not None and self.auth.collection.name == SUPERUSERS

    def derive(
        self,
        *,
        context: ContextName | None = None,
        body: Mapping[str, BodyValue] | None = None,
        auth: Record | Literal["keep"] | None = "keep",
        method: str | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RequestContext:
        """A copy with some parts replaced."""
        # Written out, and past the constructor: dataclasses.replace takes ten times as long, and every write of the API
        # derives a context.
        twin = RequestContext.__new__(RequestContext) if type(self) is RequestContext else type(self)()
        twin.method = self.method if method is None else method
        twin.path = self.path
        twin.query = self.query if query is None else query
        twin.headers = self.headers if headers is None else headers
        twin.body = self.body if body is None else body
        twin.auth = self.auth if auth == "keep" else auth
        twin.token = self.token
        twin.context = self.context if context is None else context
        twin.ip = self.ip
        twin.remote_ip = self.remote_ip
        twin.extra = self.extra
        return twin
