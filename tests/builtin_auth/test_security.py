"""Attacks on sign-in, one test each; all through HTTP on a running server."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import jwt
import pytest
from aiohttp import StreamReader

from pbhost.errors import JSON
from pbhost.model import Collection, Record, clock
from pbhost.testing import running_app

from .conftest import PASSWORD, Site, code, mailed_code, text
from .test_oauth2 import Provider, enable, provider, sign_in

__all__ = ["provider"]

AT_ONCE = 12
TYPES = ("auth", "file", "verification", "passwordReset", "emailChange")


# -- linking accounts --------------------------------------------------------------------------------------------------


async def test_a_password_set_before_the_owner_came_is_gone_after_oauth2(site: Site, provider: Provider) -> None:
    await enable(site, provider)
    form: dict[str, JSON] = {"email": "ann@b.test", "password": PASSWORD, "passwordConfirm": PASSWORD}
    assert (await site.post("users/records", form)).status == 200
    squatter = text(await site.sign_in("ann@b.test"), "token")
    assert (await sign_in(site)).status == 200
    assert (await site.sign_in("ann@b.test")).status == 400
    assert (await site.post("users/auth-refresh", token=squatter)).status == 401


async def test_a_second_provider_linked_before_the_owner_came_is_gone(site: Site, provider: Provider) -> None:
    """The attacker signs up by a provider that does not vouch for the address and names the victim's."""
    await enable(site, provider)
    item = (await site.get("users", site.root))["oauth2"]["providers"][0]  # type: ignore[index,call-overload]
    assert isinstance(item, dict)
    await site.options(
        oauth2={
            "enabled": True,
            "providers": [{**item, "clientSecret": "s&cret"}, {**item, "name": "oidc2", "clientSecret": "s&cret"}],
        }
    )
    provider.user = {"sub": "attacker", "name": "M", "email": "m@b.test", "email_verified": False}
    first = await sign_in(site, provider="oidc2", createData={"email": "ann@b.test"})
    assert first.status == 200, first.body
    provider.user = {"sub": "77", "name": "Ann", "email": "ann@b.test", "email_verified": True}
    owner = await sign_in(site)
    assert owner["record"]["id"] == first["record"]["id"]  # type: ignore[index,call-overload]
    assert (await site.post("users/auth-refresh", token=text(first, "token"))).status == 401
    provider.user = {"sub": "attacker", "name": "M", "email": "", "email_verified": False}
    again = await sign_in(site, provider="oidc2")
    shown = again["record"] if again.status == 200 else {}
    assert shown.get("id") != owner["record"]["id"]  # type: ignore[union-attr,index,call-overload]


@pytest.mark.parametrize(
    ("claim", "trusted"),
    [(True, True), ("true", True), ("1", True), (1, True), (False, False), ("false", False), ("0", False), (0, False),
     (None, False), ("yes", False), ([], False), ({}, False)],
)  # fmt: skip
async def test_an_address_is_trusted_only_where_the_provider_vouches(
    site: Site, provider: Provider, claim: JSON, trusted: bool
) -> None:
    await enable(site, provider)
    record, _ = await site.running.user("ann@b.test")
    await site.app.records.update("users", record.id, {"verified": True})
    provider.user = {"sub": "9", "name": "X", "email": "ann@b.test", "email_verified": claim}
    answer = await sign_in(site)
    if trusted:
        assert answer["record"]["id"] == record.id  # type: ignore[index,call-overload]
    else:
        assert answer.status == 400 or answer["record"]["id"] != record.id  # type: ignore[index,call-overload]


async def test_the_verifier_goes_to_the_provider_as_the_client_gave_it(site: Site, provider: Provider) -> None:
    """State and PKCE are the client's to keep; the server invents no verifier and never drops one."""
    await enable(site, provider)
    offers = [(await site.get("users/auth-methods"))["oauth2"]["providers"][0] for _ in range(2)]  # type: ignore[index,call-overload]
    assert offers[0]["state"] != offers[1]["state"]  # type: ignore[index,call-overload]
    assert offers[0]["codeVerifier"] != offers[1]["codeVerifier"]  # type: ignore[index,call-overload]
    await sign_in(site, codeVerifier="tampered")
    assert provider.requests[-1]["code_verifier"] == ["tampered"]


