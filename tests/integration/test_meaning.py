"""
One meaning: what ``egress_policy_decide`` says of a flow is what an Envoy does that runs the compiled policy.

The seed is printed; ``EGRESS_SEED`` sets it. ``EGRESS_LONG=1`` tries ten times as many. A disagreement is made smaller
until nothing more can be left out, and the policy printed then is the one to look at.
"""

import concurrent.futures
import os
import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import build, meaning
from harness.client import Kind, Outcome
from harness.proxy import Proxy
from harness.random_policy import Flow, Policy, random_flow, random_policy

LONG = os.environ.get("EGRESS_LONG") == "1"
POLICIES = 250 if LONG else 25  # for each xDS variant
FLOWS = 42  # for each policy: 2 x 25 x 42 = 2,100 pairs
THREADS = 8

ALLOW = 1  # egress_verdict
DENY_ADDRESS = 6  # egress_reason: a deny entry has the address that the name leads to
NAMED = (0, 1, DENY_ADDRESS)  # and: an allow rule matched, a deny entry matched


@dataclass(frozen=True)
class Decision:
    verdict: int
    reason: int
    rule: str | None


def decide(folder: Path, policy: Policy, flows: list[Flow]) -> list[Decision]:
    path = folder / "decide.yaml"
    path.write_text(policy.text())
    lines = "".join(flow.line() + "\n" for flow in flows)
    result = subprocess.run([build.decide(), str(path)], input=lines, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, f"{result.stderr}\n{policy.text()}"
    answers = [line.split(" ", 2) for line in result.stdout.splitlines()]
    assert len(answers) == len(flows)
    return [Decision(int(v), int(r), None if rule == "-" else rule) for v, r, rule in answers]


def request(proxy: Proxy, flow: Flow) -> Outcome:
    return proxy.ask(flow.mode, flow.name, flow.source, flow.port)


def disagreement(proxy: Proxy, policy: Policy, flow: Flow, decision: Decision, outcome: Outcome) -> str | None:
    """What is wrong, or None. An allowed flow must reach a backend where there is one, else fail for want of one."""
    allowed = Kind.REACHED if flow.port in (proxy.world.port, proxy.world.other_port) else Kind.FAILED
    expected = allowed if decision.verdict == ALLOW else Kind.REFUSED
    if outcome.kind is not expected:
        return f"decide says {decision}, Envoy {outcome}"
    if decision.reason not in NAMED:
        return None
    if decision.reason == DENY_ADDRESS:  # on the SNI listener, `rule` is the rule that allowed the name
        details = proxy.logged(outcome)[-1]["details"]
        good = details == f"rbac_access_denied_matched_policy[{decision.rule}]"
        return None if good else f"decide says {decision}, the access log {details!r}"
    logged = proxy.rule(outcome)
    if decision.verdict != ALLOW and flow.mode != "sni":
        # Routes are by port: where no allow rule has the port, the explicit listener has none for a deny entry, which
        # means all ports. The refusal is then nobody's, or that of another deny entry, for broader names.
        good = logged is None or logged in {rule.name for rule in policy.rules if rule.deny}
    else:
        good = logged == decision.rule
    return None if good else f"decide says {decision}, the access log {logged!r}"


def compare(proxy: Proxy, folder: Path, policy: Policy, flows: list[Flow]) -> tuple[Flow, str] | None:
    """The first flow on which the two differ."""
    decisions = decide(folder, policy, flows)
    for flow, decision in zip(flows, decisions, strict=True):
        allowed, rule = meaning.decide(policy, flow)
        if allowed != (decision.verdict == ALLOW) or decision.reason in NAMED and rule != decision.rule:
            return flow, f"decide says {decision}, harness/meaning.py {'allowed' if allowed else 'denied'} by {rule}"
    proxy.use(policy.text())
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(lambda flow: request(proxy, flow), flows))
    for flow, decision, outcome in zip(flows, decisions, outcomes, strict=True):
        fault = disagreement(proxy, policy, flow, decision, outcome)
        if fault is not None:
            return flow, fault
    return None


def smallest(proxy: Proxy, folder: Path, policy: Policy, flow: Flow, fault: str) -> tuple[Policy, str]:
    """Leaves out what can be left out while the two still differ on ``flow``; stops after two minutes at the latest."""
    deadline = time.monotonic() + 120
    smaller = True
    while smaller and time.monotonic() < deadline:
        smaller = False
        for less in policy.smaller():
            if any(not rule.deny for rule in less.rules):
                found = compare(proxy, folder, less, [flow])
                if found is not None:
                    policy, fault, smaller = less, found[1], True
                    break
    return policy, fault


def test_decide_and_envoy_agree(
    proxy: Proxy, tmp_path: Path, variant: str, record_property: Callable[[str, object], None]
) -> None:
    seed = int(os.environ.get("EGRESS_SEED", random.SystemRandom().randrange(2**32)))
    record_property("printed", f"EGRESS_SEED={seed}, {POLICIES * FLOWS} pairs")
    rng = random.Random(f"{seed} {variant}")
    ports = (proxy.world.port, proxy.world.other_port, 443, 80)
    for _ in range(POLICIES):
        policy = random_policy(rng, ports)
        flows = [random_flow(rng, policy, proxy.world.port, ports) for _ in range(FLOWS)]
        found = compare(proxy, tmp_path, policy, flows)
        if found is not None:
            flow, fault = found
            policy, fault = smallest(proxy, tmp_path, policy, flow, fault)
            pytest.fail(f"EGRESS_SEED={seed}\n{policy.text()}\n{flow}\n{flow.line()}\n{fault}", pytrace=False)
