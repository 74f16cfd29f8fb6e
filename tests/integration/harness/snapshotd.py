"""The control plane for tests: one ``snapshotd``, what it is given and what it tells."""

import http.client
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import build
from .child import Child
from .waiting import wait_for

Line = dict[str, Any]


class Snapshotd:
    """One process. ``restart`` starts another in its place, at the same addresses, that knows nothing."""

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.options = options
        self.starts = 0
        self.xds_port = self.http_port = 0
        self.start()

    def start(self) -> None:
        self.starts += 1
        addresses = ("--xds", f"127.0.0.1:{self.xds_port}", "--http", f"127.0.0.1:{self.http_port}")
        output = self.folder / f"snapshotd.{self.starts}.log"
        self.child = Child([build.snapshotd(), *addresses, *self.options], output)

        def listening() -> Line | None:
            self.child.check()
            text = self.child.text()
            return json.loads(text) if text.endswith("}\n") else None

        line = wait_for("snapshotd's start", listening)
        self.xds_port, self.http_port = line["xds_port"], line["http_port"]

    def restart(self) -> None:
        assert self.child.end() == 0
        self.start()

    def close(self) -> None:
        assert self.child.end() == 0, self.child.text()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.xds_port}"

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and body of an answer; ``body`` is text as it is, in pieces too, or anything else as JSON."""
        if body is not None and not isinstance(body, str | bytes | Iterator):
            body = json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=15)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def put(self, node: str, body: Any) -> Any:
        """Gives the node a snapshot."""
        status, text = self.ask("PUT", "/snapshot/" + quote(node, safe=""), body)
        assert status == 200, text
        return json.loads(text)

    def delete(self, node: str) -> int:
        """Forgets the node's snapshot and returns the answer's status."""
        return self.ask("DELETE", "/snapshot/" + quote(node, safe=""))[0]

    def refused(self, body: Any, status: int = 400, node: str = "node-1") -> list[Line]:
        """Gives the node a body that is refused, and returns why."""
        found, text = self.ask("PUT", "/snapshot/" + node, body)
        assert found == status, text
        return json.loads(text)["errors"]

    def status(self) -> Any:
        status, text = self.ask("GET", "/status")
        assert status == 200, text
        return json.loads(text)

    def log(self, since: int = 0) -> list[Line]:
        status, text = self.ask("GET", f"/log?since={since}")
        assert status == 200, text
        return [json.loads(line) for line in text.splitlines()]

    def last(self) -> int:
        """Number of the newest line of the log."""
        return self.status()["log"]["last"]

    def wait_log(self, what: str, wanted: Callable[[list[Line]], Any], since: int = 0) -> Any:
        """What ``wanted`` makes of the lines behind number ``since``, once that is true."""

        def look() -> Any:
            self.child.check()
            return wanted(self.log(since))

        return wait_for(f"log: {what}", look, 15)
