"""
Clusters on demand (ODCDS) under a real Envoy: the first request for one waits until the control plane has made it. What
Envoy has is judged by what it serves and by its own pages.
"""

import http.client
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.child import Child
from harness.envoy import Envoy
from harness.ports import ReservedPort
from harness.relay import Relay
from harness.waiting import wait_for
from harness.whole import API, MANAGER, NODE, ROUTER, socket_address

pytest.importorskip("egress", reason="the Python package is not installed")

ANSWER_S = 3.0  # what nobody answers is told as absent after that
PATIENCE_S = 60  # of Envoy; an answer that comes earlier did not come from its timeout


class Variant(NamedTuple):
    """How Envoy asks: on the stream for all types, or on one of their own; and for all clusters, too, or not."""

    delta: bool
    aggregated: bool
    wildcard: bool


DELTA = {
    "delta-aggregated": Variant(True, True, False),
    "delta-aggregated-beside-everything": Variant(True, True, True),
    "delta-separate": Variant(True, False, False),
    "delta-separate-beside-everything": Variant(True, False, True),
}
# On a stream of its own Envoy 1.40 takes no state of the world: it aborts at the first response.
SOTW = {"sotw-aggregated": Variant(False, True, False), "sotw-aggregated-beside-everything": Variant(False, True, True)}
VARIANTS = {**DELTA, **SOTW}


def listener(name: str, port: int, routes: dict[str, Any], *filters: dict[str, Any]) -> dict[str, Any]:
    manager = {"@type": MANAGER, "stat_prefix": name, "route_config": routes, "http_filters": [*filters, ROUTER]}
    chains = [{"filters": [{"name": "http", "typed_config": manager}]}]
    return {"name": name, "address": socket_address(port), "filter_chains": chains}


def routes(action: dict[str, Any]) -> dict[str, Any]:
    return {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **action}]}]}


def service(delta: bool) -> dict[str, Any]:
    back_off = {"retry_back_off": {"base_interval": "0.05s", "max_interval": "0.1s"}}
    return {
        "api_type": "DELTA_GRPC" if delta else "GRPC",
        "transport_api_version": "V3",
        "grpc_services": [{"envoy_grpc": {"cluster_name": "control", "retry_policy": back_off}}],
    }


def bootstrap(xds_port: int, port: int, backend_port: int, variant: Variant) -> dict[str, Any]:
    http2 = API + "extensions.upstreams.http.v3.HttpProtocolOptions"
    assignment = {"endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket_address(xds_port)}}]}]}
    control = {
        "name": "control",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "control", **assignment},
        "typed_extension_protocol_options": {
            http2.partition("/")[2]: {"@type": http2, "explicit_http_config": {"http2_protocol_options": {}}}
        },
    }
    where = {"ads": {}} if variant.aggregated else {"api_config_source": service(variant.delta)}
    source = {"resource_api_version": "V3", **where}
    dynamic = {"ads_config": service(variant.delta)} if variant.aggregated else {}
    filter_type = API + "extensions.filters.http.on_demand.v3.OnDemand"
    odcds = {"source": source, "timeout": f"{PATIENCE_S}s"}
    demand = {"name": "on_demand", "typed_config": {"@type": filter_type, "odcds": odcds}}
    to_named = routes({"route": {"cluster_header": "x-cluster"}})
    saying = routes({"direct_response": {"status": 200, "body": {"inline_string": "backend"}}})
    return {
        "node": {"id": NODE, "cluster": "test"},
        "dynamic_resources": {**dynamic, **({"cds_config": source} if variant.wildcard else {})},
        "static_resources": {
            "clusters": [control],
            "listeners": [listener("main", port, to_named, demand), listener("backend", backend_port, saying)],
        },
    }


