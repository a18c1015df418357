"""Asks for a list rule that names the user, on collections of a prefix."""

from pbhost import FieldError, ValidationError, hookimpl


@hookimpl
def on_collection_validate(event):
    if event.collection.name.startswith("private_") and "@request.auth.id" not in (event.collection.list_rule or ""):
        raise ValidationError({"listRule": FieldError("validation_private", "Must name @request.auth.id.")})
