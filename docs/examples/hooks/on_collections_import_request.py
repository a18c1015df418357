"""Never deletes collections in an import, whatever the caller asks for."""

from pbhost import hookimpl


@hookimpl
def on_collections_import_request(event):
    event.delete_missing = False
