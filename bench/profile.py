"""Where a workload's time goes: the server in this process under cProfile, loaded by wrk.

python -m bench.profile DATA_DIR PATH [SCRIPT [ARGUMENT]] [--header LINE] [--thread]
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from bench.processes import free_port


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("path")
    parser.add_argument("script", nargs="*")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--lines", type=int, default=45)
    parser.add_argument("--sort", default="tottime")
    parser.add_argument("--thread", default="", help="profile the threads of this name instead of the event loop")
    options = parser.parse_args()

    from pbhost.cli.serve import serve
    from pbhost.config import load_config

    address = f"127.0.0.1:{free_port()}"
    profile = cProfile.Profile()
    if options.thread:
        _profile_threads(options.thread, profile)

    def load() -> None:
        time.sleep(4)
        command = ["wrk", "-t1", "-c32", f"-d{options.seconds}s", "--latency"]
        for header in options.header:
            command += ["-H", header]
        if options.script:
            command += ["-s", f"bench/scripts/{options.script[0]}"]
        command += [f"http://{address}{options.path}", "--", *options.script[1:]]
        print(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=load, daemon=True).start()
    config = load_config({"dir": options.directory, "http": address})
    if not options.thread:
        profile.enable()
    try:
        serve(config)
    finally:
        if not options.thread:
            profile.disable()
        pstats.Stats(profile, stream=sys.stdout).sort_stats(options.sort).print_stats(options.lines)


def _profile_threads(name: str, profile: cProfile.Profile) -> None:
    original = threading.Thread.run

    def run(self: threading.Thread) -> None:
        if name in self.name:
            profile.enable()
            try:
                original(self)
            finally:
                profile.disable()
        else:
            original(self)

    threading.Thread.run = run  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
