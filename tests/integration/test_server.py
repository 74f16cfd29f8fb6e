"""The xDS server in front of a real gRPC client: addresses, TLS, streams, limits, and how it ends."""

import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from harness.waiting import wait_for
from harness.xds_server import CLUSTER, LISTENER, SOTW, Server, Stream

LOOPBACK = ("--listen", "127.0.0.1:0")

# With this a client that does not ask takes no more than 64 KiB of a response.
SMALL_WINDOW = (("grpc.http2.lookahead_bytes", 65536), ("grpc.http2.bdp_probe", 0))

Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    servers: list[Server] = []

    def run(*arguments: str) -> Server:
        servers.append(Server(*arguments))
        return servers[-1]

    yield run
    for server in servers:
        server.kill()


def raw(stream: Stream, data: bytes) -> grpc.Call:
    """A stream on the same channel that sends these bytes as its request."""
    method = stream.channel.stream_stream(SOTW, request_serializer=bytes, response_deserializer=bytes)
    return method(iter([data]), timeout=15)


# ---- the protocol, end to end ----


def test_state_of_the_world(start: Start) -> None:
    server = start("-r", "5", *LOOPBACK)
    with Stream(server.address) as stream:
        stream.ask()
        first = stream.next()
        assert (first.type_url, len(first.resources)) == (CLUSTER, 5)
        assert first.control_plane.identifier == "libegress"
        connected = server.expect(event="connected")
        assert (connected["node"], connected["group"], connected["stream"]) == ("node-1", "test", 1)
        assert connected["peer"].startswith("ipv4:127.0.0.1:")
        stream.ack(first)
        acked = server.expect(event="acked")
        assert (acked["version"], acked["type"]) == (first.version_info, CLUSTER)
        pushed = server.answer("push", "pushed")
        second = stream.next()
        assert second.version_info == pushed["pushed"] != first.version_info
        assert len(second.resources) == 5
        assert server.answer("count", "streams") == {"streams": 1}


def test_delta(start: Start) -> None:
    server = start("-r", "5", *LOOPBACK)
    with Stream(server.address, delta=True) as stream:
        stream.ask()
        first = stream.next()
        assert (first.type_url, len(first.resources)) == (CLUSTER, 5)
        stream.ack(first)
        server.expect(event="acked")
        pushed = server.answer("push", "pushed")
        second = stream.next()
        assert [resource.name for resource in second.resources] == [pushed["name"]]
        assert list(second.removed_resources) == []


def test_nack_reaches_the_embedder_in_the_clients_words(start: Start) -> None:
    server = start(*LOOPBACK)
    with Stream(server.address) as stream:
        stream.ask()
        first = stream.next()
        stream.ask(node=None, response_nonce=first.nonce, error_detail={"code": 3, "message": 'no "such" thing\n'})
        nacked = server.expect(event="nacked")
        assert nacked["message"] == 'no "such" thing\n'
        assert nacked["version"] == first.version_info
        assert nacked["status"] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        # What was refused is not sent again; the next change is.
        pushed = server.answer("push", "pushed")
        assert stream.next().version_info == pushed["pushed"]


def test_two_types_on_one_stream(start: Start) -> None:
    server = start("-r", "20", *LOOPBACK)
    with Stream(server.address) as stream:
        stream.ask(CLUSTER)
        stream.ask(LISTENER, node=None)
        got = {response.type_url: len(response.resources) for response in (stream.next(), stream.next())}
        assert got == {CLUSTER: 20, LISTENER: 1}


def test_many_pushes_reach_every_stream(start: Start) -> None:
    server = start("-r", "50", *LOOPBACK)
    streams = [Stream(server.address, delta=bool(i % 2)) for i in range(8)]
    try:
        for stream in streams:
            stream.ask()
            stream.ack(stream.next())
        for _ in range(len(streams)):
            server.expect(event="acked")
        for _ in range(20):
            version = server.answer("push", "pushed")["pushed"]
        for stream in streams:
            response = stream.next()
            while (response.system_version_info if stream.delta else response.version_info) != version:
                stream.ack(response)
                response = stream.next()
    finally:
        for stream in streams:
            stream.close()


