"""The interface in a real browser: from the installer's link to the first record. Skipped without Chromium."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from pbhost import hookimpl
from pbhost.services import DashboardExtension
from pbhost.testing import Running, running_app

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium and its driver")

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_PATIENCE = 20.0


class Browser:
    """A session of the WebDriver protocol, as much as these tests need. XPath finds things by what people read."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def command(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        sent = {} if body is None and method == "POST" else body
        async with self._http.request(method, f"{self._url}{path}", json=sent) as response:
            answer = (await response.json())["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise LookupError(f"{answer['error']}: {answer['message']}")
        return answer

    async def go(self, url: str) -> None:
        await self.command("POST", "/url", {"url": url})

    async def find(self, xpath: str) -> str:
        """Waits for a displayed element."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                found = await self.command("POST", "/elements", {"using": "xpath", "value": xpath})
                for element in found:
                    try:
                        if await self.command("GET", f"/element/{element[_ELEMENT]}/displayed"):
                            return cast(str, element[_ELEMENT])
                    except LookupError:
                        continue  # redrawn meanwhile
                await asyncio.sleep(0.05)

    async def click(self, xpath: str) -> None:
        """Clicks as soon as it is possible: an element may be redrawn or covered for a moment."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                try:
                    await self.command("POST", f"/element/{await self.find(xpath)}/click")
                    return
                except LookupError:
                    await asyncio.sleep(0.05)

    async def type(self, label: str, text: str) -> None:
        control = await self.find(
            f"//*[self::input or self::textarea][@id = //label[starts-with(normalize-space(.), '{label}')]/@for]"
        )
        await self.command("POST", f"/element/{control}/clear")
        await self.command("POST", f"/element/{control}/value", {"text": text})

    async def button(self, name: str) -> None:
        await self.click(f"//button[starts-with(normalize-space(.), '{name}') or starts-with(@aria-label, '{name}')]")

    async def sees(self, text: str) -> None:
        await self.find(f"//*[contains(text(), '{text}')]")

    async def run(self, script: str, *arguments: Any) -> Any:
        return await self.command("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    async def complaints(self) -> list[str]:
        """What the browser's console says of errors, refused requests (which people are told of) left out."""
        entries = await self.command("POST", "/se/log", {"type": "browser"})
        return [
            entry["message"]
            for entry in entries
            if entry["level"] == "SEVERE" and "status of 4" not in entry["message"]
        ]


@asynccontextmanager
async def started_browser(http: aiohttp.ClientSession) -> AsyncIterator[Browser]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    driver = await asyncio.create_subprocess_exec(
        cast(str, DRIVER),
        f"--port={port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{port}"
    options = {"binary": CHROMIUM, "args": ["--headless=new", "--no-sandbox", "--window-size=1280,900"]}
    capabilities = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
    try:
        async with asyncio.timeout(_PATIENCE):
            while True:
                try:
                    async with http.post(f"{base}/session", json={"capabilities": capabilities}) as response:
                        session = (await response.json())["value"]["sessionId"]
                    break
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.1)
        browser = Browser(http, f"{base}/session/{session}")
        yield browser
        await browser.command("DELETE", "")
    finally:
        driver.terminate()
        await driver.wait()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_app(tmp_path) as running:
        yield running


@pytest.fixture
async def browser(server: Running) -> AsyncIterator[Browser]:
    async with started_browser(server.session) as session:
        yield session


async def installer_token(server: Running) -> str:
    values = {"email": "__pbinstaller@example.com", "password": "a-random-password"}
    found = await server.app.records.find_first("_superusers", "email = {:email}", {"email": values["email"]})
    installer = found or await server.app.records.create("_superusers", values)
    return await server.app.auth.issue_token(installer, duration=1800, refreshable=False)


async def test_from_the_installer_link_to_the_first_record(server: Running, browser: Browser) -> None:
    await browser.go(f"{server.url}/_/#/pbinstall/{await installer_token(server)}")
    await browser.sees("Create your first superuser")
    await browser.type("Email", "first@example.com")
    for label in ("Password", "Password, again"):
        await browser.type(label, "short")
    await browser.button("Create superuser")
    await browser.sees("Must be at least 8 character")
    for label in ("Password", "Password, again"):
        await browser.type(label, "long enough 1")
    await browser.button("Create superuser")
    await browser.find("//h1[text() = 'users']")

    await browser.button("New collection")
    await browser.type("Name", "notes")
    await browser.button("Add field")
    await browser.button("Create")
    await browser.find("//h1[text() = 'notes']")
    assert [field.name for field in server.app.collections.get("notes").fields] == ["id", "text", "created", "updated"]

    await browser.button("New record")
    await browser.type("text", "<b>Hello</b> & goodbye")
    await browser.click("//dialog//button[text() = 'Create']")
    await browser.find("//td[contains(., '<b>Hello</b> & goodbye')]")
    (record,) = await server.app.records.find_many("notes")
    assert record["text"] == "<b>Hello</b> & goodbye"

    await browser.click("//a[@title = 'Settings']")
    await browser.type("Name", "My own app")
    await browser.button("Save")
    await browser.sees("The settings were saved.")
    assert server.app.settings.section("meta")["appName"] == "My own app"

    await browser.click("//a[@title = 'Logs']")
    await browser.find("//h1[text() = 'Logs']")
    await browser.button("Sign out")
    await browser.sees("Superuser sign-in")
    assert await browser.complaints() == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pbinstall/nonsense", "This link is no longer valid"),
        ("auth/confirm-verification/nonsense", "Not verified"),
        ("auth/oauth2-redirect-failure", "Sign-in failed"),
        ("collections?collection=users", "Superuser sign-in"),
    ],
)
async def test_pages_for_everybody(server: Running, browser: Browser, path: str, text: str) -> None:
    await browser.go(f"{server.url}/_/#/{path}")
    await browser.sees(text)
    assert await browser.complaints() == []


