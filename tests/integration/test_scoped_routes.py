"""
Scoped routes (SRDS) for a real Envoy: it names none of them, and has those that the last answer has. What it has is
judged by where it routes; what was sent, by snapshotd's log.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.snapshotd import Line, Snapshotd
from harness.waiting import wait_for
from harness.whole import API, LISTENER, NODE, ROUTE, Asking, Whole, saying

SCOPED = API + "config.route.v3.ScopedRouteConfiguration"
# Delta, aggregated; None: over REST.
VARIANTS = {
    "sotw-aggregated": (False, True),
    "sotw-separate": (False, False),
    "delta-aggregated": (True, True),
    "delta-separate": (True, False),
    "rest": None,
}
NOWHERE = "404"


def scope(name: str, to: str) -> dict[str, Any]:
    """Requests with the scope's name in a header go by the route configuration ``to``."""
    key = {"fragments": [{"string_key": name}]}
    return {"@type": SCOPED, "name": name, "route_configuration_name": to, "key": key}


class Scoped:
    """An Envoy whose only listener takes its routes by scope, and its snapshotd."""

    def __init__(self, folder: Path, variant: tuple[bool, bool] | None) -> None:
        self.delta, aggregated = variant or (False, False)
        self.is_logged = variant is not None  # requests over HTTP are not
        self.daemon = Snapshotd(folder, *(() if self.is_logged else ("--insecure",)))
        port = self.daemon.xds_port if self.is_logged else self.daemon.http_port
        self.whole = (Whole if self.is_logged else Asking)(folder, port, self.delta, aggregated)

    def close(self) -> None:
        self.whole.close()
        self.daemon.close()

    def listener(self) -> dict[str, Any]:
        header = {"name": "scope", "element_separator": ",", "index": 0}
        scoped = {
            "name": "scopes",
            "scope_key_builder": {"fragments": [{"header_value_extractor": header}]},
            "rds_config_source": self.whole.source(),
            "scoped_rds": {"scoped_rds_config_source": self.whole.source()},
        }
        return {"@type": LISTENER, **self.whole._listener("main", {"scoped_routes": scoped})}

    def put(self, **scopes: str) -> int:
        """Gives Envoy these scopes, each with where it leads to; returns the number of the log's last line before."""
        routes = [{"@type": ROUTE, **saying(name, name)} for name in ("red", "blue")]
        made = [scope(name, to) for name, to in scopes.items()]
        since = self.daemon.last()
        self.daemon.put(NODE, {"resources": [self.listener(), self.whole.runtime("one"), *routes, *made]})
        return since

    def seen(self, name: str) -> str:
        status, said, _ = self.whole.get("/", scope=name)
        return said if status == 200 else str(status)

    def wait_seen(self, **expected: str) -> None:
        def look() -> bool:
            return {name: self.seen(name) for name in expected} == expected

        wait_for(f"{expected}", look)

    def use(self, **scopes: str) -> int:
        since = self.put(**scopes)
        self.wait_seen(**scopes)
        return since

    def messages(self, kinds: tuple[str, ...], since: int = 0) -> list[Line]:
        lines = self.daemon.log(since)
        return [line["msg"] for line in lines if line["kind"] in kinds and line["msg"]["typeUrl"] == SCOPED]

    def sent(self, since: int) -> list[tuple[set[str], set[str]]]:
        """Of each response: names in it, and names that it removes."""
        return [
            ({part["name"] for part in msg.get("resources", [])}, set(msg.get("removedResources", [])))
            for msg in self.messages(("resp", "dresp"), since)
        ]


@pytest.fixture(scope="module", params=VARIANTS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scoped]:
    made = Scoped(tmp_path_factory.mktemp(request.param), VARIANTS[request.param])
    yield made
    made.close()


@pytest.fixture
def scoped(running: Scoped) -> Scoped:
    """With the first configuration in force, whatever a test before did."""
    running.use(a="red", b="blue")
    return running


@pytest.mark.parametrize("variant", VARIANTS)
def test_c31_first_configuration(tmp_path: Path, variant: str) -> None:
    scoped = Scoped(tmp_path, VARIANTS[variant])
    try:
        scoped.use(a="red", b="blue")  # in less than the 15 s after which Envoy would go on without
        wait_for("Envoy's start", lambda: scoped.whole.envoy.server_state() == "LIVE")
        assert scoped.seen("none") == NOWHERE
        if not scoped.is_logged:
            return
        asked, sent = scoped.messages(("req", "dreq")), scoped.sent(0)
    finally:
        scoped.close()
    assert not any(msg.get("resourceNames") or msg.get("resourceNamesSubscribe") for msg in asked)
    assert sent == [({"a", "b"}, set())]


def test_c31_no_scope_at_all(tmp_path: Path) -> None:
    scoped = Scoped(tmp_path, VARIANTS["sotw-aggregated"])
    try:
        scoped.put()
        wait_for("Envoy's start", lambda: scoped.whole.envoy.server_state() == "LIVE")
        scoped.wait_seen(a=NOWHERE)
    finally:
        scoped.close()


def test_c45_a_change(scoped: Scoped) -> None:
    since = scoped.use(a="blue", b="blue")
    if scoped.is_logged:
        assert scoped.sent(since) == [({"a"} if scoped.delta else {"a", "b"}, set())]


def test_c45_removal_and_return(scoped: Scoped) -> None:
    since = scoped.put(b="blue")
    scoped.wait_seen(a=NOWHERE, b="blue")
    if scoped.is_logged:
        assert scoped.sent(since) == [(set(), {"a"}) if scoped.delta else ({"b"}, set())]
    scoped.use(a="red", b="blue")


def test_c45_removal_of_the_last(scoped: Scoped) -> None:
    scoped.put()
    scoped.wait_seen(a=NOWHERE, b=NOWHERE)
    scoped.use(a="blue")
