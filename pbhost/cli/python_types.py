"""``pbhost types python``: a class for the records of each collection."""

from __future__ import annotations

import keyword
from collections.abc import Sequence

from pbhost.cli.typed_schema import Names, TypedCollection, TypedField
from pbhost.model import TypedRecord

_HEAD = '''"""The records of this pbhost as types, written by `pbhost types python`: run it again after a change."""'''
_IMPORTS = (
    "from __future__ import annotations",
    "",
    "from collections.abc import Mapping, Sequence",
    "from datetime import datetime",
    "from typing import Literal, Never, Required, TypedDict",
    "",
    "from pbhost import App, UploadedFile",
    "from pbhost.errors import JSON",
    "from pbhost.model import TypedRecord, Value",
    "from pbhost.services import TypedRecords",
)
_IMPORTED = frozenset(
    ("JSON", "App", "Literal", "Mapping", "Never", "Required", "Sequence", "TypedDict", "TypedRecord", "TypedRecords")
) | {"UploadedFile", "Value", "datetime", "app", "annotations"}
_BUILTINS = frozenset(("bool", "dict", "float", "int", "list", "object", "str", "tuple"))


def python_module(collections: Sequence[TypedCollection]) -> str:
    """The text of a module that mypy accepts with --strict."""
    further = sorted(
        {
            line
            for collection in collections
            for field in collection.fields
            for line in field.types.imports
            if line not in ("from collections.abc import Sequence", "from collections.abc import Mapping")
            and line != "from datetime import datetime"
        }
    )
    names = Names((*keyword.kwlist, *_IMPORTED, *_BUILTINS))
    functions = {collection.name: names.take(_identifier(collection.name.lstrip("_"))) for collection in collections}
    parts = [f"{_HEAD}\n\n" + "\n".join((*_IMPORTS, *further))]
    for collection in collections:
        if not collection.collection.is_view:
            parts += [_values(collection, is_create=True), _values(collection, is_create=False)]
        parts += [_record(collection), _function(collection, functions[collection.name])]
    return "\n\n\n".join(parts) + "\n"


def _record(collection: TypedCollection) -> str:
    lines = [
        f"class {collection.stem}Record(TypedRecord):",
        f'    """A record of the collection {collection.name}."""',
        "",
        "    __slots__ = ()",
        "",
        f"    COLLECTION = {_quoted(collection.name)}",
        "",
    ]
    names = Names((*keyword.kwlist, *dir(TypedRecord)))
    for field in collection.fields:
        if field.name == "id":
            continue  # every record has it
        read = field.types.python
        written = "Never" if collection.collection.is_view else field.types.python_input or read
        lines.append(f"    {names.take(_attribute(field.name))} = Value[{read}, {written}]({_quoted(field.name)})")
    return "\n".join(lines).rstrip()


def _values(collection: TypedCollection, *, is_create: bool) -> str:
    name = f"{collection.stem}{'Create' if is_create else 'Update'}"
    lines = [f"{name} = TypedDict(", f'    "{name}",', "    {"]
    for field in collection.fields:
        written = field.types.python_input or field.types.python
        if written == "Never" or (field.name == "id" and not is_create):
            continue
        is_required = is_create and field.is_needed and field.name != "id"
        lines.append(f"        {_quoted(field.name)}: {f'Required[{written}]' if is_required else written},")
        lines += [f"        {_quoted(key)}: {_modifier(field, written)}," for key in field.modified_keys]
    return "\n".join((*lines, "    },", "    total=False,", ")"))


def _modifier(field: TypedField, written: str) -> str:
    """A modifier adds or removes one item or several."""
    if not field.field.is_multiple or not written.startswith("Sequence["):
        return written
    return f"{written.removeprefix('Sequence[').removesuffix(']')} | {written}"


def _function(collection: TypedCollection, name: str) -> str:
    values = "Never, Never" if collection.collection.is_view else f"{collection.stem}Create, {collection.stem}Update"
    record = f"{collection.stem}Record"
    return "\n".join(
        (
            f"def {name}(app: App) -> TypedRecords[{record}, {values}]:",
            f'    """The records of the collection {collection.name}."""',
            f"    return TypedRecords(app.records, {record})",
        )
    )


def _attribute(name: str) -> str:
    """A field's name as an attribute; what a record has already, or Python reserves, gets an underscore."""
    plain = _identifier(name)
    if plain.startswith("__"):
        plain = f"field{plain}"  # Python would mangle it
    is_taken = keyword.iskeyword(plain) or hasattr(TypedRecord, plain) or plain in _IMPORTED or plain in _BUILTINS
    return f"{plain}_" if is_taken else plain


def _quoted(text: str) -> str:
    """As a literal, in the quotes that formatters prefer."""
    literal = repr(text)
    return f'"{literal[1:-1]}"' if literal.startswith("'") and '"' not in literal else literal


def _identifier(name: str) -> str:
    return name if name.isidentifier() else f"field_{name}"
