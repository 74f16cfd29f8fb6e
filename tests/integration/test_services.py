"""A service for each type, beside aggregated discovery: real gRPC clients made from Envoy's own service definitions."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.core.v3 import base_pb2, extension_pb2
from envoy.config.endpoint.v3 import endpoint_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.config.route.v3 import route_pb2, scoped_route_pb2
from envoy.extensions.transport_sockets.tls.v3 import secret_pb2
from envoy.service.cluster.v3 import cds_pb2_grpc
from envoy.service.discovery.v3 import discovery_pb2
from envoy.service.endpoint.v3 import eds_pb2_grpc
from envoy.service.extension.v3 import config_discovery_pb2_grpc
from envoy.service.listener.v3 import lds_pb2_grpc
from envoy.service.route.v3 import rds_pb2_grpc, srds_pb2_grpc
from envoy.service.runtime.v3 import rtds_pb2, rtds_pb2_grpc
from envoy.service.secret.v3 import sds_pb2_grpc

from google.protobuf import any_pb2

from harness.snapshotd import Snapshotd
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
MESSAGES = {
    "Clusters": cluster_pb2.Cluster,
    "Endpoints": endpoint_pb2.ClusterLoadAssignment,
    "ExtensionConfigs": extension_pb2.TypedExtensionConfig,
    "Listeners": listener_pb2.Listener,
    "Routes": route_pb2.RouteConfiguration,
    "Runtime": rtds_pb2.Runtime,
    "ScopedRoutes": scoped_route_pb2.ScopedRouteConfiguration,
    "Secrets": secret_pb2.Secret,
}
HELD = {"Clusters": 3, "Listeners": 1}  # what the server's sample configuration has


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("services") / "xds.sock"


@pytest.fixture(scope="module")
def server(path: Path) -> Iterator[Server]:
    with Server("-r", "3", "--listen", "127.0.0.1:0", "--listen", f"unix:{path}") as running:
        yield running


@pytest.fixture
def local(server: Server, path: Path) -> Iterator[grpc.Channel]:
    """By the unix socket: secrets are not served in plaintext elsewhere."""
    with grpc.insecure_channel(f"unix:{path}", [("grpc.use_local_subchannel_pool", 1)]) as opened:
        yield opened


@pytest.fixture
def channel(server: Server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)]) as opened:
        yield opened


@pytest.mark.parametrize("noun", STUBS)
def test_c01_fetch_answers_once(channel: grpc.Channel, local: grpc.Channel, noun: str) -> None:
    fetch = getattr(STUBS[noun](local if noun == "Secrets" else channel), f"Fetch{noun}")
    response = fetch(discovery_pb2.DiscoveryRequest(node=NODE), timeout=DEADLINE_S)
    assert len(response.resources) == HELD.get(noun, 0)
    assert all(resource.type_url == response.type_url for resource in response.resources)
    assert response.version_info and response.nonce


def type_url(noun: str) -> str:
    return f"type.googleapis.com/{MESSAGES[noun].DESCRIPTOR.full_name}"


def name_key(noun: str) -> str:
    return "cluster_name" if noun == "Endpoints" else "name"


def name_in(packed: any_pb2.Any, noun: str) -> str:
    """The name of the resource, which has to be of the service's type."""
    message = MESSAGES[noun]()
    assert packed.Unpack(message), packed.type_url
    return getattr(message, name_key(noun))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    """To a server with two resources of each type."""
    daemon = Snapshotd(tmp_path_factory.mktemp("snapshotd"))
    parts = [{"@type": type_url(noun), name_key(noun): name} for noun in MESSAGES for name in ("a", "b")]
    daemon.put(NODE.id, {"resources": parts})
    with grpc.insecure_channel(daemon.address, [("grpc.use_local_subchannel_pool", 1)]) as opened:
        yield opened
    daemon.close()


@pytest.mark.parametrize("noun", STUBS)
def test_c01_state_of_the_world(filled: grpc.Channel, noun: str) -> None:
    stream = getattr(STUBS[noun](filled), f"Stream{noun}")
    asked = discovery_pb2.DiscoveryRequest(node=NODE, resource_names=["b"])
    call = stream(iter([asked]), timeout=DEADLINE_S)
    (response,) = call  # the client half-closes at once: what it was owed comes, then the end
    assert response.type_url == type_url(noun)
    assert [name_in(sent, noun) for sent in response.resources] == ["b"]
    assert call.code() is grpc.StatusCode.OK


@pytest.mark.parametrize("noun", STUBS)
def test_c01_delta(filled: grpc.Channel, noun: str) -> None:
    stream = getattr(STUBS[noun](filled), f"Delta{noun}")
    asked = discovery_pb2.DeltaDiscoveryRequest(node=NODE, resource_names_subscribe=["b"])
    call = stream(iter([asked]), timeout=DEADLINE_S)
    (response,) = call
    assert response.type_url == type_url(noun)
    assert [(sent.name, name_in(sent.resource, noun)) for sent in response.resources] == [("b", "b")]
    assert call.code() is grpc.StatusCode.OK


def test_c01_one_service_for_virtual_hosts_and_it_is_delta(channel: grpc.Channel) -> None:
    path = "/envoy.service.route.v3.VirtualHostDiscoveryService/"
    delta = channel.stream_stream(
        path + "DeltaVirtualHosts",
        request_serializer=discovery_pb2.DeltaDiscoveryRequest.SerializeToString,
        response_deserializer=discovery_pb2.DeltaDiscoveryResponse.FromString,
    )
    asked = discovery_pb2.DeltaDiscoveryRequest(node=NODE, resource_names_subscribe=["routes/unknown.example.com"])
    call = delta(iter([asked]), timeout=DEADLINE_S)
    assert [list(response.removed_resources) for response in call] == [["routes/unknown.example.com"]]
    other = channel.unary_unary(path + "FetchVirtualHosts", request_serializer=bytes, response_deserializer=bytes)
    with pytest.raises(grpc.RpcError) as failure:
        other(b"", timeout=DEADLINE_S)
    assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_c02_type_of_another_service_is_refused(channel: grpc.Channel) -> None:
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
