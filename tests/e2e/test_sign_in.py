"""An account from sign-up on through the official SDK, a server process and a real mail server; the mails it brings."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from .conftest import Server, free_port
from .mailbox import Mail, running_mailbox

OLD, NEW = "ann@example.com", "ann.new@example.com"
# In the order in which they arrive: what it is for, who gets it, the subject, the page that its link opens.
MAILS = [
    ("verification", OLD, "Verify your Acme & Sons email", "confirm-verification"),
    ("code", OLD, "OTP for Acme & Sons", ""),
    ("change", NEW, "Confirm your Acme & Sons new email address", "confirm-email-change"),
    ("reset", NEW, "Reset your Acme & Sons password", "confirm-password-reset"),
    ("alert", NEW, "Login from a new location", ""),
]


def test_sign_up_two_factors_new_address_new_password_and_the_mails_of_each(
    start_server: Callable[..., Server], run_js: Callable[..., dict[str, object]]
) -> None:
    server = start_server()
    with running_mailbox(port := free_port()) as (mailbox, address):
        found = run_js("sign_in.mjs", server, smtp=port, mailbox=address)
    assert [mail.subject for mail in mailbox.mails] == [subject for _, _, subject, _ in MAILS]
    for mail, (name, recipient, _, page) in zip(mailbox.mails, MAILS, strict=True):
        _is_complete(mail, recipient)
        if page:
            link = f"{server.url}/_/#/auth/{page}/{found[name]}"
            assert re.findall(r'<a [^>]*href="([^"]*)"', mail.html) == [link]
            assert f"({link})" in mail.text
        else:
            assert "<a " not in mail.html
    code, alert = mailbox.mails[1], mailbox.mails[4]
    assert str(found["code"]) in code.text
    place = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z - 127\.0\.0\.1 "
    assert re.search(place + "Café <i>/2.0", alert.text)
    assert re.search(place + "Café &lt;i&gt;/2.0", alert.html)


def test_in_development_mails_are_shown_in_the_terminal_and_stored_nowhere(
    start_server: Callable[..., Server],
) -> None:
    server = start_server("--dev")
    form = {"email": OLD, "password": "password-of-ann", "passwordConfirm": "password-of-ann"}
    assert server.request("POST", "/api/collections/users/records", form)[0] == 200
    assert server.request("POST", "/api/collections/users/request-verification", {"email": OLD})[0] == 204
    deadline = time.monotonic() + 10
    while (found := re.search(r"/auth/confirm-verification/([\w.-]+)", server.output())) is None:
        assert time.monotonic() < deadline, server.output()
        time.sleep(0.02)
    assert f"mail to {OLD}: Verify your " in server.output()
    body = {"token": found[1]}
    assert server.request("POST", "/api/collections/users/confirm-verification", body)[0] == 204
    assert server.stop() == 0
    for file in server.dir.glob("*.db*"):
        assert found[1].encode() not in file.read_bytes(), file.name


def _is_complete(mail: Mail, recipient: str) -> None:
    """For one person, from the configured sender, the same in both parts, no placeholder left."""
    assert (mail.recipients, mail.to) == ([recipient], recipient)
    assert mail.sender == "Acme Support <support@acme.test>"
    assert mail.html.startswith("<!DOCTYPE html")
    for part in (mail.text, mail.html):
        assert "Acme & Sons" in part.replace("&amp;", "&")
        assert not re.search(r"\{[A-Z]", part + mail.subject)
    assert "<" not in mail.text.replace("<i>/2.0", "")
