"""Run by test_python_sdk in a process of its own: the SDK never closes its sockets."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from pocketbase import PocketBase
from pocketbase.client import FileUpload
from pocketbase.utils import ClientResponseError


def refusal(call: Callable[[], object]) -> int:
    """The status of a call that is expected to be refused."""
    try:
        call()
    except ClientResponseError as error:
        return int(error.status)
    raise AssertionError("the call was expected to be refused")


def records_files_and_live_updates(url: str, email: str, password: str) -> None:
    admin = PocketBase(url)
    admin.collection("_superusers").auth_with_password(email, password)
    fields = [
        {"name": "title", "type": "text", "required": True},
        {"name": "count", "type": "number"},
        {"name": "doc", "type": "file", "maxSelect": 1},
    ]
    admin.collections.create({"name": "notes", "type": "base", "listRule": "", "viewRule": "", "fields": fields})

    seen: list[Any] = []
    arrived = threading.Event()

    def listen(event: Any) -> None:
        seen.append((event.action, event.record.title))
        arrived.set()

    guest = PocketBase(url)
    guest.collection("notes").subscribe(listen)
    # The SDK connects in a thread of its own and does not say when it is subscribed.
    for _ in range(50):
        made = admin.collection("notes").create({"title": "first", "count": 3})
        if arrived.wait(0.2):
            break
        admin.collection("notes").delete(made.id)
    assert seen[0] == ("create", "first"), "the subscription never heard of a new record"
    guest.collection("notes").unsubscribe()

    for index in range(4):
        admin.collection("notes").create({"title": f"note {index}", "count": index})
    page = guest.collection("notes").get_list(1, 2, {"filter": "count >= 1", "sort": "-count"})
    assert (page.total_items, [item.title for item in page.items]) == (4, ["first", "note 3"])
    assert len(guest.collection("notes").get_full_list()) == 5

    upload = FileUpload(("read me.txt", b"content", "text/plain"))
    changed = admin.collection("notes").update(made.id, {"doc": upload, "count+": 2})
    assert (changed.count, changed.doc.startswith("read_me_")) == (5, True)
    admin.collection("notes").delete(made.id)
    assert refusal(lambda: guest.collection("notes").get_one(made.id)) == 404


def sign_up_and_sign_in(url: str) -> None:
    client = PocketBase(url)
    client.collection("users").create(
        {"email": "ann@example.com", "password": "password-of-ann", "passwordConfirm": "password-of-ann"}
    )
    signed_in = client.collection("users").auth_with_password("ann@example.com", "password-of-ann")
    assert signed_in.record.id
    assert client.collection("users").auth_refresh().token
    assert refusal(lambda: client.collection("users").auth_with_password("ann@example.com", "wrong-password")) == 400


records_files_and_live_updates(*sys.argv[1:])
sign_up_and_sign_in(sys.argv[1])
print("done")
