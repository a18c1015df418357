"""Auth records through the records API, and what a change of one brings with it."""

from __future__ import annotations

import pytest

from pbhost.errors import JSON
from pbhost.model import Record

from .conftest import PASSWORD, Site, code

NEW = {"email": "new@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}


async def open_up(site: Site, **changes: JSON) -> None:
    await site.options(listRule="", viewRule="", updateRule="", createRule="", **changes)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {}),
        ({"passwordConfirm": ""}, {"passwordConfirm": "required"}),
        ({"passwordConfirm": "other"}, {"passwordConfirm": "values_mismatch"}),
        ({"password": "", "passwordConfirm": ""}, {"password": "required", "passwordConfirm": "required"}),
        ({"verified": True}, {"verified": "values_mismatch"}),
        ({"password": "short", "passwordConfirm": "short"}, {"password": "min_text_constraint"}),
        ({"password": "x" * 80, "passwordConfirm": "x" * 80}, {"password": "invalid_value"}),
        ({"email": "", "verified": True}, {"verified": "values_mismatch"}),
        ({"email": "nope"}, {"email": "is_email"}),
    ],
)
async def test_sign_up(site: Site, body: dict[str, JSON], errors: dict[str, str]) -> None:
    answer = await site.post("users/records", {**NEW, **body})
    assert answer.status == (400 if errors else 200), answer.body
    if errors:
        assert isinstance(answer["data"], dict)
        assert set(answer["data"]) == set(errors)
        assert answer["message"] == "Failed to create record."
    for key, name in errors.items():
        assert code(answer, key) == f"validation_{name}"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"name": "Ann"}, {}),
        ({"email": "other@example.com"}, {"email": "values_mismatch"}),
        ({"email": "user@example.com"}, {}),
        ({"verified": True}, {"verified": "values_mismatch"}),
        ({"password": ""}, {"password": "required"}),
        ({"password": "new-password"}, {"passwordConfirm": "required", "oldPassword": "required"}),
        (
            {"password": "new-password", "passwordConfirm": "new-password", "oldPassword": "wrong"},
            {"oldPassword": "invalid_old_password"},
        ),
        ({"password": "new-password", "passwordConfirm": "new-password", "oldPassword": PASSWORD}, {}),
        ({"oldPassword": PASSWORD}, {"password": "required", "passwordConfirm": "required"}),
    ],
)
async def test_changing_the_own_record(site: Site, body: dict[str, JSON], errors: dict[str, str]) -> None:
    record, token = await site.running.user()
    answer = await site.patch(f"users/records/{record.id}", body, token)
    assert answer.status == (400 if errors else 200), answer.body
    if errors:
        assert isinstance(answer["data"], dict)
        assert set(answer["data"]) == set(errors)
    for key, name in errors.items():
        assert code(answer, key) == f"validation_{name}"


async def test_a_manager_may_change_what_the_owner_may_not(site: Site) -> None:
    record, _ = await site.running.user()
    _, boss = await site.running.user("boss@example.com")
    change = {"email": "other@example.com", "verified": True, "password": "n" * 8, "passwordConfirm": "n" * 8}
    await open_up(site)
    assert (await site.patch(f"users/records/{record.id}", change, boss)).status == 400
    await site.options(manageRule="@request.auth.email = 'boss@example.com'")
    answer = await site.patch(f"users/records/{record.id}", change, boss)
    assert answer.status == 200, answer.body
    assert answer["email"] == "other@example.com"


async def test_a_manager_may_create_verified_records(site: Site) -> None:
    _, boss = await site.running.user("boss@example.com")
    await open_up(site, manageRule="@request.auth.email = 'boss@example.com'")
    assert (await site.post("users/records", {**NEW, "verified": True}, boss)).status == 200
    other = {**NEW, "email": "third@example.com", "verified": True}
    assert (await site.post("users/records", other)).status == 400


async def test_a_superuser_still_confirms_a_new_password(site: Site) -> None:
    record, _ = await site.running.user()
    path = f"users/records/{record.id}"
    assert code(await site.patch(path, {"password": "new-password"}, site.root), "passwordConfirm")
    both = {"password": "new-password", "passwordConfirm": "new-password"}
    assert (await site.patch(path, both, site.root)).status == 200
    assert (await site.sign_in(password="new-password")).status == 200


