"""Files that are being written: what a dead process leaves goes at the next start, what a living one writes stays."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from builtin_files.drafts import DIRECTORY, Drafts
from builtin_files.local import LocalStorage
from builtin_files.workers import Workers

WRITER = """
    import sys
    from pathlib import Path
    from builtin_files.drafts import Drafts
    root = Path(sys.argv[1])
    drafts = Drafts(root)
    with drafts.open(root / "c/r/a.bin") as draft:
        draft.file.write(b"half")
        draft.file.flush()
        with drafts.open(root / "c/r/a.bin.attrs") as side:
            side.publish()
        print("writing", flush=True)
        sys.stdin.readline()
        draft.publish()
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process in the middle of writing ``c/r/a.bin``, until it is told to go on."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        yield process
        process.kill()


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def test_what_a_killed_process_was_writing_goes_with_all_that_was_made_for_it(
    tmp_path: Path, writer: subprocess.Popen[str]
) -> None:
    (tmp_path / "c/other").mkdir(parents=True)
    (tmp_path / "c/other/b.bin").write_bytes(b"whole")
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert Drafts(tmp_path).sweep() == 1
    assert files(tmp_path) == ["c", "c/other", "c/other/b.bin"]


def test_a_living_process_is_not_disturbed(tmp_path: Path, writer: subprocess.Popen[str]) -> None:
    assert Drafts(tmp_path).sweep() == 0
    writer.communicate("\n")
    assert writer.returncode == 0
    assert (tmp_path / "c/r/a.bin").read_bytes() == b"half"
    assert (tmp_path / "c/r/a.bin.attrs").is_file()


def test_a_killed_replacement_leaves_the_file_as_it_was(tmp_path: Path, writer: subprocess.Popen[str]) -> None:
    (tmp_path / "c/r/a.bin").write_bytes(b"whole")
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    Drafts(tmp_path).sweep()
    assert files(tmp_path) == ["c", "c/r", "c/r/a.bin", "c/r/a.bin.attrs"]
    assert (tmp_path / "c/r/a.bin").read_bytes() == b"whole"


async def test_writes_and_sweeps_at_the_same_time(tmp_path: Path) -> None:
    workers = Workers("test-files", 4)
    storage, other = LocalStorage(tmp_path, workers), LocalStorage(tmp_path, workers)

    async def sweep() -> None:
        while not done:
            await other.sweep()

    done = False
    sweeping = asyncio.create_task(sweep())
    keys = [f"c/{number}/{'long' * 40}.bin" for number in range(60)]
    await asyncio.gather(*(storage.write(key, key.encode() * 1000) for key in keys))
    done = True
    await sweeping
    assert [(await storage.fetch(key, 10**6))[1] for key in keys] == [key.encode() * 1000 for key in keys]
    assert not (tmp_path / DIRECTORY).exists()
    workers.close()


def test_a_directory_on_another_disk_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def elsewhere(source: Path, target: Path) -> None:
        if source.parent != target.parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        replace(source, target)

    monkeypatch.setattr(os, "replace", elsewhere)
    with Drafts(tmp_path).open(tmp_path / "c/a.bin") as draft:
        draft.file.write(b"whole")
        draft.publish()
    assert files(tmp_path) == ["c", "c/a.bin"]
    assert (tmp_path / "c/a.bin").read_bytes() == b"whole"


def test_many_writers_at_once_share_the_directory_and_leave_none(tmp_path: Path) -> None:
    """The directory comes and goes with its drafts, while others are about to write there."""
    drafts = Drafts(tmp_path)

    def write(number: int) -> None:
        for turn in range(20):
            target = tmp_path / f"c{number}/{turn}.bin"
            with drafts.open(target) as draft:
                draft.file.write(b"whole")
                draft.publish()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert DIRECTORY not in os.listdir(tmp_path)
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 160
