"""Who has a record is not told: not by status and body, and not by the work that an answer costs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import bcrypt
import pytest
from builtin_auth.service import AuthService

from pbhost.errors import JSON
from pbhost.model import clock
from pbhost.testing import Answer

from .conftest import PASSWORD, Later, Site, text

WHO = ("user@example.com", "nobody@example.com")


class Work:
    """What the server does before it answers: hashes by kind, reads and writes. Background work is held back."""

    def __init__(self, site: Site, later: Later, monkeypatch: pytest.MonkeyPatch) -> None:
        self._later = later
        self._done: list[str] = []
        hasher, db = site.app.password_hasher, site.app.db
        self._count(monkeypatch, hasher, "verify", lambda password, stored: f"verify {stored[:7] or '$argon2'}")
        self._count(monkeypatch, hasher, "hash", lambda password: "hash")
        self._count(monkeypatch, db, "read", lambda function: "read")
        self._count(monkeypatch, db, "write", lambda function: "write")

    def _count(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, label: Callable[..., str]) -> None:
        real = getattr(owner, name)

        async def counted(*arguments: object, **options: object) -> object:
            if _is_request():
                self._done.append(label(*arguments))
            return await real(*arguments, **options)

        monkeypatch.setattr(owner, name, counted)

    async def of(self, asked: Awaitable[Answer]) -> tuple[Answer, list[str]]:
        """An answer and what was done for it; what was put off is done afterwards."""
        self._done.clear()
        answer = await asked
        done = sorted(self._done)
        await self._later.now()
        return answer, done


def _is_request() -> bool:
    """Whether this is done for a request. Other tasks follow what the site does meanwhile."""
    task = asyncio.current_task()
    return task is not None and getattr(task.get_coro(), "__qualname__", "").startswith("RequestHandler.")


@pytest.fixture
def work(site: Site, later: Later, monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(site, later, monkeypatch)


async def mixed_hashes(site: Site) -> None:
    """One record with an argon2id hash, one with a bcrypt hash."""
    await site.running.user("new@example.com")
    old, _ = await site.running.user("old@example.com")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    await site.app.db.write(lambda tx: tx.execute("UPDATE users SET password = ? WHERE id = ?", (hashed, old.id)))


async def test_a_refused_password_costs_the_same_whoever_is_asked_for(site: Site, work: Work) -> None:
    await mixed_hashes(site)
    await site.sign_in("first@example.com")  # the kinds of hashes are looked for once in a while
    seen = [
        await work.of(site.sign_in(email, "wrong-password"))
        for email in ("new@example.com", "old@example.com", "nobody@example.com")
    ]
    assert [done for _, done in seen] == [["read", "verify $2b$04$", "verify $argon2"]] * 3
    assert {(answer.status, str(answer.body)) for answer, _ in seen} == {(400, str(seen[0][0].body))}


async def test_each_identity_field_is_looked_at_wherever_the_identity_is_found(site: Site, work: Work) -> None:
    index = "CREATE UNIQUE INDEX `n` ON `users` (`name`) WHERE `name` != ''"
    indexes = (await site.get("users", site.root))["indexes"]
    assert isinstance(indexes, list)
    await site.options(indexes=[*indexes, index], passwordAuth={"identityFields": ["name", "email"]})
    record, _ = await site.running.user()
    await site.app.records.update("users", record.id, {"name": "name@example.com"})
    await site.sign_in("first@example.com")
    seen = [
        await work.of(site.sign_in(identity, "wrong-password"))
        for identity in ("user@example.com", "name@example.com", "nobody@example.com")
    ]
    assert [done for _, done in seen] == [["read", "read", "verify $argon2"]] * 3


async def test_an_empty_collection_costs_a_hash_too(site: Site, work: Work) -> None:
    _, done = await work.of(site.sign_in("nobody@example.com", "wrong-password"))
    assert "verify $argon2" in done


async def test_one_time_passwords_do_not_tell_who_is_there(site: Site, work: Work) -> None:
    await site.running.user()
    await site.options(otp={"enabled": True})
    seen = []
    for email in WHO:
        asked, asking = await work.of(site.post("users/request-otp", {"email": email}))
        form: JSON = {"otpId": asked["otpId"], "password": "0"}
        used, using = await work.of(site.post("users/auth-with-otp", form))
        seen.append((asked.status, len(text(asked, "otpId")), asking, used.status, used.body, using))
    assert seen[0] == seen[1]
    assert (seen[0][2].count("hash"), seen[0][2].count("write")) == (1, 1)
    assert (seen[0][5].count("verify $argon2"), seen[0][5].count("write")) == (1, 1)


async def test_who_has_all_codes_already_is_not_told_from_nobody(site: Site, work: Work) -> None:
    await site.running.user()
    await site.options(otp={"enabled": True})
    for _ in range(10):
        await work.of(site.post("users/request-otp", {"email": WHO[0]}))
    assert await site.count("_otps") == 10
    done = [(await work.of(site.post("users/request-otp", {"email": email})))[1] for email in WHO]
    assert done[0] == done[1]
    assert await site.count("_otps") == 10


async def test_guesses_of_codes_that_were_never_sent_are_counted_like_others(site: Site) -> None:
    """Together for all codes of an address, and until their time is over."""
    await site.running.user()
    await site.options(otp={"enabled": True})
    seen = []
    for email in WHO:
        ids = [(await site.post("users/request-otp", {"email": email}))["otpId"] for _ in range(2)]
        forms = [{"otpId": ids[number % 2], "password": "x"} for number in range(7)]
        answers = [await site.post("users/auth-with-otp", form) for form in forms]
        seen.append([(answer.status, str(answer.body)) for answer in answers])
        assert [answer.status for answer in answers] == [400] * 5 + [429] * 2
    assert seen[0] == seen[1]
    unknown = [await site.post("users/auth-with-otp", {"otpId": "x" * 15, "password": "x"}) for _ in range(7)]
    assert {answer.status for answer in unknown} == {400}


async def test_asking_again_and_again_gives_nobody_the_newest_id_too(site: Site) -> None:
    await site.running.user()
    await site.options(otp={"enabled": True})
    for email in WHO:
        ids = [text(await site.post("users/request-otp", {"email": email}), "otpId") for _ in range(12)]
        assert len(set(ids)) == 10, email
        assert ids[9] == ids[10] == ids[11]
    other = text(await site.post("users/request-otp", {"email": "other@example.com"}), "otpId")
    assert other not in ids


async def test_what_was_never_sent_is_forgotten_in_time_and_goes_by_the_rules_of_the_address(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, users = site.app.auth, site.app.collections.get("users")
    assert isinstance(service, AuthService)
    codes, now = service.pretended_codes, [clock.timestamp()]
    monkeypatch.setattr(clock, "timestamp", lambda: now[0])
    ids = []
    for email in ("a@b.test", "a@b.test", "A@b.test"):
        ids.append(await codes.issue(users, email, seconds=60, most=10))
        now[0] += 1
    whose = [await codes.whose(users, otp_id) for otp_id in ids]
    assert whose[0] == whose[1] != whose[2], "the case of an address counts here"
    assert await codes.whose(site.app.collections.get("_superusers"), ids[0]) == ""
    now[0] += 56
    assert await codes.issue(users, "a@b.test", seconds=60, most=2) == ids[1], "and its time is not prolonged"
    now[0] += 3
    assert [await codes.whose(users, otp_id) for otp_id in ids] == ["", "", ""]
    assert await codes.issue(users, "a@b.test", seconds=60, most=2) not in ids
    assert await site.app.db.read(lambda c: c.fetch_one("SELECT count(*) FROM _pbhost_pretended_codes")) == (1,)
    nocase = "CREATE UNIQUE INDEX `i` ON `users` (`email` COLLATE NOCASE) WHERE `email` != ''"
    collection = await site.get("users", site.root)
    indexes = [item for item in collection["indexes"] if "tokenKey" in str(item)]  # type: ignore[union-attr]
    await site.options(indexes=[*indexes, nocase])
    users = site.app.collections.get("users")
    ids = [await codes.issue(users, email, seconds=60, most=10) for email in ("a@b.test", "A@B.test")]
    assert len({await codes.whose(users, otp_id) for otp_id in ids}) == 1


@pytest.mark.parametrize("endpoint", ["request-password-reset", "request-verification"])
async def test_asking_for_a_mail_does_not_tell_who_is_there(site: Site, work: Work, endpoint: str) -> None:
    """Nor whether one was sent a moment ago: all that depends on it happens after the answer."""
    await site.running.user()
    seen = [await work.of(site.post(f"users/{endpoint}", {"email": email})) for email in (*WHO, *WHO)]
    assert [(answer.status, answer.body) for answer, _ in seen] == [(204, None)] * 4
    assert [done for _, done in seen] == [["read", "read"]] * 4
    assert len(site.outbox.messages) == 1
