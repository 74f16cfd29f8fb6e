"""snapshotd's contract over HTTP, with a gRPC client on the other side: what it takes, refuses, serves and tells."""

import base64
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.endpoint.v3 import endpoint_pb2
from envoy.service.discovery.v3 import ads_pb2_grpc, discovery_pb2
from google.protobuf import json_format
from google.rpc import status_pb2
from prometheus_client.parser import text_string_to_metric_families

from harness import build
from harness.snapshotd import Snapshotd
from harness.waiting import wait_for
from harness.xds_server import CLUSTER, LISTENER, SOTW, Stream

ENDPOINT = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
MESSAGES = {
    "req": discovery_pb2.DiscoveryRequest,
    "dreq": discovery_pb2.DeltaDiscoveryRequest,
    "resp": discovery_pb2.DiscoveryResponse,
    "dresp": discovery_pb2.DeltaDiscoveryResponse,
}


def cluster(name: str, seconds: int = 1) -> dict[str, Any]:
    return {"@type": CLUSTER, "name": name, "connectTimeout": f"{seconds}s"}


def packed(type_url: str, message: Any) -> dict[str, str]:
    return {"type_url": type_url, "value": base64.b64encode(message.SerializeToString()).decode()}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshotd]:
    daemon = Snapshotd(tmp_path_factory.mktemp("snapshotd"))
    yield daemon
    daemon.close()


@pytest.fixture
def daemon(running: Snapshotd) -> Iterator[Snapshotd]:
    """The same one for most tests; each finds it without snapshots."""
    yield running
    for snapshot in running.status()["snapshots"]:
        assert running.delete(snapshot["node"]) == 200


def names(response: Any) -> set[str]:
    return {cluster_pb2.Cluster.FromString(resource.value).name for resource in response.resources}


def ask(daemon: Snapshotd, node: str = "node-1", type_url: str = CLUSTER) -> Any:
    """The first response that a new client gets."""
    with Stream(daemon.address) as stream:
        stream.ask(type_url, node)
        return stream.next()


# ---- giving snapshots ----


def test_a_snapshot_is_visible_to_the_next_request(daemon: Snapshotd) -> None:
    for count in range(1, 20):
        daemon.put("node-1", {"resources": [cluster(f"c{i}") for i in range(count)]})
        assert len(ask(daemon).resources) == count


def test_put_replaces_the_whole_snapshot(daemon: Snapshotd) -> None:
    daemon.put("node-1", {"resources": [cluster("a"), {"@type": LISTENER, "name": "l"}]})
    answer = daemon.put("node-1", {"version": "2", "resources": [cluster("b")]})
    assert answer == {"node": "node-1", "types": {CLUSTER: {"version": "2", "resources": 1}}}
    assert names(ask(daemon)) == {"b"}


def test_packed_resources_are_served_byte_by_byte(daemon: Snapshotd) -> None:
    message = cluster_pb2.Cluster(name="packed")
    body = {
        "resources": [cluster("printed")],
        "resources_b64": [
            packed(CLUSTER, message),
            packed(ENDPOINT, endpoint_pb2.ClusterLoadAssignment(cluster_name="packed")),
        ],
    }
    types = daemon.put("node-1", body)["types"]
    assert {type_url: kept["resources"] for type_url, kept in types.items()} == {CLUSTER: 2, ENDPOINT: 1}
    response = ask(daemon)
    assert names(response) == {"packed", "printed"}
    assert message.SerializeToString() in [resource.value for resource in response.resources]


def test_c82_what_the_schema_does_not_know_stays_in_packed_bytes(daemon: Snapshotd) -> None:
    unknown = cluster_pb2.Cluster(name="c").SerializeToString() + b"\xfa\xff\x03\x01x"  # field 8191
    daemon.put("node-1", {"resources_b64": [{"type_url": CLUSTER, "value": base64.b64encode(unknown).decode()}]})
    assert [resource.value for resource in ask(daemon).resources] == [unknown]


def test_c80_a_response_is_not_split(daemon: Snapshotd) -> None:
    """A client that limits its messages, as gRPC's do to 4 MiB, ends its own stream, and no other."""
    large = [{**cluster(f"c{i}"), "altStatName": "x" * 1024 * 1024} for i in range(6)]
    daemon.put("node-1", {"resources": large})
    request = discovery_pb2.DiscoveryRequest(type_url=CLUSTER, node={"id": "node-1"})
    with Stream(daemon.address) as other, grpc.insecure_channel(daemon.address) as limited:
        other.ask(node="node-2")
        stub = ads_pb2_grpc.AggregatedDiscoveryServiceStub(limited)
        with pytest.raises(grpc.RpcError) as refused:
            next(stub.StreamAggregatedResources(iter([request]), timeout=30))
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        daemon.put("node-2", {"resources": [cluster("small")]})
        assert names(other.next()) == {"small"}
    response = ask(daemon)
    assert len(response.resources) == 6 and response.ByteSize() > 6 << 20


