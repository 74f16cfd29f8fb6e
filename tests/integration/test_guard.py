"""The address guard: whoever answers for an allowed name cannot send Envoy to special-use addresses of his choice."""

import pytest
from harness import policies
from harness.proxy import GUARD, MODES, Proxy
from harness.world import SECOND, TRAP

A = "127.1.0.1"


def guarded(proxy: Proxy, defaults: str, deny: str = "") -> None:
    rule = f'  - {{name: wide, to: ["**.example.com"], ports: [{proxy.world.port}]}}'
    proxy.use(policies.policy(rule, deny, defaults))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["private", "loopback", "metadata", "trap", "mapped"])
def test_special_use_addresses_are_refused(proxy: Proxy, mode: str, name: str) -> None:
    guarded(proxy, "allow_private: [127.9.0.0/16]")
    outcome = proxy.ask(mode, f"{name}.example.com", A)
    assert outcome.refused
    assert outcome.status == (0 if mode == "sni" else 403)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_private_by_default(proxy: Proxy, mode: str) -> None:
    """Without allow_private even the backends, which are on loopback, are out of reach."""
    guarded(proxy, "deny_private_ips: true")
    assert proxy.ask(mode, "a.example.com", A).refused


@pytest.mark.parametrize("mode", MODES)
def test_allow_private_lifts_it_for_its_range_only(proxy: Proxy, mode: str) -> None:
    guarded(proxy, "allow_private: [127.9.0.0/16, 127.8.0.1/32]")
    outcome = proxy.ask(mode, "trap.example.com", A)
    assert outcome.reached and TRAP in outcome.body
    assert proxy.rule(outcome) == "wide"
    assert proxy.ask(mode, "loopback.example.com", A).refused


@pytest.mark.parametrize("mode", MODES)
def test_guard_switched_off(proxy: Proxy, mode: str) -> None:
    guarded(proxy, "deny_private_ips: false")
    assert proxy.ask(mode, "trap.example.com", A).reached


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("defaults", ["allow_private: [127.0.0.0/8]", "deny_private_ips: false"])
def test_deny_cidr_beats_allow_private(proxy: Proxy, mode: str, defaults: str) -> None:
    guarded(proxy, defaults, f"  - {{name: no-address, to: [{SECOND}/32]}}")
    assert proxy.ask(mode, "second-address.example.com", A).refused
    assert proxy.ask(mode, "a.example.com", A).reached


@pytest.mark.parametrize("mode", MODES)
def test_of_several_deny_entries_the_first_by_name_is_logged(proxy: Proxy, mode: str) -> None:
    """As egress_policy_decide says, whatever their order in the file."""
    entries = f"  - {{name: zz, to: [127.9.0.0/16]}}\n  - {{name: aa, to: [{SECOND}/32]}}\n"
    guarded(proxy, "deny_private_ips: false", entries)
    for name, entry in [("second-address.example.com", "aa"), ("a.example.com", "zz")]:
        outcome = proxy.ask(mode, name, A)
        assert outcome.refused
        assert proxy.logged(outcome)[-1]["details"] == f"rbac_access_denied_matched_policy[{entry}]"


@pytest.mark.parametrize("mode", MODES)
def test_the_guard_is_about_the_address_not_the_name(proxy: Proxy, mode: str) -> None:
    """The name is allowed, so it is looked up; the refusal comes after that and says so in the log."""
    guarded(proxy, "allow_private: [127.9.0.0/16]")
    outcome = proxy.ask(mode, "trap.example.com", A)
    assert outcome.refused
    assert proxy.world.queries.count("trap.example.com") > 0
    assert GUARD in proxy.logged(outcome)[-1]["details"]