async def test_links_in_mails_do_what_they_say(server: Running, browser: Browser) -> None:
    user, _ = await server.user()
    token = await server.app.auth.issue_token(user, "verification", claims={"email": "user@example.com"})
    await browser.go(f"{server.url}/_/#/auth/confirm-verification/{token}")
    await browser.sees("Email verified")
    assert (await server.app.records.get("users", user.id))["verified"] is True

    token = await server.app.auth.issue_token(user, "passwordReset", claims={"email": "user@example.com"})
    await browser.go(f"{server.url}/_/#/auth/confirm-password-reset/{token}")
    await browser.type("New password", "another password")
    await browser.type("New password, again", "something else")
    await browser.button("Set the password")
    await browser.find("//p[@class = 'error' and not(@hidden)]")
    await browser.type("New password, again", "another password")
    await browser.button("Set the password")
    await browser.sees("The password was changed")
    answer = await server.request(
        "POST",
        "/api/collections/users/auth-with-password",
        {"identity": "user@example.com", "password": "another password"},
    )
    assert answer.status == 200


class Greeting:
    """A plugin that adds a page to the interface."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "main.js").write_text("""
            pbhost.page("/greeting", "Greeting", async () => {
              const { data } = await pbhost.request("GET", "/api/health");
              return pbhost.h("div", { class: "page" }, pbhost.h("h1", null, `Greetings to ${data.realIP}`));
            });
        """)

    @hookimpl
    def register_dashboard_extensions(self) -> list[DashboardExtension]:
        return [DashboardExtension("greeting", self.directory)]


async def test_an_extension_adds_a_page(tmp_path: Path) -> None:
    extension = tmp_path / "extension"
    extension.mkdir()
    async with running_app(tmp_path, Greeting(extension)) as server, started_browser(server.session) as browser:
        token = await server.superuser()
        await browser.go(f"{server.url}/_/favicon.svg")
        store = "localStorage.setItem('pbhost_superuser', JSON.stringify({ token: arguments[0], record: {} }))"
        await browser.run(store, token)
        await browser.go(f"{server.url}/_/#/collections")
        await browser.click("//a[@title = 'Greeting']")
        await browser.find("//h1[text() = 'Greetings to 127.0.0.1']")
        assert await browser.complaints() == []