def test_versions(daemon: Snapshotd) -> None:
    resources = [cluster("a"), {"@type": LISTENER, "name": "l"}]
    by_content = daemon.put("node-1", {"resources": resources})["types"]
    assert len({kept["version"] for kept in by_content.values()}) == 2
    assert daemon.put("node-1", {"resources": resources})["types"] == by_content
    types = daemon.put("node-1", {"version": "v7", "versions": {LISTENER: "l9"}, "resources": resources})["types"]
    assert {type_url: kept["version"] for type_url, kept in types.items()} == {CLUSTER: "v7", LISTENER: "l9"}
    assert ask(daemon).version_info == "v7"
    assert ask(daemon, type_url=LISTENER).version_info == "l9"


def test_null_is_as_good_as_nothing(daemon: Snapshotd) -> None:
    body = {"version": None, "versions": None, "ttls": None, "aliases": None, "resources": None, "resources_b64": None}
    assert daemon.put("node-1", body) == daemon.put("node-1", {}) == {"node": "node-1", "types": {}}
    daemon.put("node-1", {"ttls": {}})


def test_each_node_has_its_own_and_a_star_is_for_the_rest(daemon: Snapshotd) -> None:
    daemon.put("*", {"resources": [cluster("rest")]})
    daemon.put("node-1", {"resources": [cluster("one")]})
    assert names(ask(daemon, "node-1")) == {"one"}
    assert names(ask(daemon, "node-2")) == {"rest"}
    assert names(ask(daemon, "")) == {"rest"}


def test_the_node_in_the_path_is_percent_encoded(daemon: Snapshotd) -> None:
    name = "a/b ?%+ü"
    assert daemon.put(name, {"resources": [cluster("odd")]})["node"] == name
    assert names(ask(daemon, name)) == {"odd"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "no node"),
        ("a%", "two hexadecimal digits"),
        ("a%2", "two hexadecimal digits"),
        ("a%zz", "two hexadecimal digits"),
        ("a%00b", "NUL"),
        ("%ff", "not UTF-8"),
        ("n" * 256, "longer than 255"),
    ],
)
def test_a_node_that_cannot_be(daemon: Snapshotd, path: str, reason: str) -> None:
    for method in ("PUT", "DELETE"):
        status, text = daemon.ask(method, "/snapshot/" + path, "{}")
        assert status == 400 and reason in text


def test_a_node_name_may_have_255_bytes(daemon: Snapshotd) -> None:
    daemon.put("n" * 255, {"resources": [cluster("long")]})
    assert names(ask(daemon, "n" * 255)) == {"long"}


def test_a_change_reaches_open_streams(daemon: Snapshotd) -> None:
    daemon.put("node-1", {"resources": [cluster("a")]})
    with Stream(daemon.address) as sotw, Stream(daemon.address, delta=True) as delta:
        for stream in (sotw, delta):
            stream.ask()
            stream.ack(stream.next())
        daemon.put("node-1", {"resources": [cluster("b")]})
        assert names(sotw.next()) == {"b"}
        change = delta.next()
        assert [resource.name for resource in change.resources] == ["b"]
        assert list(change.removed_resources) == ["a"]


# ---- forgetting them ----


def test_delete_leaves_open_streams_alone(daemon: Snapshotd) -> None:
    daemon.put("node-1", {"resources": [cluster("a")]})
    with Stream(daemon.address) as stream:
        stream.ask()
        stream.ack(stream.next())
        since = daemon.last()
        assert daemon.delete("node-1") == 200
        assert daemon.delete("node-1") == 404
        with Stream(daemon.address) as other:
            other.ask()
            daemon.wait_log("the other's request", lambda log: [line for line in log if line["kind"] == "req"], since)
            daemon.put("node-1", {"resources": [cluster("b")]})
            assert names(other.next()) == names(stream.next()) == {"b"}
        responses = [line for line in daemon.log(since) if line["kind"] == "resp"]
        assert [line["msg"]["resources"][0]["name"] for line in responses] == ["b", "b"]


# ---- refusing ----

