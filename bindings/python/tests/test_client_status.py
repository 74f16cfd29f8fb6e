"""Client status (CSDS): what a real gRPC client is told about others is what they have."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from conftest import WAIT, next_event
from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.extensions.transport_sockets.tls.v3 import secret_pb2
from envoy.service.discovery.v3 import discovery_pb2
from envoy.service.status.v3 import csds_pb2

import egress
from egress import Cache, Resource, Server, Snapshot

SERVICE = "/envoy.service.status.v3.ClientStatusDiscoveryService/"
ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
KEY = b"-----BEGIN PRIVATE KEY-----"

# By number: these are what the API calls them.
SYNCED, NOT_SENT, STALE, ERROR = 1, 2, 3, 4
REQUESTED, DOES_NOT_EXIST, ACKED, NACKED = 1, 2, 3, 4


def cluster(name: str) -> Resource:
    return Resource(CLUSTER, name, cluster_pb2.Cluster(name=name).SerializeToString())


def snapshot() -> Snapshot:
    secret = secret_pb2.Secret(name="s", tls_certificate={"private_key": {"inline_bytes": KEY}})
    return Snapshot.build([cluster("a"), cluster("b"), Resource(SECRET, "s", secret.SerializeToString())])


@contextlib.asynccontextmanager
async def channel(server: Server) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as opened:
        yield opened


def fetch(at: grpc.aio.Channel) -> Any:
    return at.unary_unary(
        SERVICE + "FetchClientStatus",
        request_serializer=csds_pb2.ClientStatusRequest.SerializeToString,
        response_deserializer=csds_pb2.ClientStatusResponse.FromString,
    )


def stream(at: grpc.aio.Channel) -> Any:
    return at.stream_stream(
        SERVICE + "StreamClientStatus",
        request_serializer=csds_pb2.ClientStatusRequest.SerializeToString,
        response_deserializer=csds_pb2.ClientStatusResponse.FromString,
    )()


class Client:
    """A client of aggregated discovery that answers as it is told to."""

    def __init__(self, at: grpc.aio.Channel, node: str, delta: bool) -> None:
        self._kind = "Delta" if delta else ""
        self._request = getattr(discovery_pb2, self._kind + "DiscoveryRequest")
        response = getattr(discovery_pb2, self._kind + "DiscoveryResponse")
        self._node: dict[str, str] | None = {"id": node, "cluster": "g"}
        self._names = "resource_names_subscribe" if delta else "resource_names"
        self._call = at.stream_stream(
            ADS + ("Delta" if delta else "Stream") + "AggregatedResources",
            request_serializer=self._request.SerializeToString,
            response_deserializer=response.FromString,
        )()

    async def say(self, type_url: str, names: tuple[str, ...] = (), nonce: str = "", error: str = "") -> None:
        request = self._request(type_url=type_url, response_nonce=nonce)
        getattr(request, self._names).extend(names)
        if self._node is not None:
            request.node.id, request.node.cluster = self._node["id"], self._node["cluster"]
            self._node = None
        if error:
            request.error_detail.code, request.error_detail.message = 13, error
        await self._call.write(request)

    async def hear(self) -> Any:
        return await asyncio.wait_for(self._call.read(), WAIT)


def table(config: Any) -> dict[tuple[str, str], tuple[str, int, int]]:
    return {
        (item.type_url, item.name): (item.version_info, item.config_status, item.client_status)
        for item in config.generic_xds_configs
    }


@pytest.mark.parametrize("delta", [False, True])
async def test_c84_what_a_client_has(delta: bool) -> None:
    cache = Cache()
    cache["g"] = snapshot()
    async with (
        Server(cache, "127.0.0.1:0", client_status=True, insecure_secrets=True) as server,
        channel(server) as at,
    ):
        client = Client(at, "n1", delta)
        await client.say(CLUSTER)
        first = await client.hear()
        versions = {r.name: r.version for r in first.resources} if delta else dict.fromkeys("ab", first.version_info)

        [config] = (await fetch(at)(csds_pb2.ClientStatusRequest())).config
        assert (config.node.id, config.node.cluster) == ("n1", "g")
        assert table(config) == {(CLUSTER, n): (versions[n], STALE, REQUESTED) for n in "ab"}
        for item in config.generic_xds_configs:
            assert item.xds_config.type_url == CLUSTER
            assert cluster_pb2.Cluster.FromString(item.xds_config.value).name == item.name
            assert item.last_updated.seconds > 1_600_000_000

        await client.say(CLUSTER, nonce=first.nonce)
        await next_event(server, egress.Acked)
        await client.say(SECRET, ("s", "none"))
        secrets = await client.hear()
        await client.say(SECRET, () if delta else ("s", "none"), nonce=secrets.nonce, error="no such key")
        await next_event(server, egress.Nacked)
        answer = await fetch(at)(csds_pb2.ClientStatusRequest())
        [config] = answer.config
        known = table(config)
        assert {key: value[1:] for key, value in known.items()} == {
            (CLUSTER, "a"): (SYNCED, ACKED),
            (CLUSTER, "b"): (SYNCED, ACKED),
            (SECRET, "s"): (ERROR, NACKED),
            (SECRET, "none"): (NOT_SENT, DOES_NOT_EXIST),
        }
        [refused] = [item for item in config.generic_xds_configs if item.config_status == ERROR]
        assert refused.error_state.details == "no such key"
        assert refused.error_state.last_update_attempt.seconds > 1_600_000_000
        told = secrets.resources[0].version if delta else secrets.version_info
        assert (refused.version_info, refused.error_state.version_info) == ("", told)
        assert not refused.HasField("xds_config")
        assert KEY not in answer.SerializeToString()

        bare = await fetch(at)(csds_pb2.ClientStatusRequest(exclude_resource_contents=True))
        assert table(bare.config[0]) == known
        assert not any(item.HasField("xds_config") for item in bare.config[0].generic_xds_configs)


async def test_what_is_refused_has_the_version_that_was_accepted() -> None:
    cache = Cache()

    def offer(stat: str) -> None:
        changed = Resource(CLUSTER, "a", cluster_pb2.Cluster(name="a", alt_stat_name=stat).SerializeToString())
        cache["g"] = Snapshot.build([changed, cluster("b")])

    offer("1")
    async with Server(cache, "127.0.0.1:0", client_status=True) as server, channel(server) as at:
        client = Client(at, "n", delta=True)
        await client.say(CLUSTER)
        first = await client.hear()
        accepted = {r.name: r.version for r in first.resources}
        await client.say(CLUSTER, nonce=first.nonce)
        await next_event(server, egress.Acked)
        offer("2")
        second = await client.hear()
        [changed] = second.resources
        await client.say(CLUSTER, nonce=second.nonce, error="bad")
        await next_event(server, egress.Nacked)
        [config] = (await fetch(at)(csds_pb2.ClientStatusRequest())).config
        assert table(config) == {
            (CLUSTER, "a"): (accepted["a"], ERROR, NACKED),
            (CLUSTER, "b"): (accepted["b"], SYNCED, ACKED),
        }
        [refused] = [item for item in config.generic_xds_configs if item.config_status == ERROR]
        assert refused.error_state.version_info == changed.version


async def test_what_waits_is_not_sent() -> None:
    cache = Cache()

    def offer(version: str) -> None:
        stat = f"v{version}"
        cache["g"] = Snapshot.build(
            [
                Resource(CLUSTER, "a", cluster_pb2.Cluster(name="a", alt_stat_name=stat).SerializeToString()),
                Resource(LISTENER, "l", listener_pb2.Listener(name="l", stat_prefix=stat).SerializeToString()),
            ]
        )

    offer("1")
    async with (
        Server(cache, "127.0.0.1:0", client_status=True, gate_on_ack=True) as server,
        channel(server) as at,
    ):
        client = Client(at, "n", delta=True)
        for type_url in (CLUSTER, LISTENER):
            await client.say(type_url)
            await client.say(type_url, nonce=(await client.hear()).nonce)
            await next_event(server, egress.Acked)
        offer("2")
        assert (await client.hear()).type_url == CLUSTER
        [config] = (await fetch(at)(csds_pb2.ClientStatusRequest())).config
        known = table(config)
        assert known[CLUSTER, "a"][1:] == (STALE, REQUESTED)
        assert known[LISTENER, "l"] == ("", NOT_SENT, REQUESTED)


async def test_a_stream_answers_each_request_about_the_nodes_meant() -> None:
    cache = Cache()
    cache["g"] = snapshot()
    async with Server(cache, "127.0.0.1:0", client_status=True) as server, channel(server) as at:
        for node in ("edge-1", "edge-2", "core-1"):
            client = Client(at, node, delta=False)
            await client.say(CLUSTER)
            await client.hear()
        call = stream(at)

        async def meant(**string: Any) -> list[str]:
            await call.write(csds_pb2.ClientStatusRequest(node_matchers=[{"node_id": string}] if string else []))
            answer = await asyncio.wait_for(call.read(), WAIT)
            return sorted(config.node.id for config in answer.config)

        assert await meant() == ["core-1", "edge-1", "edge-2"]
        assert await meant(prefix="edge-") == ["edge-1", "edge-2"]
        assert await meant(suffix="-1") == ["core-1", "edge-1"]
        assert await meant(exact="nobody") == []
        assert await meant(contains="E-1", ignore_case=True) == ["core-1", "edge-1"]
        await call.write(csds_pb2.ClientStatusRequest(node_matchers=[{"node_id": {"safe_regex": {"regex": ".*"}}}]))
        assert await asyncio.wait_for(call.code(), WAIT) == grpc.StatusCode.UNIMPLEMENTED
        assert "safe_regex" in await call.details()


async def test_without_the_option_there_is_no_such_service() -> None:
    async with Server(Cache(), "127.0.0.1:0") as server, channel(server) as at:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await fetch(at)(csds_pb2.ClientStatusRequest())
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_who_may_ask_can_be_said() -> None:
    def authorise(access: egress.Access) -> egress.Refusal | None:
        assert access.type_url == egress.CLIENT_STATUS
        return None if access.node_id == "operator" else egress.Refusal("ask an operator", 7)

    async with (
        Server(Cache(), "127.0.0.1:0", client_status=True, authorise=authorise) as server,
        channel(server) as at,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await fetch(at)(csds_pb2.ClientStatusRequest(node={"id": "n"}))
        assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.PERMISSION_DENIED, "ask an operator")
        assert await fetch(at)(csds_pb2.ClientStatusRequest(node={"id": "operator"})) == csds_pb2.ClientStatusResponse()
