"""The control plane goes away and comes back; Envoy starts before it, or meets a file that is no policy."""

import signal
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import client, control, policies
from harness.envoy import Envoy
from harness.held import Held, three_rules
from harness.proxy import Proxy
from harness.waiting import wait_for
from harness.world import World
from harness.xds import Client

A, B = "127.1.0.1", "127.2.0.1"
# Counters that rise when a listener or a cluster is touched.
UPDATES = "(listener_manager[.]listener|cluster_manager[.]cluster)_(added|modified|removed|in_place_updated)"


def connected(envoy: Envoy) -> int:
    return envoy.stat("control_plane.connected_state")


def policy_holds(proxy: Proxy) -> None:
    assert proxy.ask("sni", "a.example.com", A).reached
    assert proxy.ask("sni", "a.example.com", B).refused
    assert proxy.ask("connect", "static.example.org", B).reached
    assert proxy.ask("http", "nobody.listed.test", A).status == 403


def test_killed_and_restarted(fresh_proxy: Proxy) -> None:
    proxy = fresh_proxy
    proxy.use(policies.house(proxy.world.port, proxy.world.other_port))
    connection, outcome = client.open_sni(proxy.sni_port.port, b"a.example.com", A)
    assert outcome.reached
    assert connected(proxy.envoy) == 1

    proxy.egressd.child.kill()
    wait_for("connected_state 0", lambda: connected(proxy.envoy) == 0)
    policy_holds(proxy)
    before = proxy.envoy.stats(UPDATES)
    active = proxy.envoy.active()
    received = proxy.envoy.stat("cluster.egress_control_plane.upstream_cx_rx_bytes_total")

    proxy.egressd.start()
    wait_for("connected_state 1", lambda: connected(proxy.envoy) == 1, 40)
    proxy.egressd.wait_event("connection", lambda event: event["event"] == "connected", 0)
    policy_holds(proxy)
    assert connection.alive()
    connection.close()

    # A change after the restart arrives, and only then may anything have been touched.
    assert proxy.envoy.stats(UPDATES) == before
    assert proxy.envoy.active() == active
    if proxy.variant == "delta":
        assert received > 0
        sent = proxy.envoy.stat("cluster.egress_control_plane.upstream_cx_rx_bytes_total") - received
        assert sent < 1500, f"{sent} bytes for a client that has everything"
    proxy.use(policies.house(proxy.world.port, proxy.world.other_port) + "  - {name: late, to: [late.test]}\n")
    policy_holds(proxy)


def test_graceful_end(fresh_proxy: Proxy) -> None:
    proxy = fresh_proxy
    proxy.egressd.child.signal(signal.SIGTERM)
    assert proxy.egressd.child.wait(15) == 0
    wait_for("connected_state 0", lambda: connected(proxy.envoy) == 0)


def test_changed_while_away(fresh_proxy: Proxy) -> None:
    """The file was edited while nobody read it: the next start serves what it says now."""
    proxy = fresh_proxy
    port = proxy.world.port
    proxy.use(policies.policy(f"  - {{name: old, to: [old.test], ports: [{port}]}}"))
    proxy.egressd.close()
    control.write_atomically(
        proxy.egressd.policy, policies.policy(f"  - {{name: new, to: [new.test], ports: [{port}]}}")
    )
    proxy.egressd.start()
    wait_for("the new rule", lambda: proxy.ask("sni", "new.test").reached, 40)
    wait_for("the new rule", lambda: proxy.ask("http", "new.test").reached, 40)
    assert proxy.ask("sni", "old.test").refused
    assert proxy.ask("http", "old.test").status == 403


@pytest.fixture
def remembering(variant: str, world: World, tmp_path: Path) -> Iterator[Proxy]:
    made = Proxy(tmp_path, world, variant, policies.empty(), ("--state", str(tmp_path / "state")))
    yield made
    made.close()


NARROWER = "  - {{name: one, from: [tenant-a, tenant-b], to: [b.one.test], ports: [{port}]}}\n"


def test_with_a_state_file_what_was_narrowed_while_away_ends(remembering: Proxy) -> None:
    proxy = remembering
    proxy.use(three_rules(proxy))
    held = Held(proxy)
    held.add_all()
    proxy.egressd.child.kill()
    control.write_atomically(proxy.egressd.policy, three_rules(proxy, NARROWER.format(port=proxy.world.port)))
    proxy.egressd.start()
    wait_for("the narrower rule", lambda: proxy.ask("sni", "a.one.test").refused, 40)
    ended = held.ended({"one-a", "one-a-from-b"})
    held.close()
    assert {"one-a", "one-a-from-b"} <= ended <= {"one-a", "one-a-from-b", "one-b"}


