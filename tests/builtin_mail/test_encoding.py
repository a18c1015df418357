"""What a mail looks like on the wire."""

from __future__ import annotations

import email
from email.policy import default

import pytest
from builtin_mail.encoding import UnusableMessage, encode, recipients
from builtin_mail.plain_text import from_html

from pbhost.services import MailAddress, MailMessage


def message(**changes: object) -> MailMessage:
    made = MailMessage(
        to=[MailAddress("ann@b.test")],
        subject="Grüße",
        html="<p>Hello</p>",
        sender=MailAddress("support@acme.test", "Acme, Söhne"),
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_a_mail_has_text_and_html_and_the_usual_headers() -> None:
    parsed = email.message_from_bytes(encode(message(attachments={"a.txt": b"data"})).as_bytes(), policy=default)
    assert parsed["Subject"] == "Grüße"
    assert parsed["From"].addresses[0].addr_spec == "support@acme.test"
    assert parsed["From"].addresses[0].display_name == "Acme, Söhne"
    assert parsed["To"] == "ann@b.test"
    assert parsed["Message-ID"].endswith("@acme.test>")
    assert parsed["Date"]
    assert parsed["MIME-Version"] == "1.0"
    assert parsed.get_content_type() == "multipart/mixed"
    kinds = [part.get_content_type() for part in parsed.walk()]
    assert kinds == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/plain"]
    plain, html = [part for part in parsed.walk() if part.get_content_maintype() == "text"][:2]
    assert plain["Content-Transfer-Encoding"] == html["Content-Transfer-Encoding"] == "quoted-printable"
    assert plain.get_content().strip() == "Hello"
    assert html.get_content().strip() == "<p>Hello</p>"


def test_a_value_cannot_add_headers_of_its_own() -> None:
    mail = encode(message(subject="Hi\r\nBcc: victim@b.test", headers={"X-A": "b\nX-C: d"}))
    parsed = email.message_from_bytes(mail.as_bytes(), policy=default)
    assert parsed["Bcc"] is None
    assert parsed["X-C"] is None
    assert parsed["Subject"] == "Hi Bcc: victim@b.test"


def test_own_headers_replace_the_usual_ones() -> None:
    mail = encode(message(headers={"Message-ID": "<own@b.test>"}))
    assert mail.get_all("Message-ID") == ["<own@b.test>"]


@pytest.mark.parametrize(
    "changes", [{"to": []}, {"sender": None}, {"to": [MailAddress("no address")]}, {"html": "\udcff"}]
)
def test_unusable(changes: dict[str, object]) -> None:
    with pytest.raises(UnusableMessage):
        encode(message(**changes))


def test_blind_copies_are_recipients_but_no_header() -> None:
    made = message(cc=[MailAddress("c@b.test")], bcc=[MailAddress("d@b.test")])
    assert recipients(made) == ["ann@b.test", "c@b.test", "d@b.test"]
    assert b"d@b.test" not in encode(made).as_bytes()


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<style>p{}</style><p>a  b\n c<br/>d</p>", "a b c\nd"),
        ('<a href="http://x.test/?a=1&amp;b=2">Go</a>', "Go (http://x.test/?a=1&b=2)"),
        ('<a href="#top">Go</a>', "Go"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("&lt;b&gt; &amp; &#39;", "<b> & '"),
        ('<head><meta charset="utf-8" /><title>t</title></head><body>x</body>', "x"),
        ("<p>unclosed", "unclosed"),
    ],
)
def test_text_from_html(html: str, text: str) -> None:
    assert from_html(html) == text
