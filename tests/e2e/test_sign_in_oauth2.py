"""OAuth2 as people meet it: a page with the SDK in a browser, its popup, and a provider that is not ours."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from .conftest import EMAIL, JS, PASSWORD, Server, free_port, pbhost

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PEOPLE = {
    "ann": {"email": "ann@idp.test", "email_verified": True, "name": "Ann"},
    "bob": {"email": "bob@idp.test", "email_verified": True, "name": "Bob"},
    "mallory": {"email": "carol@example.com", "email_verified": False, "name": "Mallory"},
}
CLIENT = {"client_id": "acme", "client_secret": "s&cret of acme+"}
PAGE = """<!doctype html><title>App</title><button>Sign in</button><output></output>
<script src="pocketbase.umd.js"></script>
<script>
  const pb = new PocketBase(location.origin);
  const show = (value) => (document.querySelector("output").textContent = JSON.stringify(value));
  document.querySelector("button").onclick = () => pb.collection("users").authWithOAuth2({ provider: "oidc" })
    .then(({ record, meta }) => show({ record, meta }), (error) => show({ refused: error.originalError?.message }));
</script>"""


@dataclass(frozen=True)
class Site:
    """A server whose users sign in at the provider, and a superuser's token."""

    server: Server
    provider: str
    token: str

    def rows(self, collection: str, filter: str = "") -> list[dict[str, object]]:
        query = urlencode({"filter": filter})
        status, answer = self.server.get(f"/api/collections/{collection}/records?{query}", self.token)
        assert status == 200, answer
        assert isinstance(answer, dict)
        return list(answer["items"])


@contextmanager
def _running_site(directory: Path, *arguments: str, from_id_token: bool = False) -> Iterator[Site]:
    """Starts both; ``from_id_token`` has the user read from a signed id_token instead of the user info."""
    public = directory / "pb_public"
    public.mkdir()
    (public / "index.html").write_text(PAGE)
    shutil.copy(JS / "node_modules/pocketbase/dist/pocketbase.umd.js", public)
    made = pbhost("superuser", "upsert", EMAIL, PASSWORD, "--dir", str(directory / "pb_data"), cwd=directory)
    assert made.returncode == 0, made.stderr
    server = Server(directory / "pb_data", free_port(), arguments)
    provider = f"http://127.0.0.1:{free_port()}"
    redirects = [f"{server.url}/api/oauth2-redirect", f"{server.url}/"]
    people = {name: {**claims, "picture": f"{server.url}/api/health"} for name, claims in PEOPLE.items()}
    given = json.dumps({"client": {**CLIENT, "redirect_uris": redirects}, "people": people})
    node = shutil.which("node")
    assert node is not None, "Node is needed for the provider"
    command = [node, str(JS / "oidc_provider.mjs"), provider.rpartition(":")[2], given]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            server.start()
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            site = Site(server, provider, server.superuser_token())
            _configure(site, from_id_token=from_id_token)
            yield site
        finally:
            process.terminate()
            if server.process is not None:
                server.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with _running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


def _configure(site: Site, *, from_id_token: bool) -> None:
    keys = {"jwksURL": f"{site.provider}/jwks", "issuers": [site.provider]}
    item = {
        "name": "oidc",
        "clientId": CLIENT["client_id"],
        "clientSecret": CLIENT["client_secret"],
        "authURL": f"{site.provider}/auth",
        "tokenURL": f"{site.provider}/token",
        **({"extra": keys} if from_id_token else {"userInfoURL": f"{site.provider}/me"}),
    }
    body = {"oauth2": {"enabled": True, "providers": [item]}}
    status, answer = site.server.request("PATCH", "/api/collections/users", body, token=site.token)
    assert status == 200, answer


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("chromium is not installed")
    from playwright import sync_api as playwright

    # The provider's pages name a font on the net: nothing but loopback exists for this browser.
    hosts = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking", hosts]
        )
        try:
            yield launched
        finally:
            launched.close()


