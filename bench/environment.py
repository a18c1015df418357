"""What the workloads share: the seeded directory, the running servers, how long to measure."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.processes import Process, bare, pbhost

COLLECTION = "articles"
MESSAGES = "messages"
PEOPLE = "people"
PERSON = {"email": "reader@example.com", "password": "correct-horse-9", "passwordConfirm": "correct-horse-9"}
SUPERUSER = ("root@example.com", "correct-horse-9")


@dataclass(slots=True)
class Environment:
    """One run of the benchmark.

    Attributes:
        directory: with the seeded ``pb_data``, which stays as it is.
        scratch: for copies that servers write to, and logs.
        seconds: length of each measurement.
        rounds: how often each variant is measured.
        rows: of the collection.
    """

    directory: Path
    scratch: Path
    seconds: float
    rounds: int
    rows: int
    stack: ExitStack = field(default_factory=ExitStack)
    _server: Process | None = None
    _bare: Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()

    @property
    def log(self) -> Path:
        return self.scratch / "servers.log"

    @property
    def server(self) -> Process:
        """One server process on a copy of the seeded data; started with the first workload, ended with the last."""
        if self._server is None:
            self._server = self.stack.enter_context(pbhost(self.copy("main"), self.log))
        return self._server

    @property
    def bare(self) -> Process:
        """The bare server."""
        if self._bare is None:
            self._bare = self.stack.enter_context(bare(self.log))
        return self._bare

    def copy(self, name: str) -> Path:
        """A fresh copy of the seeded data directory, beside which plugins may be put."""
        target = self.scratch / name / "pb_data"
        shutil.copytree(self.directory / "pb_data", target)
        return target

    def ids(self) -> Path:
        """A file with some ids of the collection, one a line."""
        return self.directory / "ids.txt"
