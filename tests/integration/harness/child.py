"""A child process in a group of its own, its output in a file; ended by its own process id."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path


class Child:
    def __init__(
        self, command: Sequence[str], output: Path, env: dict[str, str] | None = None, stdin: int = subprocess.DEVNULL
    ) -> None:
        self.output = output
        self.name = Path(command[0]).name
        with output.open("ab") as stream:
            self.process = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=None if env is None else {**os.environ, **env},
            )

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def check(self) -> None:
        """Raises when the process has ended by itself, with the end of what it wrote."""
        if not self.running:
            tail = "\n".join(self.text().splitlines()[-30:])
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{tail}")

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float) -> int:
        return self.process.wait(seconds)

    def end(self, seconds: float = 10.0) -> int:
        """Asks the process to end, makes it end at the deadline, and returns its exit status."""
        if self.running:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def kill(self) -> None:
        if self.running:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
