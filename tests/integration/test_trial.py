"""Real Envoys whose control plane tries new snapshots: one refuses a bad cluster, and all go on with what was good."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.envoy import Envoy
from harness.waiting import wait_for
from harness.xds_server import CLUSTER, Server

HTTP2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def bootstrap(node: str, port: int, variant: str) -> dict[str, Any]:
    """Clusters over aggregated discovery, and nothing else."""
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    control = {
        "name": "control",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": "control",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        "typed_extension_protocol_options": {
            HTTP2: {"@type": "type.googleapis.com/" + HTTP2, "explicit_http_config": {"http2_protocol_options": {}}}
        },
    }
    return {
        "node": {"id": node, "cluster": "test"},
        "dynamic_resources": {
            "cds_config": {"ads": {}, "resource_api_version": "V3"},
            "ads_config": {
                "api_type": "DELTA_GRPC" if variant == "delta" else "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "control"}}],
            },
        },
        "static_resources": {"clusters": [control]},
    }


class Stack:
    """A control plane that tries its snapshots, and Envoys under it."""

    def __init__(self, folder: Path, variant: str, *options: str) -> None:
        self.folder, self.variant = folder, variant
        self.server = Server(*options, "--listen", "127.0.0.1:0")
        self.envoys: dict[str, Envoy] = {}

    def close(self) -> None:
        for envoy in self.envoys.values():
            envoy.close()
        self.server.kill()

    def add(self, node: str) -> Envoy:
        envoy = Envoy(self.folder, bootstrap(node, self.server.ports[0], self.variant), node)
        self.envoys[node] = envoy
        return envoy

    def begin(self) -> None:
        """Two Envoys with what the first of them found to be good."""
        self.put("first")
        self.add("one")
        self.server.expect(event="proven", group="*")
        self.add("two")

    def put(self, *names: str) -> str:
        """Gives all these clusters; returns the version."""
        return self.server.answer("set " + " ".join(names), "set")["set"]

    def use(self, *names: str) -> None:
        """The same, and waits until all have accepted it."""
        self.put(*names)
        self.server.expect(event="proven", group="*")
        for node in self.envoys:
            assert self.clusters(node) == set(names)

    def clusters(self, node: str) -> set[str]:
        return {entry["cluster"]["name"] for entry in self.envoys[node].config_dump("dynamic_active_clusters")}

    def rejected(self, node: str) -> int:
        return self.envoys[node].stat("cluster_manager.cds.update_rejected")


Start = Callable[..., Stack]


@pytest.fixture
def start(tmp_path: Path, variant: str) -> Iterator[Start]:
    stacks: list[Stack] = []

    def run(*options: str) -> Stack:
        stacks.append(Stack(tmp_path, variant, *options))
        return stacks[-1]

    yield run
    for stack in stacks:
        stack.close()


def test_hold_keeps_a_bad_snapshot_from_all_others(start: Start) -> None:
    stack = start("--on-nack", "hold", "--rollout", "1", "--soak", "50")
    stack.begin()
    stack.use("first", "second")
    bad = stack.put("first", "second", "bad")
    held = stack.server.expect(event="held")
    refusing = held["node"]
    other = "two" if refusing == "one" else "one"  # the share is as good as empty: one of the two is all of it
    assert held["type"] == CLUSTER and held["resource"] == "bad" and held["version"] == bad and held["group"] == "*"
    assert "EDS" in held["message"]
    # Nothing that follows makes the other one see it, and who comes now does not see it either.
    stack.add("three")
    stack.server.expect(event="acked", node="three")
    assert stack.clusters("three") == stack.clusters(other) == {"first", "second"}
    # What refused it took over nothing but what it could use.
    assert {"first", "second"} <= stack.clusters(refusing)
    stack.use("first", "third")
    assert {node: stack.rejected(node) for node in stack.envoys} == {refusing: 1, other: 0, "three": 0}


def test_rollback_leads_all_back(start: Start) -> None:
    stack = start("--on-nack", "rollback")
    stack.begin()
    stack.use("first", "second")
    stack.put("second", "third", "bad")
    back = stack.server.expect(event="rolled back")
    assert back["resource"] == "bad" and back["node"] in stack.envoys and "EDS" in back["message"]
    for node in stack.envoys:
        wait_for(f"the way back of {node}", lambda node=node: stack.clusters(node) == {"first", "second"})
    stack.add("three")
    stack.server.expect(event="acked", node="three")
    assert stack.clusters("three") == {"first", "second"} and stack.rejected("three") == 0
    stack.use("first", "third")


def test_rollout_goes_to_some_then_to_all(start: Start) -> None:
    stack = start("--on-nack", "rollback", "--rollout", "1", "--soak", "300")
    stack.begin()
    stack.use("first", "second")
    new = stack.put("first", "third")
    stack.server.expect(event="rollout staged", group="*")
    first = stack.server.expect(event="acked", version=new)["node"]
    stack.server.expect(event="rollout soaking")
    stack.server.expect(event="rollout open")
    second = stack.server.expect(event="acked", version=new)["node"]
    assert {first, second} == {"one", "two"}
    stack.server.expect(event="proven")
    events = [line["event"] for line in stack.server.seen if line.get("version") == new or "rollout" in str(line)]
    assert events[-5:] == ["rollout staged", "acked", "rollout soaking", "rollout open", "acked"]
