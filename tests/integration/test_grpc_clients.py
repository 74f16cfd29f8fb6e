"""
The clients of gRPC (Python and C++ by grpcio, Go, Node.js) under snapshotd: as proxyless clients, which call a service
whose backends they learn over xDS, and as servers that learn over xDS what to serve. What a client has is judged by
who answers a call, and by its own client status (CSDS); what was sent, by the log.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from harness import program
from harness.ports import ReservedPort
from harness.program import Program, backend
from harness.relay import Relay
from harness.service import (
    SERVICE,
    bad_cluster,
    bad_endpoints,
    bad_listener,
    bad_routes,
    bad_server_listener,
    cluster,
    endpoints,
    listener,
    routes,
    server_listener,
    server_routes,
)
from harness.snapshotd import Line, Snapshotd
from harness.waiting import wait_for
from harness.whole import CLUSTER, ENDPOINT, LISTENER, ROUTE

KINDS = tuple(program.COMMANDS)
# grpc-js 1.14.1 keeps a resource that was removed, and takes no notice when the very same comes again.
WANTS_OTHER = "grpc-js"
# grpc-go 1.85.0 takes over routes a moment before the clusters that they lead to; a call in between fails.
ROUTES_FIRST = "unknown cluster selected for RPC"
CHANGES = 1000 if os.environ.get("EGRESS_LONG") else 40
TYPES = {CLUSTER, ENDPOINT, LISTENER, ROUTE}


class Running:
    """A program under its own snapshotd, and two backends."""

    def __init__(self, folder: Path, kind: str, ports: dict[str, int]) -> None:
        self.ports = ports
        self.daemon = Snapshotd(folder)
        self.relay = Relay(self.daemon.xds_port)
        try:
            self.program = Program(folder, kind, f"127.0.0.1:{self.relay.port}")
        except BaseException:
            self.relay.close()
            self.daemon.close()
            raise
        self.given: list[Any] = []

    def close(self) -> None:
        try:
            self.program.close()
        finally:
            self.relay.close()
            self.daemon.close()

    def put(self, *resources: Any) -> int:
        """Gives the program these; returns the number of the log's last line before."""
        since = self.daemon.last()
        self.daemon.put(self.program.node, {"resources": list(resources)})
        self.given = list(resources)
        return since

    def simple(self, to: str) -> list[Any]:
        return [listener(), routes(), cluster(), endpoints(self.ports[to])]

    def call(self) -> str:
        return self.program.call(SERVICE)

    def wait_answer(self, wanted: str, meanwhile: set[str]) -> None:
        """Calls until ``wanted`` answers; before that only one of ``meanwhile`` may ("": nobody)."""

        def look() -> bool:
            answer = self.call()
            assert answer in meanwhile | {wanted} or ROUTES_FIRST in self.program.error, self.program.error
            return answer == wanted

        wait_for(f"an answer by {wanted!r}", look, 15)

    def use(self, to: str) -> None:
        self.put(*self.simple(to))
        self.wait_answer(to, {"", "one", "two"})

    def versions(self) -> dict[str, str]:
        """By type what snapshotd serves."""
        (snapshot,) = self.daemon.status()["snapshots"]
        return {type_url: held["version"] for type_url, held in snapshot["types"].items()}

    def wait_has(self, type_url: str, name: str, status: str) -> program.Resource:
        """What the program has of a resource, once all in it that asked for that are at ``status``."""

        def look() -> program.Resource | None:
            found = self.program.has().get((type_url, name), set())
            return next(iter(found)) if {part.status for part in found} == {status} else None

        return wait_for(f"{name}: {status}; now: {self.program.has()}", look, 15)

    def wait_held(self, names: dict[str, str]) -> None:
        """Waits until the program says that it uses the newest content that it was given of these, by type."""
        versions = self.versions()

        def look() -> bool:
            held = self.program.has()
            return all(
                {(part.status, part.version) for part in held.get((type_url, name), ())}
                == {("ACKED", versions[type_url])}
                for type_url, name in names.items()
            )

        wait_for(f"{versions} of {names}", look, 15)

    def messages(self, since: int, kind: str, type_url: str) -> list[Line]:
        lines = self.daemon.log(since)
        return [line["msg"] for line in lines if line["kind"] == kind and line["msg"]["typeUrl"] == type_url]

    def refusals(self, since: int) -> list[Line]:
        return [line["msg"] for line in self.daemon.log(since) if "errorDetail" in line["msg"]]

    def wait_accepted(self, since: int, types: set[str]) -> None:
        """Waits until the log has an ACK of what is served of each type."""
        versions = self.versions()

        def look(lines: list[Line]) -> bool:
            asked = [line["msg"] for line in lines if line["kind"] == "req" and "responseNonce" in line["msg"]]
            told = {(msg["typeUrl"], msg.get("versionInfo")) for msg in asked if "errorDetail" not in msg}
            return {(type_url, versions[type_url]) for type_url in types} <= told

        self.daemon.wait_log(f"ACKs of {types}", look, since)


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    with backend("one") as one, backend("two") as two:
        yield {"one": one, "two": two}


