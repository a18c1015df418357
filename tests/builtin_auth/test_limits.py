"""Bounds on what a stranger may try and send: guesses, sizes, shapes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from builtin_auth.hashing import HashingOptions, PasswordHasher

from .conftest import PASSWORD, Site, code, mailed_code
from .test_oauth2 import Provider, enable, provider

__all__ = ["provider"]

AT_ONCE = 12


async def test_rate_limits_hold_back_guesses_of_passwords(site: Site) -> None:
    await site.running.user()
    rules = [{"label": "*:auth", "maxRequests": 3, "duration": 60}]
    body = {"rateLimits": {"enabled": True, "rules": rules}}
    assert (await site.running.request("PATCH", "/api/settings", body, token=site.root)).status == 200
    answers = await asyncio.gather(*(site.sign_in(password=f"guess-{n}") for n in range(AT_ONCE)))
    assert sorted(answer.status for answer in answers) == [400] * 3 + [429] * (AT_ONCE - 3)
    assert (await site.sign_in()).status == 429, "nor does the right one come through"


async def test_other_identities_and_claimed_addresses_do_not_widen_the_limits(site: Site) -> None:
    """Credential stuffing: each guess is for another account, and says that it comes from another address."""
    rules = [{"label": "*:auth", "maxRequests": 3, "duration": 60}]
    body = {"rateLimits": {"enabled": True, "rules": rules}}
    assert (await site.running.request("PATCH", "/api/settings", body, token=site.root)).status == 200
    statuses = []
    for number in range(AT_ONCE):
        headers = {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}"}
        form = {"identity": f"user{number}@example.com", "password": PASSWORD}
        path = "/api/collections/users/auth-with-password"
        statuses.append((await site.running.request("POST", path, form, headers=headers)).status)
    assert statuses == [400] * 3 + [429] * (AT_ONCE - 3)


async def test_guesses_of_several_codes_count_together(site: Site) -> None:
    await site.running.user()
    await site.options(otp={"enabled": True})
    codes = [(await mailed_code(site))[0] for _ in range(3)]
    answers = [await site.post("users/auth-with-otp", {"otpId": codes[n % 3], "password": "x"}) for n in range(6)]
    assert [answer.status for answer in answers] == [400] * 5 + [429]


async def test_passwords_longer_than_bcrypt_reads_are_refused_when_set(site: Site) -> None:
    for long in ("a" * 73, "ü" * 37, "€" * 25):
        form = {"email": "l@example.com", "password": long, "passwordConfirm": long}
        answer = await site.post("users/records", form)
        assert (answer.status, code(answer, "password")) == (400, "validation_invalid_value"), long


async def test_bcrypt_reads_72_bytes_and_a_nul_hides_nothing() -> None:
    hasher = PasswordHasher(HashingOptions(memory_kib=8192, passes=1))
    stored = await hasher.hash("secret\0tail-one")
    assert not await hasher.verify("secret", stored)
    assert not await hasher.verify("secret\0tail-two", stored)
    await hasher.stop()


MALFORMED: list[object] = [
    [], "text", 5, {"identity": {}, "password": []}, {"identity": "a" * 100_000, "password": "b"},
    {"identity": "\0", "password": "\0"}, {"identity": "' OR 1=1 --", "password": "x"},
    {"token": 5}, {"token": "a.b.c" * 5000}, {"token": "e30.e30.e30", "password": "x" * 300, "passwordConfirm": "y"},
    {"otpId": "../../x", "password": "1"}, {"otpId": [], "password": {}}, {"provider": "oidc", "code": {}},
    {"email": "a@b.test\r\nBcc: x@y.test"}, {"email": "\ud800".encode("utf-8", "replace").decode()},
    {"newEmail": 7}, {"mfaId": ["x"]},
]  # fmt: skip
ENDPOINTS = [
    "auth-with-password", "auth-with-otp", "auth-with-oauth2", "request-otp", "request-password-reset",
    "confirm-password-reset", "request-verification", "confirm-verification", "request-email-change",
    "confirm-email-change",
]  # fmt: skip


async def test_malformed_bodies_get_a_polite_refusal(site: Site, provider: Provider) -> None:
    _, token = await site.running.user()
    await enable(site, provider)
    await site.options(otp={"enabled": True})
    for endpoint in ENDPOINTS:
        for body in MALFORMED:
            answer = await site.post(f"users/{endpoint}", body, token)
            assert answer.status in (400, 413), (endpoint, body, answer.status)
            assert isinstance(answer.body, dict)
            assert set(answer.body) == {"data", "message", "status"}
        raw = await site.running.request(
            "POST", f"/api/collections/users/{endpoint}", data=b"{", headers={"Content-Type": "application/json"}
        )
        assert raw.status in (400, 401), endpoint


async def _raw(site: Site, head: str, body: bytes = b"", chunks: int = 1) -> int:
    """The status of the answer to a request that no client would send; the body is sent until there is one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.running.url.rpartition(":")[2]))
    try:
        path = "/api/collections/users/auth-with-password"
        lines = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}\r\n\r\n"
        writer.write(lines.encode())
        for _ in range(chunks):
            writer.write(body)
            with suppress(ConnectionError):
                await writer.drain()
        async with asyncio.timeout(20):
            return int((await reader.readline()).split()[1])
    finally:
        writer.close()


async def test_oversize_requests_are_refused_before_they_are_read(site: Site) -> None:
    mebibyte = b"100000\r\n" + b"a" * 2**20 + b"\r\n"
    assert await _raw(site, "Content-Length: 33554433") == 413
    assert await _raw(site, "Transfer-Encoding: chunked", mebibyte, 33) == 413
    assert await _raw(site, f"Authorization: {'a' * 70_000}\r\nContent-Length: 0") in (400, 431)
    deep = b'{"identity":' + b"[" * 100_000
    assert await _raw(site, f"Content-Length: {len(deep)}", deep) == 400
    token = f"{'a' * 4000}.{'b' * 3000}.{'c' * 2000}"
    assert (await site.post("users/confirm-verification", {"token": token})).status == 400
    assert (await site.post(f"users/auth-with-password?mfaId={'m' * 6000}", {})).status == 400
