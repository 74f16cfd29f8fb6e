"""A policy changes while connections are open: who lives on, who is ended, and when."""

import contextlib
import json
import os
from typing import Any

import pytest
from harness import client, control, policies
from harness.client import Connection
from harness.held import Held, three_rules
from harness.proxy import Proxy
from harness.waiting import wait_for
from harness.world import SECOND, TRAP

A, B = "127.1.0.1", "127.2.0.1"
LONG = os.environ.get("EGRESS_LONG") == "1"


@pytest.fixture
def held(proxy: Proxy):
    made = Held(proxy)
    yield made
    made.close()


def test_adding_ends_nothing(proxy: Proxy, held: Held) -> None:
    port = proxy.world.port
    proxy.use(three_rules(proxy))
    held.add_all()
    tunnel, outcome = client.open_connect(proxy.explicit_port.port, f"a.one.test:{port}", A)
    assert outcome.reached
    started = proxy.envoy.child.process.pid
    proxy.use(
        three_rules(
            proxy,
            f"  - {{name: zero, to: [zero.test], ports: [{port}]}}\n"
            f"  - {{name: one, to: [a.one.test, b.one.test, c.one.test], ports: [{port}, 8443]}}\n",
        )
    )
    assert proxy.ask("sni", "c.one.test", B).reached
    assert proxy.ask("sni", "zero.test", B).reached
    assert held.ended() == set()
    assert all(connection.alive() for connection in held.open.values())
    assert tunnel.alive()
    tunnel.close()
    assert proxy.envoy.child.running and proxy.envoy.child.process.pid == started


OF_ONE = {"one-a", "one-a-from-b", "one-b"}
ONE: dict[str, tuple[str, set[str]]] = {
    # What stands in the place of rule one, and which connections lose their permission by it.
    "host removed": (
        "  - {name: one, from: [tenant-a, tenant-b], to: [b.one.test], ports: [PORT]}\n",
        {"one-a", "one-a-from-b"},
    ),
    "source removed": (
        "  - {name: one, from: [tenant-a], to: [a.one.test, b.one.test], ports: [PORT]}\n",
        {"one-a-from-b"},
    ),
    "port removed": (
        "  - {name: one, from: [tenant-a, tenant-b], to: [a.one.test, b.one.test], ports: [8443]}\n",
        OF_ONE,
    ),
    "rule removed": ("  - {name: other, to: [other.test], ports: [PORT]}\n", OF_ONE),
}


@pytest.mark.parametrize("what", ONE)
def test_narrowing_ends_what_lost_its_permission(proxy: Proxy, held: Held, what: str) -> None:
    changed, lost = ONE[what]
    proxy.use(three_rules(proxy))
    held.add_all()
    proxy.use(three_rules(proxy, changed.replace("PORT", str(proxy.world.port))))
    ended = held.ended(lost)
    assert lost <= ended
    assert ended <= OF_ONE, "a connection of another rule was ended"
    for key in set(held.open) - ended:
        assert held.open[key].alive()


def test_a_new_deny_ends_what_it_denies(proxy: Proxy, held: Held) -> None:
    proxy.use(three_rules(proxy))
    held.add_all()
    proxy.use(three_rules(proxy, deny="  - {name: no-x, to: [x.two.test]}\n"))
    assert proxy.ask("sni", "x.two.test", A).refused
    ended = held.ended({"two"})
    assert "two" in ended
    assert ended <= {"two", "two-from-b"}


@pytest.mark.parametrize("to", ["z.two.test", "*.one.test", "**.test", "**"])
def test_an_earlier_rule_ends_nothing(proxy: Proxy, held: Held, to: str) -> None:
    """It takes over hosts, up to all that a later rule has; every open connection keeps its permission."""
    port = proxy.world.port
    proxy.use(three_rules(proxy))
    held.add_all()
    proxy.use(three_rules(proxy).replace("rules:\n", f"rules:\n  - {{name: before, to: ['{to}'], ports: [{port}]}}\n"))
    name = "a.one.test" if to != "z.two.test" else to
    assert proxy.rule(proxy.ask("sni", name, A)) == "before"
    assert held.ended() == set()


