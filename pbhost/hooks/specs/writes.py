"""Writes of records, of collections, and of both as models; before-hooks run in the transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pbhost.hooks.markers import hookspec

if TYPE_CHECKING:
    from pbhost.app import App
    from pbhost.hooks import events


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
    """Around the SQL of the create of a record or a collection; in the transaction. Raising rolls back.

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
    """Around the SQL of the update of a record or a collection; in the transaction. Raising rolls back.

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
    """Around the SQL of the delete of a record or a collection; in the transaction. Raising rolls back.

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
