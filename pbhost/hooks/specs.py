"""Every hook specification of pbhost. The name tells the family: ``register_*``, ``provide_*``, ``on_*``.

``register_*`` and ``provide_*`` are plain functions called when the application starts. ``on_*`` hooks are plain or async
functions, or generators with ``@hookimpl(wrapper=True)``; they take any subset of their arguments. See DESIGN in the
docs for the moments, ``docs/hooks.md`` for an example of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.hooks.markers import hookspec

if TYPE_CHECKING:
    import click

    from pbhost import services
    from pbhost.app import App
    from pbhost.database import Engine, Migration
    from pbhost.hooks import events
    from pbhost.http import Middleware, Route
    from pbhost.model import CollectionType, Field


# -- register: all results are used --------------------------------------------------------------------------------------


@hookspec
def register_routes(app: App) -> list[Route]:
    """HTTP routes. A later registration of the same method and path replaces the earlier one.

    versionadded: 0.1
    """
    return []


@hookspec
def register_middlewares(app: App) -> list[Middleware]:
    """Steps around every request, ordered by priority (lower is outer).

    versionadded: 0.1
    """
    return []


@hookspec
def register_field_types(app: App) -> list[type[Field]]:
    """Field types; a later one of the same ``type`` replaces the earlier one.

    versionadded: 0.1
    """
    return []


@hookspec
def register_collection_types(app: App) -> list[CollectionType]:
    """Kinds of collections; a later one of the same name replaces the earlier one.

    versionadded: 0.1
    """
    return []


@hookspec
def register_filter_functions(app: App) -> list[services.FilterFunction]:
    """Functions of the filter language.

    versionadded: 0.1
    """
    return []


@hookspec
def register_auth_methods(app: App) -> list[services.AuthMethod]:
    """Ways to sign in.

    versionadded: 0.1
    """
    return []


@hookspec
def register_oauth2_providers(app: App) -> list[services.OAuth2Provider]:
    """OAuth2 providers; a later one of the same name replaces the earlier one.

    versionadded: 0.1
    """
    return []


@hookspec
def register_commands(app: App) -> list[click.Command]:
    """Commands of the ``pbhost`` command line.

    versionadded: 0.1
    """
    return []


@hookspec
def register_cron_jobs(app: App) -> list[services.CronJob]:
    """Scheduled jobs.

    versionadded: 0.1
    """
    return []


@hookspec
def register_migrations(app: App) -> list[Migration]:
    """Changes of the plugin's own tables, applied at start, each once.

    versionadded: 0.1
    """
    return []


@hookspec
def register_settings_sections(app: App) -> list[services.SettingsSection]:
    """Further sections of the settings.

    versionadded: 0.1
    """
    return []


@hookspec
def register_dashboard_extensions(app: App) -> list[services.DashboardExtension]:
    """Scripts and files added to the admin interface.

    versionadded: 0.1
    """
    return []


# -- provide: the first result wins, a later plugin comes first ----------------------------------------------------------


@hookspec(firstresult=True)
def provide_database(app: App) -> Engine | None:
    """The database engine.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_collections(app: App) -> services.Collections | None:
    """The schema.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_settings(app: App) -> services.Settings | None:
    """The settings.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_password_hasher(app: App) -> services.PasswordHasher | None:
    """How passwords are hashed and verified.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_records(app: App) -> services.Records | None:
    """Reading and writing records.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_auth(app: App) -> services.Auth | None:
    """Identity, tokens and sign-in.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_storage(app: App) -> services.Storage | None:
    """Where files are kept.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_files(app: App) -> services.Files | None:
    """File fields, thumbnails and downloads.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_realtime(app: App) -> services.Realtime | None:
    """The broker of live updates.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_mailer(app: App) -> services.Mailer | None:
    """How mail is sent.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_logs(app: App) -> services.Logs | None:
    """Where log entries go.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_cron(app: App) -> services.Cron | None:
    """The scheduler.

    versionadded: 0.1
    """
    return None


@hookspec(firstresult=True)
def provide_rate_limiter(app: App) -> services.RateLimiter | None:
    """Who may go on and who has to wait.

    versionadded: 0.1
    """
    return None


