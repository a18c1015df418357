"""Stored names: what a client name becomes."""

from __future__ import annotations

import re

import pytest
from builtin_files.names import MAX_STORED_NAME, STORED_NAME, original_name, stored_name
from hypothesis import given
from hypothesis import strategies as st

R = "[a-z0-9]{10}"


@pytest.mark.parametrize(
    ("client", "stored"),
    [
        ("Annual Report 2024.PDF", rf"annual_report_2024_{R}\.PDF"),
        ("myPhotoHD.jpg", rf"my_photo_hd_{R}\.jpg"),
        ("a.tar.gz", rf"a{R}_{R}\.tar\.gz"),
        (".tar.gz", rf"{R}_{R}\.tar\.gz"),
        ("....abc", rf"{R}_{R}\.abc"),
        ("a.b.c.?.?.?.2", rf"a_b_c_{R}\.2"),
        ("a.b.c.d.tar.gz", rf"a_b_c_d_{R}\.tar\.gz"),
        (".abcd.123.", rf"abcd_{R}\.123"),
        ("a  b! c  d  . 456", rf"a_b_c_d_{R}\.456"),
        ("abc.1234567890123456789.xyz", rf"abc_{R}\.4567890123456789\.xyz"),
        ("abc.d%e&f.t x t", rf"abc_{R}\.def\.txt"),
        (r"dir\sub\nam.txt", rf"dir_sub_nam_{R}\.txt"),
        ("fooBARbaz.txt", rf"foo_barbaz_{R}\.txt"),
        ("noext", rf"noext_{R}\.sniffed"),
        ("", rf"{R}_{R}\.sniffed"),
        ("данни.txt", rf"{R}_{R}\.txt"),
        ("photo.v2.png", rf"photo_{R}\.v2\.png"),
        ("Quarterly Report.PDF", rf"quarterly_report_{R}\.PDF"),
        ("snake__case_.txt", rf"snake_case_{R}\.txt"),
        ("x" * 250 + ".png", rf"x{{100}}_{R}\.png"),
        ("y" * 400 + ".png", rf"y{{100}}_{R}\.png"),
    ],
)
def test_a_client_name_becomes(client: str, stored: str) -> None:
    assert re.fullmatch(stored, stored_name(client, lambda: ".sniffed"))


def test_two_uploads_of_one_name_never_share_a_stored_name() -> None:
    assert stored_name("a.png", str) != stored_name("a.png", str)


@given(st.text())
def test_any_client_name_gives_a_valid_stored_name(client: str) -> None:
    name = stored_name(client, lambda: "")
    assert STORED_NAME.fullmatch(name)
    assert name.isascii()
    assert len(name) <= MAX_STORED_NAME


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_the_original_name_is_kept_up_to_255_bytes(client: str) -> None:
    kept = original_name(client)
    assert client.startswith(kept)
    assert len(kept.encode()) <= 255
