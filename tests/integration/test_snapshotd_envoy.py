"""
A real Envoy under snapshotd, in state of the world and delta, aggregated and with a service for each type: seven types
at once. What Envoy has is judged by what it serves and by its own pages; what was sent, by the log.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.relay import Relay
from harness.snapshotd import Line, Snapshotd
from harness.waiting import wait_for
from harness.whole import CLUSTER, ENDPOINT, EXTENSION, LISTENER, NODE, ROUTE, RUNTIME, SECRET, TYPES, Whole

VARIANTS = {
    "sotw-aggregated": (False, True),
    "sotw-separate": (False, False),
    "delta-aggregated": (True, True),
    "delta-separate": (True, False),
}
# What a client sees, and the type that it comes by.
TYPE_OF = {
    "cluster": CLUSTER,
    "endpoints": ENDPOINT,
    "listener": LISTENER,
    "routes": ROUTE,
    "extension": EXTENSION,
    "secret": SECRET,
    "runtime": RUNTIME,
}
NAMES = {
    "endpoints": "backend",
    "routes": "routes",
    "extension": "mutation",
    "secret": "certificate",
    "runtime": "runtime",
}
RESPONSES = ("resp", "dresp")
REQUESTS = ("req", "dreq")


class Stack:
    """An Envoy and its snapshotd."""

    def __init__(self, folder: Path, delta: bool, aggregated: bool) -> None:
        self.delta, self.aggregated = delta, aggregated
        self.daemon = Snapshotd(folder)
        self.relay = Relay(self.daemon.xds_port)
        self.whole = Whole(folder, self.relay.port, delta, aggregated)

    def close(self) -> None:
        self.whole.close()
        self.relay.close()
        self.daemon.close()

    def put(self, resources: list[Any]) -> int:
        """Gives Envoy these; returns the number of the log's last line before."""
        since = self.daemon.last()
        self.daemon.put(NODE, {"resources": resources})
        return since

    def wait_seen(self, mark: str, **instead: str) -> None:
        expected = {part: instead.get(part, mark) for part in TYPE_OF}
        wait_for(f"{expected}; last seen: {self.whole.seen()}", lambda: self.whole.seen() == expected, 15)

    def use(self, mark: str) -> int:
        """Puts the whole configuration in force."""
        since = self.put(self.whole.resources(mark))
        self.wait_seen(mark)
        return since

    def responses(self, since: int, type_url: str) -> list[Line]:
        return [
            line for line in self.daemon.log(since) if line["kind"] in RESPONSES and line["msg"]["typeUrl"] == type_url
        ]

    def wait_settled(self, since: int) -> list[Line]:
        """The log, once every response in it was answered, or its stream is closed: its subject was removed."""

        def settled() -> list[Line] | None:
            lines = self.daemon.log(since)
            asked = {(line["stream"], line["msg"].get("responseNonce")) for line in lines if line["kind"] in REQUESTS}
            sent = {(line["stream"], line["msg"]["nonce"]) for line in lines if line["kind"] in RESPONSES}
            closed = {line["stream"] for line in lines if line["kind"] == "close"}
            return lines if all(stream in closed for stream, _ in sent - asked) else None

        return wait_for("answers to all responses", settled, 15)


@pytest.fixture(scope="module", params=VARIANTS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp(request.param), *VARIANTS[request.param])
    yield made
    made.close()


@pytest.fixture
def stack(running: Stack) -> Stack:
    """With the first configuration in force, whatever a test before did."""
    running.use("one")
    return running


def contents(lines: list[Line], type_url: str) -> list[tuple[set[str], set[str]]]:
    """Names sent and names removed by each response of a type, of delta; names sent, of state of the world."""
    found = []
    for line in lines:
        if line["kind"] in RESPONSES and line["msg"]["typeUrl"] == type_url:
            sent = line["msg"].get("resources", [])
            named = {part.get("name") or part.get("clusterName") for part in sent}
            found.append((named, set(line["msg"].get("removedResources", []))))
    return found


