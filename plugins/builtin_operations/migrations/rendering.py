"""The text of the files that are written by the server or the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pprint import pformat

from builtin_operations.migrations.difference import Update
from pbhost.errors import JSON

_WIDTH = 100

EMPTY = '''"""{title}"""


async def up(app):
    """Applies it. `app` has collections, records and SQL; see docs/migrations.md."""


async def down(app):
    """Reverts it."""
'''


def empty_file(title: str) -> str:
    """A file to be filled in."""
    return EMPTY.format(title=title.replace("\\", "").replace('"', "'"))


def created_file(data: Mapping[str, JSON]) -> str:
    """For a collection that was created."""
    name = json.dumps(data["name"])
    return _file(f"Creates the collection {name[1:-1]}.", _creation(data), _deletion(data))


def deleted_file(data: Mapping[str, JSON]) -> str:
    """For a collection that was deleted."""
    name = json.dumps(data["name"])
    return _file(f"Deletes the collection {name[1:-1]}.", _deletion(data), _creation(data))


def updated_file(name: str, forth: Update, back: Update) -> str:
    """For a collection that was changed."""
    return _file(f"Changes the collection {name}.", _update(forth), _update(back))


def snapshot_file(collections: Sequence[Mapping[str, JSON]]) -> str:
    """For all collections as they are."""
    text = _literal([dict(item) for item in collections], 8)
    return _file(
        "All collections as they were.",
        f"    await app.import_collections(\n        {text},\n    )",
        '    """Nothing to revert: what was there before is not known."""',
    )


def _file(title: str, up: str, down: str) -> str:
    return f'"""{title}"""\n\n\nasync def up(app):\n{up}\n\n\nasync def down(app):\n{down}\n'


def _creation(data: Mapping[str, JSON]) -> str:
    return f"    await app.create_collection(\n        {_literal(dict(data), 8)}\n    )"


def _deletion(data: Mapping[str, JSON]) -> str:
    return f"    await app.delete_collection({_literal(data['id'], 0)})"


def _update(update: Update) -> str:
    lines = [f"        {_literal(update.id, 8)},"]
    if update.changes:
        lines.append(f"        {_literal(dict(update.changes), 8)},")
    if update.removed:
        lines.append(f"        remove_fields={_literal(list(update.removed), 22)},")
    if update.placed:
        lines.append(f"        set_fields={_literal(dict(update.placed), 19)},")
    return "    await app.update_collection(\n" + "\n".join(lines) + "\n    )"


def _literal(value: object, indent: int) -> str:
    """A Python literal, keys sorted, its following lines indented."""
    return pformat(value, width=_WIDTH, sort_dicts=True).replace("\n", "\n" + " " * indent)
