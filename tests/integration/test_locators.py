"""Fields that the server does not serve (c74): resource locators and their dynamic parameters change nothing."""

from collections.abc import Iterator

import pytest
from envoy.service.discovery.v3 import discovery_pb2

from harness.xds_server import CLUSTER, Server, Stream

ENDPOINT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
NAMES = [f"egress|443||svc-{index:06}.partner.example.com" for index in range(3)]  # what the server's sample has


def locators(*names: str) -> list[discovery_pb2.ResourceLocator]:
    return [discovery_pb2.ResourceLocator(name=name, dynamic_parameters={"env": "test"}) for name in names]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("-r", "3", "--listen", "127.0.0.1:0") as running:
        yield running


def test_c74_names_beside_locators_count_sotw(server: Server) -> None:
    others = locators(NAMES[1], "*", "")
    with Stream(server.address) as stream:
        stream.ask(resource_names=NAMES[:1], resource_locators=others)
        first = stream.next()
        assert len(first.resources) == 1
        stream.ask(ENDPOINT, node=None, resource_locators=others)  # names nothing, so it is owed nothing
        stream.ack(first, resource_names=NAMES[:2], resource_locators=others)
        second = stream.next()
        assert (second.type_url, len(second.resources)) == (CLUSTER, 2)
        stream.ack(second, resource_names=NAMES[:2])
        stream.finish()
        assert [response for response in stream.call] == []
    assert not [line for line in server.seen if line.get("event") == "rejected"]


def test_c74_names_beside_locators_count_delta(server: Server) -> None:
    others = locators(NAMES[1], "*", "")
    with Stream(server.address, delta=True) as stream:
        stream.ask(resource_names_subscribe=NAMES[:1], resource_locators_subscribe=others)
        first = stream.next()
        assert [resource.name for resource in first.resources] == NAMES[:1]
        stream.ask(ENDPOINT, node=None, resource_locators_subscribe=others)
        stream.ack(first, resource_locators_unsubscribe=locators(NAMES[0]))  # that is no word about the name
        stream.ask(node=None, resource_names_subscribe=NAMES[2:])
        second = stream.next()
        assert [resource.name for resource in second.resources] == NAMES[2:]
        stream.ack(second)
        pushed = [server.answer("push", "pushed")["name"] for _ in range(3)]
        assert NAMES[0] in pushed
        told: set[str] = set()
        while NAMES[0] not in told:
            change = stream.next()
            told |= {resource.name for resource in change.resources} | set(change.removed_resources)
            stream.ack(change)
        assert told <= {NAMES[0], NAMES[2]}
    assert not [line for line in server.seen if line.get("event") == "rejected"]