def test_a_new_deny_of_an_address_ends_what_leads_there(proxy: Proxy, held: Held) -> None:
    proxy.use(three_rules(proxy))
    held.add_all()
    held.add("second", "s.two.test", A)  # leads to the second address
    proxy.use(three_rules(proxy, deny=f"  - {{name: no-address, to: [{SECOND}/32]}}\n"))
    assert proxy.ask("sni", "s.two.test", A).refused
    assert "second" in held.ended({"second"})


def test_allow_private_taken_back_ends_what_leads_there(proxy: Proxy, held: Held) -> None:
    open_too = three_rules(proxy).replace(policies.ALLOW_PRIVATE, f"{policies.ALLOW_PRIVATE}, {TRAP}/32")
    proxy.use(open_too)
    held.add("trap", "t.two.test", A)
    proxy.use(three_rules(proxy))
    assert proxy.ask("sni", "t.two.test", A).refused
    assert "trap" in held.ended({"trap"})


def test_a_rule_that_comes_back_does_not_revive_connections(proxy: Proxy, held: Held) -> None:
    """Removed and added again while Envoy still drains: the connection that was to end must end all the same."""
    gone = ONE["rule removed"][0].replace("PORT", str(proxy.world.port))
    proxy.use(three_rules(proxy))
    held.add_all()
    proxy.use(three_rules(proxy, gone))
    proxy.use(three_rules(proxy))
    ended = held.ended(OF_ONE)
    assert ended == OF_ONE


KEEP = "revoke: keep"


@pytest.mark.parametrize("what", ONE)
def test_revoke_keep_lets_them_live(proxy: Proxy, held: Held, what: str) -> None:
    changed, lost = ONE[what]
    changed = changed.replace("PORT", str(proxy.world.port))
    proxy.use(three_rules(proxy, defaults=KEEP))
    held.add_all()
    proxy.use(three_rules(proxy, changed, defaults=KEEP))
    assert proxy.ask("sni", "a.one.test", B).refused, "what lives on is no permission for others"
    assert held.ended() == set()
    # Now they are to end, and no connection of another rule.
    proxy.use(three_rules(proxy, changed))
    ended = held.ended(lost)
    assert lost <= ended <= OF_ONE


def test_revoke_keep_holds_against_a_new_deny(proxy: Proxy, held: Held) -> None:
    deny = "  - {name: no-x, to: [x.two.test]}\n"
    proxy.use(three_rules(proxy, defaults=KEEP))
    held.add_all()
    proxy.use(three_rules(proxy, deny=deny, defaults=KEEP))
    assert proxy.rule(proxy.ask("sni", "x.two.test", A)) == "no-x"
    assert held.ended() == set()
    proxy.use(three_rules(proxy, deny=deny))
    assert {"two"} <= held.ended({"two"}) <= {"two", "two-from-b"}


def test_revoke_keep_and_a_rule_that_comes_back_as_another(proxy: Proxy, held: Held) -> None:
    """Three generations of one name: each has its connections, and only the last lets new ones in."""
    port = proxy.world.port
    gone = three_rules(proxy, ONE["rule removed"][0].replace("PORT", str(port)), defaults=KEEP)
    other = three_rules(proxy, f"  - {{name: one, to: [c.one.test], ports: [{port}]}}\n", defaults=KEEP)
    proxy.use(three_rules(proxy, defaults=KEEP))
    held.add_all()
    proxy.use(gone)
    proxy.use(other)
    assert proxy.ask("sni", "a.one.test", A).refused
    held.add("one-c", "c.one.test", A)
    proxy.use(gone)
    assert proxy.ask("sni", "c.one.test", A).refused
    proxy.use(three_rules(proxy, defaults=KEEP))
    held.add("one-again", "a.one.test", A)
    assert held.ended() == set()
    proxy.use(three_rules(proxy))
    ended = held.ended({*OF_ONE, "one-c"})
    assert ended == {*OF_ONE, "one-c"}


