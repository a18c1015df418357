"""A derived request context: everything that is not replaced stays what it was."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pytest

from pbhost.model import Collection, Record, RequestContext


def _context(kind: type[RequestContext] = RequestContext) -> RequestContext:
    return kind(
        method="POST",
        path="/api/x",
        query={"a": "b"},
        headers={"x_y": "z"},
        body={"title": "t"},
        auth=Record(Collection(name="users")),
        token="abc",
        context="batch",
        ip="10.0.0.1",
        remote_ip="10.0.0.2",
        extra={"plugin": 1},
    )


@dataclass(slots=True, kw_only=True)
class _Ours(RequestContext):
    more: str = "of a plugin"


@pytest.mark.parametrize("kind", [RequestContext, _Ours])
def test_only_what_is_named_is_replaced(kind: type[RequestContext]) -> None:
    before = _context(kind)
    replaced: dict[str, object] = {
        "context": "expand",
        "body": {},
        "auth": None,
        "method": "GET",
        "query": {},
        "headers": {},
    }
    for name, value in replaced.items():
        after = before.derive(**{name: value})  # type: ignore[arg-type]  # each of its own type
        assert type(after) is kind
        assert after is not before
        for item in fields(before):
            expected = value if item.name == name else getattr(before, item.name)
            assert getattr(after, item.name) is expected, item.name
