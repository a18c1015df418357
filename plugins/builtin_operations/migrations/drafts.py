"""A migration file and its record in the database come together, also when the process is killed between the two.

A file without its record would be applied at the next start to a schema that has the change already, and fail. So the
text lies under a hidden name until the record is committed. A record without its file harms nobody, and the draft of
one that was cut short there still has the text.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

log = logging.getLogger("pbhost.migrations")

_SUFFIX: Final = ".draft"


def write_draft(directory: Path, name: str, text: str) -> Path:
    """Writes the text of a file that is not recorded yet; inside the transaction that records it.

    Raises:
        OSError: the disk refuses.
    """
    draft = directory / f".{name}{_SUFFIX}"
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def publish(draft: Path) -> Path:
    """Gives the draft of a recorded file its name.

    Raises:
        OSError: the disk refuses.
    """
    path = draft.with_name(_name(draft))
    try:
        draft.rename(path)
    except FileNotFoundError:
        # Another process found it recorded and did it first.
        if not path.exists():
            raise
    return path


def drafts_in(directory: Path | None) -> list[Path]:
    """The drafts of running or dead processes."""
    return sorted(directory.glob(f".*{_SUFFIX}")) if directory is not None else []


def settle(drafts: Collection[Path], recorded: Collection[str]) -> None:
    """Gives recorded drafts their names and deletes the others.

    To be called inside a write transaction: then no living process is between writing a draft and recording it.

    Raises:
        OSError: the disk refuses.
    """
    for draft in drafts:
        if _name(draft) in recorded and not draft.with_name(_name(draft)).exists():
            if draft.exists():
                publish(draft)
                log.warning("finished writing the migration %s", _name(draft))
        else:
            draft.unlink(missing_ok=True)


def _name(draft: Path) -> str:
    return draft.name.removeprefix(".").removesuffix(_SUFFIX)
