"""Every label and audience of the rate limits, over HTTP, on a whole server (operations contract, section 19.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pbhost.testing import Running, running_app

PASSWORD = "password-of-user"
NOTES = "/api/collections/notes"
USERS = "/api/collections/users"


@dataclass(frozen=True)
class Call:
    """A request, and the tags by which a rule may name it; the collection's name is the first part of the label."""

    method: str
    path: str
    tags: tuple[str, ...]
    collection: str = "notes"


CALLS = [
    Call("GET", f"{NOTES}/records", ("list",)),
    Call("GET", f"{NOTES}/records/{'n' * 15}", ("view",)),
    Call("POST", f"{NOTES}/records", ("create",)),
    Call("PATCH", f"{NOTES}/records/{'n' * 15}", ("update",)),
    Call("DELETE", f"{NOTES}/records/{'m' * 15}", ("delete",)),
    Call("GET", f"/api/files/notes/{'n' * 15}/nothing.txt", ("file",)),
    Call("GET", f"{USERS}/auth-methods", ("listAuthMethods",), "users"),
    Call("POST", f"{USERS}/auth-refresh", ("authRefresh",), "users"),
    Call("POST", f"{USERS}/auth-with-password", ("authWithPassword", "auth"), "users"),
    Call("POST", f"{USERS}/auth-with-oauth2", ("authWithOAuth2", "auth"), "users"),
    Call("POST", f"{USERS}/auth-with-otp", ("authWithOTP", "auth"), "users"),
    Call("POST", f"{USERS}/request-otp", ("requestOTP",), "users"),
    Call("POST", f"{USERS}/request-password-reset", ("requestPasswordReset",), "users"),
    Call("POST", f"{USERS}/confirm-password-reset", ("confirmPasswordReset",), "users"),
    Call("POST", f"{USERS}/request-verification", ("requestVerification",), "users"),
    Call("POST", f"{USERS}/confirm-verification", ("confirmVerification",), "users"),
    Call("POST", f"{USERS}/request-email-change", ("requestEmailChange",), "users"),
    Call("POST", f"{USERS}/confirm-email-change", ("confirmEmailChange",), "users"),
]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_app(tmp_path) as running:
        notes = running.app.collections.new("base", name="notes", list_rule="", view_rule="", create_rule="")
        notes.update_rule = notes.delete_rule = ""
        await running.app.collections.save(notes)
        await running.app.records.create("notes", {"id": "n" * 15})
        yield running


def rule(label: str, audience: str = "", most: int = 1) -> dict[str, object]:
    return {"label": label, "audience": audience, "duration": 1000, "maxRequests": most}


async def refused(server: Running, rules: list[dict[str, object]], *calls: Call, token: str = "") -> list[bool]:
    """Which of the calls are refused under these rules alone; the counters start anew."""
    await server.app.settings.update({"rateLimits": {"enabled": True, "rules": rules}})
    answers = [await server.request(call.method, call.path, {}, token=token) for call in calls]
    return [answer.status == 429 for answer in answers]


async def test_each_label_of_each_collection_route(server: Running) -> None:
    every = sorted({tag for call in CALLS for tag in call.tags})
    for call in CALLS:
        labels = [
            *(f"{call.collection}:{tag}" for tag in call.tags),
            *(f"*:{tag}" for tag in call.tags),
            f"{call.method} {call.path}",
            call.path,
            call.path.rpartition("/")[0] + "/",
            f"{call.method} /api/",
            "/api/",
            "/",
        ]
        for label in labels:
            if "." not in label:  # no label may have one
                assert await refused(server, [rule(label)], call, call) == [False, True], label
        others = [rule(f"*:{tag}") for tag in every if tag not in call.tags]
        assert await refused(server, others, call, call) == [False, False], "a rule of another action counted"


async def test_other_routes_have_labels_of_path_and_method(server: Running) -> None:
    health = Call("GET", "/api/health", ())
    for label, limited in (("GET /api/health", True), ("/api/health", True), ("/api/", True), ("POST /api/", False)):
        assert await refused(server, [rule(label)], health, health) == [False, limited], label


async def test_the_most_specific_rule_decides_alone(server: Running) -> None:
    call = CALLS[0]
    strict = [rule("*:list"), rule("/api/")]
    assert await refused(server, [rule("notes:list", most=3), *strict], *[call] * 4) == [False, False, False, True]
    assert await refused(server, [rule("*:list", most=2), rule("/api/")], *[call] * 3) == [False, False, True]
    assert await refused(server, [rule("GET /api/", most=2), rule("/api/")], *[call] * 3) == [False, False, True]


@pytest.mark.parametrize(
    ("audience", "guests", "users"), [("", True, True), ("@guest", True, False), ("@auth", False, True)]
)
async def test_each_audience(server: Running, audience: str, guests: bool, users: bool) -> None:
    _, token = await server.user()
    root = await server.superuser()
    for who, limited in (("", guests), (token, users), (root, False)):
        assert await refused(server, [rule("notes:list", audience)], CALLS[0], CALLS[0], token=who) == [False, limited]


async def test_a_rule_that_does_not_fit_the_audience_leaves_it_to_the_next(server: Running) -> None:
    rules = [rule("notes:list", "@auth"), rule("notes:list", "@guest", most=2), rule("*:list")]
    assert await refused(server, rules, *[CALLS[0]] * 3) == [False, False, True]
    _, token = await server.user()
    assert await refused(server, rules, *[CALLS[0]] * 2, token=token) == [False, True]


async def test_one_rule_counts_each_collection_and_endpoint_apart(server: Running) -> None:
    with_password, with_otp = CALLS[8], CALLS[10]
    other = Call("POST", "/api/collections/_superusers/auth-with-password", ("authWithPassword", "auth"), "_superusers")
    calls = (with_password, with_otp, other, with_password, with_otp, other)
    assert await refused(server, [rule("*:auth")], *calls) == [False, False, False, True, True, True]


async def test_a_collection_is_limited_by_its_id_too(server: Running) -> None:
    notes = server.app.collections.get("notes")
    by_id = Call("GET", f"/api/collections/{notes.id}/records", ("list",))
    assert await refused(server, [rule("notes:list")], CALLS[0], by_id) == [False, True]
