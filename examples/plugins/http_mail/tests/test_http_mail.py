"""The mailer against a real HTTP server: the kit that any mailer must pass, and the API on its bad days."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from pbhost_http_mail import HttpMailPlugin
from pbhost_http_mail.mailer import HttpMailer

from pbhost.errors import JSON, ConfigError
from pbhost.services import MailAddress, MailMessage
from pbhost.testing import Client, Running, running_app
from pbhost.testing.mailer_kit import MailerKit, MailWatcher

#: One server and one API for all tests; each begins with an API that accepts and has accepted nothing.
pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "re_a_secret_key"


class MailApi:
    """An API that accepts each idempotency key once.

    Attributes:
        answers: statuses with their headers for the next requests; then it accepts.
        loses_answers: accepts the next mail and answers 500 all the same.
        requests: key and body of all of them; accepted: the mails by key.
    """

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.loses_answers = False
        self.requests: list[tuple[str, dict[str, JSON]]] = []
        self.accepted: dict[str, dict[str, JSON]] = {}
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def handle(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != f"Bearer {KEY}":
            return web.json_response({"message": "API key is invalid"}, status=401)
        key, body = request.headers["Idempotency-Key"], await request.json()
        self.requests.append((key, body))
        if self.answers:
            status, headers = self.answers.pop(0)
            return web.json_response({"message": "not today"}, status=status, headers=headers)
        self.accepted[key] = body
        if self.loses_answers:
            self.loses_answers = False
            return web.Response(status=500)
        return web.json_response({"id": key})

    async def open(self) -> None:
        app = web.Application()
        app.router.add_post("/emails", self.handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = int(self._runner.addresses[0][1])

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[MailApi]:
    api = MailApi()
    await api.open()
    yield api
    await api.close()


@pytest_asyncio.fixture(loop_scope="module")
async def api(server: MailApi) -> AsyncIterator[MailApi]:
    server.answers, server.requests, server.accepted = [], [], {}
    yield server
    await server.close()
    await server.open()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory, server: MailApi) -> AsyncIterator[Running]:
    options: dict[str, JSON] = {
        "url": f"http://127.0.0.1:{server.port}/emails",
        "api_key": KEY,
        "first_delay": 0.01,
        "deadline": 5,
    }
    directory = tmp_path_factory.mktemp("http_mail")
    async with running_app(directory, HttpMailPlugin(), MailWatcher(), options={"http_mail": options}) as running:
        yield running


class TestKit(MailerKit):
    @pytest.fixture
    def arrived(self, api: MailApi) -> Callable[[], list[tuple[str, str]]]:
        return lambda: [(str(mail["subject"]), str(mail["html"])) for mail in api.accepted.values()]

    @pytest_asyncio.fixture(loop_scope="module")
    async def broken(self, api: MailApi) -> None:
        await api.close()


def a_mail() -> MailMessage:
    return MailMessage(
        to=[MailAddress("ann@example.com", "Ann, B.\r\nBcc: eve@example.com")],
        cc=[MailAddress("carl@example.com")],
        bcc=[MailAddress("dora@example.com")],
        subject="Zürich\nX-Evil: yes",
        html="<p>Hi</p>",
        headers={"X-Tag": "a\r\nb"},
        attachments={"a.txt": b"\x00content"},
        sender=MailAddress("shop@example.com", "Žluťoučký obchod"),
    )


async def test_everything_of_a_mail_arrives(running: Running, api: MailApi) -> None:
    await running.app.mailer.send(a_mail())
    [mail] = api.accepted.values()
    assert mail == {
        "from": "Žluťoučký obchod <shop@example.com>",
        "to": ['"Ann, B. Bcc: eve@example.com" <ann@example.com>'],
        "cc": ["carl@example.com"],
        "bcc": ["dora@example.com"],
        "subject": "[seen] Zürich X-Evil: yes",
        "html": "<p>Hi</p>",
        "headers": {"X-Tag": "a b"},
        "attachments": [{"filename": "a.txt", "content": base64.b64encode(b"\x00content").decode()}],
    }


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503])
async def test_what_may_pass_is_tried_again(running: Running, api: MailApi, status: int) -> None:
    api.answers = [(status, {"Retry-After": "0"})] * 3
    await running.app.mailer.send(a_mail())
    assert (len(api.requests), len(api.accepted)) == (4, 1)


async def test_a_lost_answer_makes_no_second_mail(running: Running, api: MailApi) -> None:
    api.loses_answers = True
    await running.app.mailer.send(a_mail())
    assert [key for key, _ in api.requests] == list(api.accepted) * 2
    await running.app.mailer.send(a_mail())
    assert len(api.accepted) == 2, "the next mail has a key of its own"


@pytest.mark.parametrize(
    ("answers", "requests", "message"),
    [
        ([(422, {})], 1, "answered 422: .*not today"),
        ([(302, {"Location": "http://example.com/"})], 1, "answered 302"),
        ([(503, {})] * 9, 4, "answered 503"),
        ([(429, {"Retry-After": "3600"})], 1, "answered 429"),
    ],
    ids=["what will not pass", "a redirect", "too many attempts", "a wait beyond the deadline"],
)
async def test_it_is_given_up_within_bounds(
    running: Running, api: MailApi, answers: list[tuple[int, dict[str, str]]], requests: int, message: str
) -> None:
    api.answers = list(answers)
    with pytest.raises(OSError, match=message) as caught:
        await running.app.mailer.send(a_mail())
    assert len(api.requests) == requests
    assert KEY not in str(caught.value)


async def test_a_mail_that_is_none_is_an_os_error_without_a_request(running: Running, api: MailApi) -> None:
    for message in (MailMessage(to=[], subject="x"), MailMessage(to=[MailAddress("no address")], subject="x")):
        with pytest.raises(OSError, match=r"address|recipient"):
            await running.app.mailer.send(message)
    assert api.requests == []


async def test_requests_of_clients_are_whole_while_the_api_is_away(running: Running, api: MailApi) -> None:
    body = {"email": "ann@example.com", "password": "password-of-ann", "passwordConfirm": "password-of-ann"}
    await running.request("PATCH", "/api/collections/users", {"createRule": ""}, token=await running.superuser())
    await api.close()
    made = await running.request("POST", "/api/collections/users/records", body)
    assert made.status == 200
    record, token = await running.user("ann@example.com")
    client = Client(running, token, record)
    change = {"newEmail": "new@example.com"}
    failed = await client.post("/api/collections/users/request-email-change", change)
    assert failed.status == 400
    assert set(failed.body if isinstance(failed.body, dict) else {}) == {"status", "message", "data"}
    assert str(api.port) not in failed.text
    await api.open()
    assert (await client.post("/api/collections/users/request-email-change", change)).status == 204
    [mail] = api.accepted.values()
    assert mail["to"] == ["new@example.com"]


async def test_the_key_is_not_sent_in_the_clear_nor_shown(tmp_path: Path, running: Running) -> None:
    answer = await running.request("GET", "/api/plugins", token=await running.superuser())
    assert KEY not in answer.text
    options: dict[str, JSON] = {"url": "http://mail.example.com/emails", "api_key": KEY}
    with pytest.raises(ConfigError, match=r"url must start with https://"):
        async with running_app(tmp_path / "other", HttpMailPlugin(), options={"http_mail": options}):
            pass


async def test_without_a_key_the_mailer_of_before_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running_app(tmp_path, HttpMailPlugin()) as running:
        assert not isinstance(running.app.mailer, HttpMailer)
    assert "api_key is not set" in caplog.text
