"""Pairs of rules that break naive encodings, in every mode."""

import pytest
from harness import policies
from harness.proxy import MODES, Proxy

A, B = "127.1.0.1", "127.2.0.1"


@pytest.mark.parametrize("mode", MODES)
def test_one_label_and_any_depth_on_one_port(proxy: Proxy, mode: str) -> None:
    port = proxy.world.port
    proxy.use(
        policies.policy(f"""\
  - {{name: one, from: [tenant-a], to: ["*.example.com"], ports: [{port}]}}
  - {{name: deep, from: [tenant-b], to: ["**.example.com"], ports: [{port}]}}
""")
    )
    for source, name, rule in [
        (A, "a.example.com", "one"),
        (B, "a.example.com", "deep"),
        (A, "a.b.example.com", None),
        (B, "a.b.example.com", "deep"),
        (A, "example.com", None),
        (B, "example.com", None),
    ]:
        outcome = proxy.ask(mode, name, source)
        assert outcome.reached == (rule is not None), (source, name)
        assert proxy.rule(outcome) == rule, (source, name)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", ["one", "deep"])
def test_first_rule_in_file_order_is_the_one_named(proxy: Proxy, mode: str, first: str) -> None:
    port = proxy.world.port
    items = {
        "one": f'  - {{name: one, to: ["*.example.com"], ports: [{port}]}}\n',
        "deep": f'  - {{name: deep, to: ["**.example.com"], ports: [{port}]}}\n',
    }
    proxy.use(policies.policy(items.pop(first) + "".join(items.values())))
    assert proxy.rule(proxy.ask(mode, "a.example.com", A)) == first
    assert proxy.rule(proxy.ask(mode, "a.b.example.com", A)) == "deep"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["none", "idle", "any", "rest", "proxy", "special-use-address"])
def test_rules_with_names_that_the_compiler_might_use(proxy: Proxy, mode: str, name: str) -> None:
    """Whatever a rule is called, it allows what it says and nothing else."""
    proxy.use(policies.policy(f'  - {{name: {name}, to: ["**.example.com"], ports: [{proxy.world.port}]}}'))
    assert proxy.rule(proxy.ask(mode, "a.example.com", A)) == name
    assert proxy.ask(mode, "nobody.listed.test", A).refused
    assert proxy.ask(mode, "trap.example.com", A).refused


@pytest.mark.parametrize("mode", MODES)
def test_exact_deny_under_a_wildcard_allow(proxy: Proxy, mode: str) -> None:
    port = proxy.world.port
    proxy.use(
        policies.policy(
            deny="  - {name: but-not, to: [secret.example.com]}",
            rules=f'  - {{name: wide, to: ["**.example.com"], ports: [{port}]}}',
        )
    )
    refused = proxy.ask(mode, "secret.example.com", A)
    assert refused.refused
    assert proxy.rule(refused) == "but-not"
    assert proxy.rule(proxy.ask(mode, "a.example.com", A)) == "wide"
    assert proxy.rule(proxy.ask(mode, "a.secret.example.com", A)) == "wide"


@pytest.mark.parametrize("mode", MODES)
def test_exact_allow_under_a_wildcard_deny(proxy: Proxy, mode: str) -> None:
    """Deny wins, however exact the allow is."""
    port = proxy.world.port
    proxy.use(
        policies.policy(
            deny='  - {name: below, from: [tenant-a], to: ["**.example.com"]}',
            rules=f"  - {{name: exact, to: [good.example.com, example.com], ports: [{port}]}}",
        )
    )
    refused = proxy.ask(mode, "good.example.com", A)
    assert refused.refused
    assert proxy.rule(refused) == "below"
    assert proxy.rule(proxy.ask(mode, "good.example.com", B)) == "exact"
    assert proxy.rule(proxy.ask(mode, "example.com", A)) == "exact"
    assert proxy.ask(mode, "other.example.com", B).refused


@pytest.mark.parametrize("mode", MODES)
def test_same_host_in_two_rules_with_other_ports_and_sources(proxy: Proxy, mode: str) -> None:
    port, other = proxy.world.port, proxy.world.other_port
    proxy.use(
        policies.policy(f"""\
  - {{name: for-a, from: [tenant-a], to: [both.example.com], ports: [{port}]}}
  - {{name: for-b, from: [tenant-b], to: [both.example.com], ports: [{other}]}}
""")
    )
    assert proxy.rule(proxy.ask(mode, "both.example.com", A)) == "for-a"
    assert proxy.ask(mode, "both.example.com", B).refused
    if mode != "sni":
        assert proxy.rule(proxy.ask(mode, "both.example.com", B, other)) == "for-b"
        assert proxy.ask(mode, "both.example.com", A, other).refused


@pytest.mark.parametrize("mode", MODES)
def test_deny_without_ports_under_an_allow_on_an_odd_port(proxy: Proxy, mode: str) -> None:
    port, other = proxy.world.port, proxy.world.other_port
    proxy.use(
        policies.policy(
            deny="  - {name: never, to: [bad.example.com]}",
            rules=f'  - {{name: wide, to: ["*.example.com"], ports: [{port}, {other}]}}',
        )
    )
    for asked in (port, other):
        if mode == "sni" and asked == other:
            continue
        refused = proxy.ask(mode, "bad.example.com", A, asked)
        assert refused.refused
        assert proxy.rule(refused) == "never"
        assert proxy.ask(mode, "good.example.com", A, asked).reached