@pytest.fixture(scope="module", params=[kind for kind in KINDS if not program.absent(kind)])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("name", KINDS)
def test_the_client_can_be_run(name: str) -> None:
    """So that a client that is not there is one test skipped, not all of them."""
    if reason := program.absent(name):
        pytest.skip(reason)
    assert program.NEEDED[name].exists()


@pytest.fixture(scope="module")
def running(kind: str, ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp(kind), kind, ports)
    yield made
    made.close()


@pytest.fixture
def client(running: Running) -> Running:
    """Calls are answered by ``one``, whatever a test before did."""
    running.use("one")
    return running


SIMPLE = {LISTENER: SERVICE, ROUTE: "routes", CLUSTER: "backend", ENDPOINT: "endpoints"}


def test_first_configuration(client: Running) -> None:
    client.wait_held(SIMPLE)


def second(client: Running) -> list[Any]:
    """What leads to ``two``, beside what leads to ``one``."""
    return [*client.simple("one"), cluster("endpoints-2", "backend-2"), endpoints(client.ports["two"], "endpoints-2")]


def changed(client: Running, part: str) -> list[Any]:
    if part == "endpoints":
        return client.simple("two")
    lists = {
        "cluster": [*second(client)[:2], cluster("endpoints-2"), *second(client)[3:]],
        "routes": [listener(), routes("backend-2"), *second(client)[2:]],
        "listener": [listener("routes-2"), routes(), routes("backend-2", "routes-2"), *second(client)[2:]],
    }
    return lists[part]


@pytest.mark.parametrize("part", ["endpoints", "cluster", "routes", "listener"])
def test_a_change_of_one_type(client: Running, part: str) -> None:
    since = client.put(*changed(client, part))
    client.wait_answer("two", {"one"})  # no call fails
    assert client.refusals(since) == []


def test_many_changes(client: Running) -> None:
    """As fast as they can be made: the last is what counts."""
    since = client.daemon.last()
    for turn in range(CHANGES):
        client.put(*client.simple("two" if turn % 2 else "one"))
        assert client.call() in ("one", "two")
    client.put(*client.simple("two"), routes(name="not-asked-for"))
    client.wait_answer("two", {"one"})
    client.wait_held({ENDPOINT: "endpoints"})
    assert client.refusals(since) == []
    assert len(client.messages(since, "resp", ENDPOINT)) <= CHANGES + 1


def test_routes_and_endpoints_that_are_absent_are_kept(client: Running) -> None:
    """c59: a changed cluster waits for its endpoints, so those that are kept for it are told once more."""
    client.wait_accepted(0, TYPES)
    told = client.messages(0, "resp", ENDPOINT)[-1]["resources"]
    since = client.put(listener(), {**cluster(), "connect_timeout": "3s"})
    client.wait_accepted(since, {CLUSTER})
    assert client.call() == "one"
    assert client.messages(since, "resp", ROUTE) == []
    assert [msg["resources"] for msg in client.messages(since, "resp", ENDPOINT)] == [told]


