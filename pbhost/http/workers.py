"""Several server processes behind one socket: started, watched, ended by their parent."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pbhost.config import Config
from pbhost.errors import PbhostError
from pbhost.http.server import RESTART_CODE

log = logging.getLogger("pbhost.workers")

#: A worker that lived shorter than this failed to start; the server ends instead of trying for ever.
_QUICK_DEATH: Final = 2.0


def supervise(config: Config, run: Callable[[Config], int]) -> int:
    """Forks the workers and keeps their number until a signal; returns the exit code.

    The parent loads no plugin and opens no database, so a fork copies nothing that must not be shared. A worker that
    dies is replaced; one that dies right after its start ends the server with its exit code. One that asks for a
    restart ends all of them, and the parent returns its code.
    """
    runtime = Path(tempfile.mkdtemp(prefix="pbhost-"))
    parent = os.getpid()
    workers: dict[int, tuple[int, float]] = {}
    stopping = False

    def start(index: int) -> None:
        pid = os.fork()
        if pid == 0:
            _become_worker(config.for_worker(index, runtime), run)
        workers[pid] = (index, time.monotonic())

    def forward(number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True
        for pid in workers:
            _signal(pid, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    code = 0
    try:
        for index in range(config.workers):
            start(index)
        while workers:
            pid, status = os.wait()
            index, began = workers.pop(pid, (-1, 0.0))
            if index < 0:
                continue
            ended = os.waitstatus_to_exitcode(status)
            if ended == RESTART_CODE:
                code, stopping = ended, True
                for other in workers:
                    _signal(other, signal.SIGTERM)
            elif stopping:
                code = code or max(ended, 0)
            elif time.monotonic() - began < _QUICK_DEATH and ended != 0:
                code, stopping = ended if ended > 0 else 1, True
                for other in workers:
                    _signal(other, signal.SIGTERM)
            else:
                log.error("worker %d (process %d) ended with %d and is replaced", index, pid, ended)
                start(index)
    finally:
        if os.getpid() == parent:
            shutil.rmtree(runtime, ignore_errors=True)
    return code


def _become_worker(config: Config, run: Callable[[Config], int]) -> None:
    """The life of the child; never returns."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        code = run(config)
    except PbhostError as error:
        if config.worker == 0:
            print(f"Error: {error}", file=sys.stderr)  # noqa: T201  # the parent has only the exit code
    except KeyboardInterrupt:
        code = 130
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        log.critical("worker %d failed", config.worker, exc_info=True)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not sys.exit: the parent's frames and exit handlers are copies that must not run here.
        os._exit(code)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        log.debug("process %d is gone already", pid)
