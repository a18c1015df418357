"""Requests of clients; outside any transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.hooks.markers import hookspec

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.hooks import events


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
