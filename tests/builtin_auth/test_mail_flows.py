"""Flows that go through the user's mailbox, second factors, and alerts."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
from builtin_auth.api.email_token import unverified_claim
from builtin_auth.service import AuthService

from .conftest import PASSWORD, Later, Site, code, mailed_code, text

# -- verification ------------------------------------------------------------------------------------------------------


async def test_verification(site: Site) -> None:
    record, token = await site.running.user()
    assert (await site.post("users/request-verification", {"email": "user@example.com"})).status == 204
    mail_token = await site.outbox.token()
    # Within two minutes no second mail goes out, whatever the answer says.
    assert (await site.post("users/request-verification", {"email": "user@example.com"})).status == 204
    assert not site.outbox.messages
    assert (await site.post("users/confirm-verification", {"token": mail_token})).status == 204
    assert (await site.app.records.get("users", record.id))["verified"] is True
    assert (await site.post("users/confirm-verification", {"token": mail_token})).status == 204
    assert (await site.post("users/auth-refresh", token=token)).status == 200


async def test_unknown_addresses_get_the_same_answers(site: Site) -> None:
    for path in ("request-verification", "request-password-reset"):
        answer = await site.post(f"users/{path}", {"email": "nobody@example.com"})
        assert (answer.status, answer.body) == (204, None)
    assert not site.outbox.messages


async def test_bad_verification_tokens(site: Site) -> None:
    record, token = await site.running.user()
    assert code(await site.post("users/confirm-verification", {}), "token") == "validation_required"
    auth = await site.post("users/confirm-verification", {"token": token})
    assert code(auth, "token") == "validation_invalid_token_claims"
    stale = await site.app.auth.issue_token(record, "verification", claims={"email": "old@example.com"})
    answer = await site.post("users/confirm-verification", {"token": stale})
    assert code(answer, "token") == "validation_token_email_mismatch"
    forged = await site.post("users/confirm-verification", {"token": stale[:-3] + "AAA"})
    assert code(forged, "token") == "validation_invalid_token"
    superusers = await site.post("_superusers/confirm-verification", {"token": stale})
    assert superusers["message"] == "All superusers are verified by default."


# -- password reset ----------------------------------------------------------------------------------------------------


async def test_password_reset(site: Site) -> None:
    record, token = await site.running.user()
    assert (await site.post("users/request-password-reset", {"email": "user@example.com"})).status == 204
    reset = await site.outbox.token()
    weak = await site.post(
        "users/confirm-password-reset", {"token": reset, "password": "short", "passwordConfirm": "other"}
    )
    assert code(weak, "password") == "validation_length_out_of_range"
    assert code(weak, "passwordConfirm") == "validation_values_mismatch"
    good = {"token": reset, "password": "new-password", "passwordConfirm": "new-password"}
    assert (await site.post("users/confirm-password-reset", good)).status == 204
    assert (await site.sign_in(password="new-password")).status == 200
    assert (await site.app.records.get("users", record.id))["verified"] is True
    assert (await site.post("users/auth-refresh", token=token)).status == 401
    again = await site.post("users/confirm-password-reset", good)
    assert code(again, "token") == "validation_invalid_token"


async def test_a_reset_link_verifies_the_address_that_it_was_sent_to_only(site: Site) -> None:
    record, _ = await site.running.user()
    for email, verified in (("old@example.com", False), ("user@example.com", True)):
        record = await site.app.records.get("users", record.id)
        token = await site.app.auth.issue_token(record, "passwordReset", claims={"email": email})
        new = {"token": token, "password": "new-password", "passwordConfirm": "new-password"}
        assert (await site.post("users/confirm-password-reset", new)).status == 204
        assert (await site.app.records.get("users", record.id))["verified"] is verified


async def test_password_reset_of_a_collection_without_passwords(site: Site) -> None:
    await site.options(passwordAuth={"enabled": False})
    answer = await site.post("users/request-password-reset", {"email": "user@example.com"})
    assert answer.status == 400


async def test_a_reset_mail_that_was_not_sent_may_be_asked_for_again(site: Site, later: Later) -> None:
    await site.running.user()
    site.outbox.fails = True
    await site.post("users/request-password-reset", {"email": "user@example.com"})
    await later.now()
    assert site.outbox.refused == 1
    site.outbox.fails = False
    await site.post("users/request-password-reset", {"email": "user@example.com"})
    await later.now()
    assert await site.outbox.token()


async def test_a_verification_mail_is_tried_once_in_two_minutes_even_if_it_was_not_sent(
    site: Site, later: Later
) -> None:
    await site.running.user()
    site.outbox.fails = True
    for _ in range(3):
        await site.post("users/request-verification", {"email": "user@example.com"})
        await later.now()
    assert site.outbox.refused == 1


@pytest.mark.parametrize("kind", ["password-reset", "verification"])
async def test_one_mail_goes_out_however_many_ask_at_once_and_wherever(site: Site, later: Later, kind: str) -> None:
    record, _ = await site.running.user()
    other = AuthService(site.app)  # another worker process has one of its own over the same database
    pause = other.reset_mails if kind == "password-reset" else other.verification_mails
    await asyncio.gather(*(site.post(f"users/request-{kind}", {"email": "user@example.com"}) for _ in range(5)))
    await later.now()
    assert len(site.outbox.messages) == 1
    assert await pause.is_used_up(record.collection.id, record.id)
    await pause.forget(record.collection.id, record.id)
    await site.post(f"users/request-{kind}", {"email": "user@example.com"})
    await later.now()
    assert len(site.outbox.messages) == 2


async def test_a_used_reset_link_ends_the_pause(site: Site, later: Later) -> None:
    await site.running.user()
    await site.post("users/request-password-reset", {"email": "user@example.com"})
    await later.now()
    new = {"token": await site.outbox.token(), "password": "new-password", "passwordConfirm": "new-password"}
    assert (await site.post("users/confirm-password-reset", new)).status == 204
    await site.post("users/request-password-reset", {"email": "user@example.com"})
    await later.now()
    assert len(site.outbox.messages) == 1


async def test_no_reset_link_is_mailed_for_the_installer_account(site: Site, later: Later) -> None:
    values = {"email": "__pbinstaller@example.com", "password": PASSWORD}
    await site.app.records.create("_superusers", values)
    answer = await site.post("_superusers/request-password-reset", {"email": values["email"]})
    await later.now()
    assert (answer.status, site.outbox.messages) == (204, [])


async def test_a_token_of_one_collection_is_no_good_in_another(site: Site) -> None:
    root = await site.app.records.find_first("_superusers", "email = 'root@example.com'")
    assert root is not None
    token = await site.app.auth.issue_token(root, "passwordReset", claims={"email": "root@example.com"})
    body = {"token": token, "password": "new-password", "passwordConfirm": "new-password"}
    answer = await site.post("users/confirm-password-reset", body)
    assert code(answer, "token") == "validation_token_collection_mismatch"


# -- change of address -------------------------------------------------------------------------------------------------


async def test_email_change(site: Site) -> None:
    record, token = await site.running.user()
    await site.running.user("taken@example.com")
    taken = await site.post("users/request-email-change", {"newEmail": "taken@example.com"}, token)
    assert code(taken, "newEmail") == "validation_invalid_new_email"
    same = await site.post("users/request-email-change", {"newEmail": "user@example.com"}, token)
    assert code(same, "newEmail") == "validation_not_in_invalid"
    assert (await site.post("users/request-email-change", {"newEmail": "new@example.com"})).status == 401
    assert (await site.post("users/request-email-change", {"newEmail": "new@example.com"}, token)).status == 204
    assert site.outbox.messages[0].to[0].address == "new@example.com"
    change = await site.outbox.token()
    assert unverified_claim(change, "newEmail") == "new@example.com"
    wrong = await site.post("users/confirm-email-change", {"token": change, "password": "wrong"})
    assert code(wrong, "password") == "validation_invalid_password"
    assert (await site.post("users/confirm-email-change", {"token": change, "password": PASSWORD})).status == 204
    changed = await site.app.records.get("users", record.id)
    assert (changed["email"], changed["verified"]) == ("new@example.com", True)
    assert (await site.post("users/auth-refresh", token=token)).status == 401


async def test_an_email_change_that_cannot_be_mailed_is_refused(site: Site) -> None:
    _, token = await site.running.user()
    site.outbox.fails = True
    answer = await site.post("users/request-email-change", {"newEmail": "new@example.com"}, token)
    assert (answer.status, answer["message"]) == (400, "Failed to request email change.")


# -- one-time passwords ------------------------------------------------------------------------------------------------


async def test_a_code_from_the_mailbox_signs_in_once_and_verifies(site: Site) -> None:
    record, _ = await site.running.user()
    await site.options(otp={"enabled": True})
    otp_id, password = await mailed_code(site)
    assert len(password) == 8
    assert password.isdigit()
    # `sentTo` is written after the mail is out.
    while not (await site.app.records.get("_otps", otp_id)).text("sentTo"):
        pass
    wrong = await site.post("users/auth-with-otp", {"otpId": otp_id, "password": "00000000x"})
    assert wrong["message"] == "Invalid or expired OTP."
    answer = await site.post("users/auth-with-otp", {"otpId": otp_id, "password": password})
    assert answer.status == 200, answer.body
    assert (await site.app.records.get("users", record.id))["verified"] is True
    # Whoever signed up with this address before may not have owned it.
    assert (await site.sign_in()).status == 400
    again = await site.post("users/auth-with-otp", {"otpId": otp_id, "password": password})
    assert again["message"] == "Invalid or expired OTP."


async def test_guessing_codes_is_limited_per_record(site: Site) -> None:
    await site.running.user()
    await site.options(otp={"enabled": True})
    otp_id, password = await mailed_code(site)
    statuses = [
        (await site.post("users/auth-with-otp", {"otpId": otp_id, "password": "wrong"})).status for _ in range(6)
    ]
    assert statuses == [400] * 5 + [429]
    assert (await site.post("users/auth-with-otp", {"otpId": otp_id, "password": password})).status == 429


async def test_asking_for_codes(site: Site) -> None:
    await site.running.user()
    assert (await site.post("users/request-otp", {"email": "user@example.com"})).status == 403
    await site.options(otp={"enabled": True})
    unknown = await site.post("users/request-otp", {"email": "nobody@example.com"})
    assert unknown.status == 200
    assert len(text(unknown, "otpId")) == 15
    assert await site.count("_otps") == 0
    ids = [text(await site.post("users/request-otp", {"email": "user@example.com"}), "otpId") for _ in range(12)]
    assert ids[9] == ids[10] == ids[11]
    assert await site.count("_otps") == 10


# -- second factor -----------------------------------------------------------------------------------------------------


async def test_two_methods_in_any_order(site: Site) -> None:
    await site.running.user()
    await site.options(otp={"enabled": True}, mfa={"enabled": True})
    first = await site.sign_in()
    assert first.status == 401
    assert set(first.body or ()) == {"mfaId"}  # type: ignore[arg-type]
    mfa_id = text(first, "mfaId")
    same = await site.post(
        f"users/auth-with-password?mfaId={mfa_id}", {"identity": "user@example.com", "password": PASSWORD}
    )
    assert same["message"] == "A different authentication method is required."
    otp_id, password = await mailed_code(site)
    second = await site.post("users/auth-with-otp", {"otpId": otp_id, "password": password, "mfaId": mfa_id})
    assert second.status == 200, second.body
    assert await site.count("_mfas") == 0


async def test_bad_second_factors(site: Site) -> None:
    record, _ = await site.running.user()
    await site.options(otp={"enabled": True}, mfa={"enabled": True})
    body = {"identity": "user@example.com", "password": PASSWORD}
    unknown = await site.post("users/auth-with-password", {**body, "mfaId": "nope"})
    assert unknown["message"] == "Invalid or expired MFA session."
    number = await site.post("users/auth-with-password", {**body, "mfaId": 5})
    assert number["message"] == "Failed to read MFA Id."
    other, _ = await site.running.user("other@example.com")
    values = {"collectionRef": other.collection.id, "recordRef": other.id, "method": "otp"}
    foreign = await site.app.records.create("_mfas", values)
    answer = await site.post("users/auth-with-password", {**body, "mfaId": foreign.id})
    assert answer["message"] == "Invalid MFA session."
    old = await site.app.records.create("_mfas", {**values, "recordRef": record.id})
    await site.app.db.write(lambda tx: tx.execute("UPDATE _mfas SET created = '2020-01-01 00:00:00.000Z'"))
    expired = await site.post("users/auth-with-password", {**body, "mfaId": old.id})
    assert expired["message"] == "Invalid or expired MFA session."
    assert await site.app.records.find("_mfas", old.id) is None


async def test_the_mfa_rule_exempts(site: Site) -> None:
    record, _ = await site.running.user()
    await site.options(otp={"enabled": True}, mfa={"enabled": True, "rule": "verified = true"})
    form = {"identity": "user@example.com", "password": PASSWORD}
    for verified, status in ((False, 200), (True, 401)):
        await site.app.records.update("users", record.id, {"verified": verified})
        assert (await site.sign_in()).status == status
        # A superuser's token passes the auth rule, but makes no difference here.
        assert (await site.post("users/auth-with-password", form, site.root)).status == status


async def test_expired_rows_are_cleaned_up_hourly(site: Site) -> None:
    record, _ = await site.running.user()
    owner = {"collectionRef": record.collection.id, "recordRef": record.id}
    await site.app.records.create("_mfas", {**owner, "method": "otp"})
    await site.app.records.create("_otps", {**owner, "password": "12345678"})
    jobs = {job.id: job for job in site.app.cron.jobs()}
    for name, table in (("__pbMFACleanup__", "_mfas"), ("__pbOTPCleanup__", "_otps")):
        assert jobs[name].expression == "0 * * * *"
        await jobs[name].run()
        assert await site.count(table) == 1
        statement = f"UPDATE {table} SET created = '2020-01-01 00:00:00.000Z'"
        await site.app.db.write(lambda tx, statement=statement: tx.execute(statement))  # type: ignore[misc]
        await jobs[name].run()
        assert await site.count(table) == 0


# -- alerts ------------------------------------------------------------------------------------------------------------


async def sign_in_with(site: Site, agent: str) -> int:
    body = {"identity": "user@example.com", "password": PASSWORD}
    answer = await site.running.request(
        "POST", "/api/collections/users/auth-with-password", body, headers={"User-Agent": agent}
    )
    return answer.status


async def test_a_new_place_is_told_by_mail_and_five_are_remembered(site: Site) -> None:
    await site.running.user()
    assert await sign_in_with(site, "first") == 200
    assert not site.outbox.messages
    assert await sign_in_with(site, "second <b>") == 200
    mail = await site.outbox.next()
    assert mail.subject == "Login from a new location"
    assert " - 127.0.0.1 second &lt;b&gt;" in mail.html
    assert await sign_in_with(site, "first") == 200
    assert not site.outbox.messages
    for index in range(6):
        await sign_in_with(site, f"agent {index}")
    rows = await site.app.records.find_many("_authOrigins")
    assert len(rows) == 5
    newest = hashlib.md5(b"127.0.0.1agent 5").hexdigest()
    assert newest in {row.text("fingerprint") for row in rows}


async def test_a_failed_alert_does_not_refuse_the_sign_in(site: Site) -> None:
    await site.running.user()
    await sign_in_with(site, "first")
    site.outbox.fails = True
    assert await sign_in_with(site, "second") == 200
    assert await site.count("_authOrigins") == 1


async def test_without_alerts_no_places_are_kept(site: Site) -> None:
    await site.running.user()
    await site.options(authAlert={"enabled": False})
    await sign_in_with(site, "first")
    assert await site.count("_authOrigins") == 0


@pytest.mark.parametrize("kind", ["verification", "password-reset", "email-change", "otp", "login-alert"])
async def test_test_mails(site: Site, kind: str) -> None:
    body = {"email": "to@example.com", "template": kind, "collection": "users"}
    answer = await site.running.request("POST", "/api/settings/test/email", body, token=site.root)
    assert answer.status == 204, answer.body
    assert (await site.outbox.next()).to[0].address == "to@example.com"


async def test_a_user_agent_that_is_no_text_is_still_told(site: Site) -> None:
    await site.running.user()
    await sign_in_with(site, "first")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.running.url.rsplit(":", 1)[1]))
    body = b'{"identity":"user@example.com","password":"password-of-user"}'
    writer.write(
        b"POST /api/collections/users/auth-with-password HTTP/1.1\r\nHost: x\r\nUser-Agent: \xff\xfe\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    assert " - 127.0.0.1 \ufffd" in (await site.outbox.next()).html
    assert await site.count("_authOrigins") == 2