class Control:
    """The control plane; ``change`` is told in harness/on_demand.py."""

    def __init__(self, output: Path, backend: int) -> None:
        command = [sys.executable, str(Path(__file__).parent / "harness" / "on_demand.py"), str(backend), str(ANSWER_S)]
        self.child = Child(command, output, stdin=subprocess.PIPE)
        self.port = wait_for("control plane", self._listening, 30)

    def _listening(self) -> int | None:
        self.child.check()
        found = re.search(r"listening on port (\d+)\n", self.child.text())
        return int(found.group(1)) if found else None

    def close(self) -> None:
        self.child.kill()
        self.child.process.stdin.close()

    def change(self, name: str, what: str) -> None:
        self.child.check()
        self.child.process.stdin.write(f"{name} {what}\n".encode())
        self.child.process.stdin.flush()

    def change_everywhere(self, name: str, what: str) -> None:
        """Until all streams have accepted it."""
        changed = self.count("Changed")
        self.change(name, what)
        wait_for(f"{name} {what} on all streams", lambda: self.count("Changed") > changed and self._is_settled())

    def _is_settled(self) -> bool:
        text = self.child.text()
        return text.rfind("\nSettled\n") > text.rfind("\nChanged ")

    def count(self, event: str) -> int:
        return len(re.findall(rf"^{event} ", self.child.text(), re.MULTILINE))

    def wanted(self) -> list[str]:
        return re.findall(r"^Wanted (.*)$", self.child.text(), re.MULTILINE)


class Stack:
    """An Envoy, its backend within it, and the control plane."""

    def __init__(self, folder: Path, variant: Variant) -> None:
        self.folder, self.variant = folder, variant
        self.ports = [ReservedPort(), ReservedPort()]
        self.port, self.backend = (reserved.port for reserved in self.ports)
        self.control = Control(folder / "control.1.log", self.backend)
        self.relay = Relay(self.control.port)
        self.envoy = Envoy(folder, bootstrap(self.relay.port, self.port, self.backend, variant))

    def close(self) -> None:
        self.envoy.close()
        self.relay.close()
        self.control.close()
        for reserved in self.ports:
            reserved.release()

    def restart(self) -> None:
        """Another control plane, which knows nothing, in the place of this one."""
        self.control.close()
        self.control = Control(self.folder / "control.2.log", self.backend)
        self.relay.to = self.control.port

    def get_once_it_is(self, cluster: str, connect_timeout: str) -> tuple[int, str]:
        """What a request is answered that waits for the cluster, which is put while it does."""
        answers: list[tuple[int, str]] = []
        asking = threading.Thread(target=lambda: answers.append(self.get(cluster)))
        asking.start()
        wait_for("a request that waits", lambda: self.envoy.stat("http.main.downstream_rq_active") == 1)
        self.control.change(cluster, connect_timeout)
        asking.join(PATIENCE_S)
        return answers[0]

    def get(self, cluster: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S / 2)
        try:
            connection.request("GET", "/", headers={"x-cluster": cluster})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def dumped(self) -> dict[str, dict[str, Any]]:
        """By name what Envoy says of the clusters that it was sent: its version, when it came, and itself."""
        return {entry["cluster"]["name"]: entry for entry in self.envoy.config_dump("dynamic_active_clusters")}

    def timeout(self, name: str) -> str:
        """The setting that changes; "": Envoy has no such cluster."""
        entry = self.dumped().get(name)
        return entry["cluster"]["connect_timeout"] if entry else ""

    def wait_timeout(self, name: str, timeout: str) -> None:
        wait_for(f"{name} with {timeout!r}; now: {self.dumped()}", lambda: self.timeout(name) == timeout)


@pytest.fixture(params=VARIANTS)
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path, VARIANTS[request.param])
    yield made
    made.close()


@pytest.fixture
def using(stack: Stack) -> Stack:
    """Two clusters were asked for, and are there."""
    for name in ("known-a", "known-b"):
        assert stack.get(name) == (200, "backend")
        assert stack.timeout(name) == "1s"
    assert stack.control.wanted() == ["known-a", "known-b"]
    return stack


def test_c75_a_cluster_is_made_when_the_first_request_asks_for_it(using: Stack) -> None:
    assert using.get("known-a") == (200, "backend")
    assert using.control.wanted() == ["known-a", "known-b"]
    assert using.control.count("Nacked") == 0


@pytest.mark.parametrize("stack", DELTA, indirect=True)  # state of the world has no word for it
def test_c75_one_that_does_not_exist_is_refused_at_once(stack: Stack) -> None:
    """Envoy 1.40 does not ask for it again; a request that needs it later goes through once it is there."""
    began = time.monotonic()
    assert stack.get("no-such")[0] == 503
    assert time.monotonic() - began < ANSWER_S  # the answer, not the end of the time for one
    assert stack.get("known-a") == (200, "backend")
    assert stack.get_once_it_is("no-such", "2") == (200, "backend")
    assert stack.control.wanted() == ["no-such", "known-a"]


