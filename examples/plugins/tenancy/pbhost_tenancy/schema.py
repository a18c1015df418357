"""What the schema of a tenanted collection has to be: the tenant field, guarded rules, protected files."""

from __future__ import annotations

from pbhost import App, Collection, FieldError, ValidationError
from pbhost.errors import JSON
from pbhost.model import Field, guarded
from pbhost_tenancy.options import Options


class Schema:
    """Keeps the collections of one application tenanted."""

    def __init__(self, app: App, options: Options) -> None:
        self._app = app
        self._options = options
        field = options.field
        self._signed_in = f'@request.auth.{field} != ""'
        self._own = f"{self._signed_in} && {field} = @request.auth.{field}"

    async def bring_up(self) -> None:
        """Makes the collection of tenants, and tenants the configured collections that are there already."""
        collections, options = self._app.collections, self._options
        if collections.find(options.tenants) is None:
            rule = f"id = @request.auth.{options.field}"
            fields = [{"type": "text", "name": "name", "required": True}]
            made = collections.new(name=options.tenants, fields=fields, list_rule=rule, view_rule=rule)
            try:
                await collections.save(made)
            except ValidationError:
                await collections.reload()
                if collections.find(options.tenants) is None:
                    raise  # it was not another process that made it at the same time
        for name in sorted(options.collections):
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
            ValidationError: it has a field of that name which is something else.
        """
        collection.list_rule = guarded(collection.list_rule, self._own)
        collection.view_rule = guarded(collection.view_rule, self._own)
        if collection.is_view:
            return
        # Before the record is stamped there is nothing to compare; stamping refuses the name of another tenant.
        collection.create_rule = guarded(collection.create_rule, self._signed_in)
        collection.update_rule = guarded(collection.update_rule, self._own)
        collection.delete_rule = guarded(collection.delete_rule, self._own)
        self._ensure_field(collection, old)
        collection.fields = [self._protected(field) for field in collection.fields]

    def check_view(self, view: Collection) -> None:
        """A view has the columns of its query.

        Raises:
            ValidationError: the tenant is not among them.
        """
        if view.is_view and view.field(self._options.field) is None:
            message = f"Select the column {self._options.field!r}: the view is tenanted."
            raise ValidationError({"viewQuery": FieldError("tenancy_no_tenant", message)})

    def _ensure_field(self, collection: Collection, old: Collection | None) -> None:
        name = self._options.field
        tenants = self._app.collections.get(self._options.tenants)
        options: dict[str, JSON] = {
            "name": name,
            "hidden": True,
            # A record of the members without a tenant reaches nothing; any other one would be lost without one.
            "required": collection.name not in self._options.members,
            "collectionId": tenants.id,
            "maxSelect": 1,
            "cascadeDelete": False,
        }
        # One that was left out keeps its id, for with another id it would be another column.
        found = collection.field(name) or (old.field(name) if old is not None else None)
        if found is None:
            collection.indexes.append(f"CREATE INDEX `idx_{collection.name}_{name}` ON `{collection.name}` (`{name}`)")
        elif found.type != "relation" or found.encode().get("collectionId") != tenants.id:
            message = f"The field {name!r} has to be a relation to {tenants.name!r}."
            raise ValidationError({"fields": FieldError("tenancy_other_field", message)})
        encoded = {**(found.encode() if found is not None else {}), **options}
        field = self._app.collections.field_types["relation"].decode(encoded)
        place = next((i for i, item in enumerate(collection.fields) if item.name == name), len(collection.fields))
        collection.fields = [*collection.fields[:place], field, *collection.fields[place + 1 :]]

    @staticmethod
    def _protected(field: Field) -> Field:
        """A file that is not protected is served to everyone who knows its address."""
        return type(field).decode({**field.encode(), "protected": True}) if field.type == "file" else field
