"""Which connections are bound to which auth record, and how they follow its changes (realtime contract §3)."""

from __future__ import annotations

from builtin_realtime.client import Client
from pbhost.model import Collection, Record


class Identities:
    """Clients by the auth record they are bound to."""

    def __init__(self) -> None:
        self._bound: dict[tuple[str, str], dict[str, Client]] = {}
        #: auth collection id → the secret of its auth tokens when it was last looked at.
        self._secrets: dict[str, object] = {}

    def bind(self, client: Client, auth: Record | None) -> None:
        """A client authenticated (or became a guest)."""
        self.release(client)
        client.auth = auth
        if auth is not None:
            self._bound.setdefault((auth.collection.id, auth.id), {})[client.id] = client

    def release(self, client: Client) -> None:
        """A client is gone, or about to be bound anew."""
        if client.auth is not None:
            key = (client.auth.collection.id, client.auth.id)
            clients = self._bound.get(key)
            if clients is not None:
                clients.pop(client.id, None)
                if not clients:
                    del self._bound[key]

    def has(self, collection_id: str, record_id: str) -> bool:
        """Whether any client is bound to the record."""
        return (collection_id, record_id) in self._bound

    def record_changed(self, collection_id: str, record_id: str, fresh: Record | None) -> None:
        """The bound record was updated (``fresh``) or deleted (None)."""
        for client in list(self._bound.get((collection_id, record_id), {}).values()):
            stale = client.auth
            same_key = fresh is not None and stale is not None and fresh.get("tokenKey") == stale.get("tokenKey")
            self.bind(client, fresh if same_key else None)

    def schema_changed(self, collections: list[Collection]) -> None:
        """Secrets were rotated or collections deleted: those bound to them become guests."""
        current = {
            item.id: (item.options.get("authToken") or {}).get("secret")  # type: ignore[union-attr]  # JSON object
            for item in collections
            if item.is_auth
        }
        for collection_id, record_id in list(self._bound):
            known = self._secrets.get(collection_id, current.get(collection_id))
            if collection_id not in current or current[collection_id] != known:
                self.record_changed(collection_id, record_id, None)
        self._secrets = dict(current)
