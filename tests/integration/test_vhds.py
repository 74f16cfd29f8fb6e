"""Virtual hosts on demand (VHDS) under a real Envoy: asked for by the first request for a host, changed, removed."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.envoy import Envoy
from harness.ports import ReservedPort
from harness.snapshotd import Line, Snapshotd
from harness.waiting import wait_for
from harness.whole import API, MANAGER, NODE, ROUTER, socket_address

VIRTUAL_HOST = API + "config.route.v3.VirtualHost"
ON_DEMAND = {"name": "on_demand", "typed_config": {"@type": API + "extensions.filters.http.on_demand.v3.OnDemand"}}
PROMPT_S = 5  # an answer that does not depend on a timeout; Envoy's shortest here is that of the route, 15 s


def host(name: str, domain: str, text: str) -> dict[str, Any]:
    """A virtual host ``routes/NAME`` that says ``text`` to whoever asks for the domain."""
    answer = {"status": 200, "body": {"inline_string": text}}
    routes = [{"match": {"prefix": "/"}, "direct_response": answer}]
    return {"@type": VIRTUAL_HOST, "name": "routes/" + name, "domains": [domain], "routes": routes}


def bootstrap(xds_port: int, port: int) -> dict[str, Any]:
    http2 = API + "extensions.upstreams.http.v3.HttpProtocolOptions"
    assignment = {"endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket_address(xds_port)}}]}]}
    snapshotd = {
        "name": "snapshotd",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": "snapshotd", **assignment},
        "typed_extension_protocol_options": {
            http2.partition("/")[2]: {"@type": http2, "explicit_http_config": {"http2_protocol_options": {}}}
        },
    }
    back_off = {"retry_back_off": {"base_interval": "0.05s", "max_interval": "0.1s"}}
    service = {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "grpc_services": [{"envoy_grpc": {"cluster_name": "snapshotd", "retry_policy": back_off}}],
    }
    manager = {
        "@type": MANAGER,
        "stat_prefix": "main",
        "rds": {"route_config_name": "routes", "config_source": {"resource_api_version": "V3", "ads": {}}},
        "http_filters": [ON_DEMAND, ROUTER],
    }
    chains = [{"filters": [{"name": "http", "typed_config": manager}]}]
    return {
        "node": {"id": NODE, "cluster": "test"},
        "dynamic_resources": {"ads_config": service},
        "static_resources": {
            "clusters": [snapshotd],
            "listeners": [{"name": "main", "address": socket_address(port), "filter_chains": chains}],
        },
    }


class Stack:
    """An Envoy whose routes come by RDS and their virtual hosts by VHDS, aggregated or by a service of their own."""

    def __init__(self, folder: Path, aggregated: bool) -> None:
        self.port = ReservedPort()
        self.daemon = Snapshotd(folder)
        config = bootstrap(self.daemon.xds_port, self.port.port)
        own = {"api_config_source": config["dynamic_resources"]["ads_config"]}
        self.source = {"resource_api_version": "V3", **({"ads": {}} if aggregated else own)}
        self.put()
        self.envoy = Envoy(folder, config)

    def close(self) -> None:
        self.envoy.close()
        self.daemon.child.kill()
        self.port.release()

    def put(self, *hosts: dict[str, Any]) -> None:
        """These virtual hosts; each has its first domain, below the name of the routes, as an alias."""
        routes = {
            "@type": API + "config.route.v3.RouteConfiguration",
            "name": "routes",
            "vhds": {"config_source": self.source},
        }
        aliases = {host["name"]: ["routes/" + host["domains"][0]] for host in hosts}
        self.daemon.put(NODE, {"aliases": {VIRTUAL_HOST: aliases}, "resources": [routes, *hosts]})

    def get(self, domain: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port.port, timeout=PROMPT_S)
        try:
            connection.request("GET", "/", headers={"Host": domain})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def wait_get(self, domain: str, status: int, text: str = "") -> None:
        wait_for(f"{domain}: {status} {text}", lambda: self.get(domain) == (status, text), 15)

    def told(self) -> list[Line]:
        """Responses about virtual hosts."""
        messages = [line["msg"] for line in self.daemon.log() if line["kind"] == "dresp"]
        return [message for message in messages if message["typeUrl"] == VIRTUAL_HOST]

    def asked(self) -> list[str]:
        """Virtual hosts that Envoy subscribed to, and not just the routes."""
        messages = [line["msg"] for line in self.daemon.log() if line["kind"] == "dreq"]
        names = [name for message in messages for name in message.get("resourceNamesSubscribe", [])]
        return [name for name in names if name.startswith("routes/")]

    def check_accepted(self) -> None:
        assert not any("errorDetail" in line["msg"] for line in self.daemon.log()), self.envoy.log()


@pytest.fixture(params=["aggregated", "separate"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path, request.param == "aggregated")
    yield made
    made.close()


def test_c73_c75_a_virtual_host_comes_with_the_first_request_for_it(stack: Stack) -> None:
    stack.put(host("shop", "shop.test", "one"), host("other", "other.test", "other"))
    assert stack.get("shop.test") == (200, "one")
    assert stack.asked() == ["routes/shop.test"]
    resources = [resource for message in stack.told() for resource in message.get("resources", [])]
    assert {"name": "routes/", "aliases": ["routes/"]} in resources  # by which Envoy got ready
    named = {resource["name"]: resource["aliases"] for resource in resources if "resource" in resource}
    assert named == {"routes/shop": ["routes/shop.test"]}  # what nobody asked for is not told
    stack.check_accepted()


def test_c73_it_changes_goes_and_returns(stack: Stack) -> None:
    stack.put(host("shop", "shop.test", "one"))
    assert stack.get("shop.test") == (200, "one")
    stack.put(host("shop", "shop.test", "two"))
    stack.wait_get("shop.test", 200, "two")
    stack.put()
    stack.wait_get("shop.test", 404)
    assert [message["removedResources"] for message in stack.told() if "removedResources" in message] == [
        ["routes/shop"]
    ]
    stack.put(host("shop", "shop.test", "three"))
    stack.wait_get("shop.test", 200, "three")
    stack.check_accepted()


def test_c73_its_own_name_will_do(stack: Stack) -> None:
    stack.put(host("shop.test", "shop.test", "one"))
    assert stack.get("shop.test") == (200, "one")
    stack.put()
    stack.wait_get("shop.test", 404)
    stack.check_accepted()


def test_c73_c75_an_unknown_host_is_refused_at_once(stack: Stack) -> None:
    assert stack.get("nobody.test") == (404, "")
    told = [resource for message in stack.told() for resource in message.get("resources", [])]
    absent = {"name": "routes/nobody.test", "aliases": ["routes/nobody.test"]}
    assert absent in told
    stack.put(host("late", "nobody.test", "late"))
    stack.wait_get("nobody.test", 200, "late")
    stack.check_accepted()


def test_c73_c55_what_went_while_the_control_plane_was_away(stack: Stack) -> None:
    stack.put(host("shop", "shop.test", "one"), host("stays", "stays.test", "stays"))
    assert stack.get("shop.test") == (200, "one")
    assert stack.get("stays.test") == (200, "stays")
    assert stack.daemon.child.end() == 0
    stack.daemon.start()
    stack.put(host("stays", "stays.test", "stays"))
    stack.wait_get("shop.test", 404)
    assert stack.get("stays.test") == (200, "stays")
    names = json.dumps([message.get("resources") for message in stack.told()])
    assert "routes/stays" not in names  # c54: it held that
    stack.check_accepted()
