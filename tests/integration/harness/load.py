"""The benchmark's server and its load client (``tests/bench``), as tests run them."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from harness.build import program
from harness.child import Child
from harness.waiting import wait_for

START_S = 60.0


class LoadFailure(AssertionError):
    pass


def load(
    folder: Path,
    variant: str,
    *,
    clusters: int,
    streams: int,
    timeout_s: int = 120,
    patience_ms: int = 0,
    **options: int,
) -> Any:
    """
    What ``xds_load`` reports of a server of its own that serves ``clusters``; ``nack=1`` is its option ``-nack``, ``k=3``
    is ``-k 3``; ``patience_ms`` is the server's ``-patience``. Raises when a response was missed, was wrong or came
    unasked, or a stream ended.
    """
    output = folder / "bench-server"
    output.unlink(missing_ok=True)
    addresses = ["-addr", "127.0.0.1:0", "-ctl", "127.0.0.1:0"]
    command = [program("tests/bench/xds_bench_server"), *addresses, "-r", str(clusters), "-patience", str(patience_ms)]
    server = Child(command, output)

    def ready() -> re.Match[str] | None:
        server.check()
        return re.search(r"^ready (\d+) (\d+)$", server.text(), re.MULTILINE)

    try:
        port, control = wait_for("the server", ready, START_S).groups()
        arguments = ["-addr", f"127.0.0.1:{port}", "-ctl", f"127.0.0.1:{control}", "-pid", str(server.process.pid)]
        arguments += ["-r", str(clusters), "-n", str(streams), "-timeout", str(timeout_s)]
        arguments += ["-delta"] if variant == "delta" else []
        arguments += ["-nack"] if options.pop("nack", 0) else []
        for name, value in options.items():
            arguments += [f"-{name}", str(value)]
        return _run([program("tests/bench/xds_load"), *arguments])
    finally:
        server.end()


def _run(command: list[str]) -> Any:
    # Every wait of the program has a deadline of its own.
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise LoadFailure(f"xds_load ended with {done.returncode}:\n{done.stderr}{done.stdout}")
    return json.loads(done.stdout)