def test_another_method_is_unimplemented(start: Start) -> None:
    server = start(*LOOPBACK)
    with Stream(server.address) as stream:
        method = stream.channel.unary_unary(
            "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats",
            request_serializer=bytes,
            response_deserializer=bytes,
        )
        with pytest.raises(grpc.RpcError) as failure:
            method(b"", timeout=15)
        assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED
        stream.ask()  # the connection goes on
        assert stream.next().type_url == CLUSTER


# ---- how streams end ----


def test_client_that_has_no_more_to_say(start: Start) -> None:
    server = start(*LOOPBACK)
    with Stream(server.address) as stream:
        stream.ask()
        stream.next()
        stream.finish()
        assert stream.failure()[0] is grpc.StatusCode.OK
        assert server.expect(event="disconnected")["status"] == 0
        assert server.answer("count", "streams") == {"streams": 0}


def test_client_that_cancels(start: Start) -> None:
    server = start(*LOOPBACK)
    with Stream(server.address) as stream:
        stream.ask()
        stream.next()
    event = server.expect(event="disconnected")
    assert (event["node"], event["group"]) == ("node-1", "test")
    assert event["message"] == "the client cancelled the stream"
    assert server.answer("count", "streams") == {"streams": 0}


def test_client_that_is_killed(start: Start) -> None:
    server = start(*LOOPBACK)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from harness.xds_server import Stream; s = Stream(sys.argv[2]); s.ask(); s.next(); print('up', flush=True);"
        "s.next()"
    )
    client = subprocess.Popen(
        [sys.executable, "-c", code, str(Path(__file__).parent), server.address], stdout=subprocess.PIPE, text=True
    )
    try:
        assert client.stdout is not None
        assert client.stdout.readline() == "up\n"
    finally:
        client.send_signal(signal.SIGKILL)
        client.wait(15)
    ended = server.expect(event="disconnected")["message"]
    assert ended in ("the client closed the connection", "the connection was lost")  # if it had not read everything


def test_reconnect_gets_a_stream_of_its_own(start: Start) -> None:
    server = start(*LOOPBACK)
    versions = set()
    for number in range(1, 4):
        with Stream(server.address) as stream:
            stream.ask()
            versions.add(stream.next().version_info)
            assert server.expect(event="connected")["stream"] == number
        server.expect(event="disconnected", stream=number)
    assert len(versions) == 1


def test_close_tells_the_clients(start: Start) -> None:
    server = start(*LOOPBACK)
    with Stream(server.address) as one, Stream(server.address, delta=True) as two:
        for stream in (one, two):
            stream.ask()
            stream.next()
        assert server.close() == 0
        for stream in (one, two):
            assert stream.failure() == (grpc.StatusCode.UNAVAILABLE, "the server is closing")
    assert sum("closed" in line for line in server.seen) == 1
    ended = [line["status"] for line in server.seen if line.get("event") == "disconnected"]
    assert ended == [grpc.StatusCode.UNAVAILABLE.value[0]] * 2


def test_close_does_not_wait_for_a_client_that_does_not_speak(start: Start) -> None:
    server = start(*LOOPBACK)
    with socket.create_connection(("127.0.0.1", server.ports[0])):
        with Stream(server.address) as stream:  # the silent connection was accepted before this one
            stream.ask()
            stream.next()
            assert server.close() == 0


def test_close_does_not_wait_for_a_client_that_does_not_read(start: Start) -> None:
    server = start("-r", "3000", *LOOPBACK)
    with Stream(server.address, options=SMALL_WINDOW) as stream:
        stream.ask()
        server.expect(event="connected")
        assert server.close() == 0
        assert stream.failure()[0] is grpc.StatusCode.UNAVAILABLE


# ---- limits ----


