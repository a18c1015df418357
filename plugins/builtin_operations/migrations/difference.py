"""What changed between two states of a collection, in the terms of a migration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pbhost.errors import JSON

_UNRECORDED: Final = ("created", "updated")


@dataclass(frozen=True, slots=True)
class Update:
    """How to get from one state to another.

    Attributes:
        id: the collection.
        changes: keys with new values.
        removed: ids of fields that go.
        placed: new, changed and moved fields by their place.
    """

    id: str
    changes: Mapping[str, JSON] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    placed: Mapping[int, Mapping[str, JSON]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.changes or self.removed or self.placed)


def recorded_form(public: Mapping[str, JSON]) -> dict[str, JSON]:
    """The public JSON of a collection (which has no secrets) without what differs from server to server."""
    out = {key: value for key, value in public.items() if key not in _UNRECORDED}
    oauth2 = out.get("oauth2")
    if isinstance(oauth2, dict):
        out["oauth2"] = {key: value for key, value in oauth2.items() if key != "providers"}
    return out


def difference(old: Mapping[str, JSON], new: Mapping[str, JSON]) -> Update:
    """What has to be done to ``old`` (a recorded form) to make it ``new``."""
    changes = {key: value for key, value in new.items() if key not in ("fields", "id") and old.get(key) != value}
    before, after = _fields(old), _fields(new)
    wanted = {_id(item): item for item in after}
    removed = tuple(_id(item) for item in before if _id(item) not in wanted)
    order = [item for item in before if _id(item) in wanted]
    placed: dict[int, Mapping[str, JSON]] = {}
    for position, item in enumerate(after):
        if position < len(order) and order[position] == item:
            continue
        placed[position] = item
        order = [other for other in order if _id(other) != _id(item)]
        order.insert(position, item)
    return Update(str(new["id"]), changes, removed, placed)


def _fields(data: Mapping[str, JSON]) -> list[dict[str, JSON]]:
    fields = data.get("fields")
    return [item for item in fields if isinstance(item, dict)] if isinstance(fields, list) else []


def _id(item: Mapping[str, JSON]) -> str:
    return str(item.get("id"))
