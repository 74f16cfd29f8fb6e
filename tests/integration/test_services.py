"""A service for each type, beside aggregated discovery: real gRPC clients made from Envoy's own service definitions."""

from collections.abc import Iterator

import grpc
import pytest
from envoy.config.core.v3 import base_pb2
from envoy.service.cluster.v3 import cds_pb2_grpc
from envoy.service.discovery.v3 import discovery_pb2
from envoy.service.endpoint.v3 import eds_pb2_grpc
from envoy.service.extension.v3 import config_discovery_pb2_grpc
from envoy.service.listener.v3 import lds_pb2_grpc
from envoy.service.route.v3 import rds_pb2_grpc, srds_pb2_grpc
from envoy.service.runtime.v3 import rtds_pb2_grpc
from envoy.service.secret.v3 import sds_pb2_grpc

from harness.snapshotd import Snapshotd
from harness.whole import API, ENDPOINT, EXTENSION, LISTENER, ROUTE, ROUTER, RUNTIME, SECRET
from harness.xds_server import CLUSTER, DEADLINE_S, Server

NODE = base_pb2.Node(id="node-1", cluster="test")
STUBS = {
    "Clusters": cds_pb2_grpc.ClusterDiscoveryServiceStub,
    "Endpoints": eds_pb2_grpc.EndpointDiscoveryServiceStub,
    "ExtensionConfigs": config_discovery_pb2_grpc.ExtensionConfigDiscoveryServiceStub,
    "Listeners": lds_pb2_grpc.ListenerDiscoveryServiceStub,
    "Routes": rds_pb2_grpc.RouteDiscoveryServiceStub,
    "Runtime": rtds_pb2_grpc.RuntimeDiscoveryServiceStub,
    "ScopedRoutes": srds_pb2_grpc.ScopedRoutesDiscoveryServiceStub,
    "Secrets": sds_pb2_grpc.SecretDiscoveryServiceStub,
}
HELD = {"Clusters": 3, "Listeners": 1}  # what the server's sample configuration has

# One of each type, under the same name.
RESOURCES = {
    "Clusters": {"@type": CLUSTER, "name": "one"},
    "Endpoints": {"@type": ENDPOINT, "cluster_name": "one"},
    "ExtensionConfigs": {"@type": EXTENSION, "name": "one", "typed_config": ROUTER["typed_config"]},
    "Listeners": {"@type": LISTENER, "name": "one"},
    "Routes": {"@type": ROUTE, "name": "one"},
    "Runtime": {"@type": RUNTIME, "name": "one"},
    "ScopedRoutes": {"@type": API + "config.route.v3.ScopedRouteConfiguration", "name": "one"},
    "Secrets": {"@type": SECRET, "name": "one"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("-r", "3", "--listen", "127.0.0.1:0") as running:
        yield running


@pytest.fixture
def channel(server: Server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)]) as opened:
        yield opened


@pytest.mark.parametrize("noun", HELD)
def test_c31_c81_fetch_without_names_has_all(channel: grpc.Channel, noun: str) -> None:
    fetch = getattr(STUBS[noun](channel), f"Fetch{noun}")
    assert len(fetch(discovery_pb2.DiscoveryRequest(node=NODE), timeout=DEADLINE_S).resources) == HELD[noun]


@pytest.mark.parametrize("noun", HELD)
def test_c1_state_of_the_world(channel: grpc.Channel, noun: str) -> None:
    stream = getattr(STUBS[noun](channel), f"Stream{noun}")
    call = stream(iter([discovery_pb2.DiscoveryRequest(node=NODE)]), timeout=DEADLINE_S)
    responses = list(call)  # the client half-closes at once: what it was owed comes, then the end
    assert [len(response.resources) for response in responses] == [HELD[noun]]
    assert call.code() is grpc.StatusCode.OK


@pytest.mark.parametrize("noun", HELD)
def test_c1_delta(channel: grpc.Channel, noun: str) -> None:
    stream = getattr(STUBS[noun](channel), f"Delta{noun}")
    call = stream(iter([discovery_pb2.DeltaDiscoveryRequest(node=NODE)]), timeout=DEADLINE_S)
    assert [len(response.resources) for response in call] == [HELD[noun]]


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    """To a server that has one resource of each type."""
    daemon = Snapshotd(tmp_path_factory.mktemp("every"))
    daemon.put("node-1", {"resources": list(RESOURCES.values())})
    with grpc.insecure_channel(daemon.address) as opened:
        yield opened
    daemon.close()


