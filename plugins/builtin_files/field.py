"""The ``file`` field type: names of stored files, and uploads on their way to becoming one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import ClassVar, Self

from builtin_files.content_types import ContentType
from builtin_files.names import MAX_STORED_NAME, STORED_NAME, first_bytes, stored_name
from builtin_files.thumb_geometry import EMPTY_SIZES, SIZE
from pbhost.database import SqlValue
from pbhost.errors import INVALID_VALUE, JSON, REQUIRED, ErrorTree, FieldError, ValidationError
from pbhost.model import (
    Field,
    FieldValue,
    OptionTypeError,
    Record,
    SchemaCheck,
    StorageKind,
    UploadedFile,
    ValueCheck,
    ValueTypes,
    decode_common,
    strings,
)
from pbhost.services import Services
from pbhost.validation import check as first_error
from pbhost.validation import collect, maximum, minimum

DEFAULT_MAX_SIZE = 5 * 1024 * 1024
MAX_SAFE_INTEGER = 2**53 - 1
_SHOWN_NAME_BYTES = 250
_SHOWN_ORIGINAL_BYTES = 300

_SIZE_RULES = (minimum(0), maximum(MAX_SAFE_INTEGER))
_INVALID_FORMAT = FieldError("validation_match_invalid", "Must be in a valid format.")
_NOT_IN = FieldError("validation_not_in_invalid", "Must not be in list.")

#: One element of a value.
Item = str | UploadedFile


@dataclass(slots=True)
class _Write:
    """What one field needs to remember during one write of a record.

    Attributes:
        value: the value with its uploads, which become plain names when the row is written.
        stored: names that this write has stored.
        leaving: names that the row stops naming if the write succeeds.
    """

    value: FieldValue
    stored: list[str] = attribute(default_factory=list)
    leaving: list[str] = attribute(default_factory=list)


@dataclass(kw_only=True)
class FileField(Field):
    """One file, or several when ``max_select`` exceeds 1. The row holds names; the storage holds the files."""

    type: ClassVar[str] = "file"
    kind: ClassVar[StorageKind] = "list"
    modifiers: ClassVar[tuple[str, ...]] = ("f+", "+f", "f-")

    max_select: int = 0
    max_size: int = 0
    mime_types: list[str] | None = None
    thumbs: list[str] | None = None
    protected: bool = False

    # -- options -----------------------------------------------------------------------------------------------------

    @classmethod
    def decode(cls, data: Mapping[str, JSON]) -> Self:
        found = cls()
        for name, value in decode_common(data).items():
            setattr(found, name, value)
        found.max_select = _integer(data, "maxSelect")
        found.max_size = _integer(data, "maxSize")
        found.mime_types = _texts(data, "mimeTypes")
        found.thumbs = _texts(data, "thumbs")
        protected = data.get("protected")
        if not isinstance(protected, bool | None):
            raise OptionTypeError("protected must be a boolean")
        found.protected = protected is True
        return found

    def encode(self) -> dict[str, JSON]:
        return {
            "help": self.help,
            "hidden": self.hidden,
            "id": self.id,
            "maxSelect": self.max_select,
            "maxSize": self.max_size,
            "mimeTypes": None if self.mime_types is None else list(self.mime_types),
            "name": self.name,
            "presentable": self.presentable,
            "protected": self.protected,
            "required": self.required,
            "system": self.system,
            "thumbs": None if self.thumbs is None else list(self.thumbs),
            "type": self.type,
        }

    def check_options(self, check: SchemaCheck) -> ErrorTree:
        return collect(
            {
                "maxSelect": first_error(self.max_select, *_SIZE_RULES),
                "maxSize": first_error(self.max_size, *_SIZE_RULES),
                "thumbs": collect({str(index): _size_error(size) for index, size in enumerate(self.thumbs or ())}),
            }
        )

    @property
    def is_multiple(self) -> bool:
        return self.max_select > 1

    @property
    def limit(self) -> int:
        """The most files it holds."""
        return max(self.max_select, 1)

    @property
    def size_limit(self) -> int:
        """The most bytes of one file."""
        return self.max_size if self.max_size > 0 else DEFAULT_MAX_SIZE

    @property
    def max_body_size(self) -> int:
        """What the field adds to the limit of a request body."""
        return self.size_limit * self.limit

    # -- values ------------------------------------------------------------------------------------------------------

    def zero(self) -> FieldValue:
        return [] if self.is_multiple else ""

    def normalize(self, value: object) -> FieldValue:
        return self._shape(items_of(value))

    def set(self, record: Record, key: str, value: object) -> FieldValue:
        items = items_of(value)
        if key == self.name:
            return self._shape(items)
        present = items_of(record.get(self.name))
        if key == f"{self.name}-":
            removed = {name_of(item) for item in items}
            return self._shape([item for item in present if name_of(item) not in removed])
        return self._shape([*present, *items] if key == f"{self.name}+" else [*items, *present])

    def _shape(self, items: Iterable[Item]) -> FieldValue:
        unique = list({name_of(item): item for item in reversed(list(items))}.values())[::-1]
        if self.is_multiple:
            return unique
        return unique[-1] if unique else ""

    def from_db(self, value: SqlValue) -> FieldValue:
        return self._shape(items_of(value))

    def to_db(self, value: FieldValue) -> SqlValue:
        names = names_of(value)
        if self.is_multiple:
            return json.dumps(names, ensure_ascii=False, separators=(",", ":"))
        return names[-1] if names else ""

    def to_json(self, value: FieldValue) -> object:
        names = names_of(value)
        if self.is_multiple:
            return names
        return names[-1] if names else ""

    def json_from_db(self, value: SqlValue) -> object:
        if self.is_multiple:
            return [] if value == "[]" else names_of(value)
        return value if isinstance(value, str) and "[" not in value else self.to_json(value)

    # -- in generated code -------------------------------------------------------------------------------------------

    def value_types(self) -> ValueTypes:
        if self.is_multiple:
            return ValueTypes.list_of(
                "str", "string", python_input="str | UploadedFile", typescript_input="(string | Blob)"
            )
        return ValueTypes(
            python="str",
            python_input="str | UploadedFile",
            typescript="string",
            typescript_input="string | Blob | null",
        )

    def to_python(self, value: FieldValue) -> object:
        return self.to_json(value)

    # -- write -------------------------------------------------------------------------------------------------------

    async def before_write(self, record: Record, services: Services) -> None:
        value = record.get(self.name)
        uploads = [item for item in items_of(value) if isinstance(item, UploadedFile)]
        present = set(names_of(value))
        leaving = [name for name in names_of(record.original.get(self.name)) if name not in present]
        # What validation will refuse anyway is not stored first.
        if uploads and self._value_error(value) is not None:
            uploads = []
        if not uploads and not leaving:
            return
        # A hook may have set another value since this ran first.
        before = self._write(record) or _Write(value)
        uploads = [upload for upload in uploads if upload.name not in before.stored]
        leaving = [name for name in leaving if name not in before.leaving]
        _assign_id(record)
        try:
            await services.files.begin_write(record, uploads, leaving)
        except OSError as error:
            raise ValidationError({}, cause=f"the uploads of {self.name!r} could not be stored: {error}") from error
        stored = [*before.stored, *(upload.name for upload in uploads)]
        self._remember(record, _Write(value, stored, [*before.leaving, *leaving]))

    def validate(self, value: FieldValue, record: Record, check: ValueCheck) -> FieldError | ErrorTree | None:
        items = items_of(value)
        names = [item for item in items if isinstance(item, str)]
        write = self._write(record)
        stored: list[str] = []
        if not check.is_new and (names or write):
            stored = self._names_in_row(record, check)
            # Names that another request added since this one loaded the record leave the row as well.
            added = [name for name in stored if name not in names and not (write and name in write.leaving)]
            if added:
                write = write or self._remember(record, _Write(value))
                write.leaving += added
        if not items:
            return REQUIRED if self.required else None
        unknown = [name for name in names if name not in stored]
        if unknown:
            return _unknown_files(unknown)
        error = self._value_error(value)
        if error is not None:
            return error
        uploads = {item.name for item in items if isinstance(item, UploadedFile)}
        # An upload that was not stored before the transaction must not come to be named by the row.
        return INVALID_VALUE if uploads - set(write.stored if write else ()) else None

    def stamp(self, record: Record, *, is_new: bool, now: str) -> None:
        if self._write(record) is not None:
            value = record.get(self.name)
            record.put(self.name, names_of(value) if self.is_multiple else self.to_json(value))

    async def committed(self, record: Record, services: Services) -> None:
        write = self._take_write(record)
        if write is not None:
            await services.files.end_write(record, [*write.leaving, *write.stored])

    async def rolled_back(self, record: Record, services: Services) -> None:
        write = self._take_write(record)
        if write is not None:
            record.put(self.name, write.value)  # the uploads again, so that the record can be saved once more
            await services.files.end_write(record, [*write.stored, *write.leaving])

    async def deleted(self, record: Record, services: Services) -> None:
        # Once per record, whichever of its file fields comes first.
        if not record.notes.get("file:deleted"):
            record.notes["file:deleted"] = True
            services.files.delete_all(record)

    @property
    def _note(self) -> str:
        return f"file:{self.name}"

    def _write(self, record: Record) -> _Write | None:
        write = record.notes.get(self._note)
        return write if isinstance(write, _Write) else None

    def _remember(self, record: Record, write: _Write) -> _Write:
        record.notes[self._note] = write
        return write

    def _take_write(self, record: Record) -> _Write | None:
        write = record.notes.pop(self._note, None)
        return write if isinstance(write, _Write) else None

    def _names_in_row(self, record: Record, check: ValueCheck) -> list[str]:
        """What the row names now, which may differ from what the request loaded."""
        quote = check.connection.dialect.quote
        row = check.connection.fetch_one(
            f"SELECT {quote(self.name)} FROM {quote(record.collection.name)} WHERE {quote('id')} = ?", [record.id]
        )
        return names_of(row[0]) if row else []

    def _value_error(self, value: FieldValue) -> FieldError | None:
        """The first error that needs no look at the database."""
        items = items_of(value)
        if len(items) > self.limit:
            return FieldError(
                "validation_too_many_files", f"The maximum allowed files is {self.limit}.", {"maxSelect": self.limit}
            )
        for item in items:
            error = self._upload_error(item) if isinstance(item, UploadedFile) else None
            if error is not None:
                return error
        return None

    def _upload_error(self, upload: UploadedFile) -> FieldError | None:
        if not 1 <= len(upload.name) <= MAX_STORED_NAME:
            return FieldError(
                "validation_length_out_of_range",
                f"The length must be between 1 and {MAX_STORED_NAME}.",
                {"max": MAX_STORED_NAME, "min": 1},
            )
        if not STORED_NAME.fullmatch(upload.name):
            return _INVALID_FORMAT
        if upload.size > self.size_limit:
            shown = first_bytes(upload.original_name, _SHOWN_ORIGINAL_BYTES)
            return FieldError(
                "validation_file_size_limit",
                f"Failed to upload {shown} - the maximum allowed file size is {self.size_limit} bytes.",
                {"file": shown, "maxSize": self.size_limit},
            )
        if not self.mime_types:
            return None
        if not upload.content_type:
            return FieldError(
                "validation_invalid_mime_type",
                f'Failed to upload "{upload.original_name}" due to unsupported file type.',
            )
        if ContentType(upload.content_type, "").matches(self.mime_types):
            return None
        return FieldError(
            "validation_invalid_mime_type",
            f'"{upload.name}" mime type must be one of: {", ".join(self.mime_types)}.',
        )


def items_of(value: object) -> list[Item]:
    """Names and uploads of anything that can be assigned; uploads are given their stored names here."""
    if isinstance(value, str):
        return _items_of_text(value)
    if isinstance(value, UploadedFile):
        return [_named(value)]
    if isinstance(value, bytes):
        return _items_of_text(value.decode("utf-8", "replace"))
    if isinstance(value, list | tuple):
        if any(isinstance(item, list | dict) for item in value):
            return []
        return [found for item in value for found in _item(item)]
    return _item(value)


def names_of(value: object) -> list[str]:
    """The stored names of a value."""
    return [name_of(item) for item in items_of(value)]


def name_of(item: Item) -> str:
    """The stored name of one element."""
    return item if isinstance(item, str) else item.name


def _items_of_text(text: str) -> list[Item]:
    if "[" in text:
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            parsed = None
        if isinstance(parsed, list) and all(isinstance(item, str) for item in parsed):
            return [item for item in parsed if item]
    return [text] if text else []


def _item(value: object) -> list[Item]:
    match value:
        case UploadedFile():
            return [_named(value)]
        case str():
            return [value] if value else []
        case bool():
            return ["true" if value else "false"]
        case int() | float():
            return [str(int(value)) if value == int(value) else repr(value)]
    return []


def _detect(upload: UploadedFile) -> ContentType | None:
    """The type of an upload's content; None if it cannot be read: validation says so, storing fails with the cause."""
    from builtin_files.sniffing import detect_file

    try:
        with upload.open() as content:
            return detect_file(content)
    except OSError:
        return None