# -- on: the application -------------------------------------------------------------------------------------------------


@hookspec
def on_bootstrap(event: events.BootstrapEvent, app: App) -> None:
    """Around the start of the services (databases, collections, settings). Raising stops the start.

    versionadded: 0.1
    """


@hookspec
def on_serve(event: events.ServeEvent, app: App) -> None:
    """Before the server accepts requests. Raising stops it.

    versionadded: 0.1
    """


@hookspec
def on_terminate(event: events.TerminateEvent, app: App) -> None:
    """Around the shutdown.

    versionadded: 0.1
    """


@hookspec
def on_backup_create(event: events.BackupEvent, app: App) -> None:
    """Around the making of a backup. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_backup_restore(event: events.BackupEvent, app: App) -> None:
    """Around the restoring of a backup. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_settings_reload(event: events.SettingsReloadEvent, app: App) -> None:
    """After the settings were loaded from the database.

    versionadded: 0.1
    """


# -- on: writes of records, collections, and both as models --------------------------------------------------------------


@hookspec
def on_record_validate(event: events.RecordEvent, app: App) -> None:
    """Before the validation of a record; in the transaction. Raising refuses the write.

    versionadded: 0.1
    """


@hookspec
def on_record_create(event: events.RecordEvent, app: App) -> None:
    """Around the create of a record, validation included; in the transaction. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_record_create_execute(event: events.RecordEvent, app: App) -> None:
    """Around the SQL of the create of a record, after validation; in the transaction. Raising rolls back.

    versionadded: 0.1
    """


@hookspec
def on_record_after_create_success(event: events.RecordEvent, app: App) -> None:
    """After the commit of the create of a record. Exceptions are logged and change nothing.

    versionadded: 0.1
    """


@hookspec
def on_record_after_create_error(event: events.RecordEvent, app: App) -> None:
    """After the create of a record failed; ``event.error`` says why.

    versionadded: 0.1
    """


@hookspec
def on_record_update(event: events.RecordEvent, app: App) -> None:
    """Around the update of a record, validation included; in the transaction. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_record_update_execute(event: events.RecordEvent, app: App) -> None:
    """Around the SQL of the update of a record, after validation; in the transaction. Raising rolls back.

    versionadded: 0.1
    """


@hookspec
def on_record_after_update_success(event: events.RecordEvent, app: App) -> None:
    """After the commit of the update of a record. Exceptions are logged and change nothing.

    versionadded: 0.1
    """


@hookspec
def on_record_after_update_error(event: events.RecordEvent, app: App) -> None:
    """After the update of a record failed; ``event.error`` says why.

    versionadded: 0.1
    """


@hookspec
def on_record_delete(event: events.RecordEvent, app: App) -> None:
    """Around the delete of a record, validation included; in the transaction. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_record_delete_execute(event: events.RecordEvent, app: App) -> None:
    """Around the SQL of the delete of a record, after validation; in the transaction. Raising rolls back.

    versionadded: 0.1
    """


@hookspec
def on_record_after_delete_success(event: events.RecordEvent, app: App) -> None:
    """After the commit of the delete of a record. Exceptions are logged and change nothing.

    versionadded: 0.1
    """


@hookspec
def on_record_after_delete_error(event: events.RecordEvent, app: App) -> None:
    """After the delete of a record failed; ``event.error`` says why.

    versionadded: 0.1
    """


@hookspec
def on_collection_validate(event: events.CollectionEvent, app: App) -> None:
    """Before the validation of a collection; in the transaction. Raising refuses the write.

    versionadded: 0.1
    """


@hookspec
def on_collection_create(event: events.CollectionEvent, app: App) -> None:
    """Around the create of a collection, validation included; in the transaction. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_collection_create_execute(event: events.CollectionEvent, app: App) -> None:
    """Around the SQL of the create of a collection, after validation; in the transaction. Raising rolls back.

    versionadded: 0.1
    """


@hookspec
def on_collection_after_create_success(event: events.CollectionEvent, app: App) -> None:
    """After the commit of the create of a collection. Exceptions are logged and change nothing.

    versionadded: 0.1
    """