# -- tokens ------------------------------------------------------------------------------------------------------------


async def test_each_token_is_good_for_its_own_purpose_only(site: Site) -> None:
    record, _ = await site.running.user()
    claims: dict[str, JSON] = {"email": "user@example.com", "newEmail": "x@example.com"}
    tokens = {kind: await site.app.auth.issue_token(record, kind, claims=claims) for kind in TYPES}  # type: ignore[arg-type]
    new = {"password": "new-password", "passwordConfirm": "new-password"}
    for kind, token in tokens.items():
        if kind != "auth":
            assert (await site.post("users/auth-refresh", token=token)).status == 401
        if kind != "verification":
            assert (await site.post("users/confirm-verification", {"token": token})).status == 400
        if kind != "passwordReset":
            assert (await site.post("users/confirm-password-reset", {"token": token, **new})).status == 400
        if kind != "emailChange":
            form = {"token": token, "password": PASSWORD}
            assert (await site.post("users/confirm-email-change", form)).status == 400


async def test_a_new_secret_ends_the_tokens_of_its_own_type(site: Site) -> None:
    record, _ = await site.running.user()
    left = set(TYPES)
    for ended in TYPES:
        tokens = {kind: await site.app.auth.issue_token(record, kind) for kind in left}  # type: ignore[arg-type]
        await site.options(**{f"{ended}Token": {"secret": "n" * 40}})
        for kind, token in tokens.items():
            found = await site.app.auth.verify_token(token, kind)  # type: ignore[arg-type]
            assert (found is None) is (kind == ended), (ended, kind)


async def test_the_type_of_a_token_counts_where_the_secrets_are_the_same(site: Site) -> None:
    record, _ = await site.running.user()
    options = ("authToken", "fileToken", "verificationToken", "passwordResetToken", "emailChangeToken")
    await site.options(**{option: {"secret": "n" * 40} for option in options})
    for issued in TYPES:
        token = await site.app.auth.issue_token(record, issued, claims={"email": "user@example.com"})  # type: ignore[arg-type]
        for asked in TYPES:
            found = await site.app.auth.verify_token(token, asked)  # type: ignore[arg-type]
            assert (found is not None) is (issued == asked), (issued, asked)


async def test_forged_tokens_make_a_guest(site: Site) -> None:
    record, _ = await site.running.user()
    other, _ = await site.running.user("other@example.com")
    payload = {"id": record.id, "collectionId": "_pb_users_auth_", "type": "auth", "refreshable": True}
    collection = site.app.collections.get("users")
    secret = str(collection.options["authToken"]["secret"])  # type: ignore[index,call-overload]
    file_secret = str(collection.options["fileToken"]["secret"])  # type: ignore[index,call-overload]
    superusers = site.app.collections.get("_superusers").options["authToken"]["secret"]  # type: ignore[index,call-overload]
    key, late = record.text("tokenKey"), {"exp": int(time.time()) + 1000}
    bad = {
        "none": jwt.encode({**payload, **late}, None, algorithm="none"),
        "HS512": jwt.encode({**payload, **late}, key + secret, algorithm="HS512"),
        "HS384": jwt.encode({**payload, **late}, key + secret, algorithm="HS384"),
        "secret alone": jwt.encode({**payload, **late}, secret, algorithm="HS256"),
        "secret first": jwt.encode({**payload, **late}, secret + key, algorithm="HS256"),
        "file secret": jwt.encode({**payload, **late}, key + file_secret, algorithm="HS256"),
        "another record's key": jwt.encode({**payload, **late}, other.text("tokenKey") + secret, algorithm="HS256"),
        "key of another collection": jwt.encode({**payload, **late}, f"{key}{superusers}", algorithm="HS256"),
        "expired": jwt.encode({**payload, "exp": int(time.time()) - 1}, key + secret, algorithm="HS256"),
        "not yet": jwt.encode({**payload, "nbf": int(time.time()) + 99}, key + secret, algorithm="HS256"),
        "other type": jwt.encode({**payload, "type": "Auth"}, key + secret, algorithm="HS256"),
        "other collection": jwt.encode({**payload, "collectionId": "_superusers"}, key + secret, algorithm="HS256"),
        "list as id": jwt.encode({**payload, "id": [record.id]}, key + secret, algorithm="HS256"),
        "embedded key": jwt.encode({**payload, **late}, "k" * 40, algorithm="HS256", headers={"jwk": {"kty": "oct"}}),
    }
    for name, token in bad.items():
        assert (await site.post("users/auth-refresh", token=token)).status == 401, name
    endless = jwt.encode(payload, key + secret, algorithm="HS256")
    assert (await site.post("users/auth-refresh", token=endless)).status == 200, "correctly signed, without exp"