TWICE = '{"resources": [\n  %s,\n  %s]}' % (('{"@type": "' + CLUSTER + '", "name": "c"}',) * 2)


@pytest.mark.parametrize(
    ("body", "line", "column", "reason"),
    [
        ("", 1, 1, ""),
        ("{", 1, 2, ""),
        ('{"resources": [],}', 1, 18, ""),
        ("[]", 1, 1, "not an object"),
        ("\n 7", 2, 2, "not an object"),
        ('{"a": 1}', 1, 2, 'unknown field "a"; there are version, versions, ttls, aliases, resources, resources_b64'),
        ('{"version": "1",\n "version": "2"}', 2, 2, ""),
        ('{"version": 1}', 1, 13, "a version is a text"),
        ('{"version": ""}', 1, 13, "1 to 255 bytes"),
        ('{"version": "%s"}' % ("v" * 256), 1, 13, "1 to 255 bytes"),
        ('{"versions": []}', 1, 14, "not an object of type URLs"),
        ('{"versions": {"%s": 3}}' % CLUSTER, 1, 16 + len(CLUSTER) + 3, "a version is a text"),
        ('{"versions": {"x/nope": "1"}}', 1, 15, "no type of the Envoy v3 API"),
        ('{"ttls": {"x/nope": 5}}', 1, 11, '"x/nope" is no type of the Envoy v3 API'),
        ('{"ttls": {"%s": "5"}}' % CLUSTER, 1, 12 + len(CLUSTER) + 3, "a number of seconds, 1 to 4294967"),
        ('{"ttls": {"%s": null}}' % CLUSTER, 1, 12 + len(CLUSTER) + 3, "a number of seconds"),
        ('{"ttls": {"%s": 0.999}}' % CLUSTER, 1, 12 + len(CLUSTER) + 3, "a number of seconds"),
        ('{"ttls": {"%s": -5}}' % CLUSTER, 1, 12 + len(CLUSTER) + 3, "a number of seconds"),
        ('{"ttls": {"%s": 4294968}}' % CLUSTER, 1, 12 + len(CLUSTER) + 3, "a number of seconds"),
        ('{"ttls": {"%s": 1e999}}' % CLUSTER, 1, 12 + len(CLUSTER) + 3, "a number of seconds"),
        ('{"ttls": 5}', 1, 10, "not an object"),
        ('{"aliases": 5}', 1, 13, "not an object"),
        ('{"aliases": {"x/nope": {}}}', 1, 14, '"x/nope" is no type of the Envoy v3 API'),
        ('{"aliases": {"%s": {"a": 5}}}' % CLUSTER, 1, 15 + len(CLUSTER) + 9, "not a list of aliases"),
        ('{"aliases": {"%s": {"a": [5]}}}' % CLUSTER, 1, 15 + len(CLUSTER) + 10, "an alias is a text"),
        ('{"resources": {}}', 1, 15, "not a list"),
        ('{"resources": [\n  7]}', 2, 3, ""),
        ('{"resources": [{"@type": "type.googleapis.com/no.Such", "name": "n"}]}', 1, 26, "no.Such"),
        ('{"resources": [\n {"@type": "%s", "name": "c",\n  "nam": 1}]}' % CLUSTER, 3, 3, "did you mean `name`?"),
        ('{"resources": [\n {"@type": "%s"}]}' % CLUSTER, 2, 2, "needs a `name`"),
        (TWICE, 2, 3, '"c" of type ' + CLUSTER + " is there twice"),
        ('{"resources_b64": 1}', 1, 19, "not a list"),
        ('{"resources_b64": [1]}', 1, 20, "not an object with type_url and value"),
        ('{"resources_b64": [{"type_url": "%s"}]}' % CLUSTER, 1, 20, 'needs "value"'),
        ('{"resources_b64": [{"type_url": 1, "value": ""}]}', 1, 33, 'needs "type_url"'),
        ('{"resources_b64": [{"type_url": "a/no.Such", "value": "CgFj"}]}', 1, 33, "no type of the Envoy v3 API"),
        ('{"resources_b64": [{"type_url": "%s\\u0000", "value": "CgFj"}]}' % CLUSTER, 1, 33, "no type of the Envoy"),
        ('{"resources_b64": [{"type_url": "%s", "value": "CgNhAGI="}]}' % CLUSTER, 1, 46 + len(CLUSTER), "says no name"),
        ('{"resources_b64": [{"value\\u0000": "", "type_url": "%s", "value": "CgFj"}]}' % CLUSTER, 1, 21, 'field "value"'),
        ('{"version\\u0000": "1"}', 1, 2, 'unknown field "version"'),
        ('{"versions": {"%s\\u0000": "1"}}' % CLUSTER, 1, 15, "no type of the Envoy v3 API"),
        ('{"resources_b64": [{"b": 1, "type_url": "%s", "value": "CgFj"}]}' % CLUSTER, 1, 21, 'unknown field "b"'),
        ('{"resources_b64": [{"type_url": "%s",\n"value": "CgF"}]}' % CLUSTER, 2, 10, "not base64"),
        ('{"resources_b64": [{"type_url": "%s",\n"value": "Cg=j"}]}' % CLUSTER, 2, 10, "not base64"),
        ('{"resources_b64": [{"type_url": "%s",\n"value": "Cg-j"}]}' % CLUSTER, 2, 10, "not base64"),
        ('{"resources_b64": [{"type_url": "%s",\n"value": "Ch=="}]}' % CLUSTER, 2, 10, "not base64"),
        ('{"resources_b64": [{"type_url": "%s",\n"value": "Cg=="}]}' % CLUSTER, 2, 10, ""),
        ('{"resources_b64": [{"type_url": "%s",\n"value": ""}]}' % CLUSTER, 2, 10, "says no name"),
    ],
)
def test_a_bad_body_is_refused_with_its_place(
    daemon: Snapshotd, body: str, line: int, column: int, reason: str
) -> None:
    daemon.put("node-1", {"resources": [cluster("old")]})
    before = daemon.status()["snapshots"]
    errors = daemon.refused(body)
    assert [(error["line"], error["column"]) for error in errors] == [(line, column)], errors
    assert reason in errors[0]["message"] and errors[0]["message"]
    assert daemon.status()["snapshots"] == before
    assert names(ask(daemon)) == {"old"}


