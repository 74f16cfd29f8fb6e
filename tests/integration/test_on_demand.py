"""Clusters on demand (ODCDS) under a real Envoy: the first request for one waits until the control plane has made it."""

import http.client
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.child import Child
from harness.envoy import Envoy
from harness.ports import ReservedPort
from harness.waiting import wait_for
from harness.whole import API, MANAGER, NODE, ROUTER, socket_address

pytest.importorskip("egress", reason="the Python package is not installed")

ANSWER_S = 3.0  # what nobody answers is told as absent after that
PATIENCE_S = 60  # of Envoy; an answer that comes earlier did not come from its timeout


def listener(name: str, port: int, routes: dict[str, Any], *filters: dict[str, Any]) -> dict[str, Any]:
    manager = {"@type": MANAGER, "stat_prefix": name, "route_config": routes, "http_filters": [*filters, ROUTER]}
    chains = [{"filters": [{"name": "http", "typed_config": manager}]}]
    return {"name": name, "address": socket_address(port), "filter_chains": chains}


def routes(action: dict[str, Any]) -> dict[str, Any]:
    return {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **action}]}]}


def bootstrap(xds_port: int, port: int, backend_port: int, wildcard: bool) -> dict[str, Any]:
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
    service = {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "grpc_services": [{"envoy_grpc": {"cluster_name": "control"}}],
    }
    source = {"resource_api_version": "V3", "ads": {}}
    filter_type = API + "extensions.filters.http.on_demand.v3.OnDemand"
    odcds = {"source": source, "timeout": f"{PATIENCE_S}s"}
    demand = {"name": "on_demand", "typed_config": {"@type": filter_type, "odcds": odcds}}
    to_named = routes({"route": {"cluster_header": "x-cluster"}})
    saying = routes({"direct_response": {"status": 200, "body": {"inline_string": "backend"}}})
    return {
        "node": {"id": NODE, "cluster": "test"},
        "dynamic_resources": {"ads_config": service, **({"cds_config": source} if wildcard else {})},
        "static_resources": {
            "clusters": [control],
            "listeners": [listener("main", port, to_named, demand), listener("backend", backend_port, saying)],
        },
    }


class Stack:
    """An Envoy, its backend within it, and the control plane."""

    def __init__(self, folder: Path, wildcard: bool) -> None:
        self.ports = [ReservedPort(), ReservedPort()]
        port, backend = (reserved.port for reserved in self.ports)
        command = [sys.executable, str(Path(__file__).parent / "harness" / "on_demand.py"), str(backend), str(ANSWER_S)]
        self.control = Child(command, folder / "control.log")
        listening = wait_for("control plane", self._listening, 30)
        self.port = port
        self.envoy = Envoy(folder, bootstrap(listening, port, backend, wildcard))

    def _listening(self) -> int | None:
        self.control.check()
        found = re.search(r"listening on port (\d+)\n", self.control.text())
        return int(found.group(1)) if found else None

    def close(self) -> None:
        self.envoy.close()
        self.control.kill()
        for reserved in self.ports:
            reserved.release()

    def get(self, cluster: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S / 2)
        try:
            connection.request("GET", "/", headers={"x-cluster": cluster})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def wanted(self) -> list[str]:
        return re.findall(r"^Wanted (.*)$", self.control.text(), re.MULTILINE)


@pytest.fixture(params=["alone", "beside everything"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path, request.param != "alone")
    yield made
    made.close()


def test_c75_a_cluster_is_made_when_the_first_request_asks_for_it(stack: Stack) -> None:
    assert stack.get("known-a") == (200, "backend")
    assert stack.get("known-b") == (200, "backend")
    assert stack.get("known-a") == (200, "backend")
    assert stack.wanted() == ["known-a", "known-b"]
    assert "Nacked" not in stack.control.text()


def test_c75_one_that_does_not_exist_is_refused_at_once(stack: Stack) -> None:
    began = time.monotonic()
    assert stack.get("no-such")[0] == 503
    assert time.monotonic() - began < ANSWER_S  # the answer, not the end of the time for one
    assert stack.wanted() == ["no-such"]
    assert stack.get("known-a") == (200, "backend")


def test_c75_and_so_is_one_of_which_nobody_says_anything_in_time(stack: Stack) -> None:
    began = time.monotonic()
    assert stack.get("silence")[0] == 503
    assert ANSWER_S / 2 < time.monotonic() - began < PATIENCE_S / 2
    assert stack.get("known-a") == (200, "backend")