def test_malformed_bytes_end_their_own_stream_only(start: Start) -> None:
    server = start(*LOOPBACK)
    with Stream(server.address) as stream:
        stream.ask()
        first = stream.next()
        for junk in (b"\xff" * 40, b"\x0a\x05ab", b"\x0b", b"\x22\x02\xff\xfe"):
            call = raw(stream, junk)
            with pytest.raises(grpc.RpcError) as failure:
                next(call)
            assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT, junk
            rejected = server.expect(event="rejected")
            assert rejected["status"] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
            assert rejected["message"] == failure.value.details() != ""
            server.expect(event="disconnected", stream=rejected["stream"])
        stream.ack(first)
        server.expect(event="acked")
        server.answer("push", "pushed")
        assert len(stream.next().resources) == 10


def test_request_over_the_limit(start: Start) -> None:
    server = start("--max-request-bytes", "65536", *LOOPBACK)
    with Stream(server.address) as other, Stream(server.address) as stream:
        other.ask()
        first = other.next()
        stream.ask(resource_names=["x" * 70000])
        code, text = stream.failure()
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "65536" in text
        other.ack(first)
        server.expect(event="acked")


def test_request_just_under_the_limit(start: Start) -> None:
    server = start("--max-request-bytes", "65536", *LOOPBACK)
    with Stream(server.address) as stream:
        stream.ask(CLUSTER, node="n" * 200, resource_names=["*", *("x" * 1000 for _ in range(60))])
        assert len(stream.next().resources) == 10


def test_compressed_request_is_refused_before_it_is_unpacked(start: Start) -> None:
    server = start("--max-request-bytes", "65536", *LOOPBACK)
    with Stream(server.address, compression=grpc.Compression.Gzip) as stream:
        stream.ask(resource_names=["x" * 40_000_000])  # 40 KB on the wire
        assert stream.failure()[0] is grpc.StatusCode.UNIMPLEMENTED


def test_too_many_streams(start: Start) -> None:
    server = start("--max-streams", "2", *LOOPBACK)
    with Stream(server.address) as one, Stream(server.address) as two:
        for stream in (one, two):
            stream.ask()
            stream.next()
        with Stream(server.address) as three:
            three.ask()
            code, text = three.failure()
            assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "2 streams" in text and "max_streams" in text
        assert server.expect(event="rejected")["message"] == text
        assert server.answer("count", "streams") == {"streams": 2}
        one.close()
        server.expect(event="disconnected")
    with Stream(server.address) as four:
        four.ask()
        assert four.next().type_url == CLUSTER


def test_client_that_does_not_read_costs_one_response(start: Start) -> None:
    server = start("-r", "3000", *LOOPBACK)

    def memory_kb() -> int:
        for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError

    with Stream(server.address, options=SMALL_WINDOW) as slow:
        slow.ask()
        slow.ask(LISTENER, node=None)  # has to wait for the clusters
        server.expect(event="connected")
        for _ in range(5):
            server.answer("push", "pushed")
        before = memory_kb()
        for _ in range(60):
            version = server.answer("push", "pushed")["pushed"]
        assert memory_kb() - before < 20_000
        types = set()
        response = slow.next()
        while response.version_info != version:
            types.add(response.type_url)
            slow.ack(response)
            response = slow.next()
        assert len(response.resources) == 3000
        assert types == {CLUSTER, LISTENER}


def test_events_that_nobody_takes_are_bounded(start: Start) -> None:
    server = start("--pull", "4", *LOOPBACK)
    with Stream(server.address) as stream:
        stream.ask()
        response = stream.next()
        for _ in range(10):
            server.answer("push", "pushed")
            stream.ack(response)
            response = stream.next()
        taken = server.answer("take", "taken")
        # One connected and ten ACKs; what takes their place says that some are lost.
        assert taken["taken"] == 5
        assert taken["dropped"] == 7
        kinds = [line["event"] for line in server.seen if "event" in line]
        assert kinds == ["lost"] + ["acked"] * 4
        assert server.answer("take", "taken")["taken"] == 0


def connect_many(port: int, count: int, tls: ssl.SSLContext | None) -> list[socket.socket]:
    """As many connections, or fewer where the server closes the address meanwhile: gRPC does when it is out of them."""
    made: list[socket.socket] = []
    try:
        while len(made) < count:
            made.append(socket.create_connection(("127.0.0.1", port), timeout=1))
            if tls is not None:  # one that the kernel has taken, but not the server, gets no answer
                made[-1] = tls.wrap_socket(made[-1])
    except OSError:
        pass
    return made


