"""What a write of a tenanted record has to be: of the caller's tenant, and pointing only into its own."""

from __future__ import annotations

from pbhost import Collection, FieldError, Record, RequestContext, ValidationError
from pbhost.database import Connection
from pbhost.hooks.events import RecordEvent
from pbhost_tenancy.options import Options

_OTHER = FieldError("tenancy_other_tenant", "A record always belongs to your own tenant.")
#: The answer for ids that do not exist: whether another tenant has such a record is nobody's business.
_MISSING = FieldError("validation_missing_rel_records", "Failed to find all relation records with the provided ids.")
_IDS_PER_QUERY = 500


class Stamping:
    """Checks writes under the options of one application."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def stamp(self, event: RecordEvent) -> None:
        """Gives a new record the caller's tenant, and keeps the one of a stored record.

        Code and superusers say themselves which tenant a record is of.

        Raises:
            ValidationError: a client names another one.
        """
        caller, record, name = event.context, event.record, self._options.field
        if caller is None or caller.is_superuser:
            return
        own = _tenant_of(caller, name)
        if event.api is not None:
            for key, value in event.api.body.items():
                field = record.field_of(key)
                if field is not None and field.name == name and value != own:
                    raise ValidationError({name: _OTHER})
        if event.action == "create":
            record[name] = own
        elif record.changed(name):
            raise ValidationError({name: _OTHER})

    def check_relations(self, event: RecordEvent) -> None:
        """Whether a record points only to records of its own tenant, whoever writes it.

        Raises:
            ValidationError: it does not; as if the record it points to did not exist.
        """
        record, name = event.record, self._options.field
        moved = record.is_new or record.changed(name)
        connection = event.connection
        assert connection is not None, "a hook of a write has its transaction"
        errors = {}
        for field in record.collection.fields:
            if field.type != "relation" or not (moved or record.changed(field.name)):
                continue
            target = event.app.collections.find(str(field.encode()["collectionId"]))
            if target is None or target.name not in self._options.collections:
                continue
            if not _all_of(connection, target, _ids(record, field.name), name, record.text(name)):
                errors[field.name] = _MISSING
        if errors:
            raise ValidationError({**errors})


def _tenant_of(caller: RequestContext, name: str) -> str:
    return caller.auth.text(name) if caller.auth is not None else ""


def _ids(record: Record, name: str) -> list[str]:
    value = record[name]
    found = value if isinstance(value, list) else [value]
    return sorted({str(item) for item in found if item})


def _all_of(connection: Connection, target: Collection, ids: list[str], name: str, tenant: str) -> bool:
    quote = connection.dialect.quote
    for start in range(0, len(ids), _IDS_PER_QUERY):
        some = ids[start : start + _IDS_PER_QUERY]
        row = connection.fetch_one(
            f"SELECT COUNT(*) FROM {quote(target.name)} "
            f"WHERE {quote(name)} = ? AND {quote('id')} IN ({', '.join('?' * len(some))})",
            (tenant, *some),
        )
        if row is None or row[0] != len(some):
            return False
    return True
