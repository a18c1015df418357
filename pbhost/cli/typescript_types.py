"""``pbhost types typescript``: types for the calls of the official JavaScript SDK."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from pbhost.cli.typed_schema import TypedCollection, TypedField

_HEAD = """\
// The collections of this pbhost as types for the PocketBase SDK.
// Written by 'pbhost types typescript': run it again when the schema changes.
//
//     import PocketBase from "pocketbase";
//     import type { TypedPocketBase } from "./pocketbase-types";
//
//     const pb = new PocketBase("http://127.0.0.1:8090") as TypedPocketBase;

import type PocketBase from "pocketbase";
import type { BatchService, RecordOptions, RecordService } from "pocketbase";

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

type Body = { [key: string]: any };
type AnyBatchRecordService = ReturnType<BatchService["collection"]>;

/** The records of an auth collection. */
export interface AuthRecordService<R, C extends Body, U extends Body> extends RecordService<R> {
    create<T = R>(bodyParams: C | FormData, options?: RecordOptions): Promise<T>;
    update<T = R>(id: string, bodyParams: U | FormData, options?: RecordOptions): Promise<T>;
}

/** A collection that cannot sign in. */
interface NoSignIn<R> extends RecordService<R> {
    listAuthMethods: never;
    authWithPassword: never;
    authWithOAuth2: never;
    authWithOAuth2Code: never;
    authWithOTP: never;
    authRefresh: never;
    requestOTP: never;
    requestPasswordReset: never;
    confirmPasswordReset: never;
    requestVerification: never;
    confirmVerification: never;
    requestEmailChange: never;
    confirmEmailChange: never;
    impersonate: never;
}

/** The records of a base collection. */
export interface BaseRecordService<R, C extends Body, U extends Body> extends NoSignIn<R> {
    create<T = R>(bodyParams: C | FormData, options?: RecordOptions): Promise<T>;
    update<T = R>(id: string, bodyParams: U | FormData, options?: RecordOptions): Promise<T>;
}

/** The records of a view, which nobody writes. */
export interface ViewRecordService<R> extends NoSignIn<R> {
    create: never;
    update: never;
    delete: never;
}

/** The requests of a batch for one collection. */
export interface BatchRecordService<C extends Body, U extends Body> extends AnyBatchRecordService {
    upsert(bodyParams: (C & { id: string }) | FormData, options?: RecordOptions): void;
    create(bodyParams: C | FormData, options?: RecordOptions): void;
    update(id: string, bodyParams: U | FormData, options?: RecordOptions): void;
}
"""

_TAIL = """\
export interface TypedBatchService extends BatchService {
    collection<Name extends keyof BatchServices>(idOrName: Name): BatchServices[Name];
}

export interface TypedPocketBase extends PocketBase {
    collection<Name extends keyof RecordServices>(idOrName: Name): RecordServices[Name];
    createBatch(): TypedBatchService;
}
"""


def typescript_module(collections: Sequence[TypedCollection]) -> str:
    """The text of a module of types; nothing of it is left at run time."""
    stems = {collection.name: collection.stem for collection in collections}
    parts = [_HEAD]
    for collection in collections:
        parts.append(_interface(f"{collection.stem}Record", _record_members(collection)))
        if collection.expansions:
            parts.append(_interface(f"{collection.stem}Expand", _expand_members(collection, stems)))
        if not collection.collection.is_view:
            parts.append(_interface(f"{collection.stem}Create", _body_members(collection, is_create=True)))
            parts.append(_interface(f"{collection.stem}Update", _body_members(collection, is_create=False)))
    services = [f"{_key(collection.name)}: {_service(collection)};" for collection in collections]
    batches = [
        f"{_key(collection.name)}: BatchRecordService<{collection.stem}Create, {collection.stem}Update>;"
        for collection in collections
        if not collection.collection.is_view
    ]
    parts += [_interface("RecordServices", services), _interface("BatchServices", batches), _TAIL]
    return "\n".join(parts)


def _interface(name: str, members: Sequence[str] | Iterator[str]) -> str:
    return "\n".join((f"export interface {name} {{", *(f"    {member}" for member in members), "}", ""))


def _record_members(collection: TypedCollection) -> Iterator[str]:
    yield "collectionId: string;"
    yield f"collectionName: {json.dumps(collection.name)};"
    if collection.expansions:
        yield f"expand?: {collection.stem}Expand;"
    for field in collection.fields:
        if field.is_shown:
            yield from _comment(field)
            yield f"{_key(field.name)}{'' if field.is_certain else '?'}: {field.types.typescript};"


def _expand_members(collection: TypedCollection, stems: Mapping[str, str]) -> Iterator[str]:
    for expansion in collection.expansions:
        target = f"{stems[expansion.target.name]}Record"
        yield f"{_key(expansion.segment)}?: {target}{'[]' if expansion.is_list else ''};"


def _body_members(collection: TypedCollection, *, is_create: bool) -> Iterator[str]:
    is_auth = collection.collection.is_auth
    for field in collection.fields:
        if not field.is_settable or (field.name == "id" and not is_create):
            continue
        is_needed = is_create and field.is_needed and field.name != "id"
        written = field.types.typescript_input or field.types.typescript
        yield f"{_key(field.name)}{'' if is_needed else '?'}: {written};"
        for key in field.modified_keys:
            yield f"{_key(key)}?: {_modifier(field, written)};"
        if is_auth and field.name == "password":
            yield f"passwordConfirm{'' if is_needed else '?'}: string;"
    if is_auth and not is_create:
        yield "oldPassword?: string;"


def _modifier(field: TypedField, written: str) -> str:
    """A modifier adds or removes one item or several."""
    return f"{written.removesuffix('[]')} | {written}" if field.field.is_multiple else written


def _service(collection: TypedCollection) -> str:
    stem = collection.stem
    if collection.collection.is_view:
        return f"ViewRecordService<{stem}Record>"
    kind = "Auth" if collection.collection.is_auth else "Base"
    return f"{kind}RecordService<{stem}Record, {stem}Create, {stem}Update>"


def _comment(field: TypedField) -> Iterator[str]:
    text = " ".join(field.field.help.split()).replace("*/", "* /")
    if text:
        yield f"/** {text} */"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_$][A-Za-z0-9_$]*", name) else json.dumps(name)