@pytest.mark.parametrize("tls", [False, True])
def test_running_out_of_descriptors_is_survived(start: Start, pki: "Pki", tls: bool) -> None:
    limit = 40
    server = start(*(pki.serve() if tls else ()), "--nofile", str(limit), *LOOPBACK)
    credentials = pki.trust() if tls else None
    with Stream(server.address, credentials=credentials) as stream:
        stream.ask()
        first = stream.next()
        stream.ack(first)
        context = pki.context() if tls else None
        crowd = connect_many(server.ports[0], limit + 10, context)
        try:
            warned = server.expect(log=2, category="wire")
            assert "ulimit -n" in warned["text"]
            # The open stream goes on.
            pushed = server.answer("push", "pushed")
            second = stream.next()
            assert second.version_info == pushed["pushed"]
            stream.ack(second)
        finally:
            for connection in crowd:
                connection.close()

        # Once there are descriptors again, so are new streams, and the old one still goes on.
        def reconnect() -> bool:
            with Stream(server.address, credentials=credentials) as late:
                late.ask()
                try:
                    return bool(late.next().version_info == pushed["pushed"])
                except grpc.RpcError:
                    return False

        wait_for("new connections", reconnect)
        pushed = server.answer("push", "pushed")
        assert stream.next().version_info == pushed["pushed"]
        warnings = [line for line in server.seen if line.get("category") == "wire"]
        assert len(warnings) == 1
    assert server.close() == 0


# ---- addresses ----