@pytest.mark.parametrize("change", ["password", "email", "tokenKey", "secret"])
async def test_no_token_of_any_type_outlives_the_credentials(site: Site, change: str) -> None:
    record, _ = await site.running.user()
    tokens = {kind: await site.app.auth.issue_token(record, kind, claims={"email": record.text("email")})
              for kind in TYPES}  # type: ignore[arg-type]  # fmt: skip
    if change == "secret":
        options = {"auth": "authToken", "file": "fileToken"} | {kind: f"{kind}Token" for kind in TYPES[2:]}
        await site.options(**{option: {"secret": "n" * 40} for option in options.values()})
    else:
        values = {"password": "another-password", "email": "new@example.com", "tokenKey": "k" * 40}
        await site.app.records.update("users", record.id, {change: values[change]})
    for kind, token in tokens.items():
        assert await site.app.auth.verify_token(token, kind) is None, kind  # type: ignore[arg-type]
    assert (await site.post("users/auth-refresh", token=tokens["auth"])).status == 401


@pytest.mark.parametrize("change", ["password", "email", "tokenKey", "secret", "record"])
async def test_a_live_connection_loses_its_identity_with_the_credentials(tmp_path: Path, change: str) -> None:
    async with running_app(tmp_path) as running:
        record, token = await running.user()
        root = await running.superuser()
        notes = {"name": "notes", "type": "base", "listRule": "", "viewRule": "", "fields": []}
        secrets = {**notes, "name": "secrets", "listRule": "@request.auth.id != ''"}
        for collection in (notes, secrets):
            assert (await running.request("POST", "/api/collections", collection, token=root)).status == 200
        async with running.session.get(f"{running.url}/api/realtime") as stream:
            client = await _event(stream.content, "clientId")
            body = {"clientId": client["clientId"], "subscriptions": ["secrets/*", "notes/*"]}
            assert (await running.request("POST", "/api/realtime", body, token=token)).status == 204
            await running.app.records.create("secrets", {})
            assert await _collection_of_next(stream.content) == "secrets"
            match change:
                case "secret":
                    patch = {"authToken": {"secret": "n" * 40}}
                    assert (await running.request("PATCH", "/api/collections/users", patch, token=root)).status == 200
                case "record":
                    await running.app.records.delete(record)
                case _:
                    values = {"password": "another-password", "email": "new@example.com", "tokenKey": "k" * 40}
                    await running.app.records.update("users", record.id, {change: values[change]})
            # Messages come in the order of the commits: what is not before the note does not come.
            await running.app.records.create("secrets", {})
            await running.app.records.create("notes", {})
            assert await _collection_of_next(stream.content) == "notes"


async def _event(stream: StreamReader, key: str) -> dict[str, JSON]:
    """The data of the next event that has that key."""
    async with asyncio.timeout(5):
        while line := await stream.readline():
            if line.startswith(b"data:"):
                data = json.loads(line[5:])
                if key in data:
                    assert isinstance(data, dict)
                    return data
    raise AssertionError("the stream ended")


