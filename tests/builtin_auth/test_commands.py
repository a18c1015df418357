"""``pbhost superuser`` as a person uses it, on a data directory of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def superuser(directory: Path, *arguments: str) -> str:
    """Standard output of the command."""
    done = subprocess.run(
        [sys.executable, "-m", "pbhost", "superuser", *arguments, "--dir", str(directory / "pb_data")],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def test_the_life_of_superusers(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        return superuser(tmp_path, *arguments)

    assert run("create", "a@b.test") == "Error: missing email and password arguments\n"
    assert run("create", "nope", "1234567890") == "Error: missing or invalid email address\n"
    assert run("create", "a@b.test", "1234567890") == 'Successfully created new superuser "a@b.test"!\n'
    taken = run("create", "a@b.test", "1234567890")
    assert taken == "Error: failed to create new superuser account: email: Value must be unique.\n"
    weak = run("upsert", "a@b.test", "short")
    assert weak == "Error: failed to upsert superuser account: password: Must be at least 8 character(s).\n"
    assert run("upsert", "a@b.test", "0987654321") == 'Successfully saved superuser "a@b.test"!\n'
    assert run("update", "x@b.test", "0987654321") == 'Error: superuser with email "x@b.test" doesn\'t exist\n'
    assert run("delete", "x@b.test") == 'superuser "x@b.test" is missing or already deleted\n'
    last = run("delete", "a@b.test")
    assert last.startswith('Error: failed to delete superuser "a@b.test": You can\'t delete the only existing')
    otp = run("otp", "a@b.test")
    assert otp == "Error: OTP auth is not enabled for the _superusers collection\n"
    assert run("ips", "1.2.3.4", "nope") == "Error: superuserIPs: (1: invalid IP or CIDR subnet.).\n"
    set_ = run("ips", "1.2.3.4", "10.0.0.0/8")
    assert set_ == "Successfully updated SuperuserIPs setting:\n├─ 1.2.3.4\n└─ 10.0.0.0/8\n"
    assert run("ips") == "Successfully cleared SuperuserIPs setting!\n"
