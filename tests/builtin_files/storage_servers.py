"""Servers of storages, each a process of its own or a thread, started and stopped by the tests that use them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

HERE = Path(__file__).parent
AZURITE = HERE / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"


@dataclass(frozen=True, slots=True)
class SftpServer:
    """Where a running SFTP server is.

    Attributes:
        directory: ``root`` in it is what the server shows.
    """

    port: int
    host_key: str
    directory: Path
    process: subprocess.Popen[str]


@contextmanager
def sftp_server(directory: Path, port: int = 0) -> Iterator[SftpServer]:
    """An SFTP server; the same directory has the same host key."""
    command = [sys.executable, str(HERE / "sftp_server.py"), str(directory), str(port)]
    with _process(command) as (process, output):
        line = output.readline().strip()
        number, _, key = line.partition(" ")
        yield SftpServer(int(number), key, directory, process)


@contextmanager
def azurite() -> Iterator[str]:
    """Microsoft's Azure Storage emulator; gives a connection string."""
    assert AZURITE.exists(), "not installed: npm --prefix tests/builtin_files/azurite ci"
    command = ["node", str(AZURITE), "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry",
               "--blobHost", "127.0.0.1", "--blobPort", "0"]  # fmt: skip
    with _process(command) as (_, output):
        address = _line(output, r"listens on (http://127\.0\.0\.1:\d+)")
        yield (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={_AZURITE_KEY};"
            f"BlobEndpoint={address}/devstoreaccount1;"
        )


#: The key of the emulator's account, the same in every installation.
_AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True, slots=True)
class GoogleServer:
    """A running emulator of Google Cloud Storage, and a service account that may use it."""

    endpoint: str
    key_file: Path


@contextmanager
def google_server(directory: Path) -> Iterator[GoogleServer]:
    """An emulator of Google Cloud Storage with a token service for its service account."""
    command = [sys.executable, str(HERE / "google_storage.py")]
    with _process(command) as (_, output), _token_service() as tokens:
        port = _line(output, r"^(\d+)$")
        yield GoogleServer(f"http://127.0.0.1:{port}", _service_account(directory, tokens))


def _service_account(directory: Path, token_uri: str) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    file = directory / "service_account.json"
    account = {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "1",
        "private_key": pem,
        "client_email": "files@project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": token_uri,
    }
    file.write_text(json.dumps(account))
    return file


class _Tokens(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"access_token": "token", "expires_in": 3600, "token_type": "Bearer"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing to tell."""


@contextmanager
def _token_service() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Tokens)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _process(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def _line(output: IO[str], pattern: str) -> str:
    seen: list[str] = []
    for line in output:
        seen.append(line)
        found = re.search(pattern, line)
        if found is not None:
            # The pipe is emptied further, or a server that logs much would stand still.
            threading.Thread(target=output.read, daemon=True).start()
            return found[1] if found.groups() else found[0]
    raise AssertionError("the server did not start: " + "".join(seen))
