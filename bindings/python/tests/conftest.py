"""What the tests of the binding share. They run against the installed package, not the one in the source folder."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import grpc
import pytest
from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.core.v3 import base_pb2
from envoy.service.discovery.v3 import discovery_pb2

import egress

POLICY = """\
version: egress/v1
deny:
  - {name: no-paste, to: ["**.paste.example"], reason: pastes are public}
rules:
  - name: billing-payments
    owner: payments
    to: ["api.payments.example", "*.payments.example"]
    reason: TICKET-12
  - name: office
    to: [192.0.2.0/24]
    ports: [22]
    protocol: tcp
"""

WAIT = 10.0  # seconds: the deadline of everything that is waited for


@pytest.fixture
def policy() -> egress.Policy:
    return egress.Policy(POLICY, "egress.yaml")


def cluster(name: str, alt: str = "") -> egress.Resource:
    message = cluster_pb2.Cluster(name=name, alt_stat_name=alt)
    return egress.Resource(egress.CLUSTER, name, message.SerializeToString())


class Client:
    """One state-of-the-world stream, as an Envoy would hold it."""

    def __init__(self, channel: grpc.aio.Channel, node_id: str, group: str) -> None:
        self.node = base_pb2.Node(id=node_id, cluster=group)
        self.call = channel.stream_stream(
            "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
            request_serializer=discovery_pb2.DiscoveryRequest.SerializeToString,
            response_deserializer=discovery_pb2.DiscoveryResponse.FromString,
        )()

    async def ask(self, type_url: str, **fields: Any) -> None:
        await self.call.write(discovery_pb2.DiscoveryRequest(node=self.node, type_url=type_url, **fields))

    async def answer(self) -> discovery_pb2.DiscoveryResponse:
        response = await asyncio.wait_for(self.call.read(), WAIT)
        assert isinstance(response, discovery_pb2.DiscoveryResponse), "the stream ended"
        return response

    async def ack(self, response: discovery_pb2.DiscoveryResponse) -> None:
        await self.ask(response.type_url, version_info=response.version_info, response_nonce=response.nonce)

    async def nack(self, response: discovery_pb2.DiscoveryResponse, version: str, message: str) -> None:
        await self.ask(
            response.type_url,
            version_info=version,
            response_nonce=response.nonce,
            error_detail={"code": 13, "message": message},
        )


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Client]]:
    """Opens streams to ports of this machine, and ends them after the test."""
    channels: list[grpc.aio.Channel] = []

    def open_stream(target: int | str, node_id: str = "envoy-1", group: str = "edge") -> Client:
        address = f"127.0.0.1:{target}" if isinstance(target, int) else target
        # Without its own pool two channels of one process would share a connection.
        channels.append(grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]))
        return Client(channels[-1], node_id, group)

    yield open_stream
    for channel in channels:
        await channel.close()


EventKind = TypeVar("EventKind", bound=egress.Event)


async def next_event(server: egress.Server, kind: type[EventKind]) -> EventKind:
    """The next event of that kind; others are passed over."""

    async def find() -> EventKind:
        async for event in server.events():
            if isinstance(event, kind):
                return event
        raise AssertionError("the server was closed")

    return await asyncio.wait_for(find(), WAIT)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what has no event of its own."""
    async with asyncio.timeout(WAIT):
        while not holds():
            await asyncio.sleep(0.01)
