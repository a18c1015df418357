"""One rule for everything that is written: records and collections."""

from pbhost import BadRequestError, hookimpl

frozen = False


@hookimpl
def on_model_validate(event):
    if frozen:
        raise BadRequestError(f"Nothing is written to {event.collection.name} during the audit.")
