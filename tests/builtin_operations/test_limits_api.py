"""Rate limits and the superuser IP list as clients meet them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pbhost.testing import Running, running_app

ROOT = "token-of-a-superuser"
USER = "token-of-a-user"


def limits(label: str, maximum: int, audience: str = "") -> dict[str, Any]:
    rule = {"label": label, "audience": audience, "duration": 100, "maxRequests": maximum}
    return {"rateLimits": {"enabled": True, "rules": [rule], "excludedIPs": []}}


async def statuses(server: Running, count: int, **keywords: Any) -> list[int]:
    return [(await server.request("GET", "/api/health", **keywords)).status for _ in range(count)]


async def test_requests_above_the_limit_are_refused(server: Running) -> None:
    assert await statuses(server, 3) == [200, 200, 200]
    await server.app.settings.update(limits("/api/", 2))
    assert await statuses(server, 3) == [200, 200, 429]
    answer = await server.request("GET", "/api/health")
    assert answer.body == {"data": {}, "message": "Too Many Requests.", "status": 429}
    assert "Retry-After" not in answer.headers
    # All paths below share the counter of the rule; it comes before the check of the token.
    assert (await server.request("GET", "/api/settings")).status == 429


async def test_superusers_and_excluded_addresses_are_never_limited(server: Running) -> None:
    await server.app.settings.update(limits("GET /api/health", 1))
    assert await statuses(server, 3, token=ROOT) == [200, 200, 200]
    assert await statuses(server, 2) == [200, 429]
    await server.app.settings.update({"rateLimits": {"excludedIPs": ["127.0.0.0/8"]}})
    assert await statuses(server, 3) == [200, 200, 200]


async def test_a_rule_may_be_for_guests_only(server: Running) -> None:
    await server.app.settings.update(limits("/api/health", 1, "@guest"))
    assert await statuses(server, 2) == [200, 429]
    assert await statuses(server, 2, token=USER) == [200, 200]


async def test_saving_the_settings_forgets_the_counters(server: Running) -> None:
    await server.app.settings.update(limits("/api/", 1))
    assert await statuses(server, 2) == [200, 429]
    await server.app.settings.update({"meta": {"appName": "Other"}})
    assert await statuses(server, 2) == [200, 429]


async def test_the_cleanup_job_appears_with_first_use(server: Running) -> None:
    def jobs() -> list[str]:
        return [job.id for job in server.app.cron.jobs() if "RateLimiters" in job.id]

    assert jobs() == []
    await server.app.settings.update(limits("/api/", 1))
    await statuses(server, 1)
    assert jobs() == ["__pbRateLimitersCleanup__"]


async def test_superusers_may_be_limited_to_some_addresses(server: Running) -> None:
    await server.app.settings.update({"superuserIPs": ["127.0.0.1"]})
    assert (await server.request("GET", "/api/settings", token=ROOT)).status == 200
    await server.app.settings.update({"superuserIPs": ["10.0.0.0/8"]})
    refused = await server.request("GET", "/api/settings", token=ROOT)
    assert (refused.status, refused["message"]) == (403, "You are not allowed to perform this request.")
    assert (await server.request("GET", "/api/health", token=USER)).status == 200


async def test_rules_follow_a_collection_to_its_new_name(tmp_path: Path) -> None:
    async with running_app(tmp_path, block=["dashboard"]) as server:
        await server.app.collections.save(server.app.collections.new("base", name="posts"))
        rules: list[Any] = [
            {"label": label, "audience": "", "duration": 10, "maxRequests": 5}
            for label in ("posts:list", "postscript:list", "/api/posts")
        ]
        await server.app.settings.update({"rateLimits": {"rules": rules}})
        renamed = server.app.collections.get("posts").copy()
        renamed.name = "articles"
        await server.app.collections.save(renamed)
        found: Any = server.app.settings.section("rateLimits")["rules"]
        assert [rule["label"] for rule in found] == ["articles:list", "postscript:list", "/api/posts"]