def test_c62_c64_resources_with_a_time_to_live(client: Running) -> None:
    """None of these clients says that it knows of such times: they get the resources as they are."""
    since = client.daemon.last()
    ttls = {type_url: 600 for type_url in TYPES}
    client.daemon.put(client.program.node, {"resources": client.simple("two"), "ttls": ttls})
    client.wait_answer("two", {"one"})
    client.wait_held({ENDPOINT: "endpoints"})
    assert client.refusals(since) == []


@pytest.mark.parametrize("part", ["cluster", "listener"])
def test_removal_and_return(client: Running, part: str) -> None:
    gone = {"cluster": (CLUSTER, "backend"), "listener": (LISTENER, SERVICE)}[part]
    since = client.put(*[made for made in client.simple("one") if made["@type"] != gone[0]])
    client.wait_answer("", {"one"})
    client.wait_has(*gone, "DOES_NOT_EXIST")
    again = client.simple("one")
    if client.program.kind == WANTS_OTHER:
        again = [listener("routes-2"), routes(name="routes-2")]
        again += [cluster("other"), endpoints(client.ports["one"], "other")]
    client.put(*again)
    client.wait_answer("one", {""})
    client.wait_has(*gone, "ACKED")
    assert client.refusals(since) == []


def test_a_bad_resource_then_a_good_one(running: Running) -> None:
    running.use("one")
    since = running.put(listener(), routes(), bad_cluster(), endpoints(running.ports["one"]))
    refused = running.wait_has(CLUSTER, "backend", "NACKED")
    assert refused.error
    (refusal,) = running.daemon.wait_log("the refusal", lambda _: running.refusals(since), since)
    assert refusal["typeUrl"] == CLUSTER and refusal["errorDetail"]["message"]
    assert running.call() == "one"
    # A change of another type is taken; the refused content is not sent again.
    running.put(listener(), routes(), bad_cluster(), endpoints(running.ports["two"]))
    running.wait_answer("two", {"one"})
    assert len(running.messages(since, "resp", CLUSTER)) == len(running.refusals(since)) == 1
    running.put(listener(), routes(), cluster("endpoints-2"), endpoints(running.ports["one"], "endpoints-2"))
    running.wait_answer("one", {"two"})
    running.wait_held({CLUSTER: "backend"})
    assert len(running.messages(since, "resp", CLUSTER)) == 2 and len(running.refusals(since)) == 1


@pytest.mark.parametrize("part", ["endpoints", "routes", "listener"])
def test_a_bad_resource_of_each_other_type_then_a_good_one(client: Running, part: str) -> None:
    client.wait_held(SIMPLE)
    bad = {"endpoints": bad_endpoints(client.ports["two"]), "routes": bad_routes(), "listener": bad_listener()}[part]
    since = client.put(bad, *[made for made in client.simple("one") if made["@type"] != bad["@type"]])
    assert client.wait_has(bad["@type"], SIMPLE[bad["@type"]], "NACKED").error
    assert client.call() == "one"
    client.put(*changed(client, part))
    client.wait_answer("two", {"one"})
    client.wait_held({bad["@type"]: SIMPLE[bad["@type"]]})
    assert [refusal["typeUrl"] for refusal in client.refusals(since)] == [bad["@type"]]


@pytest.mark.parametrize("restart", [True, False], ids=["restart", "reconnect"])
def test_c8_c10_c24_control_plane_is_away_and_nothing_changed(client: Running, restart: bool) -> None:
    """It starts again, and knows nothing of before; or the connection breaks, and it goes on."""
    client.wait_held(SIMPLE)
    before = client.program.has()
    since = 0 if restart else client.daemon.last()
    if restart:
        assert client.daemon.child.end() == 0
        assert client.call() == "one"  # also without a control plane
        client.daemon.start()
        client.put(*client.given)
    else:
        client.relay.cut()
    client.wait_accepted(since, TYPES)
    assert client.refusals(since) == []
    for type_url in TYPES:  # the same content has the same version, in another process, too
        told = {msg["versionInfo"] for msg in client.messages(since, "resp", type_url)}
        assert told == {client.versions()[type_url]}
    assert client.program.has() == before
    assert client.call() == "one"


