"""``manageRule``: who may change another's account without its password, and who sees an e-mail that is not public."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping

import pytest

from .matrix import CALLERS, Matrix

#: Rule, and whom it gives manage access to write and to read. Guests never write by it.
RULES: Mapping[str, tuple[str | None, frozenset[str], frozenset[str]]] = {
    "nobodys": (None, frozenset(("superuser",)), frozenset(("superuser",))),
    "keepers": ("keeper = @request.auth.id", frozenset(("owner", "superuser")), frozenset(("owner", "superuser"))),
    "staffs": (
        "@request.auth.collectionName = 'staff'",
        frozenset(("staff", "superuser")),
        frozenset(("staff", "superuser")),
    ),
    "anybodys": ("id != ''", frozenset(("owner", "other", "staff", "superuser")), frozenset(CALLERS)),
}
CHANGES: Mapping[str, Mapping[str, object]] = {
    "email": {"email": "changed-%s@example.com"},
    "verified": {"verified": True},
    "password": {"password": "another-password", "passwordConfirm": "another-password"},
}


@pytest.fixture(scope="module", autouse=True)
def collections(runner: asyncio.Runner, matrix: Matrix) -> None:
    """An auth collection for each manage rule; its other rules are public, so that nothing else decides."""

    async def define() -> None:
        users = (await matrix.send("GET", "/api/collections/users"))["id"]
        for name, (rule, _, _) in RULES.items():
            fields = [{"name": "keeper", "type": "relation", "collectionId": users, "maxSelect": 1}]
            body = {"name": name, "type": "auth", "fields": fields, "manageRule": rule}
            body |= {f"{kind}Rule": "" for kind in ("list", "view", "create", "update", "delete")}
            answer = await matrix.send("POST", "/api/collections", body)
            assert answer.status == 200, answer.body

    runner.run(define())


async def account(matrix: Matrix, collection: str) -> str:
    number = await matrix.running.app.records.count(collection)
    body = {"email": f"account{number}@example.com", "password": "old-password", "passwordConfirm": "old-password"}
    return await matrix.create(collection, **body, keeper=matrix.ids["owner"])


@pytest.mark.parametrize(("rule", "change"), list(itertools.product(RULES, CHANGES)))
def test_who_changes_an_account_without_its_password(
    runner: asyncio.Runner, matrix: Matrix, rule: str, change: str
) -> None:
    async def changes(caller: str) -> bool:
        id_ = await account(matrix, rule)
        body = {
            key: value % id_ if isinstance(value, str) and "%s" in value else value
            for key, value in CHANGES[change].items()
        }
        answer = await matrix.send("PATCH", f"/api/collections/{rule}/records/{id_}", body, caller)
        assert answer.status in (200, 400), answer.body
        assert answer.status == 200 or answer["data"], "a field says what is missing"
        return answer.status == 200

    assert {caller for caller in CALLERS if runner.run(changes(caller))} == RULES[rule][1]


@pytest.mark.parametrize("rule", RULES)
def test_who_creates_a_verified_account(runner: asyncio.Runner, matrix: Matrix, rule: str) -> None:
    async def creates(caller: str) -> bool:
        body = {"password": "old-password", "passwordConfirm": "old-password", "verified": True}
        body |= {"email": f"by-{caller}@example.com", "keeper": matrix.ids["owner"]}
        answer = await matrix.send("POST", f"/api/collections/{rule}/records", body, caller)
        assert answer.status in (200, 400), answer.body
        return answer.status == 200

    assert {caller for caller in CALLERS if runner.run(creates(caller))} == RULES[rule][1]


@pytest.mark.parametrize("rule", RULES)
def test_who_sees_an_email_that_is_not_public(runner: asyncio.Runner, matrix: Matrix, rule: str) -> None:
    async def sees(caller: str) -> bool:
        id_ = await account(matrix, rule)
        one = await matrix.send("GET", f"/api/collections/{rule}/records/{id_}", caller=caller)
        page = await matrix.send("GET", f"/api/collections/{rule}/records?filter=id='{id_}'", caller=caller)
        assert (one.status, page.status) == (200, 200)
        assert isinstance(one.body, dict)
        assert ("email" in page.at("items", 0)) is ("email" in one.body)
        return "email" in one.body

    assert {caller for caller in CALLERS if runner.run(sees(caller))} == RULES[rule][2]