async def _collection_of_next(stream: StreamReader) -> object:
    record = (await _event(stream, "record"))["record"]
    assert isinstance(record, dict)
    return record["collectionName"]


# -- single use --------------------------------------------------------------------------------------------------------


async def test_a_one_time_password_is_good_once_however_many_try_at_once(site: Site) -> None:
    await site.running.user()
    await site.options(otp={"enabled": True}, authAlert={"enabled": False})
    otp, digits = await mailed_code(site)
    form = {"otpId": otp, "password": digits}
    answers = await asyncio.gather(*(site.post("users/auth-with-otp", form) for _ in range(AT_ONCE)))
    assert [answer.status for answer in answers].count(200) == 1


async def test_guesses_sent_at_once_are_limited_like_others(site: Site) -> None:
    await site.running.user()
    await site.options(otp={"enabled": True})
    otp, _ = await mailed_code(site)
    form = {"otpId": otp, "password": "x"}
    answers = await asyncio.gather(*(site.post("users/auth-with-otp", form) for _ in range(AT_ONCE)))
    assert sorted(answer.status for answer in answers) == [400] * 5 + [429] * (AT_ONCE - 5)


async def test_guesses_count_in_every_worker_process(site: Site) -> None:
    """Another process has a service of its own over the same database."""
    from builtin_auth.service import AuthService

    other = AuthService(site.app)
    mine = site.app.auth
    assert isinstance(mine, AuthService)
    allowed = [await service.otp_attempts.allow("c", "r", "ip") for service in (mine, other) * 4]
    assert allowed == [True] * 5 + [False] * 3


async def test_nobody_stays_locked_out_because_the_clock_was_wrong(site: Site) -> None:
    from builtin_auth.service import AuthService

    auth = site.app.auth
    assert isinstance(auth, AuthService)
    now = clock.timestamp()
    with clock.replaced(lambda: now + 48 * 3600):
        allowed = [await auth.otp_attempts.allow("c", "r", "ip") for _ in range(6)]
    assert allowed == [True] * 5 + [False]
    assert await auth.otp_attempts.allow("c", "r", "ip")


async def test_a_code_of_a_clock_that_was_wrong_is_worth_nothing(site: Site) -> None:
    await site.running.user()
    await site.options(otp={"enabled": True})
    now = clock.timestamp()
    with clock.replaced(lambda: now + 3600):
        otp, digits = await mailed_code(site)
    answer = await site.post("users/auth-with-otp", {"otpId": otp, "password": digits})
    assert answer.status == 400


async def test_a_reset_link_is_good_once_however_many_try_at_once(site: Site) -> None:
    await site.running.user()
    await site.post("users/request-password-reset", {"email": "user@example.com"})
    token = await site.outbox.token()
    passwords = [f"new-password-{n}" for n in range(AT_ONCE)]
    answers = await asyncio.gather(
        *(
            site.post("users/confirm-password-reset", {"token": token, "password": p, "passwordConfirm": p})
            for p in passwords
        )
    )
    assert [answer.status for answer in answers].count(204) == 1
    winner = passwords[[answer.status for answer in answers].index(204)]
    assert all(code(answer, "token") == "validation_invalid_token" for answer in answers if answer.status != 204)
    assert (await site.sign_in(password=winner)).status == 200


async def test_an_old_password_changes_a_password_once(site: Site) -> None:
    record, token = await site.running.user()
    bodies = [{"oldPassword": PASSWORD, "password": f"pass-word-{n}", "passwordConfirm": f"pass-word-{n}"}
              for n in range(AT_ONCE)]  # fmt: skip
    answers = await asyncio.gather(*(site.patch(f"users/records/{record.id}", body, token) for body in bodies))
    assert [answer.status for answer in answers].count(200) == 1


