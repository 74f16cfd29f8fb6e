"""
Make before break, as an Envoy on an aggregated stream has it: a route goes over to another cluster, and the one it led
to is gone, in one snapshot. Requests all the while say whether there was ever a route to a cluster that was not there.
"""

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.snapshotd import Snapshotd
from harness.waiting import wait_for
from harness.whole import NODE, ROUTE, Whole

CHANGES = 10  # a response that comes in the wrong place is not noticed each time
CLIENTS = 2


class Clients:
    """Ask one after the other, until told to stop; each on a connection that it keeps."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.count = 0
        self.failures: list[str] = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self.stopping.is_set():
            try:
                connection.request("GET", "/")
                response = connection.getresponse()
                body = response.read().decode()
                if response.status != 200 or body not in ("one", "two"):
                    self.failures.append(f"{response.status} {body}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
            self.count += 1
        connection.close()

    def stop(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class Stack:
    def __init__(self, folder: Path, delta: bool, *options: str) -> None:
        self.daemon = Snapshotd(folder, *options)
        self.whole = Whole(folder, self.daemon.xds_port, delta, aggregated=True)

    def close(self) -> None:
        self.whole.close()
        self.daemon.close()

    def use(self, name: str, *others: str) -> None:
        """Routes lead to the cluster of this name, which says it; ``others`` are there, too, and nothing else is."""
        parts: list[Any] = [part for part in self.whole.resources("one") if part.get("name") != "backend"]
        parts = [part for part in parts if part.get("cluster_name") != "backend"]
        routes = next(part for part in parts if part["@type"] == ROUTE)
        routes["virtual_hosts"][0]["routes"][1]["route"]["cluster"] = name
        for cluster in (name, *others):
            parts += [self.whole.cluster(cluster), self.whole.endpoints(cluster, cluster)]
        self.daemon.put(NODE, {"resources": parts})

    def wait_for_only(self, name: str) -> None:
        """Until the other cluster is gone and this one answers."""

        def is_only() -> bool:
            if self.whole.get("/")[1] != name:
                return False
            active = self.whole.envoy.active()
            found = {key for key in active if key in ("cluster one", "cluster two")}
            return found == {f"cluster {name}"}

        wait_for(f"{name} only", is_only, 15)


@pytest.fixture(params=(False, True), ids=("sotw", "delta"))
def delta(request: pytest.FixtureRequest) -> Iterator[bool]:
    yield request.param


def go_back_and_forth(stack: Stack, both_first: bool) -> None:
    stack.use("one")
    stack.wait_for_only("one")
    clients = Clients(stack.whole.ports["main"].port)
    try:
        for change in range(CHANGES):
            name, other = ("one", "two") if change % 2 else ("two", "one")
            if both_first:
                stack.use(other, name)
                wait_for(f"{name}", lambda name=name: f"cluster {name}" in stack.whole.envoy.active())
            stack.use(name)
            stack.wait_for_only(name)
    finally:
        clients.stop()
    assert clients.failures == [] and clients.count > CHANGES


def test_c58_a_cluster_goes_after_the_routes_to_it(tmp_path: Path, delta: bool) -> None:
    stack = Stack(tmp_path, delta)
    try:
        go_back_and_forth(stack, both_first=True)
    finally:
        stack.close()


def test_c58_a_new_cluster_is_warm_before_the_routes_to_it(tmp_path: Path, delta: bool) -> None:
    stack = Stack(tmp_path, delta, "--gate-on-ack")
    try:
        go_back_and_forth(stack, both_first=False)
    finally:
        stack.close()
