"""A rule across two fields, answered like those of single fields."""

from pbhost import FieldError, ValidationError, hookimpl


@hookimpl(collections=["posts"])
def on_record_validate(event):
    title = event.record.text("title")
    if title and title == event.record.get("summary"):
        raise ValidationError({"summary": FieldError("validation_same", "Say more than the title.")})