async def test_codes_end_with_their_time_and_serve_their_own_collection(site: Site) -> None:
    record, _ = await site.running.user()
    await site.options(otp={"enabled": True}, authAlert={"enabled": False})
    made = await site.running.request(
        "POST", "/api/collections", {"name": "members", "type": "auth", "otp": {"enabled": True}}, token=site.root
    )
    assert made.status == 200, made.body
    # No two records have the same id, unless another tool wrote them.
    member, _ = await site.running.user("member@example.com", "members")
    await site.app.db.write(lambda tx: tx.execute("UPDATE members SET id = ? WHERE id = ?", (record.id, member.id)))
    otp, digits = await mailed_code(site)
    form = {"otpId": otp, "password": digits}
    assert (await site.post("members/auth-with-otp", form)).status == 400
    created = (await site.app.records.get("_otps", otp)).text("created")
    for moment, status in (("2020-01-01 00:00:00.000Z", 400), (created, 200)):
        await site.app.db.write(lambda tx, at=moment: tx.execute("UPDATE _otps SET created = ?", (at,)))  # type: ignore[misc]
        assert (await site.post("users/auth-with-otp", form)).status == status


# -- second factor -----------------------------------------------------------------------------------------------------


async def test_a_half_done_sign_in_serves_its_own_record_another_method_and_one_sign_in(site: Site) -> None:
    await site.running.user()
    await site.running.user("other@example.com")
    await site.options(otp={"enabled": True}, mfa={"enabled": True}, authAlert={"enabled": False})
    first = text(await site.sign_in(), "mfaId")
    others = text(await site.sign_in("other@example.com"), "mfaId")
    otp, digits = await mailed_code(site)
    for mfa, status in ((others, 400), ("unknown", 400), (first, 400)):
        form = {"identity": "user@example.com", "password": PASSWORD, "mfaId": mfa}
        assert (await site.post("users/auth-with-password", form)).status == status
    form = {"otpId": otp, "password": digits, "mfaId": first}
    answers = await asyncio.gather(*(site.post("users/auth-with-otp", form) for _ in range(3)))
    assert [answer.status for answer in answers].count(200) == 1
    otp, digits = await mailed_code(site)
    again = await site.post("users/auth-with-otp", {"otpId": otp, "password": digits, "mfaId": first})
    assert again.status == 400


async def test_a_half_done_sign_in_ends_once_however_many_second_factors_come_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.running.user()
    await site.options(otp={"enabled": True}, mfa={"enabled": True}, authAlert={"enabled": False})
    session = text(await site.sign_in(), "mfaId")
    codes = [await mailed_code(site) for _ in range(3)]
    find, all_have_read = site.app.records.find, asyncio.Barrier(len(codes))

    async def find_together(collection: Collection | str, record_id: str) -> Record | None:
        found = await find(collection, record_id)
        if collection == "_mfas":
            await all_have_read.wait()
        return found

    monkeypatch.setattr(site.app.records, "find", find_together)
    forms = [{"otpId": otp, "password": digits, "mfaId": session} for otp, digits in codes]
    answers = await asyncio.gather(*(site.post("users/auth-with-otp", form) for form in forms))
    assert sorted(answer.status for answer in answers) == [200, 400, 400]


# -- mails -------------------------------------------------------------------------------------------------------------


async def test_a_record_writes_no_header_no_markup_and_no_placeholder_into_its_mails(site: Site) -> None:
    record, _ = await site.running.user()
    name = "Ann\r\nBcc: all@example.com <script>{TOKEN}{RECORD:tokenKey}</script>"
    await site.app.records.update("users", record.id, {"name": name})
    template = {"subject": "Hi {RECORD:name}", "body": "<p>{RECORD:name} {RECORD:tokenKey}</p>"}
    await site.options(resetPasswordTemplate=template)
    await site.post("users/request-password-reset", {"email": "user@example.com"})
    mail = await site.outbox.next()
    from builtin_mail.encoding import encode

    stored = await site.app.records.get("users", record.id)
    raw = encode(mail).as_bytes().split(b"\n\n", 1)[0].split(b"\r\n\r\n", 1)[0]
    assert not any(line.lower().startswith(b"bcc") for line in raw.splitlines())
    assert "<script>" not in mail.html
    assert stored.text("tokenKey") not in mail.html + mail.subject
    assert "{TOKEN}" in mail.html