@hookspec
def on_collection_after_create_error(event: events.CollectionEvent, app: App) -> None:
    """After the create of a collection failed; ``event.error`` says why.

    versionadded: 0.1
    """


@hookspec
def on_collection_update(event: events.CollectionEvent, app: App) -> None:
    """Around the update of a collection, validation included; in the transaction. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_collection_update_execute(event: events.CollectionEvent, app: App) -> None:
    """Around the SQL of the update of a collection, after validation; in the transaction. Raising rolls back.

    versionadded: 0.1
    """


@hookspec
def on_collection_after_update_success(event: events.CollectionEvent, app: App) -> None:
    """After the commit of the update of a collection. Exceptions are logged and change nothing.

    versionadded: 0.1
    """


@hookspec
def on_collection_after_update_error(event: events.CollectionEvent, app: App) -> None:
    """After the update of a collection failed; ``event.error`` says why.

    versionadded: 0.1
    """


@hookspec
def on_collection_delete(event: events.CollectionEvent, app: App) -> None:
    """Around the delete of a collection, validation included; in the transaction. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_collection_delete_execute(event: events.CollectionEvent, app: App) -> None:
    """Around the SQL of the delete of a collection, after validation; in the transaction. Raising rolls back.

    versionadded: 0.1
    """


@hookspec
def on_collection_after_delete_success(event: events.CollectionEvent, app: App) -> None:
    """After the commit of the delete of a collection. Exceptions are logged and change nothing.

    versionadded: 0.1
    """


@hookspec
def on_collection_after_delete_error(event: events.CollectionEvent, app: App) -> None:
    """After the delete of a collection failed; ``event.error`` says why.

    versionadded: 0.1
    """


@hookspec
def on_model_validate(event: events.ModelEvent, app: App) -> None:
    """Before the validation of a record or a collection; in the transaction. Raising refuses the write.

    versionadded: 0.1
    """


@hookspec
def on_model_create(event: events.ModelEvent, app: App) -> None:
    """Around the create of a record or a collection, validation included; in the transaction. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_model_create_execute(event: events.ModelEvent, app: App) -> None:
    """Around the SQL of the create of a record or a collection, after validation; in the transaction. Raising rolls back.

    versionadded: 0.1
    """


@hookspec
def on_model_after_create_success(event: events.ModelEvent, app: App) -> None:
    """After the commit of the create of a record or a collection. Exceptions are logged and change nothing.

    versionadded: 0.1
    """


@hookspec
def on_model_after_create_error(event: events.ModelEvent, app: App) -> None:
    """After the create of a record or a collection failed; ``event.error`` says why.

    versionadded: 0.1
    """


@hookspec
def on_model_update(event: events.ModelEvent, app: App) -> None:
    """Around the update of a record or a collection, validation included; in the transaction. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_model_update_execute(event: events.ModelEvent, app: App) -> None:
    """Around the SQL of the update of a record or a collection, after validation; in the transaction. Raising rolls back.

    versionadded: 0.1
    """


@hookspec
def on_model_after_update_success(event: events.ModelEvent, app: App) -> None:
    """After the commit of the update of a record or a collection. Exceptions are logged and change nothing.

    versionadded: 0.1
    """


@hookspec
def on_model_after_update_error(event: events.ModelEvent, app: App) -> None:
    """After the update of a record or a collection failed; ``event.error`` says why.

    versionadded: 0.1
    """


@hookspec
def on_model_delete(event: events.ModelEvent, app: App) -> None:
    """Around the delete of a record or a collection, validation included; in the transaction. Raising refuses it.

    versionadded: 0.1
    """


@hookspec
def on_model_delete_execute(event: events.ModelEvent, app: App) -> None:
    """Around the SQL of the delete of a record or a collection, after validation; in the transaction. Raising rolls back.

    versionadded: 0.1
    """


@hookspec
def on_model_after_delete_success(event: events.ModelEvent, app: App) -> None:
    """After the commit of the delete of a record or a collection. Exceptions are logged and change nothing.

    versionadded: 0.1
    """