async def test_ids_are_unique_over_all_auth_collections(site: Site) -> None:
    record, _ = await site.running.user()
    body = {"id": record.id, "email": "r2@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}
    answer = await site.post("_superusers/records", body, site.root)
    assert code(answer, "id") == "validation_invalid_auth_id"


async def test_addresses_are_hidden_from_others(site: Site) -> None:
    record, token = await site.running.user()
    _, other = await site.running.user("other@example.com")
    await open_up(site)
    path = f"users/records/{record.id}"
    assert "email" in (await site.get(path, token)).body  # type: ignore[operator]
    assert "email" not in (await site.get(path, other)).body  # type: ignore[operator]
    assert "email" in (await site.get(path, site.root)).body  # type: ignore[operator]


REFERENCES = ("_otps", "_mfas", "_authOrigins", "_externalAuths")


async def with_references(site: Site) -> Record:
    record, _ = await site.running.user()
    owner = {"collectionRef": record.collection.id, "recordRef": record.id}
    await site.app.records.create("_otps", {**owner, "password": "123456"})
    await site.app.records.create("_mfas", {**owner, "method": "password"})
    await site.app.records.create("_authOrigins", {**owner, "fingerprint": "x"})
    await site.app.records.create("_externalAuths", {**owner, "provider": "google", "providerId": "1"})
    return record


@pytest.mark.parametrize(
    ("change", "gone", "is_new_key"),
    [
        ({"password": PASSWORD}, {"_otps", "_mfas", "_authOrigins"}, True),
        ({"email": "new@example.com"}, {"_otps"}, True),
        ({"tokenKey": "k" * 40}, {"_otps"}, True),
        ({"verified": True}, {"_otps", "_externalAuths"}, True),
        ({"name": "Ann"}, set(), False),
        ({"email": "new@example.com", "tokenKey": "k" * 40}, {"_otps"}, True),
    ],
)
async def test_side_effects_of_changes(site: Site, change: dict[str, str], gone: set[str], is_new_key: bool) -> None:
    record = await with_references(site)
    key = record.text("tokenKey")
    changed = await site.app.records.update("users", record.id, change)
    assert {name for name in REFERENCES if await site.count(name) == 0} == gone
    assert (changed.text("tokenKey") != key) is is_new_key
    if "tokenKey" in change:
        assert changed.text("tokenKey") == change["tokenKey"]


async def test_a_verified_record_without_links_keeps_its_tokens(site: Site) -> None:
    record, token = await site.running.user()
    await site.app.records.update("users", record.id, {"verified": True})
    assert (await site.post("users/auth-refresh", token=token)).status == 200


async def test_nothing_is_left_of_a_deleted_record_or_collection(site: Site) -> None:
    record = await with_references(site)
    await site.app.records.delete(record)
    assert [await site.count(name) for name in REFERENCES] == [0, 0, 0, 0]
    await with_references(site)
    await site.app.collections.delete(site.app.collections.get("users"))
    assert [await site.count(name) for name in REFERENCES] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("changes", "key", "name"),
    [
        ({"collectionRef": "users"}, "collectionRef", "invalid_collection_id"),
        ({"collectionRef": "missing"}, "collectionRef", "invalid_collection_id"),
        ({"collectionRef": "pbc_2279338944"}, "collectionRef", "invalid_collection_type"),
        ({"recordRef": "missing"}, "recordRef", "invalid_record"),
        ({"provider": "nobody"}, "provider", "in_invalid"),
        ({"providerId": ""}, "providerId", "required"),
    ],
)
async def test_links_belong_to_an_existing_record(site: Site, changes: dict[str, str], key: str, name: str) -> None:
    record, _ = await site.running.user()
    good = {
        "collectionRef": record.collection.id,
        "recordRef": record.id,
        "provider": "google",
        "providerId": "1",
    }
    answer = await site.post("_externalAuths/records", {**good, **changes}, site.root)
    assert code(answer, key) == f"validation_{name}"
    assert (await site.post("_externalAuths/records", good, site.root)).status == 200


async def test_owners_see_their_own_rows_only(site: Site) -> None:
    await with_references(site)
    _, token = await site.running.user()
    _, other = await site.running.user("other@example.com")
    for name in REFERENCES:
        assert (await site.get(f"{name}/records", token))["totalItems"] == 1
        assert (await site.get(f"{name}/records", other))["totalItems"] == 0
        assert (await site.get(f"{name}/records"))["totalItems"] == 0


async def test_the_last_superuser_stays(site: Site) -> None:
    found = await site.app.records.find_many("_superusers", "email != '__pbinstaller@example.com'")
    answer = await site.delete(f"_superusers/records/{found[0].id}", site.root)
    assert (answer.status, answer["message"]) == (400, "You can't delete the only existing superuser.")
    body = {"email": "r2@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD, "verified": False}
    second = await site.post("_superusers/records", body, site.root)
    assert second["verified"] is True
    assert (await site.delete(f"_superusers/records/{second['id']}", site.root)).status == 204


async def test_the_first_superuser_ends_the_installer_account(site: Site) -> None:
    assert await site.app.records.count("_superusers", "email = '__pbinstaller@example.com'") == 0


async def test_superuser_options_are_forced_on_each_save(site: Site) -> None:
    changes = {"passwordAuth": {"enabled": False}, "otp": {"enabled": True}, "mfa": {"enabled": True}}
    refused = await site.patch("_superusers", changes, site.root)
    assert code(refused, "mfa.enabled") == "validation_mfa_not_enough_auths"
    answer = await site.patch("_superusers", {"otp": {"enabled": True}}, site.root)
    assert answer.status == 200
    assert answer["mfa"] == {"enabled": True, "duration": 600, "rule": ""}
    stored = await site.get("_superusers", site.root)
    assert stored["mfa"] == answer["mfa"]


async def test_secrets_of_a_collection_are_never_shown_and_survive_a_round_trip(site: Site) -> None:
    provider: dict[str, JSON] = {"name": "google", "clientId": "a", "clientSecret": "b"}
    await site.options(oauth2={"enabled": True, "providers": [provider]})
    shown = await site.get("users", site.root)
    assert "secret" not in str(shown.body).lower().replace("clientsecret", "secret")
    answer = await site.patch("users", shown.body, site.root)
    assert answer.status == 200, answer.body
    options = site.app.collections.get("users").options
    assert options["oauth2"]["providers"][0]["clientSecret"] == "b"  # type: ignore[index,call-overload]


async def test_a_new_auth_collection_has_what_it_needs(site: Site) -> None:
    body = {"name": "members", "type": "auth"}
    answer = await site.running.request("POST", "/api/collections", body, token=site.root)
    assert answer.status == 200, answer.body
    fields = answer["fields"]
    assert isinstance(fields, list)
    names = [item["name"] for item in fields]  # type: ignore[index,call-overload]
    assert names == ["id", "password", "tokenKey", "email", "emailVisibility", "verified"]
    assert answer["indexes"] == [
        f"CREATE UNIQUE INDEX `idx_tokenKey_{answer['id']}` ON `members` (`tokenKey`)",
        f"CREATE UNIQUE INDEX `idx_email_{answer['id']}` ON `members` (`email`) WHERE `email` != ''",
    ]
