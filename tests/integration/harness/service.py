"""What gRPC clients and servers are given over xDS, and what it is called."""

from typing import Any

from .program import LISTENER_NAME
from .whole import CLUSTER, ENDPOINT, LISTENER, MANAGER, ROUTE, ROUTER, socket_address

SERVICE = "svc.egress.test"
ADS = {"resource_api_version": "V3", "ads": {}}


def manager(routes: dict[str, Any]) -> dict[str, Any]:
    return {"@type": MANAGER, "stat_prefix": "svc", "http_filters": [ROUTER], **routes}


def rds(name: str) -> dict[str, Any]:
    return {"rds": {"route_config_name": name, "config_source": ADS}}


def listener(routes: str = "routes", name: str = SERVICE) -> dict[str, Any]:
    return {"@type": LISTENER, "name": name, "api_listener": {"api_listener": manager(rds(routes))}}


def routes(cluster: str = "backend", name: str = "routes") -> dict[str, Any]:
    every = {"match": {"prefix": ""}, "route": {"cluster": cluster}}
    return {"@type": ROUTE, "name": name, "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [every]}]}


def cluster(endpoints: str = "endpoints", name: str = "backend") -> dict[str, Any]:
    eds = {"eds_config": ADS, "service_name": endpoints}
    return {"@type": CLUSTER, "name": name, "type": "EDS", "eds_cluster_config": eds, "lb_policy": "ROUND_ROBIN"}


def bad_cluster(name: str = "backend") -> dict[str, Any]:
    """Which every client of gRPC refuses: it takes endpoints from where it takes clusters, and here that is unsaid."""
    return {**cluster(name=name), "eds_cluster_config": {"service_name": "endpoints"}}


def bad_listener(name: str = SERVICE) -> dict[str, Any]:
    """Whose routes come from nowhere."""
    unsaid = {"rds": {"route_config_name": "routes", "config_source": {"resource_api_version": "V3"}}}
    return {"@type": LISTENER, "name": name, "api_listener": {"api_listener": manager(unsaid)}}


def bad_routes(name: str = "routes") -> dict[str, Any]:
    """Which lead to clusters none of which has a weight."""
    made = routes(name=name)
    none = {"weighted_clusters": {"clusters": [{"name": "backend", "weight": 0}]}}
    made["virtual_hosts"][0]["routes"][0]["route"] = none
    return made


def bad_endpoints(port: int, name: str = "endpoints") -> dict[str, Any]:
    """Of the second priority, without any of the first."""
    made = endpoints(port, name)
    made["endpoints"][0]["priority"] = 1
    return made


def endpoints(port: int, name: str = "endpoints") -> dict[str, Any]:
    group = {
        "locality": {"region": "here"},
        "load_balancing_weight": 1,
        "lb_endpoints": [{"endpoint": {"address": socket_address(port)}, "load_balancing_weight": 1}],
    }
    return {"@type": ENDPOINT, "cluster_name": name, "endpoints": [group]}


def server_listener(port: int, routes: str = "server-routes") -> dict[str, Any]:
    """Of a server with xDS; its name holds the address."""
    chain = {"name": "all", "filters": [{"name": "http", "typed_config": manager(rds(routes))}]}
    return {
        "@type": LISTENER,
        "name": f"{LISTENER_NAME}127.0.0.1:{port}",
        "address": socket_address(port),
        "filter_chains": [chain],
    }


def bad_server_listener(port: int) -> dict[str, Any]:
    """Without anything that would serve a request."""
    return {**server_listener(port), "filter_chains": [{"name": "all", "filters": []}]}


def server_routes(method: str, name: str = "server-routes") -> dict[str, Any]:
    """The server answers ``/egress.Test/METHOD`` only."""
    only = {"match": {"path": f"/egress.Test/{method}"}, "non_forwarding_action": {}}
    return {"@type": ROUTE, "name": name, "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [only]}]}