@hookspec
def on_model_after_delete_error(event: events.ModelEvent, app: App) -> None:
    """After the delete of a record or a collection failed; ``event.error`` says why.

    versionadded: 0.1
    """


@hookspec
def on_record_enrich(event: events.RecordEnrichEvent, app: App) -> None:
    """Before a record is serialised for an answer, a live message or an expand.

    versionadded: 0.1
    """


# -- on: mail ------------------------------------------------------------------------------------------------------------


@hookspec
def on_mailer_send(event: events.MailerEvent, app: App) -> None:
    """Around the sending of every mail. Raise ``Skip`` to keep a mail back silently.

    versionadded: 0.1
    """


@hookspec
def on_mailer_record_auth_alert_send(event: events.MailerRecordEvent, app: App) -> None:
    """Around the mail of the alert of a sign-in from a new place.

    versionadded: 0.1
    """


@hookspec
def on_mailer_record_password_reset_send(event: events.MailerRecordEvent, app: App) -> None:
    """Around the mail of a password reset.

    versionadded: 0.1
    """


@hookspec
def on_mailer_record_verification_send(event: events.MailerRecordEvent, app: App) -> None:
    """Around the mail of an email verification.

    versionadded: 0.1
    """


@hookspec
def on_mailer_record_email_change_send(event: events.MailerRecordEvent, app: App) -> None:
    """Around the mail of an email change.

    versionadded: 0.1
    """


@hookspec
def on_mailer_record_otp_send(event: events.MailerRecordEvent, app: App) -> None:
    """Around the mail of a one-time code.

    versionadded: 0.1
    """


# -- on: requests --------------------------------------------------------------------------------------------------------


@hookspec
def on_realtime_connect_request(event: events.RealtimeConnectRequestEvent, app: App) -> None:
    """Around the life of a realtime connection; what follows ``yield`` runs at disconnect.

    versionadded: 0.1
    """


@hookspec
def on_realtime_message_send(event: events.RealtimeMessageSendEvent, app: App) -> None:
    """Before a message is written to a client. ``Skip`` drops the message; any error closes the connection.

    versionadded: 0.1
    """


@hookspec
def on_realtime_subscribe_request(event: events.RealtimeSubscribeRequestEvent, app: App) -> None:
    """Before a client's subscriptions are replaced.

    versionadded: 0.1
    """


@hookspec
def on_settings_list_request(event: events.SettingsListRequestEvent, app: App) -> None:
    """Around the answer with the settings.

    versionadded: 0.1
    """


@hookspec
def on_settings_update_request(event: events.SettingsUpdateRequestEvent, app: App) -> None:
    """Before changed settings are saved.

    versionadded: 0.1
    """


@hookspec
def on_file_download_request(event: events.FileDownloadRequestEvent, app: App) -> None:
    """Before a file is sent.

    versionadded: 0.1
    """


@hookspec
def on_file_token_request(event: events.FileTokenRequestEvent, app: App) -> None:
    """Before a file token is sent.

    versionadded: 0.1
    """


@hookspec
def on_record_auth_request(event: events.RecordAuthRequestEvent, app: App) -> None:
    """Before every successful auth answer.

    versionadded: 0.1
    """


@hookspec
def on_record_auth_with_password_request(event: events.RecordAuthWithPasswordRequestEvent, app: App) -> None:
    """Before a password is checked.

    versionadded: 0.1
    """


@hookspec
def on_record_auth_with_oauth2_request(event: events.RecordAuthWithOAuth2RequestEvent, app: App) -> None:
    """After the OAuth2 provider answered, before anything is written.

    versionadded: 0.1
    """


@hookspec
def on_record_auth_refresh_request(event: events.RecordAuthRefreshRequestEvent, app: App) -> None:
    """Before a token is refreshed.

    versionadded: 0.1
    """


@hookspec
def on_record_auth_with_otp_request(event: events.RecordAuthWithOTPRequestEvent, app: App) -> None:
    """After a one-time code was found to match.

    versionadded: 0.1
    """


@hookspec
def on_record_request_otp_request(event: events.RecordRequestOTPRequestEvent, app: App) -> None:
    """Before a one-time code is made.

    versionadded: 0.1
    """


