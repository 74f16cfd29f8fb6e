"""Types that no service is for, on aggregated streams: an embedder's own (c1), and lists of resources (c72)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from conftest import WAIT, cluster
from envoy.config.listener.v3 import listener_pb2
from envoy.service.discovery.v3 import discovery_pb2
from google.protobuf import struct_pb2

from egress import CLUSTER, Cache, Resource, Server, Snapshot

OWN = "type.googleapis.com/example.fleet.v1.Tenant"
COLLECTION = "type.googleapis.com/envoy.config.listener.v3.ListenerCollection"
LIST = "xdstp://example/envoy.config.listener.v3.ListenerCollection/edge"

VARIANTS = pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])


class Client:
    """One aggregated stream."""

    def __init__(self, channel: grpc.aio.Channel, delta: bool) -> None:
        self.delta = delta
        kind = "Delta" if delta else ""
        self.request = getattr(discovery_pb2, kind + "DiscoveryRequest")
        self.call = channel.stream_stream(
            f"/envoy.service.discovery.v3.AggregatedDiscoveryService/{kind or 'Stream'}AggregatedResources",
            request_serializer=self.request.SerializeToString,
            response_deserializer=getattr(discovery_pb2, kind + "DiscoveryResponse").FromString,
        )()

    async def ask(self, type_url: str, *names: str, nonce: str = "") -> None:
        field = "resource_names_subscribe" if self.delta else "resource_names"
        node = {"id": "envoy-1", "cluster": "edge"}
        await self.call.write(self.request(node=node, type_url=type_url, response_nonce=nonce, **{field: names}))

    async def next(self, type_url: str, *names: str) -> tuple[list[Any], list[str]]:
        """The messages of the next response, as Any, and the names that it removes; it is accepted."""
        response = await asyncio.wait_for(self.call.read(), WAIT)
        assert response.type_url == type_url and response.nonce
        await self.ask(type_url, *(() if self.delta else names), nonce=response.nonce)
        if not self.delta:
            return list(response.resources), []
        assert all(resource.version for resource in response.resources)
        return [resource.resource for resource in response.resources], list(response.removed_resources)


@contextlib.asynccontextmanager
async def connected(cache: Cache, delta: bool) -> AsyncIterator[Client]:
    async with Server(cache, "127.0.0.1:0") as server:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield Client(channel, delta)


@VARIANTS
async def test_c1_c34_a_type_of_ones_own(delta: bool) -> None:
    def tenant(name: str, value: str) -> Resource:
        return Resource(OWN, name, struct_pb2.Value(string_value=value).SerializeToString())

    def values(messages: list[Any]) -> list[str]:
        assert {message.type_url for message in messages} <= {OWN}
        return sorted(struct_pb2.Value.FromString(message.value).string_value for message in messages)

    cache = Cache()
    cache["edge"] = Snapshot.build([tenant("a", "a1"), tenant("b", "b1"), tenant("c", "c1"), cluster("x")])
    async with connected(cache, delta) as client:
        await client.ask(OWN)  # no names: no interest, because it is no listener and no cluster
        await client.ask(OWN, "a", "b")
        messages, _ = await client.next(OWN, "a", "b")
        assert values(messages) == ["a1", "b1"]
        cache["edge"] = Snapshot.build([tenant("b", "b2"), tenant("c", "c2"), cluster("x")])
        messages, removed = await client.next(OWN, "a", "b")
        assert (values(messages), removed) == (["b2"], ["a"] if delta else [])
        await client.ask(CLUSTER)
        messages, _ = await client.next(CLUSTER)
        assert len(messages) == 1


@VARIANTS
async def test_c72_a_list_is_a_resource_as_any_other(delta: bool) -> None:
    def listed(*elsewhere: str) -> Resource:
        """A list of a listener that stands in it, and of some that have to be asked for."""
        made = listener_pb2.ListenerCollection()
        inside = made.entries.add().inline_entry
        inside.name, inside.version = "inside", "1"
        inside.resource.Pack(listener_pb2.Listener(name="inside"))
        for name in elsewhere:
            made.entries.add().locator.id = name
        return Resource(COLLECTION, LIST, made.SerializeToString())

    cache = Cache()
    cache["edge"] = Snapshot.build([cluster("x")])
    async with connected(cache, delta) as client:
        await client.ask(COLLECTION, LIST)  # there is none yet
        if delta:
            assert await client.next(COLLECTION) == ([], [LIST])
        await client.ask(CLUSTER)
        assert len((await client.next(CLUSTER))[0]) == 1
        for elsewhere in ((), ("a", "b")):
            cache["edge"] = Snapshot.build([cluster("x"), listed(*elsewhere)])
            [message], removed = await client.next(COLLECTION, LIST)
            assert removed == [] and message.value == listed(*elsewhere).data
            got = listener_pb2.ListenerCollection.FromString(message.value)
            assert [entry.locator.id for entry in got.entries[1:]] == list(elsewhere)
