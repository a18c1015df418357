"""Telling the other processes that have the same database open that something was committed.

Each process that watches listens on a datagram socket in a directory of this user and database. A datagram says "look
now" and nothing else. Processes that cannot be reached this way (another user, another container) find out by polling.
"""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import tempfile
from time import monotonic

#: Seconds for which the list of listeners is taken to be complete.
_LISTING_AGE = 0.5


class Announcer:
    """The ear and the mouth of one process for one database.

    Args:
        path: of the database file.
    """

    def __init__(self, path: str) -> None:
        key = hashlib.sha256(os.path.realpath(path).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._directory = os.path.join(tempfile.gettempdir(), f"pbhost-{os.getuid()}-{key}")
        self._name = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._mouth: socket.socket | None = None
        self._ear: socket.socket | None = None
        self._others: list[str] = []
        self._listed = -_LISTING_AGE

    def listen(self) -> socket.socket | None:
        """A socket that becomes readable when another process committed something; None if that is impossible here."""
        ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            os.makedirs(self._directory, mode=0o700, exist_ok=True)
            if not _is_private(self._directory):
                raise PermissionError(self._directory)
            ear.bind(os.path.join(self._directory, self._name))
        except OSError:  # no such file system here, or the path is too long: polling is enough
            ear.close()
            return None
        ear.setblocking(False)
        self._ear = ear
        return ear

    def hear(self) -> None:
        """Takes all announcements off the socket."""
        try:
            while self._ear is not None:
                self._ear.recv(16)
        except BlockingIOError:
            return

    def announce(self) -> None:
        """Tells the others; never waits and never fails."""
        now = monotonic()
        if now - self._listed >= _LISTING_AGE:
            self._listed = now
            self._others = self._listing()
        for path in self._others:
            if self._mouth is None:
                self._mouth = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._mouth.setblocking(False)
            try:
                self._mouth.sendto(b".", path)
            except ConnectionRefusedError:  # its process is gone without having cleaned up
                _remove(path)
            except OSError:  # its inbox is full, so it has enough reason to look already
                continue

    def close(self) -> None:
        """Stops listening."""
        if self._ear is not None:
            self._ear.close()
            self._ear = None
            _remove(os.path.join(self._directory, self._name))
        if self._mouth is not None:
            self._mouth.close()
            self._mouth = None

    def _listing(self) -> list[str]:
        try:
            if not _is_private(self._directory):
                return []
            return [os.path.join(self._directory, name) for name in os.listdir(self._directory) if name != self._name]
        except OSError:
            return []


def _is_private(directory: str) -> bool:
    # Anybody may make directories in the temporary one; another user's is neither listened in nor talked to.
    found = os.lstat(directory)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
