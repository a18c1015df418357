"""An authenticator app as the second factor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pyotp
import pytest

from pbhost.model import clock
from pbhost.testing import running_app

from .conftest import Outbox, Site, text


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    outbox = Outbox()
    options = {"auth": {"hash_memory_kib": 8192, "hash_passes": 1, "totp": True}}
    async with running_app(tmp_path, outbox, block=("realtime",), options=options) as running:
        made = Site(running, outbox)
        made.root = await running.superuser()
        await made.options(otp={"enabled": True}, mfa={"enabled": True}, authAlert={"enabled": False})
        yield made


@pytest.fixture
def moment() -> Iterator[list[float]]:
    """What the clock shows is what a test puts in; it begins now."""
    shown = [time.time()]
    with clock.replaced(lambda: shown[0]):
        yield shown


async def enrolled(site: Site, moment: list[float]) -> tuple[pyotp.TOTP, list[str], str]:
    """The app, its recovery codes and a token of the user."""
    _, token = await site.running.user()
    made = await site.post("users/totp/enrol", token=token)
    app = pyotp.TOTP(text(made, "secret"))
    assert text(made, "url").startswith("otpauth://totp/")
    confirmed = await site.post("users/totp/confirm", {"code": app.at(moment[0])}, token)
    assert confirmed.status == 200, confirmed.body
    codes = confirmed["recoveryCodes"]
    assert isinstance(codes, list)
    moment[0] += 30
    return app, [str(item) for item in codes], token


async def second(site: Site, code: str, mfa: str = "") -> int:
    mfa = mfa or text(await site.sign_in(), "mfaId")
    return (await site.post(f"users/auth-with-totp?mfaId={mfa}", {"code": code})).status


async def test_it_is_off_unless_configured(tmp_path: Path) -> None:
    async with running_app(tmp_path, block=("realtime",)) as running:
        _, token = await running.user()
        assert (await running.request("POST", "/api/collections/users/auth-with-totp", {})).status == 404
        assert (await running.request("GET", "/api/collections/users/totp", token=token)).status == 404
        assert "totp" not in (await running.request("GET", "/api/collections/users/auth-methods")).body  # type: ignore[operator]


async def test_password_and_app_sign_in_together(site: Site, moment: list[float]) -> None:
    app, codes, token = await enrolled(site, moment)
    assert len(set(codes)) == 10
    assert (await site.get("users/totp", token)).body == {"enabled": True, "recoveryCodes": 10}
    assert (await site.get("users/auth-methods"))["totp"] == {"enabled": True}
    mfa = text(await site.sign_in(), "mfaId")
    answer = await site.post("users/auth-with-totp", {"code": app.at(moment[0]), "mfaId": mfa})
    assert answer.status == 200, answer.body
    assert (await site.post("users/auth-refresh", token=text(answer, "token"))).status == 200


async def test_a_code_is_good_once_however_many_try_at_once(site: Site, moment: list[float]) -> None:
    app, _, _ = await enrolled(site, moment)
    sessions = [text(await site.sign_in(), "mfaId") for _ in range(3)]
    code = app.at(moment[0])
    done = await asyncio.gather(*(second(site, code, mfa) for mfa in sessions))
    assert sorted(done) == [200, 400, 400]
    moment[0] += 30
    assert await second(site, code) == 400, "nor later, while its time has not run out"


async def test_a_recovery_code_stands_in_once(site: Site, moment: list[float]) -> None:
    _, codes, token = await enrolled(site, moment)
    done = await asyncio.gather(*(second(site, codes[0]) for _ in range(3)))
    assert sorted(done) == [200, 400, 400]
    assert (await site.get("users/totp", token))["recoveryCodes"] == 9
    stored = await site.app.db.read(lambda c: c.fetch_all("SELECT hash FROM _pbhost_totp_codes"))
    assert not {str(row[0]) for row in stored} & set(codes)


async def test_guesses_are_limited_and_the_right_code_comes_too_late(site: Site, moment: list[float]) -> None:
    app, _, _ = await enrolled(site, moment)
    moment[0] += 180
    mfa = text(await site.sign_in(), "mfaId")
    assert [await second(site, "000000x", mfa) for _ in range(6)] == [400] * 5 + [429]
    assert await second(site, app.at(moment[0]), mfa) == 429


async def test_it_is_no_first_factor_and_serves_its_own_record(site: Site, moment: list[float]) -> None:
    app, _, _ = await enrolled(site, moment)
    await site.running.user("other@example.com")
    others = text(await site.sign_in("other@example.com"), "mfaId")
    code = app.at(moment[0])
    for body in ({"code": code}, {"code": code, "mfaId": ""}, {"code": code, "mfaId": "unknown"}, {"code": ""}):
        assert (await site.post("users/auth-with-totp", body)).status == 400
    assert await second(site, code, others) == 400
    assert (await site.post("_superusers/auth-with-totp", {"code": code})).status == 403
    assert await second(site, code) == 200


async def test_an_app_is_not_replaced_or_taken_away_by_a_token_alone(site: Site, moment: list[float]) -> None:
    app, codes, token = await enrolled(site, moment)
    assert (await site.post("users/totp/enrol", token=token)).status == 400
    assert (await site.post("users/totp/disable", {"code": "1"}, token)).status == 400
    assert (await site.post("users/totp/disable", {"code": app.at(moment[0])})).status == 401
    assert (await site.post("users/totp/disable", {"code": codes[0]}, token)).status == 204
    assert (await site.get("users/totp", token)).body == {"enabled": False, "recoveryCodes": 0}
    assert await second(site, codes[1]) == 400


async def test_an_unconfirmed_secret_counts_for_nothing(site: Site, moment: list[float]) -> None:
    _, token = await site.running.user()
    app = pyotp.TOTP(text(await site.post("users/totp/enrol", token=token), "secret"))
    assert await second(site, app.at(moment[0])) == 400


async def test_nothing_is_left_of_a_deleted_record(site: Site, moment: list[float]) -> None:
    await enrolled(site, moment)
    record, _ = await site.running.user()
    await site.app.records.delete(record)
    for table in ("_pbhost_totp", "_pbhost_totp_codes"):
        assert await site.app.db.read(lambda c, t=table: c.fetch_one(f"SELECT count(*) FROM {t}")) == (0,)  # type: ignore[misc]