def test_explicit_requests_follow_at_once(proxy: Proxy) -> None:
    """A kept HTTP connection is no permission: each request on it is judged by the policy of its moment."""
    port = proxy.world.port
    proxy.use(three_rules(proxy))
    request = f"GET http://a.one.test:{port}/ HTTP/1.1\r\nhost: a.one.test:{port}\r\n\r\n".encode()
    with Connection(proxy.explicit_port.port, A) as connection:
        connection.send(request)
        assert connection.response()[0] == 200
        proxy.use(three_rules(proxy, ONE["host removed"][0].replace("PORT", str(port))))
        connection.send(request)
        assert connection.response()[0] == 403


def test_a_broken_file_changes_nothing(proxy: Proxy, held: Held) -> None:
    proxy.use(three_rules(proxy))
    held.add_all()
    versions = {name: resource for name, resource in proxy.envoy.active().items()}
    for broken in (
        "",
        "version: egress/v1\nrules: [",
        three_rules(proxy).replace("a.one.test", "a..one.test"),
        three_rules(proxy).replace("tenant-a,", "tenant-x,"),
        three_rules(proxy) + "    unknown: 1\n",
    ):
        since = len(proxy.egressd.refresh())
        assert proxy.egressd.offer(broken)["event"] == "policy_refused", broken
        faults = proxy.egressd.of_kind("diagnostic", since)
        assert faults and all(fault["message"] for fault in faults)
        assert any("line" in fault for fault in faults) or broken == ""
    assert proxy.envoy.active() == versions
    assert proxy.ask("sni", "a.one.test", A).reached
    assert proxy.ask("http", "a.one.test", A).reached
    assert all(connection.alive() for connection in held.open.values())
    proxy.text = "(what Envoy has, and the file has not)"


def camel(value: Any) -> Any:
    """Envoy prints field names as in the .proto files, proto3 JSON as in JavaScript."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if isinstance(value, dict):
        return {camel_word(key): camel(item) for key, item in value.items()}
    return value


def camel_word(word: str) -> str:
    head, *rest = word.split("_")
    return head + "".join(part.capitalize() for part in rest) if head else word


def in_force(proxy: Proxy) -> dict[str, Any]:
    return {name: camel(resource) for name, resource in proxy.envoy.active().items()}


def dumped(proxy: Proxy) -> dict[str, Any]:
    """The resources of the policy file as it is, in the form of ``Envoy.active``."""
    result = control.run("dump", str(proxy.egressd.policy), *proxy.listeners)
    assert result.returncode == 0, result.stderr
    kinds = {
        "Listener": "listener",
        "Cluster": "cluster",
        "RouteConfiguration": "route",
        "TypedExtensionConfig": "extension",
    }
    return {
        f"{kinds[resource['@type'].rsplit('.', 1)[1]]} {resource['name']}": camel(resource)
        for resource in json.loads(result.stdout)
    }


def test_500_edits_in_a_row(fresh_proxy: Proxy) -> None:
    """Hosts come one by one; at the end Envoy has exactly what the last file says, and nobody was disturbed."""
    proxy = fresh_proxy
    port = proxy.world.port
    proxy.use(three_rules(proxy))
    held = Held(proxy)
    held.add_all()

    def edit(count: int) -> str:
        hosts = ", ".join(f"h{i}.many.test" for i in range(count))
        return f"{three_rules(proxy)}  - {{name: many, to: [{hosts}], ports: [{port}]}}\n"

    for count in range(1, 501):
        if LONG or count % 5 == 0:
            assert proxy.egressd.offer(edit(count))["event"] == "policy"
        else:
            control.write_atomically(proxy.egressd.policy, edit(count))
    expected = dumped(proxy)
    with contextlib.suppress(TimeoutError):  # the comparison below shows what differs
        wait_for("the last of 500 policies", lambda: in_force(proxy) == expected)
    assert in_force(proxy) == expected
    assert proxy.ask("sni", "h499.many.test", B).reached
    assert proxy.ask("http", "h499.many.test", B).reached
    assert proxy.egressd.of_kind("nacked") == []
    assert proxy.envoy.stat("listener_manager.lds.update_rejected") == 0
    assert held.ended() == set()
    held.close()
