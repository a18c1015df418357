"""What a fresh database starts with: system collections, ``users``, the list of applied migrations (11.4, 22)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pbhost.database import Transaction
from pbhost.errors import JSON
from pbhost.model import SUPERUSERS, Collection

if TYPE_CHECKING:
    from .collections.schema import Schema
    from .collections.service import CollectionsService

_OWNER = "@request.auth.id != '' && recordRef = @request.auth.id && collectionRef = @request.auth.collectionId"
_OWN_RECORD = "id = @request.auth.id"

#: The names that PocketBase knows its own migrations by; either server may open the directory afterwards.
_MIGRATIONS = (
    "1640988000_aux_init.go",
    "1640988000_init.go",
    "1717233556_v0.23_migrate.go",
    "1717233557_v0.23_migrate2.go",
    "1717233558_v0.23_migrate3.go",
    "1717233559_v0.23_migrate4.go",
    "1763020353_update_default_auth_alert_templates.go",
    "1778828400_normalize_indexes.go",
)

_AVATAR_TYPES: list[JSON] = ["image/jpeg", "image/png", "image/svg+xml", "image/gif", "image/webp"]


def missing_presets(schema: Schema, service: CollectionsService) -> list[Collection]:
    """What has to be created, in order: everything in a fresh database, else what sign-in cannot do without.

    A directory that was made while no plugin provided auth collections gets them once one does.
    """
    presets: list[Collection] = []
    if not schema.collections:
        presets += [_mfas(service), _otps(service), _external_auths(service), _auth_origins(service)]
    if "auth" in service.types and schema.by_name(SUPERUSERS) is None:
        presets += [_superusers(service), _users(service)]
    return [item for item in presets if schema.by_name(item.name) is None]


def mark_migrations(transaction: Transaction) -> None:
    """Notes PocketBase's own migrations as applied."""
    quote = transaction.dialect.quote
    now = time.time_ns() // 1000
    transaction.execute_many(
        f"INSERT INTO {quote('_migrations')} (file, applied) VALUES (?, ?)",
        [(name, now + position) for position, name in enumerate(_MIGRATIONS)],
    )


def _mfas(service: CollectionsService) -> Collection:
    return _owned(
        service,
        "_mfas",
        [_text("method", required=True)],
        ["CREATE INDEX `idx_mfas_collectionRef_recordRef` ON `_mfas` (collectionRef,recordRef)"],
    )


def _otps(service: CollectionsService) -> Collection:
    return _owned(
        service,
        "_otps",
        [
            {"type": "password", "name": "password", "system": True, "hidden": True, "required": True, "cost": 8},
            _text("sentTo", hidden=True),
        ],
        ["CREATE INDEX `idx_otps_collectionRef_recordRef` ON `_otps` (collectionRef, recordRef)"],
    )


def _external_auths(service: CollectionsService) -> Collection:
    collection = _owned(
        service,
        "_externalAuths",
        [_text("provider", required=True), _text("providerId", required=True)],
        [
            "CREATE UNIQUE INDEX `idx_externalAuths_record_provider` ON `_externalAuths` "
            "(collectionRef, recordRef, provider)",
            "CREATE UNIQUE INDEX `idx_externalAuths_collection_provider` ON `_externalAuths` "
            "(collectionRef, provider, providerId)",
        ],
    )
    collection.delete_rule = _OWNER
    return collection


def _auth_origins(service: CollectionsService) -> Collection:
    collection = _owned(
        service,
        "_authOrigins",
        [_text("fingerprint", required=True)],
        [
            "CREATE UNIQUE INDEX `idx_authOrigins_unique_pairs` ON `_authOrigins` "
            "(collectionRef, recordRef, fingerprint)"
        ],
    )
    collection.delete_rule = _OWNER
    return collection


def _owned(service: CollectionsService, name: str, fields: list[dict[str, JSON]], indexes: list[str]) -> Collection:
    """A system collection whose rows belong to one auth record each."""
    references = [_text("collectionRef", required=True), _text("recordRef", required=True)]
    collection = service.new(name=name, system=True, list_rule=_OWNER, view_rule=_OWNER, indexes=indexes)
    _add(service, collection, [*references, *fields, *_dates(system=True)])
    return collection


def _superusers(service: CollectionsService) -> Collection:
    superusers = service.new("auth", name=SUPERUSERS, system=True)
    _set_option(superusers, "authToken", "duration", 86400)
    _add(service, superusers, _dates(system=True))
    return superusers


def _users(service: CollectionsService) -> Collection:
    users = service.new(
        "auth",
        id="_pb_users_auth_",
        name="users",
        list_rule=_OWN_RECORD,
        view_rule=_OWN_RECORD,
        create_rule="",
        update_rule=_OWN_RECORD,
        delete_rule=_OWN_RECORD,
    )
    oauth2 = users.options.get("oauth2")
    if isinstance(oauth2, dict):
        mapped = oauth2.get("mappedFields")
        oauth2["mappedFields"] = {**(mapped if isinstance(mapped, dict) else {}), "name": "name", "avatarURL": "avatar"}
    avatar: list[dict[str, JSON]] = [{"type": "file", "name": "avatar", "maxSelect": 1, "mimeTypes": _AVATAR_TYPES}]
    _add(service, users, [{"type": "text", "name": "name", "max": 255}, *avatar, *_dates(system=False)])
    return users


def _set_option(collection: Collection, option: str, key: str, value: JSON) -> None:
    found = collection.options.get(option)
    if isinstance(found, dict):
        found[key] = value


def _add(service: CollectionsService, collection: Collection, fields: list[dict[str, JSON]]) -> None:
    known = [field for field in fields if field["type"] in service.field_types]
    service.add_fields(collection, known)


def _text(name: str, *, required: bool = False, hidden: bool = False) -> dict[str, JSON]:
    return {"type": "text", "name": name, "system": True, "required": required, "hidden": hidden}


def _dates(*, system: bool) -> list[dict[str, JSON]]:
    return [
        {"type": "autodate", "name": "created", "system": system, "onCreate": True},
        {"type": "autodate", "name": "updated", "system": system, "onCreate": True, "onUpdate": True},
    ]