def test_control_plane_that_comes_back_with_something_else(client: Running) -> None:
    client.daemon.restart()
    assert client.call() == "one"
    client.put(*changed(client, "listener"))
    client.wait_answer("two", {"one"})


def test_c5_c7_c43_c61_two_services_each_by_the_names_that_it_needs(client: Running) -> None:
    """On a stream for each service, or on one for both: nothing that was not asked for, and nothing twice."""
    own = [
        listener("other-routes", "other.egress.test"),
        routes("other-backend", "other-routes"),
        cluster("other-endpoints", "other-backend"),
        endpoints(client.ports["two"], "other-endpoints"),
    ]
    since = client.put(*client.simple("one"), *own)
    assert client.program.call("other.egress.test") == "two"
    assert client.call() == "one"
    asked: dict[tuple[int, str], set[str]] = {}
    for line in client.daemon.log():
        if line["kind"] not in ("req", "resp"):
            continue
        key = line["stream"], line["msg"]["typeUrl"]
        if line["kind"] == "req":
            asked.setdefault(key, set()).update(line["msg"].get("resourceNames", []))
        elif line["seq"] > since:
            sent = [part.get("name") or part["clusterName"] for part in line["msg"]["resources"]]
            assert len(sent) == len(set(sent)) and set(sent) <= asked[key]
    assert {SERVICE, "other.egress.test"} <= set().union(*asked.values())


# ---- as servers ----


class Serving(Running):
    """The program's own server; it has a method ``Who`` and a method ``Else``."""

    def __init__(self, folder: Path, kind: str) -> None:
        super().__init__(folder, kind, {})
        self.reserved = ReservedPort()
        self.port = self.reserved.port
        self.name = server_listener(self.port)["name"]
        self.put(*self.answering("Who"))
        at_once = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 100)]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}", at_once)
        self.program.serve(self.port)

    def close(self) -> None:
        self.channel.close()
        super().close()
        self.reserved.release()

    def answering(self, method: str) -> list[Any]:
        """Configuration by which the server answers one of its methods."""
        return [server_listener(self.port), server_routes(method)]

    def answers(self) -> set[str]:
        """The methods that the server answers."""
        self.program.check()

        def answered(method: str) -> bool:
            try:
                return self.channel.unary_unary("/egress.Test/" + method)(b"", timeout=10) == self.program.kind.encode()
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE, error
                return False

        return {method for method in ("Who", "Else") if answered(method)}

    def wait_answers(self, *methods: str) -> None:
        wait_for(f"answers to {methods}", lambda: self.answers() == set(methods), 15)


