"""Signing in with a password, refreshing, impersonating, and when tokens end."""

from __future__ import annotations

from pathlib import Path

import bcrypt
import jwt
import pytest

from pbhost.errors import JSON
from pbhost.testing import running_app

from .conftest import PASSWORD, Site, code, text


async def test_who_knows_the_password_gets_a_token_and_the_own_record(site: Site) -> None:
    record, _ = await site.running.user()
    answer = await site.sign_in()
    assert answer.status == 200
    claims = jwt.decode(text(answer, "token"), options={"verify_signature": False})
    assert claims.pop("exp")
    assert claims == {"type": "auth", "id": record.id, "collectionId": "_pb_users_auth_", "refreshable": True}
    shown = answer["record"]
    assert isinstance(shown, dict)
    assert shown["email"] == "user@example.com"
    assert not {"password", "tokenKey"} & set(shown)
    assert "meta" not in (answer.body or {})  # type: ignore[operator]


@pytest.mark.parametrize(
    ("body", "status", "errors"),
    [
        ({"identity": "user@example.com", "password": "wrong"}, 400, {}),
        ({"identity": "nobody@example.com", "password": PASSWORD}, 400, {}),
        ({"identity": "", "password": ""}, 400, {"identity": "required", "password": "required"}),
        ({"identity": "a" * 256, "password": "x"}, 400, {"identity": "length_out_of_range"}),
        (
            {"identity": "user@example.com", "password": PASSWORD, "identityField": "name"},
            400,
            {"identityField": "in_invalid"},
        ),
        ({"identity": 5, "password": "x"}, 400, {}),
        ({"IDENTITY": "user@example.com", "Password": PASSWORD}, 200, {}),
        ({"identity": "user@example.com", "password": PASSWORD, "identityField": "email"}, 200, {}),
    ],
)
async def test_password_forms(site: Site, body: dict[str, JSON], status: int, errors: dict[str, str]) -> None:
    await site.running.user()
    answer = await site.post("users/auth-with-password", body)
    assert answer.status == status
    if status == 400:
        data = answer["data"]
        assert isinstance(data, dict)
        assert set(data) == set(errors)
    for key, name in errors.items():
        assert code(answer, key) == f"validation_{name}"


async def test_unknown_identity_and_wrong_password_get_the_same_answer(site: Site) -> None:
    await site.running.user()
    unknown, wrong = await site.sign_in("nobody@example.com"), await site.sign_in(password="wrong")
    assert unknown.body == wrong.body == {"data": {}, "message": "Failed to authenticate.", "status": 400}


async def test_a_number_typed_into_a_form_is_a_password_too(site: Site) -> None:
    await site.app.records.create("users", {"email": "n@example.com", "password": "1234567890"})
    form = {"identity": "n@example.com", "password": "1234567890"}
    answer = await site.running.request("POST", "/api/collections/users/auth-with-password", data=form)
    assert answer.status == 200


async def test_the_case_of_an_address_counts_unless_its_index_says_otherwise(site: Site) -> None:
    await site.running.user()
    assert (await site.sign_in("USER@example.com")).status == 400
    statement = "CREATE UNIQUE INDEX `i` ON `users` (`email` COLLATE NOCASE) WHERE `email` != ''"
    collection = await site.get("users", site.root)
    indexes = [item for item in collection["indexes"] if "tokenKey" in str(item)]  # type: ignore[union-attr]
    changed = await site.patch("users", {"indexes": [*indexes, statement]}, site.root)
    assert changed.status == 200, changed.body
    assert (await site.sign_in("USER@example.com")).status == 200


async def test_disabled_or_foreign_collections(site: Site) -> None:
    await site.options(passwordAuth={"enabled": False})
    assert (await site.sign_in()).status == 403
    other = await site.post("_mfas/auth-with-password")
    assert (other.status, other["message"]) == (404, "Missing or invalid auth collection context.")
    assert (await site.post("nobody/auth-with-password")).status == 404


async def test_the_auth_rule_decides_at_sign_in_and_at_each_refresh(site: Site) -> None:
    record, token = await site.running.user()
    await site.options(authRule="verified = true")
    refused = await site.sign_in()
    assert (refused.status, refused["message"]) == (
        403,
        "The request doesn't satisfy the collection requirements to authenticate.",
    )
    await site.app.records.update("users", record.id, {"verified": True})
    signed_in = await site.sign_in()
    assert signed_in.status == 200
    await site.app.records.update("users", record.id, {"verified": False})
    refreshed = await site.post("users/auth-refresh", token=text(signed_in, "token"))
    assert refreshed.status == 403
    # The changed rule has ended the tokens from before.
    assert (await site.post("users/auth-refresh", token=token)).status == 401


async def test_a_superuser_signs_in_from_the_listed_addresses_only(site: Site) -> None:
    await site.running.user()
    form = {"identity": "root@example.com", "password": "root-password"}
    root = await site.app.records.find_first("_superusers", "email = 'root@example.com'")
    assert root is not None
    await site.app.records.update("_superusers", root.id, {"password": form["password"]})
    assert (await site.post("_superusers/auth-with-password", form)).status == 200
    body = {"superuserIPs": ["203.0.113.1"]}
    token = await site.running.superuser()
    assert (await site.running.request("PATCH", "/api/settings", body, token=token)).status == 200
    assert (await site.post("_superusers/auth-with-password", form)).status == 403
    wrong = await site.post("_superusers/auth-with-password", {**form, "password": "wrong"})
    assert wrong.status == 400, "whose the password is, is not told"
    assert (await site.sign_in()).status == 200


