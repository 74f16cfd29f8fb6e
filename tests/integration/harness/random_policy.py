"""
Random policies and flows near their borders. Everything comes from a small alphabet, so that rules meet, cover and
contradict each other all the time.
"""

import ipaddress
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .world import MAIN, SECOND, TRAP, lookup

SOURCES = {
    "all-a": "127.1.0.0/16",
    "some-a": "127.1.2.0/24",
    "one-b": "127.2.0.1/32",
    "half": "127.0.0.0/15",
}
CLIENTS = ("127.1.0.1", "127.1.2.3", "127.2.0.1", "127.2.0.2", "127.0.0.1", "127.3.0.1")

# The first letter of a name says where it leads (world.lookup): t to a guarded address, s to the second one.
LABELS = ("a", "b", "ab", "aab", "t", "s", "sa")
ZONES = ("test", "x.test", "a.x.test", "y.test")
GLOBS = ("*", "*", "*", "a*", "*b", "a*b", "s*")
ADDRESSES = (MAIN, SECOND, TRAP)
CIDRS = ("127.9.0.0/16", f"{MAIN}/32", f"{SECOND}/32", f"{TRAP}/32", "127.8.0.0/15", "127.0.0.0/8", "10.0.0.0/8")


@dataclass(frozen=True)
class Rule:
    name: str
    deny: bool
    to: tuple[str, ...]
    sources: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    protocol: str = ""

    def item(self) -> str:
        keys: dict[str, object] = {"name": self.name}
        if self.sources:
            keys["from"] = list(self.sources)
        keys["to"] = list(self.to)
        if self.ports:
            keys["ports"] = list(self.ports)
        if self.protocol:
            keys["protocol"] = self.protocol
        return f"  - {json.dumps(keys)}\n"

    def smaller(self) -> Iterator["Rule"]:
        for field in ("to", "sources", "ports"):
            values = getattr(self, field)
            for at in range(len(values)):
                rest = values[:at] + values[at + 1 :]
                if rest or field == "sources":
                    yield replace(self, **{field: rest})
        if self.protocol and not has_address(self.to):
            yield replace(self, protocol="")


@dataclass(frozen=True)
class Policy:
    rules: tuple[Rule, ...]
    allow_private: tuple[str, ...]
    guard: bool = True

    def text(self) -> str:
        defaults = {"allow_private": list(self.allow_private), "deny_private_ips": self.guard}
        text = f"version: egress/v1\ndefaults: {json.dumps(defaults)}\nsources:\n"
        text += "".join(f"  {name}: {{cidrs: [{cidr}]}}\n" for name, cidr in SOURCES.items())
        denies = "".join(rule.item() for rule in self.rules if rule.deny)
        allows = "".join(rule.item() for rule in self.rules if not rule.deny)
        return text + (f"deny:\n{denies}" if denies else "") + f"rules:\n{allows}"

    def smaller(self) -> Iterator["Policy"]:
        """Policies with a little less in them, the largest step first."""
        for at, rule in enumerate(self.rules):
            yield replace(self, rules=self.rules[:at] + self.rules[at + 1 :])
        for at, rule in enumerate(self.rules):
            for less in rule.smaller():
                yield replace(self, rules=self.rules[:at] + (less,) + self.rules[at + 1 :])
        if len(self.allow_private) > 1:
            for at in range(len(self.allow_private)):
                yield replace(self, allow_private=self.allow_private[:at] + self.allow_private[at + 1 :])


# The modes of proxy.MODES that are plain HTTP.
PLAIN = ("http", "host", "get_h2")


@dataclass(frozen=True)
class Flow:
    mode: str  # one of proxy.MODES
    source: str
    name: bytes | None  # an address too, where the mode has one
    port: int

    @property
    def address(self) -> str | None:
        try:
            return str(ipaddress.IPv4Address((self.name or b"").decode())) if self.mode != "sni" else None
        except ValueError:
            return None

    def line(self) -> str:
        """The question as tests/tools/decide.c reads it."""
        tls, http, tcp = 1, 2, 3
        protocol = http if self.mode in PLAIN else tcp if self.address else tls
        name, resolved = "-", "-"
        if self.address is None and self.name is not None:
            name = "=" + self.name.hex()
            resolved = ",".join(lookup(self.name.decode("latin-1").lower()) or []) or "-"
        return f"{self.source} {protocol} {name} {self.address or '-'} {self.port} {resolved}"


def has_address(to: tuple[str, ...]) -> bool:
    return any("/" in item for item in to)


def random_name(rng: random.Random) -> str:
    labels = [rng.choice(LABELS) for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3)))]
    return ".".join([*labels, rng.choice(ZONES)])