def test_every_fault_is_told_up_to_a_hundred(daemon: Snapshotd) -> None:
    errors = daemon.refused({"a": 1, "b": 2, "resources": [{"@type": CLUSTER, "name": "c", "x": 1}]})
    assert [error["message"].split()[0] for error in errors] == ["unknown", "unknown", "`x`"]
    errors = daemon.refused({"resources": [7] * 150})
    assert len(errors) == 101
    assert errors[-1] == {"message": "and 50 more"}


def test_a_body_that_is_too_large(daemon: Snapshotd) -> None:
    with socket.create_connection(("127.0.0.1", daemon.http_port), timeout=15) as connection:
        connection.sendall(b"PUT /snapshot/a HTTP/1.1\r\nHost: a\r\nContent-Length: 67108865\r\n\r\n")  # and no body
        assert b" 413 " in connection.makefile("rb").readline()
    assert daemon.refused(iter([b" " * (1 << 20)] * 65), 413)[0]["message"] == "the body is larger than 64 MiB"
    daemon.put("node-1", " " * (1 << 20) + "{}")


def test_bodies_that_are_too_large_together(daemon: Snapshotd) -> None:
    large = b" " * (40 << 20) + b"{}"
    start = b"PUT /snapshot/a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (64 << 20)
    held = [socket.create_connection(("127.0.0.1", daemon.http_port), timeout=15) for _ in range(2)]
    for connection in held:
        connection.sendall(start + b" " * (63 << 20))
    assert "larger than 128 MiB" in daemon.refused(large, 503)[0]["message"]
    daemon.put("node-1", {})  # a small one is still taken
    for connection in held:
        connection.close()
    wait_for("room for another", lambda: daemon.ask("PUT", "/snapshot/a", large)[0] == 200)


def test_paths_methods_and_arguments(daemon: Snapshotd) -> None:
    assert daemon.ask("GET", "/")[0] == 404
    assert daemon.ask("GET", "/status/")[0] == 404
    assert daemon.ask("PUT", "/snapshot", "{}")[0] == 404
    assert daemon.ask("POST", "/status", "")[0] == 405
    assert daemon.ask("GET", "/snapshot/a")[0] == 405
    assert daemon.ask("HEAD", "/status") == (200, "")
    for path in ("/status?a", "/log?sinc=1", "/log?since=1&since=2", "/log?since=", "/log?since=-1", "/log?since=1x"):
        assert daemon.ask("GET", path)[0] == 400, path
    assert daemon.ask("PUT", "/snapshot/a?version=1", "{}")[0] == 400


# ---- telling ----


