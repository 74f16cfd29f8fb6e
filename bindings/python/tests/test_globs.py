"""Globs of a cache that has them: a real gRPC client that speaks delta is told what is below, and each change."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import grpc
import pytest
from conftest import WAIT
from envoy.config.endpoint.v3 import endpoint_pb2
from envoy.service.discovery.v3 import discovery_pb2
from envoy.service.endpoint.v3 import eds_pb2_grpc

from egress import ENDPOINT, Cache, Resource, Server, Snapshot


def endpoints(name: str, weight: int = 0) -> Resource:
    message = endpoint_pb2.ClusterLoadAssignment(cluster_name=name)
    message.policy.overprovisioning_factor.value = 140 + weight
    return Resource(ENDPOINT, name, message.SerializeToString())


class Delta:
    """One stream of delta for endpoints."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._call = eds_pb2_grpc.EndpointDiscoveryServiceStub(channel).DeltaEndpoints()
        self._nonce = ""

    async def ask(self, add: Sequence[str] = (), drop: Sequence[str] = ()) -> None:
        request = discovery_pb2.DeltaDiscoveryRequest(
            node={"id": "n"},
            response_nonce=self._nonce,
            resource_names_subscribe=add,
            resource_names_unsubscribe=drop,
        )
        self._nonce = ""
        await self._call.write(request)

    async def told(self) -> tuple[list[str], list[str]]:
        """Names that are there, and names that are not, of the next response; which is accepted."""
        response = await asyncio.wait_for(self._call.read(), WAIT)
        assert isinstance(response, discovery_pb2.DeltaDiscoveryResponse), "the stream ended"
        self._nonce = response.nonce
        await self.ask()
        return sorted(resource.name for resource in response.resources), sorted(response.removed_resources)


@contextlib.asynccontextmanager
async def client(cache: Cache) -> AsyncIterator[Delta]:
    async with Server(cache, "127.0.0.1:0") as server:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield Delta(channel)


async def test_c70_a_glob_is_told_what_is_below_and_each_change() -> None:
    cache = Cache(globs=True)
    cache["*"] = Snapshot.build([endpoints("web/a"), endpoints("web/b/c"), endpoints("api/a")])
    async with client(cache) as delta:
        await delta.ask(["web/*"])
        assert await delta.told() == (["web/a", "web/b/c"], [])
        added = [endpoints("web/a", 1), endpoints("web/d"), endpoints("api/a", 1)]
        cache["*"] = Snapshot.build(added, base=cache["*"], remove=[(ENDPOINT, "web/b/c")])
        assert await delta.told() == (["web/a", "web/d"], ["web/b/c"])
        await delta.ask(["none/*"])
        assert await delta.told() == ([], ["none/*"])
        await delta.ask(["api/a"], ["web/*"])
        assert await delta.told() == (["api/a"], [])
        cache["*"] = Snapshot.build([endpoints("web/d", 1), endpoints("api/a", 2)], base=cache["*"])
        assert await delta.told() == (["api/a"], [])


async def test_c83_without_the_option_it_is_a_name() -> None:
    cache = Cache()
    cache["*"] = Snapshot.build([endpoints("web/a"), endpoints("web/*")])
    async with client(cache) as delta:
        await delta.ask(["web/*"])
        assert await delta.told() == (["web/*"], [])


def test_the_option_is_named() -> None:
    with pytest.raises(TypeError):
        Cache(True)  # type: ignore[misc]
