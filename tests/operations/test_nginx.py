"""The nginx configuration of docs/operations.md, in front of a real server."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pbhost.testing import Running, running_app

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
#: Every address of 127.0.0.0/8 is this machine's: clients that nginx can tell apart.
CLIENT, OTHER = "127.0.0.2", "127.0.0.3"
START_SECONDS = 10.0

pytestmark = pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed")


@dataclass(frozen=True)
class Proxy:
    """A running nginx."""

    http: int
    https: int
    running: Running
    certificate: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.https}"

    @asynccontextmanager
    async def client(self, address: str = CLIENT, **keywords: object) -> AsyncIterator[aiohttp.ClientSession]:
        """A client with an address of its own, which trusts the certificate."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        connector = aiohttp.TCPConnector(ssl=context, local_addr=(address, 0))
        async with aiohttp.ClientSession(self.url, connector=connector, **keywords) as session:  # type: ignore[arg-type]
            yield session


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate, with its key beside it."""
    directory = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (directory / "privkey.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (directory / "fullchain.pem").write_bytes(made.public_bytes(pem))
    return directory / "fullchain.pem"


def configuration(directory: Path, certificate: Path, upstream: str, http: int, https: int) -> str:
    """The block of the page, with the names and ports of this test in place of those of the example."""
    (block,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for old, new, count in (
        ("127.0.0.1:8090", upstream, 1),
        ("listen 80;", f"listen 127.0.0.1:{http};", 1),
        ("listen 443 ", f"listen 127.0.0.1:{https} ", 1),
        ("server_name app.example.org;", "server_name 127.0.0.1;", 2),
        ("/etc/letsencrypt/live/app.example.org", str(certificate.parent), 2),
    ):
        assert block.count(old) == count, old
        block = block.replace(old, new)
    temporary = "".join(
        f"{kind}_temp_path {directory}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\npid {directory}/nginx.pid;\nerror_log {directory}/error.log;\nworker_processes 1;\n"
        # The workers of a master that runs as root would be somebody else, who cannot use the test's directory.
        + ("user root;\n" if os.geteuid() == 0 else "")
        + f"events {{ worker_connections 128; }}\nhttp {{\naccess_log off;\n{temporary}{block}}}\n"
    )


@pytest.fixture
def nginx_of(tmp_path: Path, certificate: Path) -> Iterator[Callable[[Running], Proxy]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(running: Running) -> Proxy:
        http, https = free_port(), free_port()
        file = tmp_path / "nginx.conf"
        file.write_text(configuration(tmp_path, certificate, running.url.removeprefix("http://"), http, https), "utf-8")
        process = subprocess.Popen(
            [NGINX, "-p", str(tmp_path), "-e", str(tmp_path / "error.log"), "-c", str(file)], stderr=subprocess.PIPE
        )
        started.append(process)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
            try:
                socket.create_connection(("127.0.0.1", https), 1).close()
                return Proxy(http, https, running, certificate)
            except OSError:
                time.sleep(0.02)
        raise AssertionError("nginx does not listen")

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture
async def proxy(tmp_path: Path, nginx_of: Callable[[Running], Proxy]) -> AsyncIterator[Proxy]:
    async with running_app(tmp_path / "data") as running:
        await running.app.settings.update({"trustedProxy": {"headers": ["X-Real-IP"]}})
        notes = running.app.collections.new("base", name="notes", list_rule="", view_rule="", create_rule="")
        running.app.collections.merge(
            notes,
            {
                "fields": [
                    {"name": "text", "type": "text"},
                    {"name": "file", "type": "file", "maxSelect": 1, "maxSize": 200 << 20},
                ]
            },
        )
        await running.app.collections.save(notes)
        yield nginx_of(running)


async def test_calls_arrive_over_tls_and_plain_ones_are_redirected(proxy: Proxy) -> None:
    async with proxy.client() as client:
        async with client.get("/api/health") as answer:
            assert (answer.status, (await answer.json())["code"]) == (200, 200)
        async with client.post("/api/collections/notes/records", json={"text": "hello"}) as answer:
            assert answer.status == 200, await answer.text()
    async with (
        aiohttp.ClientSession() as plain,
        plain.get(f"http://127.0.0.1:{proxy.http}/api/health?a=b", allow_redirects=False) as answer,
    ):
        assert (answer.status, answer.headers["Location"]) == (308, "https://127.0.0.1/api/health?a=b")


async def test_the_server_sees_the_clients_address_and_none_that_the_client_claims(proxy: Proxy) -> None:
    token = await proxy.running.superuser()
    forged = {"Authorization": token, "X-Real-IP": "203.0.113.9", "X-Forwarded-For": "203.0.113.9"}
    async with proxy.client(headers=forged) as client:
        async with client.get("/api/health") as answer:
            seen = (await answer.json())["data"]
        assert (seen["realIP"], seen["possibleProxyHeader"]) == (CLIENT, "X-Real-IP")
        async with client.get("/api/collections") as answer:
            assert answer.status == 200
        await proxy.running.app.logs.flush()
        async with client.get("/api/logs", params={"filter": 'data.url = "/api/collections"'}) as answer:
            (entry,) = (await answer.json())["items"]
    assert (entry["data"]["userIP"], entry["data"]["remoteIP"]) == (CLIENT, "127.0.0.1")


async def test_each_client_has_a_rate_limit_of_its_own(proxy: Proxy) -> None:
    rule = {"label": "GET /api/health", "audience": "", "duration": 300, "maxRequests": 2}
    await proxy.running.app.settings.update({"rateLimits": {"enabled": True, "rules": [rule]}})
    statuses = {}
    for address in (CLIENT, OTHER):
        async with proxy.client(address) as client:
            statuses[address] = []
            for _ in range(3):
                # Another address of the client's own choice does not help.
                headers = {"X-Real-IP": f"198.51.100.{len(statuses[address])}"}
                async with client.get("/api/health", headers=headers) as answer:
                    statuses[address].append(answer.status)
    assert statuses == {CLIENT: [200, 200, 429], OTHER: [200, 200, 429]}


async def test_live_updates_arrive_at_once(proxy: Proxy) -> None:
    patience = aiohttp.ClientTimeout(sock_read=10)
    async with proxy.client(timeout=patience) as client, client.get("/api/realtime") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        # If the proxy held anything back until its buffer is full, not even this would come.
        connected = await _event(stream)
        identity = re.search(r'"clientId":"(\w+)"', connected)
        assert identity is not None, connected
        subscribed = {"clientId": identity[1], "subscriptions": ["notes/*"]}
        async with client.post("/api/realtime", json=subscribed) as answer:
            assert answer.status == 204
        for text in ("first", "second"):
            async with client.post("/api/collections/notes/records", json={"text": text}) as answer:
                assert answer.status == 200
            assert text in await _event(stream)


async def _event(stream: aiohttp.ClientResponse) -> str:
    lines = ""
    while not lines.endswith("\n\n"):
        lines += (await stream.content.readline()).decode()
    return lines


async def test_websockets_are_passed_on(proxy: Proxy) -> None:
    async with proxy.client() as client, client.ws_connect("/api/realtime/ws") as socket_:
        connected = await socket_.receive_json(timeout=10)
        assert connected["type"] == "connect", connected
        await socket_.send_json({"id": 1, "type": "subscribe", "subscriptions": ["notes/*"]})
        assert (await socket_.receive_json(timeout=10))["id"] == 1
        async with client.post("/api/collections/notes/records", json={"text": "over a socket"}) as answer:
            assert answer.status == 200
        received = ""
        while "over a socket" not in received:
            received = str(await socket_.receive_json(timeout=10))


async def test_uploads_up_to_the_limit_of_the_proxy(proxy: Proxy, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.touch()
    os.truncate(large, 60 << 20)
    async with proxy.client() as client:
        with large.open("rb") as content:
            async with client.post("/api/collections/notes/records", data={"file": content}) as answer:
                assert answer.status == 200, await answer.text()
                record = await answer.json()
        url = f"/api/files/notes/{record['id']}/{record['file']}"
        async with client.get(url, headers={"Range": "bytes=1000-1999"}) as answer:
            assert (answer.status, len(await answer.read())) == (206, 1000)
            assert answer.headers["Content-Range"] == f"bytes 1000-1999/{60 << 20}"
        # One byte more than the page says; the proxy refuses it by its declared length, before any of it is sent.
        too_long = {"Content-Length": str((128 << 20) + 1), "Expect": "100-continue"}
        async with client.post("/api/collections/notes/records", data=_nothing(), headers=too_long) as answer:
            assert (answer.status, answer.headers["Server"].partition("/")[0]) == (413, "nginx")


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