@pytest.fixture(scope="module")
def serving(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    made = Serving(tmp_path_factory.mktemp(kind + "-server"), kind)
    yield made
    made.close()


@pytest.fixture
def server(serving: Serving) -> Serving:
    """Answers ``Who``, whatever a test before did."""
    serving.put(*serving.answering("Who"))
    serving.wait_answers("Who")
    return serving


def test_c83_a_server_by_its_address(server: Serving) -> None:
    server.wait_held({LISTENER: server.name, ROUTE: "server-routes"})
    assert server.name.startswith("grpc/server?xds.resource.listening_address=127.0.0.1:")
    assert any(server.name in msg["resourceNames"] for msg in server.messages(0, "req", LISTENER))


def test_server_change_of_routes(server: Serving) -> None:
    since = server.put(*server.answering("Else"))
    server.wait_answers("Else")
    server.wait_held({LISTENER: server.name, ROUTE: "server-routes"})
    assert server.refusals(since) == []


def test_server_change_of_the_listener(server: Serving) -> None:
    since = server.put(server_listener(server.port, "other-routes"), server_routes("Else", "other-routes"))
    server.wait_answers("Else")
    server.wait_held({LISTENER: server.name, ROUTE: "other-routes"})
    assert server.refusals(since) == []


def test_server_removal_and_return(server: Serving) -> None:
    since = server.put(server_routes("Who"))
    server.wait_answers()
    server.wait_has(LISTENER, server.name, "DOES_NOT_EXIST")
    routes_name = "returned-routes" if server.program.kind == WANTS_OTHER else "server-routes"
    server.put(server_listener(server.port, routes_name), server_routes("Who", routes_name))
    server.wait_answers("Who")
    server.wait_held({LISTENER: server.name, ROUTE: routes_name})
    assert server.refusals(since) == []


def test_server_keeps_routes_that_are_absent(server: Serving) -> None:
    """c46: state of the world has no word for it. They return as they were, and change."""
    server.wait_held({LISTENER: server.name, ROUTE: "server-routes"})
    before = server.program.has()
    since = server.put({**server_listener(server.port), "stat_prefix": "other"})
    server.wait_accepted(since, {LISTENER})
    assert server.answers() == {"Who"}
    assert server.program.has()[ROUTE, "server-routes"] == before[ROUTE, "server-routes"]
    assert server.messages(since, "resp", ROUTE) == []
    since = server.put(*server.answering("Who"))
    server.wait_accepted(since, {ROUTE})
    assert server.program.has()[ROUTE, "server-routes"] == before[ROUTE, "server-routes"]
    server.put(*server.answering("Else"))
    server.wait_answers("Else")
    server.wait_held({ROUTE: "server-routes"})
    assert server.refusals(since) == []


def test_server_with_a_bad_listener_then_a_good_one(serving: Serving) -> None:
    serving.put(*serving.answering("Who"))
    serving.wait_answers("Who")
    since = serving.put(bad_server_listener(serving.port), server_routes("Who"))
    assert serving.wait_has(LISTENER, serving.name, "NACKED").error
    assert serving.answers() == {"Who"}
    serving.put(bad_server_listener(serving.port), server_routes("Else"))
    serving.wait_answers("Else")
    assert len(serving.messages(since, "resp", LISTENER)) == len(serving.refusals(since)) == 1
    serving.put(server_listener(serving.port, "good-routes"), server_routes("Who", "good-routes"))
    serving.wait_answers("Who")
    serving.wait_held({LISTENER: serving.name})


def test_server_with_bad_routes_then_good_ones(server: Serving) -> None:
    server.wait_held({LISTENER: server.name, ROUTE: "server-routes"})
    since = server.put(server_listener(server.port), bad_routes("server-routes"))
    assert server.wait_has(ROUTE, "server-routes", "NACKED").error
    assert server.answers() == {"Who"}
    server.put(*server.answering("Else"))
    server.wait_answers("Else")
    server.wait_held({LISTENER: server.name, ROUTE: "server-routes"})
    assert [refusal["typeUrl"] for refusal in server.refusals(since)] == [ROUTE]
    assert len(server.messages(since, "resp", ROUTE)) == 2


@pytest.mark.parametrize("restart", [True, False], ids=["restart", "reconnect"])
def test_server_and_a_control_plane_that_is_away_and_nothing_changed(server: Serving, restart: bool) -> None:
    server.wait_held({LISTENER: server.name, ROUTE: "server-routes"})
    before = server.program.has()
    since = 0 if restart else server.daemon.last()
    if restart:
        assert server.daemon.child.end() == 0
        assert server.answers() == {"Who"}
        server.daemon.start()
        server.put(*server.given)
    else:
        server.relay.cut()
    server.wait_accepted(since, {LISTENER, ROUTE})
    assert server.refusals(since) == [] and server.program.has() == before
    assert server.answers() == {"Who"}
    server.put(*server.answering("Else"))
    server.wait_answers("Else")