def identity(made: dict[str, Any]) -> tuple[str, str]:
    return made["@type"], made.get("name") or made["cluster_name"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_first_configuration(tmp_path: Path, variant: str) -> None:
    delta, aggregated = VARIANTS[variant]
    stack = Stack(tmp_path, delta, aggregated)
    try:
        stack.use("one")
        dump = stack.whole.envoy.active()
        lines = stack.wait_settled(0)
    finally:
        stack.close()
    assert {"listener main", "listener tls", "cluster backend", "route routes", "extension mutation"} <= set(dump)
    assert {line["msg"]["typeUrl"] for line in lines if line["kind"] in RESPONSES} == TYPES
    streams = {line["stream"] for line in lines if line["kind"] == "open"}
    assert len(streams) == (1 if aggregated else len(TYPES))
    assert {line["kind"] for line in lines} == ({"open", "dreq", "dresp"} if delta else {"open", "req", "resp"})


@pytest.mark.parametrize("part", TYPE_OF)
def test_a_change_of_one_type(stack: Stack, part: str) -> None:
    stack.wait_settled(0)
    since = stack.put(stack.whole.resources("one", **{part: "two"}))
    stack.wait_seen("one", **{part: "two"})
    sent = {line["msg"]["typeUrl"] for line in stack.wait_settled(since) if line["kind"] in RESPONSES}
    # A cluster that changed waits for its endpoints: these come again.
    assert sent == {TYPE_OF[part]} | ({ENDPOINT} if part == "cluster" else set())


def test_a_change_of_everything(stack: Stack) -> None:
    stack.use("two")


def test_removal_and_return(stack: Stack) -> None:
    since = stack.put([part for part in stack.whole.resources("one") if part["@type"] in (ROUTE, EXTENSION)])
    wait_for("the listener's end", lambda: stack.whole.get("/said")[0] == 0)
    wait_for("the cluster's end", lambda: "cluster backend" not in stack.whole.envoy.active())
    assert stack.whole.served_certificate() == ""
    removed = {"backend"} if stack.delta else set()
    assert (set(), removed) in contents(stack.wait_settled(since), CLUSTER)
    stack.use("one")


def check_removed(stack: Stack, parts: list[str], lost: list[str], **instead: str) -> None:
    """Parts are removed, after which a client sees the ``lost`` no more, and come back as they were."""
    stack.wait_settled(0)
    gone = {TYPE_OF[part] for part in parts}
    since = stack.put([made for made in stack.whole.resources("one", **instead) if made["@type"] not in gone])
    stack.wait_seen("one", **instead, **dict.fromkeys(lost, ""))
    lines = stack.wait_settled(since)
    for part in parts:  # c46: state of the world has no word for it
        assert contents(lines, TYPE_OF[part]) == ([(set(), {NAMES[part]})] if stack.delta else [])
    stack.use("one")
    assert not any("errorDetail" in line["msg"] for line in stack.wait_settled(since))


def test_removal_and_return_of_what_envoy_keeps(stack: Stack) -> None:
    """Also where delta tells that they are removed. The runtime shows that Envoy has the snapshot."""
    check_removed(stack, ["endpoints", "routes", "secret"], [], runtime="two")


def test_removal_and_return_of_what_envoy_gives_up(stack: Stack) -> None:
    """If it is told: a filter without its configuration answers every request with 500."""
    lost = ["extension", "endpoints", "routes", "runtime"] if stack.delta else []
    check_removed(stack, ["extension", "runtime"], lost, secret="two")


def test_a_bad_resource_of_each_type_then_a_good_one(stack: Stack) -> None:
    """Envoy itself says that it refused them, and goes on with what it had; none is told twice."""
    stack.wait_settled(0)
    before = stack.whole.envoy.stats("update_rejected$")
    bad = {identity(made): made for made in map(stack.whole.bad, TYPE_OF)}
    since = stack.put([bad.get(identity(made), made) for made in stack.whole.resources("one")])

    def refused() -> int:
        now = stack.whole.envoy.stats("update_rejected$")
        return sum(now[name] > before.get(name, 0) for name in now)

    wait_for("the refusals", lambda: refused() == len(TYPE_OF))
    assert stack.whole.seen() == dict.fromkeys(TYPE_OF, "one")
    stack.use("two")
    refusals = [line["msg"]["typeUrl"] for line in stack.wait_settled(since) if "errorDetail" in line["msg"]]
    assert sorted(refusals) == sorted(TYPES)
    assert sum(stack.whole.envoy.stats("update_rejected$").values()) == sum(before.values()) + len(TYPE_OF)


def test_refused_clusters_and_changes_of_others(stack: Stack) -> None:
    bad = stack.whole.cluster("bad")
    del bad["eds_cluster_config"]  # Envoy: an EDS cluster without an EDS configuration
    since = stack.put([*stack.whole.resources("one"), bad])

    def refused(lines: list[Line]) -> Line | None:
        return next((line for line in lines if line["kind"] in REQUESTS and "errorDetail" in line["msg"]), None)

    refusal = stack.daemon.wait_log("the refusal", refused, since)
    assert refusal["msg"]["typeUrl"] == CLUSTER and "bad" in refusal["msg"]["errorDetail"]["message"]
    assert stack.whole.envoy.stat("cluster_manager.cds.update_rejected") > 0
    # A change of another type is served; the refused content is not sent again.
    stack.put([*stack.whole.resources("one", routes="two"), bad])
    stack.wait_seen("one", routes="two")
    stack.put([*stack.whole.resources("one", runtime="two"), bad])
    stack.wait_seen("one", runtime="two")
    assert len(stack.responses(since, CLUSTER)) == 1
    assert sum("errorDetail" in line["msg"] for line in stack.wait_settled(since)) == 1
    # Another bad one: one response, one refusal. Then a good one: one response.
    stack.put([*stack.whole.resources("one"), {**bad, "connect_timeout": "9s"}])
    wait_for("a second response", lambda: len(stack.responses(since, CLUSTER)) == 2)
    stack.wait_settled(since)
    good = [stack.whole.cluster("good"), stack.whole.endpoints("one", "good")]
    stack.put([*stack.whole.resources("one", cluster="two"), *good])
    wait_for("the good cluster", lambda: "cluster good" in stack.whole.envoy.active())
    stack.wait_seen("one", cluster="two")
    assert len(stack.responses(since, CLUSTER)) == 3


@pytest.mark.parametrize("restart", [True, False], ids=["restart", "reconnect"])
def test_control_plane_is_away_and_nothing_changed(stack: Stack, restart: bool) -> None:
    """It starts again, and knows nothing of before; or the connection breaks, and it goes on."""
    stack.wait_settled(0)
    changes = "manager[.](cluster|listener)_(added|modified|removed)$"
    before = stack.whole.envoy.stats(changes)
    since = 0 if restart else stack.daemon.last()
    if restart:
        stack.daemon.restart()
        assert stack.whole.seen()["endpoints"] == "one"  # Envoy goes on without it
        stack.daemon.put(NODE, {"resources": stack.whole.resources("one")})
    else:
        stack.relay.cut()

    def asked(lines: list[Line]) -> bool:
        opened = {line["stream"] for line in lines if line["kind"] == "open"}
        requests = [line for line in lines if line["kind"] in REQUESTS and line["stream"] in opened]
        return TYPES <= {line["msg"].get("typeUrl") for line in requests}

    stack.daemon.wait_log("requests for every type", asked, since)
    stack.put(stack.whole.resources("one", runtime="two"))
    stack.wait_seen("one", runtime="two")
    lines = stack.wait_settled(since)
    if stack.delta:  # what asks for all is answered, but with nothing
        sent = [line["msg"] for line in lines if line["kind"] in RESPONSES]
        assert {msg["typeUrl"] for msg in sent if msg.get("resources") or msg.get("removedResources")} == {RUNTIME}
    assert not any("errorDetail" in line["msg"] for line in lines)
    assert stack.whole.envoy.stats(changes) == before and len(before) == 6


def test_control_plane_that_comes_back_with_something_else(stack: Stack) -> None:
    stack.daemon.restart()
    stack.put(stack.whole.resources("two"))
    stack.wait_seen("two")
