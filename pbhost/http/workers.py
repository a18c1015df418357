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
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from pbhost.config import Config
from pbhost.errors import PbhostError
from pbhost.http.server import RESTART_CODE

log = logging.getLogger("pbhost.workers")

#: A worker that lived shorter than this failed to start; the server ends instead of trying for ever.
_QUICK_DEATH: Final = 2.0


@dataclass(frozen=True, slots=True)
class Tether:
    """What ties a worker to its parent.

    Attributes:
        parent: a file descriptor that becomes readable when the parent is gone, however it ended.
        ready: to be called once when the worker accepts requests.
        is_replacement: whether it stands in for one that died.
    """

    parent: int
    ready: Callable[[], None]
    is_replacement: bool = False


#: Runs one worker process and returns its exit code.
RunWorker: TypeAlias = Callable[[Config, Tether], int]


def supervise(config: Config, run: RunWorker) -> int:
    """Forks the workers and keeps their number until a signal; returns the exit code.

    The parent loads no plugin and opens no database, so a fork copies nothing that must not be shared. The first
    worker is ready before the others start, so that only one of them creates or migrates the data directory. A worker
    that dies is replaced; one that fails at its start ends the server with its exit code. One that asks for a restart
    ends all of them, and the parent returns its code.
    """
    runtime = Path(tempfile.mkdtemp(prefix="pbhost-"))
    parent = os.getpid()
    alive, hold = os.pipe()
    workers: dict[int, tuple[int, float]] = {}
    stopping = False

    def start(index: int, *, wait: bool = False, is_replacement: bool = False) -> None:
        readable, writable = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(hold)
            os.close(readable)
            tether = Tether(alive, lambda: os.close(writable), is_replacement)
            _become_worker(config.for_worker(index, runtime), run, tether)
        workers[pid] = (index, time.monotonic())
        os.close(writable)
        if wait:
            # Ends when the worker is ready, and when it died.
            os.read(readable, 1)
        os.close(readable)

    def stop(number: int) -> None:
        nonlocal stopping
        stopping = True
        for pid in workers:
            _signal(pid, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: stop(received))
    code = 0
    try:
        for index in range(config.workers):
            if not stopping:
                start(index, wait=index == 0)
        while workers:
            pid, status = os.wait()
            index, began = workers.pop(pid, (-1, 0.0))
            if index < 0:
                continue
            ended = os.waitstatus_to_exitcode(status)
            if ended == RESTART_CODE:
                code = ended
                stop(signal.SIGTERM)
            elif stopping:
                code = code or max(ended, 0)
            elif ended > 0 and time.monotonic() - began < _QUICK_DEATH:
                code = ended
                stop(signal.SIGTERM)
            else:
                log.error("worker %d (process %d) ended with %d and is replaced", index, pid, ended)
                start(index, is_replacement=True)
    finally:
        if os.getpid() == parent:
            for descriptor in (alive, hold):
                os.close(descriptor)
            shutil.rmtree(runtime, ignore_errors=True)
    return code


def _become_worker(config: Config, run: RunWorker, tether: Tether) -> None:
    """The life of the child; never returns."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        code = run(config, tether)
    except PbhostError as error:
        # All of them fail alike at a start; one message is enough.
        if config.worker == 0 or tether.is_replacement:
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
