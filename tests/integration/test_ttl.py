"""Times to live under a real Envoy, in both variants: heartbeats keep a runtime layer, and without them it expires."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.envoy import Envoy
from harness.snapshotd import Line, Snapshotd
from harness.waiting import wait_for
from harness.whole import API, NODE, RUNTIME

FEATURES = ["xds.config.supports-resource-ttl", "xds.config.supports-resource-in-sotw"]
WRAPPER = API + "service.discovery.v3.Resource"
TTL_S = 2


def bootstrap(port: int, delta: bool, features: list[str]) -> dict[str, Any]:
    http2 = API + "extensions.upstreams.http.v3.HttpProtocolOptions"
    endpoint = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}
    snapshotd = {
        "name": "snapshotd",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "snapshotd", "endpoints": [{"lb_endpoints": [endpoint]}]},
        "typed_extension_protocol_options": {
            http2.partition("/")[2]: {"@type": http2, "explicit_http_config": {"http2_protocol_options": {}}}
        },
    }
    back_off = {"retry_back_off": {"base_interval": "0.05s", "max_interval": "0.1s"}}
    service = {
        "api_type": "DELTA_GRPC" if delta else "GRPC",
        "transport_api_version": "V3",
        "grpc_services": [{"envoy_grpc": {"cluster_name": "snapshotd", "retry_policy": back_off}}],
    }
    layer = {"name": "runtime", "rtds_config": {"resource_api_version": "V3", "ads": {}}}
    return {
        "node": {"id": NODE, "cluster": "test", "client_features": features},
        "dynamic_resources": {"ads_config": service},
        "layered_runtime": {"layers": [{"name": "rtds", "rtds_layer": layer}]},
        "static_resources": {"clusters": [snapshotd]},
    }


class Stack:
    """An Envoy and its snapshotd, which has given it a runtime layer that lives for TTL_S."""

    def __init__(self, folder: Path, delta: bool, features: list[str]) -> None:
        self.delta = delta
        self.daemon = Snapshotd(folder)
        self.put("one")
        self.envoy = Envoy(folder, bootstrap(self.daemon.xds_port, delta, features))

    def close(self) -> None:
        self.envoy.close()
        self.daemon.child.kill()

    def put(self, value: str) -> None:
        runtime = {"@type": RUNTIME, "name": "runtime", "layer": {"seen": value}}
        self.daemon.put(NODE, {"ttls": {RUNTIME: TTL_S}, "resources": [runtime]})

    def value(self) -> str:
        entries = json.loads(self.envoy.get("/runtime"))["entries"]
        return entries.get("seen", {}).get("final_value", "")

    def wait_value(self, expected: str) -> None:
        wait_for(f"the value {expected!r}", lambda: self.value() == expected, 15)

    def responses(self) -> list[Line]:
        return [line["msg"] for line in self.daemon.log() if line["kind"] in ("resp", "dresp")]

    def wait_responses(self, count: int) -> list[Line]:
        """So many of them at least; all that time the value is there."""

        def enough() -> list[Line] | None:
            assert self.value() == "one"
            found = self.responses()
            return found if len(found) >= count else None

        return wait_for(f"{count} responses", enough, 15)


@pytest.fixture(params=["sotw", "delta"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path, request.param == "delta", FEATURES)
    yield made
    made.close()


def test_c62_c63_c64_heartbeats_keep_it_and_without_them_it_expires(stack: Stack) -> None:
    stack.wait_value("one")
    first, *beats = stack.wait_responses(9)  # the last of eight heartbeats comes after more than two times to live
    told = [response["resources"][0] for response in (first, *beats)]
    assert {resource["ttl"] for resource in told} == {"2s"}
    assert {resource["version"] for resource in told} == {told[0]["version"]}
    if stack.delta:
        assert ["resource" in resource for resource in told] == [True] + [False] * len(beats)
    else:
        assert {resource["@type"] for resource in told} == {WRAPPER}
        assert {resource["resource"]["@type"] for resource in told} == {RUNTIME}
    assert not any("errorDetail" in line["msg"] for line in stack.daemon.log())

    stack.daemon.child.kill()
    stack.wait_value("")
    stack.daemon.start()
    stack.put("two")
    stack.wait_value("two")


def test_c62_who_does_not_declare_it_is_told_no_ttl(tmp_path: Path) -> None:
    for delta in (False, True):
        stack = Stack(tmp_path / str(delta), delta, [])
        try:
            stack.wait_value("one")
            (response,) = stack.responses()
            assert "ttl" not in json.dumps(response) and WRAPPER not in json.dumps(response)
            stack.put("two")
            stack.wait_value("two")
            assert len(stack.responses()) == 2
        finally:
            stack.close()
