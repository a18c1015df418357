"""Run by test_record_additions in a process of its own: what pbhost adds to records, by requests of the Python SDK."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from pocketbase import PocketBase
from pocketbase.utils import ClientResponseError

RECORDS = "/api/collections/orders/records"
OWN = "owner = @request.auth.id"


def refusal(call: Callable[[], object]) -> ClientResponseError:
    """The error of a call that is expected to be refused."""
    try:
        call()
    except ClientResponseError as error:
        return error
    raise AssertionError("the call was expected to be refused")


def send(client: PocketBase, method: str, path: str, **options: object) -> Any:
    return client.send(path, {"method": method, **options})


def sign_up(url: str, name: str) -> tuple[PocketBase, str]:
    client = PocketBase(url)
    password = f"password-of-{name}"
    account = {"email": f"{name}@example.com", "password": password, "passwordConfirm": password}
    record = client.collection("users").create(account)
    client.collection("users").auth_with_password(account["email"], password)
    return client, record.id


def main(url: str, email: str, password: str) -> None:
    admin = PocketBase(url)
    admin.collection("_superusers").auth_with_password(email, password)
    schema = {"type": "object", "properties": {"items": {"type": "array", "items": {"type": "number", "minimum": 0}}}}
    made = send(
        admin,
        "POST",
        "/api/collections",
        body={
            "name": "orders",
            "type": "base",
            **{f"{kind}Rule": "" for kind in ("list", "view", "create", "update")},
            "fields": [
                {"name": "title", "type": "text"},
                {"name": "number", "type": "number"},
                {"name": "margin", "type": "number"},
                {"name": "owner", "type": "relation", "collectionId": "_pb_users_auth_", "maxSelect": 1},
                {"name": "lines", "type": "json", "schema": schema},
            ],
            "fieldRules": {"margin": {"read": OWN, "write": OWN}},
        },
    )
    assert made["fieldRules"]["margin"] == {"read": OWN, "write": OWN}
    ann, ann_id = sign_up(url, "ann")
    bob, _ = sign_up(url, "bob")

    # Rules of fields: what may not be written is left out, what may not be read is not there.
    mine = ann.collection("orders").create({"title": "mine", "margin": 7, "owner": ann_id})
    assert mine.margin == 7
    theirs = bob.collection("orders").create({"title": "theirs", "margin": 9, "owner": ann_id})
    assert not hasattr(theirs, "margin")
    assert ann.collection("orders").get_one(theirs.id).margin == 0
    assert not hasattr(bob.collection("orders").get_one(mine.id), "margin")
    found = bob.collection("orders").get_list(1, 10, {"filter": "margin > 0 || margin <= 0"})
    assert found.total_items == 0
    bob.collection("orders").update(mine.id, {"margin": 1, "title": "changed"})
    assert (ann.collection("orders").get_one(mine.id).margin, mine.title) == (7, "mine")

    # JSON Schema: a field error with a path.
    error = refusal(lambda: ann.collection("orders").create({"lines": {"items": [1, -2]}}))
    assert error.status == 400
    violated = error.data["data"]["lines"]
    assert (violated["code"], violated["params"]) == (
        "validation_json_schema",
        {"path": "/items/1", "keyword": "minimum"},
    )
    assert ann.collection("orders").create({"lines": {"items": [1, 2]}}).lines == {"items": [1, 2]}

    # Cursors: every record once, while others come and go.
    for number in range(12):
        admin.collection("orders").create({"title": f"n{number}", "number": number // 3})
    expected = {record.id for record in bob.collection("orders").get_full_list()}
    seen: list[str] = []
    cursor = ""
    while True:
        page = send(bob, "GET", RECORDS, params={"sort": "number", "perPage": 4, "cursor": cursor})
        assert page["totalItems"] == -1
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
        if not cursor:
            break
        admin.collection("orders").create({"title": "early", "number": -1})
    assert len(seen) == len(set(seen))
    assert set(seen) == expected
    first = send(bob, "GET", RECORDS, params={"sort": "number", "perPage": 1, "cursor": ""})["nextCursor"]
    other = {"sort": "title", "cursor": first}
    assert refusal(lambda: send(bob, "GET", RECORDS, params=other)).status == 400


main(*sys.argv[1:])
print("done")
