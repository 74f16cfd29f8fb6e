"""
xDS over REST from snapshotd's HTTP side: by hand, and with a real Envoy all of whose sources are ``api_type: REST``,
seven types at once. What Envoy has is judged by what it serves and by its own pages.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.snapshotd import Snapshotd
from harness.waiting import wait_for
from harness.whole import CLUSTER, ENDPOINT, NODE, ROUTE, SECRET, Asking

# What a client sees, and the counter of the updates of it that Envoy took over.
UPDATES = {
    "cluster": "cluster_manager.cds.update_success",
    "endpoints": "cluster.backend.update_success",
    "listener": "listener_manager.lds.update_success",
    "routes": "http.main.rds.routes.update_success",
    "extension": "extension_config_discovery.http_filter.mutation.update_success",
    "secret": "sds.certificate.update_success",
    "runtime": "runtime.update_success",
}


class Stack:
    """An Envoy and its snapshotd, which serves secrets over HTTP because it is told to."""

    def __init__(self, folder: Path) -> None:
        self.daemon = Snapshotd(folder, "--insecure")
        self.whole = Asking(folder, self.daemon.http_port, delta=False, aggregated=False)

    def close(self) -> None:
        self.whole.close()
        self.daemon.close()

    def put(self, resources: list[Any]) -> None:
        self.daemon.put(NODE, {"resources": resources})

    def wait_seen(self, mark: str, **instead: str) -> None:
        expected = {part: instead.get(part, mark) for part in UPDATES}
        wait_for(f"{expected}; last seen: {self.whole.seen()}", lambda: self.whole.seen() == expected, 15)

    def use(self, mark: str) -> None:
        self.put(self.whole.resources(mark))
        self.wait_seen(mark)

    def updates(self) -> dict[str, int]:
        return {part: self.whole.envoy.stat(name) for part, name in UPDATES.items()}

    def wait_asked(self) -> None:
        """Until Envoy has asked for everything, and was told that it has it."""
        seen = self.whole.envoy.stat("cluster.snapshotd.upstream_rq_304")
        rounds = 3 * len(UPDATES)
        wait_for(
            "answers with status 304",
            lambda: self.whole.envoy.stat("cluster.snapshotd.upstream_rq_304") > seen + rounds,
        )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("rest"))
    yield made
    made.close()


@pytest.fixture
def stack(running: Stack) -> Stack:
    """With the first configuration in force, whatever a test before did."""
    running.use("one")
    return running


def test_c81_envoy_waits_for_its_first_configuration(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    try:
        wait_for("answers with status 503", lambda: stack.whole.envoy.stat("cluster.snapshotd.upstream_rq_503") > 3)
        assert stack.whole.envoy.server_state() != "LIVE"
        stack.use("one")
        wait_for("Envoy's start", lambda: stack.whole.envoy.server_state() == "LIVE")
        dump = stack.whole.envoy.active()
    finally:
        stack.close()
    assert {"listener main", "listener tls", "cluster backend", "route routes", "extension mutation"} <= set(dump)


def test_c81_envoy_is_answered_once(stack: Stack) -> None:
    before = stack.updates()
    stack.wait_asked()
    assert stack.updates() == before


@pytest.mark.parametrize("part", UPDATES)
def test_c81_a_change_of_one_type(stack: Stack, part: str) -> None:
    before = stack.updates()
    stack.put(stack.whole.resources("one", **{part: "two"}))
    stack.wait_seen("one", **{part: "two"})
    after = stack.updates()
    assert after[part] > before[part]
    # A cluster that changed begins again to ask for its endpoints.
    alike = set(UPDATES) - {part} - ({"endpoints"} if part == "cluster" else set())
    assert {name: after[name] for name in alike} == {name: before[name] for name in alike}


def test_c81_removal_and_return(stack: Stack) -> None:
    stack.put([part for part in stack.whole.resources("one") if part["@type"] == ROUTE])
    wait_for("the listener's end", lambda: stack.whole.get("/said")[0] == 0)
    wait_for("the cluster's end", lambda: "cluster backend" not in stack.whole.envoy.active())
    stack.use("one")


def refused(stack: Stack) -> dict[str, Any]:
    """A cluster that Envoy does not take: of its type there is no ``eds_cluster_config``."""
    return {**stack.whole.cluster("bad"), "type": "STATIC"}


def test_c81_what_envoy_refuses_it_does_not_take_over(stack: Stack) -> None:
    rejected = stack.whole.envoy.stat("cluster_manager.cds.update_rejected")
    resources = stack.whole.resources("two")
    stack.put([*resources, refused(stack)])
    wait_for("a refusal", lambda: stack.whole.envoy.stat("cluster_manager.cds.update_rejected") > rejected)
    assert "cluster bad" not in stack.whole.envoy.active()
    stack.use("two")


def test_c81_a_refusal_and_the_way_back(stack: Stack) -> None:
    """Envoy takes over a part of the clusters that it refuses, and says nothing of that when it asks again."""
    stack.put([*stack.whole.resources("one", cluster="two"), refused(stack)])
    stack.wait_seen("one", cluster="two")
    stack.use("one")


def test_c81_restart_with_the_same_ends_nothing(stack: Stack) -> None:
    counters = ("listener_manager.listener_modified", "cluster_manager.cluster_modified")
    before = [stack.whole.envoy.stat(name) for name in counters]
    unserved = stack.whole.envoy.stat("cluster.snapshotd.upstream_rq_503")
    stack.daemon.restart()
    wait_for("answers with status 503", lambda: stack.whole.envoy.stat("cluster.snapshotd.upstream_rq_503") > unserved)
    assert stack.whole.seen() == dict.fromkeys(UPDATES, "one")
    stack.put(stack.whole.resources("one"))
    stack.wait_asked()
    assert [stack.whole.envoy.stat(name) for name in counters] == before


def test_c81_restart_with_something_else_is(stack: Stack) -> None:
    stack.daemon.restart()
    stack.use("two")


# ---- by hand ----


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Snapshotd]:
    made = Snapshotd(tmp_path)
    yield made
    made.close()


def cluster(name: str, seconds: int = 1) -> dict[str, Any]:
    return {"@type": CLUSTER, "name": name, "connectTimeout": f"{seconds}s"}


def ask(daemon: Snapshotd, types: str = "clusters", **members: Any) -> tuple[int, Any]:
    """Status and answer."""
    status, text = daemon.ask("POST", f"/v3/discovery:{types}", {"node": {"id": "node-1"}, **members})
    return status, json.loads(text) if text else None


def test_c81_what_is_asked_for_is_in_the_answer(daemon: Snapshotd) -> None:
    daemon.put("node-1", {"resources": [cluster("a"), cluster("b", 2)]})
    status, answer = ask(daemon, resource_names=["b", "none"])
    assert status == 200
    assert answer["resources"] == [cluster("b", 2)]
    assert answer["typeUrl"] == CLUSTER and answer["controlPlane"] == {"identifier": "snapshotd"}


def test_c81_status_304_has_no_body(daemon: Snapshotd) -> None:
    daemon.put("node-1", {"version": "7", "resources": [cluster("a"), cluster("b")]})
    _, some = ask(daemon, resourceNames=["a"])
    _, everything = ask(daemon)
    assert some["versionInfo"] == everything["versionInfo"] == "7"
    assert ask(daemon, resourceNames=["a"], versionInfo=some["versionInfo"]) == (304, None)
    assert ask(daemon, versionInfo=everything["versionInfo"]) == (304, None)
    status, answer = ask(daemon, resourceNames=["a", "b"], versionInfo=some["versionInfo"])
    assert status == 200 and len(answer["resources"]) == 2
    daemon.put("node-1", {"version": "7", "resources": [cluster("a"), cluster("b", 2)]})
    assert ask(daemon, resourceNames=["a"], versionInfo=some["versionInfo"]) == (304, None)
    assert ask(daemon, versionInfo=everything["versionInfo"])[0] == 200


def test_c81_a_version_by_content_is_that_of_the_snapshot(daemon: Snapshotd) -> None:
    told = daemon.put("node-1", {"resources": [cluster("a"), cluster("b")]})
    _, answer = ask(daemon)
    assert answer["versionInfo"] == told["types"][CLUSTER]["version"]
    assert ask(daemon, version_info=answer["versionInfo"]) == (304, None)


def test_c81_without_a_snapshot_there_is_no_answer(daemon: Snapshotd) -> None:
    status, answer = ask(daemon)
    assert status == 503 and "no snapshot" in answer["errors"][0]["message"]


def test_c81_a_bad_request_is_told_why(daemon: Snapshotd) -> None:
    daemon.put("*", {"resources": [cluster("a")]})
    status, text = daemon.ask("POST", "/v3/discovery:clusters", '{"node":\n  {"id": 5}}')
    fault = {"line": 2, "column": 10, "message": "`node.id` must be text, in quotes, not 5"}
    assert (status, json.loads(text)) == (400, {"errors": [fault]})
    status, text = daemon.ask("POST", "/v3/discovery:clusters", "{")
    assert status == 400 and json.loads(text)["errors"][0]["line"] == 1
    status, answer = ask(daemon, type_url=ENDPOINT)
    assert status == 400 and CLUSTER in answer["errors"][0]["message"]
    assert daemon.ask("POST", "/v3/discovery:clusters", "x" * (5 << 20))[0] == 413
    assert daemon.ask("POST", "/v3/discovery:nothing", "{}")[0] == 404
    assert daemon.ask("GET", "/v3/discovery:clusters")[0] == 405


def test_secrets_are_refused_over_plain_http(daemon: Snapshotd) -> None:
    daemon.put("*", {"resources": [{"@type": SECRET, "name": "s", "genericSecret": {"secret": {"inlineString": "x"}}}]})
    status, answer = ask(daemon, "secrets", resource_names=["s"])
    assert status == 403 and "secrets (SDS) are not served here" in answer["errors"][0]["message"]