def test_with_a_state_file_what_was_kept_is_kept_over_a_restart(remembering: Proxy) -> None:
    proxy = remembering
    keep = "revoke: keep"
    other = f"  - {{name: other, to: [other.test], ports: [{proxy.world.port}]}}\n"
    proxy.use(three_rules(proxy, defaults=keep))
    held = Held(proxy)
    held.add_all()
    proxy.use(three_rules(proxy, other, defaults=keep))
    proxy.egressd.child.kill()
    wait_for("connected_state 0", lambda: connected(proxy.envoy) == 0)
    proxy.egressd.start()
    wait_for("connected_state 1", lambda: connected(proxy.envoy) == 1, 40)
    proxy.use(three_rules(proxy, NARROWER.format(port=proxy.world.port), defaults=keep))
    assert proxy.ask("sni", "a.one.test").refused
    assert held.ended() == set()
    of_one = {"one-a", "one-a-from-b", "one-b"}
    proxy.use(three_rules(proxy, NARROWER.format(port=proxy.world.port)))
    ended = held.ended(of_one)
    held.close()
    assert ended == of_one


def test_with_a_state_file_an_unchanged_policy_ends_nothing(remembering: Proxy) -> None:
    """Also when the chains have names that only the history of the policy explains."""
    proxy = remembering
    proxy.use(three_rules(proxy))
    proxy.use(three_rules(proxy, NARROWER.format(port=proxy.world.port)))
    held = Held(proxy)
    held.add("one-b", "b.one.test", A)
    held.add("two", "x.two.test", A)
    active = proxy.envoy.active()
    proxy.egressd.child.kill()
    wait_for("connected_state 0", lambda: connected(proxy.envoy) == 0)
    proxy.egressd.start()
    wait_for("connected_state 1", lambda: connected(proxy.envoy) == 1, 40)
    assert held.ended() == set()
    assert proxy.envoy.active() == active
    held.close()


def test_a_broken_file_at_the_start_is_refused(fresh_proxy: Proxy) -> None:
    proxy = fresh_proxy
    proxy.use(policies.house(proxy.world.port, proxy.world.other_port))
    proxy.egressd.close()
    broken = proxy.egressd.folder / "broken.yaml"
    broken.write_text(policies.empty() + "  - {name: bad, to: []}\n")
    result = control.run("serve", str(broken), "--listen", proxy.egressd.listen, *proxy.listeners)
    assert result.returncode == 1
    assert "broken.yaml" in result.stdout + result.stderr
    policy_holds(proxy)


def serves_nothing(proxy: Proxy) -> None:
    """Envoy waits for its first policy: no listener, and whoever sends it traffic by its readiness sends none."""
    assert proxy.envoy.server_state() == "PRE_INITIALIZING"  # not even its clusters: those come first
    with pytest.raises(urllib.error.HTTPError, match="503"):
        proxy.envoy.get("/ready")
    assert proxy.envoy.stat("listener_manager.total_listeners_active") == 0
    assert proxy.envoy.stat("cluster_manager.active_clusters") == 1  # which leads to the control plane
    for port in (proxy.sni_port.port, proxy.explicit_port.port):
        with pytest.raises(ConnectionRefusedError):
            client.Connection(port).close()


def begins_to_serve(proxy: Proxy) -> None:
    wait_for("service", lambda: proxy.envoy.server_state() == "LIVE", 40)
    wait_for("the listeners", lambda: proxy.envoy.stat("listener_manager.total_listeners_active") == 2)
    policy_holds(proxy)


def test_no_control_plane_is_no_permission(fresh_proxy: Proxy) -> None:
    """An Envoy that finds no control plane listens nowhere, for however long, and begins to work when one comes."""
    proxy = fresh_proxy
    proxy.use(policies.house(proxy.world.port, proxy.world.other_port))
    proxy.egressd.child.kill()
    proxy.envoy.close()
    written = proxy.bootstrap("envoy-2")
    for kind in ("cdsConfig", "ldsConfig"):  # Envoy's own default is to go on without after 15 seconds
        assert written["dynamicResources"][kind]["initialFetchTimeout"] == "0s"
    proxy.envoy = Envoy(proxy.egressd.folder, written, "envoy-2", live=False)
    failures = "cluster.egress_control_plane.upstream_cx_connect_fail"
    wait_for("two attempts to connect", lambda: proxy.envoy.stat(failures) >= 2, 40)
    serves_nothing(proxy)
    proxy.egressd.start()
    begins_to_serve(proxy)


def test_no_policy_yet_is_no_permission(fresh_proxy: Proxy) -> None:
    """The control plane is there, and has a policy, but none for this Envoy's group: no answer, so no service."""
    proxy = fresh_proxy
    proxy.use(policies.house(proxy.world.port, proxy.world.other_port))
    proxy.egressd.close()
    proxy.envoy.close()
    proxy.egressd.options += ["--group", "others"]
    proxy.egressd.start()
    proxy.envoy = Envoy(proxy.egressd.folder, proxy.bootstrap("envoy-2"), "envoy-2", live=False)
    proxy.egressd.wait_event("connection", lambda event: event.get("node") == "envoy-2", 0)
    with Client(proxy.egressd.listen, cluster="others") as other:
        other.next()  # asked after Envoy did, and answered: so would Envoy be by now
    wait_for("connected_state 1", lambda: connected(proxy.envoy) == 1)
    for kind in ("cluster_manager.cds", "listener_manager.lds"):
        assert proxy.envoy.stat(f"{kind}.update_success") == 0
    serves_nothing(proxy)
    proxy.egressd.close()
    proxy.egressd.options[-1] = "egress"
    proxy.egressd.start()
    begins_to_serve(proxy)