def random_pattern(rng: random.Random) -> str:
    kind = rng.random()
    zone = rng.choice(ZONES)
    if kind < 0.35:
        return random_name(rng)
    if kind < 0.5:
        return f"**.{zone}"
    if kind < 0.7:
        return f"{rng.choice(GLOBS)}.{zone}"
    if kind < 0.8:
        return f"{rng.choice(GLOBS)}.{rng.choice(LABELS)}.{zone}"
    if kind < 0.88:
        return f"{rng.choice(LABELS)}.{rng.choice(GLOBS)}.{zone}"
    if kind < 0.94:
        return f"**.{rng.choice(GLOBS + LABELS)}.{zone}"
    if kind < 0.97:
        return f"{rng.choice(GLOBS)}.{rng.choice(GLOBS)}"
    return rng.choice(("*", "**"))


def random_rule(rng: random.Random, name: str, deny: bool, ports: tuple[int, ...]) -> Rule:
    addresses = rng.random() < 0.2
    to = [random_pattern(rng) for _ in range(rng.choice((1, 1, 2, 3)))]
    protocol = rng.choice(("", "", "tls", "http", "any"))
    if addresses:
        cidrs = rng.sample(CIDRS, rng.choice((1, 1, 2)))
        alone = rng.random() < 0.6
        to = cidrs if alone else to + cidrs
        protocol = rng.choice(("", "any", "tcp", "http")) if alone else rng.choice(("", "any"))
    chosen = tuple(sorted(rng.sample(ports, rng.randint(1, len(ports)))))
    if not addresses and rng.random() < 0.1 or deny and rng.random() < 0.5:
        chosen = ()
    sources = tuple(rng.sample(sorted(SOURCES), rng.choice((0, 0, 1, 1, 2))))
    spelled = dict.fromkeys(item if "/" in item else spelling(rng, item) for item in to)
    return Rule(name, deny, tuple(spelled), sources, chosen, protocol)


def spelling(rng: random.Random, pattern: str) -> str:
    """The pattern, now and then as people write it who do not know that case and a last dot mean nothing."""
    return rng.choice((pattern, pattern, pattern, pattern, pattern.upper(), f"{pattern}."))


def random_policy(rng: random.Random, ports: tuple[int, ...]) -> Policy:
    denies = [random_rule(rng, f"{rng.choice('az')}d{i}", True, ports) for i in range(rng.choice((0, 1, 1, 2, 3)))]
    allows = [random_rule(rng, f"r{i}", False, ports) for i in range(rng.randint(1, 7))]
    private = ("127.9.0.0/16", f"{TRAP}/32") if rng.random() < 0.3 else ("127.9.0.0/16",)
    if rng.random() < 0.1:
        private = (f"{SECOND}/32",)
    return Policy((*denies, *allows), private, rng.random() > 0.1)


def instance(rng: random.Random, pattern: str) -> str:
    """A name that matches the pattern, or nearly."""
    labels = []
    for label in pattern.split("."):
        if label == "**":
            labels += [rng.choice(LABELS) for _ in range(rng.choice((0, 1, 1, 2)))]
        else:
            labels.append(label.replace("*", rng.choice(("", "a", "b", "ab", "x", "-", "a.b"))))
    return ".".join(labels)


def spoil(rng: random.Random, name: str) -> bytes:
    """Takes the name a step over a border, mostly one that ought to matter."""
    kind = rng.random()
    labels = name.split(".")
    if kind < 0.55:
        return name.encode()
    if kind < 0.65:
        return ".".join(labels[1:]).encode()
    if kind < 0.75:
        return f"{rng.choice(LABELS)}.{name}".encode()
    if kind < 0.82:
        return "".join(rng.choice((c, c.upper())) for c in name).encode()
    if kind < 0.88:
        return f"{rng.choice(LABELS)}{name}".encode()
    return rng.choice(
        (
            name.encode() + b".",
            b"." + name.encode(),
            name.replace(".", "..", 1).encode(),
            name.encode() + rng.choice((b"x", b".evil", b"1", b".1")),
            b"\x80" + name.encode(),
            b"*" + name.encode(),
            b"u@" + name.encode(),
            b"l" * 64 + b"." + name.encode(),
            b"l" * 63 + b"." + name.encode(),
        )
    )


def random_flow(rng: random.Random, policy: Policy, sni_port: int, ports: tuple[int, ...]) -> Flow:
    mode = rng.choice(("sni", "sni", "sni", *PLAIN, "connect", "connect", "connect_h2"))
    patterns = [item for rule in policy.rules for item in rule.to if "/" not in item]
    name = instance(rng, rng.choice(patterns)) if patterns and rng.random() < 0.85 else random_name(rng)
    wire: bytes | None = spoil(rng, name)
    if mode != "sni" and rng.random() < 0.2:
        wire = rng.choice(ADDRESSES).encode()
    if mode == "sni" and rng.random() < 0.03:
        wire = None
    if mode == "http" and wire is not None and b"@" in wire:
        mode = "host"  # in a URL, what is before the @ is no part of the name
    return Flow(mode, rng.choice(CLIENTS), wire, sni_port if mode == "sni" else rng.choice(ports))
