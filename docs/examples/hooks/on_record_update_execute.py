"""An asynchronous hook in the transaction uses ``event.tx``; what it reads is what the write will see."""

from pbhost import FieldError, ValidationError, hookimpl


@hookimpl(collections=["posts"])
async def on_record_update_execute(event):
    title = event.record.text("title")
    same = await event.tx.fetch_all("SELECT id FROM posts WHERE title = ? AND id != ?", (title, event.record.id))
    if same:
        raise ValidationError({"title": FieldError("validation_taken", "There is a post of that title.")})