def _named(upload: UploadedFile) -> UploadedFile:
    """The upload with its stored name and detected type, both computed when it is first seen."""
    if upload.name and upload.content_type:
        return upload
    detected = _detect(upload)
    upload.content_type = detected.name if detected else ""
    if not upload.name:
        upload.name = stored_name(upload.original_name, lambda: detected.extension if detected else "")
    return upload


def _assign_id(record: Record) -> None:
    """A new record's id is part of the keys, so it must be known before anything is stored."""
    field = record.collection.field("id")
    if not record.id and field is not None:
        field.fill(record, is_new=True, now="")


def _unknown_files(names: Sequence[str]) -> FieldError:
    shown: list[JSON] = [first_bytes(name, _SHOWN_NAME_BYTES) for name in names]
    listed = " ".join(str(name) for name in shown)
    return FieldError("validation_invalid_file", f"Invalid new files: [{listed}].", {"invalidFiles": shown})


def _size_error(size: str) -> FieldError | None:
    if not size:
        return None
    if size in EMPTY_SIZES:
        return _NOT_IN
    return None if SIZE.fullmatch(size) else _INVALID_FORMAT


def _integer(data: Mapping[str, JSON], key: str) -> int:
    value = data.get(key)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise OptionTypeError(f"{key} must be an integer")
    return int(value)


def _texts(data: Mapping[str, JSON], key: str) -> list[str] | None:
    value = data.get(key)
    if value is None:
        return None
    try:
        return strings(value)
    except OptionTypeError as error:
        raise OptionTypeError(f"{key} {error}") from None
