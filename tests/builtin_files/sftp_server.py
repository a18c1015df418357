"""An SFTP server as a program: ``python sftp_server.py DIRECTORY [PORT]`` shows DIRECTORY/root.

Prints its port and host key. Takes the user ``ann`` with the password ``secret`` or a key of DIRECTORY/authorized_keys.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import asyncssh


class Server(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("ann", "secret")


async def main(directory: Path, port: int, key_file: Path) -> None:
    if not key_file.exists():
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(key_file)
    key = asyncssh.read_private_key(key_file)
    root = directory / "root"
    root.mkdir(exist_ok=True)
    authorized = directory / "authorized_keys"
    server = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_host_keys=[key],
        server_factory=Server,
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root)),
        authorized_client_keys=str(authorized) if authorized.exists() else None,
    )
    public = key.export_public_key().decode().strip()
    print(server.get_port(), " ".join(public.split()[:2]), flush=True)  # noqa: T201
    await server.wait_closed()


if __name__ == "__main__":
    given = sys.argv[1:]
    place = Path(given[0])
    asyncio.run(main(place, int(given[1]) if len(given) > 1 else 0, place / "host_key"))