@pytest.mark.parametrize("delta", [False, True], ids=["sotw", "delta"])
def test_log_has_what_passed(daemon: Snapshotd, delta: bool) -> None:
    daemon.put("node-1", {"version": "1", "resources": [cluster("a")]})
    since = daemon.last()
    with Stream(daemon.address, delta=delta) as stream:
        stream.ask()
        first = stream.next()
        stream.ack(first)
        daemon.wait_log("the ACK", lambda lines: len(lines) == 4, since)
        refusal = status_pb2.Status(code=3, message="no")
        daemon.put("node-1", {"version": "2", "resources": [cluster("b")]})
        second = stream.next()
        stream.ask(CLUSTER, None, response_nonce=second.nonce, error_detail=refusal)
        daemon.wait_log("the refusal", lambda lines: len(lines) == 6, since)
    lines = daemon.wait_log("the end", lambda found: found if found[-1]["kind"] == "close" else None, since)
    kinds = ["dreq", "dresp"] if delta else ["req", "resp"]
    assert [line["kind"] for line in lines] == ["open", *kinds, kinds[0], kinds[1], kinds[0], "close"]
    assert [line["seq"] for line in lines] == list(range(since + 1, since + 8))
    assert len({line["stream"] for line in lines}) == 1
    assert lines[0]["msg"]["peer"].startswith("ipv4:127.0.0.1:") and lines[0]["msg"]["typeUrl"] == ""
    assert lines[-1]["msg"]["node"] == "node-1"
    messages = [json_format.ParseDict(line["msg"], MESSAGES[line["kind"]]()) for line in lines[1:-1]]
    assert messages[1] == first and messages[3] == second
    assert messages[0].node.id == "node-1" and messages[2].response_nonce == first.nonce
    assert messages[4].error_detail == refusal


def test_log_of_what_is_no_message(daemon: Snapshotd) -> None:
    since = daemon.last()
    with grpc.insecure_channel(daemon.address) as channel:
        method = channel.stream_stream(SOTW, request_serializer=bytes, response_deserializer=bytes)
        assert method(iter([b"\xff\xff"]), timeout=15).code() is grpc.StatusCode.INVALID_ARGUMENT
    lines = daemon.wait_log("the end", lambda found: found if found[-1]["kind"] == "close" else None, since)
    assert [line["kind"] for line in lines] == ["open", "req", "close"]
    assert lines[1]["msg"]["hex"] == "ffff" and lines[1]["msg"]["size"] == 2


def test_log_since(daemon: Snapshotd) -> None:
    daemon.put("node-1", {"resources": [cluster("a")]})
    ask(daemon)
    wait_for("the stream's end", lambda: daemon.status()["streams"] == [])
    last = daemon.last()
    assert [line["seq"] for line in daemon.log(last - 1)] == [last]
    assert daemon.log(last) == daemon.log(last + 1000) == []
    whole = daemon.ask("GET", "/log")[1]
    assert len(whole.splitlines()) == last


def test_log_drops_the_oldest_and_says_so(tmp_path: Path) -> None:
    daemon = Snapshotd(tmp_path)
    big = cluster_pb2.Cluster(name="c", alt_stat_name="x" * (11 << 20))
    daemon.put("*", {"resources_b64": [packed(CLUSTER, big)]})
    for _ in range(6):  # the log keeps 64 MiB
        ask(daemon)
    wait_for("the last stream's end", lambda: daemon.status()["streams"] == [])
    status = daemon.status()["log"]
    assert status["first"] > 1
    lost, *rest = daemon.log(1)
    assert (lost["kind"], lost["seq"], lost["msg"]) == ("lost", status["first"] - 1, {"lines": status["first"] - 2})
    assert [line["seq"] for line in rest] == list(range(status["first"], status["last"] + 1))
    daemon.close()


