"""``on_message``: what passes on a stream, as it is on the wire."""

from collections.abc import Iterator

import grpc
import pytest
from envoy.config.core.v3 import base_pb2
from envoy.service.cluster.v3 import cds_pb2_grpc
from envoy.service.discovery.v3 import discovery_pb2

from harness.xds_server import CLUSTER, DEADLINE_S, SOTW, Server, Stream

KINDS = {
    "request": discovery_pb2.DiscoveryRequest,
    "delta request": discovery_pb2.DeltaDiscoveryRequest,
    "response": discovery_pb2.DiscoveryResponse,
    "delta response": discovery_pb2.DeltaDiscoveryResponse,
}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server("-r", "3", "--messages", "--listen", "127.0.0.1:0") as running:
        yield running


def shown(server: Server, stream: int) -> list:
    """All that was shown of one stream up to its end: kinds of lines without bytes, messages of the others."""
    server.expect(event="disconnected", stream=stream)
    found = []
    for line in server.seen:
        if line.get("stream") == stream:
            kind = line.get("message") if "bytes" in line else line["event"]
            found.append(KINDS[kind].FromString(bytes.fromhex(line["bytes"])) if kind in KINDS else kind)
    return found


@pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
def test_messages_are_those_of_the_client_in_order(server: Server, delta: bool) -> None:
    with Stream(server.address, delta=delta) as stream:
        stream.ask()
        first = stream.next()
        stream.ack(first)
        server.expect(event="acked")
        server.answer("push", "pushed")
        second = stream.next()
        stream.ack(second)
        server.expect(event="acked")
    ask = KINDS["delta request" if delta else "request"]
    sent = [ask(type_url=CLUSTER, node=base_pb2.Node(id="node-1", cluster="test"))]
    for response in (first, second):
        version = {} if delta else {"version_info": response.version_info}
        sent.append(ask(type_url=CLUSTER, response_nonce=response.nonce, **version))
    opening = ["opened", sent[0], first, "connected"]
    assert shown(server, 1) == [*opening, sent[1], "acked", second, sent[2], "acked", "disconnected"]


def test_fetch_and_the_type_of_its_service(server: Server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        request = discovery_pb2.DiscoveryRequest(node=base_pb2.Node(id="node-1"))
        response = cds_pb2_grpc.ClusterDiscoveryServiceStub(channel).FetchClusters(request, timeout=DEADLINE_S)
    told = [part for part in shown(server, 1) if part != "connected"]
    assert told == ["opened", request, response, "disconnected"]
    lines = [line for line in server.seen if "bytes" in line]
    assert {line["type"] for line in lines} == {CLUSTER}
    assert {line["peer"] for line in lines} == {server.expect(event="connected")["peer"]}


def test_a_request_that_is_no_message_is_shown_before_it_is_refused(server: Server) -> None:
    with Stream(server.address) as stream:
        method = stream.channel.stream_stream(SOTW, request_serializer=bytes, response_deserializer=bytes)
        call = method(iter([b"\xff\xff"]), timeout=DEADLINE_S)
        assert call.code() is grpc.StatusCode.INVALID_ARGUMENT
    server.expect(event="rejected")
    assert server.expect(message="request")["bytes"] == "ffff"


def test_nothing_is_shown_without_the_option() -> None:
    with Server("-r", "3", "--listen", "127.0.0.1:0") as server, Stream(server.address) as stream:
        stream.ask()
        stream.next()
        server.expect(event="connected")
        assert not [line for line in server.seen if "bytes" in line]