def test_several_addresses(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "s"
    server = start(*LOOPBACK, "--listen", f"unix:{path}", "--listen", "[::1]:0")
    assert server.ports[1] == 0 and server.ports[0] != server.ports[2]
    for address, peer in (
        (server.address, "ipv4:127.0.0.1:"),
        (f"unix:{path}", "unix:"),
        (f"[::1]:{server.ports[2]}", "ipv6:[::1]:"),
    ):
        with Stream(address) as stream:
            stream.ask()
            assert stream.next().type_url == CLUSTER
            assert server.expect(event="connected")["peer"].startswith(peer)


def test_address_in_use(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        error = start("--listen", address).error
    assert error is not None and error["error"] == "EGRESS_EADDRINUSE"
    assert "choose another port" in error["text"] and address.split(":")[1] in error["text"]


@pytest.mark.parametrize(
    ("address", "code", "text"),
    [
        ("0.0.0.0:0", "EGRESS_EINVAL", "insecure"),
        ("[::]:0", "EGRESS_EINVAL", "insecure"),
        ("127.0.0.1", "EGRESS_EADDR", "127.0.0.1:18000"),
        ("localhost:18000", "EGRESS_EADDR", "not an address"),
        ("127.0.0.1:65536", "EGRESS_EADDR", "not an address"),
        ("", "EGRESS_EADDR", "not an address"),
        ("unix:relative", "EGRESS_EADDR", "unix:/PATH"),
        ("unix:/" + "d" * 200, "EGRESS_EADDR", "at most 107 bytes"),
        ("unix:/no/such/folder/s", "EGRESS_EADDR", "No such file"),
    ],
)
def test_address_that_cannot_be(start: Start, address: str, code: str, text: str) -> None:
    error = start("--listen", address).error
    assert error is not None and error["error"] == code
    assert text in error["text"]


def test_insecure_allows_plaintext_anywhere(start: Start) -> None:
    server = start("--insecure", "--listen", "0.0.0.0:0")
    with Stream(server.address) as stream:
        stream.ask()
        assert stream.next().type_url == CLUSTER


# ---- unix sockets ----


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_unix_socket_is_for_its_owner_and_goes_with_the_server(start: Start, tmp_path: Path, mask: int) -> None:
    path = tmp_path / "s"
    old = os.umask(mask)
    try:
        server = start("--listen", f"unix:{path}")
    finally:
        os.umask(old)
    assert server.error is None
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    assert server.close() == 0
    assert list(tmp_path.iterdir()) == []


def test_stale_unix_socket_is_replaced(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "s"
    start("--listen", f"unix:{path}").kill()
    assert path.exists()
    server = start("--listen", f"unix:{path}")
    with Stream(f"unix:{path}") as stream:
        stream.ask()
        assert stream.next().type_url == CLUSTER
    assert server.close() == 0


def test_unix_socket_of_a_live_server(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "s"
    start("--listen", f"unix:{path}")
    error = start("--listen", f"unix:{path}").error
    assert error is not None and error["error"] == "EGRESS_EADDRINUSE"
    assert str(path) in error["text"] and "another server" in error["text"]
    with Stream(f"unix:{path}") as stream:  # the first one was left alone
        stream.ask()
        assert stream.next().type_url == CLUSTER


def test_unix_socket_of_a_live_foreign_program(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as foreign:
        foreign.bind(str(path))
        foreign.listen()
        error = start("--listen", f"unix:{path}").error
        assert error is not None and error["error"] == "EGRESS_EADDRINUSE"
        assert path.exists() and not (tmp_path / "s.lock").exists()


def test_file_that_is_no_socket_is_left_alone(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("precious")
    error = start("--listen", f"unix:{path}").error
    assert error is not None and error["error"] == "EGRESS_EADDR"
    assert path.read_text() == "precious"


# ---- TLS ----


class Pki:
    """Two authorities, a server's certificate of the first and a client's of each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for authority in ("ca", "other"):
            self._openssl(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", f"/CN={authority}", "-keyout", f"{authority}.key", "-out", f"{authority}.pem",
            )  # fmt: skip
        self._issue("server", "ca", "subjectAltName=DNS:localhost")
        self._issue("client", "ca", "subjectAltName=DNS:client")
        self._issue("stranger", "other", "subjectAltName=DNS:client")
        self._openssl("ec", "-in", "server.key", "-aes128", "-passout", "pass:x", "-out", "locked.key")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def _issue(self, name: str, authority: str, extension: str) -> None:
        (self.folder / "ext").write_text(extension)
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr",
        )  # fmt: skip
        self._openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
            "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", f"{name}.pem",
        )  # fmt: skip

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        context.check_hostname = False
        context.set_alpn_protocols(["h2"])
        return context

    def serve(self) -> tuple[str, ...]:
        return ("--cert", self.path("server.pem"), "--key", self.path("server.key"))

    def trust(self, client: str | None = None) -> grpc.ChannelCredentials:
        if client is None:
            return grpc.ssl_channel_credentials(self.read("ca.pem"))
        return grpc.ssl_channel_credentials(
            self.read("ca.pem"), self.read(f"{client}.key"), self.read(f"{client}.pem")
        )


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    if shutil.which("openssl") is None:
        raise RuntimeError("the program openssl is needed: apt-get install openssl")
    return Pki(tmp_path_factory.mktemp("pki"))


def test_tls(start: Start, pki: Pki) -> None:
    server = start(*pki.serve(), "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0")
    assert server.ports[0] != server.ports[1] != 0
    for port in server.ports:
        with Stream(f"127.0.0.1:{port}", credentials=pki.trust()) as stream:
            stream.ask()
            assert stream.next().type_url == CLUSTER
            assert server.expect(event="connected")["peer"].startswith("ipv4:127.0.0.1:")
            server.answer("push", "pushed")
    with Stream(server.address) as plain:
        plain.ask()
        assert plain.failure()[0] is grpc.StatusCode.UNAVAILABLE
    assert server.close() == 0


def test_certificates_and_key_in_one_file(start: Start, pki: Pki) -> None:
    both = pki.folder / "both.pem"
    both.write_bytes(b"the server:\n" + pki.read("server.key") + pki.read("server.pem") + pki.read("ca.pem"))
    server = start("--cert", str(both), "--key", str(both), "--client-ca", str(both), *LOOPBACK)
    with Stream(server.address, credentials=pki.trust("client")) as stream:
        stream.ask()
        assert stream.next().type_url == CLUSTER


def test_tls_beside_plaintext(start: Start, pki: Pki) -> None:
    server = start(*LOOPBACK, *pki.serve(), "--listen", "127.0.0.1:0")
    # Options hold for the addresses behind them.
    with Stream(server.address) as plain, Stream(
        f"127.0.0.1:{server.ports[1]}", credentials=pki.trust()
    ) as secret:
        for stream in (plain, secret):
            stream.ask()
            assert stream.next().type_url == CLUSTER


@pytest.mark.parametrize(("client", "served"), [("client", True), (None, False), ("stranger", False)])
def test_mutual_tls(start: Start, pki: Pki, client: str | None, served: bool) -> None:
    server = start(*pki.serve(), "--client-ca", pki.path("ca.pem"), "--listen", "127.0.0.1:0")
    with Stream(server.address, credentials=pki.trust(client)) as stream:
        stream.ask()
        if served:
            assert stream.next().type_url == CLUSTER
        else:
            assert stream.failure()[0] is grpc.StatusCode.UNAVAILABLE
            assert not any("event" in line for line in server.seen)


def test_tls_address_in_use(start: Start, pki: Pki) -> None:
    first = start(*pki.serve(), *LOOPBACK)
    error = start(*pki.serve(), "--listen", first.address).error
    assert error is not None and error["error"] == "EGRESS_EADDRINUSE"
    assert "choose another port" in error["text"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--cert", "server.pem"), "EGRESS_EINVAL", "tls_key is missing"),
        (("--key", "server.key"), "EGRESS_EINVAL", "tls_cert is missing"),
        (("--client-ca", "ca.pem"), "EGRESS_EINVAL", "without tls_cert"),
        (("--cert", "empty", "--key", "server.key"), "EGRESS_ETLS", "certificate (tls_cert) is empty"),
        (("--cert", "server.key", "--key", "server.key"), "EGRESS_ETLS", "certificate (tls_cert) is not PEM"),
        (("--cert", "server.pem", "--key", "server.pem"), "EGRESS_ETLS", "private key (tls_key) is not PEM"),
        (("--cert", "garbled", "--key", "server.key"), "EGRESS_ETLS", "(tls_cert): certificate 1, from line 1 on, is"),
        (("--cert", "server+garbled", "--key", "server.key"), "EGRESS_ETLS", "(tls_cert): certificate 2, from line"),
        (("--cert", "server.pem", "--key", "garbled.key"), "EGRESS_ETLS", "(tls_key): the PRIVATE KEY from line 1 on"),
        (("--cert", "server.pem", "--key", "client.key"), "EGRESS_ETLS", "does not belong"),
        (("--cert", "client+server", "--key", "server.key"), "EGRESS_ETLS", "belongs to certificate 2"),
        (("--cert", "server.pem", "--key", "locked.key"), "EGRESS_ETLS", "passphrase"),
        (
            ("--cert", "server.pem", "--key", "server.key", "--client-ca", "server+garbled"),
            "EGRESS_ETLS",
            "client authorities (tls_client_ca): certificate 2",
        ),
    ],
)
def test_bad_certificates(start: Start, pki: Pki, arguments: tuple[str, ...], code: str, text: str) -> None:
    (pki.folder / "empty").write_text("")
    (pki.folder / "garbled").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (pki.folder / "garbled.key").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    for first, second in (("server.pem", "garbled"), ("client.pem", "server.pem")):
        name = f"{first}+{second}".replace(".pem", "")
        (pki.folder / name).write_bytes(pki.read(first) + pki.read(second))
    paths = [pki.path(word) if index % 2 else word for index, word in enumerate(arguments)]
    error = start(*paths, *LOOPBACK).error
    assert error is not None and error["error"] == code
    assert text in error["text"]


def test_unix_socket_takes_no_tls(start: Start, pki: Pki, tmp_path: Path) -> None:
    error = start(*pki.serve(), "--listen", f"unix:{tmp_path}/s").error
    assert error is not None and error["error"] == "EGRESS_EINVAL"
