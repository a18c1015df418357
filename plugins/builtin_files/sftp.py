"""A directory of an SSH server as a file system of fsspec.

fsspec's own one keeps a single connection for ever, which several threads may not use at once, and takes any host key.
"""

from __future__ import annotations

import asyncio
import io
import stat
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from fsspec import AbstractFileSystem
from fsspec.asyn import get_loop

if TYPE_CHECKING:
    import asyncssh

T = TypeVar("T")
Entry = dict[str, object]

#: Seconds of the whole of one operation: some blocks of a file at most.
_TIMEOUT = 120.0
_CONNECT_TIMEOUT = 20.0
_KEEPALIVE = 15.0
_LOST = "the connection to the SFTP server was lost"


@dataclass(frozen=True, slots=True)
class SftpOptions:
    """Where the server is, how it is known and how to sign in.

    Attributes:
        username: the local user's name if empty.
        key_filename: without it and a password, the SSH agent and the keys in ``~/.ssh`` are tried.
        host_key: the server's public key as a line of ``known_hosts`` has it (``ssh-ed25519 AAAA…``).
        known_hosts: a file of such lines; ``~/.ssh/known_hosts`` if neither is given. A server that is not known is
            refused: whoever sits in between would get the password and the files.
    """

    host: str
    port: int = 22
    username: str = ""
    password: str = ""
    key_filename: str = ""
    passphrase: str = ""
    host_key: str = ""
    known_hosts: str = ""

    @classmethod
    def load(cls, url: str, options: Mapping[str, object]) -> tuple[str, SftpOptions]:
        """Path and options of a URL; what ``options`` say wins.

        Raises:
            ValueError: no host, a port that is none, or an option that is not known.
        """
        parts = urlsplit(url)
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(options) - known)
        if unknown:
            raise ValueError(f"unknown options of an SFTP storage: {', '.join(unknown)}")
        given = {name: str(value) for name, value in options.items()}
        host = given.pop("host", parts.hostname or "")
        if not host:
            raise ValueError("an SFTP URL names a host: sftp://user@host/path")
        port = int(given.pop("port", parts.port or 22))
        username = given.pop("username", unquote(parts.username or ""))
        password = given.pop("password", unquote(parts.password or ""))
        return unquote(parts.path), cls(host, port, username, password, **given)

    def arguments(self) -> dict[str, object]:
        """Those of ``asyncssh.connect``."""
        found: dict[str, object] = {
            "host": self.host,
            "port": self.port,
            "known_hosts": self._known(),
            "connect_timeout": _CONNECT_TIMEOUT,
            "login_timeout": _CONNECT_TIMEOUT,
            "keepalive_interval": _KEEPALIVE,
        }
        keys = [str(Path(self.key_filename).expanduser())] if self.key_filename else None
        more = {
            "username": self.username,
            "password": self.password,
            "client_keys": keys,
            "passphrase": self.passphrase,
        }
        return {**found, **{name: value for name, value in more.items() if value}}

    def _known(self) -> object:
        if self.host_key:
            name = self.host if self.port == 22 else f"[{self.host}]:{self.port}"
            return f"{name} {self.host_key.strip()}\n".encode()
        if self.known_hosts:
            return str(Path(self.known_hosts).expanduser())
        return ()  # ~/.ssh/known_hosts


class SftpFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Files over SFTP. A lost connection is made anew by the operation after it."""

    protocol = "sftp"
    cachable = False

    def __init__(self, options: SftpOptions) -> None:
        super().__init__(use_listings_cache=False)
        self._options = options
        self._loop: asyncio.AbstractEventLoop = get_loop()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        self._connecting: asyncio.Lock | None = None

    # -- the connection, on fsspec's own event loop ------------------------------------------------------------------

    def call(self, function: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        """Runs an operation with the connected client, from any thread.

        Raises:
            FileNotFoundError, FileExistsError, PermissionError, NotADirectoryError, OSError: it failed.
        """
        import asyncssh

        async def work() -> T:
            return await asyncio.wait_for(function(await self._connected()), _TIMEOUT)

        try:
            return asyncio.run_coroutine_threadsafe(work(), self._loop).result()
        except TimeoutError as error:
            raise OSError("the SFTP server does not answer") from error
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
            raise FileNotFoundError(error.reason) from error
        except asyncssh.SFTPFileAlreadyExists as error:
            raise FileExistsError(error.reason) from error
        except asyncssh.SFTPNotADirectory as error:
            raise NotADirectoryError(error.reason) from error
        except asyncssh.SFTPPermissionDenied as error:
            raise PermissionError(error.reason) from error
        except (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost) as error:
            raise OSError(_LOST) from error
        except asyncssh.Error as error:
            raise OSError(f"SFTP: {error.reason}") from error

    async def _connected(self) -> asyncssh.SFTPClient:
        import asyncssh

        if self._connecting is None:
            self._connecting = asyncio.Lock()
        async with self._connecting:
            if self._client is None or self._connection is None or self._connection.is_closed():
                await self._close()
                self._connection = await asyncssh.connect(**self._options.arguments())
                self._client = await self._connection.start_sftp_client()
            return self._client

    async def _close(self) -> None:
        connection, self._connection, self._client = self._connection, None, None
        if connection is not None:
            connection.close()
            await connection.wait_closed()

    def close(self) -> None:
        """Ends the connection; the next operation would make one."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_CONNECT_TIMEOUT)

    # -- what a storage calls ----------------------------------------------------------------------------------------

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path

    def info(self, path: str, **_: object) -> Entry:
        """Name, size, type and time of a file or directory."""
        return _entry(path, self.call(lambda client: client.stat(path)))

    def ls(self, path: str, detail: bool = True, **_: object) -> list[Entry] | list[object]:
        """What is in a directory."""
        names = self.call(lambda client: client.readdir(path))
        found = [
            _entry(f"{path.rstrip('/')}/{name.filename!s}", name.attrs)
            for name in names
            if name.filename not in (".", "..")
        ]
        return found if detail else [item["name"] for item in found]

    def find(self, path: str, **_: object) -> list[str]:
        """Every file below a directory.

        Raises:
            OSError: some directory cannot be listed. fsspec's own ``find`` would leave it out without a word.
        """
        found: list[str] = []
        folders = [path]
        while folders:
            folder = folders.pop()
            try:
                entries = self.ls(folder)
            except FileNotFoundError:
                continue  # deleted meanwhile, or it was never there
            for entry in entries:
                assert isinstance(entry, dict)
                (folders if entry["type"] == "directory" else found).append(str(entry["name"]))
        return found

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Makes a directory and those above it; others may make them at the same time."""
        self.call(lambda client: client.makedirs(path, exist_ok=exist_ok))

    def mkdir(self, path: str, create_parents: bool = True, **_: object) -> None:
        """Makes a directory."""
        self.call(lambda client: client.makedirs(path, exist_ok=False) if create_parents else client.mkdir(path))

    def rmdir(self, path: str) -> None:
        """Removes an empty directory."""
        self.call(lambda client: client.rmdir(path))

    def rm_file(self, path: str) -> None:
        """Removes a file."""
        self.call(lambda client: client.remove(path))

    def mv(self, path1: str, path2: str, **_: object) -> None:
        """Renames a file; one that is there is replaced at once, never missing."""
        self.call(lambda client: client.posix_rename(path1, path2))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: object) -> bytes:
        """The bytes ``[start, end)`` of a file, in one go."""
        begin = start or 0

        async def read(client: asyncssh.SFTPClient) -> bytes:
            async with client.open(path, "rb") as file:
                return _bytes(await file.read(-1 if end is None else max(end - begin, 0), begin))

        return self.call(read)

    def pipe_file(self, path: str, value: bytes, **_: object) -> None:
        """Writes a file."""

        async def write(client: asyncssh.SFTPClient) -> None:
            async with client.open(path, "wb") as file:
                await file.write(value)

        self.call(write)

    def open(self, path: str, mode: str = "rb", **_: object) -> SftpFile:
        """A file to read (``rb``) or to write (``wb``) from its start."""
        return SftpFile(self, self.call(lambda client: client.open(path, mode)))


class SftpFile(io.RawIOBase):
    """An open file; each call is one round of the connection, in which its blocks travel side by side."""

    def __init__(self, filesystem: SftpFileSystem, handle: asyncssh.SFTPClientFile) -> None:
        super().__init__()
        self._filesystem = filesystem
        self._handle = handle
        self._at = 0

    def readable(self) -> bool:
        """Whether it was opened so is for the server to say."""
        return True

    def writable(self) -> bool:
        """As :meth:`readable`."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Moves to a position counted from the start."""
        if whence != io.SEEK_SET:
            raise OSError("an SFTP file is positioned from its start")
        self._at = offset
        return offset

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes, fewer only at the end."""
        handle, at = self._handle, self._at
        data = _bytes(self._filesystem.call(lambda _client: handle.read(size, at)))
        self._at += len(data)
        return data

    def write(self, data: bytes, /) -> int:  # type: ignore[override]  # of the buffers only bytes are ever given
        """Writes all of it."""
        handle, at = self._handle, self._at
        self._filesystem.call(lambda _client: handle.write(data, at))
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Closes it on the server, which reports late errors of writing here."""
        if not self.closed:
            handle = self._handle
            try:
                self._filesystem.call(lambda _client: handle.close())
            finally:
                super().close()


def _bytes(data: bytes | str) -> bytes:
    """Files are opened in binary mode, which asyncssh's types do not tell."""
    assert isinstance(data, bytes)
    return data


def _entry(path: str, attributes: asyncssh.SFTPAttrs) -> Entry:
    permissions = attributes.permissions or 0
    is_directory = stat.S_ISDIR(permissions) if permissions else attributes.type == _TYPE_DIRECTORY
    return {
        "name": path,
        "size": attributes.size or 0,
        "type": "directory" if is_directory else "file",
        "mtime": attributes.mtime or 0,
    }


#: FILEXFER_TYPE_DIRECTORY of the protocol, for servers that send no permissions.
_TYPE_DIRECTORY = 2
