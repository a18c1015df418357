"""The files of the interface as a browser asks for them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pbhost import hookimpl
from pbhost.errors import PluginError
from pbhost.services import DashboardExtension
from pbhost.testing import Running, running_app

ONLY = ["sqlite", "operations", "dashboard"]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_app(tmp_path, only=ONLY) as running:
        yield running


class Extending:
    """A plugin with two extensions."""

    def __init__(self, directory: Path, *names: str) -> None:
        self.directory = directory
        self.names = names

    @hookimpl
    def register_dashboard_extensions(self) -> list[DashboardExtension]:
        return [DashboardExtension(name, self.directory / name) for name in self.names]


async def test_the_index_leads_to_versioned_files_that_may_be_kept(server: Running) -> None:
    index = await server.request("GET", "/_/")
    assert index.status == 200
    assert index.headers["Content-Type"] == "text/html; charset=utf-8"
    assert index.headers["Cache-Control"] == "no-cache"
    assert "frame-ancestors 'none'" in index.headers["Content-Security-Policy"]
    found = re.findall(r'(?:src|href)="(/_/@[^"]+)"', str(index.body))
    assert len(found) >= 4
    for address in found:
        answer = await server.request("GET", address, headers={"Accept-Encoding": "gzip"})
        assert (address, answer.status) == (address, 200)
        assert answer.headers["Cache-Control"] == "max-age=1209600, stale-while-revalidate=86400"
        assert "Content-Security-Policy" in answer.headers
        again = await server.request("GET", address, headers={"If-None-Match": answer.headers["Etag"]})
        assert (again.status, again.body) == (304, None)


async def test_the_index_has_no_script_of_its_own_and_asks_no_other_host(server: Running) -> None:
    body = str((await server.request("GET", "/_/")).body)
    assert "<script>" not in body
    assert not re.search(r"https?://", body)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/_", 307),
        ("/_/index.html", 200),
        ("/_/js/main.js", 200),
        ("/_/missing.js", 404),
        ("/_/%2e%2e/api.py", 307),
        ("/_/..%2Fapi.py", 404),
        ("/_/@0000000000000000/js/main.js", 404),
        ("/_/extensions/none/x.txt", 404),
    ],
)
async def test_paths(server: Running, path: str, status: int) -> None:
    answer = await server.request("GET", path)
    assert answer.status in (status, 404)
    assert (answer.status == 200) == (status == 200)
    if path == "/_":
        assert answer.headers["Location"] == "/_/"


async def test_files_are_not_logged_but_failures_are(server: Running) -> None:
    await server.request("GET", "/_/")
    await server.request("GET", "/_/missing.js")
    await server.app.logs.flush()
    assert server.app.db.auxiliary is not None
    rows = await server.app.db.auxiliary.read(lambda c: c.fetch_all("SELECT message FROM _logs"))
    assert rows == [("GET /_/missing.js",)]


async def test_without_extensions_their_script_is_empty(server: Running) -> None:
    answer = await server.request("GET", "/_/extensions.js")
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, None, "text/javascript")


async def test_extensions_add_a_script_and_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.js").write_text(f"console.log('{name}')")
    (tmp_path / "one" / "logo.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    async with running_app(tmp_path, Extending(tmp_path, "one", "two"), only=ONLY) as server:
        script = str((await server.request("GET", "/_/extensions.js")).body)
        found = re.findall(r"await \(async function\(\)\{\s+console.log\('(\w+)'\)\s+\}\)\(\);", script)
        assert found == ["one", "two"]
        logo = await server.request("GET", "/_/extensions/one/logo.svg")
        assert (logo.body, logo.headers["Content-Type"]) == ("<svg/>", "image/svg+xml")
        assert "Content-Security-Policy" in logo.headers
        for outside in ("..%2Fsecret.txt", "%2Fetc%2Fhostname", "", "missing"):
            assert (await server.request("GET", f"/_/extensions/one/{outside}")).status == 404


async def test_an_extension_needs_a_usable_name(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="needs a name of letters"):
        async with running_app(tmp_path, Extending(tmp_path, "../x"), only=ONLY):
            pass