@pytest.mark.parametrize("stack", DELTA, indirect=True)
def test_c75_and_so_is_one_of_which_nobody_says_anything_in_time(stack: Stack) -> None:
    began = time.monotonic()
    assert stack.get("silence")[0] == 503
    assert ANSWER_S / 2 < time.monotonic() - began < PATIENCE_S / 2
    assert stack.get("known-a") == (200, "backend")


def test_c75_a_change(using: Stack) -> None:
    other = using.dumped()["known-b"]
    using.control.change("known-a", "2")
    using.wait_timeout("known-a", "2s")
    assert using.get("known-a") == (200, "backend")
    assert using.dumped()["known-b"] == other
    assert using.control.wanted() == ["known-a", "known-b"]


@pytest.mark.parametrize("stack", [*DELTA, "sotw-aggregated-beside-everything"], indirect=True)
def test_c75_removal_and_return(using: Stack) -> None:
    """
    Envoy still wants it, so it need not ask again; a request meanwhile waits, unless a second stream, which asks for
    everything, hears of the removal only then.
    """
    using.control.change_everywhere("known-a", "gone")
    assert using.timeout("known-a") == ""
    using.control.change_everywhere("known-a", "2")
    assert using.timeout("known-a") == "2s"
    assert using.get("known-a") == (200, "backend")
    using.control.change_everywhere("known-a", "gone")
    assert using.timeout("known-a") == ""
    assert using.get_once_it_is("known-a", "3") == (200, "backend")
    assert using.timeout("known-a") == "3s"
    assert using.control.wanted() == ["known-a", "known-b"]
    assert using.control.count("Nacked") == 0


@pytest.mark.parametrize("stack", ["sotw-aggregated"], indirect=True)
def test_c75_removal_that_envoy_is_not_told(using: Stack) -> None:
    using.control.change("known-a", "gone")
    using.control.change("known-b", "2")
    using.wait_timeout("known-b", "2s")
    assert using.timeout("known-a") == "1s"
    using.control.change("known-a", "3")
    using.wait_timeout("known-a", "3s")


def test_c75_a_bad_one_then_a_good_one(using: Stack) -> None:
    before = using.dumped()["known-a"]
    using.control.change("known-a", "bad")
    wait_for("the refusal", lambda: using.control.count("Nacked") > 0)
    assert sum(using.envoy.stats("cds[.]update_rejected$").values()) > 0
    assert using.dumped()["known-a"] == before
    assert using.get("known-a") == (200, "backend")
    using.control.change("known-a", "2")
    using.wait_timeout("known-a", "2s")
    assert using.get("known-a") == (200, "backend")


def check_nothing_new(using: Stack, interrupt: Callable[[], None]) -> None:
    """What Envoy has stays as it is."""
    changes = "^cluster_manager[.]cluster_(added|modified|removed)$"
    before, counted = using.dumped(), using.envoy.stats(changes)
    interrupt()
    assert using.get("known-a") == (200, "backend")
    using.control.change("known-b", "2")  # behind all that was sent before
    using.wait_timeout("known-b", "2s")
    assert using.dumped()["known-a"] == before["known-a"]
    assert using.envoy.stats(changes) == {**counted, "cluster_manager.cluster_modified": 1} and len(counted) == 3
    assert using.control.count("Nacked") == 0


def test_c75_reconnect_with_nothing_changed(using: Stack) -> None:
    """In delta it says what it has, and is sent nothing of that."""
    connected = using.control.count("Connected")
    updates = using.envoy.stat("cluster_manager.odcds.update_success")

    def interrupt() -> None:
        using.relay.cut()
        wait_for("new streams", lambda: using.control.count("Connected") == 2 * connected)

    check_nothing_new(using, interrupt)
    if using.variant.delta:  # the change that shows that all is over
        assert using.envoy.stat("cluster_manager.odcds.update_success") == updates + 1
    assert using.control.wanted() == ["known-a", "known-b"]


# What asks for everything on another stream is told there that what is not made yet is gone.
@pytest.mark.parametrize("stack", sorted({*VARIANTS} - {"delta-separate-beside-everything"}), indirect=True)
def test_c75_control_plane_restart_with_nothing_changed(using: Stack) -> None:
    """It is asked for all of them again."""

    def interrupt() -> None:
        using.restart()
        wait_for("questions", lambda: sorted(using.control.wanted()) == ["known-a", "known-b"])

    check_nothing_new(using, interrupt)
