"""The nouns of pbhost, without I/O: Collection, Field, Record, RequestContext, UploadedFile, ids and dates."""

from pbhost.model.collection import FIELD_RULES, RULE_KINDS, Collection, CollectionType, Rule, RuleKind
from pbhost.model.context import SUPERUSERS, BodyValue, ContextName, RequestContext
from pbhost.model.field import (
    Field,
    FieldValue,
    OptionTypeError,
    SchemaCheck,
    StorageKind,
    ValueCheck,
    decode_common,
    strings,
)
from pbhost.model.guard import guarded, is_guarded
from pbhost.model.record import Record
from pbhost.model.typed import TypedRecord, Value
from pbhost.model.upload import UploadedFile
from pbhost.model.value_types import ValueTypes

__all__ = [
    "FIELD_RULES",
    "RULE_KINDS",
    "SUPERUSERS",
    "BodyValue",
    "Collection",
    "CollectionType",
    "ContextName",
    "Field",
    "FieldValue",
    "OptionTypeError",
    "Record",
    "RequestContext",
    "Rule",
    "RuleKind",
    "SchemaCheck",
    "StorageKind",
    "TypedRecord",
    "UploadedFile",
    "Value",
    "ValueCheck",
    "ValueTypes",
    "decode_common",
    "guarded",
    "is_guarded",
    "strings",
]
