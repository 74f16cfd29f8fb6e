"""
The explicit listener stands or falls with its deny-all filter ``allowlist``: without it Envoy ignores the rules of
every virtual host, silently. Taking the filter out must be seen, or the other tests prove nothing.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import client, control, policies, static
from harness.envoy import Envoy
from harness.ports import ReservedPort
from harness.world import World

A, B = "127.1.0.1", "127.2.0.1"


@pytest.fixture
def explicit_port() -> Iterator[ReservedPort]:
    port = ReservedPort()
    yield port
    port.release()


def dumped(folder: Path, world: World, port: ReservedPort) -> dict[str, list[dict[str, Any]]]:
    """The compiled house policy, by the last word of the type URL."""
    path = folder / "policy.yaml"
    path.write_text(policies.house(world.port, world.other_port))
    result = control.run("dump", str(path), "--explicit", str(port), "--dns", world.network.dns_address)
    assert result.returncode == 0, result.stderr
    found: dict[str, list[dict[str, Any]]] = {}
    for resource in json.loads(result.stdout):
        found.setdefault(resource["@type"].rsplit(".", 1)[1], []).append(resource)
    return found


def http_filters(listener: dict[str, Any]) -> list[dict[str, Any]]:
    chain = listener.get("filterChains") or [listener["defaultFilterChain"]]
    return chain[0]["filters"][0]["typedConfig"]["httpFilters"]


@pytest.mark.parametrize("kept", [True, False], ids=["with", "without"])
def test_allowlist_filter_carries_the_rules(
    tmp_path: Path, world: World, explicit_port: ReservedPort, kept: bool
) -> None:
    resources = dumped(tmp_path, world, explicit_port)
    filters = http_filters(resources["Listener"][0])
    if not kept:
        named = [entry for entry in filters if entry["name"] == "allowlist"]
        assert len(named) == 1
        filters.remove(named[0])
    envoy = Envoy(
        tmp_path, static.bootstrap(resources["Listener"], resources["Cluster"], resources["RouteConfiguration"])
    )
    try:
        port = explicit_port.port
        assert client.get(port, f"http://a.example.com:{world.port}/", A).reached
        # Another tenant's host, which the virtual host's own rules refuse.
        other = client.get(port, f"http://a.example.com:{world.port}/", B)
        tunnel = client.connect(port, f"a.example.com:{world.port}", B)
        if kept:
            assert (other.status, tunnel.status) == (403, 403)
        else:
            assert other.reached and tunnel.reached, "the filter is gone and nothing has changed"
    finally:
        envoy.close()
