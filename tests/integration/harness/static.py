"""The same resources without a control plane: written into an Envoy's bootstrap."""

from typing import Any


def inline_routes(value: Any, routes: dict[str, Any]) -> Any:
    """Puts the route configurations in the place of the references to them."""
    if isinstance(value, list):
        return [inline_routes(item, routes) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        if key == "rds":
            result["route_config"] = routes[item.get("route_config_name") or item["routeConfigName"]]
        else:
            result[key] = inline_routes(item, routes)
    return result


def bootstrap(listeners: list[Any], clusters: list[Any], routes: list[Any]) -> dict[str, Any]:
    """A whole bootstrap; the resources are proto3 JSON, also as packed in an Any with its ``@type``."""
    listeners, clusters, routes = (
        [{key: value for key, value in resource.items() if key != "@type"} for resource in resources]
        for resources in (listeners, clusters, routes)
    )
    by_name = {route["name"]: route for route in routes}
    return {"static_resources": {"listeners": inline_routes(listeners, by_name), "clusters": clusters}}
