"""Providers that are broken in one way each, under the kits; ``test_kits_catch.py`` runs them and expects failures.

Each is the built-in with one method replaced by what an author might get wrong.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from builtin_sqlite.service import SqliteEngine

from pbhost import App, Record, RequestContext, hookimpl
from pbhost.database import Engine
from pbhost.errors import ApiError, NotFoundError, ValidationError
from pbhost.testing import Running, files_kit, running_app
from pbhost.testing.auth_kit import AuthKit
from pbhost.testing.collections_kit import CollectionsKit
from pbhost.testing.cron_kit import CronKit
from pbhost.testing.database_kit import DatabaseKit
from pbhost.testing.files_kit import FilesKit
from pbhost.testing.logs_kit import LogsKit
from pbhost.testing.mailer_kit import MailerKit, MailWatcher
from pbhost.testing.password_hasher_kit import PasswordHasherKit
from pbhost.testing.rate_limiter_kit import RateLimiterKit
from pbhost.testing.realtime_kit import RealtimeKit
from pbhost.testing.records_kit import RecordsKit
from pbhost.testing.settings_kit import SettingsKit
from pbhost.testing.storage_kit import StorageKit

# What is broken here does not come right by waiting.
files_kit.PATIENCE = 0.5

#: Variant → its kit, the class that runs it, and the test that must fail.
CASES: dict[str, tuple[type, str, str]] = {}


class Passing:
    """Passes everything on to the built-in; variants replace a method."""

    def __init__(self, built_in: Any) -> None:
        self.built_in = built_in

    def __getattr__(self, name: str) -> Any:
        return getattr(self.built_in, name)

    async def start(self) -> None:
        if hasattr(self.built_in, "start"):
            await self.built_in.start()

    async def stop(self) -> None:
        if hasattr(self.built_in, "stop"):
            await self.built_in.stop()


def breaks(service: str, kit: type, test: str) -> Callable[[type[Passing]], type[Passing]]:
    """Puts a variant under its kit, in a class of this module that pytest collects."""

    def take(variant: type[Passing]) -> type[Passing]:
        class Plugin:
            NAME = "broken"

            def provide(self, app: App) -> Any:
                return variant(app.inherited(service, by=self))

        setattr(Plugin, f"provide_{service}", hookimpl(Plugin.provide))

        class Case(kit):  # type: ignore[misc,valid-type]
            @pytest.fixture
            async def running(self, tmp_path: Path) -> AsyncIterator[Running]:
                async with running_app(tmp_path, Plugin(), MailWatcher()) as running:
                    yield running

            @pytest.fixture
            def storage(self, running: Running) -> Any:
                return running.app.storage

            @pytest.fixture
            def hasher(self, running: Running) -> Any:
                return running.app.password_hasher

            @pytest.fixture
            def arrived(self, running: Running) -> Any:
                return lambda: running.app.mailer.sent  # type: ignore[attr-defined]

            @pytest.fixture
            def messages(self, running: Running) -> Any:
                async def stored() -> list[str]:
                    auxiliary = running.app.db.auxiliary
                    assert auxiliary is not None
                    rows = await auxiliary.read(lambda c: c.fetch_all("SELECT message FROM _logs ORDER BY rowid"))
                    return [str(row[0]) for row in rows]

                return stored

        name = f"Test{variant.__name__}"
        Case.__name__ = Case.__qualname__ = name
        globals()[name] = Case
        CASES[variant.__name__] = (kit, name, test)
        return variant

    return take


# -- collections -------------------------------------------------------------------------------------------------------


@breaks("collections", CollectionsKit, "test_every_change_is_a_new_generation_and_a_new_version")
class SaysNothingOfChanges(Passing):
    generation = 1


@breaks("collections", CollectionsKit, "test_the_public_form_shows_no_secret")
class ShowsSecrets(Passing):
    def public_json(self, collection: Any) -> Any:
        return {**self.built_in.public_json(collection), **collection.options}


@breaks("collections", CollectionsKit, "test_what_is_needed_is_not_deleted")
class IgnoresRefusals(Passing):
    async def delete(self, collection: Any, **options: Any) -> None:
        with suppress(ApiError):
            await self.built_in.delete(collection, **options)


@breaks("collections", CollectionsKit, "test_an_import_is_all_or_nothing")
class ImportsOneByOne(Passing):
    async def import_all(self, collections: Any, **options: Any) -> None:
        for collection in collections:
            await self.built_in.import_all([collection], **options)


@breaks("collections", CollectionsKit, "test_a_collection_is_found_by_id_and_by_name_in_any_case")
class FindsExactNamesOnly(Passing):
    def get(self, name: str) -> Any:
        found = self.built_in.get(name)
        if name not in (found.id, found.name):
            raise NotFoundError
        return found


@breaks("collections", CollectionsKit, "test_truncating_deletes_every_record")
class TruncatesNothing(Passing):
    async def truncate(self, collection: Any, **options: Any) -> None: ...


# -- records -----------------------------------------------------------------------------------------------------------


@breaks("records", RecordsKit, "test_the_rules_of_a_request_are_applied_when_asked")
class IgnoresRules(Passing):
    async def find_many(self, *arguments: Any, as_: Any = None, **options: Any) -> Any:
        return await self.built_in.find_many(*arguments, **options)


@breaks("records", RecordsKit, "test_values_are_bound_and_never_part_of_the_text")
class BuildsText(Passing):
    async def find_many(self, collection: Any, filter: str = "", params: Any = None, **options: Any) -> Any:
        for name, value in (params or {}).items():
            filter = filter.replace(f"{{:{name}}}", f"'{value}'" if isinstance(value, str) else str(value))
        return await self.built_in.find_many(collection, filter, **options)


@breaks("records", RecordsKit, "test_iterating_gives_each_match_once_whatever_is_deleted_meanwhile")
class IteratesByOffset(Passing):
    async def iterate(self, collection: Any, *arguments: Any, batch: int = 500, **options: Any) -> Any:
        offset = 0
        while found := await self.built_in.find_many(collection, *arguments, limit=batch, offset=offset, **options):
            for record in found:
                yield record
            offset += batch


@breaks("records", RecordsKit, "test_what_is_not_acceptable_is_an_error_of_its_field")
class ValidatesNothing(Passing):
    async def create(self, collection: Any, values: Any, **options: Any) -> Any:
        record = Record(self.built_in.core.collection(collection), values)
        with suppress(ApiError):
            return await self.built_in.save(record, validate=False, **options)
        return record


@breaks("records", RecordsKit, "test_a_transaction_is_undone_as_a_whole")
class ReadsBesideTheTransaction(Passing):
    async def find(self, collection: Any, id: str, *, tx: Any = None, **options: Any) -> Any:
        work = self.built_in.find(collection, id, **options)
        return await asyncio.create_task(work, context=contextvars.Context())


@breaks("records", RecordsKit, "test_whether_a_record_satisfies_a_rule")
class SaysYes(Passing):
    async def satisfies(self, record: Any, rule: Any, *arguments: Any, **options: Any) -> bool:
        return True


@breaks("records", RecordsKit, "test_an_answer_has_what_its_caller_may_see")
class ShowsHiddenFields(Passing):
    async def enrich(self, records: Any, context: Any, **options: Any) -> None:
        await self.built_in.enrich(records, context, **options)
        for record in records:
            record.show(*record)


# -- files -------------------------------------------------------------------------------------------------------------


@breaks("files", FilesKit, "test_a_replaced_file_goes_after_the_commit_and_not_before")
class DeletesTooEarly(Passing):
    async def begin_write(self, record: Any, uploads: Any, leaving: Any) -> None:
        await self.built_in.begin_write(record, uploads, leaving)
        for name in leaving:
            await self.built_in._app.storage.delete(f"{self.built_in.base_path(record)}/{name}")


@breaks("files", FilesKit, "test_what_cannot_be_a_thumbnail_is_said")
class ThumbsOfAnything(Passing):
    async def thumbnail(self, record: Any, filename: str, size: str) -> str:
        return f"{self.built_in.base_path(record)}/thumbs_{filename}/{size}_{filename}"


@breaks("files", FilesKit, "test_a_file_is_fetched_from_another_server")
class FetchesWithoutBound(Passing):
    async def download_upload(self, url: str, *, name: str = "", max_bytes: int = 0) -> Any:
        return await self.built_in.download_upload(url, name=name)


@breaks("files", FilesKit, "test_a_stored_file_is_copied_to_another_record")
class CopiesUnderTheSameName(Passing):
    async def copy_of(self, record: Any, filename: str, *, keep_name: bool = False) -> Any:
        return await self.built_in.copy_of(record, filename, keep_name=True)


@breaks("files", FilesKit, "test_an_upload_is_stored_beside_its_record_and_served")
class SaysAnotherPlace(Passing):
    def base_path(self, record: Any) -> str:
        return str(record.id)


# -- realtime ----------------------------------------------------------------------------------------------------------


@breaks("realtime", RealtimeKit, "test_a_custom_message_reaches_its_subscribers_and_nobody_else")
class SendsToEverybody(Passing):
    async def send(self, topic: str, data: Any) -> int:
        return sum([await self.built_in.send(known, data) for known in ("news", "other")])


@breaks("realtime", RealtimeKit, "test_a_message_is_delivered_once_to_the_right_address")
class DeliversToAnyAddress(Passing):
    async def deliver_once(self, client_id: str, topic: str, data: Any, *, ip: str) -> bool:
        client = self.built_in.client(client_id)
        return bool(client and await self.built_in.deliver_once(client_id, topic, data, ip=client.ip))


@breaks("realtime", RealtimeKit, "test_clients_are_known_while_they_are_connected")
class KnowsNobody(Passing):
    def client(self, id: str) -> None:
        return None


@breaks("database", RealtimeKit, "test_many_changes_at_once_keep_the_order_of_their_commits")
class FeedsBackwards(Passing):
    async def changes(self, after: int, limit: int = 1000) -> Any:
        return list(reversed(await self.built_in.changes(after, limit)))


@breaks("records", RealtimeKit, "test_each_client_gets_what_its_rules_allow")
class TellsEverybody(Passing):
    def within(self, connection: Any) -> Any:
        class Lenient(Passing):
            def satisfies(self, record: Any, rule: Any, context: RequestContext, *, filter: str = "") -> bool:
                return True

        return Lenient(self.built_in.within(connection))


# -- sign-in -----------------------------------------------------------------------------------------------------------


@breaks("auth", AuthKit, "test_anything_else_is_nobody")
class TakesTokensForAnyPurpose(Passing):
    async def identify(self, token: str) -> Any:
        for type_ in ("auth", "file"):
            found = await self.built_in.verify_token(token, type_)
            if found is not None:
                return found[0]
        return None


@breaks("auth", AuthKit, "test_a_new_token_key_ends_every_token_at_once")
class NeverForgets(Passing):
    def __init__(self, built_in: Any) -> None:
        super().__init__(built_in)
        self.known: dict[str, Any] = {}

    async def identify(self, token: str) -> Any:
        self.known[token] = self.known.get(token) or await self.built_in.identify(token)
        return self.known[token]


@breaks("auth", AuthKit, "test_the_answer_to_a_sign_in_shows_no_secret")
class AnswersWithSecrets(Passing):
    async def respond(self, record: Any, context: Any, **options: Any) -> Any:
        answer = await self.built_in.respond(record, context, **options)
        return {**answer, "record": {**answer["record"], "tokenKey": record["tokenKey"]}}


@breaks("password_hasher", PasswordHasherKit, "test_the_hash_tells_nothing_of_the_password")
class HashesWithoutSalt(Passing):
    async def hash(self, password: str, *, cost: int = 0) -> str:
        return hashlib.sha256(password.encode()).hexdigest()


# -- operations --------------------------------------------------------------------------------------------------------


@breaks("settings", SettingsKit, "test_secrets_are_kept_but_never_shown")
class ShowsItsSecrets(Passing):
    def public(self) -> Any:
        return self.built_in.full()


@breaks("settings", SettingsKit, "test_listeners_hear_of_a_change_and_see_it")
class TellsNobody(Passing):
    def on_change(self, callback: Any) -> None: ...


@breaks("settings", SettingsKit, "test_what_is_not_acceptable_changes_nothing")
class AcceptsAnything(Passing):
    async def update(self, changes: Any, **options: Any) -> None:
        with suppress(ValidationError):
            await self.built_in.update(changes, **options)


@breaks("logs", LogsKit, "test_entries_below_the_level_of_the_settings_are_dropped")
class LogsEverythingAsErrors(Passing):
    def write(self, level: int, message: str, data: Any = None) -> None:
        self.built_in.write(8, message, data)


@breaks("rate_limiter", RateLimiterKit, "test_a_client_is_refused_above_its_limit")
class LimitsNobody(Passing):
    def allow(self, labels: Any, bucket: str, context: Any) -> bool:
        return True


@breaks("cron", CronKit, "test_an_unknown_job_is_not_found")
class RunsWhatDoesNotExist(Passing):
    async def run(self, id: str) -> None:
        with suppress(NotFoundError):
            await self.built_in.run(id)


@breaks("cron", CronKit, "test_a_job_can_be_added_replaced_and_removed")
class KeepsRemovedJobs(Passing):
    def remove(self, id: str) -> None: ...


@breaks("mailer", MailerKit, "test_a_hook_keeps_a_mail_back_silently")
class SendsPastTheHooks(Passing):
    def __init__(self, built_in: Any) -> None:
        super().__init__(built_in)
        self.sent: list[tuple[str, str]] = []

    async def send(self, message: Any) -> None:
        self.sent.append((message.subject, message.html))


# -- storage and database ----------------------------------------------------------------------------------------------


@breaks("storage", StorageKit, "test_a_range_is_read")
class ReadsOneByteMore(Passing):
    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> Any:
        async for chunk in self.built_in.read(key, start=start, end=None if end is None else end + 1):
            yield chunk


@breaks("storage", StorageKit, "test_deleting_a_prefix")
class DeletesNeighbours(Passing):
    async def delete_prefix(self, prefix: str) -> None:
        async for key, _ in self.built_in.list(""):
            if key.startswith(prefix.rstrip("/")):
                await self.built_in.delete(key)


class WritingReads(SqliteEngine):
    async def read(self, function: Any, *, lane: Any = "point", **options: Any) -> Any:
        return await self.write(function)


class ForgetfulFeed(SqliteEngine):
    async def changes(self, after: int, limit: int = 1000) -> Any:
        return (await super().changes(after, limit))[1:]


class TestWritingReads(DatabaseKit):
    def make_engine(self, directory: Path) -> Engine:
        return WritingReads(str(directory / "data.db"))


class TestForgetfulFeed(DatabaseKit):
    def make_engine(self, directory: Path) -> Engine:
        return ForgetfulFeed(str(directory / "data.db"))


CASES["WritingReads"] = (DatabaseKit, "TestWritingReads", "test_a_read_cannot_write")
CASES["ForgetfulFeed"] = (DatabaseKit, "TestForgetfulFeed", "test_the_feed_has_the_committed_changes_in_order")
