"""The side files and the spelling of keys on disk."""

from __future__ import annotations

import base64
from hashlib import md5

import pytest
from builtin_files.attrs import Attrs
from builtin_files.keys import InvalidKeyError, check_key, escape_key, unescape_key
from hypothesis import given
from hypothesis import strategies as st

WRITTEN = (
    b'{"user.cache_control":"","user.content_disposition":"","user.content_encoding":"",'
    b'"user.content_language":"","user.content_type":"image/png",'
    b'"user.metadata":{"original-filename":"Photo.png"},"md5":"jeP4D9yLJLpSoUKCvUzZvw=="}\n'
)


def test_a_side_file_is_written_as_pocketbase_writes_it() -> None:
    digest = base64.b64decode("jeP4D9yLJLpSoUKCvUzZvw==")
    attrs = Attrs("image/png", {"Original-Filename": "Photo.png"}, digest)
    assert attrs.encode() == WRITTEN


def test_html_characters_are_escaped_and_other_letters_are_not() -> None:
    assert b'"a\\u003cb\\u003e\\u0026 \xc3\xa4"' in Attrs("x/y", {"n": "a<b>& ä"}).encode()


def test_a_thumb_has_no_metadata() -> None:
    assert b'"user.metadata":null' in Attrs("image/png", None, md5(b"").digest()).encode()


def test_a_side_file_is_read_back() -> None:
    attrs = Attrs.decode(WRITTEN)
    assert attrs.content_type == "image/png"
    assert attrs.metadata == {"original-filename": "Photo.png"}
    assert attrs.encode() == WRITTEN


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"user.content_type":3,"md5":"?","user.metadata":[]}', b"\xff"]
)
def test_a_broken_side_file_counts_as_missing(content: bytes) -> None:
    assert Attrs.decode(content) == Attrs("application/octet-stream", None, None)


def test_a_name_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        Attrs("x/y", {"n": "\ud800"}).encode()


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("col/rec/photo_4hs0d1kq2z.png", "col/rec/photo_4hs0d1kq2z.png"),
        ("a\nb", "a__0xa__b"),
        ("../a", "..__0x2f__a"),
        ("a/../b", "a/..__0x2f__b"),
        ("a//b", "a/__0x2f__b"),
        ("a/", "a__0x2f__"),
    ],
)
def test_a_key_on_disk(key: str, path: str) -> None:
    assert escape_key(key) == path
    assert unescape_key(path) == key


@given(st.text(alphabet=st.sampled_from("a./\\\n\x00é"), max_size=12))
def test_every_key_survives_the_way_to_disk_and_back(key: str) -> None:
    assert unescape_key(escape_key(key)) == key


@pytest.mark.parametrize("key", ["", "/etc/passwd", "a.attrs", "..", "a/..", "./a", "a/.", "a\ud800"])
def test_a_key_that_leaves_the_storage_is_refused(key: str) -> None:
    with pytest.raises(InvalidKeyError):
        check_key(key)
