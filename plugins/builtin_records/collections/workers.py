"""Several worker processes of one server agree on the schema before a change of it is answered.

Without that the client's next request may reach a worker that does not know the new collection yet.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from time import monotonic

from pbhost.config import Config

#: A worker that died never answers; the change is committed anyway, so nobody waits longer than this.
_PATIENCE = 1.0
_LOOK_AGAIN = 0.002


class WorkerAgreement:
    """Each worker notes in a file of its own up to which change it has loaded the schema."""

    def __init__(self, config: Config) -> None:
        self._directory = config.runtime_dir if config.workers > 1 else None
        self._worker = config.worker
        self._others = [number for number in range(config.workers) if number != config.worker]

    def loaded(self, seq: int) -> None:
        """This worker has loaded every change up to ``seq``."""
        if self._directory is None:
            return
        path = self._path(self._directory, self._worker)
        fresh = path.with_suffix(".new")
        try:
            fresh.write_text(str(seq))
            os.replace(fresh, path)
        except OSError:
            # the directory goes when the server stops; the others then wait out their patience
            return

    async def wait(self, seq: int) -> None:
        """Returns when the other workers have loaded the schema up to ``seq``, or after a second."""
        if self._directory is None:
            return
        give_up_at = monotonic() + _PATIENCE
        while monotonic() < give_up_at:
            if all(self._seen(self._directory, number) >= seq for number in self._others):
                return
            await asyncio.sleep(_LOOK_AGAIN)

    def _seen(self, directory: Path, worker: int) -> int:
        try:
            return int(self._path(directory, worker).read_text() or 0)
        except (OSError, ValueError):
            return 0

    def _path(self, directory: Path, worker: int) -> Path:
        return directory / f"schema-{worker}"
