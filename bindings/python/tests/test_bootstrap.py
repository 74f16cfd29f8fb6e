"""What an Envoy is started with."""

import json

import pytest

import egress


def test_bootstrap_says_who_and_where() -> None:
    made = json.loads(egress.bootstrap("envoy-1", "127.0.0.1:18000", node_cluster="edge"))
    assert made["node"]["id"] == "envoy-1"
    assert made["node"]["cluster"] == "edge"
    assert made["dynamicResources"]["adsConfig"]["apiType"] == "GRPC"
    assert "18000" in json.dumps(made["staticResources"])
    delta = json.loads(egress.bootstrap("envoy-1", "127.0.0.1:18000", delta=True))
    assert delta["dynamicResources"]["adsConfig"]["apiType"] == "DELTA_GRPC"


@pytest.mark.parametrize(
    "node_id, address, options",
    [
        ("", "127.0.0.1:18000", {}),
        ("envoy-1", "", {}),
        ("envoy-1", "nowhere", {}),
        ("envoy-1", "127.0.0.1:18000", {"admin_address": "0.0.0.0:9901"}),
        ("envoy-1", "127.0.0.1:18000", {"tls_ca": "ca.pem", "tls_cert": "cert.pem"}),
        ("envoy-1", "127.0.0.1:18000", {"keepalive_ms": -1}),
        ("envoy-1", "127.0.0.1:18000", {"keepalive_ms": 2**32}),
        ("envoy\0", "127.0.0.1:18000", {}),
    ],
)
def test_bad_options_are_value_errors(node_id: str, address: str, options: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        egress.bootstrap(node_id, address, **options)  # type: ignore[arg-type]
