"""The files of the migrations directory, and what is in one."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

from builtin_operations.migrations.errors import MigrationError
from pbhost.model import clock

#: A step: ``async def up(app)``, or a plain ``def up(tx)`` that runs in the transaction's thread.
Step = Callable[[object], object]

_STAMP: Final = re.compile(r"(\d{1,12})_")
_AUTOMATIC: Final = re.compile(r"\d+_(created|updated|deleted)_\w+\.py")
#: A file of the user's whose number is this far ahead of the clock was not numbered by a clock.
_FAR_AHEAD: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """One file.

    Attributes:
        name: its base name, under which it is recorded.
        up: applies it.
        down: reverts it; None if the file has none.
    """

    name: str
    up: Step
    down: Step | None


def list_files(directory: Path | None) -> list[Path]:
    """The migrations of a directory in the order in which they are applied; none if there is no directory."""
    if directory is None or not directory.is_dir():
        return []
    found = (path for path in directory.glob("*.py") if path.is_file() and not path.name.startswith(("_", ".")))
    return sorted(found, key=lambda path: path.name)


def load_file(path: Path) -> MigrationFile:
    """Runs a file and takes its ``up`` and ``down``.

    Raises:
        MigrationError: it cannot be run, or has no ``up``.
    """
    module = ModuleType(f"pb_migrations.{path.stem}")
    module.__file__ = str(path)
    try:
        # Not imported: an import would leave a __pycache__ among the user's files.
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)  # noqa: S102  # the user's own code
    except Exception as error:
        raise MigrationError(f"migration {path.name} cannot be loaded: {describe(error, path)}") from error
    up, down = getattr(module, "up", None), getattr(module, "down", None)
    if not callable(up):
        raise MigrationError(f"migration {path.name} has no function 'up'")
    return MigrationFile(path.name, up, down if callable(down) else None)


def describe(error: Exception, path: Path) -> str:
    """An error of a migration with the line of the file that raised it."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    where = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {error}{where}"


def next_stamp(directory: Path, recorded: Collection[str] = ()) -> int:
    """The number of a new file: the time in seconds, after every other file of the directory.

    Two changes within a second would otherwise be ordered by the names of their collections, and changes after a clock
    was set back would come before those that they build on.

    Args:
        recorded: names that are taken although the directory may not have them yet.
    """
    now = int(clock.timestamp())
    taken = {path.name for path in list_files(directory)} | set(recorded)
    stamps = [
        int(match[1])
        for name in taken
        if (match := _STAMP.match(name)) is not None and (is_automatic(name) or int(match[1]) < now + _FAR_AHEAD)
    ]
    return max([now, *(stamp + 1 for stamp in stamps)])


def file_name(stamp: int, title: str) -> str:
    """The name of a new file."""
    slug = re.sub(r"[^a-z0-9_]+", "_", title.strip().lower()).strip("_") if not title.isidentifier() else title
    # Test runners collect what ends like this.
    return f"{stamp}_{slug}{'_' if slug.endswith('test') else ''}.py"


def is_automatic(name: str) -> bool:
    """Whether a file is named like one of a change through the API."""
    return _AUTOMATIC.fullmatch(name) is not None