@hookspec
def on_record_request_password_reset_request(event: events.RecordEmailRequestEvent, app: App) -> None:
    """Before a password reset mail.

    versionadded: 0.1
    """


@hookspec
def on_record_confirm_password_reset_request(event: events.RecordEmailRequestEvent, app: App) -> None:
    """Before a password is reset.

    versionadded: 0.1
    """


@hookspec
def on_record_request_verification_request(event: events.RecordEmailRequestEvent, app: App) -> None:
    """Before a verification mail.

    versionadded: 0.1
    """


@hookspec
def on_record_confirm_verification_request(event: events.RecordEmailRequestEvent, app: App) -> None:
    """Before an email is marked as verified.

    versionadded: 0.1
    """


@hookspec
def on_record_request_email_change_request(event: events.RecordEmailChangeRequestEvent, app: App) -> None:
    """Before an email change mail.

    versionadded: 0.1
    """


@hookspec
def on_record_confirm_email_change_request(event: events.RecordEmailChangeRequestEvent, app: App) -> None:
    """Before an email is changed.

    versionadded: 0.1
    """


@hookspec
def on_records_list_request(event: events.RecordsListRequestEvent, app: App) -> None:
    """After the query of a list, before its answer.

    versionadded: 0.1
    """


@hookspec
def on_record_view_request(event: events.RecordRequestEvent, app: App) -> None:
    """After the view rule, before the answer.

    versionadded: 0.1
    """


@hookspec
def on_record_create_request(event: events.RecordRequestEvent, app: App) -> None:
    """After the create rule, before the record is saved.

    versionadded: 0.1
    """


@hookspec
def on_record_update_request(event: events.RecordRequestEvent, app: App) -> None:
    """After the update rule, before the record is saved.

    versionadded: 0.1
    """


@hookspec
def on_record_delete_request(event: events.RecordRequestEvent, app: App) -> None:
    """After the delete rule, before the record is deleted.

    versionadded: 0.1
    """


@hookspec
def on_collections_list_request(event: events.CollectionsListRequestEvent, app: App) -> None:
    """Before the answer with a list of collections.

    versionadded: 0.1
    """


@hookspec
def on_collection_view_request(event: events.CollectionRequestEvent, app: App) -> None:
    """Before the answer with a collection.

    versionadded: 0.1
    """


@hookspec
def on_collection_create_request(event: events.CollectionRequestEvent, app: App) -> None:
    """Before a collection is created.

    versionadded: 0.1
    """


@hookspec
def on_collection_update_request(event: events.CollectionRequestEvent, app: App) -> None:
    """Before a collection is updated.

    versionadded: 0.1
    """


@hookspec
def on_collection_delete_request(event: events.CollectionRequestEvent, app: App) -> None:
    """Before a collection is deleted.

    versionadded: 0.1
    """


@hookspec
def on_collections_import_request(event: events.CollectionsImportRequestEvent, app: App) -> None:
    """Before collections are imported.

    versionadded: 0.1
    """


@hookspec
def on_batch_request(event: events.BatchRequestEvent, app: App) -> None:
    """Before a batch runs.

    versionadded: 0.1
    """


# -- on: additions of pbhost ---------------------------------------------------------------------------------------------


@hookspec
def on_request(event: events.RequestEvent, app: App) -> None:
    """Around every request, after identity and limits, before the handler.

    versionadded: 0.1
    """


@hookspec
def on_storage_write(event: events.StorageEvent, app: App) -> None:
    """Around the writing of a file to the storage.

    versionadded: 0.1
    """


@hookspec
def on_storage_delete(event: events.StorageEvent, app: App) -> None:
    """Around the deletion of a file from the storage.

    versionadded: 0.1
    """


@hookspec
def on_cron_run(event: events.CronEvent, app: App) -> None:
    """Around each run of a cron job.

    versionadded: 0.1
    """


@hookspec
def on_plugins_reload(event: events.PluginsReloadEvent, app: App) -> None:
    """After plugins were reloaded in development.

    versionadded: 0.1
    """
