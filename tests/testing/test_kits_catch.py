"""The kits are worth something: each finds the providers of ``broken_providers.py``, broken in one way each."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from pbhost.services import SERVICES
from pbhost.testing.kits import KITS
from tests.testing.broken_providers import CASES

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).parent / "broken_providers.py"


def test_every_kit_catches_a_broken_provider(tmp_path: Path) -> None:
    nodes = [f"{FILE}::{name}::{test}" for _, name, test in CASES.values()]
    report = tmp_path / "report.xml"
    options = ("-q", "-p", "no:cacheprovider", "--tb=no", f"--junitxml={report}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *nodes], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    outcomes: dict[str, list[str]] = {}
    for case in ET.parse(report).iter("testcase"):  # our own file
        name = case.attrib["classname"].rpartition(".")[2]
        outcomes.setdefault(name, []).append(next((child.tag for child in case if child.tag != "system-out"), "passed"))
    missed = {
        variant: outcomes.get(name)
        for variant, (_, name, _) in CASES.items()
        if "failure" not in outcomes.get(name, []) or "error" in outcomes.get(name, [])
    }
    assert missed == {}, "broken providers that their kit did not catch"


def test_every_service_has_a_kit_and_every_kit_a_broken_provider() -> None:
    assert set(KITS) == set(SERVICES)
    tried = {kit.__name__ for kit, _, _ in CASES.values()}
    assert {name for _, name in KITS.values()} == tried
