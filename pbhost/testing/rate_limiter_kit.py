"""What every rate limiter must do: subclass :class:`RateLimiterKit` in a test module and give it a ``running`` server.

::

    class TestMyRateLimiter(RateLimiterKit):
        @pytest.fixture
        async def running(self, tmp_path):
            async with running_app(tmp_path, my_plugin) as running:
                yield running
"""

from __future__ import annotations

from pbhost.errors import JSON
from pbhost.model import SUPERUSERS, Collection, Record, RequestContext
from pbhost.testing.running import Running

_LABELS = ("posts:list", "*:list", "GET /api/posts", "/api/posts")


def rules(*given: tuple[str, str, int]) -> dict[str, JSON]:
    """Settings with rules of ``(label, audience, requests in a hundred seconds)``."""
    made: list[JSON] = [
        {"label": label, "audience": audience, "duration": 100, "maxRequests": maximum}
        for label, audience, maximum in given
    ]
    return {"rateLimits": {"enabled": True, "rules": made, "excludedIPs": []}}


def caller(ip: str = "1.2.3.4", collection: str = "") -> RequestContext:
    """A guest, or somebody signed in as a record of a collection."""
    auth = Record(Collection(id=collection, name=collection, type="auth")) if collection else None
    return RequestContext(ip=ip, auth=auth)


class RateLimiterKit:
    """The tests that any provider of ``provide_rate_limiter`` must pass."""

    async def test_nothing_is_limited_until_the_settings_say_so(self, running: Running) -> None:
        limiter = running.app.rate_limiter
        assert all(limiter.allow(_LABELS, "bucket", caller()) for _ in range(1000))

    async def test_a_client_is_refused_above_its_limit(self, running: Running) -> None:
        await running.app.settings.update(rules(("*:list", "", 2)))
        limiter = running.app.rate_limiter
        assert [limiter.allow(_LABELS, "bucket", caller()) for _ in range(4)] == [True, True, False, False]
        assert limiter.allow(_LABELS, "bucket", caller(ip="4.3.2.1"))
        assert limiter.allow(_LABELS, "another bucket", caller())

    async def test_the_most_specific_rule_decides_alone(self, running: Running) -> None:
        await running.app.settings.update(rules(("/api/", "", 1), ("*:list", "", 3)))
        limiter = running.app.rate_limiter
        assert [limiter.allow(_LABELS, "b", caller()) for _ in range(4)] == [True, True, True, False]
        other = ("GET /api/other", "/api/other")
        assert [limiter.allow(other, "", caller()) for _ in range(2)] == [True, False]

    async def test_an_audience_is_told_apart(self, running: Running) -> None:
        await running.app.settings.update(rules(("/api/", "@guest", 1), ("/api/", "@auth", 2)))
        limiter = running.app.rate_limiter
        assert [limiter.allow(_LABELS, "b", caller()) for _ in range(2)] == [True, False]
        assert [limiter.allow(_LABELS, "b", caller(collection="users")) for _ in range(3)] == [True, True, False]

    async def test_superusers_are_never_limited(self, running: Running) -> None:
        await running.app.settings.update(rules(("/api/", "", 1)))
        assert all(running.app.rate_limiter.allow(_LABELS, "b", caller(collection=SUPERUSERS)) for _ in range(5))

    async def test_the_list_of_superuser_addresses(self, running: Running) -> None:
        limiter = running.app.rate_limiter
        assert limiter.allows_superuser("1.2.3.4")
        await running.app.settings.update({"superuserIPs": ["10.0.0.0/8", "2001:db8::1"]})
        assert limiter.allows_superuser("10.1.2.3")
        assert limiter.allows_superuser("2001:0db8:0000:0000:0000:0000:0000:0001")
        assert not limiter.allows_superuser("1.2.3.4")
        assert not limiter.allows_superuser("")
