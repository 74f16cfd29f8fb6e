"""Policies: who may reach which destinations."""

import os
from dataclasses import dataclass
from enum import Enum
from typing import overload

from egress import lowlevel
from egress.errors import Diagnostic, PolicyError, check, diagnostics, new_diag
from egress.snapshot import Snapshot


class Protocol(Enum):
    """What a client speaks to the proxy, as the proxy can see it."""

    TLS = lowlevel.EGRESS_PROTOCOL_TLS
    """TLS with a server name, or an explicit CONNECT to a name."""
    HTTP = lowlevel.EGRESS_PROTOCOL_HTTP
    """Plain HTTP."""
    TCP = lowlevel.EGRESS_PROTOCOL_TCP
    """A connection, or an explicit CONNECT, to an address."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One attempt to leave: who asks, for what."""

    source: str
    """Address of the client, such as ``"10.4.0.7"``."""
    name: str | bytes | None = None
    """Name asked for, as the client sent it, any bytes; None: it gave none."""
    port: int = 443
    protocol: Protocol = Protocol.TLS
    address: str | None = None
    """Address dialled or asked for."""
    resolved: tuple[str, ...] | None = None
    """Addresses that the name resolves to; None: unknown."""


class Verdict(Enum):
    """What happens to a flow."""

    DENY = lowlevel.EGRESS_DENY
    ALLOW = lowlevel.EGRESS_ALLOW
    ALLOW_IF_ADDRESS = lowlevel.EGRESS_ALLOW_IF_ADDRESS
    """Let through if the addresses that the name resolves to pass the address guard; the flow did not say them."""


class Reason(Enum):
    """Why a flow got its verdict."""

    RULE = lowlevel.EGRESS_REASON_RULE
    DENY_RULE = lowlevel.EGRESS_REASON_DENY_RULE
    NO_MATCH = lowlevel.EGRESS_REASON_NO_MATCH
    BAD_NAME = lowlevel.EGRESS_REASON_BAD_NAME
    NO_SNI = lowlevel.EGRESS_REASON_NO_SNI
    GUARD = lowlevel.EGRESS_REASON_GUARD
    DENY_ADDRESS = lowlevel.EGRESS_REASON_DENY_ADDRESS


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and what led to it. True in a condition when the flow is allowed."""

    allowed: bool
    """Also with ``Verdict.ALLOW_IF_ADDRESS``, where Envoy still looks at what the name resolves to."""
    rule: str | None
    """Name of the rule that decided; None when none did."""
    verdict: Verdict
    reason: Reason
    owner: str | None
    """Whom to ask, as the rule says."""
    note: str | None
    """The rule's own ``reason``, as written in the policy."""
    line: int
    """Place of the rule in the policy text, from 1; 0 when no rule decided."""
    column: int

    def __bool__(self) -> bool:
        return self.allowed


class Policy:
    """A checked egress policy. It never changes; any thread may use it."""

    __slots__ = ("_diagnostics", "_raw")

    _raw: lowlevel.egress_policy
    _diagnostics: tuple[Diagnostic, ...]

    def __init__(self, text: str | bytes, name: str = "policy") -> None:
        """Read a policy from text; ``name`` is what diagnostics call it. Raises PolicyError with every fault."""
        diag = new_diag()
        data = text.encode() if isinstance(text, str) else bytes(memoryview(text))
        code, raw = lowlevel.egress_policy_parse(data, name, diag)
        check(code, PolicyError, diag)
        self._raw, self._diagnostics = raw, diagnostics(diag)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Policy":
        """Read a policy from a file. Raises PolicyError with every fault, or FileError."""
        diag = new_diag()
        code, raw = lowlevel.egress_policy_load(path, diag)
        check(code, PolicyError, diag)
        policy = cls.__new__(cls)
        policy._raw, policy._diagnostics = raw, diagnostics(diag)
        return policy

    def __repr__(self) -> str:
        return f"<Policy of {len(self.rules)} rules, {self.destination_count} destinations>"

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Warnings met while reading it."""
        return self._diagnostics

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules: the ``deny`` entries in file order first, then the ``rules``."""
        count = lowlevel.egress_policy_rule_count(self._raw)
        return tuple(lowlevel.egress_policy_rule_name(self._raw, index) for index in range(count))

    @property
    def destination_count(self) -> int:
        """Number of host patterns and CIDRs in all rules."""
        return lowlevel.egress_policy_destination_count(self._raw)

    @overload
    def decide(self, source: Flow, /) -> Decision: ...

    @overload
    def decide(
        self,
        source: str,
        name: str | bytes | None = None,
        port: int = 443,
        *,
        protocol: Protocol = Protocol.TLS,
        address: str | None = None,
        resolved: tuple[str, ...] | None = None,
    ) -> Decision: ...

    def decide(
        self,
        source: str | Flow,
        name: str | bytes | None = None,
        port: int = 443,
        *,
        protocol: Protocol = Protocol.TLS,
        address: str | None = None,
        resolved: tuple[str, ...] | None = None,
    ) -> Decision:
        """Decide one flow, given as such or in its parts: what an Envoy that runs this policy does with it."""
        flow = source if isinstance(source, Flow) else Flow(source, name, port, protocol, address, resolved)
        code, made = lowlevel.egress_policy_decide(self._raw, _flow_tuple(flow))
        if code < 0:
            check(code, PolicyError, about=repr(flow))  # a text that costs more than a decision
        number, reason, rule, owner, note, line, column = made
        verdict = Verdict(number)
        return Decision(verdict is not Verdict.DENY, rule, verdict, Reason(reason), owner, note, line, column)

    def explain(self, flow: Flow) -> str:
        """Say in a sentence how ``flow`` is decided and why, and for a refusal what comes nearest."""
        code, text = lowlevel.egress_policy_explain(self._raw, _flow_tuple(flow))
        check(code, PolicyError, about=repr(flow))
        return text

    def compile(
        self,
        *,
        explicit: str | None = None,
        sni: str | None = None,
        dns_resolver: str | None = None,
        access_log: str | None = None,
        previous: Snapshot | None = None,
        history: str | None = None,
        name_rules: bool = False,
        skip_unsupported: bool = False,
        sni_port: int = 443,
    ) -> Snapshot:
        """Turn the policy into what Envoy needs to enforce it.

        ``explicit`` and ``sni`` are where the explicit forward proxy and the SNI proxy listen (``"ADDRESS:PORT"``); at
        least one is required. ``dns_resolver`` is whom Envoy asks (default: its machine's), ``access_log`` the file
        it writes (default: standard output), ``sni_port`` the port that the SNI proxy dials. With ``previous``, the
        snapshot in force, Envoy ends connections whose rule became narrower; ``history``, a text of
        ``Snapshot.history``, does the same after a restart. ``name_rules`` puts the rule's name into the body of a
        refusal; ``skip_unsupported`` leaves out, with a warning in ``Snapshot.diagnostics``, what a listener cannot
        express.
        """
        flags = lowlevel.EGRESS_COMPILE_NAME_RULES if name_rules else 0
        flags |= lowlevel.EGRESS_COMPILE_SKIP_UNSUPPORTED if skip_unsupported else 0
        before = None if previous is None else previous._raw
        diag = new_diag()
        code, raw = lowlevel.egress_compile(
            self._raw, (explicit, sni, dns_resolver, access_log, before, history, flags, sni_port), diag
        )
        check(code, PolicyError, diag)
        return Snapshot._own(raw, diagnostics(diag))


def _flow_tuple(flow: Flow) -> "lowlevel._FlowTuple":
    return flow.source, flow.name, flow.port, flow.protocol.value, flow.address, flow.resolved