def test_status_has_snapshots_and_streams(daemon: Snapshotd) -> None:
    daemon.put("node-1", {"version": "1", "resources": [cluster("a")]})
    daemon.put("*", {"version": "s", "resources": [cluster("a"), cluster("b")]})
    with Stream(daemon.address) as stream:
        stream.ask()
        stream.ack(stream.next())
        found = wait_for("the ACK", lambda: [s for s in daemon.status()["streams"] if "acked" in s["types"][CLUSTER]])
        (told,) = found
        assert (told["node"], told["group"], told["transport"], told["variant"]) == ("node-1", "node-1", "plaintext", "sotw")
        assert (told["types"][CLUSTER]["sent"], told["types"][CLUSTER]["acked"]) == ("1", "1")
        assert "nacked" not in told["types"][CLUSTER]
        daemon.put("node-1", {"version": "2", "resources": [cluster("b")]})
        second = stream.next()
        stream.ask(CLUSTER, None, response_nonce=second.nonce, error_detail=status_pb2.Status(code=3, message="no"))
        told = {"acked": "1", "nacked": "2", "why": "no", "code": 3, "wildcard": True, "names": [], "inFlight": False}
        wait_for("the refusal", lambda: daemon.status()["streams"][0]["types"][CLUSTER].items() >= told.items())
    snapshots = daemon.status()["snapshots"]
    assert snapshots == [
        {"node": "*", "types": {CLUSTER: {"version": "s", "resources": 2}}},
        {"node": "node-1", "types": {CLUSTER: {"version": "2", "resources": 1}}},
    ]
    wait_for("the stream's end", lambda: daemon.status()["streams"] == [])


def metrics_of(daemon: Snapshotd) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    status, text = daemon.ask("GET", "/metrics")
    assert status == 200
    families = text_string_to_metric_families(text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_metrics_are_what_prometheus_reads(daemon: Snapshotd) -> None:
    by_cluster = (("type", CLUSTER),)
    grown = {
        ("egress_streams_opened_total", ()): 1,
        ("egress_requests_total", by_cluster): 2,
        ("egress_responses_total", by_cluster): 1,
        ("egress_acks_total", by_cluster): 1,
        ("egress_nacks_total", by_cluster): 0,
        ("egress_ack_latency_seconds_count", by_cluster): 1,
        ("egress_ack_latency_seconds_bucket", (("le", "60.000"), *by_cluster)): 1,
    }
    daemon.put("*", {"version": "1", "resources": [cluster("a")]})
    wait_for("the end of all streams", lambda: metrics_of(daemon)["egress_streams", ()] == 0)
    before = metrics_of(daemon)
    with Stream(daemon.address) as stream:
        stream.ask()
        stream.ack(stream.next())
        wait_for("the ACK", lambda: {key: metrics_of(daemon)[key] - before[key] for key in grown} == grown)
        now = metrics_of(daemon)
        assert now["egress_streams", ()] == now["egress_subscribed_streams", by_cluster] == 1


# ---- the process ----


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([build.snapshotd(), *arguments], capture_output=True, text=True, timeout=30, check=False)


def test_help_and_version() -> None:
    assert "PUT /snapshot/NODE" in run("--help").stdout
    assert run("--version").stdout.startswith("snapshotd ")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--http", "0.0.0.0:0"), "nothing asks who they are"),
        (("--xds", "0.0.0.0:0"), "read any snapshot"),
        (("--http", "unix:/tmp/x"), "write ADDRESS:PORT"),
        (("--http", "localhost:0"), "does not begin with an address"),
        (("--htp", "127.0.0.1:0"), "no such option"),
        (("stray",), "one argument too many"),
    ],
)
def test_a_bad_command_line_ends_it_with_2(arguments: tuple[str, ...], reason: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2 and reason in done.stderr


def test_an_address_in_use_ends_it_with_1(daemon: Snapshotd) -> None:
    done = run("--xds", "127.0.0.1:0", "--http", f"127.0.0.1:{daemon.http_port}")
    assert done.returncode == 1 and "in use" in done.stderr
    done = run("--xds", daemon.address, "--http", "127.0.0.1:0")
    assert done.returncode == 1 and "another program listens" in done.stderr


def test_insecure_allows_any_address(tmp_path: Path) -> None:
    daemon = Snapshotd(tmp_path, "--insecure")
    daemon.put("*", {})
    daemon.close()


def test_the_commands_of_its_page(daemon: Snapshotd, tmp_path: Path) -> None:
    page = (build.PROJECT / "docs" / "snapshotd.md").read_text()
    start, *commands = page.partition("```sh\n")[2].partition("```\n")[0].split("\n\n")
    assert start.startswith("snapshotd --xds 127.0.0.1:18000 --http 127.0.0.1:18001")
    script = "\n".join(commands).replace("127.0.0.1:18001", f"127.0.0.1:{daemon.http_port}")
    script = "set -e\ncurl() { command curl -sS --fail-with-body -m 15 \"$@\"; }\n" + script
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = '{"node": "envoy-1", "types": {"%s": {"version": "1", "resources": 1}}}\n' % CLUSTER
    assert done.stdout.startswith(kept + '{"snapshots": [\n  ' + kept.strip())
    assert done.stdout.endswith(kept)
