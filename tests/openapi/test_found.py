"""What generated requests have found, as plain cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from pbhost.testing import running_app


@pytest.mark.parametrize(
    "header",
    [b'form-data; name="\x189"', 'form-data; name="Ê"'.encode() + b"\x00", b"form-data; name=\x7f"],
    ids=["control", "null", "delete"],
)
async def test_a_multipart_header_with_control_characters_is_refused(tmp_path: Path, header: bytes) -> None:
    body = b"--b\r\nContent-Disposition: " + header + b"\r\n\r\nx\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with running_app(tmp_path) as server:
        answer = await server.request("POST", "/api/collections/users/records", data=body, headers=headers)
        assert answer.status == 400
