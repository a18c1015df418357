"""What the schema of a collection with soft delete has to be: the mark, rules that hide it, indexes of living rows."""

from __future__ import annotations

import re

from pbhost import App, Collection, FieldError, ValidationError
from pbhost.errors import JSON
from pbhost.model import guarded
from pbhost_soft_delete.options import Options

_UNIQUE = re.compile(r"\s*create\s+unique\s+index\s", re.IGNORECASE)
_WHERE = re.compile(r"\)\s*where\s+(?P<condition>.+)$", re.IGNORECASE | re.DOTALL)


class Schema:
    """Keeps the collections of one application as they have to be."""

    def __init__(self, app: App, options: Options) -> None:
        self._app = app
        self._options = options
        self._clause = f'{options.field} = ""'

    async def bring_up(self) -> None:
        """Prepares the configured collections that are there already."""
        collections = self._app.collections
        for name in sorted(self._options.collections):
            collection = collections.find(name)
            if collection is None:
                continue
            wanted = collection.copy()
            self.apply(wanted, collection)
            if collections.public_json(wanted) != collections.public_json(collection):
                await collections.save(collection.copy())  # the hooks of the save apply it

    def apply(self, collection: Collection, old: Collection | None) -> None:
        """Changes a collection that is about to be saved into what it has to be.

        Args:
            collection: changed in place.
            old: its stored state, None for a new one.

        Raises:
            ValidationError: it is no base collection, or has another field of that name.
        """
        if collection.type != "base":
            # A deleted user could still sign in, and a view has no rows of its own to mark.
            raise ValidationError({"type": FieldError("soft_delete_type", "Soft delete is for base collections.")})
        collection.list_rule = guarded(collection.list_rule, self._clause)
        collection.view_rule = guarded(collection.view_rule, self._clause)
        collection.update_rule = guarded(collection.update_rule, self._clause)
        collection.delete_rule = guarded(collection.delete_rule, self._clause)
        collection.indexes = [_of_living(text, self._options.field) for text in collection.indexes]
        self._ensure_field(collection, old)

    def _ensure_field(self, collection: Collection, old: Collection | None) -> None:
        name = self._options.field
        # One that was left out keeps its id, for with another id it would be another column.
        found = collection.field(name) or (old.field(name) if old is not None else None)
        if found is not None and found.type != "date":
            message = f"The field {name!r} has to be a date."
            raise ValidationError({"fields": FieldError("soft_delete_other_field", message)})
        options: dict[str, JSON] = {"name": name, "hidden": True, "required": False}
        encoded = {**(found.encode() if found is not None else {}), **options}
        field = self._app.collections.field_types["date"].decode(encoded)
        place = next((i for i, item in enumerate(collection.fields) if item.name == name), len(collection.fields))
        collection.fields = [*collection.fields[:place], field, *collection.fields[place + 1 :]]


def _of_living(index: str, field: str) -> str:
    """A unique index that deleted rows take no part in: their values are free for new records."""
    living = f"`{field}` = ''"
    if not _UNIQUE.match(index) or living in index:
        return index
    text = index.strip().rstrip(";").rstrip()
    where = _WHERE.search(text)
    if where is None:
        return f"{text} WHERE {living}"
    return f"{text[: where.start('condition')]}({where['condition']}) AND {living}"
