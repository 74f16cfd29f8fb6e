"""Limits of the server, as a real gRPC client meets them; those of a single request are in test_server."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from harness.relay import Relay
from harness.waiting import wait_for
from harness.xds_server import CLUSTER, Server, Stream

# With this a client that does not ask takes no more than 64 KiB of a response.
SMALL_WINDOW = (("grpc.http2.lookahead_bytes", 65536), ("grpc.http2.bdp_probe", 0))
LARGE = ("-r", "3000")  # clusters: some 300 KB
SLOWED = ("--max-request-burst", "1", "--max-requests-per-second", "1")

Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    servers: list[Server] = []

    def run(*arguments: str) -> Server:
        servers.append(Server(*arguments, "--listen", "127.0.0.1:0"))
        return servers[-1]

    yield run
    for server in servers:
        server.kill()


def check_ended(server: Server, stream: Stream, code: grpc.StatusCode, *texts: str) -> None:
    """The stream was ended with this, and the embedder was told the same."""
    status, text = stream.failure()
    assert status is code
    for part in texts:
        assert part in text
    assert server.expect(event="rejected", message=text)["status"] == code.value[0]
    server.expect(event="disconnected", message=text)


# ---- streams ----


def test_streams_of_one_client(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "s"
    server = start("--max-peer-streams", "2", "--listen", f"unix:{path}")
    address = f"127.0.0.1:{server.ports[1]}"
    with Stream(address) as one, Stream(address) as two, Stream(f"unix:{path}") as other:
        for stream in (one, two, other):
            stream.ask()
            stream.next()
        with Stream(address) as three:
            three.ask()
            code, text = three.failure()
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "2 streams" in text and "max_peer_streams" in text
        assert server.expect(event="rejected")["message"] == text
        one.close()
        server.expect(event="disconnected")
        with Stream(address) as four:
            four.ask()
            assert four.next().type_url == CLUSTER


# ---- pace ----


def test_client_in_a_loop_is_slowed_and_no_more(start: Start) -> None:
    burst, rate, count = 5, 20, 25
    server = start("--max-request-burst", str(burst), "--max-requests-per-second", str(rate), "--messages")
    with Stream(server.address) as looping:
        looping.ask()
        first = looping.next()
        began = time.monotonic()
        for _ in range(count - 1):  # the same refusal again and again
            looping.ask(node=None, response_nonce=first.nonce, error_detail={"code": 3, "message": "no"})
        warned = server.expect(log=2, category="wire")
        assert "max_requests_per_second" in warned["text"]
        with Stream(server.address) as other:
            other.ask()
            assert other.next().type_url == CLUSTER
        for _ in range(count):
            server.expect(message="request", stream=1)
        assert time.monotonic() - began > 0.9 * (count - burst) / rate
        # It goes on, and was sent nothing for all that.
        pushed = server.answer("push", "pushed")
        assert looping.next().version_info == pushed["pushed"]
    assert not [line for line in server.seen if line.get("event") == "rejected"]
    assert len([line for line in server.seen if line.get("category") == "wire"]) == 1


def test_client_that_asks_again_and_again_is_slowed(start: Start) -> None:
    """c38: each time it has to be answered."""
    burst, rate, count = 5, 20, 25
    server = start("--max-request-burst", str(burst), "--max-requests-per-second", str(rate))
    with Stream(server.address, delta=True) as looping:
        began = time.monotonic()
        looping.ask(resource_names_subscribe=["none"])
        for _ in range(count):
            looping.ack(looping.next(), resource_names_subscribe=["none"])
        assert time.monotonic() - began > 0.9 * (count - burst) / rate
        assert "max_requests_per_second" in server.expect(log=2, category="wire")["text"]


# ---- what a stream may ask for ----

MANY = {
    "names": (["a", "b", "c", "d"], "more than 3 resource names subscribed to (max_subscriptions)"),
    "a long name": (["n" * 4097], "a resource name is longer than 4096 bytes"),
    "globs": ([f"xdstp://a/T/{i}/*" for i in range(4097)], "more than 4096 globs of one type"),
}


@pytest.mark.parametrize("much", MANY)
def test_names_of_a_stream(start: Start, much: str) -> None:
    names, text = MANY[much]
    server = start("--max-subscriptions", "3" if much == "names" else "10000")
    with Stream(server.address, delta=True) as stream, Stream(server.address, delta=True) as other:
        other.ask(resource_names_subscribe=["a", "b", "c"])
        other.next()
        stream.ask(resource_names_subscribe=names)
        check_ended(server, stream, grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        assert server.answer("count", "streams") == {"streams": 1}


def test_bytes_of_a_stream(start: Start) -> None:
    server = start()
    with Stream(server.address, delta=True) as stream:
        for part in range(9):  # nine times 3.9 MB, each less than a request may have
            names = [f"{part}-{i}-" + "n" * 3890 for i in range(1000)]
            stream.ask(node=None if part else "node-1", resource_names_subscribe=names)
        text = f"the names and versions of one stream take more than {32 << 20} bytes"
        check_ended(server, stream, grpc.StatusCode.RESOURCE_EXHAUSTED, text)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"node": "n" * 256}, "node.id is longer than 255 bytes"),
        ({"type_url": "t" * 256}, "type_url is longer than 255 bytes"),
        ({"resource_names_unsubscribe": ["n" * 4097]}, "a resource name is longer than 4096 bytes"),
        (
            {"initial_resource_versions": {"n" * 4097: "1"}},
            "a name of initial_resource_versions is longer than 4096 bytes",
        ),
        (
            {"initial_resource_versions": {"n": "1" * 4097}},
            "a version of initial_resource_versions is longer than 4096 bytes",
        ),
        (
            {"initial_resource_versions": {str(i): "" for i in range((1 << 17) + 1)}},
            f"more than {1 << 17} initial_resource_versions",
        ),
    ],
    ids=["node id", "type", "name left", "name held", "version held", "names held"],
)
def test_fields_of_a_request(start: Start, fields: dict[str, Any], text: str) -> None:
    server = start()
    with Stream(server.address, delta=True) as stream:
        stream.ask(**fields)
        check_ended(server, stream, grpc.StatusCode.RESOURCE_EXHAUSTED, text)


def test_types_of_a_stream(start: Start) -> None:
    server = start()
    with Stream(server.address) as stream:
        for i in range(65):
            stream.ask(f"type.googleapis.com/t.T{i}", node=None if i else "node-1", resource_names=["a"])
        check_ended(server, stream, grpc.StatusCode.RESOURCE_EXHAUSTED, "more than 64 types on one stream")


# ---- what all streams have together ----


def test_names_of_all_streams(start: Start) -> None:
    server = start("--max-remembered-bytes", "300000", "--max-peer-remembered-bytes", "900000")
    names = [f"{i}-" + "n" * 100 for i in range(1000)]  # with their table some 180 KB
    with Stream(server.address, delta=True) as one:
        one.ask(resource_names_subscribe=[*names, "cluster-0"])
        one.ack(one.next())
        with Stream(server.address, delta=True) as two:
            two.ask(resource_names_subscribe=names)
            check_ended(
                server, two, grpc.StatusCode.RESOURCE_EXHAUSTED, "more than 300000 bytes", "(max_remembered_bytes)"
            )
        # The others go on, and what is given back is there for anybody.
        one.ask(node=None, resource_names_subscribe=["more"], resource_names_unsubscribe=names)
        assert one.next().removed_resources == ["more"]
        with Stream(server.address, delta=True) as three:
            three.ask(resource_names_subscribe=names)
            assert len(three.next().removed_resources) == len(names)
    wait_for("all streams to end", lambda: bool(server.answer("count", "streams") == {"streams": 0}))
    with Stream(server.address, delta=True) as four:
        four.ask(resource_names_subscribe=names)
        assert len(four.next().removed_resources) == len(names)


def test_requests_of_all_streams(start: Start) -> None:
    server = start("--max-pending-bytes", "100000", "--max-peer-pending-bytes", "900000")
    with Stream(server.address, delta=True) as other:
        other.ask()
        other.ack(other.next())
        with Stream(server.address) as large:  # it comes in several pieces, of 64 KiB at most
            large.ask(resource_names=["n" * 4000] * 30)
            check_ended(server, large, grpc.StatusCode.RESOURCE_EXHAUSTED, "100000 bytes", "(max_pending_bytes)")
        for i in range(5):  # what was taken does not count any more
            names = [f"{i}-{j}-" + "n" * 4000 for j in range(20)]
            other.ask(node=None, resource_names_subscribe=names)
            response = other.next()
            assert len(response.removed_resources) == len(names)
            other.ack(response)


def test_requests_of_slowed_streams(start: Start) -> None:
    """What waits of a client that is slowed counts, and is given back with its stream."""
    server = start(*SLOWED, "--max-pending-bytes", "50000", "--max-peer-pending-bytes", "90000")
    for _ in range(2):
        with Stream(server.address) as fast:
            for i in range(40):
                fast.ask(node=None if i else "node-1", resource_names=["n" * 3000], response_nonce="old")
            check_ended(server, fast, grpc.StatusCode.RESOURCE_EXHAUSTED, "50000 bytes", "(max_pending_bytes)")
        with Stream(server.address) as other:
            other.ask(resource_names=["*", *["n" * 3000] * 10])
            assert other.next().type_url == CLUSTER


# ---- what the streams of one client have together ----


def test_names_of_one_client(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "s"
    server = start("--max-remembered-bytes", "1200000", "--listen", f"unix:{path}")  # a quarter is for one client
    address = f"127.0.0.1:{server.ports[1]}"
    names = [f"{i}-" + "n" * 100 for i in range(1000)]  # with their table some 180 KB
    with Stream(address, delta=True) as one, Stream(address, delta=True) as two:
        one.ask(resource_names_subscribe=names)
        one.ack(one.next())
        two.ask(resource_names_subscribe=names)
        texts = ("of this client", "more than 300000 bytes", "(max_peer_remembered_bytes)")
        check_ended(server, two, grpc.StatusCode.RESOURCE_EXHAUSTED, *texts)
        with Stream(f"unix:{path}", delta=True) as other:
            other.ask(resource_names_subscribe=names)
            assert len(other.next().removed_resources) == len(names)
        one.ask(node=None, resource_names_unsubscribe=names, resource_names_subscribe=["more"])
        assert one.next().removed_resources == ["more"]
        with Stream(address, delta=True) as three:
            three.ask(resource_names_subscribe=names)
            assert len(three.next().removed_resources) == len(names)


def test_requests_of_one_client(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "s"
    server = start(*SLOWED, "--max-pending-bytes", "200000", "--listen", f"unix:{path}")
    address = f"127.0.0.1:{server.ports[1]}"
    large = ["*", *["n" * 4000] * 10]
    with Stream(address) as one, Stream(address) as two, Stream(f"unix:{path}") as other:
        for stream in (one, two):
            stream.ask(resource_names=["*"])
            stream.next()
        for stream in (one, two):  # of each some 40 KB wait, and a quarter of what all may have is 50 KB
            stream.ask(node=None, resource_names=large, response_nonce="old")
            stream.ask(node=None, resource_names=large, response_nonce="old")
        rejected = server.expect(event="rejected")
        assert "50000 bytes" in rejected["message"] and "(max_peer_pending_bytes)" in rejected["message"]
        other.ask(resource_names=large)
        assert other.next().type_url == CLUSTER


# ---- time ----


def test_client_that_never_asks(start: Start) -> None:
    server = start("--first-request-ms", "300")
    with Stream(server.address) as stream, Stream(server.address) as other:
        other.ask()
        response = other.next()
        check_ended(server, stream, grpc.StatusCode.DEADLINE_EXCEEDED, "300 ms", "first_request_ms")
        other.ack(response)
        server.expect(event="acked")


def test_client_that_is_silent(start: Start) -> None:
    server = start("--idle-ms", "400")
    with Stream(server.address) as stream:
        stream.ask()
        stream.ack(stream.next())
        check_ended(server, stream, grpc.StatusCode.DEADLINE_EXCEEDED, "400 ms", "idle_ms")


def test_client_that_is_lost(start: Start) -> None:
    """It gives no sign of life, and nothing says that its connection has ended."""
    server = start("--keepalive-ms", "200", "--keepalive-timeout-ms", "200")
    with Relay(server.ports[0]) as relay, Stream(f"127.0.0.1:{relay.port}") as lost, Stream(server.address) as quiet:
        numbers = []
        for stream in (lost, quiet):
            stream.ask()
            stream.ack(stream.next())
            numbers.append(server.expect(event="acked")["stream"])
        relay.hold()
        ended = server.expect(event="disconnected", stream=numbers[0])
        assert "sign of life" in ended["message"] and "(keepalive_ms, keepalive_timeout_ms)" in ended["message"]
        assert server.answer("count", "streams") == {"streams": 1}
        server.answer("push", "pushed")
        assert quiet.next().type_url == CLUSTER  # which answered when it was asked


def test_connection_that_is_old(start: Start) -> None:
    server = start("--connection-age-ms", "300", "--connection-grace-ms", "100")
    with Stream(server.address) as stream:
        stream.ask()
        stream.next()
        assert stream.failure()[0] is grpc.StatusCode.UNAVAILABLE
        server.expect(event="disconnected")


# ---- what is not read ----


def test_response_that_is_never_read(start: Start) -> None:
    server = start(*LARGE, "--max-unread-ms", "500")
    with Stream(server.address, options=SMALL_WINDOW) as stream:
        stream.ask()
        rejected = server.expect(event="rejected")
        assert "max_unread_ms" in rejected["message"]
        assert stream.failure() == (grpc.StatusCode.DEADLINE_EXCEEDED, rejected["message"])
        assert server.answer("count", "streams") == {"streams": 0}


def test_who_does_not_read_makes_room(start: Start) -> None:
    server = start(*LARGE, "--max-unread-bytes", "1000")
    with Stream(server.address, options=SMALL_WINDOW) as slow, Stream(server.address) as other:
        slow.ask()
        stuck = server.expect(event="connected")["stream"]
        other.ask()
        response = other.next()  # waits until there is room
        assert len(response.resources) == 3000
        rejected = server.expect(event="rejected")
        assert rejected["stream"] == stuck and "max_unread_bytes" in rejected["message"]
        assert slow.failure() == (grpc.StatusCode.RESOURCE_EXHAUSTED, rejected["message"])
        other.ack(response)
        pushed = server.answer("push", "pushed")
        assert other.next().version_info == pushed["pushed"]


def test_fifty_that_do_not_read_are_not_noticed(start: Start) -> None:
    server = start(*LARGE)

    def memory_kb() -> int:
        lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))

    slow = [Stream(server.address, options=SMALL_WINDOW) for _ in range(50)]
    try:
        with Stream(server.address) as other:
            other.ask()
            response = other.next()
            for stream in slow:
                stream.ask()
            for _ in range(len(slow) + 1):
                server.expect(event="connected")
            before = memory_kb()
            for _ in range(20):
                other.ack(response)
                pushed = server.answer("push", "pushed")
                response = other.next()
                assert response.version_info == pushed["pushed"]
            # A response takes a third of a megabyte: 50 that were kept for each of 20 pushes would take 300 MB. What
            # is kept is 50 references to one; the rest is what an allocator with guards does not give back at once.
            assert memory_kb() - before < 50_000
        # Nobody was ended, and whoever reads again gets the last state.
        for stream in slow[:3]:
            response = stream.next()
            while response.version_info != pushed["pushed"]:
                stream.ack(response)
                response = stream.next()
        assert not [line for line in server.seen if line.get("event") == "rejected"]
    finally:
        for stream in slow:
            stream.close()
    wait_for("all streams to end", lambda: bool(server.answer("count", "streams") == {"streams": 0}))