async def test_a_refresh_gives_a_new_token_to_the_right_collection_only(site: Site) -> None:
    _, token = await site.running.user()
    answer = await site.post("users/auth-refresh", token=f"bearer {token}")
    assert answer.status == 200
    assert (await site.post("users/auth-refresh", token=text(answer, "token"))).status == 200
    assert (await site.post("users/auth-refresh")).status == 401
    other = await site.post("_superusers/auth-refresh", token=token)
    assert (other.status, other["message"]) == (403, "The request requires auth record from users collection.")


async def test_an_impersonation_token_cannot_be_extended(site: Site) -> None:
    record, user_token = await site.running.user()
    answer = await site.post(f"users/impersonate/{record.id}", {"duration": 100}, site.root)
    token = text(answer, "token")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["refreshable"] is False
    assert (await site.post("users/auth-refresh", token=token))["token"] == token
    assert (await site.post(f"users/impersonate/{record.id}", {"duration": -1}, site.root)).status == 400
    assert (await site.post("users/impersonate/missing", token=site.root)).status == 404
    assert (await site.post(f"users/impersonate/{record.id}", token=user_token)).status == 403


@pytest.mark.parametrize(
    "change",
    [
        {"password": "another-password"},
        {"email": "new@example.com"},
        {"tokenKey": "k" * 40},
    ],
)
async def test_new_credentials_end_all_tokens_at_once(site: Site, change: dict[str, JSON]) -> None:
    record, token = await site.running.user()
    assert (await site.post("users/auth-refresh", token=token)).status == 200
    await site.app.records.update("users", record.id, change)
    assert (await site.post("users/auth-refresh", token=token)).status == 401


async def test_other_changes_keep_tokens_and_are_seen_at_once(site: Site) -> None:
    record, token = await site.running.user()
    assert (await site.post("users/auth-refresh", token=token)).status == 200
    await site.app.records.update("users", record.id, {"name": "Ann"})
    answer = await site.post("users/auth-refresh", token=token)
    assert isinstance(answer["record"], dict)
    assert answer["record"]["name"] == "Ann"


async def test_a_new_secret_or_a_deleted_record_ends_tokens(site: Site) -> None:
    record, token = await site.running.user()
    assert (await site.post("users/auth-refresh", token=token)).status == 200
    await site.options(authToken={"secret": "s" * 40})
    assert (await site.post("users/auth-refresh", token=token)).status == 401
    token = await site.app.auth.issue_token(record)
    assert (await site.post("users/auth-refresh", token=token)).status == 200
    await site.delete(f"users/records/{record.id}", site.root)
    assert (await site.post("users/auth-refresh", token=token)).status == 401


async def test_tokens_of_another_type_or_forged_ones_make_a_guest(site: Site) -> None:
    record, token = await site.running.user()
    file_token = await site.app.auth.issue_token(record, "file")
    head, payload, signature = token.split(".")
    for bad in (file_token, f"{head}.{payload}.{signature[:-4]}AAAA", "x", "Bearer ", "a.b.c"):
        assert (await site.post("users/auth-refresh", token=bad)).status == 401
        assert (await site.running.request("GET", "/api/health", token=bad)).status == 200


async def test_a_bcrypt_hash_is_replaced_at_sign_in_and_tokens_stay_valid(site: Site) -> None:
    record, token = await site.running.user()
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    field = record.collection.field("password")
    assert field is not None

    async def stored() -> object:
        return (await site.app.db.read(lambda c: c.fetch_one("SELECT password, tokenKey FROM users"))) or ()

    await site.app.db.write(lambda tx: tx.execute("UPDATE users SET password = ?", (old,)))
    before = await stored()
    assert (await site.sign_in()).status == 200
    after = await stored()
    assert isinstance(before, tuple)
    assert isinstance(after, tuple)
    assert str(after[0]).startswith("$argon2id$")
    assert after[1] == before[1]
    assert (await site.post("users/auth-refresh", token=token)).status == 200
    assert (await site.sign_in()).status == 200


async def test_bcrypt_stays_where_the_configuration_keeps_it(tmp_path: Path) -> None:
    async with running_app(tmp_path, block=("realtime",), options={"auth": {"hash": "bcrypt"}}) as running:
        await running.user()
        row = await running.app.db.read(lambda c: c.fetch_one("SELECT password FROM users"))
        assert row is not None
        assert str(row[0]).startswith("$2a$10$")


async def test_expand_and_fields_work_on_the_answer(site: Site) -> None:
    _, token = await site.running.user()
    answer = await site.post("users/auth-refresh?fields=token", token=token)
    assert set(answer.body or ()) == {"token"}  # type: ignore[arg-type]


async def test_what_a_client_needs_to_offer_sign_in(site: Site) -> None:
    answer = await site.get("users/auth-methods")
    assert answer.body == {
        "password": {"identityFields": ["email"], "enabled": True},
        "oauth2": {"providers": [], "enabled": False},
        "mfa": {"enabled": False, "duration": 0},
        "otp": {"enabled": False, "duration": 0},
        "authProviders": None,
        "usernamePassword": False,
        "emailPassword": True,
    }
