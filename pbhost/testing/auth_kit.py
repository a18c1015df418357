"""What every auth service must do: subclass :class:`AuthKit` in a test module and give it a ``running`` server.

::

    class TestMyAuth(AuthKit):
        @pytest.fixture
        async def running(self, tmp_path):
            async with running_app(tmp_path, my_plugin) as running:
                yield running
"""

from __future__ import annotations

from pbhost.model import RequestContext
from pbhost.testing.running import Running


class AuthKit:
    """The tests that any provider of ``provide_auth`` must pass."""

    async def test_an_auth_token_leads_back_to_its_record(self, running: Running) -> None:
        record, token = await running.user()
        found = await running.app.auth.identify(token)
        assert found is not None
        assert (found.id, found.collection.name) == (record.id, "users")
        cached = running.app.auth.cached_identity(token)
        assert cached is None or cached.id == record.id

    async def test_anything_else_is_nobody(self, running: Running) -> None:
        record, token = await running.user()
        file_token = await running.app.auth.issue_token(record, "file")
        for text in ("", "x", "a.b.c", token[:-2], f"{token}x", file_token, "é" * 20, "x" * 100_000):
            assert running.app.auth.cached_identity(text) is None
            assert await running.app.auth.identify(text) is None

    async def test_a_token_is_good_for_its_own_purpose(self, running: Running) -> None:
        record, _ = await running.user()
        token = await running.app.auth.issue_token(record, "verification", claims={"email": "user@example.com"})
        verified = await running.app.auth.verify_token(token, "verification")
        assert verified is not None
        assert verified[0].id == record.id
        assert verified[1]["email"] == "user@example.com"
        assert await running.app.auth.verify_token(token, "passwordReset") is None

    async def test_a_new_token_key_ends_every_token_at_once(self, running: Running) -> None:
        record, token = await running.user()
        other = await running.app.auth.issue_token(record, "file")
        assert await running.app.auth.identify(token) is not None
        await running.app.records.update("users", record.id, {"tokenKey": "k" * 40})
        assert running.app.auth.cached_identity(token) is None
        assert await running.app.auth.identify(token) is None
        assert await running.app.auth.verify_token(other, "file") is None

    async def test_a_deleted_record_ends_every_token_at_once(self, running: Running) -> None:
        record, token = await running.user()
        assert await running.app.auth.identify(token) is not None
        await running.app.records.delete(record)
        assert running.app.auth.cached_identity(token) is None
        assert await running.app.auth.identify(token) is None

    async def test_changes_of_a_record_are_seen_at_once(self, running: Running) -> None:
        record, token = await running.user()
        await running.app.auth.identify(token)
        await running.app.records.update("users", record.id, {"name": "Ann"})
        found = running.app.auth.cached_identity(token) or await running.app.auth.identify(token)
        assert found is not None
        assert found["name"] == "Ann"

    async def test_the_answer_to_a_sign_in_shows_no_secret(self, running: Running) -> None:
        record, _ = await running.user()
        answer = await running.app.auth.respond(record, RequestContext())
        assert await running.app.auth.identify(str(answer["token"])) is not None
        shown = answer["record"]
        assert isinstance(shown, dict)
        assert shown["email"] == "user@example.com"
        assert not {"password", "tokenKey"} & set(shown)
