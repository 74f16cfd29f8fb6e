"""The control plane: ``egressd serve`` on a policy file, and its event lines."""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import build
from .child import Child
from .waiting import wait_for

Event = dict[str, Any]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs egressd to its end."""
    return subprocess.run([build.egressd(), *arguments], capture_output=True, text=True, timeout=60, check=False)


def write_atomically(path: Path, text: str) -> None:
    """As editors and package managers do it: a new file, renamed over the old one."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, path)


class Egressd:
    """One ``egressd serve``. ``listen`` is where Envoy finds it; port 0 becomes the port that the kernel picked."""

    def __init__(self, folder: Path, text: str, listen: str, options: Sequence[str] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.policy = folder / "policy.yaml"
        self.options = list(options)
        self.listen = listen
        self.starts = 0
        self.policy.write_text(text)
        self.start()

    def start(self) -> None:
        """Starts the process, the first or another time; its log begins anew."""
        self.starts += 1
        self.events: list[Event] = []
        self._read = 0
        command = [build.egressd(), "serve", str(self.policy), "--listen", self.listen, *self.options]
        self.child = Child(command, self.folder / f"egressd.{self.starts}.log")
        listening = self.wait_event("start", lambda event: event["event"] == "listening", 0)
        if self.listen.endswith(":0"):
            self.listen = self.listen[:-1] + str(listening["port"])

    def close(self) -> int:
        return self.child.end()

    def refresh(self) -> list[Event]:
        """All events so far."""
        with self.child.output.open("rb") as stream:
            stream.seek(self._read)
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                if line.startswith(b"{"):
                    self.events.append(json.loads(line))
        return self.events

    def wait_event(self, what: str, wanted: Callable[[Event], bool], since: int, seconds: float = 15.0) -> Event:
        """The first event after the first ``since`` ones that is the wanted one."""

        def look() -> Event | None:
            found = next((event for event in self.refresh()[since:] if wanted(event)), None)
            if found is None:
                self.child.check()
            return found

        return wait_for(f"egressd's {what}", look, seconds)

    def offer(self, text: str) -> Event:
        """Writes the policy file and waits until egressd has taken or refused it; returns that event."""
        since = len(self.refresh())
        write_atomically(self.policy, text)
        return self.wait_event(
            "verdict on the new policy", lambda event: event["event"] in ("policy", "policy_refused"), since
        )

    def of_kind(self, kind: str, since: int = 0) -> list[Event]:
        return [event for event in self.refresh()[since:] if event["event"] == kind]
