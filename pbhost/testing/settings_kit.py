"""What every settings service must do: subclass :class:`SettingsKit` in a test module and give it a ``running`` server.

::

    class TestMySettings(SettingsKit):
        @pytest.fixture
        async def running(self, tmp_path):
            async with running_app(tmp_path, my_plugin) as running:
                yield running
"""

from __future__ import annotations

import pytest

from pbhost.errors import JSON, ApiError, ValidationError
from pbhost.testing.running import Running

#: Every application has these; other plugins read them.
SECTIONS = ("smtp", "backups", "s3", "meta", "rateLimits", "trustedProxy", "batch", "logs")


class SettingsKit:
    """The tests that any provider of ``provide_settings`` must pass."""

    async def test_a_new_application_has_every_section(self, running: Running) -> None:
        for name in SECTIONS:
            assert running.app.settings.section(name), name
        assert running.app.settings.section("no such section") == {}

    async def test_a_change_merges_into_what_is_there(self, running: Running) -> None:
        settings = running.app.settings
        before = dict(settings.section("meta"))
        await settings.update({"meta": {"appName": "Changed"}})
        assert dict(settings.section("meta")) == {**before, "appName": "Changed"}
        await settings.reload()
        assert settings.section("meta")["appName"] == "Changed"

    async def test_listeners_hear_of_a_change_and_see_it(self, running: Running) -> None:
        seen: list[JSON] = []
        running.app.settings.on_change(lambda: seen.append(running.app.settings.section("meta")["appName"]))
        await running.app.settings.update({"meta": {"appName": "Heard"}})
        assert seen[-1:] == ["Heard"]

    async def test_secrets_are_kept_but_never_shown(self, running: Running) -> None:
        settings = running.app.settings
        secret = "sesame"  # noqa: S105  # what shall stay secret
        await settings.update({"smtp": {"password": secret}, "s3": {"secret": secret}})
        assert settings.section("smtp")["password"] == secret
        assert secret not in str(settings.public())
        assert "password" not in str(settings.public()["smtp"])
        await settings.update({"smtp": {"host": "mail.example.com"}})
        assert settings.section("smtp")["password"] == secret

    async def test_what_is_handed_out_in_full_is_a_copy(self, running: Running) -> None:
        full = running.app.settings.full()
        meta = full["meta"]
        assert isinstance(meta, dict)
        meta["appName"] = "scribbled"
        assert running.app.settings.section("meta")["appName"] != "scribbled"

    @pytest.mark.parametrize(
        "changes", [{"meta": {"appName": ""}}, {"backups": {"cron": "nonsense"}}, {"superuserIPs": ["nonsense"]}]
    )
    async def test_what_is_not_acceptable_changes_nothing(self, running: Running, changes: dict[str, JSON]) -> None:
        before = running.app.settings.full()
        with pytest.raises(ValidationError):
            await running.app.settings.update(changes)
        assert running.app.settings.full() == before

    async def test_a_value_of_the_wrong_type_is_refused(self, running: Running) -> None:
        with pytest.raises(ApiError):
            await running.app.settings.update({"meta": "text"})

    async def test_a_change_within_a_transaction_is_undone_with_it(self, running: Running) -> None:
        settings = running.app.settings
        before = settings.section("meta")["appName"]

        async def undone() -> None:
            async with running.app.transaction() as tx:
                await settings.update({"meta": {"appName": "Undone"}}, tx=tx)
                raise RuntimeError("changed my mind")

        with pytest.raises(RuntimeError, match="changed my mind"):
            await undone()
        await settings.reload()
        assert settings.section("meta")["appName"] == before
        async with running.app.transaction() as tx:
            await settings.update({"meta": {"appName": "Kept"}}, tx=tx)
        assert settings.section("meta")["appName"] == "Kept"