@pytest.mark.parametrize("noun", STUBS)
def test_c1_fetch_answers_once(every: grpc.Channel, noun: str) -> None:
    fetch = getattr(STUBS[noun](every), f"Fetch{noun}")
    response = fetch(discovery_pb2.DiscoveryRequest(node=NODE, resource_names=["one"]), timeout=DEADLINE_S)
    assert response.type_url == RESOURCES[noun]["@type"]
    assert [resource.type_url for resource in response.resources] == [response.type_url]
    assert response.version_info and response.nonce


@pytest.mark.parametrize("noun", STUBS)
def test_c1_every_service_streams_its_type(every: grpc.Channel, noun: str) -> None:
    stream = getattr(STUBS[noun](every), f"Stream{noun}")
    request = discovery_pb2.DiscoveryRequest(node=NODE, resource_names=["one"])
    [response] = stream(iter([request]), timeout=DEADLINE_S)
    assert response.type_url == RESOURCES[noun]["@type"]
    assert [resource.type_url for resource in response.resources] == [response.type_url]


@pytest.mark.parametrize("noun", STUBS)
def test_c1_every_service_streams_its_type_in_delta(every: grpc.Channel, noun: str) -> None:
    stream = getattr(STUBS[noun](every), f"Delta{noun}")
    request = discovery_pb2.DeltaDiscoveryRequest(node=NODE, resource_names_subscribe=["one", "other"])
    [response] = stream(iter([request]), timeout=DEADLINE_S)
    assert response.type_url == RESOURCES[noun]["@type"]
    assert [(part.name, part.resource.type_url) for part in response.resources] == [("one", response.type_url)]
    assert list(response.removed_resources) == ["other"]


def test_c1_one_service_for_virtual_hosts_and_it_is_delta(channel: grpc.Channel) -> None:
    path = "/envoy.service.route.v3.VirtualHostDiscoveryService/"
    delta = channel.stream_stream(
        path + "DeltaVirtualHosts",
        request_serializer=discovery_pb2.DeltaDiscoveryRequest.SerializeToString,
        response_deserializer=discovery_pb2.DeltaDiscoveryResponse.FromString,
    )
    asked = discovery_pb2.DeltaDiscoveryRequest(node=NODE, resource_names_subscribe=["routes/unknown.example.com"])
    call = delta(iter([asked]), timeout=DEADLINE_S)
    told = [(entry.name, list(entry.aliases), entry.HasField("resource")) for (entry,) in (r.resources for r in call)]
    assert told == [("routes/unknown.example.com", ["routes/unknown.example.com"], False)]  # c73
    other = channel.unary_unary(path + "FetchVirtualHosts", request_serializer=bytes, response_deserializer=bytes)
    with pytest.raises(grpc.RpcError) as failure:
        other(b"", timeout=DEADLINE_S)
    assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_c2_type_of_another_service_is_refused(channel: grpc.Channel) -> None:
    fetch = STUBS["Listeners"](channel).FetchListeners
    with pytest.raises(grpc.RpcError) as failure:
        fetch(discovery_pb2.DiscoveryRequest(node=NODE, type_url=CLUSTER), timeout=DEADLINE_S)
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "is not that of its service" in failure.value.details()


def test_fetch_without_a_snapshot_is_unavailable() -> None:
    with Server("--listen", "127.0.0.1:0") as server, grpc.insecure_channel(server.address) as channel:
        assert server.answer("clear", "cleared") == {"cleared": 0}
        with pytest.raises(grpc.RpcError) as failure:
            STUBS["Clusters"](channel).FetchClusters(discovery_pb2.DiscoveryRequest(node=NODE), timeout=DEADLINE_S)
        assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "no snapshot" in failure.value.details()
        assert server.answer("count", "streams") == {"streams": 0}


def test_streams_that_were_fetched_on_leave_nothing(server: Server, channel: grpc.Channel) -> None:
    fetch = STUBS["Clusters"](channel).FetchClusters
    for _ in range(100):
        fetch(discovery_pb2.DiscoveryRequest(node=NODE), timeout=DEADLINE_S)
    assert server.answer("count", "streams") == {"streams": 0}
