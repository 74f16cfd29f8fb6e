"""Policies and decisions."""

import dataclasses
import pathlib
import threading

import pytest
from conftest import POLICY

import egress
from egress import Flow, Protocol, Reason, Verdict


def test_allowed_with_all_that_the_rule_says(policy: egress.Policy) -> None:
    decision = policy.decide("10.4.0.7", "api.payments.example", 443)
    assert decision.allowed
    assert decision.rule == "billing-payments"
    assert decision.owner == "payments"
    assert decision.note == "TICKET-12"
    assert decision.reason is Reason.RULE
    assert (decision.line, decision.column) == (5, 5)


def test_guarded_name_is_allowed_if_its_addresses_are(policy: egress.Policy) -> None:
    assert policy.decide("10.4.0.7", "api.payments.example").verdict is Verdict.ALLOW_IF_ADDRESS
    assert policy.decide("10.4.0.7", "api.payments.example", resolved=("198.51.100.7",)).verdict is Verdict.ALLOW
    inside = policy.decide("10.4.0.7", "api.payments.example", resolved=("198.51.100.7", "10.0.0.1"))
    assert (inside.verdict, inside.reason, inside.rule) == (Verdict.DENY, Reason.GUARD, "billing-payments")


def test_decision_is_its_verdict_in_a_condition(policy: egress.Policy) -> None:
    assert policy.decide("10.4.0.7", "api.payments.example")
    assert not policy.decide("10.4.0.7", "api.payments.example", 8443)
    assert not policy.decide("10.4.0.7", "example.com")


def test_refusals_say_why(policy: egress.Policy) -> None:
    nothing = policy.decide("10.4.0.7", "example.com")
    assert (nothing.allowed, nothing.rule, nothing.reason, nothing.line) == (False, None, Reason.NO_MATCH, 0)
    listed = policy.decide("10.4.0.7", "www.paste.example")
    assert (listed.allowed, listed.rule, listed.reason) == (False, "no-paste", Reason.DENY_RULE)
    assert listed.note == "pastes are public"
    assert policy.decide("10.4.0.7").reason is Reason.NO_SNI


@pytest.mark.parametrize(
    "name", ["a..payments.example", "x y.payments.example", "127.0.0.1:80@a.payments.example", "a\0.payments.example"]
)
def test_malformed_names_are_refused(policy: egress.Policy, name: str) -> None:
    assert policy.decide("10.4.0.7", name).reason is Reason.BAD_NAME
    assert policy.decide("10.4.0.7", name.encode()).reason is Reason.BAD_NAME


def test_name_may_be_any_bytes(policy: egress.Policy) -> None:
    assert policy.decide("10.4.0.7", b"a\xff\x00.payments.example").reason is Reason.BAD_NAME
    assert policy.decide("10.4.0.7", b"API.payments.example").allowed
    # A name that ends at its NUL would be an allowed one.
    assert not policy.decide("10.4.0.7", "api.payments.example\0.evil.example")


def test_empty_name_is_no_absent_name(policy: egress.Policy) -> None:
    assert policy.decide("10.4.0.7", "").reason is Reason.BAD_NAME
    assert policy.decide("10.4.0.7", b"").reason is Reason.BAD_NAME


def test_flow_says_the_same_as_its_parts(policy: egress.Policy) -> None:
    flow = Flow("10.4.0.7", port=22, protocol=Protocol.TCP, address="192.0.2.9")
    assert policy.decide(flow) == policy.decide("10.4.0.7", port=22, protocol=Protocol.TCP, address="192.0.2.9")
    assert policy.decide(flow).rule == "office"
    assert not policy.decide(dataclasses.replace(flow, address="192.0.3.9"))
    assert not policy.decide(dataclasses.replace(flow, port=23))


def test_explanation_names_the_verdict(policy: egress.Policy) -> None:
    assert policy.explain(Flow("10.4.0.7", "api.payments.example")).startswith("allowed")
    refused = policy.explain(Flow("10.4.0.7", "api.payments.example", 8443))
    assert refused.startswith("denied") and "billing-payments" in refused and "egress.yaml:5" in refused


@pytest.mark.parametrize(
    "flow",
    [
        Flow("not an address", "api.payments.example"),
        Flow("10.4.0.7", "api.payments.example", 0),
        Flow("10.4.0.7", "api.payments.example", 65536),
        Flow("10.4.0.7", "api.payments.example", -1),
        Flow("10.4.0.7", "api.payments.example", 2**80),
        Flow("10.4.0.7", "api.payments.example", resolved=("nowhere",)),
        Flow("10.4.0.7\0", "api.payments.example"),
        Flow("10.4.0.7", "api.payments.example", address="192.0.2.1\0"),
    ],
)
def test_flow_that_makes_no_sense_is_a_value_error(policy: egress.Policy, flow: Flow) -> None:
    with pytest.raises(ValueError):
        policy.decide(flow)
    with pytest.raises(ValueError):
        policy.explain(flow)


@pytest.mark.parametrize(
    "source, name, port", [(None, "a", 443), (7, "a", 443), ("10.0.0.1", 7, 443), ("10.0.0.1", "a", "x")]
)
def test_wrong_types_are_type_errors(policy: egress.Policy, source: object, name: object, port: object) -> None:
    with pytest.raises(TypeError):
        policy.decide(source, name, port)  # type: ignore[call-overload]


@pytest.mark.parametrize("text", [5, None, ["version"], [118, 101]])
def test_text_of_a_wrong_type_is_a_type_error(text: object) -> None:
    """``bytes(5)`` would be five NULs."""
    with pytest.raises(TypeError):
        egress.Policy(text)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_text_may_be_bytes_of_any_kind(kind: type) -> None:
    assert egress.Policy(kind(b"version: egress/v1\n")).rules == ()


def test_rules_are_named_denies_first(policy: egress.Policy) -> None:
    assert policy.rules == ("no-paste", "billing-payments", "office")
    assert policy.destination_count == 4
    assert policy.diagnostics == ()
    assert "3 rules" in repr(policy)


def test_load_reads_files_of_any_name(tmp_path: pathlib.Path) -> None:
    for name in ["policy.yaml", "zölle.yaml", b"raw-\xff.yaml".decode("utf-8", "surrogateescape")]:
        path = tmp_path / name
        path.write_text(POLICY)
        assert egress.Policy.load(path).rules == egress.Policy.load(str(path)).rules


def test_decides_from_many_threads(policy: egress.Policy) -> None:
    wrong: list[str] = []

    def work(number: int) -> None:
        for turn in range(200):
            name = f"h{turn}.payments.example" if number % 2 else f"h{turn}.example.com"
            if policy.decide("10.0.0.1", name).allowed != bool(number % 2):
                wrong.append(name)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
