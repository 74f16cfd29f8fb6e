"""Who a client is, and what it may have: identity, the function that authorises, and secrets."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from envoy.config.core.v3 import base_pb2
from envoy.service.discovery.v3 import discovery_pb2
from envoy.service.secret.v3 import sds_pb2_grpc

from harness.xds_server import CLUSTER, DEADLINE_S, LISTENER, Server, Stream

SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
SPIFFE_ID = "spiffe://example.org/ns/default/sa/envoy"
PLAINTEXT, UNIX, TLS, MUTUAL_TLS = 1, 2, 3, 4  # egress_transport

Start = Callable[..., Server]


@dataclass
class Pair:
    certificate: Path
    key: Path


@dataclass
class World:
    """Certificates, and where a server listens: an address for each transport, in the order of their numbers."""

    server: Pair
    client: Pair
    path: Path

    def arguments(self) -> list[str]:
        tls = ["--cert", str(self.server.certificate), "--key", str(self.server.key)]
        listen = ["--listen", "127.0.0.1:0"]
        mutual = ["--client-ca", str(self.client.certificate)]
        return [*listen, "--listen", f"unix:{self.path}", *tls, *listen, *mutual, *listen]

    def credentials(self, transport: int) -> grpc.ChannelCredentials | None:
        if transport in (PLAINTEXT, UNIX):
            return None
        authority = self.server.certificate.read_bytes()
        if transport == TLS:
            return grpc.ssl_channel_credentials(authority)
        mine = (self.client.key.read_bytes(), self.client.certificate.read_bytes())
        return grpc.ssl_channel_credentials(authority, *mine)

    def stream(self, server: Server, transport: int, delta: bool = False) -> Stream:
        address = f"unix:{self.path}" if transport == UNIX else f"127.0.0.1:{server.ports[transport - 1]}"
        return Stream(address, delta=delta, credentials=self.credentials(transport))


def make_pair(folder: Path, name: str, alternatives: str) -> Pair:
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", f"/O=Example/CN={name}", "-addext", f"subjectAltName={alternatives}",
            "-keyout", str(pair.key), "-out", str(pair.certificate),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return pair


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("access")
    client = make_pair(folder, "envoy-7", f"URI:{SPIFFE_ID},DNS:envoy-7.example,DNS:*.envoys.example")
    return World(make_pair(folder, "localhost", "DNS:localhost"), client, folder / "xds.sock")


@pytest.fixture
def start(world: World) -> Iterator[Start]:
    running: list[Server] = []

    def run(*arguments: str) -> Server:
        running.append(Server(*arguments, *world.arguments()))
        assert running[-1].error is None
        return running[-1]

    yield run
    for server in running:
        server.kill()


def names(line: dict[str, Any]) -> tuple[Any, ...]:
    return line["spiffe_id"], line["common_name"], line["uris"], line["dns_names"]


# ---- identity ----


@pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
@pytest.mark.parametrize("transport", [PLAINTEXT, UNIX, TLS, MUTUAL_TLS])
def test_who_a_client_is(start: Start, world: World, transport: int, delta: bool) -> None:
    server = start("--refuse", "nobody")
    with world.stream(server, transport, delta) as stream:
        stream.ask()
        stream.ack(stream.next())
        stream.ask(LISTENER, node=None)
        stream.next()
        first, second = server.expect(access=transport), server.expect(access=transport)
    assert [line["type"] for line in (first, second)] == [CLUSTER, LISTENER]
    for line in (first, second):
        assert (line["node"], line["cluster"]) == ("node-1", "test")
        assert line["peer"].startswith("unix:" if transport == UNIX else "ipv4:127.0.0.1:")
        if transport == MUTUAL_TLS:
            own = ["envoy-7.example", "*.envoys.example"]
            assert names(line) == (SPIFFE_ID, "envoy-7", [SPIFFE_ID], own)
        else:
            assert names(line) == ("", "", [], [])
    asked = [line for line in server.seen if "access" in line]
    assert len(asked) == 2, "once for each type: an ACK asks for nothing new"
    kinds = [next(iter(line)) for line in server.seen if "access" in line or line.get("event") == "connected"]
    assert kinds == ["access", "event", "access"], "before the node has a group"


def test_streams_are_counted_by_identity_or_else_by_address(start: Start, world: World) -> None:
    server = start("--max-peer-streams", "1")
    with world.stream(server, PLAINTEXT) as one, world.stream(server, MUTUAL_TLS) as two:
        for stream in (one, two):
            stream.ask()
            stream.next()
        for transport in (TLS, MUTUAL_TLS):  # the same address, the same certificate
            with world.stream(server, transport) as late:
                late.ask()
                code, text = late.failure()
                assert code is grpc.StatusCode.RESOURCE_EXHAUSTED and "max_peer_streams" in text
        with world.stream(server, UNIX) as other:
            other.ask()
            other.next()


# ---- the embedder's function ----


def check_refused(server: Server, stream: Stream, type_url: str, text: str) -> None:
    assert stream.failure() == (grpc.StatusCode.UNAUTHENTICATED, text)
    rejected = server.expect(event="rejected")
    assert (rejected["status"], rejected["message"]) == (16, text)
    assert (rejected["type"], rejected["node"]) == (type_url, "node-1")
    assert server.expect(event="disconnected")["status"] == 16


@pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
def test_a_client_may_be_refused(start: Start, world: World, delta: bool) -> None:
    server = start("--refuse", "node-1")
    with world.stream(server, MUTUAL_TLS, delta) as stream:
        stream.ask()
        check_refused(server, stream, CLUSTER, "the test refuses node-1")
    assert not [line for line in server.seen if line.get("event") == "connected"]
    with world.stream(server, MUTUAL_TLS, delta) as another:
        another.ask(node="node-2")
        assert another.next().resources, "others are served"


@pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
def test_a_type_may_be_refused_and_ends_the_stream(start: Start, world: World, delta: bool) -> None:
    server = start("--refuse", "Listener")
    with world.stream(server, PLAINTEXT, delta) as stream:
        stream.ask()
        stream.ack(stream.next())
        server.expect(event="acked")
        stream.ask(LISTENER, node=None)
        check_refused(server, stream, LISTENER, "the test refuses Listener")
    assert server.answer("count", "streams") == {"streams": 0}


# ---- secrets ----


def secrets_are_refused(server: Server, stream: Stream) -> None:
    code, text = stream.failure()
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert "over mutual TLS or a unix socket only" in text and "insecure_secrets" in text
    rejected = server.expect(event="rejected")
    assert (rejected["status"], rejected["type"], rejected["message"]) == (7, SECRET, text)


@pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
@pytest.mark.parametrize("transport", [PLAINTEXT, UNIX, TLS, MUTUAL_TLS])
def test_secrets_need_mutual_tls_or_a_unix_socket(start: Start, world: World, transport: int, delta: bool) -> None:
    server = start()
    with world.stream(server, transport, delta) as stream:
        stream.ask()
        stream.ack(stream.next())
        asked = {"resource_names_subscribe": ["s"]} if delta else {"resource_names": ["s"]}
        stream.ask(SECRET, node=None, **asked)
        if transport in (UNIX, MUTUAL_TLS):
            stream.ask(LISTENER, node=None)
            while (response := stream.next()).type_url != LISTENER:
                assert response.type_url == SECRET  # delta tells that there is no such secret
        else:
            secrets_are_refused(server, stream)


@pytest.mark.parametrize("transport", [PLAINTEXT, TLS])
def test_the_option_serves_secrets_to_anybody(start: Start, world: World, transport: int) -> None:
    server = start("--insecure-secrets")
    with world.stream(server, transport, delta=True) as stream:
        stream.ask(SECRET, resource_names_subscribe=["s"])
        assert list(stream.next().removed_resources) == ["s"]


def test_the_service_for_secrets_is_held_to_it(start: Start, world: World) -> None:
    server = start()
    with grpc.insecure_channel(f"127.0.0.1:{server.ports[0]}") as channel:
        stub = sds_pb2_grpc.SecretDiscoveryServiceStub(channel)
        asked = discovery_pb2.DiscoveryRequest(node=base_pb2.Node(id="node-1", cluster="test"), resource_names=["s"])
        for method in (stub.FetchSecrets, lambda one, timeout: next(stub.StreamSecrets(iter([one]), timeout=timeout))):
            with pytest.raises(grpc.RpcError) as refused:
                method(asked, timeout=DEADLINE_S)
            assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
            assert server.expect(event="rejected")["type"] == SECRET
