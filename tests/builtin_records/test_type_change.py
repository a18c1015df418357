"""A collection cannot change its type; that is the one thing that an import says of such an attempt."""

from __future__ import annotations

import json

import pytest

from pbhost.testing import Client

REFUSED = {"type": {"code": "validation_collection_type_change", "message": "Collection type cannot be changed."}}


@pytest.mark.parametrize("type_", ["auth", "view"])
async def test_an_import_as_another_type_is_refused_with_one_reason(superuser: Client, type_: str) -> None:
    made = await superuser.post("/api/collections", {"name": "things", "type": "base"})
    entry = {"id": made["id"], "name": "things", "type": type_, "viewQuery": "SELECT 1 AS id"}
    imported = await superuser.put("/api/collections/import", {"collections": [entry]})
    assert imported.status == 400
    reason = imported["data"]["collections"]["message"]
    head, _, errors = reason.partition("\n")
    assert head == f'Data validations failed for collection "things" ({made["id"]}):'
    assert json.loads(errors.removesuffix(".")) == REFUSED