def _sign_in(page: Page, who: str) -> None:
    """The provider's own pages: login, then consent."""
    page.get_by_placeholder("Enter any login").fill(who)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def _through_popup(page: Page, act: Callable[[Page], None]) -> dict[str, Any]:
    """Signs in by the page's button, does ``act`` in the popup until that has closed; what the page then shows."""
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Sign in").click()
    popup = opened.value
    act(popup)
    if not popup.is_closed():
        popup.wait_for_event("close")
    page.wait_for_function("document.querySelector('output').textContent")
    shown = json.loads(page.locator("output").inner_text())
    assert isinstance(shown, dict)
    return shown


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """The app's page in a browser that knows nothing of earlier sign-ins."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.server.url}/")
    yield page
    context.close()


def test_a_popup_signs_a_stranger_up_and_the_same_person_in_again(site: Site, browser: Browser) -> None:
    _signs_up_and_in_again(site, browser)


def test_the_same_with_a_signed_id_token_and_two_worker_processes(tmp_path: Path, browser: Browser) -> None:
    """The browser's way back may end in another process than the one that holds the page's live connection."""
    with _running_site(tmp_path, "--workers", "2", from_id_token=True) as site:
        _signs_up_and_in_again(site, browser)


def _signs_up_and_in_again(site: Site, browser: Browser) -> None:
    shown = []
    for _ in range(2):
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{site.server.url}/")
        shown.append(_through_popup(page, lambda popup: _sign_in(popup, "ann")))
        assert page.evaluate("pb.authStore.isValid && pb.collection('users').authRefresh().then(() => true)")
        context.close()
    first, again = shown
    assert (first["meta"]["isNew"], again["meta"]["isNew"]) == (True, False)
    assert first["record"]["id"] == again["record"]["id"]
    (user,) = site.rows("users", "email = 'ann@idp.test'")
    assert (user["verified"], user["name"]) == (True, "Ann")
    assert user["avatar"] == "", "the picture's address is in the server's own network"
    (link,) = site.rows("_externalAuths", f"recordRef = '{user['id']}'")
    assert (link["provider"], link["providerId"]) == ("oidc", "ann")


def test_an_address_the_provider_does_not_vouch_for_opens_nobodys_account(site: Site, page: Page) -> None:
    form = {"email": "carol@example.com", "password": "password-of-carol", "passwordConfirm": "password-of-carol"}
    status, carol = site.server.request("POST", "/api/collections/users/records", form)
    assert status == 200, carol
    shown = _through_popup(page, lambda popup: _sign_in(popup, "mallory"))
    assert "record" not in shown
    assert len(site.rows("users", "email = 'carol@example.com'")) == 1
    assert not site.rows("_externalAuths", "providerId = 'mallory'")


def test_who_cancels_at_the_provider_stays_a_guest(site: Site, page: Page) -> None:
    before = site.rows("users")
    shown = _through_popup(page, lambda popup: popup.get_by_role("link", name="Cancel").click())
    assert "access_denied" in str(shown["refused"])
    assert page.evaluate("pb.authStore.isValid") is False
    assert site.rows("users") == before


def test_a_code_is_of_no_use_with_another_verifier_nor_twice(site: Site, page: Page) -> None:
    """The flow without a popup, whose code an attacker has seen: the verifier stayed with the page."""
    back = f"{site.server.url}/"
    offer = page.evaluate("pb.collection('users').listAuthMethods().then((methods) => methods.oauth2.providers[0])")
    page.goto(offer["authURL"] + back)
    _sign_in(page, "bob")
    page.wait_for_url(lambda url: url.startswith(f"{back}?code="))
    assert page.evaluate("new URLSearchParams(location.search).get('state')") == offer["state"]
    spend = """([verifier, back]) => {
      const code = new URLSearchParams(location.search).get("code");
      return pb.collection("users").authWithOAuth2Code("oidc", code, verifier, back)
        .then(() => 200, (error) => `${error.status} ${error.message}`);
    }"""
    refused = "400 Failed to fetch OAuth2 token."
    for verifier in ("", offer["codeVerifier"][:-1], offer["codeChallenge"]):
        assert page.evaluate(spend, [verifier, back]) == refused
    assert not site.rows("users", "email = 'bob@idp.test'")
    assert page.evaluate(spend, [offer["codeVerifier"], back]) == 200
    assert page.evaluate(spend, [offer["codeVerifier"], back]) == refused
